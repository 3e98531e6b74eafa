//! What each signal adds to a score, as fitted.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Channel;
use super::signal::{Signal, Signals};

/// A signal and its weight a line; written by the test `the_weights_are_those_of_the_corpus`.
const FILE: &str = include_str!("weights.tsv");

pub(super) static WEIGHTS: LazyLock<Weights> = LazyLock::new(|| Weights::read(FILE));

pub(super) struct Weights {
    each: Vec<f32>,
    bias: f32,
    /// The scores from which a text is flagged: one that somebody says, and data.
    thresholds: [f32; 2],
}

impl Weights {
    fn read(file: &str) -> Self {
        let known: HashMap<&str, f32> = file
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter_map(|(name, weight)| Some((name, weight.parse().ok()?)))
            .collect();
        let of = |name: &str| known.get(name).copied().unwrap_or_default();
        let each = Signal::all().map(|signal| of(&signal.to_string())).collect();
        Self { each, bias: of("bias"), thresholds: [of("threshold/said"), of("threshold/data")] }
    }

    /// The score from which a text of this channel is flagged.
    pub(super) const fn threshold(&self, channel: Channel) -> f32 {
        let [said, data] = self.thresholds;
        match channel {
            Channel::User | Channel::Conversation => said,
            Channel::Data => data,
        }
    }

    pub(super) fn of(&self, signal: Signal) -> f32 {
        self.each.get(signal.index()).copied().unwrap_or_default()
    }

    pub(super) fn score(&self, signals: &Signals) -> f32 {
        signals.iter().map(|(signal, _)| self.of(signal)).sum::<f32>() + self.bias
    }
}
