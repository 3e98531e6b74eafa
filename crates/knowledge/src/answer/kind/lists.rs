//! The word lists, read once.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::analysis::Token;

const LISTS: &str = include_str!("lists.txt");

/// A list by its name in `lists.txt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct List(&'static str);

pub(super) const TIME_UNITS: List = List("time_units");
pub(super) const FREQUENCY: List = List("frequency");
pub(super) const SPANS: List = List("spans");
pub(super) const DATES: List = List("dates");
pub(super) const MONTHS: List = List("months");
pub(super) const COUNTS: List = List("counts");
pub(super) const TIME_CLAUSES: List = List("time_clauses");
pub(super) const CURRENCIES: List = List("currencies");
pub(super) const LENGTHS: List = List("lengths");
pub(super) const WEIGHTS: List = List("weights");
pub(super) const OTHER_UNITS: List = List("other_units");
pub(super) const QUANTITIES: List = List("quantities");
pub(super) const PEOPLE: List = List("people");
pub(super) const PRONOUNS: List = List("pronouns");
pub(super) const SITES: List = List("sites");
pub(super) const REASONS: List = List("reasons");
pub(super) const MODALS: List = List("modals");
pub(super) const MEANS: List = List("means");
pub(super) const PLACES: List = List("places");
pub(super) const ADDRESSES: List = List("addresses");
pub(super) const AMOUNTS: List = List("amounts");
pub(super) const AGES: List = List("ages");
pub(super) const TEMPERATURES: List = List("temperatures");
pub(super) const PRESSURES: List = List("pressures");
pub(super) const POWERS: List = List("powers");
pub(super) const SPEEDS: List = List("speeds");

fn table() -> &'static HashMap<&'static str, HashSet<&'static str>> {
    static TABLE: OnceLock<HashMap<&'static str, HashSet<&'static str>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = LISTS.lines().filter_map(|line| line.split_once(": "));
        lines.map(|(name, words)| (name, words.split(' ').collect())).collect()
    })
}

impl List {
    /// Whether a word is in the list.
    pub(super) fn has(self, word: &Token<'_>) -> bool {
        table().get(self.0).is_some_and(|words| words.contains(word.text.as_str()))
    }

    /// Whether any of the words is.
    pub(super) fn any(self, words: &[Token<'_>]) -> bool {
        words.iter().any(|word| self.has(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_there_and_has_words() {
        let all = [
            TIME_UNITS,
            FREQUENCY,
            SPANS,
            DATES,
            MONTHS,
            COUNTS,
            TIME_CLAUSES,
            CURRENCIES,
            LENGTHS,
            WEIGHTS,
            OTHER_UNITS,
            QUANTITIES,
            PEOPLE,
            PRONOUNS,
            SITES,
            REASONS,
            MODALS,
            MEANS,
            PLACES,
            ADDRESSES,
            AMOUNTS,
            AGES,
            TEMPERATURES,
            SPEEDS,
            PRESSURES,
            POWERS,
        ];
        for list in all {
            assert!(table().get(list.0).is_some_and(|words| words.len() > 4), "{list:?}");
        }
        assert_eq!(table().len(), all.len());
    }
}
