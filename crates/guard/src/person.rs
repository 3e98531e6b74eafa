//! What describes a person, where the words before say that it follows: dates of birth, names, and
//! postal addresses. Without such words nothing is taken for one: a date is a date, and many words
//! begin with a capital. So most names in running text are left alone.

mod read;
mod words;

use std::sync::OnceLock;

use words::{SAYINGS, Says};

use crate::layer::{Hit, Step};
use crate::secret::Filter;
use crate::view::{Verdict, View, is_word};

/// The longest saying, what may stand between it and what it announces, and a postal address.
pub(crate) const LONGEST: usize = 32 + read::GAP + read::ADDRESS;

/// What is found, how it is told, and its shape.
pub(crate) const DETECTORS: &[(&str, &str, &str)] = &[
    (
        "birth-date",
        "a date, where the words before say birth, in eleven languages",
        r"(?i:born|birth|dob)[^0-9\n]{0,24}[0-9]{1,4}",
    ),
    (
        "person-name",
        "words with capitals after a title, `my name is` or `Name:`",
        r"(?i:name is|name:|mr\.?|mrs\.?) [A-Z][a-z]+",
    ),
    (
        "postal-address",
        "a line with a number and a street or postcode, where the words before say address",
        r"(?i:address|lives at|ship to)[: ]+[^\n]{8,160}",
    ),
];

fn filter() -> &'static Filter {
    static FILTER: OnceLock<Filter> = OnceLock::new();
    FILTER.get_or_init(|| Filter::new(SAYINGS.iter().map(|(saying, _)| *saying)))
}

/// The next one at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let limit = if view.is_last() { view.len() } else { unfinished(view, from) };
    let mut at = from;
    while let Some(start) = filter().next(view.bytes, at).filter(|start| *start < limit) {
        view.spend(Filter::AGAIN);
        match view.decide(|view| announced(view, start)) {
            Verdict::Open => return Step::Open(start),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            Verdict::Final(None) => at = start + 1,
        }
    }
    if limit < view.len() { Step::Open(limit) } else { Step::Clear }
}

/// Whether no saying stands in a text: then nothing is announced in any part of it either, however
/// far what is announced may reach.
pub(crate) fn nowhere(view: &View<'_>) -> bool {
    let mut at = 0;
    while let Some(start) = filter().next(view.bytes, at) {
        view.spend(Filter::AGAIN);
        if SAYINGS.iter().any(|(saying, _)| stands(view, start, saying)) {
            return false;
        }
        at = start + 1;
    }
    true
}

fn stands(view: &View<'_>, start: usize, saying: &str) -> bool {
    view.slice(start, start + saying.len()).eq_ignore_ascii_case(saying.as_bytes())
}

/// Where a saying starts whose rest may still arrive; the end where there is none.
fn unfinished(view: &View<'_>, from: usize) -> usize {
    let len = view.len();
    let start = from.max(len.saturating_sub(32));
    let begins = |at: &usize| {
        let tail = view.slice(*at, len);
        SAYINGS.iter().any(|(saying, _)| {
            let head = saying.as_bytes().get(..tail.len());
            tail.len() < saying.len() && head.is_some_and(|head| head.eq_ignore_ascii_case(tail))
        })
    };
    (start..len).find(begins).unwrap_or(len)
}

/// What the saying at `start` announces, if one stands there.
fn announced(view: &View<'_>, start: usize) -> Option<Hit> {
    if is_word(view.back(start, 1)) {
        return None;
    }
    SAYINGS.iter().find_map(|(saying, says)| {
        let end = start + saying.len();
        if !stands(view, start, saying) {
            return None;
        }
        let (span, score, detector) = match says {
            Says::Birth => (read::date(view, end)?, 75, "birth-date"),
            Says::Name { fewest } => (read::name(view, end, *fewest)?, 60, "person-name"),
            Says::Address => (read::address(view, end)?, 60, "postal-address"),
        };
        Some(Hit { span, score, detector, validated: false })
    })
}

#[cfg(test)]
mod tests;
