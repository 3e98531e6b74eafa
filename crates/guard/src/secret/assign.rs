//! Values assigned to a name that says what they are: `password = "…"`, `API_KEY: …`,
//! `Authorization: Bearer …`.
//!
//! The value must look drawn at random: placeholders of templates, words, versions, calls and
//! paths are left alone.

use std::ops::Range;

use super::shape::Alphabet;
use crate::view::{BARRIER, END, View};

/// How strict the value is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A password: people choose short ones.
    Password,
    /// A key or token: machines make long ones.
    Token,
    /// An authorisation scheme, whose credential follows after a space.
    Scheme,
}

/// Longest rest of the name after the word (`password_for_root`).
const SUFFIX: usize = 32;
/// Longest value: of a longer one this much is found.
const VALUE: usize = 1024;
/// How much of a value is judged.
const JUDGED: usize = 64;
/// The slots of [`View::run`] for values without quotes, and for what in them is no digit or sign;
/// alphabets have the ones before.
const UNQUOTED: usize = 9;
const PLAIN: usize = 10;
/// Most spaces on each side of the sign.
const SPACES: usize = 4;
/// Rest of the name, quotes, spaces, sign, value.
#[cfg(test)]
pub(super) const LONGEST: usize = SUFFIX + 4 + SPACES + 2 + SPACES + 4 + VALUE;

/// Names that end like this say something about a secret, they are not one.
const ABOUT: &[&[u8]] = &[
    b"name",
    b"id",
    b"type",
    b"count",
    b"limit",
    b"policy",
    b"url",
    b"uri",
    b"path",
    b"file",
    b"env",
    b"length",
    b"hint",
    b"field",
    b"expiry",
    b"version",
    b"arn",
    b"ref",
    b"label",
    b"usage",
    b"model",
    b"endpoint",
    b"prefix",
    b"format",
];

/// Where the value stands, given where the word stands that names it.
pub(super) fn read(view: &View<'_>, word: Range<usize>, name: Name) -> Option<Range<usize>> {
    let at = word.end;
    if name == Name::Scheme {
        let end = run(view, at, VALUE, Alphabet::Base64, b"-._~");
        let whole = end >= at + 16 && view.get(end) != BARRIER;
        return (whole && is_random(view.slice(at, end), Name::Token)).then_some(at..end);
    }
    if pages(view, word.start) {
        return None;
    }
    let end = suffix(view, at)?;
    let at = sign(view, end).filter(|_| !is_about(view.slice(at, end)))?;
    let at = spaces(view, at);
    let at = skip(view, at, 2, |b| b == b'\\');
    let quote = view.get(at);
    let (start, end) = if matches!(quote, b'"' | b'\'' | b'`') {
        (at + 1, quoted(view, at + 1, quote)?)
    } else {
        let end = unquoted(view, at);
        // Values may overlap far: that one has no digit is seen once.
        if view.run(PLAIN, at, JUDGED, is_plain) >= end.min(at + JUDGED) {
            return None;
        }
        (at, end)
    };
    let value = view.slice(start, end);
    view.spend(value.len().min(JUDGED) * 2);
    let code = start == at && is_code(value, name);
    (is_random(value, name) && !code).then_some(start..end)
}

/// The rest of the name: a new word of it, an `s`, or nothing.
fn suffix(view: &View<'_>, at: usize) -> Option<usize> {
    let end = skip(view, at, SUFFIX, |b| Alphabet::Url.has(b));
    let suffix = view.slice(at, end);
    // `tokenizer`, `TOKENIZER`: another word. `tokenValue`: the next word of the name.
    let same_case =
        |b: &u8| b.is_ascii_lowercase() || (b.is_ascii_uppercase() && is_upper(view, at));
    let joined = suffix.first().is_some_and(same_case) && !suffix.eq_ignore_ascii_case(b"s");
    (!joined).then_some(end)
}

/// Whether the rest of a name makes it one of something about a secret.
fn is_about(suffix: &[u8]) -> bool {
    ABOUT.iter().any(|word| {
        let split = suffix.len().saturating_sub(word.len());
        suffix.get(split..).is_some_and(|end| end.eq_ignore_ascii_case(word))
    })
}

fn is_upper(view: &View<'_>, at: usize) -> bool {
    view.back(at, 1).is_ascii_uppercase()
}

/// Whether the name before the word makes it a cursor through a list: `next_page_token`.
fn pages(view: &View<'_>, at: usize) -> bool {
    const CURSORS: &[&[u8]] = &[b"page", b"next", b"sync", b"continuation", b"delta"];
    let at = at - usize::from(matches!(view.back(at, 1), b'_' | b'-'));
    CURSORS.iter().any(|word| {
        let mut letters = word.iter().rev().zip(1..);
        letters.all(|(byte, n)| view.back(at, n).eq_ignore_ascii_case(byte))
    })
}

/// The byte after the sign of an assignment.
fn sign(view: &View<'_>, at: usize) -> Option<usize> {
    let at = skip(view, at, 2, |b| b == b'\\');
    let at = skip(view, at, 2, |b| matches!(b, b'"' | b'\'' | b'`' | b']'));
    let at = spaces(view, at);
    match (view.get(at), view.get(at + 1)) {
        (b':', b'=') | (b'=', b'>') => Some(at + 2),
        (b'=', b'=') | (b':', b':') => None,
        (b'=' | b':', _) => Some(at + 1),
        _ => None,
    }
}

fn spaces(view: &View<'_>, at: usize) -> usize {
    skip(view, at, SPACES, |b| matches!(b, b' ' | b'\t'))
}

