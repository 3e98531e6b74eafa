//! Payment card numbers: 13 to 19 digits that an issuer could have given out, Luhn-valid, written
//! in one piece or in groups. Order numbers, timestamps, versions, UUIDs and hashes are left alone.

use crate::context::mentions;
use crate::detector::Described;
use crate::digits::{
    DIGITS, Group, Number, Separator, WIDEST, after_digits, digit, digit_before, ends_number,
    group_at, next_digit,
};
use crate::layer::{Hit, Step};
use crate::view::{Verdict, View, is_word};

/// The shortest number of any issuer.
pub(crate) const FEWEST_DIGITS: usize = 13;
/// 19 digits and 18 separators, each as wide as UTF-8 makes them.
pub(crate) const LONGEST: usize = (19 + 18) * WIDEST;

/// One range of issuer numbers.
struct Range {
    name: &'static str,
    first: u32,
    last: u32,
    /// How many digits `first` and `last` have.
    width: usize,
    lengths: &'static [usize],
}

const fn range(
    name: &'static str,
    (first, last): (u32, u32),
    width: usize,
    lengths: &'static [usize],
) -> Range {
    Range { name, first, last, width, lengths }
}

const LONG: &[usize] = &[16, 17, 18, 19];
const MAESTRO: &[usize] = &[13, 14, 15, 16, 17, 18, 19];

/// Issuer ranges (ISO/IEC 7812 allocations as the networks publish them).
const RANGES: &[Range] = &[
    range("card-visa", (4, 4), 1, &[13, 16, 19]),
    range("card-mastercard", (51, 55), 2, &[16]),
    range("card-mastercard", (2221, 2720), 4, &[16]),
    range("card-amex", (34, 34), 2, &[15]),
    range("card-amex", (37, 37), 2, &[15]),
    range("card-diners", (300, 305), 3, &[14, 16, 17, 18, 19]),
    range("card-diners", (3095, 3095), 4, &[14, 16, 17, 18, 19]),
    range("card-diners", (36, 36), 2, &[14, 15, 16, 17, 18, 19]),
    range("card-diners", (38, 39), 2, &[14, 16, 17, 18, 19]),
    range("card-discover", (6011, 6011), 4, LONG),
    range("card-discover", (644, 649), 3, LONG),
    range("card-discover", (65, 65), 2, LONG),
    range("card-jcb", (3528, 3589), 4, LONG),
    range("card-unionpay", (62, 62), 2, LONG),
    range("card-rupay", (60, 60), 2, &[16]),
    range("card-rupay", (81, 82), 2, &[16]),
    range("card-rupay", (508, 508), 3, &[16]),
    range("card-mir", (2200, 2204), 4, LONG),
    range("card-verve", (506_099, 506_198), 6, &[16, 18, 19]),
    range("card-verve", (507_865, 507_964), 6, &[16, 18, 19]),
    range("card-troy", (9792, 9792), 4, &[16]),
    range("card-maestro", (50, 50), 2, MAESTRO),
    range("card-maestro", (56, 58), 2, MAESTRO),
    range("card-maestro", (63, 63), 2, MAESTRO),
    range("card-maestro", (67, 67), 2, MAESTRO),
];

/// How cards are printed.
const PRINTED: &[&[usize]] = &[
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 4, 1],
    &[4, 4, 4, 4, 2],
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 3],
    &[4, 4, 4, 2],
    &[4, 4, 4, 1],
    &[4, 3, 3, 3],
];

/// The issuers, and how their numbers are told.
pub(crate) fn described() -> impl Iterator<Item = Described> {
    RANGES.iter().map(|range| {
        let about = "a number of the issuer's ranges and lengths with Luhn's check digit; not one that \
                     goes on, nor an article number";
        (range.name, about.to_owned(), r"[0-9](?:[ .-]?[0-9]){12,18}".to_owned())
    })
}

/// The next card at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let mut at = from;
    while let Some(start) = next_digit(view, at) {
        match view.decide(|view| card(view, start)) {
            Verdict::Open => return Step::Open(start),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            // The rest of a group starts nothing.
            Verdict::Final(None) => at = after_digits(view, start + 1),
        }
    }
    Step::Clear
}

