//! What a model promises for a call like this: LinUCB with a ridge regression for each model
//! (Li, Chu, Langford, Schapire, "A contextual-bandit approach to personalized news article
//! recommendation", 2010, algorithm 1). Deterministic: the same observations promise the same.

use serde::{Deserialize, Serialize};

use super::demand::Demand;

/// How many numbers describe a call.
const WIDTH: usize = 5;
/// How much a model that is little known is favoured.
const ALPHA: f64 = 0.6;

/// What a model promises of which nothing is known: the most there is, so that each is tried.
const UNKNOWN: f64 = 1.0;

/// A call, as numbers from 0 to about 1: always one, its size, and whether it has tools, media
/// and a schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Features([f64; WIDTH]);

impl Features {
    pub(super) fn of(demand: &Demand) -> Self {
        let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "the logarithm of a rough size")]
        let size = (demand.input as f64).ln_1p() / 14.0;
        Self([1.0, size, flag(demand.tools), flag(!demand.media.is_empty()), flag(demand.schema)])
    }
}

/// What is known of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ridge {
    /// The inverse of the design matrix, kept up to date by Sherman and Morrison's formula.
    inverse: [[f64; WIDTH]; WIDTH],
    /// The sum of features times what the reward was short of [`UNKNOWN`].
    sum: [f64; WIDTH],
}

impl Default for Ridge {
    fn default() -> Self {
        let mut inverse = [[0.0; WIDTH]; WIDTH];
        for (index, row) in inverse.iter_mut().enumerate() {
            if let Some(cell) = row.get_mut(index) {
                *cell = 1.0;
            }
        }
        Self { inverse, sum: [0.0; WIDTH] }
    }
}

fn dot(a: &[f64; WIDTH], b: &[f64; WIDTH]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Ridge {
    fn times(&self, vector: &[f64; WIDTH]) -> [f64; WIDTH] {
        let mut result = [0.0; WIDTH];
        for (cell, row) in result.iter_mut().zip(&self.inverse) {
            *cell = dot(row, vector);
        }
        result
    }

    /// Takes in how a call went, from 0 to 1.
    pub(super) fn observe(&mut self, features: &Features, reward: f64) {
        let Features(x) = features;
        let reached = self.times(x);
        let scale = 1.0 + dot(x, &reached);
        for (row, left) in self.inverse.iter_mut().zip(reached) {
            for (cell, right) in row.iter_mut().zip(reached) {
                *cell -= left * right / scale;
            }
        }
        for (cell, x) in self.sum.iter_mut().zip(x) {
            *cell += (reward - UNKNOWN) * x;
        }
    }

    /// The reward to expect, and how much more it may be.
    pub(super) fn promises(&self, features: &Features) -> (f64, f64) {
        let Features(x) = features;
        let expected = UNKNOWN + dot(&self.times(&self.sum), x);
        (expected, ALPHA * dot(x, &self.times(x)).max(0.0).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(input: u64, tools: bool) -> Features {
        Features::of(&Demand { tools, input, ..Demand::default() })
    }

    #[test]
    fn it_learns_which_calls_a_model_is_good_for() {
        let mut good_at_tools = Ridge::default();
        for round in 0..200 {
            let tools = round % 2 == 0;
            good_at_tools.observe(&call(100 + round, tools), if tools { 0.9 } else { 0.2 });
        }
        let (with, _) = good_at_tools.promises(&call(150, true));
        let (without, _) = good_at_tools.promises(&call(150, false));
        assert!((with - 0.9).abs() < 0.05 && (without - 0.2).abs() < 0.05, "{with} {without}");
    }

    proptest! {
        #[test]
        fn every_observation_makes_it_surer_of_calls_like_it(
            calls in proptest::collection::vec((0_u64..1_000_000, any::<bool>(), 0.0_f64..1.0), 1..60),
        ) {
            let mut ridge = Ridge::default();
            for (input, tools, reward) in calls {
                let features = call(input, tools);
                let (_, before) = ridge.promises(&features);
                ridge.observe(&features, reward);
                let (expected, after) = ridge.promises(&features);
                prop_assert!(after < before && after >= 0.0);
                prop_assert!((-0.5..=1.5).contains(&expected));
            }
            let text = serde_json::to_string(&ridge).unwrap();
            let read: Ridge = serde_json::from_str(&text).unwrap();
            let (one, other) = (ridge.promises(&call(9, true)).0, read.promises(&call(9, true)).0);
            prop_assert!((one - other).abs() < 1e-9);
        }
    }
}
