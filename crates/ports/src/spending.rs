//! What a tool spends where it asks providers itself. The budgets of its run hold for it, and what
//! it costs is on the run's bill: it is noted here, and whoever runs the tool books it together
//! with the result, also of a tool that fails or is cut off.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use largestack_engine::event::{CallRecord, ToolCallRecord};

use crate::ledger::BudgetKey;
use crate::model::RunSlot;

/// The bill of one tool call. Clones share it.
#[derive(Clone, Default)]
pub struct Spending {
    agent: Arc<str>,
    budgets: Arc<[BudgetKey]>,
    bill: Arc<Mutex<Bill>>,
}

#[derive(Default)]
struct Bill {
    calls: Vec<ToolCallRecord>,
    /// Calls that were begun: what failed or was cut off leaves its bill there.
    begun: Vec<(Arc<str>, RunSlot)>,
}

impl Spending {
    /// A bill on behalf of this agent, within these budgets.
    pub fn new(agent: Arc<str>, budgets: Arc<[BudgetKey]>) -> Self {
        Self { agent, budgets, bill: Arc::default() }
    }

    /// The agent's name.
    pub const fn agent(&self) -> &Arc<str> {
        &self.agent
    }

    /// Every scope in which money is reserved.
    pub const fn budgets(&self) -> &Arc<[BudgetKey]> {
        &self.budgets
    }

    /// Begins a call to a model, by the name that the tool asks it by. What is left in the slot, of
    /// a call that failed or was dropped, is on the bill.
    pub fn begin(&self, model: &Arc<str>) -> RunSlot {
        let slot = RunSlot::default();
        self.bill().begun.push((Arc::clone(model), slot.clone()));
        slot
    }

    /// Notes a call that was answered.
    pub fn note(&self, model: &Arc<str>, call: CallRecord) {
        self.bill().calls.push(ToolCallRecord { model: Arc::clone(model), call });
    }

    /// Takes the bill: everything since the last time.
    pub fn take(&self) -> Vec<ToolCallRecord> {
        let Bill { mut calls, begun } = std::mem::take(&mut *self.bill());
        calls.extend(begun.into_iter().filter_map(|(model, slot)| {
            let call = slot.take_bill()?;
            Some(ToolCallRecord { model, call })
        }));
        calls
    }

    fn bill(&self) -> std::sync::MutexGuard<'_, Bill> {
        self.bill.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Spending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spending").field("agent", &self.agent).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::money::Money;

    fn costing(nanos: i64) -> CallRecord {
        CallRecord { cost: Money::from_nanos(nanos), ..CallRecord::default() }
    }

    #[test]
    fn a_bill_has_what_was_answered_and_what_was_cut_off_once() {
        let spending = Spending::default();
        let (model, other): (Arc<str>, Arc<str>) = ("a/b".into(), "c/d".into());
        let (cut_off, answered) = (spending.begin(&model), spending.begin(&other));
        spending.clone().note(&other, costing(2));
        cut_off.leave_bill(costing(3));
        drop(answered);
        let bill = spending.take();
        let bill: Vec<_> = bill.iter().map(|one| (&*one.model, one.call.cost.nanos())).collect();
        assert_eq!(bill, [("c/d", 2), ("a/b", 3)]);
        assert!(spending.take().is_empty());
    }
}
