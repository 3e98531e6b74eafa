//! Telephone numbers: international (`+`), North American in its usual forms, and national numbers
//! where the words before say that one follows. A first form: no full numbering plans.

use crate::card::starts_number;
use crate::context::mentions;
use crate::digits::{
    Group, Number, Separator, WIDEST, after_digits, digit, digit_before, ends_number, group_at,
    separator,
};
use crate::layer::{Hit, Step};
use crate::view::{Verdict, View, is_word, position};

/// The shortest number with its country's code, or at home.
pub(crate) const FEWEST_DIGITS: usize = 9;
/// `+`, 15 digits (E.164) and what may stand between them.
pub(crate) const LONGEST: usize = 1 + 15 * WIDEST + 14 * (WIDEST + 2);

/// What is found, how it is told, and its shape.
pub(crate) const DETECTORS: &[(&str, &str, &str)] = &[
    (
        "phone-international",
        "+ and up to 15 digits (E.164), of the length that the country has",
        r"\+[0-9](?:[ .()-]{0,2}[0-9]){7,14}",
    ),
    (
        "phone-north-american",
        "three, three and four digits, written as numbers are there",
        r"\(?[0-9]{3}\)?[ .-]?[0-9]{3}[ .-][0-9]{4}",
    ),
    (
        "phone-national",
        "a national number, where the words before say that one follows",
        r"[0-9](?:[ .-]?[0-9]){8,11}",
    ),
];

/// Words that announce a telephone number.
const WORDS: &[&str] = &[
    "phone",
    "phones",
    "telephone",
    "tel",
    "ph",
    "mobile",
    "mob",
    "cell",
    "cellphone",
    "call",
    "calling",
    "dial",
    "ring",
    "sms",
    "whatsapp",
    "fax",
    "hotline",
    "landline",
    "contact",
    "text",
];

/// Country codes whose numbers have a known length: code, fewest and most digits after it.
const COUNTRIES: &[(&[u8], usize, usize)] = &[
    (&[1], 10, 10),
    (&[7], 10, 10),
    (&[3, 1], 9, 9),
    (&[3, 3], 9, 9),
    (&[3, 4], 9, 9),
    (&[3, 9], 8, 11),
    (&[4, 1], 9, 9),
    (&[4, 4], 9, 10),
    (&[4, 5], 8, 8),
    (&[4, 9], 7, 12),
    (&[5, 5], 10, 11),
    (&[6, 1], 9, 9),
    (&[6, 5], 8, 8),
    (&[8, 1], 9, 10),
    (&[8, 2], 8, 10),
    (&[8, 6], 10, 11),
    (&[9, 1], 10, 10),
    (&[9, 7, 1], 8, 9),
];

/// The next number at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let mut at = from;
    #[expect(clippy::needless_bitwise_bool, reason = "without branches, many bytes are one step")]
    let opens = |byte: u8| (byte == b'+') | (byte == b'(') | byte.is_ascii_digit();
    while let Some(i) = position(view.slice(at, view.len()), opens) {
        at += i;
        match view.decide(|view| phone(view, at)) {
            Verdict::Open => return Step::Open(at),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            Verdict::Final(None) => at += 1,
        }
        at = after_digits(view, at);
    }
    Step::Clear
}

fn phone(view: &View<'_>, at: usize) -> Option<Hit> {
    if !matches!(view.get(at), b'+' | b'(') {
        digit(view, at)?;
    }
    let before = view.back(at, 1);
    if is_word(before) || matches!(before, b'+' | b'/' | b'#' | b'$') || digit_before(view, at) {
        return None;
    }
    let (end, detector, score) = match view.get(at) {
        b'+' => international(view, at)?,
        b'(' => bracketed(view, at)?,
        _ => national(view, at)?,
    };
    Some(Hit { span: at..end, score, detector, validated: false })
}

