//! What all runs of a project may spend together (`budgets`), and how fast (`limits`).

use largestack_types::money::Money;

use crate::node::Node;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// What a scope may spend, by window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    /// In all.
    pub total: Option<Money>,
    /// Per day, in UTC.
    pub day: Option<Money>,
    /// Per month, in UTC.
    pub month: Option<Money>,
}

/// What runs may spend together. Every budget that a run touches has to cover its calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// All runs of the tenant.
    pub tenant: Windows,
    /// The runs of each agent.
    pub agent: Windows,
    /// The runs of each user.
    pub user: Windows,
}

/// What may happen in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerMinute {
    /// Calls, repeated attempts included.
    pub requests: Option<u32>,
    /// Tokens sent.
    pub input_tokens: Option<u32>,
    /// Tokens generated.
    pub output_tokens: Option<u32>,
    /// Money.
    pub cost: Option<Money>,
}

/// What happens to a call beyond a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenReached {
    /// It fails and says when to come back.
    #[default]
    Refuse,
    /// It waits for its turn.
    Wait,
}

const WHEN_REACHED: &[(&str, WhenReached)] =
    &[("refuse", WhenReached::Refuse), ("wait", WhenReached::Wait)];

impl Show for WhenReached {
    fn show(&self) -> String {
        match self {
            Self::Refuse => "refuse".to_owned(),
            Self::Wait => "wait".to_owned(),
        }
    }
}

/// Calls that wait at once, unless the file says otherwise.
const QUEUE: u32 = 100;

/// How fast the project may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// All calls of the tenant.
    pub tenant: PerMinute,
    /// The calls of each user.
    pub user: PerMinute,
    /// The calls to each model.
    pub model: PerMinute,
    /// The calls to each provider.
    pub provider: PerMinute,
    /// What happens to a call beyond a limit.
    pub when_reached: WhenReached,
    /// How many calls may wait for one limit at once.
    pub queue: u32,
    /// Agents whose calls go first.
    pub first: Vec<std::sync::Arc<str>>,
}

impl Default for RateLimits {
    fn default() -> Self {
        let none = PerMinute::default();
        Self {
            tenant: none,
            user: none,
            model: none,
            provider: none,
            when_reached: WhenReached::Refuse,
            queue: QUEUE,
            first: Vec::new(),
        }
    }
}

pub(crate) fn budgets(mut fields: Fields<'_>) -> Budgets {
    let mut windows = |kind| {
        let mut fields = fields.section(kind);
        let windows = Windows {
            total: fields.optional("total", value::money),
            day: fields.optional("day", value::money),
            month: fields.optional("month", value::money),
        };
        fields.finish();
        windows
    };
    let budgets =
        Budgets { tenant: windows("tenant"), agent: windows("agent"), user: windows("user") };
    fields.finish();
    budgets
}

/// More than nothing: a limit of nothing would refuse everything for ever.
fn some_money(node: &Node) -> Result<Money, Wrong> {
    match value::money(node)? {
        Money::ZERO => Err(Wrong::value("a limit per minute is more than nothing")),
        money => Ok(money),
    }
}

pub(crate) fn limits(mut fields: Fields<'_>) -> RateLimits {
    let mut per_minute = |kind| {
        let mut fields = fields.section(kind);
        let count = || value::whole(1, u32::MAX);
        let per_minute = PerMinute {
            requests: fields.optional("requests", count()),
            input_tokens: fields.optional("input_tokens", count()),
            output_tokens: fields.optional("output_tokens", count()),
            cost: fields.optional("cost", some_money),
        };
        fields.finish();
        per_minute
    };
    let (tenant, user) = (per_minute("tenant"), per_minute("user"));
    let (model, provider) = (per_minute("model"), per_minute("provider"));
    let choice = value::choice(WHEN_REACHED);
    let when_reached = fields.get("when_reached", WhenReached::default(), choice).value;
    let queue = fields.get("queue", QUEUE, value::whole(1, u32::MAX)).value;
    let first = fields.list("first", Vec::new(), value::some_text).value;
    fields.finish();
    RateLimits { tenant, user, model, provider, when_reached, queue, first }
}
