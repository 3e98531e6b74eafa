//! The laws of a queue of runs, whatever it is made of: it does what
//! [`Table`](largestack_ports::queue::Table) does, which has laws of its own. The same things happen
//! to both, and everything that can be seen is compared.
#![expect(clippy::unwrap_used, reason = "a law that does not hold fails its test")]
#![expect(clippy::indexing_slicing, reason = "a law that does not hold fails its test")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::{CancelReason, CancelRequested};
use largestack_ports::BoxFuture;
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::ids::CountingIds;
use largestack_ports::queue::{
    Ask, Entry, Fate, Held, Job, Kind, MemoryQueue, Queue, Served, State,
};
use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};

use crate::dice::Dice;

/// A form of the queue; its parts are as many processes over the same state.
pub trait Form: Send + Sync + 'static {
    /// A new process's side.
    fn part(&self) -> Arc<dyn Queue>;

    /// A process that is dropped is gone for all others when this ends.
    fn gone(&self, part: Arc<dyn Queue>) -> BoxFuture<'_, ()>;

    /// The time, but for that of leases.
    fn clock(&self) -> FakeClock;

    /// Told when the clock was moved: where a server has a clock of its own, it is moved as far.
    fn moved(&self) {}
}

/// Every law, each over a state of its own.
pub async fn all(forms: &dyn Fn() -> Box<dyn Form>) {
    for seed in 0..4 {
        a_queue_does_what_the_table_does(&*forms(), seed).await;
    }
    limits_hold_however_many_claim_at_once(&*forms()).await;
    a_job_is_taken_by_one_of_many(&*forms()).await;
    whoever_waits_is_told(&*forms()).await;
}

fn tenant(number: i64) -> Scope {
    Scope::authenticated(TenantId::new(&format!("t{number}")).unwrap(), "ann")
}

fn ask(most: u32) -> Ask {
    let served = |name: &str, most| Served { kind: Kind::Agent, name: name.into(), most };
    Ask {
        serves: vec![served("writer", Some(2)), served("reader", None)],
        per_tenant: Some(3),
        most,
    }
}

/// What can be seen of a job, but for who has it and under which fence.
fn seen(entry: Entry) -> (Entry, bool) {
    let busy = entry.worker.is_some();
    (Entry { worker: None, ..entry }, busy)
}

fn jobs(held: &[Held]) -> Vec<(RunId, u32, u64, bool, Job)> {
    let job = |held: &Held| Job { run: None, not_before: None, ..held.job.clone() };
    let seen = |held: &Held| (held.run, held.attempt, held.wakes, held.cancel.is_some(), job(held));
    held.iter().map(seen).collect()
}

/// A process of both, and what it has.
struct Process {
    one: Arc<dyn Queue>,
    other: MemoryQueue,
    has: Vec<(Held, Held)>,
}

struct Both<'f> {
    form: &'f dyn Form,
    clock: FakeClock,
    memory: MemoryQueue,
    processes: Vec<Process>,
    runs: Vec<(Scope, RunId)>,
    dice: Dice,
}

