//! Takes links out of what a model says whose hosts are not on a list: what is shown somewhere loads
//! its images and follows its links, and carries along whatever was written into their addresses.
//!
//! Addresses are found wherever they stand, not by the markup around them: in links and images of
//! Markdown, inline or by reference, in attributes of HTML, or bare. Held back is the word or the tag
//! that is not complete, so that what leaves does not depend on how the text was cut.

use std::ops::Range;
use std::sync::Arc;

use super::address::unlisted;
use super::decoded::decoded;
use super::hosts::Hosts;

/// What stands in the place of a link. With its space it is no address itself.
pub(super) const REMOVED: &str = "[link removed]";
/// Longest word that is looked at as a whole, bytes.
const WORD: usize = 2048;
/// Longest tag, bytes; a longer one is shown as text.
const TAG: usize = 4096;
/// Most bytes that are held back.
pub(super) const HELD: usize = if TAG > WORD { TAG } else { WORD };

/// A filter for one text that arrives in pieces.
#[derive(Clone, Debug)]
pub(super) struct Links {
    hosts: Arc<Hosts>,
    pending: String,
    /// What stood before it.
    before: Option<char>,
    /// Whether the word is one whose beginning was taken out.
    within: bool,
    /// How much was read before what is pending, bytes.
    read: usize,
    removed: Vec<Range<usize>>,
}

/// What is done with the beginning of what is pending: so many bytes are read.
enum Step {
    Wait,
    Keep(usize),
    /// Something else is written for them, and the rest of the word goes with them.
    Write(usize, String, bool),
}

impl Links {
    pub(super) fn new(hosts: Arc<Hosts>) -> Self {
        Self {
            hosts,
            pending: String::new(),
            before: None,
            within: false,
            read: 0,
            removed: Vec::new(),
        }
    }

    pub(super) fn held(&self) -> usize {
        self.pending.len()
    }

    /// What has been taken out since the last call: bytes of the whole text.
    pub(super) fn take_removed(&mut self) -> Vec<Range<usize>> {
        std::mem::take(&mut self.removed)
    }

    pub(super) fn push(&mut self, piece: &str, last: bool) -> String {
        self.pending.push_str(piece);
        let pending = std::mem::take(&mut self.pending);
        let mut out = String::with_capacity(pending.len());
        let mut rest = pending.as_str();
        while !rest.is_empty() {
            let (read, written) = match self.step(rest, last) {
                Step::Wait => break,
                Step::Keep(read) => (read, None),
                Step::Write(read, text, within) => {
                    self.within = within;
                    (read, Some(text))
                }
            };
            let (done, left) = rest.split_at_checked(read).unwrap_or((rest, ""));
            out.push_str(written.as_deref().unwrap_or(done));
            self.before = done.chars().next_back().or(self.before);
            self.read += done.len();
            rest = left;
        }
        rest.clone_into(&mut self.pending);
        out
    }

    fn step(&mut self, text: &str, last: bool) -> Step {
        let word = text.find(ends_word).unwrap_or(text.len());
        if self.within {
            let (read, open) = (word, word == text.len());
            return Step::Write(read, String::new(), open && !last);
        }
        if word > 0 {
            return self.word(text, word, last);
        }
        match text.as_bytes() {
            [b'<'] if !last => Step::Wait,
            [b'<', next, ..] if next.is_ascii_alphabetic() || b"/!?".contains(next) => {
                self.tag(text, last)
            }
            _ => Step::Keep(text.chars().next().map_or(0, char::len_utf8)),
        }
    }

    /// A word, or so much of one that is too long as nothing can still be said about.
    fn word(&mut self, text: &str, length: usize, last: bool) -> Step {
        let open = length == text.len() && !last;
        if length <= WORD && open {
            return Step::Wait;
        }
        let long = length > WORD;
        let seen = text.floor_char_boundary(length.min(WORD));
        let word = text.get(..seen).unwrap_or_default();
        match self.without_links(word) {
            Some(written) if long => Step::Write(seen, written, true),
            Some(written) => Step::Write(seen, written, false),
            // An address that begins in the first half has shown its host in the second.
            None if long => Step::Keep(text.floor_char_boundary(WORD / 2)),
            None => Step::Keep(seen),
        }
    }

    /// A word without its links; `None` where there are none to take out.
    fn without_links(&mut self, word: &str) -> Option<String> {
        if !word.contains([':', '/', '\\', '&', 'w', 'W']) {
            return None;
        }
        let plain = decoded(word, true);
        let place = |at: usize| plain.get(at).map_or(word.len(), |(_, place)| *place);
        let (mut out, mut done, mut from) = (String::new(), 0, 0);
        while let Some(link) = unlisted(&plain, from, self.before, &self.hosts) {
            // Of two that share letters the second has lost its beginning.
            out.push_str(word.get(done..place(link.start).max(done)).unwrap_or_default());
            out.push_str(REMOVED);
            let start = place(link.start).max(done);
            self.removed.push(self.read + start..self.read + place(link.end));
            (done, from) = (place(link.end), link.end);
        }
        if done == 0 {
            return None;
        }
        out.push_str(word.get(done..).unwrap_or_default());
        Some(out)
    }

    fn tag(&mut self, text: &str, last: bool) -> Step {
        let bytes = text.as_bytes();
        let end = tag_end(bytes.get(..bytes.len().min(TAG)).unwrap_or_default());
        let Some(end) = end else {
            let whole = text.len() < TAG;
            return if whole && !last {
                Step::Wait
            } else if whole && !self.leads_away(text) {
                Step::Keep(1)
            } else {
                Step::Write(1, "&lt;".to_owned(), false)
            };
        };
        if self.leads_away(text.get(..end).unwrap_or_default()) {
            self.removed.push(self.read..self.read + end);
            return Step::Write(end, REMOVED.to_owned(), false);
        }
        Step::Keep(end)
    }

    fn leads_away(&self, tag: &str) -> bool {
        unlisted(&decoded(tag, false), 0, self.before, &self.hosts).is_some()
            || unlisted(&decoded(tag, true), 0, self.before, &self.hosts).is_some()
    }
}

fn ends_word(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '<' | '>' | '"' | '`')
}

/// Where a tag ends: at the first `>` that is in no quoted value (HTML, section 13.2.5).
fn tag_end(text: &[u8]) -> Option<usize> {
    let (mut quote, mut after_equals) = (None, false);
    for (at, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == *byte => quote = None,
            (None, b'"' | b'\'') if after_equals => quote = Some(*byte),
            (None, b'>') => return Some(at + 1),
            _ => {}
        }
        after_equals = match byte {
            b'=' => quote.is_none(),
            _ => after_equals && byte.is_ascii_whitespace(),
        };
    }
    None
}
