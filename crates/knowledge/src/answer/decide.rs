//! Which unit comes first, and whether it is an answer at all: two linear models over the same measures, with the numbers of `weights.txt`.
//! `cargo run --release -p largestack-knowledge --example fit` fits them to the questions for development and writes that file.

use super::feature::{FEATURES, Feature, Features};

/// The numbers as fitted: for each feature its name, its weight in the order of the units, and in the decision.
const FITTED: &str = include_str!("weights.txt");

/// The numbers that decide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of the score that orders the units of all passages: log-odds, up to a constant of the clause.
    pub order: [f64; FEATURES],
    /// Of the log-odds that the first unit answers the clause.
    pub decision: [f64; FEATURES],
    /// Log-odds from which on it is called an answer.
    pub threshold: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self::parse(FITTED)
    }
}

impl Weights {
    /// Reads `name order decision` lines; a feature without a line weighs nothing.
    pub fn parse(text: &str) -> Self {
        let mut out = Self { order: [0.0; FEATURES], decision: [0.0; FEATURES], threshold: 0.0 };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split_whitespace();
            let name = fields.next().unwrap_or_default();
            let mut number = || fields.next().and_then(|field| field.parse().ok()).unwrap_or(0.0);
            if name == "threshold" {
                out.threshold = number();
            } else if let Some(feature) = Feature::ALL.iter().find(|f| f.name() == name) {
                let at = *feature as usize;
                if let (Some(order), Some(decision)) =
                    (out.order.get_mut(at), out.decision.get_mut(at))
                {
                    (*order, *decision) = (number(), number());
                }
            }
        }
        out
    }

    /// Order among the units of one clause, higher first.
    pub fn score(&self, features: &Features) -> f64 {
        features.dot(&self.order)
    }

    /// How far the log-odds that the first unit is an answer are above the threshold.
    pub fn confidence(&self, features: &Features) -> f64 {
        features.dot(&self.decision) - self.threshold
    }
}
