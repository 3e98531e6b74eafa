//! Words looked for in any case, under disguises, and only as whole words where a script sets them
//! apart.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::BadContent;
use crate::reading::readings;

/// Largest compiled list, bytes.
const SIZE: usize = 8 << 20;
/// Longest entry, bytes.
const LONGEST: usize = 200;

/// A list of words, `*` at the end of one for whatever it goes on with.
#[derive(Clone, Debug)]
pub(super) struct Words(Regex);

impl Words {
    pub(super) fn of<S: AsRef<str>>(words: &[S]) -> Result<Self, BadContent> {
        Self::around(words, ("", ""))
    }

    /// The same words only between two expressions.
    pub(super) fn around<S: AsRef<str>>(
        words: &[S],
        (before, after): (&str, &str),
    ) -> Result<Self, BadContent> {
        let mut pattern = String::new();
        for word in words {
            let word = word.as_ref();
            let (plain, open) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
            let plain = plain.trim();
            if !plain.contains(char::is_alphanumeric) || plain.len() > LONGEST {
                let why = format!("has `{word}`, which is no word of 1 to {LONGEST} bytes");
                return Err(BadContent(why));
            }
            let spaced: Vec<String> = plain.split_whitespace().map(regex::escape).collect();
            let bound = |letter: Option<char>| {
                if letter.is_some_and(|c| c.is_alphanumeric() && !unspaced(c)) { r"\b" } else { "" }
            };
            pattern.push_str(if pattern.is_empty() { "" } else { "|" });
            pattern.push_str(bound(plain.chars().next()));
            pattern.push_str(&spaced.join(r"\s+"));
            pattern.push_str(if open { r"\w*" } else { bound(plain.chars().next_back()) });
        }
        let pattern = format!("{before}(?:{pattern}){after}");
        let compiled = RegexBuilder::new(&pattern).case_insensitive(true).size_limit(SIZE).build();
        compiled.map(Self).map_err(|error| BadContent(format!("has too many words: {error}")))
    }

    /// Where one of them stands, however it is written: bytes of the text, in order. Behind `most` of
    /// them, the rest of the text is one.
    pub(super) fn found(&self, text: &str, most: usize) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for reading in readings(text) {
            // One more than may be told: then there is a rest.
            let hits = self.0.find_iter(&reading.text).take(most + 1);
            found.extend(hits.map(|hit| reading.original(hit.range())));
        }
        found.sort_by_key(|span| (span.start, span.end));
        found.dedup();
        if let Some(next) = found.get(most).map(|span| span.start) {
            found.truncate(most);
            found.push(next..text.len());
        }
        found
    }

    /// Where they stand in a text as it is written.
    pub(super) fn spans(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        self.0.find_iter(text).map(|hit| hit.range())
    }

    /// Whether one of them stands in a text as it is written.
    pub(super) fn stand_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// Whether one of them stands there.
    pub(super) fn are_in(&self, text: &str) -> bool {
        readings(text).iter().any(|reading| self.0.is_match(&reading.text))
    }
}

/// Scripts that do not set words apart.
fn unspaced(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
