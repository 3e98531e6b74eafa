//! The laws of the queue, under schedules that nobody would think of: workers that take, finish,
//! die, stand still past their lease and come back, in any order.

use std::collections::{BTreeMap, BTreeSet};

use largestack_engine::event::CancelReason;
use largestack_types::errors::{Code, Coded as _};
use proptest::prelude::*;

use super::*;
use crate::queue::Kind;

const NAMES: [&str; 2] = ["writer", "reader"];
const STEPS: usize = 3;

fn tenant(number: u8) -> Scope {
    Scope::authenticated(TenantId::new(&format!("t{number}")).unwrap(), "ann")
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn run(number: u128) -> RunId {
    RunId::from_u128(number)
}

fn worker(number: u128) -> OwnerId {
    OwnerId::from_u128(number)
}

fn request() -> CancelRequested {
    CancelRequested { reason: CancelReason::Caller, by: "ann".into(), note: "enough".into() }
}

fn ask(most: u32) -> Ask {
    let served = |name: &str, most| Served { kind: Kind::Agent, name: name.into(), most };
    Ask {
        serves: vec![served("writer", Some(2)), served("reader", None)],
        per_tenant: Some(3),
        most,
    }
}

/// What happens next. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Act {
    Enqueue {
        tenant: u8,
        name: usize,
        priority: i16,
        later: bool,
    },
    Claim {
        worker: usize,
        most: u32,
    },
    /// A worker does the next step of something it has.
    Step {
        worker: usize,
        which: usize,
    },
    /// It says what becomes of something it has.
    Conclude {
        worker: usize,
        which: usize,
        fate: u8,
    },
    /// It dies, and another one starts in its place.
    Die {
        worker: usize,
    },
    /// The others hear nothing of it any more, or again.
    Silence {
        worker: usize,
        silent: bool,
    },
    Tend {
        worker: usize,
    },
    Cancel {
        which: usize,
    },
    Wake {
        which: usize,
    },
    Retry {
        which: usize,
    },
    Wait,
}

fn act() -> impl Strategy<Value = Act> {
    let (w, k) = (0..3_usize, 0..64_usize);
    prop_oneof![
        4 => (0..3_u8, 0..2_usize, -1..2_i16, prop::bool::weighted(0.1)).prop_map(
            |(tenant, name, priority, later)| Act::Enqueue { tenant, name, priority, later }),
        4 => (w.clone(), 1..4_u32).prop_map(|(worker, most)| Act::Claim { worker, most }),
        8 => (w.clone(), k.clone()).prop_map(|(worker, which)| Act::Step { worker, which }),
        4 => (w.clone(), k.clone(), 0..8_u8).prop_map(
            |(worker, which, fate)| Act::Conclude { worker, which, fate }),
        1 => w.clone().prop_map(|worker| Act::Die { worker }),
        2 => (w.clone(), any::<bool>()).prop_map(
            |(worker, silent)| Act::Silence { worker, silent }),
        3 => w.prop_map(|worker| Act::Tend { worker }),
        1 => k.clone().prop_map(|which| Act::Cancel { which }),
        1 => k.clone().prop_map(|which| Act::Wake { which }),
        1 => k.prop_map(|which| Act::Retry { which }),
        1 => Just(Act::Wait),
    ]
}

/// A process: who it is, what it believes that it has, and whether others hear of it.
struct Process {
    id: OwnerId,
    has: Vec<Held>,
    silent: bool,
}

/// A run as its journal has it: who may write, and how often each step was done.
#[derive(Default)]
struct Written {
    lease: Option<OwnerId>,
    done: Vec<u32>,
}

