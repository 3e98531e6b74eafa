//! The words around a number that say what it is.

use std::cell::OnceCell;

use crate::view::{COVERED, View};

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
        // A word that the window cuts is not a word.
        let cut = length == BEFORE && !view.back(start, BEFORE + 1).is_ascii_whitespace();
        if cut { after_word(before) } else { before }
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
        let cut = length == AFTER && !view.get(end + AFTER).is_ascii_whitespace();
        if cut { before_word(after) } else { after }
    }
}

/// The end of a text, another finding, or the end of a line ends what follows a number.
const fn goes_on(byte: u8) -> bool {
    byte < COVERED && byte != b'\n'
}

fn after_word(text: &[u8]) -> &[u8] {
    let word = text.iter().take_while(|b| !b.is_ascii_whitespace()).count();
    text.get(word..).unwrap_or_default()
}

fn before_word(text: &[u8]) -> &[u8] {
    let word = text.iter().rev().take_while(|b| !b.is_ascii_whitespace()).count();
    text.get(..text.len() - word).unwrap_or_default()
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
        (whole || !word.is_ascii()) && !in_address(text, at)
    };
    text.windows(word.len())
        .enumerate()
        .any(|(at, window)| window.eq_ignore_ascii_case(word) && apart(at))
}

/// Whether the text between the spaces around `at` is an e-mail address. Its words are not about the
/// number, and a guard may take them out: what is found must not depend on them.
fn in_address(text: &[u8], at: usize) -> bool {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, &[]));
    let joined = |byte: &&u8| !byte.is_ascii_whitespace();
    before
        .iter()
        .rev()
        .take_while(joined)
        .chain(after.iter().take_while(joined))
        .any(|b| *b == b'@')
}

fn alphabetic(text: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic)
}
