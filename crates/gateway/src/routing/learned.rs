//! What a pool knows of its models for one tenant, and what an outcome is worth.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::bandit::{Features, Ridge};
use super::ewma::PeakEwma;

/// What a failed call counts as in latency: who is down must not look fast.
const FAILED_MILLIS: f64 = 30_000.0;
/// A success is worth 1, less up to this much each for what it took and what it cost.
const SHARE: f64 = 0.25;
/// A latency and a cost at which half of their share is gone.
const HALF_MILLIS: f64 = 5_000.0;
const HALF_NANOS: f64 = 10_000_000.0;

/// What is known of one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Arm {
    pub(super) latency: PeakEwma,
    pub(super) ridge: Ridge,
}

/// What is known of the models of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Learned {
    arms: BTreeMap<Arc<str>, Arm>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) good: bool,
    pub(super) took: Duration,
    pub(super) cost: Money,
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "a rule of thumb, not a bill")]
    fn reward(self) -> f64 {
        if !self.good {
            return 0.0;
        }
        let (millis, nanos) = (self.took.as_secs_f64() * 1e3, self.cost.nanos().max(0) as f64);
        1.0 - SHARE * millis / (millis + HALF_MILLIS) - SHARE * nanos / (nanos + HALF_NANOS)
    }
}

impl Learned {
    pub(super) fn arm(&self, model: &str) -> Option<&Arm> {
        self.arms.get(model)
    }

    pub(super) fn take(&mut self, model: &Arc<str>, x: &Features, ended: Outcome, now: Timestamp) {
        let arm = self.arms.entry(model.clone()).or_default();
        let millis = if ended.good { ended.took.as_secs_f64() * 1e3 } else { FAILED_MILLIS };
        arm.latency.observe(millis, now);
        arm.ridge.observe(x, ended.reward());
    }

    /// A caller's own judgement, from 0 to 1: one more observation of the same call.
    pub(super) fn score(&mut self, model: &Arc<str>, x: &Features, score: f64) {
        self.arms.entry(model.clone()).or_default().ridge.observe(x, score.clamp(0.0, 1.0));
    }
}

/// A pool of one tenant in this process.
#[derive(Default)]
pub(super) struct State(Mutex<Inner>);

#[derive(Default)]
pub(super) struct Inner {
    /// What was saved before has been read.
    pub(super) loaded: bool,
    pub(super) learned: Learned,
    pub(super) under_way: HashMap<Arc<str>, u32>,
    /// A task is saving, and whether there is something newer.
    pub(super) saving: bool,
    pub(super) newer: bool,
}

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The load of a model: the latency to expect, times the calls under way and this one.
    pub(super) fn load(&self, model: &str, now: Timestamp) -> f64 {
        let millis = self.learned.arm(model).map_or(0.0, |arm| arm.latency.millis(now));
        let under_way = self.under_way.get(model).copied().unwrap_or(0);
        // A model that nobody has asked is no worse than an instant one, but not free for all.
        millis.max(1.0) * f64::from(under_way + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(good: bool, millis: u64, nanos: i64) -> Outcome {
        Outcome { good, took: Duration::from_millis(millis), cost: Money::from_nanos(nanos) }
    }

    #[test]
    fn a_success_is_worth_more_the_faster_and_cheaper_it_is_and_always_more_than_a_failure() {
        let worth = |good, millis, nanos| ended(good, millis, nanos).reward();
        assert!((worth(true, 0, 0) - 1.0).abs() < 1e-12);
        assert!((worth(true, 5_000, 0) - 0.875).abs() < 1e-12);
        assert!((worth(true, 0, 10_000_000) - 0.875).abs() < 1e-12);
        assert!(worth(true, 600_000, i64::MAX) >= 0.5);
        assert!(worth(false, 0, 0) < f64::EPSILON);
    }

    #[test]
    fn load_grows_with_calls_under_way() {
        let mut inner = Inner::default();
        let now = Timestamp::from_micros(0);
        let (a, x) = (Arc::from("a"), Features::of(&super::super::demand::Demand::default()));
        inner.learned.take(&a, &x, ended(true, 200, 0), now);
        assert!((inner.load("a", now) - 200.0).abs() < 1e-9);
        inner.under_way.insert(a, 2);
        assert!((inner.load("a", now) - 600.0).abs() < 1e-9);
        assert!((inner.load("b", now) - 1.0).abs() < 1e-9);
    }
}
