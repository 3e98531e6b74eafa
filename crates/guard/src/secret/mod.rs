//! Secrets: tokens with a known prefix, signed tokens, private keys, passwords in connection
//! strings, and values assigned to a name that says what they are.
//!
//! One automaton finds the literals that every rule starts with; a rule then reads on from there.
//! It is built when the first text is scanned.

mod assign;
mod checksum;
mod jwt;
mod pem;
mod rule;
mod shape;
mod table;
mod url;

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};

pub(crate) use assign::{assigned, secret_name};
use rule::Rule;

use crate::layer::{Hit, Step};
use crate::view::{Verdict, View, is_word};

/// A private key block; every other rule is shorter.
pub(crate) const LONGEST: usize = pem::LONGEST;

/// The literals of all rules, compiled.
struct Automaton {
    search: AhoCorasick,
    /// Rules with the second byte of their literal, by its first; both in lower case.
    by_first: Vec<Vec<(u8, &'static Rule)>>,
    longest_literal: usize,
}

fn automaton() -> &'static Automaton {
    static AUTOMATON: OnceLock<Automaton> = OnceLock::new();
    AUTOMATON.get_or_init(|| {
        let mut by_first = vec![Vec::new(); 256];
        for rule in table::rules() {
            let byte = |n: usize| {
                rule.literal.as_bytes().get(n).copied().unwrap_or_default().to_ascii_lowercase()
            };
            if let Some(rules) = by_first.get_mut(usize::from(byte(0))) {
                rules.push((byte(1), rule));
            }
        }
        let literals = || table::rules().map(|rule| rule.literal);
        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostFirst)
            .start_kind(StartKind::Unanchored)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals());
        #[expect(clippy::expect_used, reason = "the table is fixed; a test builds the automaton")]
        let search = search.expect("a fixed table of short literals compiles");
        Automaton { search, by_first, longest_literal: literals().map(str::len).max().unwrap_or(0) }
    })
}

impl Automaton {
    /// Where the next literal starts.
    fn find(&self, view: &View<'_>, from: usize) -> Option<usize> {
        let input = Input::new(view.bytes).range(from..).anchored(Anchored::No);
        let start = self.search.find(input).map(|found| found.start());
        // A search that starts again reads at most one literal twice.
        view.spend(if start.is_some() { self.longest_literal } else { 1 });
        start
    }

    fn rules(&self, first: u8) -> &[(u8, &'static Rule)] {
        self.by_first.get(usize::from(first.to_ascii_lowercase())).map_or(&[], Vec::as_slice)
    }

    /// Where a literal starts whose rest may still arrive.
    fn unfinished(&self, view: &View<'_>, from: usize) -> Option<usize> {
        let len = view.len();
        let start = from.max((len + 1).saturating_sub(self.longest_literal));
        (start..len).find(|at| {
            let tail = view.slice(*at, len);
            let rules = self.rules(tail.first().copied().unwrap_or_default());
            rules.iter().any(|(_, rule)| rule.may_continue(tail) && rule.may_start(view, *at))
        })
    }
}

/// The next secret at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let automaton = automaton();
    let unfinished = if view.is_last() { None } else { automaton.unfinished(view, from) };
    let limit = unfinished.unwrap_or(view.len());
    let mut at = from;
    while let Some(start) = automaton.find(view, at).filter(|start| *start < limit) {
        match view.decide(|view| specific_or_named(automaton, view, start)) {
            Verdict::Open => return Step::Open(start),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            Verdict::Final(None) => at = start + 1,
        }
    }
    unfinished.map_or(Step::Clear, Step::Open)
}

/// The best match of the rules whose literal stands at `at`: the longest, then the first listed.
fn best(automaton: &Automaton, view: &View<'_>, at: usize) -> Option<Hit> {
    let rules = automaton.rules(view.get(at));
    let second = view.slice(at + 1, at + 2).first().map(u8::to_ascii_lowercase);
    let rules = rules.iter().filter(|(byte, _)| Some(*byte) == second);
    let mut best: Option<Hit> = None;
    for hit in rules.filter_map(|(_, rule)| rule.find(view, at)) {
        if best.as_ref().is_none_or(|best| hit.span.end > best.span.end) {
            best = Some(hit);
        }
    }
    best
}

/// As [`best`]; a value assigned to a name is told by its own prefix where it has one.
fn specific_or_named(automaton: &Automaton, view: &View<'_>, at: usize) -> Option<Hit> {
    let hit = best(automaton, view, at)?;
    if hit.span.start == at {
        return Some(hit);
    }
    match best(automaton, view, hit.span.start) {
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
