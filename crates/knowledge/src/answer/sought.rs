//! The words of a clause as they are looked for: how much each counts, and how strongly a set of words holds it.

use std::collections::{BTreeMap, HashMap};

use super::evidence::Words;
use super::question::{Clause, Role, Subject};
use crate::analysis::stem::kinship;
use crate::analysis::synonym::synonyms;

/// What is known of the whole index: how many passages there are and in how many each stem occurs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Corpus {
    /// Passages in the index; 0 when unknown.
    pub passages: u32,
    /// Passages that hold a stem; a stem that was asked for and is in none has 0.
    pub frequencies: BTreeMap<String, u32>,
}

impl Corpus {
    /// A passage's score against that of one which says every asked word as often as helps, 0 to 1; 0 when that is not known.
    pub(super) fn share_of_best(&self, sought: &[Sought<'_>], score: f64) -> f64 {
        let asked = sought.iter().filter(|sought| sought.subject.role == Role::Asked);
        let best: f64 = asked
            .map(|sought| {
                let idf = self.rarity(&sought.subject.stem).unwrap_or(0.6)
                    * (1.0 + (f64::from(self.passages) + 0.5) / 0.5).ln();
                idf * BEST_TERM * if sought.subject.is_frame { FRAME } else { 1.0 }
            })
            .sum();
        if self.passages > 0 && best > 0.0 { (score / best).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// How rare a stem is: 1 when no passage holds it, 0 when all do; `None` when that is not known.
    fn rarity(&self, stem: &str) -> Option<f64> {
        let found = f64::from(*self.frequencies.get(stem)?);
        let all = f64::from(self.passages);
        let idf = |found: f64| (1.0 + (all - found + 0.5) / (found + 0.5)).ln();
        (self.passages > 0).then(|| (idf(found.min(all)) / idf(0.0)).clamp(0.0, 1.0))
    }
}

/// What a term that is said often scores in [`crate::rank::score`], in units of its idf.
const BEST_TERM: f64 = 2.2;
/// What a frame word counts there.
const FRAME: f64 = 0.4;
/// A synonym counts this much of its nearness.
const SYNONYM: f64 = 0.86;
/// Another word of the same two-word phrase or alternative.
const ALTERNATIVE: f64 = 0.95;
/// All parts of a word written in parts.
const PARTS: f64 = 0.9;
/// A word that a slip of the finger away is another.
const SLIP: f64 = 0.85;
/// An ordinary word against a rare one: a document may well put it otherwise.
const ORDINARY: f64 = 0.45;

/// A subject with its weight and everything near it in meaning, looked up once for all units.
pub(super) struct Sought<'a> {
    pub(super) subject: &'a Subject,
    pub(super) weight: f64,
    near: HashMap<&'static str, f64>,
    /// No passage of the whole index holds it.
    is_unknown: bool,
}

/// Prepares the subjects of a clause.
pub(super) fn sought<'a>(clause: &'a Clause, corpus: &Corpus) -> Vec<Sought<'a>> {
    let near = |subject: &Subject| -> HashMap<&'static str, f64> {
        let also = subject.also.as_deref().map(synonyms).unwrap_or_default();
        also.into_iter().chain(synonyms(&subject.stem)).collect()
    };
    clause
        .subjects
        .iter()
        .map(|subject| Sought {
            subject,
            weight: weight(subject, corpus),
            near: near(subject),
            is_unknown: corpus.rarity(&subject.stem).is_some_and(|rarity| rarity >= 1.0),
        })
        .collect()
}

/// How much a word counts: names and what is asked for itself more, frame words and those of other clauses less, rare ones more.
fn weight(subject: &Subject, corpus: &Corpus) -> f64 {
    let class = match subject {
        Subject { is_focus: true, .. } => 1.25,
        Subject { is_frame: true, .. } => 0.5,
        Subject { is_named: true, .. } => 1.1,
        _ => 1.0,
    };
    let role = match subject.role {
        Role::Asked => 1.0,
        Role::Stated => 0.55,
        Role::Inherited => 0.35,
    };
    let rarity = corpus.rarity(&subject.stem).unwrap_or(0.6);
    let ordinary = match subject.is_ordinary {
        true if rarity >= 1.0 => ORDINARY,
        true => 0.5 + 0.5 * ORDINARY,
        false => 1.0,
    };
    class * role * (0.3 + 0.7 * rarity) * ordinary
}

impl Sought<'_> {
    /// How strongly a set of words holds the subject: the word 1, its parts or a form of it 0.9, a synonym by nearness, else 0.
    pub(super) fn held(&self, words: &Words) -> f64 {
        let subject = self.subject;
        if words.contains(&subject.stem) {
            return 1.0;
        }
        if subject.also.as_ref().is_some_and(|also| words.contains(also)) {
            return ALTERNATIVE;
        }
        if !subject.parts.is_empty() && subject.parts.iter().all(|part| words.contains(part)) {
            return PARTS;
        }
        words.iter().map(|word| self.nearness(word)).fold(0.0, f64::max)
    }

    /// How near one word is to the subject.
    pub(super) fn nearness(&self, word: &str) -> f64 {
        if word == self.subject.stem {
            return 1.0;
        }
        let synonym = self.near.get(word).map_or(0.0, |near| near * SYNONYM);
        let misspelt =
            if self.is_unknown && is_slip(word, &self.subject.stem) { SLIP } else { 0.0 };
        synonym.max(misspelt).max(kinship(word, &self.subject.stem))
    }
}

/// Words shorter than this have too many neighbours to take one for a slip.
const SLIP_LETTERS: usize = 5;

/// Whether one letter was left out, added, changed or swapped with the next.
fn is_slip(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.len() < SLIP_LETTERS || long.len() - short.len() > 1 || short.first() != long.first() {
        return false;
    }
    let head = short.iter().zip(long).take_while(|(left, right)| left == right).count();
    let (left, right) =
        (short.get(head..).unwrap_or_default(), long.get(head..).unwrap_or_default());
    if short.len() < long.len() {
        return right.get(1..) == Some(left);
    }
    let tails = |from: usize| (left.get(from..), right.get(from..));
    let changed = matches!(tails(1), (left, right) if left == right);
    let swapped = left.len() > 1
        && left.first() == right.get(1)
        && left.get(1) == right.first()
        && matches!(tails(2), (left, right) if left == right);
    changed || swapped
}

#[cfg(test)]
mod tests {
    use super::is_slip;

    #[test]
    fn a_slip_is_one_letter() {
        for (asked, said) in [
            ("recieve", "receive"),
            ("collegue", "colleague"),
            ("parcle", "parcel"),
            ("batery", "battery"),
            ("shedule", "schedule"),
            ("parsel", "parcel"),
        ] {
            assert!(is_slip(asked, said), "{asked} {said}");
        }
        for (asked, said) in [("house", "mouse"), ("plan", "plane"), ("station", "stationary")] {
            assert!(!is_slip(asked, said), "{asked} {said}");
        }
    }
}
