//! Secrets: tokens with a known prefix, signed tokens, private keys, passwords in connection
//! strings, and values assigned to a name that says what they are.
//!
//! Every rule starts with a literal. A filter finds the places where one may stand; the rules then
//! read on from there. It is built when the first text is scanned.

mod assign;
mod checksum;
mod filter;
mod jwt;
mod pem;
mod rule;
mod shape;
mod table;
mod url;

use std::sync::OnceLock;

pub(crate) use assign::{Name, assigned, secret_name};
pub(crate) use filter::Filter;
use rule::Rule;

use crate::detector::Described;
use crate::layer::{Hit, Step};
use crate::view::{Verdict, View, is_word};

/// A private key block; every other rule is shorter.
pub(crate) const LONGEST: usize = pem::LONGEST;

/// The rules, and how each tells.
pub(crate) fn described() -> impl Iterator<Item = Described> {
    table::rules().map(|rule| (rule.name, rule.about(), rule.shape()))
}

/// The literals of all rules, made ready.
struct Literals {
    filter: Filter,
    /// Rules with the second byte of their literal, by its first; both in lower case.
    by_first: Vec<Vec<(u8, &'static Rule)>>,
    longest: usize,
}

fn literals() -> &'static Literals {
    static LITERALS: OnceLock<Literals> = OnceLock::new();
    LITERALS.get_or_init(|| {
        let mut by_first = vec![Vec::new(); 256];
        for rule in table::rules() {
            let byte = |n: usize| {
                rule.literal.as_bytes().get(n).copied().unwrap_or_default().to_ascii_lowercase()
            };
            if let Some(rules) = by_first.get_mut(usize::from(byte(0))) {
                rules.push((byte(1), rule));
            }
        }
        let all = || table::rules().map(|rule| rule.literal);
        Literals {
            filter: Filter::new(all()),
            by_first,
            longest: all().map(str::len).max().unwrap_or(0),
        }
    })
}

impl Literals {
    /// The next place where a literal may start.
    fn find(&self, view: &View<'_>, from: usize) -> Option<usize> {
        let start = self.filter.next(view.bytes, from);
        view.spend(if start.is_some() { Filter::AGAIN } else { 1 });
        start
    }

    fn rules(&self, first: u8) -> &[(u8, &'static Rule)] {
        self.by_first.get(usize::from(first.to_ascii_lowercase())).map_or(&[], Vec::as_slice)
    }

    /// The rules whose literal has the two bytes that stand at `at`.
    fn rules_at(&self, view: &View<'_>, at: usize) -> impl Iterator<Item = &'static Rule> {
        let rules = self.rules(view.get(at));
        let second = view.slice(at + 1, at + 2).first().map(u8::to_ascii_lowercase);
        rules.iter().filter(move |(byte, _)| Some(*byte) == second).map(|(_, rule)| *rule)
    }

    /// Where a literal starts whose rest may still arrive.
    fn unfinished(&self, view: &View<'_>, from: usize) -> Option<usize> {
        let len = view.len();
        let start = from.max((len + 1).saturating_sub(self.longest));
        (start..len).find(|at| {
            let tail = view.slice(*at, len);
            let rules = self.rules(tail.first().copied().unwrap_or_default());
            rules.iter().any(|(_, rule)| rule.may_continue(tail) && rule.may_start(view, *at))
        })
    }
}

/// The next secret at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let literals = literals();
    let unfinished = if view.is_last() { None } else { literals.unfinished(view, from) };
    let limit = unfinished.unwrap_or(view.len());
    let mut at = from;
    while let Some(start) = literals.find(view, at).filter(|start| *start < limit) {
        match view.decide(|view| specific_or_named(literals, view, start)) {
            Verdict::Open => return Step::Open(start),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            Verdict::Final(None) => at = start + 1,
        }
    }
    unfinished.map_or(Step::Clear, Step::Open)
}

/// Whether a text holds neither a secret nor a word that names one: then no value in it can be one
/// by the name it has either.
pub(crate) fn nowhere(view: &View<'_>) -> bool {
    let literals = literals();
    let mut at = 0;
    while let Some(start) = literals.find(view, at) {
        let names = literals.rules_at(view, start).any(|rule| rule.names(view, start));
        if names || best(literals, view, start).is_some() {
            return false;
        }
        at = start + 1;
    }
    true
}

/// The best match of the rules whose literal stands at `at`: the longest, then the first listed.
fn best(literals: &Literals, view: &View<'_>, at: usize) -> Option<Hit> {
    let mut best: Option<Hit> = None;
    for hit in literals.rules_at(view, at).filter_map(|rule| rule.find(view, at)) {
        if best.as_ref().is_none_or(|best| hit.span.end > best.span.end) {
            best = Some(hit);
        }
    }
    best
}

/// As [`best`]; a value assigned to a name is told by its own prefix where it has one.
fn specific_or_named(literals: &Literals, view: &View<'_>, at: usize) -> Option<Hit> {
    let hit = best(literals, view, at)?;
    if hit.span.start == at {
        return Some(hit);
    }
    match best(literals, view, hit.span.start) {
        Some(inner) if inner.span == hit.span => Some(inner),
        _ => Some(hit),
    }
}

/// Whether a token may start at `at`.
fn starts_token(view: &View<'_>, at: usize) -> bool {
    !is_word(view.back(at, 1))
}

#[cfg(test)]
mod tests;