fn skip(view: &View<'_>, at: usize, most: usize, has: impl Fn(u8) -> bool) -> usize {
    let mut end = at;
    while end < at + most && has(view.get(end)) {
        end += 1;
    }
    end
}

fn run(view: &View<'_>, at: usize, most: usize, alphabet: Alphabet, more: &[u8]) -> usize {
    skip(view, at, most, |b| alphabet.has(b) || more.contains(&b))
}

/// The end of a value in quotes, which must be closed on the same line.
fn quoted(view: &View<'_>, at: usize, quote: u8) -> Option<usize> {
    let end = skip(view, at, VALUE, |b| {
        b != quote && !matches!(b, b'\n' | b'\r' | b'\\' | b'<' | b'>' | BARRIER | END)
    });
    let closed = view.get(end) == quote || view.get(end) == b'\\';
    (closed || end == at + VALUE).then(|| whole_character(view, at, end))
}

/// The end of a value without quotes: white space, a bracket, a quote or a list sign ends it; the
/// punctuation of a sentence is not part of it.
fn unquoted(view: &View<'_>, at: usize) -> usize {
    let mut end = view.run(UNQUOTED, at, VALUE, |b, _| is_unquoted(b));
    // What a placeholder goes on with is not known whole. A call or an index is code.
    if matches!(view.get(end), BARRIER | b'(' | b'[' | b'{') {
        return at;
    }
    end = whole_character(view, at, end);
    while end > at && matches!(view.get(end - 1), b'.' | b':' | b'!' | b'?') {
        end -= 1;
    }
    end
}

/// What a value without quotes consists of.
const fn is_unquoted(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>' | b'(' | b')')
        && !matches!(byte, b'[' | b']' | b'{' | b'}' | b',' | b';' | b'&' | BARRIER | END)
}

/// The part of it without which none is a secret: no digit, and no sign that passwords have.
const fn is_plain(byte: u8, _: usize) -> bool {
    is_unquoted(byte) && !byte.is_ascii_digit() && !is_sign(byte)
}

const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*')
}

/// A value cut at its longest may end inside a character: the end of the one before.
fn whole_character(view: &View<'_>, at: usize, mut end: usize) -> usize {
    while end > at && view.get(end) & 0xC0 == 0x80 {
        end -= 1;
    }
    end
}

/// Whether a value looks like a secret and not like a word, a version or a template.
pub(crate) fn is_random(value: &[u8], name: Name) -> bool {
    let value = value.get(..JUDGED).unwrap_or(value);
    let password = name == Name::Password;
    let (mut letters, mut digits, mut signs) = (0, 0, 0);
    for byte in value {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => letters += 1,
            b'0'..=b'9' => digits += 1,
            sign if is_sign(*sign) => signs += 1,
            _ => {}
        }
    }
    value.len() >= if password { 8 } else { 12 }
        && letters > 2
        && (digits > 0 || (password && signs > 0))
        && letters + digits > value.len() / 2
        && !is_template(value)
        && entropy(value) >= 2.8
}

/// Whether a value without quotes is a name in a program: a path, a constant, or words in which
/// letters and digits change places less often than chance would have it.
fn is_code(value: &[u8], name: Name) -> bool {
    let path = memchr::memmem::find(value, b"::").is_some();
    let constant = value.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
        && value.contains(&b'_');
    let class = |b: &u8| match b {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let characters = || value.iter().filter(|b| b.is_ascii_alphanumeric()).map(class);
    // A capital followed by a small letter begins a word.
    let turns = characters()
        .zip(characters().skip(1))
        .filter(|(a, b)| a != b && (*a, *b) != (2, 1))
        .count();
    let words = name == Name::Token && turns * 5 < characters().count();
    path || constant || words
}

/// Values that a reader is meant to replace, and references to a value kept elsewhere.
fn is_template(value: &[u8]) -> bool {
    const STARTS: &[&[u8]] =
        &[b"$", b"%", b"{", b"process.", b"os.", b"env.", b"secrets.", b"vault:", b"http", b"/"];
    const PARTS: &[&[u8]] =
        &[b"example", b"your", b"changeme", b"placeholder", b"xxxx", b"_redacted", b"****", b"://"];
    let lower = value.to_ascii_lowercase();
    value.contains(&b' ')
        || STARTS.iter().any(|start| lower.starts_with(start))
        || PARTS.iter().any(|part| memchr::memmem::find(&lower, part).is_some())
}

/// Shannon entropy, bits per byte.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u16; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let mut bits = 0.0;
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            let count = f64::from(std::mem::take(count));
            bits += if count > 1.0 { count * count.log2() } else { 0.0 };
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred bytes")]
    let length = value.len() as f64;
    length.log2() - bits / length
}

/// How a name is judged if it names a secret: for values whose name stands elsewhere (JSON keys).
pub(crate) fn secret_name(key: &str) -> Option<Name> {
    let key = key.as_bytes();
    super::table::names().find_map(|(word, name)| {
        let last = key.len().checked_sub(word.len())?;
        let at = (0..=last).rev().find(|at| {
            key.get(*at..*at + word.len()).is_some_and(|k| k.eq_ignore_ascii_case(word.as_bytes()))
        })?;
        let view = View::new(key, 0, true);
        let rest = at + word.len();
        let whole = suffix(&view, rest)? == key.len() && !is_about(view.slice(rest, key.len()));
        (whole && !pages(&view, at)).then_some(name)
    })
}

/// Whether a whole text is a secret, given the name it has.
pub(crate) fn assigned(value: &str, name: Name) -> bool {
    let value = value.as_bytes();
    value.len() <= VALUE
        && !value.iter().any(|b| matches!(b, b'<' | b'>'))
        && is_random(value, name)
}
