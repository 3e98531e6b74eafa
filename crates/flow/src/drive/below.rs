//! The runs that tasks have started, as their journals have them: what they cost is spent, although
//! the run above has not recorded it.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_agent::parent::{ParentRun, run_of_try};
use largestack_engine::Wait;
use largestack_engine::event::{CancelReason, CancelRequested, ChildRun, ChildWaits, Event};
use largestack_engine::graph::{GraphRun, Work};
use largestack_ports::BoxFuture;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::money::Money;
use largestack_types::scope::Scope;

use super::Drive;
use super::begin::Above;
use crate::workflow::{Core, Workflow};

/// What the runs of tasks that are not over have come to, with everything under them.
pub(super) fn unrecorded<'a>(
    core: &'a Core,
    scope: &'a Scope,
    run: &'a GraphRun,
) -> BoxFuture<'a, Result<Vec<(EffectId, ChildRun)>>> {
    Box::pin(async move {
        let mut found = Vec::new();
        for effect in run.open_tasks() {
            let Some(task) = run.task(effect).filter(|task| task.undo.is_none()) else { continue };
            let child = run_of_try(run.id(), effect, task.attempt);
            let known = match task.node.work {
                Work::Agent { .. } => ParentRun::so_far(&core.runtime, scope, child).await?,
                Work::Graph { .. } => match core.workflows.get(&task.node.name) {
                    Some(workflow) => so_far(workflow, scope, child).await?,
                    None => None,
                },
                _ => None,
            };
            found.extend(known.map(|known| (effect, known)));
        }
        Ok(found)
    })
}

/// What the run of a workflow has come to so far; `None` where it never began.
async fn so_far(workflow: &Workflow, scope: &Scope, run: RunId) -> Result<Option<ChildRun>> {
    let events = workflow.0.runtime.journal.read(scope, run, 0).await?;
    if events.is_empty() {
        return Ok(None);
    }
    let folded = workflow.fold(run, &events)?;
    let mut sum = ChildRun { run, usage: folded.usage(), cost: folded.cost() };
    for (_, child) in unrecorded(&workflow.0, scope, &folded).await? {
        sum.usage = sum.usage.plus(child.usage);
        let cost = sum.cost.checked_add(child.cost);
        sum.cost = cost.map_err(|error| LargestackError::other(Code::Budget, error.to_string()))?;
    }
    Ok(Some(sum))
}

impl Drive {
    /// Opens the account of a run that is taken up, with what those below it have spent from it.
    /// The accounts above were opened with all of it.
    pub(super) async fn reopen(&mut self) -> Result<()> {
        let mut spent = self.run.cost();
        for (effect, child) in unrecorded(&self.core, &self.lease.scope, &self.run).await? {
            let sum = spent.checked_add(child.cost);
            spent = sum.map_err(|error| LargestackError::other(Code::Budget, error.to_string()))?;
            if let Some(task) = self.run.task(effect) {
                self.waiting.insert(effect, (Arc::clone(&task.node.name), child.run));
            }
            self.own.knows_of(effect, child);
        }
        self.own.open(&self.core.checked.graph().limits, spent).await
    }

    /// Notes that a task waits for what its run waits for.
    pub(super) fn waits(&mut self, effect: EffectId, child: RunId) -> Result<()> {
        if let Some(task) = self.run.task(effect) {
            self.waiting.insert(effect, (Arc::clone(&task.node.name), child));
        }
        self.note(Event::ChildWaits(ChildWaits { effect, child }))
    }

    /// What ends the runs that these tasks have started and that nobody drives: nobody would take
    /// them up after this one.
    pub(super) fn end_below(
        &mut self,
        of: impl Fn(EffectId) -> bool,
    ) -> Vec<BoxFuture<'static, Result<()>>> {
        self.rest_no_more(&of);
        let (ended, stay) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(effect, _)| of(*effect));
        self.waiting = stay;
        ended.into_iter().map(|(effect, (node, run))| self.ending(effect, &node, run)).collect()
    }

    /// What ends the run that a task has started.
    pub(super) fn ending(
        &self,
        effect: EffectId,
        node: &Arc<str>,
        run: RunId,
    ) -> BoxFuture<'static, Result<()>> {
        let request = CancelRequested {
            reason: CancelReason::Caller,
            by: self.lease.scope.principal().into(),
            note: "the run above it has ended".into(),
        };
        let own = Arc::clone(&self.own);
        let workflow = self.core.workflows.get(node).cloned();
        let ended = workflow.map(|below| self.end_workflow(&below, (effect, run), request.clone()));
        Box::pin(async move {
            let ended = match ended {
                Some(ended) => ended.await,
                None => own.end_below(run, &request).await.map(|child| own.knows_of(effect, child)),
            };
            match ended {
                // What has ended or is driven elsewhere is left alone, and so is what never began;
                // what may not go on stays.
                Err(error)
                    if matches!(
                        error.code(),
                        Code::Conflict | Code::KillSwitch | Code::NotFound
                    ) =>
                {
                    Ok(())
                }
                ended => ended,
            }
        })
    }

    /// What the runs of tasks that wait have come to by now.
    pub(super) fn below_so_far(&self) -> Vec<(EffectId, ChildRun)> {
        let waits = self.run.waits().into_iter().filter_map(|wait| match wait {
            Wait::Child { effect, .. } => Some(effect),
            _ => None,
        });
        waits.filter_map(|effect| Some((effect, self.child_of(effect)?))).collect()
    }

    fn end_workflow(
        &self,
        workflow: &Workflow,
        (effect, run): (EffectId, RunId),
        request: CancelRequested,
    ) -> BoxFuture<'static, Result<()>> {
        let above = Above {
            own: Arc::clone(&self.own),
            parent: (self.run.id(), effect),
            label: self.run.state().label(),
        };
        let (core, scope) = (Arc::clone(&workflow.0), self.lease.scope.clone());
        let options = self.resuming();
        Box::pin(async move {
            let mut drive =
                Self::take_up(core, (&scope, run), (options, None, Some(above))).await?;
            drive.note(Event::CancelRequested(request))?;
            drive.perform().await.map(|_| ())
        })
    }

    /// What a task's run has cost, where it has one.
    pub(super) fn child_of(&self, effect: EffectId) -> Option<ChildRun> {
        let attempt = self.run.task(effect)?.attempt;
        // That of an earlier try is recorded.
        self.own
            .child(effect)
            .filter(|child| child.run == run_of_try(self.run.id(), effect, attempt))
    }

    /// Tells the run above what this one has come to.
    pub(super) fn tell_above(&self) {
        let Some((above, effect)) = &self.above else { return };
        let (mut usage, mut cost) = (self.run.usage(), self.run.cost());
        for (_, child) in self.below_so_far() {
            usage = usage.plus(child.usage);
            cost = cost.checked_add(child.cost).unwrap_or(Money::MAX);
        }
        above.knows_of(*effect, ChildRun { run: self.run.id(), usage, cost });
    }
}
