//! Identity numbers: what states, health services and tax offices give to people and firms.
//!
//! A number counts by its form, its check characters and, where these are weak, by the words
//! around it. Forms are matched all at once, a bit for each; checks are made on what matched.

mod check;
mod form;
mod read;
mod table;
mod words;

use form::Forms;
use read::{may_start, read};

use crate::detector::Described;
use crate::digits::{digit, next_digit};
use crate::layer::Step;
use crate::view::{Verdict, View, is_word};

/// The longest match: every character as wide as UTF-8 makes it, and the words that may follow.
pub(crate) const LONGEST: usize = form::MOST * crate::digits::WIDEST + words::AFTER;
/// The fewest digits of any form.
pub(crate) const FEWEST_DIGITS: usize = 3;
/// The fewest digits of a bank account: the check digits of an IBAN, and those of its country.
pub(crate) const FEWEST_ACCOUNT_DIGITS: usize = 6;

/// Most letters before the first digit of a number.
const LETTERS: usize = 6;

/// The kinds of identity numbers, and how each is told.
pub(crate) fn described() -> impl Iterator<Item = Described> {
    table::identity_specs().map(|spec| (spec.name, spec.about(), spec.shape()))
}

/// The same of bank accounts and codes.
pub(crate) fn described_accounts() -> impl Iterator<Item = Described> {
    table::account_specs().map(|spec| (spec.name, spec.about(), spec.shape()))
}

/// The next identity number at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    search(view, from, table::identities())
}

/// The next bank account, or part of one, at or after `from`.
pub(crate) fn next_account(view: &View<'_>, from: usize) -> Step {
    search(view, from, table::accounts())
}

fn search(view: &View<'_>, from: usize, forms: &Forms) -> Step {
    let mut at = from;
    while let Some(first) = next_digit(view, at) {
        let starts = openings(view, first, from);
        match view.decide(|view| starts.each().find_map(|start| read(view, start, forms))) {
            Verdict::Open => return Step::Open(starts.leftmost()),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            Verdict::Final(None) => at = after_group(view, first),
        }
    }
    // Letters at the end of what has arrived: digits may follow.
    let ends = openings(view, view.len(), from);
    let tail = ends.each().find(|start| may_start(view, *start));
    match tail.filter(|start| *start < view.len() && !view.is_last()) {
        Some(start) => Step::Open(start),
        None => Step::Clear,
    }
}

/// The byte after the digits that start at `first`.
fn after_group(view: &View<'_>, first: usize) -> usize {
    let mut end = first;
    while let Some((_, width)) = digit(view, end) {
        end += width;
    }
    end.max(first + 1)
}

/// Where a number may start, from the left; those that are the same place are one.
#[derive(Clone, Copy)]
struct Openings {
    far: usize,
    near: usize,
    first: usize,
}

impl Openings {
    fn each(self) -> impl Iterator<Item = usize> {
        let Self { far, near, first } = self;
        let others = [(near, near > far), (first, first > near)];
        let others = others.into_iter().filter(|(_, other)| *other).map(|(start, _)| start);
        std::iter::once(far).chain(others)
    }

    const fn leftmost(self) -> usize {
        self.far
    }
}

/// Where a number may start whose first digit stands at `first`: at up to two groups of a few
/// capitals before it, of which a space or a hyphen may divide it.
fn openings(view: &View<'_>, first: usize, from: usize) -> Openings {
    let before = if first > from { view.back(first, 1) } else { 0 };
    if before.is_ascii_uppercase() {
        let near = first - capitals(view, first, first - from);
        let far = if near < first { beyond(view, near, from) } else { near };
        return Openings { far, near, first: near };
    }
    if !matches!(before, b' ' | b'-') {
        return Openings { far: first, near: first, first };
    }
    let near = divided(view, first, from);
    let far = if near < first { beyond(view, near, from) } else { near };
    Openings { far, near, first }
}

/// The group before one that a hyphen divides from it.
fn beyond(view: &View<'_>, near: usize, from: usize) -> usize {
    if view.back(near, 1) == b'-' { divided(view, near, from) } else { near }
}

/// Where the capitals start that a space or a hyphen divides from `at`; `at` if there are none.
fn divided(view: &View<'_>, at: usize, from: usize) -> usize {
    let reach = at - from;
    if reach < 2 || !matches!(view.back(at, 1), b' ' | b'-') {
        return at;
    }
    match capitals(view, at - 1, reach - 1) {
        0 => at,
        count => at - 1 - count,
    }
}

/// How many capitals end before `end`: none if there are more than a number begins with. Small
/// letters begin none, so that the words of a stream need not wait for what follows them.
fn capitals(view: &View<'_>, end: usize, reach: usize) -> usize {
    let count = (1..=reach.min(LETTERS + 1))
        .take_while(|n| view.back(end, *n).is_ascii_uppercase())
        .count();
    let word = count > LETTERS || (count < reach && is_word(view.back(end, count + 1)));
    if word { 0 } else { count }
}

#[cfg(test)]
mod tests;
