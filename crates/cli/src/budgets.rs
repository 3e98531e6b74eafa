//! The budgets that all runs of a project share: set as the project says, kept where it says.

use std::sync::Arc;

use largestack_config::{Budgets, Windows};
use largestack_ports::ledger::{BudgetKey, BudgetLimits, Ledger, Sliced};
use largestack_types::errors::Result;
use largestack_types::scope::Scope;

use crate::shared::Shared;

/// This process's side of the shared ledger, with the project's budgets for the runs of this agent.
pub(crate) async fn ledger(
    shared: &Shared,
    scope: &Scope,
    agent: &Arc<str>,
    budgets: &Budgets,
) -> Result<Arc<dyn Ledger>> {
    let ledger = Sliced::new(Arc::clone(&shared.ledger));
    let limited = shared.limited(scope).await?;
    let [of_agent, of_user, of_tenant] = BudgetKey::around_run(scope, agent);
    let said = [
        (of_tenant, limits(budgets.tenant)),
        (of_agent, limits(budgets.agent)),
        (of_user, limits(budgets.user)),
    ];
    for (key, limits) in said {
        // A limit that the file no longer has must not be kept; most projects never had one.
        if limits.is_some() || limited.iter().any(|(known, _)| *known == key) {
            ledger.set_limits(&key, limits).await?;
        }
    }
    Ok(Arc::new(ledger))
}

const fn limits(windows: Windows) -> BudgetLimits {
    BudgetLimits { total: windows.total, day: windows.day, month: windows.month }
}
