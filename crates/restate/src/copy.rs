//! The copy of a tree of runs in a journal of this house, written by number, so that writing it again
//! changes nothing. Restate's history is what counts: a copy that says something else is not
//! overwritten but told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use largestack_engine::Recorded;
use largestack_engine::event::Event;
use largestack_ports::journal::{Batch, Journal, Lease};
use largestack_ports::sessions::IfAbsent;
use largestack_ports::tasks::Tasks;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::Scope;
use tokio::sync::Mutex;

/// The copies of one attempt.
pub(crate) struct Copy {
    store: Arc<dyn Journal>,
    scope: Scope,
    owner: OwnerId,
    name: Arc<str>,
    tasks: Arc<dyn Tasks>,
    runs: Mutex<HashMap<RunId, Held>>,
}

/// A run that is copied.
struct Held {
    lease: Lease,
    /// What the store had of it when it was first written.
    there: Option<Vec<Recorded>>,
}

impl Copy {
    pub(crate) fn new(
        store: Arc<dyn Journal>,
        scope: Scope,
        (owner, name): (OwnerId, Arc<str>),
        tasks: Arc<dyn Tasks>,
    ) -> Self {
        Self { store, scope, owner, name, tasks, runs: Mutex::default() }
    }

    /// The right to write the copy of a run, until [`Copy::finish`].
    pub(crate) async fn lease(&self, run: RunId) -> Result<Lease> {
        let mut runs = self.runs.lock().await;
        Ok(self.held(&mut runs, run).await?.lease.clone())
    }

    async fn held<'a>(
        &self,
        runs: &'a mut HashMap<RunId, Held>,
        run: RunId,
    ) -> Result<&'a mut Held> {
        match runs.entry(run) {
            Entry::Occupied(held) => Ok(held.into_mut()),
            Entry::Vacant(free) => {
                // Held at once: whoever goes away now gives it back.
                let lease = self.store.claim(&self.scope, run, self.owner).await?;
                Ok(free.insert(Held { lease, there: None }))
            }
        }
    }

    /// Writes a batch that Restate has recorded. Waits for nothing but the right to.
    pub(crate) async fn write(&self, run: RunId, mut batch: Batch) -> Result<()> {
        let mut runs = self.runs.lock().await;
        let held = self.held(&mut runs, run).await?;
        let there = match held.there.take() {
            Some(there) => there,
            None => self.store.read(&self.scope, run, 0).await?,
        };
        let there = held.there.insert(there);
        // A line that is older than what is there would be the last word of a replay.
        let known = u64::try_from(there.len()).unwrap_or(u64::MAX);
        batch.summary = batch.summary.filter(|summary| summary.seq >= known);
        if let Some(summary) = &mut batch.summary {
            summary.engine = Some(Arc::clone(&self.name));
        }
        if is_there(run, there, &batch.events)? {
            batch = Batch { summary: batch.summary, ..Batch::default() };
        }
        if batch.events.is_empty() && batch.summary.is_none() {
            return Ok(());
        }
        let (lease, session) = (held.lease.clone(), batch.memory.as_ref().map(|said| said.session));
        drop(runs);
        if let (Some(session), Some(sessions)) = (session, self.store.sessions()) {
            // A run that another process drove held it there.
            sessions.hold(&lease, &session.into(), IfAbsent::Leave).await?;
        }
        self.store.append(&lease, batch)
    }

    /// Makes what was written durable and gives the runs back.
    pub(crate) async fn finish(&self) -> Result<()> {
        let held = std::mem::take(&mut *self.runs.lock().await);
        for held in held.into_values() {
            self.store.release(&held.lease).await?;
        }
        self.store.durable().await
    }
}

impl Drop for Copy {
    /// Another process may go on with the runs.
    fn drop(&mut self) {
        let held = std::mem::take(self.runs.get_mut());
        if held.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        self.tasks.spawn(Box::pin(async move {
            for held in held.into_values() {
                // Whoever comes next finds out by himself.
                let _ = store.release(&held.lease).await;
            }
        }));
    }
}

/// Whether a batch is in the copy already: all of it, or nothing of it.
fn is_there(run: RunId, there: &[Recorded], events: &[Recorded]) -> Result<bool> {
    let known = events.first().and_then(|first| {
        let at = usize::try_from(first.seq).ok()?.checked_sub(1)?;
        there.get(at..)
    });
    let Some(known) = known.filter(|known| !known.is_empty()) else { return Ok(false) };
    for (event, known) in events.iter().zip(known) {
        if !same(event, known) {
            let detail = format!("the copy of {run} has another event {}", event.seq);
            let advice = "Somebody has gone on with the copy: what Restate holds is the run. \
                          Keep runs of Restate in a state that nothing else writes to";
            return Err(LargestackError::with_advice(Code::Journal, detail, advice));
        }
    }
    if known.len() < events.len() {
        let detail = format!("the copy of {run} ends within a batch");
        return Err(LargestackError::other(Code::Journal, detail));
    }
    Ok(true)
}

fn same(one: &Recorded, other: &Recorded) -> bool {
    let written = |event: &Event| event.data().ok();
    one.seq == other.seq
        && one.at == other.at
        && one.event.kind() == other.event.kind()
        && written(&one.event) == written(&other.event)
}
