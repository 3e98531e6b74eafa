//! One attempt of an invocation: what Restate has recorded of a tree of runs so far, what the driver
//! has appended since and Restate has not confirmed, and who waits for that.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use largestack_engine::Recorded;
use largestack_engine::event::Event;
use largestack_engine::graph::Fact;
use largestack_ports::journal::{Batch, Lease, RunSummary};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::scope::Scope;
use tokio::sync::watch;

use crate::written::{Facts, Written};

/// One attempt.
pub(crate) struct Attempt {
    pub(crate) scope: Scope,
    /// The run at the top of the tree.
    pub(crate) root: RunId,
    state: Mutex<State>,
    standing: watch::Sender<Standing>,
}

#[derive(Default)]
struct State {
    runs: HashMap<RunId, Known>,
    blobs: HashMap<Hash, Bytes>,
    /// Appended, and not confirmed.
    queue: VecDeque<Json>,
    /// Effects of the root that have begun and have no outcome, as recorded.
    under_way: BTreeMap<EffectId, String>,
    begun: bool,
}

#[derive(Default)]
struct Known {
    events: Vec<Recorded>,
    summary: Option<RunSummary>,
}

#[derive(Clone, Copy)]
struct Standing {
    /// Batches of the invocation that Restate has.
    confirmed: u64,
    /// Whether more may come.
    open: bool,
    /// Whether the driver has given the root back: what it still waits for is confirmed together
    /// with what it came to.
    let_go: bool,
}

