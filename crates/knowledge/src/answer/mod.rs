//! Answering from passages alone: choose the sentences that say what was asked, quote them with their lines, or say that the passages
//! do not answer. Nothing is made up here, so nothing can be wrong but the choice; the choice is made by a few general features whose
//! weights are in [`Weights`].

pub mod clean;
mod compose;
mod decide;
mod evidence;
mod kind;
pub mod question;
mod weigh;

pub use compose::{Citation, Reply, compose};
pub use decide::Decision;
pub use evidence::{Form, Passage, Unit};
pub use question::{Clause, Expect, Role, clauses};
pub use weigh::{Corpus, Fit, Weights};

use evidence::{Frame, units};
use weigh::{sought, weigh};

/// A chosen sentence.
#[derive(Debug, Clone)]
pub struct Quote {
    /// Reading text.
    pub text: String,
    /// Its document.
    pub path: String,
    /// First and last line, from 1, inclusive.
    pub lines: (u32, u32),
    /// Headings above it.
    pub heading: String,
    /// Why it was chosen.
    pub fit: Fit,
}

/// What became of one clause: its quotes, best first; none when the passages do not answer it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The clause as asked.
    pub clause: Clause,
    /// The quotes.
    pub quotes: Vec<Quote>,
    /// The fit of the best unit, answered or not.
    pub best: Option<Fit>,
    /// The best unit's text, answered or not.
    pub near_miss: Option<String>,
}

/// Most quotes for one clause.
const MAX_QUOTES: usize = 3;

/// Finds the quotes that answer each clause of `question` in `passages` (best first).
pub fn find(
    question: &str,
    passages: &[Passage],
    corpus: &Corpus,
    weights: &Weights,
) -> Vec<Found> {
    let read: Vec<(Vec<Unit>, Frame)> =
        passages.iter().enumerate().map(|(at, passage)| units(passage, at)).collect();
    clauses(question)
        .into_iter()
        .map(|clause| find_clause(clause, passages, &read, corpus, weights))
        .collect()
}

fn find_clause(
    clause: Clause,
    passages: &[Passage],
    read: &[(Vec<Unit>, Frame)],
    corpus: &Corpus,
    weights: &Weights,
) -> Found {
    let subjects = sought(&clause, corpus, weights);
    let mut fits: Vec<(&Unit, Fit)> = read
        .iter()
        .enumerate()
        .flat_map(|(place, (units, frame))| units.iter().map(move |unit| (unit, frame, place)))
        .map(|(unit, frame, place)| (unit, weigh(&clause, &subjects, unit, frame, place, weights)))
        .collect();
    fits.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
    let Some((nearest, best)) = fits.first().copied() else {
        return Found { clause, quotes: Vec::new(), best: None, near_miss: None };
    };
    let mut chosen: Vec<(&Unit, Fit)> = Vec::new();
    if best.coverage > 0.0 && weights.decision.log_odds(&best, &clause) >= 0.0 {
        for (unit, fit) in &fits {
            let repeats = chosen.iter().any(|(other, _)| overlaps(other, unit));
            if chosen.len() < MAX_QUOTES && !repeats && fit.score >= best.score - CLOSE {
                chosen.push((unit, *fit));
            }
        }
    }
    drop(subjects);
    let near_miss = Some(nearest.text.clone());
    let quotes = chosen
        .into_iter()
        .filter_map(|(unit, fit)| {
            let passage = passages.get(unit.passage)?;
            Some(Quote {
                text: unit.text.clone(),
                path: passage.path.clone(),
                lines: unit.lines,
                heading: passage.heading.clone(),
                fit,
            })
        })
        .collect();
    Found { clause, quotes, best: Some(best), near_miss }
}

/// A second quote must be this close to the first.
const CLOSE: f64 = 0.25;

/// Whether two units are from the same lines of one passage.
fn overlaps(a: &Unit, b: &Unit) -> bool {
    a.text == b.text || a.passage == b.passage && a.lines.0 <= b.lines.1 && b.lines.0 <= a.lines.1
}

#[cfg(test)]
mod tests;
