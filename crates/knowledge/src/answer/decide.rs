//! Whether the best unit is an answer at all: a logistic model of seven features, its numbers fitted to development questions
//! and rounded.

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
    pub strict_kind: f64,
    /// For the fit of any other kind.
    pub loose_kind: f64,
    /// For the distance of the passage from the top of the hits.
    pub place: f64,
    /// For what the unit itself says.
    pub own: f64,
    /// For how far the word that is asked for itself is said.
    pub focus: f64,
}

impl Default for Decision {
    fn default() -> Self {
        Self {
            bias: -1.2,
            hole: -6.7,
            kind_missing: -2.7,
            strict_kind: 2.3,
            loose_kind: 1.4,
            place: -3.5,
            own: 1.3,
            focus: 1.7,
        }
    }
}

impl Decision {
    /// Log-odds that the unit answers the clause; from 0 on it is called an answer.
    pub fn log_odds(&self, fit: &Fit, clause: &Clause) -> f64 {
        let kind = match kind::is_strict(clause.expect) {
            false => self.loose_kind * fit.kind,
            true if fit.kind < 0.5 => self.strict_kind * fit.kind + self.kind_missing,
            true => self.strict_kind * fit.kind,
        };
        let found = self.hole * fit.hole + self.own * fit.own + self.focus * fit.focus;
        self.bias + found + kind + self.place * fit.place
    }
}