impl Attempt {
    pub(crate) fn new(scope: &Scope, root: RunId) -> Self {
        let standing = Standing { confirmed: 0, open: true, let_go: false };
        let state = Mutex::default();
        Self { scope: scope.clone(), root, state, standing: watch::Sender::new(standing) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what the driver appends.
    pub(crate) fn append(&self, lease: &Lease, batch: Batch) -> Result<()> {
        if !self.standing.borrow().open {
            return Err(self.over());
        }
        let json = Written::seal(lease, &batch)?;
        let mut state = self.lock();
        state.know(lease.run, batch)?;
        state.queue.push_back(json);
        Ok(())
    }

    /// Waits until Restate has everything that was appended by now.
    pub(crate) async fn durable(&self) -> Result<()> {
        let until = {
            let state = self.lock();
            let queued = u64::try_from(state.queue.len()).unwrap_or(u64::MAX);
            self.standing.borrow().confirmed.saturating_add(queued)
        };
        let reached = |now: &Standing| !now.open || now.let_go || now.confirmed >= until;
        let mut watching = self.standing.subscribe();
        let now = watching.wait_for(reached).await.map(|now| *now);
        match now {
            Ok(now) if now.open => Ok(()),
            _ => Err(self.over()),
        }
    }

    /// What is queued, as far as it goes into one step; `None` where there is nothing. While the
    /// driver lets go of the root, it is worth waiting for what it comes to.
    pub(crate) fn queued(&self) -> Option<Facts> {
        let state = self.lock();
        let Standing { confirmed, let_go, .. } = *self.standing.borrow();
        let (facts, whole) = Facts::first_of(confirmed, state.queue.iter());
        let waits = facts.batches.is_empty() || let_go && whole;
        (!waits).then_some(facts)
    }

    /// All that is queued, when the driver is done; `false` where it does not go into one step.
    pub(crate) fn rest(&self) -> (Facts, bool) {
        let state = self.lock();
        Facts::first_of(self.standing.borrow().confirmed, state.queue.iter())
    }

    /// Takes in what Restate has recorded: it confirms what was appended here, or says what an
    /// earlier attempt had appended. Returns the batches that are new.
    pub(crate) fn take(&self, facts: &Facts) -> Result<Vec<(RunId, Batch)>> {
        let mut confirmed = self.standing.borrow().confirmed;
        let mut new = Vec::new();
        {
            let mut state = self.lock();
            for (number, json) in (facts.after..).zip(&facts.batches) {
                if number < confirmed {
                    continue;
                }
                let (run, batch) = Written::open(json)?;
                if run == self.root {
                    batch.events.iter().for_each(|event| state.note(&event.event));
                }
                state.begun = true;
                if state.queue.pop_front().is_none() {
                    state.know(run, batch.clone())?;
                }
                confirmed = number.saturating_add(1);
                new.push((run, batch));
            }
            // Under the same lock: whoever counts what is queued counts what is confirmed, too.
            self.standing.send_modify(|now| now.confirmed = confirmed);
        }
        Ok(new)
    }

    /// What the next step is called: the effects of the root that it may finish. A function of what
    /// is recorded, so that a replay calls it the same.
    pub(crate) fn step(&self) -> String {
        let state = self.lock();
        if !state.begun {
            return "begin".to_owned();
        }
        let names: Vec<&str> = state.under_way.values().take(8).map(String::as_str).collect();
        if names.is_empty() { "go on".to_owned() } else { names.join(", ") }
    }

    /// Whether anything of the run is recorded or on its way.
    pub(crate) fn has_begun(&self) -> bool {
        self.has(self.root)
    }

    /// The driver has given the root back.
    pub(crate) fn let_go(&self) {
        self.standing.send_modify(|now| now.let_go = true);
    }

    /// The driver takes the root up again.
    pub(crate) fn taken_up(&self) {
        self.standing.send_modify(|now| now.let_go = false);
    }

    /// Nothing more is appended, and whoever waits is told so.
    pub(crate) fn close(&self) {
        self.standing.send_modify(|now| now.open = false);
    }

    /// Whether something may be appended.
    pub(crate) fn is_open(&self) -> bool {
        self.standing.borrow().open
    }

    /// The error of whoever drives a run that is somebody else's by now.
    pub(crate) fn over(&self) -> LargestackError {
        let detail =
            format!("this attempt to drive {} is over: Restate has begun another", self.root);
        LargestackError::other(Code::Conflict, detail)
    }

    /// The events of a run after `after`; `None` for a run that is not of this tree.
    pub(crate) fn events(&self, run: RunId, after: u64) -> Option<Vec<Recorded>> {
        let state = self.lock();
        let events = state.runs.get(&run)?.events.iter();
        Some(events.filter(|event| event.seq > after).cloned().collect())
    }

    /// A run's line.
    pub(crate) fn summary(&self, run: RunId) -> Option<RunSummary> {
        self.lock().runs.get(&run)?.summary.clone()
    }

    /// A blob.
    pub(crate) fn blob(&self, hash: Hash) -> Option<Bytes> {
        self.lock().blobs.get(&hash).cloned()
    }

    /// Whether a run is of this tree.
    pub(crate) fn has(&self, run: RunId) -> bool {
        self.lock().runs.contains_key(&run)
    }
}

impl State {
    fn know(&mut self, run: RunId, batch: Batch) -> Result<()> {
        let known = self.runs.entry(run).or_default();
        let next = known.events.last().map_or(0, |event| event.seq) + 1;
        for (expected, event) in (next..).zip(&batch.events) {
            if event.seq != expected {
                let detail = format!("{run}: event {} where {expected} is next", event.seq);
                return Err(LargestackError::other(Code::Conflict, detail));
            }
        }
        known.events.extend(batch.events);
        if batch.summary.is_some() {
            known.summary = batch.summary;
        }
        self.blobs.extend(batch.blobs);
        Ok(())
    }

    /// Follows which effects are under way.
    fn note(&mut self, event: &Event) {
        let over = match event {
            Event::EffectStarted(started) => {
                let id = started.effect;
                self.under_way.insert(id, id.to_string());
                return;
            }
            Event::Graph(Fact::NodeStarted(started)) => {
                let id = started.effect;
                self.under_way.insert(id, format!("{id} {}", started.node));
                return;
            }
            Event::ModelReplied(replied) => replied.effect,
            Event::ModelFailed(failed) => failed.effect,
            Event::ToolReturned(returned) => returned.effect,
            Event::ChildWaits(waits) => waits.effect,
            Event::CallWaits(waits) => waits.effect,
            Event::OutputChecked(checked) => checked.effect,
            Event::Hooked(hooked) => hooked.effect,
            Event::Summarised(summarised) => summarised.effect,
            Event::Graph(Fact::NodeFinished(finished)) => finished.effect,
            Event::Graph(Fact::NodeFailed(failed)) => failed.effect,
            _ => return,
        };
        self.under_way.remove(&over);
    }
}
