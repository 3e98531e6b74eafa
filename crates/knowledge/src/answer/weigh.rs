//! How well a unit answers a clause: the share of the clause's subject that the unit, or what surrounds it, is about.

use std::collections::HashMap;

use super::decide::Decision;
use super::evidence::{Frame, Unit, Words};
use super::kind;
use super::question::{Clause, Expect, Role, Subject};
use crate::analysis::stem::kinship;
use crate::analysis::{real, synonym::synonyms};

/// What is known of the whole index: how many passages there are and in how many each stem occurs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Corpus {
    /// Passages in the index; 0 when unknown.
    pub passages: u32,
    /// Passages that hold a stem; a stem that was asked for and is in none has 0.
    pub frequencies: std::collections::BTreeMap<String, u32>,
}

/// The numbers that decide; set on development questions of other folders than those reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// A synonym counts this much of the word itself.
    pub synonym: f64,
    /// A word of the heading or lead-in.
    pub lead: f64,
    /// A word of a neighbouring sentence.
    pub near: f64,
    /// A word of the title, an outer heading or the path.
    pub document: f64,
    /// A word elsewhere in the passage.
    pub passage: f64,
    /// Weight of a frame word against a subject word.
    pub frame: f64,
    /// Weight of an ordinary word against a rare one.
    pub ordinary: f64,
    /// Weight of a name, number or code against a rare word.
    pub named: f64,
    /// Weight of the word that is asked for itself.
    pub focus: f64,
    /// Weight of a word of a statement that came with the question.
    pub stated: f64,
    /// Weight of a word inherited from another clause.
    pub inherited: f64,
    /// Gain for the expected kind of answer; lost again, doubled, when a strict kind is missing.
    pub kind: f64,
    /// Gain for what the unit itself says rather than its surroundings.
    pub own: f64,
    /// Gain for two asked words side by side.
    pub adjacent: f64,
    /// Gain for the best-ranked passage, falling with rank.
    pub rank: f64,
    /// What turns a fit into a decision.
    pub decision: Decision,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            synonym: 0.86,
            lead: 0.9,
            near: 0.6,
            document: 0.75,
            passage: 0.16,
            frame: 0.5,
            ordinary: 0.45,
            named: 1.1,
            focus: 1.25,
            stated: 0.55,
            inherited: 0.35,
            kind: 0.07,
            own: 0.15,
            adjacent: 0.03,
            rank: 0.05,
            decision: Decision::default(),
        }
    }
}

/// How a unit fares against a clause.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Fit {
    /// Order among units.
    pub score: f64,
    /// Share of the clause's subject found, 0 to 1.
    pub coverage: f64,
    /// Share found in the unit itself.
    pub own: f64,
    /// Weight share of the heaviest subject word that is found nowhere near.
    pub hole: f64,
    /// Fit of the kind of answer.
    pub kind: f64,
    /// How far the word that is asked for itself is said; 1 when there is none.
    pub focus: f64,
    /// How far down the hits its passage is: 0 for the first, 1 from the sixth on.
    pub place: f64,
}

/// Passages from here on count alike.
const LAST_PLACE: usize = 5;

/// A subject with its weight and everything near it in meaning, looked up once for all units.
pub(super) struct Sought<'a> {
    subject: &'a Subject,
    weight: f64,
    near: HashMap<&'static str, f64>,
}

/// Prepares the subjects of a clause.
pub(super) fn sought<'a>(
    clause: &'a Clause,
    corpus: &Corpus,
    weights: &Weights,
) -> Vec<Sought<'a>> {
    let near = |subject: &Subject| -> HashMap<&'static str, f64> {
        let also = subject.also.as_deref().map(synonyms).unwrap_or_default();
        also.into_iter().chain(synonyms(&subject.stem)).collect()
    };
    clause
        .subjects
        .iter()
        .map(|subject| Sought {
            subject,
            weight: weight(subject, corpus, weights),
            near: near(subject),
        })
        .collect()
}

fn weight(subject: &Subject, corpus: &Corpus, weights: &Weights) -> f64 {
    let class = if subject.is_focus {
        weights.focus
    } else if subject.is_frame {
        weights.frame
    } else if subject.is_named {
        weights.named
    } else {
        1.0
    };
    let class = class
        * match subject.role {
            Role::Asked => 1.0,
            Role::Stated => weights.stated,
            Role::Inherited => weights.inherited,
        };
    let frequency = corpus.frequencies.get(&subject.stem).copied();
    let rarity = match frequency {
        // Unknown to the documents: an ordinary word may be put otherwise, any other is what they do not speak of.
        Some(0) if corpus.passages > 0 => {
            return class * if subject.is_ordinary { weights.ordinary } else { 1.0 };
        }
        Some(found) if corpus.passages > 0 => {
            let all = f64::from(corpus.passages);
            let found = f64::from(found);
            (1.0 + (all - found + 0.5) / (found + 0.5)).ln() / (1.0 + (all + 0.5) / 0.5).ln()
        }
        _ => 0.6,
    };
    class
        * (0.3 + 0.7 * rarity.clamp(0.0, 1.0))
        * if subject.is_ordinary { 0.5 + 0.5 * weights.ordinary } else { 1.0 }
}

