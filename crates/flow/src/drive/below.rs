//! The runs that tasks have started, as their journals have them: what they cost is spent, although
//! the run above has not recorded it.

use largestack_agent::parent::{ParentRun, run_of_try};
use largestack_engine::event::ChildRun;
use largestack_engine::graph::{GraphRun, Work};
use largestack_ports::BoxFuture;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::scope::Scope;

use super::Drive;
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
            self.own.knows_of(effect, child);
        }
        self.own.open(&self.core.checked.graph().limits, spent).await
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
        let (usage, cost) = (self.run.usage(), self.run.cost());
        above.knows_of(*effect, ChildRun { run: self.run.id(), usage, cost });
    }
}
