//! The place of a run in its tree: the accounts it books into, who listens, and what it shares with
//! the runs below it.

use std::sync::Arc;

use largestack_engine::event::{CancelReason, CancelRequested, ChildRun};
use largestack_engine::{Effect, Run};
use largestack_ports::ledger::{BudgetKey, Ledger};
use largestack_ports::tree::{Children, Doubts, RunTree, Shared};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::money::Money;
use largestack_types::scope::Scope;

use super::Drive;
use crate::below;
use crate::child::{Above, Within};
use crate::stream::Sink;

impl Drive {
    /// Who listens to it: its owner, or whoever listens to the run above.
    pub(super) fn listened_to_by(&mut self, own: Option<Sink>) {
        let (run, agent) = (self.run.id(), &self.run.definition().agent);
        let above = || self.above.as_ref()?.sink(run, agent);
        self.sink = own.or_else(above);
    }

    /// Shares with the runs below what holds for the whole tree.
    pub(super) fn share(&mut self) {
        let within = Within {
            guard: Arc::clone(&self.guard),
            sink: self.sink.clone(),
            shown: self.shown(),
            lost: Arc::clone(&self.lost),
        };
        self.tree.shared = Shared::of(Arc::new(within));
    }

    /// The words whose placeholders may be shown in clear: those of whoever asked the run at the top.
    pub(super) fn shown(&self) -> Arc<str> {
        let within = self.above.as_ref().and_then(|above| above.within.as_ref());
        Arc::clone(within.map_or(&self.asked_text, |within| &within.shown))
    }

    /// Opens the account of a run that is taken up. What it has started has spent from it, too, also
    /// where that is not recorded yet; the accounts above were opened with all of it.
    pub(super) async fn knows_of(&mut self, below: Vec<(EffectId, ChildRun)>) -> Result<()> {
        let mut unrecorded = Money::ZERO;
        for (effect, child) in below {
            unrecorded = plus(unrecorded, child.cost)?;
            self.tree.children.came_to(effect, child, false);
        }
        self.open_budget(unrecorded).await
    }

    /// The runs that calls of this one have started and that nobody drives, by the call.
    pub(super) fn waiting_below(&self) -> Vec<(EffectId, RunId)> {
        let running = |call: &EffectId| self.running.iter().any(|effect| effect.id() == *call);
        let open = self.run.open_calls().into_iter().filter(|call| !running(call));
        open.filter_map(|call| Some((call, self.tree.children.at(call)?.0.run))).collect()
    }

    /// Records that these calls have no result.
    pub(super) fn give_up(&mut self, calls: &[(EffectId, RunId)]) -> Result<()> {
        for (call, _) in calls {
            let effect = Effect::Tool { id: *call, attempt: 1, approved: true };
            let event = self.cut_off(effect);
            self.note(event)?;
        }
        Ok(())
    }

    /// Ends the runs that calls of this one have started and that wait for somebody: nobody would take
    /// them up after it.
    pub(super) async fn end_below(&mut self) -> Result<()> {
        let waiting = self.waiting_below();
        for (call, child) in &waiting {
            let request = CancelRequested {
                reason: CancelReason::Caller,
                by: self.lease.scope.principal().into(),
                note: "the run that called it has ended".into(),
            };
            let (runtime, scope) = (&self.core.runtime, &self.lease.scope);
            if runtime.journal.run(scope, *child).await?.is_some() {
                let ended = below::ended_below(runtime, scope, *child, &request).await?;
                self.tree.children.came_to(*call, ended, false);
            }
        }
        self.give_up(&waiting)
    }

    /// Opens its own account, in which this was spent beside what is recorded.
    pub(super) async fn open_budget(&mut self, unrecorded: Money) -> Result<()> {
        let spent = plus(self.run.tree_cost(), unrecorded)?;
        let limit = self.run.definition().limits.budget;
        self.core.runtime.ledger.open(&self.own_budget(), limit, spent).await
    }
}

fn plus(sum: Money, more: Money) -> Result<Money> {
    let sum = sum.checked_add(more);
    sum.map_err(|error| LargestackError::other(Code::Budget, error.to_string()))
}

/// Where a run reserves: in its own account and those above it, and in every scope around it that has
/// a limit.
pub(super) fn budgets(
    ledger: &dyn Ledger,
    scope: &Scope,
    (run, tree): (&Run, &RunTree),
) -> Arc<[BudgetKey]> {
    let around = ledger.shared(scope, &run.definition().agent);
    tree.accounts.iter().cloned().chain(around).collect()
}

/// The place of a run in its tree.
pub(super) fn tree(
    scope: &Scope,
    run: &Run,
    (above, in_doubt): (Option<&Above>, Doubts),
) -> RunTree {
    let limits = &run.definition().limits;
    let own = RunTree {
        root: run.id(),
        depth: 0,
        max_depth: limits.max_depth,
        max_children: limits.max_children,
        accounts: Arc::new([BudgetKey::run_tree(scope, run.id())]),
        in_doubt,
        children: Children::of(run.children().iter().cloned()),
        shared: Shared::default(),
    };
    match above {
        Some(above) => above.below(own),
        None => own,
    }
}