/// How strongly a set of words holds a subject: the word 1, all parts of it or a form of it 0.9, a synonym by nearness, else 0.
fn holds(words: &Words, sought: &Sought<'_>, weights: &Weights) -> f64 {
    let subject = sought.subject;
    if words.contains(&subject.stem) {
        return 1.0;
    }
    if subject.also.as_ref().is_some_and(|also| words.contains(also)) {
        return 0.95;
    }
    if !subject.parts.is_empty() && subject.parts.iter().all(|part| words.contains(part)) {
        return 0.9;
    }
    let mut best: f64 = 0.0;
    for word in words {
        best = best.max(kinship(word, &subject.stem));
        if let Some(near) = sought.near.get(word.as_str()) {
            best = best.max(near * weights.synonym);
        }
    }
    best
}

/// Weighs a unit against a clause. `place` is its passage's position in the hits, from 0.
pub(super) fn weigh(
    clause: &Clause,
    sought: &[Sought<'_>],
    unit: &Unit,
    frame: &Frame,
    place: usize,
    weights: &Weights,
) -> Fit {
    let total: f64 = sought.iter().map(|sought| sought.weight).sum();
    let fit_of_kind = kind::fits(unit, clause);
    if total <= 0.0 {
        return Fit { kind: fit_of_kind, ..Fit::default() };
    }
    let (mut coverage, mut own, mut hole, mut focus) = (0.0, 0.0, 0.0_f64, 1.0_f64);
    for subject in sought {
        let share = subject.weight;
        let here = holds(&unit.own, subject, weights);
        let around = [
            (&unit.lead, weights.lead),
            (&unit.near, weights.near),
            (&frame.document, weights.document),
            (&frame.passage, weights.passage),
        ]
        .into_iter()
        .map(|(words, worth)| worth * holds(words, subject, weights))
        .fold(0.0, f64::max);
        let found = here.max(around);
        coverage += share * found;
        own += share * here;
        if subject.subject.is_focus && subject.subject.role == Role::Asked {
            let lead = weights.lead * holds(&unit.lead, subject, weights);
            // "Which bank" is answered by a bank's name, not by the word bank.
            let bare = clause.text.to_lowercase().contains("which")
                && here >= 0.9
                && unit.form != super::evidence::Form::Row
                && !kind::proper_name(unit, clause);
            let here = if bare { 0.5 } else { here };
            let document = weights.document * holds(&frame.document, subject, weights);
            focus = focus.min(
                here.max(document)
                    .max(lead)
                    .max(weights.near * holds(&unit.near, subject, weights)),
            );
        }
        if subject.subject.role == Role::Asked {
            let missing = share * (1.0 - found);
            hole = hole.max(missing);
        }
    }
    let (coverage, own, hole) = (coverage / total, own / total, hole / total);
    let mut score = coverage
        + weights.own * own
        + weights.rank / (1.0 + real(place))
        + weights.adjacent * adjacent(clause, unit);
    score += if kind::is_strict(clause.expect) {
        weights.kind * (3.0 * fit_of_kind - 2.0)
    } else {
        weights.kind * (fit_of_kind - 0.5)
    };
    score -= 0.002 * real(unit.order.len().saturating_sub(40));
    if unit.text.ends_with('?') {
        score -= 0.3;
    }
    if clause.expect != Expect::Command
        && clause.expect != Expect::Manner
        && unit.form == super::evidence::Form::Code
    {
        score -= 0.1;
    }
    Fit {
        score,
        coverage,
        own,
        hole,
        kind: fit_of_kind,
        focus,
        place: real(place.min(LAST_PLACE)) / real(LAST_PLACE),
    }
}

/// How many neighbouring subjects stand side by side in the unit, at most two.
fn adjacent(clause: &Clause, unit: &Unit) -> f64 {
    let pairs = clause.subjects.windows(2).filter(|pair| match pair {
        [a, b] => unit
            .order
            .windows(2)
            .any(|words| matches!(words, [x, y] if *x == a.stem && *y == b.stem)),
        _ => false,
    });
    real(pairs.count().min(2))
}
