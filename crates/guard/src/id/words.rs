//! The words around a number that say what it is.

use std::cell::OnceCell;

use crate::email::is_local;
use crate::view::{COVERED, END, View};

/// How far before a number words are looked for, bytes.
const BEFORE: usize = 64;
/// How far after it, bytes.
pub(super) const AFTER: usize = 96;

/// Words that announce an identity number of whatever kind.
const ANY: &[&str] = &[
    "identity",
    "identification",
    "identifier",
    "national",
    "citizen",
    "citizenship",
    "taxpayer",
    "tax",
    "tin",
    "kyc",
    "social",
    "insurance",
    "passport",
    "patient",
    "beneficiary",
    "applicant",
    "resident",
];

/// How clearly the words around a number name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    /// Not at all.
    Nothing,
    /// Some identity number is meant.
    Some,
    /// This kind of number is meant.
    This,
}

/// The words before a number, and, if need be, those after it. Nothing is seen beyond another
/// finding.
pub(super) struct Around<'v, 'a> {
    view: &'v View<'a>,
    start: usize,
    before: OnceCell<&'a [u8]>,
    after: OnceCell<(usize, &'a [u8])>,
}

impl<'v, 'a> Around<'v, 'a> {
    pub(super) fn new(view: &'v View<'a>, start: usize) -> Self {
        Self { view, start, before: OnceCell::new(), after: OnceCell::new() }
    }

    /// What the words before the number say, where `words` name its kind.
    pub(super) fn said_before(&self, words: &[&str]) -> Said {
        name(self.before.get_or_init(|| self.read_before()), words)
    }

    /// What the words after a number that ends at `end` say.
    pub(super) fn said_after(&self, end: usize, words: &[&str]) -> Said {
        name(self.after(end), words)
    }

    fn read_before(&self) -> &'a [u8] {
        let Self { view, start, .. } = *self;
        let length = (1..=BEFORE).take_while(|n| view.back(start, *n) < COVERED).count();
        let before = view.slice(start - length, start);
        // What the window cuts, or another finding, is not a word.
        let whole = length == start || view.back(start, length + 1).is_ascii_whitespace();
        let joined = if whole { 0 } else { before.iter().take_while(|b| joins(**b)).count() };
        before.get(joined..).unwrap_or_default()
    }

    fn after(&self, end: usize) -> &'a [u8] {
        match self.after.get() {
            Some((known, after)) if *known == end => after,
            Some(_) => self.read_after(end),
            None => self.after.get_or_init(|| (end, self.read_after(end))).1,
        }
    }

    fn read_after(&self, end: usize) -> &'a [u8] {
        let view = self.view;
        let length = (0..AFTER).take_while(|n| goes_on(view.get(end + n))).count();
        let after = view.slice(end, end + length);
        let whole = matches!(view.get(end + length), END | b'\n' | b' ');
        let joined = if whole { 0 } else { after.iter().rev().take_while(|b| joins(**b)).count() };
        after.get(..after.len() - joined).unwrap_or_default()
    }
}

/// The end of a text, another finding, or the end of a line ends what follows a number.
const fn goes_on(byte: u8) -> bool {
    byte < COVERED && byte != b'\n'
}

fn name(text: &[u8], words: &[&str]) -> Said {
    let among = |list: &[&str]| list.iter().any(|word| stands(text, word.as_bytes()));
    if among(words) {
        Said::This
    } else if among(ANY) {
        Said::Some
    } else {
        Said::Nothing
    }
}

/// Whether a word stands in a text by itself, in any letter case. One that is not ASCII has no
/// spaces around it in every script, and stands wherever its letters do.
fn stands(text: &[u8], word: &[u8]) -> bool {
    let apart = |at: usize| {
        let end = at + word.len();
        let whole = !alphabetic(text, at.checked_sub(1)) && !alphabetic(text, Some(end));
        (whole || !word.is_ascii()) && !in_finding(text, at)
    };
    text.windows(word.len())
        .enumerate()
        .any(|(at, window)| window.eq_ignore_ascii_case(word) && apart(at))
}

/// Whether the word at `at` is part of something that a guard may take out, of which a word may
/// then stand there alone: an address, or a word joined to a number. What is found must be the same
/// before and after.
fn in_finding(text: &[u8], at: usize) -> bool {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, &[]));
    let joined = |byte: &&u8| joins(**byte);
    let run = before.iter().rev().take_while(joined).chain(after.iter().take_while(joined));
    run.into_iter().any(|byte| *byte == b'@' || byte.is_ascii_digit())
}

/// Whether a byte joins a word to what stands beside it.
const fn joins(byte: u8) -> bool {
    is_local(byte) || byte == b'@'
}

fn alphabetic(text: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic)
}
