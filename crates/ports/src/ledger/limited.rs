//! Which scopes have limits, as one process knows them: so that a run does not have to ask a store.

use std::sync::{Arc, PoisonError, RwLock};

use largestack_types::scope::Scope;

use super::{BudgetKey, BudgetLimits};

/// The scopes that this process has given limits.
#[derive(Debug, Default)]
pub struct LimitedScopes(RwLock<Vec<BudgetKey>>);

impl LimitedScopes {
    /// Notes that a scope was given limits, or has none any more.
    pub fn note(&self, key: &BudgetKey, limits: BudgetLimits) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|other| other != key);
        if limits.is_some() {
            keys.push(key.clone());
        }
    }

    /// Those that a run of this agent touches beside its own tree.
    pub fn around_run(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if keys.is_empty() {
            return Vec::new();
        }
        let around = BudgetKey::around_run(scope, agent).into_iter();
        around.filter(|key| keys.contains(key)).collect()
    }
}
