//! Reads what a saying announces.

use std::ops::Range;

use crate::digits::{digit, group_at};
use crate::view::{COVERED, View, goes_on};

/// Most bytes between a saying and a date.
pub(super) const GAP: usize = 24;
/// Longest postal address, bytes.
pub(super) const ADDRESS: usize = 160;
/// Longest name, bytes, and most words of it.
const NAME: usize = 96;
const WORDS: usize = 4;

/// A calendar date at most [`GAP`] bytes after `at`: in figures, or with the month in words.
pub(super) fn date(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    for start in at..at + GAP {
        let byte = view.get(start);
        if byte >= COVERED || matches!(byte, b'\n' | b'.' | b';' | b'?') {
            return None;
        }
        let opens = !goes_on(view.back(start, 1));
        if opens && let Some(end) = figures(view, start).or_else(|| words(view, start)) {
            return (!goes_on(view.get(end))).then_some(start..end);
        }
        if digit(view, start).is_some() {
            return None;
        }
    }
    None
}

/// `1985-03-12`, `12/03/1985`, `12.3.85`.
fn figures(view: &View<'_>, start: usize) -> Option<usize> {
    let (one, end) = number(view, start)?;
    let sign = view.get(end);
    if !matches!(sign, b'-' | b'/' | b'.') {
        return None;
    }
    let (two, end) = number(view, end + 1)?;
    if view.get(end) != sign {
        return None;
    }
    let (three, end) = number(view, end + 1)?;
    let day = |n: (usize, u32)| n.0 < 3 && (1..=31).contains(&n.1);
    let year = |n: (usize, u32)| n.0 == 2 || (n.0 == 4 && (1880..2100).contains(&n.1));
    let dated = (year(one) && one.0 == 4 && day(two) && day(three))
        || (day(one) && day(two) && year(three) && one.1.min(two.1) < 13);
    dated.then_some(end)
}

/// Digits and value of a number of up to four digits, and the byte after it.
fn number(view: &View<'_>, at: usize) -> Option<((usize, u32), usize)> {
    let (count, end) = group_at(view, at);
    let (mut value, mut place) = (0, at);
    while place < end {
        let (figure, width) = digit(view, place)?;
        (value, place) = (value * 10 + u32::from(figure), place + width);
        if value > 9999 {
            return None;
        }
    }
    (1..=4).contains(&count).then_some(((count, value), end))
}

/// `12 March 1985`, `12th of March, 1985`, `March 12, 1985`.
fn words(view: &View<'_>, start: usize) -> Option<usize> {
    let spaces = |at: usize| {
        at + (0..3).take_while(|n| matches!(view.get(at + n), b' ' | b',' | b'.')).count()
    };
    let day = |at: usize| {
        let ((count, value), end) = number(view, at)?;
        let ordinal = [b"st", b"nd", b"rd", b"th"].iter().any(|sign| view.starts_with(end, *sign));
        ((count < 3) && (1..=31).contains(&value)).then_some(if ordinal { end + 2 } else { end })
    };
    let year = |at: usize| {
        let ((count, value), end) = number(view, at)?;
        (count == 4 && (1880..2100).contains(&value)).then_some(end)
    };
    let end = match day(start) {
        Some(end) => {
            let at = spaces(end);
            let at = if view.starts_with(at, b"of ") { at + 3 } else { at };
            month(view, at)?
        }
        None => day(spaces(month(view, start)?))?,
    };
    year(spaces(end))
}

fn month(view: &View<'_>, at: usize) -> Option<usize> {
    const MONTHS: [&[u8]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let length = (0..10).take_while(|n| view.get(at + n).is_ascii_alphabetic()).count();
    let word = view.slice(at, at + length).to_ascii_lowercase();
    MONTHS.iter().any(|month| word.starts_with(month)).then_some(at + length)
}

/// Words with capitals, or of a script without them, one space apart.
pub(super) fn name(view: &View<'_>, at: usize, fewest: usize) -> Option<Range<usize>> {
    let (mut end, mut count) = (at, 0);
    while count < WORDS && end - at < NAME {
        let start = if count == 0 { at } else { end + 1 };
        if count > 0 && view.get(end) != b' ' {
            break;
        }
        let Some(next) = name_word(view, start) else { break };
        (end, count) = (next, count + 1);
    }
    let whole = !goes_on(view.get(end)) && view.get(end) != b'@';
    (count >= fewest && whole).then_some(at..end)
}

/// The end of a word that a name may consist of.
fn name_word(view: &View<'_>, at: usize) -> Option<usize> {
    let mut end = at;
    while end < at + 48 && is_letter(view.get(end)) {
        end += 1;
    }
    let text = std::str::from_utf8(view.slice(at, end)).ok()?;
    let first = text.chars().next()?;
    let cased = first.is_lowercase() || text.chars().skip(1).any(char::is_lowercase);
    let foreign = !first.is_ascii() && !first.is_lowercase() && first.is_alphabetic();
    let capital = first.is_uppercase() && (cased || text.chars().count() == 1);
    (capital || foreign).then_some(end)
}

/// Letters of a name: of ASCII, or any byte of another script.
const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'\'' | b'-') || (byte >= 0x80 && byte < 0xF8)
}

/// What says that a line is a place where somebody lives.
const STREETS: &[&str] = &[
    "street",
    "st",
    "road",
    "rd",
    "avenue",
    "ave",
    "lane",
    "ln",
    "drive",
    "boulevard",
    "blvd",
    "court",
    "square",
    "nagar",
    "marg",
    "colony",
    "sector",
    "apartment",
    "apt",
    "flat",
    "floor",
    "plot",
    "house",
    "strasse",
    "straße",
    "str",
    "platz",
    "weg",
    "rue",
    "calle",
    "via",
    "rua",
    "avenida",
    "box",
    "way",
    "close",
    "terrace",
];

/// A line, up to its end or the end of the sentence, with a number and a street or postcode.
pub(super) fn address(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let mut end = at;
    while end < at + ADDRESS {
        let byte = view.get(end);
        let sentence = matches!(byte, b'.' | b';')
            && matches!(view.get(end + 1), b' ' | b'\n' | 0xFE)
            && end - at > 8
            && !short_word(view, end);
        if byte >= COVERED || byte == b'\n' || byte == b'\\' || sentence {
            break;
        }
        end += 1;
    }
    if end == at + ADDRESS {
        return None;
    }
    let text = view.slice(at, end);
    let spare =
        text.iter().rev().take_while(|byte| !byte.is_ascii_alphanumeric() && **byte < 0x80).count();
    let text = text.get(..text.len() - spare)?;
    view.spend(text.len());
    let numbers = text.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len);
    let (mut any, mut code) = (false, false);
    for length in numbers.filter(|length| *length > 0) {
        any |= length < 6;
        code |= matches!(length, 5 | 6);
    }
    let mut words = text.split(|byte| !byte.is_ascii_alphabetic() && *byte < 0x80);
    let street =
        words.any(|word| STREETS.iter().any(|street| word.eq_ignore_ascii_case(street.as_bytes())));
    let plain = !text.iter().any(|byte| matches!(byte, b'@' | b'<' | b'>' | b'{' | b'='));
    ((street && any || code) && plain && text.len() > 8).then_some(at..at + text.len())
}

/// Whether the full stop at `at` ends a short word, as in `12 Main St. North`.
fn short_word(view: &View<'_>, at: usize) -> bool {
    let letters = (1..=4).take_while(|n| view.back(at, *n).is_ascii_alphabetic()).count();
    (1..4).contains(&letters)
}
