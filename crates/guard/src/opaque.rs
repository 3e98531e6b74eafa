//! Text that stands for a value: placeholders, escaped look-alikes, redaction markers.
//!
//! ```text
//! <CARD_1:k7q>        placeholder: kind, number within the session, the session's nonce
//! <=k7q=CARD_1:zzz>   the same look, written by somebody else and escaped by session k7q
//! [CARD_REDACTED]     marker
//! ```
//! Detectors never look inside one. The grammar has no room for a card number.

use crate::finding::Kind;
use crate::layer::{Hit, Step};
use crate::view::{END, Verdict, View};

/// Fewest characters of a nonce.
pub(crate) const NONCE_MIN: usize = 3;
/// Most characters of a nonce: shorter than any card number.
pub(crate) const NONCE_MAX: usize = 12;
/// Most digits of a placeholder's number.
pub(crate) const NUMBER_MAX: usize = 6;
/// The highest number with that many digits.
pub(crate) const NUMBER_LIMIT: u32 = 999_999;
/// An escape with the longest kind, number and nonces.
pub(crate) const LONGEST: usize = 1 + (2 + NONCE_MAX) + 7 + 1 + NUMBER_MAX + 1 + NONCE_MAX + 1;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Kind, number and nonce of something that looks like a placeholder.
    Placeholder(Kind, u32, &'a [u8]),
    /// Nonce of the session that escaped, and where what it escaped starts, without its `<`.
    Escape(&'a [u8], usize),
    /// A redaction marker.
    Marker,
}

/// The token at `at` and the byte after it.
pub(crate) fn parse<'a>(view: &View<'a>, at: usize) -> Option<(Token<'a>, usize)> {
    match view.get(at) {
        b'<' if view.get(at + 1) == b'=' => {
            let (nonce, end) = nonce(view, at + 2)?;
            if view.get(end) != b'=' {
                return None;
            }
            let (_, close) = placeholder(view, end + 1)?;
            Some((Token::Escape(nonce, end + 1), close))
        }
        b'<' => placeholder(view, at + 1),
        b'[' => {
            let (_, end) = kind(view, at + 1)?;
            let tail = b"_REDACTED]";
            view.starts_with(end, tail).then_some((Token::Marker, end + tail.len()))
        }
        _ => None,
    }
}

fn placeholder<'a>(view: &View<'a>, at: usize) -> Option<(Token<'a>, usize)> {
    let (kind, end) = kind(view, at)?;
    if view.get(end) != b'_' {
        return None;
    }
    let (number, end) = number(view, end + 1)?;
    if view.get(end) != b':' {
        return None;
    }
    let (nonce, end) = nonce(view, end + 1)?;
    (view.get(end) == b'>').then_some((Token::Placeholder(kind, number, nonce), end + 1))
}

fn kind(view: &View<'_>, at: usize) -> Option<(Kind, usize)> {
    let first = view.get(at);
    let tags = Kind::ALL.into_iter().map(|kind| (kind, kind.tag().as_bytes()));
    // None begins another, and each is read no further than it goes on.
    tags.filter(|(_, tag)| tag.first() == Some(&first))
        .find(|(_, tag)| view.starts_with(at, tag))
        .map(|(kind, tag)| (kind, at + tag.len()))
}

fn number(view: &View<'_>, at: usize) -> Option<(u32, usize)> {
    let mut number = 0;
    let mut end = at;
    while end < at + NUMBER_MAX && view.get(end).is_ascii_digit() {
        number = number * 10 + u32::from(view.get(end) - b'0');
        end += 1;
    }
    (end > at && view.get(at) != b'0').then_some((number, end))
}

fn nonce<'a>(view: &View<'a>, at: usize) -> Option<(&'a [u8], usize)> {
    let mut end = at;
    while end < at + NONCE_MAX && is_nonce(view.get(end)) {
        end += 1;
    }
    (end >= at + NONCE_MIN).then(|| (view.slice(at, end), end))
}

pub(crate) const fn is_nonce(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// The next token at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let mut at = from;
    while let Some(i) = memchr::memchr2(b'<', b'[', view.slice(at, view.len())) {
        at += i;
        match view.decide(|view| parse(view, at)) {
            Verdict::Open => return Step::Open(at),
            Verdict::Final(Some((_, end))) => {
                let hit = Hit { span: at..end, score: 100, detector: "opaque", validated: true };
                return Step::Found(hit);
            }
            Verdict::Final(None) => at += 1,
        }
    }
    Step::Clear
}

/// The token at the start of a text, where the text holds all of it.
pub(crate) fn token_at(text: &str, at: usize) -> Option<(Token<'_>, usize)> {
    let view = View::new(text.as_bytes(), 0, true);
    debug_assert!(view.get(at) != END);
    parse(&view, at)
}
