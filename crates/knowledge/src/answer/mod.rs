//! Answering from passages alone: choose the sentences that say what was asked, quote them with their lines, or say that the passages
//! do not answer. Nothing is made up here, so nothing can be wrong but the choice; the choice is made by a few general features whose
//! weights are in [`Weights`].

pub mod clean;
mod compose;
mod decide;
mod evidence;
mod feature;
mod kind;
mod lead;
mod missing;
pub mod question;
mod relate;
mod sought;
mod weigh;

pub use compose::{Citation, Reply, compose};
pub use decide::Weights;
pub use evidence::{Form, Passage, Unit};
pub use feature::{FEATURES, Feature, Features, Sign};
pub use lead::{Rival, lead};
pub use question::{Clause, Expect, Role, Standing, clauses};
pub use sought::Corpus;

use evidence::{Frame, units};
use sought::sought;
use weigh::{Surroundings, weigh};

/// A chosen sentence.
#[derive(Debug, Clone)]
pub struct Quote {
    /// Reading text.
    pub text: String,
    /// Which passage it is from, by position.
    pub passage: usize,
    /// Its document.
    pub path: String,
    /// First and last line, from 1, inclusive.
    pub lines: (u32, u32),
    /// Headings above it.
    pub heading: String,
    /// Why it was chosen.
    pub features: Features,
}

/// What became of one clause: its quotes, best first; none when the passages do not answer it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The clause as asked.
    pub clause: Clause,
    /// The quotes.
    pub quotes: Vec<Quote>,
}

/// Most quotes for one clause.
pub const MAX_QUOTES: usize = 3;

/// Finds the quotes that answer each clause of `question` in `passages` (best first).
pub fn find(
    question: &str,
    passages: &[Passage],
    corpus: &Corpus,
    weights: &Weights,
) -> Vec<Found> {
    let read = read(passages);
    let mut topic: Option<usize> = None;
    let mut out = Vec::new();
    for clause in clauses(question) {
        let mut ranked = rank(&clause, passages, &read, corpus, weights);
        if let Some(topic) = topic.and_then(|at| passages.get(at)) {
            stay_with(&topic.path, &mut ranked, passages);
        }
        let chosen = choose(&ranked, weights);
        topic = topic.or(chosen.first().map(|first| first.unit.passage));
        let quotes = chosen.into_iter().filter_map(|ranked| quote(ranked, passages)).collect();
        out.push(Found { clause, quotes });
    }
    out
}

/// A later clause goes on about what the first one was about: units of the document that answered it come first among equals.
fn stay_with(path: &str, ranked: &mut [Ranked<'_>], passages: &[Passage]) {
    for candidate in &mut *ranked {
        if passages.get(candidate.unit.passage).is_some_and(|passage| passage.path == path) {
            candidate.score += TOPIC;
        }
    }
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    mark_margin(ranked);
}

/// What the document of the first clause's answer is worth to the next, in log-odds.
const TOPIC: f64 = 1.5;

/// Every unit of the passages with its measures, best first, for each clause of the question: what [`find`] chooses from.
pub fn candidates(
    question: &str,
    passages: &[Passage],
    corpus: &Corpus,
    weights: &Weights,
) -> Vec<(Clause, Vec<Quote>)> {
    let read = read(passages);
    clauses(question)
        .into_iter()
        .map(|clause| {
            let ranked = rank(&clause, passages, &read, corpus, weights);
            let all = ranked.iter().filter_map(|ranked| quote(ranked, passages)).collect();
            (clause, all)
        })
        .collect()
}

type Read = Vec<(Vec<Unit>, Frame)>;

fn read(passages: &[Passage]) -> Read {
    passages.iter().enumerate().map(|(at, passage)| units(passage, at)).collect()
}

/// A unit with its measures and its score.
struct Ranked<'a> {
    unit: &'a Unit,
    features: Features,
    score: f64,
}

/// All units in the order of their scores. The first one's margin is among its measures.
fn rank<'a>(
    clause: &Clause,
    passages: &[Passage],
    read: &'a Read,
    corpus: &Corpus,
    weights: &Weights,
) -> Vec<Ranked<'a>> {
    let sought = sought(clause, corpus);
    let around: Vec<Surroundings> = read
        .iter()
        .zip(passages)
        .enumerate()
        .map(|(at, ((_, frame), passage))| {
            Surroundings::of(&sought, frame, at, passage.score, corpus)
        })
        .collect();
    let anywhere: Vec<f64> = (0..sought.len())
        .map(|at| around.iter().map(|around| around.says(at)).fold(0.0, f64::max))
        .collect();
    let mut out: Vec<Ranked<'a>> = read
        .iter()
        .zip(&around)
        .flat_map(|((units, _), around)| units.iter().map(move |unit| (unit, around)))
        .filter(|(unit, _)| !unit.text.ends_with('?'))
        .map(|(unit, around)| {
            let features = weigh(clause, &sought, unit, around, &anywhere);
            Ranked { unit, features, score: weights.score(&features) }
        })
        .collect();
    out.sort_by(|a, b| b.score.total_cmp(&a.score));
    mark_margin(&mut out);
    out
}

/// Tells the first unit how it stands among the others.
fn mark_margin(ranked: &mut [Ranked<'_>]) {
    let rivals: Vec<Rival> = ranked
        .iter()
        .map(|r| Rival { features: r.features, score: r.score, passage: r.unit.passage })
        .collect();
    if let (Some(first), Some(features)) = (ranked.first_mut(), lead(&rivals)) {
        first.features = features;
    }
}

/// The first unit if it answers, and those that are close to it.
fn choose<'a, 'b>(ranked: &'b [Ranked<'a>], weights: &Weights) -> Vec<&'b Ranked<'a>> {
    let mut chosen: Vec<&Ranked<'_>> = Vec::new();
    let Some(first) = ranked.first() else { return chosen };
    if first.features.get(Feature::Coverage) <= 0.0 || weights.confidence(&first.features) < 0.0 {
        return chosen;
    }
    for candidate in ranked {
        let repeats = chosen.iter().any(|other| overlaps(other.unit, candidate.unit));
        if chosen.len() < MAX_QUOTES && !repeats && candidate.score >= first.score - CLOSE {
            chosen.push(candidate);
        }
    }
    chosen
}

fn quote(ranked: &Ranked<'_>, passages: &[Passage]) -> Option<Quote> {
    let (unit, passage) = (ranked.unit, passages.get(ranked.unit.passage)?);
    Some(Quote {
        text: unit.text.clone(),
        passage: unit.passage,
        path: passage.path.clone(),
        lines: unit.lines,
        heading: passage.heading.clone(),
        features: ranked.features,
    })
}

/// A further quote must be this close to the first, in log-odds.
pub const CLOSE: f64 = 2.0;

/// Whether two units are from the same lines of one passage.
fn overlaps(a: &Unit, b: &Unit) -> bool {
    a.text == b.text || a.passage == b.passage && a.lines.0 <= b.lines.1 && b.lines.0 <= a.lines.1
}

#[cfg(test)]
mod tests;
