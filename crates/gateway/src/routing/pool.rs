//! A pool: models of which any may answer, and how one of them is chosen.

use std::sync::Arc;

/// Models of which any may answer a call that names the pool (`pool/NAME`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The models, as agents name them.
    pub models: Vec<Arc<str>>,
    /// How one is chosen.
    pub strategy: Strategy,
}

/// How a model of a pool is chosen among those that are available, capable and allowed. The
/// others follow in the order of the choice, where the chosen one fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// By lot, in proportion to a weight for each model of the pool; a missing one is 1. A model
    /// of weight 0 is asked only after all others.
    Weighted(Vec<u32>),
    /// The less loaded of two drawn by lot: load is the latency seen lately, highs above all,
    /// times the calls under way.
    Latency,
    /// The one whose worst case costs least; one without a price comes last.
    Cheapest,
    /// The one that promises most for a call like this: learns from success, latency, cost and
    /// the scores of callers.
    #[default]
    Bandit,
}

impl Strategy {
    /// The name as configuration writes it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Weighted(_) => "weighted",
            Self::Latency => "latency",
            Self::Cheapest => "cheapest",
            Self::Bandit => "bandit",
        }
    }
}
