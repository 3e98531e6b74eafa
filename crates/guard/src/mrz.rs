//! The machine-readable zone of passports, visas and identity cards (ICAO 9303), told by its check
//! digits: two lines of 44 or 36 characters, or three of 30.

use std::ops::Range;

use crate::layer::{Hit, Step};
use crate::view::{Verdict, View, is_word};

/// The longest line.
const LINE: usize = 44;
/// Most characters between two lines.
const BREAK: usize = 4;
/// Three lines of 30 or two of 44, and what stands between them.
pub(crate) const LONGEST: usize = 3 * 30 + 2 * BREAK;

/// What is found, how it is told, and its shape.
pub(crate) const DETECTORS: &[(&str, &str, &str)] = &[
    (
        "mrz-passport",
        "two lines of 44 characters, four check digits of ICAO 9303",
        r"[A-Z][A-Z<][A-Z0-9<]{42}\s+[A-Z0-9<]{44}",
    ),
    (
        "mrz-id",
        "two lines of 36 or three of 30 characters, the check digits of ICAO 9303",
        r"[A-Z][A-Z<][A-Z0-9<]{28}(?:[A-Z0-9<]{6})?\s+[A-Z0-9<]{30}",
    ),
];

/// The next zone at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let mut at = from;
    while let Some(i) = memchr::memchr(b'<', view.slice(at, view.len())) {
        let sign = at + i;
        let start = line_start(view, sign);
        // Both documents and cards begin with a letter and a sign or letter.
        match view.decide(|view| zone(view, start)) {
            Verdict::Open => return Step::Open(start),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            Verdict::Final(None) => {
                let rest = view.slice(sign, view.len());
                let line = rest.iter().take_while(|byte| is_part(**byte)).count();
                view.spend(line);
                at = sign + line;
            }
        }
    }
    let tail = line_start(view, view.len());
    let open = tail < view.len() && view.len() - tail <= LINE && !view.is_last();
    if open { Step::Open(tail.max(at)) } else { Step::Clear }
}

/// Where the line starts that ends at `at`, or a place more than [`LINE`] before.
fn line_start(view: &View<'_>, at: usize) -> usize {
    at - (1..=LINE + 1).take_while(|n| is_part(view.back(at, *n))).count()
}

const fn is_part(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'<')
}

fn zone(view: &View<'_>, start: usize) -> Option<Hit> {
    let before = view.back(start, 1);
    if is_word(before) || is_part(before) || !view.get(start).is_ascii_uppercase() {
        return None;
    }
    let first = line(view, start)?;
    let second = line(view, gap(view, first.end)?)?;
    let text = |line: &Range<usize>| view.slice(line.start, line.end);
    let (one, two) = (text(&first), text(&second));
    let (valid, end, detector) = match (one.len(), two.len()) {
        (44, 44) => (pairs(two, 43), second.end, "mrz-passport"),
        (36, 36) => (pairs(two, 35), second.end, "mrz-id"),
        (30, 30) => {
            let third = line(view, gap(view, second.end)?)?;
            (third.len() == 30 && card(one, two), third.end, "mrz-id")
        }
        _ => return None,
    };
    valid.then_some(Hit { span: start..end, score: 99, detector, validated: true })
}

/// A line of the zone.
fn line(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let end = at + (0..=LINE).take_while(|n| is_part(view.get(at + n))).count();
    matches!(end - at, 30 | 36 | 44).then_some(at..end)
}

/// Where the next line starts: after a line end, also an escaped one, or a space.
fn gap(view: &View<'_>, at: usize) -> Option<usize> {
    let is_break = |byte: u8| matches!(byte, b'\n' | b'\r' | b' ' | b'\t');
    let escaped = [(b"\\r\\n".as_slice(), 4), (b"\\n", 2)];
    if let Some((_, length)) = escaped.iter().find(|(sign, _)| view.starts_with(at, sign)) {
        return Some(at + length);
    }
    let length = (0..BREAK).take_while(|n| is_break(view.get(at + n))).count();
    (length > 0).then_some(at + length)
}

/// The second line of a passport or of a card of two lines; `last` is where its composite stands.
fn pairs(line: &[u8], last: usize) -> bool {
    let parts = [0..9, 13..19, 21..27];
    let whole = [0..10, 13..20, 21..last];
    let of = |ranges: &[Range<usize>]| -> Vec<u8> {
        ranges
            .iter()
            .flat_map(|range| line.get(range.clone()).unwrap_or_default())
            .copied()
            .collect()
    };
    parts.iter().all(|part| checked(&of(std::slice::from_ref(part)), line.get(part.end)))
        && checked(&of(&whole), line.get(last))
}

/// The first two lines of a card of three.
fn card(one: &[u8], two: &[u8]) -> bool {
    let part = |line: &'_ [u8], range: Range<usize>| line.get(range).unwrap_or_default().to_vec();
    let whole = [part(one, 5..30), part(two, 0..7), part(two, 8..15), part(two, 18..29)].concat();
    checked(&part(one, 5..14), one.get(14))
        && checked(&part(two, 0..6), two.get(6))
        && checked(&part(two, 8..14), two.get(14))
        && checked(&whole, two.get(29))
}

/// Weights 7, 3, 1; letters count from ten, fillers nothing.
fn checked(text: &[u8], digit: Option<&u8>) -> bool {
    let value = |byte: &u8| char::from(*byte).to_digit(36).unwrap_or(0);
    let sum: u32 =
        text.iter().map(value).zip([7, 3, 1].into_iter().cycle()).map(|(v, w)| v * w).sum();
    digit.is_some_and(|digit| *digit == b'0' + u8::try_from(sum % 10).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use crate::layer::run;
    use crate::policy::{Action, Policy};

    /// The examples of ICAO 9303, parts 4 to 6.
    const PASSPORT: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
    const CARD: &str = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<";
    const SMALL: &str =
        "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6";

    fn found(text: &str) -> Vec<(&str, &'static str)> {
        let all = run(text, Policy::all(Action::Warn)).findings;
        all.into_iter()
            .filter(|f| f.detector.starts_with("mrz"))
            .map(|f| (&text[f.span], f.detector))
            .collect()
    }

    #[test]
    fn the_published_examples_are_found_whole() {
        for (zone, detector) in [(PASSPORT, "mrz-passport"), (CARD, "mrz-id"), (SMALL, "mrz-id")] {
            for text in [
                zone.to_owned(),
                format!("scan:\n{zone}\nend"),
                zone.replace('\n', "\\n"),
                zone.replace('\n', " "),
            ] {
                let written = text.trim_start_matches("scan:\n").trim_end_matches("\nend");
                assert_eq!(found(&text), [(written, detector)], "{text}");
            }
        }
    }

    #[test]
    fn a_zone_with_a_wrong_digit_or_line_is_none() {
        for (zone, right, wrong) in [
            (PASSPORT, "7408122", "7408132"),
            (CARD, "120415", "120416"),
            (SMALL, "D2314", "D2315"),
            (PASSPORT, "<<<10", "<<10"),
        ] {
            assert!(found(&zone.replace(right, wrong)).is_empty(), "{zone}");
        }
        assert!(found("if a << b && c < d { x <<= 1 }").is_empty());
    }
}
