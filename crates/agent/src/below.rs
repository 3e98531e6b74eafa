//! Runs that a run has started, as their journals have them: what they have come to where the run
//! above has not recorded it yet, and their end where nobody drives them.

use std::sync::Arc;

use largestack_engine::event::{CancelRequested, ChildRun, Event, ToolOutcome};
use largestack_engine::{Recorded, Run, Wait};
use largestack_ports::BoxFuture;
use largestack_ports::journal::{Batch, Journal, Lease, RunSummary};
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::id::{ApprovalId, EffectId, RunId};
use largestack_types::scope::Scope;

use crate::agent::fold_stored;
use crate::child::child_of;
use crate::drive::{engine_answer, not_run};
use crate::runtime::Runtime;

/// What a call is answered with whose run was ended from outside.
const ENDED: &str = "Cancelled with the run that called it.";

/// The runs that open calls of a run have started, with everything under them. What they cost is
/// spent, although the run above has not recorded it.
pub(crate) fn unrecorded<'a>(
    runtime: &'a Runtime,
    scope: &'a Scope,
    run: &'a Run,
) -> BoxFuture<'a, Result<Vec<(EffectId, ChildRun)>>> {
    Box::pin(async move {
        let mut found = Vec::new();
        for (effect, child) in started(runtime, scope, run).await? {
            let (folded, _) = fold_stored(&*runtime.journal, scope, child).await?;
            let below = unrecorded(runtime, scope, &folded).await?;
            found.push((effect, total(&folded, &below)?));
        }
        Ok(found)
    })
}

/// What a run has come to with everything under it.
pub(crate) fn total(run: &Run, below: &[(EffectId, ChildRun)]) -> Result<ChildRun> {
    let mut sum = ChildRun { run: run.id(), usage: run.tree_usage(), cost: run.tree_cost() };
    for (_, child) in below {
        sum.usage = sum.usage.plus(child.usage);
        let cost = sum.cost.checked_add(child.cost);
        sum.cost = cost.map_err(|error| LargestackError::other(Code::Budget, error.to_string()))?;
    }
    Ok(sum)
}

/// The runs that open calls have started.
async fn started(runtime: &Runtime, scope: &Scope, run: &Run) -> Result<Vec<(EffectId, RunId)>> {
    let mut found = Vec::new();
    for effect in run.open_calls() {
        let child = child_of(run.id(), effect);
        if runtime.journal.run(scope, child).await?.is_some() {
            found.push((effect, child));
        }
    }
    Ok(found)
}

/// The questions that a run and those below it wait for.
pub(crate) fn asked<'a>(
    journal: &'a dyn Journal,
    scope: &'a Scope,
    run: RunId,
) -> BoxFuture<'a, Result<Vec<ApprovalId>>> {
    Box::pin(async move {
        let (folded, _) = fold_stored(journal, scope, run).await?;
        let mut questions = Vec::new();
        for wait in folded.waits() {
            match wait {
                Wait::Approval { approval, .. } => questions.push(approval),
                Wait::Child { run, .. } => questions.extend(asked(journal, scope, run).await?),
                Wait::Doubt { .. } | Wait::Event { .. } | Wait::Timer { .. } => {}
            }
        }
        Ok(questions)
    })
}

/// Ends a run that nobody drives, and first what it has started: histories are closed, so that they
/// stay usable. `LARGESTACK_CONFLICT` where it has ended or somebody drives it.
pub(crate) fn end<'a>(
    runtime: &'a Runtime,
    scope: &'a Scope,
    run: RunId,
    request: &'a CancelRequested,
) -> BoxFuture<'a, Result<ChildRun>> {
    Box::pin(async move {
        let lease = runtime.journal.claim(scope, run, runtime.owner).await?;
        let ended = end_claimed(runtime, &lease, request).await;
        let released = runtime.journal.release(&lease).await;
        ended.and_then(|ended| released.map(|()| ended))
    })
}

async fn end_claimed(
    runtime: &Runtime,
    lease: &Lease,
    request: &CancelRequested,
) -> Result<ChildRun> {
    let Runtime { journal, clock, .. } = runtime;
    let mut summary = journal.run(&lease.scope, lease.run).await?;
    summary.as_ref().map_or(Ok(()), RunSummary::driven_here)?;
    let (mut run, _) = fold_stored(&**journal, &lease.scope, lease.run).await?;
    if run.status().is_final() {
        let detail = format!("{} has ended ({})", lease.run, run.status());
        return Err(LargestackError::other(Code::Conflict, detail));
    }
    let mut events = vec![Event::CancelRequested(request.clone())];
    for (effect, child) in started(runtime, &lease.scope, &run).await? {
        let child = ended_below(runtime, &lease.scope, child, request).await?;
        events.push(cancelled(&run, effect, child));
    }
    let mut recorded = Vec::new();
    let mut events = events.into_iter();
    while let Some(event) = events.next().or_else(|| run.conclusion().map(Event::RunFinished)) {
        run.apply(&event).map_err(|error| LargestackError::from_coded(&error))?;
        let event = Arc::new(event);
        recorded.push(Recorded { seq: run.seq(), at: clock.now(), event });
    }
    if let Some(summary) = &mut summary {
        summary.status = run.status();
        summary.reason = run.end().map(|end| end.reason);
        (summary.seq, summary.updated) = (run.seq(), clock.now());
    }
    journal.append(lease, Batch { events: recorded, summary, ..Batch::default() })?;
    journal.durable_run(lease).await?;
    total(&run, &[])
}

/// A run below that has its end, by now or before.
pub(crate) async fn ended_below(
    runtime: &Runtime,
    scope: &Scope,
    run: RunId,
    request: &CancelRequested,
) -> Result<ChildRun> {
    match end(runtime, scope, run, request).await {
        Err(error) if error.code() == Code::Conflict => {
            let (folded, _) = fold_stored(&*runtime.journal, scope, run).await?;
            total(&folded, &unrecorded(runtime, scope, &folded).await?)
        }
        ended => ended,
    }
}

/// The outcome of a call whose run was ended.
fn cancelled(run: &Run, effect: EffectId, child: ChildRun) -> Event {
    let message = Arc::new(engine_answer(run, effect, ENDED));
    let mut returned = not_run(effect, message, ToolOutcome::Cancelled, None);
    returned.child = Some(Box::new(child));
    Event::ToolReturned(returned)
}