struct World {
    table: Table,
    now: i64,
    processes: Vec<Process>,
    dead: BTreeSet<OwnerId>,
    journals: BTreeMap<Key, Written>,
    fences: BTreeMap<Key, u64>,
    runs: Vec<Key>,
    started: u128,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            table: Table::default(),
            now: 0,
            processes: Vec::new(),
            dead: BTreeSet::new(),
            journals: BTreeMap::new(),
            fences: BTreeMap::new(),
            runs: Vec::new(),
            started: 0,
        };
        for _ in 0..3 {
            let process = world.process();
            world.processes.push(process);
        }
        world
    }

    fn process(&mut self) -> Process {
        self.started += 1;
        Process { id: worker(self.started), has: Vec::new(), silent: false }
    }

    fn alive(&self) -> BTreeSet<OwnerId> {
        self.processes.iter().filter(|p| !p.silent).map(|p| p.id).collect()
    }

    fn claim(&mut self, number: usize, most: u32) {
        let (before, now) = (self.table.clone(), at(self.now));
        let id = self.processes[number].id;
        let taken = self.table.claim(now, id, &ask(most));
        assert!(taken.len() <= most as usize);
        let mut so_far = before;
        for held in taken {
            // One at a time is the same as all at once.
            let alone = so_far.claim(now, id, &ask(1));
            assert_eq!(alone.first(), Some(&held));
            self.check_order(&held);
            let key = (held.scope.tenant().clone(), held.run);
            let last = self.fences.insert(key, held.fence).unwrap_or(0);
            assert!(held.fence > last, "fences rise");
            self.processes[number].has.push(held);
        }
        if self.processes[number].has.len() < 100 && most > 0 {
            self.check_limits();
        }
    }

    /// Nothing of the same tenant that could have gone first is left behind.
    fn check_order(&self, held: &Held) {
        let row = &self.table.rows[&(held.scope.tenant().clone(), held.run)];
        for ((of, _), other) in &self.table.rows {
            let waits = other.state == State::Queued && other.due <= at(self.now);
            let same = other.job.name == row.job.name && of == held.scope.tenant();
            if waits && same {
                let order = |row: &Row| (-row.job.priority, row.position);
                assert!(order(row) < order(other), "by priority, then age");
            }
        }
    }

    fn check_limits(&self) {
        for served in &ask(1).serves {
            let running = self.table.running_of(served);
            assert!(served.most.is_none_or(|most| running <= most), "{served:?}: {running}");
        }
        for number in 0..3 {
            assert!(self.table.running_for(tenant(number).tenant()) <= 3);
        }
    }

    /// A step is an effect that the journal keeps: only who has the run's lease can do one.
    fn step(&mut self, number: usize, which: usize) {
        let alive = self.alive();
        let Process { id, has, silent } = &self.processes[number];
        let Some(held) = has.get(which % has.len().max(1)) else { return };
        let written = self.journals.entry((held.scope.tenant().clone(), held.run)).or_default();
        let free = written.lease.is_none_or(|holder| holder == *id || !alive.contains(&holder));
        if !free || (*silent && written.lease != Some(*id)) {
            return;
        }
        written.lease = Some(*id);
        if written.done.len() < STEPS {
            written.done.push(1);
        }
    }

    fn conclude(&mut self, number: usize, which: usize, fate: u8) {
        let len = self.processes[number].has.len().max(1);
        if which % len >= self.processes[number].has.len() {
            return;
        }
        let held = self.processes[number].has.remove(which % len);
        let (id, now) = (self.processes[number].id, at(self.now));
        let key = (held.scope.tenant().clone(), held.run);
        let written = self.journals.entry(key.clone()).or_default();
        if written.lease == Some(id) {
            written.lease = None;
        }
        let finished = written.done.len() == STEPS;
        let error = LargestackError::other(Code::Store, "gone");
        let fate = match fate {
            _ if finished => Fate::Done,
            0 => Fate::Waiting { until: None },
            1 => Fate::Waiting { until: Some(at(self.now + 5)) },
            2 => Fate::Failed { error, after: Some(Duration::from_micros(3)) },
            3 => Fate::Failed { error, after: None },
            _ => Fate::Returned { after: Duration::ZERO },
        };
        let mine = self.fences[&key] == held.fence && self.table.rows[&key].worker == Some(id);
        assert_eq!(self.table.conclude(now, id, &held, fate), mine, "only who has it says");
    }

    fn tend(&mut self, number: usize) {
        let process = &self.processes[number];
        let has: Vec<Key> =
            process.has.iter().map(|held| (held.scope.tenant().clone(), held.run)).collect();
        let (alive, id) = (self.alive(), process.id);
        let tended = self.table.tend(at(self.now), id, &has, |owner| alive.contains(&owner));
        let lost = |held: &Held| tended.lost.contains(&(held.scope.tenant().clone(), held.run));
        self.processes[number].has.retain(|held| !lost(held));
    }

    fn named(&self, which: usize) -> Option<(Scope, RunId)> {
        let (of, run) = self.runs.get(which % self.runs.len().max(1))?;
        Some((Scope::authenticated(of.clone(), "ann"), *run))
    }

    fn act(&mut self, act: &Act) {
        let now = at(self.now);
        match *act {
            Act::Enqueue { tenant: of, name, priority, later } => {
                let scope = tenant(of);
                let id = run(self.runs.len() as u128 + 1);
                let mut job = Job::agent(NAMES[name], "?").priority(priority);
                job.attempts = 3;
                job.not_before = later.then(|| at(self.now + 4));
                assert!(self.table.enqueue(now, &scope, (id, job.clone()), 1_000).unwrap());
                assert!(!self.table.enqueue(now, &scope, (id, job), 1_000).unwrap(), "once");
                self.runs.push((scope.tenant().clone(), id));
            }
            Act::Claim { worker, most } => self.claim(worker, most),
            Act::Step { worker, which } => self.step(worker, which),
            Act::Conclude { worker, which, fate } => self.conclude(worker, which, fate),
            Act::Die { worker } => {
                let next = self.process();
                self.dead.insert(std::mem::replace(&mut self.processes[worker], next).id);
            }
            Act::Silence { worker, silent } => self.processes[worker].silent = silent,
            Act::Tend { worker } => self.tend(worker),
            Act::Cancel { which } => {
                if let Some((scope, run)) = self.named(which) {
                    let was = self.table.find(&scope, run).unwrap().state;
                    let is = self.table.cancel(now, &scope, run, request()).unwrap();
                    assert_eq!(was == State::Running, is == State::Running);
                    assert!(is == State::Running || is.is_over());
                }
            }
            Act::Wake { which } => {
                if let Some((scope, run)) = self.named(which) {
                    self.table.wake(now, &scope, run);
                    assert_ne!(self.table.find(&scope, run).unwrap().state, State::Waiting);
                }
            }
            Act::Retry { which } => {
                if let Some((scope, run)) = self.named(which) {
                    let was = self.table.find(&scope, run).unwrap().state;
                    assert_eq!(self.table.retry(now, &scope, run), was == State::Poisoned);
                }
            }
            Act::Wait => self.now += 2,
        }
        self.check();
    }

    fn check(&self) {
        assert_eq!(self.table.rows.len(), self.runs.len(), "nothing is lost");
        for row in self.table.rows.values() {
            assert_eq!(row.worker.is_some(), row.state == State::Running);
            assert!(row.attempts <= row.job.attempts, "attempts are bounded");
        }
        for written in self.journals.values() {
            assert!(written.done.iter().all(|times| *times == 1), "no step twice");
        }
    }

    /// Everybody who is left works until nothing is left to do.
    fn settle(&mut self) {
        for process in &mut self.processes {
            process.silent = false;
        }
        for _ in 0..self.runs.len() * 4 + 8 {
            self.now += 10;
            for number in 0..3 {
                self.tend(number);
                self.claim(number, 3);
                while !self.processes[number].has.is_empty() {
                    for _ in 0..STEPS {
                        self.step(number, 0);
                    }
                    self.conclude(number, 0, 7);
                }
                self.check();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_workers_do_nothing_is_lost_nothing_is_done_twice_and_limits_hold(
        acts in prop::collection::vec(act(), 1..120),
    ) {
        let mut world = World::new();
        for act in acts {
            world.act(&act);
        }
        world.settle();
        for (key, row) in &world.table.rows {
            match row.state {
                State::Done => {
                    let written = &world.journals[key];
                    prop_assert_eq!(written.done.len(), STEPS, "a run that is done is done");
                }
                // Waits for a person: nobody woke it.
                State::Waiting | State::Cancelled | State::Poisoned => {}
                State::Queued | State::Running => prop_assert!(false, "{key:?} is {}", row.state),
            }
        }
    }
}

fn held(table: &mut Table, now: i64, by: u128, most: u32) -> Vec<Held> {
    table.claim(at(now), worker(by), &ask(most))
}

fn enqueue(table: &mut Table, of: u8, number: u128, priority: i16) {
    let job = Job::agent("reader", "?").priority(priority);
    assert!(table.enqueue(at(0), &tenant(of), (run(number), job), 1_000).unwrap());
}

fn runs(held: &[Held]) -> Vec<u128> {
    held.iter().map(|held| u128::from_be_bytes(*held.run.as_bytes())).collect()
}

#[test]
fn tenants_take_turns_and_within_one_the_higher_and_the_older_go_first() {
    let mut table = Table::default();
    for number in 1..=4 {
        enqueue(&mut table, 0, number, i16::from(number == 3));
    }
    enqueue(&mut table, 1, 5, -1);
    enqueue(&mut table, 1, 6, 9);
    assert_eq!(runs(&held(&mut table, 0, 1, 5)), [3, 6, 1, 5, 2]);
    // Three of the first tenant run: that is as many as may.
    assert!(held(&mut table, 0, 1, 5).is_empty());
}

#[test]
fn a_queue_has_room_for_so_many_and_for_no_more_until_one_is_taken() {
    let mut table = Table::default();
    let job = || Job::agent("reader", "?");
    for number in 1..=2 {
        table.enqueue(at(0), &tenant(0), (run(number), job()), 2).unwrap();
    }
    let error = table.enqueue(at(0), &tenant(0), (run(3), job()), 2).unwrap_err();
    assert_eq!((error.code(), error.retryable()), (Code::QueueFull, true));
    // One that is known is no new one, and another tenant has room of its own.
    assert!(!table.enqueue(at(0), &tenant(0), (run(1), job()), 2).unwrap());
    assert!(table.enqueue(at(0), &tenant(1), (run(3), job()), 2).unwrap());
    held(&mut table, 0, 1, 1);
    assert!(table.enqueue(at(0), &tenant(0), (run(3), job()), 2).unwrap());
}

#[test]
fn a_job_that_kills_its_workers_is_set_aside_and_says_so() {
    let mut table = Table::default();
    let mut job = Job::agent("reader", "?");
    job.attempts = 2;
    table.enqueue(at(0), &tenant(0), (run(1), job), 10).unwrap();
    for (number, state) in [(1, State::Queued), (2, State::Poisoned)] {
        assert_eq!(held(&mut table, 0, number, 1).len(), 1);
        let tended = table.tend(at(0), worker(9), &[], |_| false);
        assert_eq!(tended.reclaimed, 1);
        assert_eq!(table.find(&tenant(0), run(1)).unwrap().state, state);
    }
    let entry = table.find(&tenant(0), run(1)).unwrap();
    assert!(entry.error.unwrap().message().starts_with("2 workers that had it"));
    assert!(held(&mut table, 0, 3, 1).is_empty());
    assert!(table.retry(at(0), &tenant(0), run(1)));
    assert_eq!(held(&mut table, 0, 3, 1)[0].attempt, 1);
}

#[test]
fn an_answer_that_comes_before_the_question_is_put_away_wakes_its_run_all_the_same() {
    let mut table = Table::default();
    enqueue(&mut table, 0, 1, 0);
    let taken = held(&mut table, 0, 1, 1);
    assert!(table.wake(at(0), &tenant(0), run(1)));
    assert!(table.conclude(at(0), worker(1), &taken[0], Fate::Waiting { until: None }));
    let again = held(&mut table, 0, 1, 1);
    assert_eq!(runs(&again), [1]);
    assert!(table.conclude(at(0), worker(1), &again[0], Fate::Waiting { until: None }));
    assert!(held(&mut table, 0, 1, 1).is_empty());
    assert!(table.wake(at(0), &tenant(0), run(1)));
    assert_eq!(runs(&held(&mut table, 0, 1, 1)), [1]);
}

#[test]
fn a_worker_that_was_taken_for_dead_hears_that_it_has_lost_its_jobs() {
    let mut table = Table::default();
    enqueue(&mut table, 0, 1, 0);
    let taken = held(&mut table, 0, 1, 1);
    table.tend(at(0), worker(2), &[], |_| false);
    let has = [(tenant(0).tenant().clone(), run(1))];
    assert_eq!(table.tend(at(0), worker(1), &has, |_| true).lost, has);
    assert!(!table.conclude(at(0), worker(1), &taken[0], Fate::Done));
    assert_eq!(table.counts(&tenant(0)), [(State::Queued, 1)]);
}

#[test]
fn a_job_whose_end_was_asked_for_before_it_was_taken_may_wait_and_one_since_then_may_not() {
    let mut table = Table::default();
    let job = Job::workflow("trip", serde_json::Value::Null);
    assert!(table.enqueue(at(0), &tenant(0), (run(1), job), 1_000).unwrap());
    let serves = vec![Served { kind: Kind::Workflow, name: "trip".into(), most: None }];
    let ask = Ask { serves, per_tenant: None, most: 1 };
    let take = |table: &mut Table, now| table.claim(at(now), worker(1), &ask);
    let until = Some(at(9));
    let first = take(&mut table, 0);
    assert_eq!(table.cancel(at(0), &tenant(0), run(1), request()), Some(State::Running));
    assert!(table.conclude(at(0), worker(1), &first[0], Fate::Waiting { until }));
    // Nobody had told who took it.
    let told = take(&mut table, 0);
    assert!(told[0].cancel.is_some());
    assert!(table.conclude(at(0), worker(1), &told[0], Fate::Waiting { until }));
    assert_eq!(table.find(&tenant(0), run(1)).unwrap().state, State::Waiting);
    assert!(take(&mut table, 8).is_empty(), "it knew, and waits");
    table.tend(at(9), worker(1), &[], |_| true);
    let woken = take(&mut table, 9);
    assert!(table.wake(at(9), &tenant(0), run(1)));
    assert!(table.conclude(at(9), worker(1), &woken[0], Fate::Waiting { until }));
    assert_eq!(table.find(&tenant(0), run(1)).unwrap().state, State::Queued, "woken since");
}