type Match = (usize, &'static str, u8);

/// `+` and up to 15 digits, with single separators and an optional bracketed part.
fn international(view: &View<'_>, at: usize) -> Option<Match> {
    let mut digits = [0_u8; 15];
    let (mut count, mut end) = (0, at + 1);
    // The last place where a group ends, with a number that fits its country.
    let mut best = None;
    let mut bracket = false;
    loop {
        let (value, width) = match digit(view, end) {
            Some(digit) if count < digits.len() => digit,
            _ => break,
        };
        *digits.get_mut(count)? = value;
        (count, end) = (count + 1, end + width);
        if digit(view, end).is_none() {
            let fits = fits_country(digits.get(..count)?) && ends_number(view, end);
            best = if fits { Some(end) } else { best };
            end = between(view, end, &mut bracket);
        }
    }
    best.map(|end| (end, "phone-international", 90))
}

/// Where the next group starts: after one separator, with or without a bracket, or after the zero
/// that is dialled at home only, `(0)`. Returns the same place if no group follows.
fn between(view: &View<'_>, at: usize, bracket: &mut bool) -> usize {
    let step = |at: usize| separator_width(view, at).map_or(at, |width| at + width);
    let open = step(at);
    let next = match view.get(open) {
        b'(' if view.starts_with(open, b"(0)") => step(open + 3),
        b'(' if !*bracket => {
            *bracket = true;
            open + 1
        }
        b')' if *bracket => {
            *bracket = false;
            step(open + 1)
        }
        _ => open,
    };
    if digit(view, next).is_some() { next } else { at }
}

fn separator_width(view: &View<'_>, at: usize) -> Option<usize> {
    separator(view, at).map(|(_, width)| width)
}

fn fits_country(digits: &[u8]) -> bool {
    let known = COUNTRIES.iter().find(|(code, ..)| digits.starts_with(code));
    match known {
        Some((code, least, most)) => {
            let rest = digits.get(code.len()..).unwrap_or_default();
            (*least..=*most).contains(&rest.len()) && (*code != [1] || is_nanp(rest))
        }
        None => {
            digits.first().is_some_and(|d| *d > 0) && (FEWEST_DIGITS..=15).contains(&digits.len())
        }
    }
}

/// Area code and exchange of the North American plan start with 2 to 9.
fn is_nanp(digits: &[u8]) -> bool {
    digits.len() == 10
        && digits.first().is_some_and(|d| *d > 1)
        && digits.get(3).is_some_and(|d| *d > 1)
}

/// `(415) 555-2671`.
fn bracketed(view: &View<'_>, at: usize) -> Option<Match> {
    if group_at(view, at + 1).0 != 3 {
        return None;
    }
    let area = Number::read(view, at + 1);
    let first = area.groups().next().filter(|g| g.count == 3 && g.then.is_none())?;
    if view.get(first.end) != b')' {
        return None;
    }
    let rest = first.end + 1;
    let rest = separator_width(view, rest).map_or(rest, |width| rest + width);
    let number = Number::read(view, rest);
    let second = number.groups().nth(1).filter(|g| g.total == 7 && g.count == 4)?;
    let opens = |n: &Number| n.digits(1).first().is_some_and(|d| *d > 1);
    let valid = opens(&area) && opens(&number) && ends_number(view, second.end);
    valid.then_some((second.end, "phone-north-american", 85))
}

/// A number without country code. Only the marked North American form stands without context.
fn national(view: &View<'_>, at: usize) -> Option<Match> {
    if !starts_number(view, at) || view.back(at, 1) == b'-' || !may_be_national(view, at) {
        return None;
    }
    let number = Number::read(view, at);
    let separator = number.groups().next()?.then;
    // A space may also end the number; a dash or a dot goes on with it.
    let ends = |g: &Group| {
        g.then.is_none()
            || g.then != separator
            || (g.total >= 10 && separator == Some(Separator::Space))
    };
    let last = number.groups().find(ends)?;
    let used = number.groups().take_while(|g| g.total <= last.total).count();
    let counts = number.counts();
    let counts = counts.get(..used)?;
    let digits = number.digits(last.total);
    let goes_on = matches!(last.then, Some(Separator::Dash | Separator::Dot));
    if goes_on || !(FEWEST_DIGITS..=12).contains(&last.total) || !ends_number(view, last.end) {
        return None;
    }
    let american = match counts {
        [3, 3, 4] => is_nanp(digits),
        [1, 3, 3, 4] => digits.first() == Some(&1) && is_nanp(digits.get(1..)?),
        _ => false,
    };
    if american && separator != Some(Separator::Space) {
        return Some((last.end, "phone-north-american", 80));
    }
    let indian = digits.len() == 10 && digits.first().is_some_and(|d| *d >= 6);
    let trunk = digits.first() == Some(&0);
    let plan = american || indian || trunk || (counts.len() == 1 && is_nanp(digits));
    (plan && mentions(view, at, WORDS)).then_some((last.end, "phone-national", 60))
}

/// Whether the first group can open one of the forms below, before the whole number is read.
fn may_be_national(view: &View<'_>, at: usize) -> bool {
    let (count, end) = group_at(view, at);
    match (digit(view, at).map(|(value, _)| value), count) {
        (Some(1), 1) => separator_width(view, end).is_some_and(|w| group_at(view, end + w).0 == 3),
        (Some(0), 2..=12) | (Some(6..=9), 1..=10) | (_, 3 | 10) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
