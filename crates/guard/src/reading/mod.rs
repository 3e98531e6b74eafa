//! The ways in which a text can be read, made once for whoever judges words: injection, topics,
//! leaked prompts. What stands in disguise is written out here, so that a detector needs no idea
//! of disguises, and every reading knows the way back to the bytes of the original.
//!
//! ```text
//! readings(text) = [Plain, then only those that say something else]
//!
//! Plain       NFKC; default-ignorable, bidi and tag characters gone; decimal digits of every
//!             script as 0-9; lookalikes as Latin letters in words that mix scripts (UTS 39).
//!             Letter case, accents and whole words of other scripts stay. Borrowed for ASCII.
//! Lookalike   words written in lookalikes alone, as the Latin words they look like
//! Joined      letters set apart ("i g n o r e", "i-g-n-o-r-e") closed up to words
//! Leet        digits and signs inside words as the letters they stand for ("1gn0re")
//! Hidden      what tag characters or variation selectors spell, invisible in the text
//! Base64, Hex, Percent, Html, Escape
//!             what the text decodes to, each decoded place a line of its own; once more from
//!             each of these (`depth` 2)
//! ```
//!
//! For ASCII without disguise there is one reading, borrowed, for the price of a few looks at each
//! byte. There are never more than [`MOST`] readings, none is longer than [`GROWTH`] times the text and
//! [`SLACK`] bytes, and the work is linear in the length of the text, whatever the text.
//! [`Reading::original`] turns a span of a reading into a span of the text, on character
//! boundaries: of what was decoded, everything that it was decoded from.
//!
//! The detectors of structured values do not use these readings: they see through disguise in
//! place, in streams too (see `crate::fold` and `crate::encoded`).

mod chars;
mod decode;
mod joined;
mod leet;
mod look;
mod lookalike;
mod map;
mod plain;
mod windows;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use chars::{digit as digit_of, is_invisible, undressed};
pub(crate) use decode::runs;
pub(crate) use lookalike::latin as latin_of;
pub use map::Map;

/// Most readings of one text.
pub const MOST: usize = 32;
/// How many times as long as its text a reading may be: one character of three bytes has a
/// compatibility form of 33.
pub const GROWTH: usize = 12;
/// What a reading may be longer than that, bytes.
pub const SLACK: usize = 64;

/// In what way a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// As it is meant to be read.
    Plain,
    /// Words in lookalikes of Latin letters.
    Lookalike,
    /// Letters set apart, closed up.
    Joined,
    /// Digits and signs as letters.
    Leet,
    /// What invisible characters spell.
    Hidden,
    /// Decoded from base64, of either alphabet.
    Base64,
    /// Decoded from hexadecimal digits.
    Hex,
    /// Decoded from `%41`.
    Percent,
    /// Decoded from `&#65;` and `&lt;`.
    Html,
    /// Decoded from `\u0041` and `\x41`.
    Escape,
}

impl Form {
    /// The name, as findings write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Lookalike => "lookalike",
            Self::Joined => "joined",
            Self::Leet => "leet",
            Self::Hidden => "hidden",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Percent => "percent",
            Self::Html => "html",
            Self::Escape => "escape",
        }
    }
}

/// A text, read in one way.
#[derive(Clone, Debug)]
pub struct Reading<'t> {
    /// The way.
    pub form: Form,
    /// How often something was decoded: 0 for what stands in the text, at most 2.
    pub depth: u8,
    /// What it says.
    pub text: Cow<'t, str>,
    map: Map,
}

impl Reading<'_> {
    /// Where a span of this reading stands in the original text.
    pub fn original(&self, span: Range<usize>) -> Range<usize> {
        self.map.source(span)
    }
}

/// Every way in which a text says something of its own. The first is the plain one.
pub fn readings(text: &str) -> Vec<Reading<'_>> {
    let mut all = vec![plain::plain(text)];
    if let Some(hidden) = chars::hidden(text) {
        add(&mut all, hidden.of(Form::Hidden, 0));
    }
    let mut from = 0;
    for depth in 1..=2 {
        let until = all.len();
        for at in from..until {
            let decoded: Vec<_> =
                all.get(at).map(|one| decode::all(one, depth)).unwrap_or_default();
            for one in decoded {
                add(&mut all, one);
            }
        }
        from = until;
    }
    let written = all.len();
    for at in 0..written {
        let others: Vec<_> = all.get(at).map(disguised).unwrap_or_default();
        for one in others {
            add(&mut all, one);
        }
    }
    all
}

/// What the words of a reading are in disguise.
fn disguised(reading: &Reading<'_>) -> Vec<Reading<'static>> {
    let text = &reading.text;
    let forms = [
        (Form::Lookalike, lookalike::words(text)),
        (Form::Joined, joined::joined(text)),
        (Form::Leet, leet::leet(text)),
    ];
    let made = forms.into_iter().filter_map(|(form, made)| Some((form, made?)));
    made.map(|(form, made)| made.over(&reading.map).of(form, reading.depth)).collect()
}

fn add<'t>(all: &mut Vec<Reading<'t>>, one: Reading<'t>) {
    let known = all.iter().any(|other| other.text == one.text);
    if all.len() < MOST && !known {
        all.push(one);
    }
}

/// A text made from another, and where each part of it comes from.
#[derive(Debug, Default)]
struct Made {
    text: String,
    map: Map,
}

impl Made {
    /// Copies a part of the original as it stands.
    fn copy(&mut self, original: &str, span: Range<usize>) {
        if let Some(part) = original.get(span.clone())
            && !part.is_empty()
        {
            self.map.even(self.text.len(), span);
            self.text.push_str(part);
        }
    }

    /// Writes something that stands for a part of the original.
    fn put(&mut self, part: &str, source: Range<usize>) {
        if !part.is_empty() {
            self.map.whole(self.text.len(), source);
            self.text.push_str(part);
        }
    }

    /// As `put`, one character.
    fn put_char(&mut self, c: char, source: Range<usize>) {
        self.put(c.encode_utf8(&mut [0; 4]), source);
    }

    /// The same over a text that is itself a reading.
    fn over(mut self, map: &Map) -> Self {
        self.map = self.map.over(map);
        self
    }

    fn of(mut self, form: Form, depth: u8) -> Reading<'static> {
        self.map.end(self.text.len());
        Reading { form, depth, text: Cow::Owned(self.text), map: self.map }
    }
}

#[cfg(test)]
mod tests;
