//! What a run that is taken up needs of its journal.

use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::Event;
use largestack_engine::{Recorded, Run};
use largestack_ports::journal::Lease;
use largestack_ports::sessions::vault_root;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{RunId, SessionId};
use largestack_types::message::Message;
use largestack_types::time::Timestamp;

use crate::agent::Core;
use crate::fork::{latest, shared_values};
use crate::protect::RunGuard;

/// Where the vault keeps what placeholders of a run stand for: with its session, else with its tree.
pub(super) fn guard_root(lease: &Lease, session: Option<SessionId>, tree: RunId) -> RunId {
    session.map_or(tree, |session| vault_root(lease.scope.principal(), session))
}

/// The guard over what the vault holds for a run.
pub(super) async fn kept_guard(
    core: &Core,
    lease: &Lease,
    (session, run): (Option<SessionId>, &Run),
    events: &[Recorded],
) -> Result<Arc<RunGuard>> {
    let (runtime, scope) = (&core.runtime, &lease.scope);
    // What a forgotten session's placeholders stood for is gone, and nothing new is kept there.
    let root = guard_root(lease, session, run.id());
    let vault = Arc::clone(&runtime.vault);
    let known = vault.all(scope, root).await?;
    let Some(branch) = run.branch() else {
        return Ok(Arc::new(RunGuard::new(core.guard, scope.clone(), root, vault, known)));
    };
    let shared = forked_at(events).and_then(|(at, _)| events.get(..at)).unwrap_or_default();
    let shared = shared_values(runtime, scope, (&branch.values, shared)).await?;
    let known = latest(shared.into_iter().chain(known).collect());
    Ok(Arc::new(RunGuard::of_fork(core.guard, scope.clone(), root, vault, known)))
}

/// What was asked first.
pub(super) fn input_of(events: &[Recorded]) -> Result<Arc<Message>> {
    match events.first().map(|first| &*first.event) {
        Some(Event::RunStarted(started)) => Ok(Arc::clone(&started.input)),
        _ => Err(LargestackError::other(Code::Journal, "the journal does not begin with a start")),
    }
}

/// How many events of a fork are shared, and when it left the other run.
pub(super) fn forked_at(events: &[Recorded]) -> Option<(usize, Timestamp)> {
    let at = events.iter().rposition(|event| matches!(&*event.event, Event::Forked(_)))?;
    events.get(at).map(|event| (at, event.at))
}

/// Time in which something happened: gaps in which the run waited or nobody held it do not count.
/// Counts from where the agent under way took over, or the run left another one.
pub(super) fn active_time(events: &[Recorded]) -> Duration {
    let anew = |event: &Event| matches!(event, Event::TookOver(_) | Event::Forked(_));
    let begun = events.iter().rposition(|recorded| anew(&recorded.event));
    let events = events.get(begun.unwrap_or_default()..).unwrap_or_default();
    let waited = |event: &Event| {
        matches!(event, Event::Resumed(_) | Event::ApprovalAnswered(_) | Event::DoubtSettled(_))
    };
    events
        .iter()
        .zip(events.iter().skip(1))
        .filter(|(_, next)| !waited(&next.event))
        .map(|(before, next)| next.at.since(before.at))
        .sum()
}