impl Both<'_> {
    fn pick(&mut self, of: usize) -> usize {
        usize::try_from(self.dice.up_to(i64::try_from(of.max(1)).unwrap() - 1)).unwrap()
    }

    fn process(&self) -> Process {
        Process { one: self.form.part(), other: self.memory.another(), has: Vec::new() }
    }

    async fn enqueue(&mut self) {
        let scope = tenant(self.dice.up_to(2));
        let name = if self.dice.up_to(1) == 0 { "writer" } else { "reader" };
        let mut job = Job::agent(name, format!("question {}", self.runs.len()));
        job.priority = i16::try_from(self.dice.up_to(2)).unwrap();
        job.attempts = 2;
        job.run = Some(RunId::from_u128(u128::try_from(self.runs.len()).unwrap() + 1));
        if self.dice.up_to(5) == 0 {
            job.not_before = Some(self.clock.now().plus(Duration::from_secs(3)));
        }
        let process = &self.processes[0];
        let one = process.one.enqueue(&scope, job.clone(), 6).await;
        let other = process.other.enqueue(&scope, job, 6).await;
        assert_eq!(one, other);
        if let Ok(run) = one {
            self.runs.push((scope, run));
        }
    }

    async fn claim(&mut self) {
        let (number, most) = (self.pick(3), u32::try_from(self.dice.up_to(3)).unwrap());
        let process = &mut self.processes[number];
        let one = process.one.claim(&ask(most)).await.unwrap();
        let other = process.other.claim(&ask(most)).await.unwrap();
        assert_eq!(jobs(&one), jobs(&other));
        assert!(one.iter().all(|held| held.scope.principal() == "ann"));
        process.has.extend(one.into_iter().zip(other));
    }

    async fn conclude(&mut self) {
        let (number, fate) = (self.pick(3), self.dice.up_to(6));
        let which = self.processes[number].has.len();
        if which == 0 {
            return;
        }
        let which = self.pick(which);
        let now = self.clock.now();
        let process = &mut self.processes[number];
        let (one, other) = process.has.remove(which);
        let error = LargestackError::other(Code::Store, "gone");
        let fate = match fate {
            0 => Fate::Waiting { until: None },
            1 => Fate::Waiting { until: Some(now.plus(Duration::from_secs(2))) },
            2 => Fate::Failed { error, after: Some(Duration::from_secs(1)) },
            3 => Fate::Failed { error, after: None },
            4 => Fate::Returned { after: Duration::ZERO },
            _ => Fate::Done,
        };
        let said = process.one.conclude(&one, fate.clone()).await.unwrap();
        assert_eq!(said, process.other.conclude(&other, fate.clone()).await.unwrap());
        // Once is enough: it is not this process's any more.
        assert!(!process.one.conclude(&one, fate).await.unwrap());
    }

    async fn tend(&mut self) {
        let number = self.pick(3);
        let process = &mut self.processes[number];
        let one = process.one.tend().await.unwrap();
        let other = process.other.tend().await.unwrap();
        assert_eq!(one.reclaimed, other.reclaimed);
        let sorted = |tended: &largestack_ports::queue::Tended| {
            let cancelled = tended.cancelled.iter().map(|(tenant, run, _)| (tenant.clone(), *run));
            let lost: BTreeSet<_> = tended.lost.iter().cloned().collect();
            (cancelled.collect::<BTreeSet<_>>(), lost)
        };
        assert_eq!(sorted(&one), sorted(&other));
    }

    async fn die(&mut self) {
        let number = self.pick(3);
        let next = self.process();
        let Process { one, other, .. } = std::mem::replace(&mut self.processes[number], next);
        other.dies();
        self.form.gone(one).await;
    }

    async fn somebody(&mut self) {
        let (which, what) = (self.pick(self.runs.len()), self.dice.up_to(2));
        let Some((scope, run)) = self.runs.get(which) else { return };
        let request = CancelRequested {
            reason: CancelReason::Caller,
            by: "ann".into(),
            note: "enough".into(),
        };
        let Process { one, other, .. } = &self.processes[1];
        match what {
            0 => {
                let said = one.cancel(scope, *run, request.clone()).await.unwrap();
                assert_eq!(said, other.cancel(scope, *run, request).await.unwrap());
            }
            1 => {
                let said = one.wake(scope, *run).await.unwrap();
                assert_eq!(said, other.wake(scope, *run).await.unwrap());
            }
            _ => {
                let said = one.retry(scope, *run).await.unwrap();
                assert_eq!(said, other.retry(scope, *run).await.unwrap());
            }
        }
    }

    async fn compare(&self) {
        let (one, other) = (&self.processes[2].one, &self.processes[2].other);
        for number in 0..3 {
            let scope = tenant(number);
            assert_eq!(one.counts(&scope).await.unwrap(), other.counts(&scope).await.unwrap());
            for state in [None, Some(State::Queued)] {
                let of_one = one.list(&scope, state, 50).await.unwrap();
                let of_other = other.list(&scope, state, 50).await.unwrap();
                let seen = |all: Vec<Entry>| all.into_iter().map(seen).collect::<Vec<_>>();
                assert_eq!(seen(of_one), seen(of_other));
            }
        }
        if let Some((scope, run)) = self.runs.last() {
            let found = one.find(scope, *run).await.unwrap().map(seen);
            assert_eq!(found, other.find(scope, *run).await.unwrap().map(seen));
            let elsewhere = Scope::authenticated(TenantId::new("t9").unwrap(), "ann");
            assert_eq!(one.find(&elsewhere, *run).await.unwrap(), None);
        }
    }
}