fn card(view: &View<'_>, start: usize) -> Option<Hit> {
    let opens = may_open_card(digit(view, start)?.0) && starts_number(view, start);
    if !opens || !matches!(group_at(view, start).0, 4..=6 | 8 | 13..DIGITS) {
        return None;
    }
    let number = Number::read(view, start);
    let mut best: Option<(bool, Hit)> = None;
    let counts = number.counts();
    let uniform = number.groups().next()?.then;
    for (i, group) in number.groups().enumerate() {
        let counts = counts.get(..=i)?;
        if let Some(hit) = cut(view, start, &number, group, counts) {
            let printed = counts.len() == 1 || PRINTED.contains(&counts);
            // The longest way of reading it as printed, else the longest of all.
            if printed || best.as_ref().is_none_or(|(printed, _)| !printed) {
                best = Some((printed, hit));
            }
        }
        if group.then != uniform {
            break;
        }
    }
    best.map(|(_, hit)| hit)
}

/// Reads the number up to the end of one group as a card.
fn cut(
    view: &View<'_>,
    start: usize,
    number: &Number,
    group: Group,
    counts: &[usize],
) -> Option<Hit> {
    if !(FEWEST_DIGITS..DIGITS).contains(&group.total) || !plausible(counts) {
        return None;
    }
    let digits = number.digits(group.total);
    let detector = issuer(digits)?;
    let solid = counts.len() == 1;
    // More groups after a dash make it an identifier; after a space come expiry date and code.
    let goes_on = matches!(group.then, Some(Separator::Dash | Separator::Dot));
    let valid = (solid || !goes_on)
        && ends_number(view, group.end)
        && luhn(digits.iter().copied().map(u32::from))
        && !(solid && group.total > 16 && is_likely_an_id(view, start, detector))
        && !(solid && group.total == 13 && is_ean(digits));
    valid.then_some(Hit { span: start..group.end, score: 99, detector, validated: true })
}

/// Words that announce a card.
const WORDS: &[&str] =
    &["card", "cards", "visa", "maestro", "credit", "debit", "payment", "pay", "paid", "pan"];

/// 17 to 19 digits in one piece are common as identifiers of records and messages, and as cards only
/// with UnionPay.
fn is_likely_an_id(view: &View<'_>, start: usize, detector: &str) -> bool {
    detector != "card-unionpay" && !mentions(view, start, WORDS)
}

/// Whether people group card numbers like this.
fn plausible(counts: &[usize]) -> bool {
    let Some((first, rest)) = counts.split_first() else { return false };
    match rest.split_last() {
        None => true,
        Some((last, middle)) => {
            matches!(first, 4..=6 | 8)
                && middle.iter().all(|n| (2..=6).contains(n))
                && (1..=8).contains(last)
        }
    }
}

/// Whether a number may start at `start`: not inside a word, a longer number or a decimal fraction.
pub(crate) fn starts_number(view: &View<'_>, start: usize) -> bool {
    let before = view.back(start, 1);
    let joined = matches!(before, b'.' | b'-') && start > 0 && digit_before(view, start - 1);
    !is_word(before) && !joined
}

const fn may_open_card(digit: u8) -> bool {
    matches!(digit, 2..=6 | 8 | 9)
}

fn issuer(digits: &[u8]) -> Option<&'static str> {
    let prefix = |width: usize| digits.iter().take(width).fold(0, |n, d| n * 10 + u32::from(*d));
    RANGES
        .iter()
        .find(|r| {
            (r.first..=r.last).contains(&prefix(r.width)) && r.lengths.contains(&digits.len())
        })
        .map(|r| r.name)
}

/// The Luhn check (ISO/IEC 7812-1, annex B).
pub(crate) fn luhn(digits: impl DoubleEndedIterator<Item = u32>) -> bool {
    let doubled = |d: u32| if d > 4 { 2 * d - 9 } else { 2 * d };
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(i, digit)| if i % 2 == 1 { doubled(digit) } else { digit })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether 13 digits are a valid article number (EAN-13): far commoner than a 13-digit card.
fn is_ean(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(i, d)| u32::from(*d) * if i % 2 == 1 { 3 } else { 1 })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests;
