//! Sending events from outside to runs, whoever drives them, in whatever process.

use largestack_ports::journal::{Journal, RunSummary};
use largestack_ports::queue::State;
use largestack_ports::signals::{Sent, Signal, none_here};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

use crate::agent::Agent;
use crate::runs::Runs;

/// Where an event has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The run at the top of the tree that it is for: that one is taken up to hear it.
    pub root: RunId,
    /// What became of it.
    pub sent: Sent,
    /// Whether a worker has the run or will take it up.
    pub has_worker: bool,
}

/// Keeps an event for a run, or for the tree that the run is a part of, and wakes its worker where it
/// has one. A run that is enqueued and has not begun is sent to as well. `LARGESTACK_CONFLICT` where it
/// has ended, `LARGESTACK_NOT_FOUND` where there is none, `LARGESTACK_SIGNAL` where the event is too
/// large or too many wait.
pub async fn send(
    journal: &dyn Journal,
    scope: &Scope,
    run: RunId,
    signal: Signal,
) -> Result<Delivered> {
    signal.check()?;
    let known = journal.run(scope, run).await?;
    let root = match &known {
        Some(known) if known.root == run => {
            known.driven_here()?;
            (!known.status.is_final()).then_some(run)
        }
        Some(below) => {
            let top = journal.run(scope, below.root).await?;
            top.as_ref().map_or(Ok(()), RunSummary::driven_here)?;
            top.is_none_or(|top| !top.status.is_final()).then_some(below.root)
        }
        None => Some(run),
    };
    let ended = || LargestackError::other(Code::Conflict, format!("{run} has ended"));
    let root = root.ok_or_else(ended)?;
    let job = match journal.queue() {
        Some(queue) => queue.find(scope, root).await?.map(|job| job.state),
        None => None,
    };
    match job {
        None if known.is_none() => {
            return Err(LargestackError::other(Code::NotFound, format!("there is no run {run}")));
        }
        Some(state) if known.is_none() && state.is_over() => return Err(ended()),
        _ => {}
    }
    let signals = journal.signals().ok_or_else(none_here)?;
    let sent = signals.send(scope, root, signal).await?;
    // After it is kept: whoever is woken finds it.
    let has_worker = match journal.queue() {
        Some(queue) if job.is_some() => queue.wake(scope, root).await?,
        _ => false,
    };
    Ok(Delivered { root, sent, has_worker: has_worker && job != Some(State::Poisoned) })
}

impl Agent {
    /// Sends an event to a run of this tenant: see [`send`].
    pub async fn signal(&self, scope: &Scope, run: RunId, signal: Signal) -> Result<Delivered> {
        send(&*self.0.runtime.journal, scope, run, signal).await
    }
}

impl Runs {
    /// Sends an event to a run of this tenant: see [`send`].
    pub async fn signal(&self, scope: &Scope, run: RunId, signal: Signal) -> Result<Delivered> {
        send(self.journal(), scope, run, signal).await
    }
}