async fn a_queue_does_what_the_table_does(form: &dyn Form, seed: u64) {
    let clock = form.clock();
    let memory = MemoryQueue::new(Arc::new(clock.clone()), Arc::new(CountingIds::default()));
    let dice = Dice::new(seed);
    let mut both = Both { form, clock, memory, processes: Vec::new(), runs: Vec::new(), dice };
    for _ in 0..3 {
        let process = both.process();
        both.processes.push(process);
    }
    for step in 0..150 {
        match both.dice.up_to(15) {
            0..=4 => both.enqueue().await,
            5..=8 => both.claim().await,
            9..=11 => both.conclude().await,
            12 => both.tend().await,
            13 => both.somebody().await,
            14 if step % 3 == 0 => both.die().await,
            _ => {
                both.clock.advance(Duration::from_secs(1));
                both.form.moved();
            }
        }
        both.compare().await;
    }
}

async fn limits_hold_however_many_claim_at_once(form: &dyn Form) {
    let parts: Vec<_> = (0..4).map(|_| form.part()).collect();
    for number in 0..12 {
        let name = if number % 2 == 0 { "writer" } else { "reader" };
        parts[0].enqueue(&tenant(number % 3), Job::agent(name, "?"), 100).await.unwrap();
    }
    let one = ask(1);
    let claims = (0..16).map(|number| parts[number % 4].claim(&one));
    let taken = futures::future::join_all(claims).await;
    let taken: Vec<Held> = taken.into_iter().flat_map(Result::unwrap).collect();
    // Two writers; readers as far as no tenant has more than three.
    let writers = taken.iter().filter(|held| &*held.job.name == "writer").count();
    assert_eq!((writers, taken.len()), (2, 8));
    for number in 0..3 {
        let of_tenant = taken.iter().filter(|held| held.scope == tenant(number)).count();
        assert!(of_tenant <= 3, "{of_tenant}");
    }
    assert!(parts[1].claim(&ask(9)).await.unwrap().is_empty());
    let writer = taken.iter().find(|held| &*held.job.name == "writer").unwrap();
    for part in &parts {
        part.conclude(writer, Fate::Done).await.unwrap();
    }
    assert_eq!(parts[1].claim(&ask(9)).await.unwrap().len(), 1);
}

async fn a_job_is_taken_by_one_of_many(form: &dyn Form) {
    let parts: Vec<_> = (0..4).map(|_| form.part()).collect();
    let wide = Ask {
        serves: vec![Served { kind: Kind::Agent, name: "reader".into(), most: None }],
        per_tenant: None,
        most: 2,
    };
    for _ in 0..20 {
        parts[0].enqueue(&tenant(0), Job::agent("reader", "?"), 100).await.unwrap();
    }
    let claims = (0..12).map(|number| parts[number % 4].claim(&wide));
    let taken = futures::future::join_all(claims).await;
    let runs: Vec<RunId> = taken.into_iter().flat_map(Result::unwrap).map(|h| h.run).collect();
    assert_eq!(runs.len(), 20);
    assert_eq!(runs.iter().collect::<BTreeSet<_>>().len(), 20);
}

async fn whoever_waits_is_told(form: &dyn Form) {
    let (one, other) = (form.part(), form.part());
    let told = other.told();
    one.enqueue(&tenant(0), Job::agent("reader", "?"), 100).await.unwrap();
    told.await;
}
