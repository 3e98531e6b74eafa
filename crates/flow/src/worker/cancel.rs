//! Ending a run that was enqueued, wherever it is.

use std::sync::Arc;

use largestack_agent::{Runs, Runtime};
use largestack_engine::event::{CancelReason, CancelRequested};
use largestack_ports::queue::State;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

use super::queue_of;

/// What has become of a wish to end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelling {
    /// It has ended, or never began.
    Ended,
    /// A worker ends it: the one that has it, or the next one that takes it.
    Asked,
}

/// Ends a run that was enqueued, or asks the worker that has it to. `LARGESTACK_NOT_FOUND` where it
/// was never enqueued, `LARGESTACK_CONFLICT` where it is over.
pub async fn cancel(
    runtime: &Runtime,
    scope: &Scope,
    run: RunId,
    note: impl Into<Arc<str>>,
) -> Result<Cancelling> {
    let (queue, note) = (queue_of(runtime)?, note.into());
    let before = queue.find(scope, run).await?;
    if let Some(over) = before.filter(|before| before.state.is_over()) {
        let detail = format!("{run} is {} already", over.state);
        return Err(LargestackError::other(Code::Conflict, detail));
    }
    let (reason, by) = (CancelReason::Caller, scope.principal().into());
    let request = CancelRequested { reason, by, note: Arc::clone(&note) };
    match queue.cancel(scope, run, request).await? {
        None => Err(LargestackError::other(Code::NotFound, format!("{run} was not enqueued here"))),
        Some(State::Cancelled) => {
            let known = runtime.journal.run(scope, run).await?;
            if known.is_some_and(|known| !known.status.is_final()) {
                Runs::new(runtime.clone()).cancel(scope, run, note).await?;
            }
            Ok(Cancelling::Ended)
        }
        Some(State::Done) => {
            Err(LargestackError::other(Code::Conflict, format!("{run} has ended already")))
        }
        Some(_) => Ok(Cancelling::Asked),
    }
}
