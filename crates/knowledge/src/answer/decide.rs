//! Whether the best unit is an answer at all: a logistic model of six features, its numbers fitted to development questions about four
//! folders and rounded.

use super::kind;
use super::question::Clause;
use super::weigh::Fit;

/// The numbers of the decision: log-odds for each feature of a [`Fit`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// Where everything begins.
    pub bias: f64,
    /// For the heaviest missing word.
    pub hole: f64,
    /// Where a strict kind of answer was asked for and is missing.
    pub kind_missing: f64,
    /// For the fit of a strict kind of answer.
    pub kind: f64,
    /// For the distance of the passage from the top of the hits.
    pub place: f64,
    /// For what the unit itself says, where any kind of answer will do.
    pub own: f64,
    /// For how far the word that is asked for itself is said.
    pub focus: f64,
}

impl Default for Decision {
    fn default() -> Self {
        Self {
            bias: -2.9,
            hole: -6.8,
            kind_missing: -3.2,
            kind: 3.1,
            place: -3.9,
            own: 2.5,
            focus: 3.8,
        }
    }
}

impl Decision {
    /// Log-odds that the unit answers the clause; from 0 on it is called an answer.
    pub fn log_odds(&self, fit: &Fit, clause: &Clause) -> f64 {
        let kind = if !kind::is_strict(clause.expect) {
            self.own * fit.own
        } else if fit.kind < 0.5 {
            self.kind * fit.kind + self.kind_missing
        } else {
            self.kind * fit.kind
        };
        self.bias + self.hole * fit.hole + kind + self.place * fit.place + self.focus * fit.focus
    }
}
