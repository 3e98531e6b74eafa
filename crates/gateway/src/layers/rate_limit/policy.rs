//! Which limits there are, and what each call takes of them.

use std::collections::HashSet;
use std::sync::Arc;

use largestack_ports::ledger::{BudgetKind, BudgetName};
use largestack_ports::limits::{LimitKey, LimitKind, Measure, Rate, Take};

use crate::job::Ask;
use crate::layers::meter;

/// One limit: for each tenant, user, key, model or provider apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Whose calls it counts.
    pub kind: LimitKind,
    /// What of them.
    pub measure: Measure,
    /// How much it grants.
    pub rate: Rate,
}

/// What happens to a call beyond a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenReached {
    /// It fails with `LARGESTACK_RATE_LIMIT` and says when to come back.
    #[default]
    Refuse,
    /// It waits for its turn, unless that comes after its deadline. Turns go round between tenants
    /// and users, in the order of arrival for each.
    Wait {
        /// Calls that may wait for one limit at once; more are refused.
        most: usize,
    },
}

/// All limits.
#[derive(Clone, Debug, Default)]
pub struct RateLimits {
    /// Each of them; a call has to keep all that apply to it.
    pub limits: Vec<RateLimit>,
    /// What happens to a call beyond one.
    pub when_reached: WhenReached,
    /// Agents whose calls go before all others that wait.
    pub first: HashSet<Arc<str>>,
}

impl RateLimits {
    /// What a call takes: the most it can use.
    pub(super) fn takes(&self, ask: &mut Ask) -> Arc<[Take]> {
        let counted = self.limits.iter().any(|limit| limit.measure != Measure::Requests);
        let quote = counted.then(|| meter::Quote::of(ask));
        let most = |of: fn(&meter::Quote) -> u64| quote.as_ref().map_or(0, of);
        // Limits of one kind stand beside one another: their name is made once.
        let mut named: Option<(LimitKind, Option<Arc<str>>)> = None;
        let take = |limit: &RateLimit| {
            let units = match limit.measure {
                Measure::Requests => 1,
                Measure::InputTokens => most(|quote| quote.input),
                Measure::OutputTokens => most(|quote| u64::from(quote.limit)),
                Measure::Money => most(meter::Quote::nanos),
            };
            let name = match &named {
                Some((kind, name)) if *kind == limit.kind => name.clone(),
                _ => named.insert((limit.kind, name(limit.kind, ask))).1.clone(),
            }?;
            let key = LimitKey::new(&ask.job.context.scope, limit.kind, name, limit.measure);
            Some(Take { key, rate: limit.rate, units })
        };
        let takes: Vec<Take> = self.limits.iter().filter_map(take).collect();
        ask.quote = quote;
        takes.into()
    }
}

/// Which of its kind a call counts for; `None` for one without a key and for tools.
fn name(kind: LimitKind, ask: &Ask) -> Option<Arc<str>> {
    let context = &ask.job.context;
    Some(match kind {
        LimitKind::Tenant => context.scope.tenant().as_str().into(),
        LimitKind::User => context.scope.principal().into(),
        LimitKind::Model => ask.route.name.clone(),
        LimitKind::Provider => ask.route.provider.clone(),
        LimitKind::Key => {
            let key = context.budgets.iter().find(|key| key.kind == BudgetKind::Key)?;
            match &key.name {
                BudgetName::Text(name) => name.clone(),
                BudgetName::Run(run) => run.to_string().into(),
            }
        }
        // Calls of tools do not come this way.
        LimitKind::Tool => return None,
    })
}
