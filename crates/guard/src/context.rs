//! What the words before a candidate say it is.

use crate::view::{COVERED, View};

/// How far before a number its context is looked for, bytes.
const CONTEXT: usize = 40;

/// Whether one of the words stands shortly before `at`, in any letter case. Nothing is seen beyond
/// another finding.
pub(crate) fn mentions(view: &View<'_>, at: usize, words: &[&str]) -> bool {
    let length = (1..=CONTEXT).take_while(|n| view.back(at, *n) < COVERED).count();
    let context = view.slice(at - length, at);
    // A word that the window cuts is not a word.
    let cut = length == CONTEXT && view.back(at, CONTEXT + 1).is_ascii_alphabetic();
    let said = context.split(|b| !b.is_ascii_alphabetic()).skip(usize::from(cut));
    said.into_iter().any(|said| words.iter().any(|w| said.eq_ignore_ascii_case(w.as_bytes())))
}
