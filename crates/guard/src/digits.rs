//! Digits as people write them: of many scripts, in groups with single separators.

use crate::view::{View, goes_on, position};

/// Longest separator or digit, bytes of UTF-8.
pub(crate) const WIDEST: usize = 4;

/// The digit at `at` and its width in bytes.
///
/// ASCII, fullwidth, mathematical, Arabic-Indic (both), the Indic scripts and Thai.
pub(crate) fn digit(view: &View<'_>, at: usize) -> Option<(u8, usize)> {
    let first = view.get(at);
    let offset = |byte: u8, zero: u8| byte.checked_sub(zero).filter(|d| *d < 10);
    match first {
        b'0'..=b'9' => Some((first - b'0', 1)),
        0xD9 => offset(view.get(at + 1), 0xA0).map(|d| (d, 2)),
        0xDB => offset(view.get(at + 1), 0xB0).map(|d| (d, 2)),
        0xE0 => match view.get(at + 1) {
            // Devanagari, Bengali, Gurmukhi, Gujarati, Oriya, Tamil, Telugu, Kannada, Malayalam.
            0xA5 | 0xA7 | 0xA9 | 0xAB | 0xAD | 0xAF | 0xB1 | 0xB3 | 0xB5 => {
                offset(view.get(at + 2), 0xA6).map(|d| (d, 3))
            }
            0xB9 => offset(view.get(at + 2), 0x90).map(|d| (d, 3)),
            _ => None,
        },
        0xEF if view.get(at + 1) == 0xBC => offset(view.get(at + 2), 0x90).map(|d| (d, 3)),
        0xF0 if view.starts_with(at + 1, &[0x9D, 0x9F]) => {
            let n = view.get(at + 3).checked_sub(0x8E).filter(|n| *n < 50)?;
            Some((n % 10, 4))
        }
        _ => None,
    }
}

/// Whether a digit of any script ends just before `at`.
pub(crate) fn digit_before(view: &View<'_>, at: usize) -> bool {
    (1..=WIDEST.min(at)).any(|n| {
        // The last byte decides whether it is worth decoding.
        let lead = view.back(at, n);
        (lead.is_ascii_digit() || lead >= 0xC0) && digit(view, at - n).is_some_and(|(_, w)| w == n)
    })
}

/// Whether a byte may be the first of a digit.
#[expect(clippy::needless_bitwise_bool, reason = "without branches, many bytes are one step")]
pub(crate) const fn is_digit_lead(byte: u8) -> bool {
    let script = (byte == 0xD9) | (byte == 0xDB) | (byte == 0xE0) | (byte == 0xEF) | (byte == 0xF0);
    byte.is_ascii_digit() | script
}

/// No more digits of any script than this stand in a text.
pub(crate) fn most_digits(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        count(bytes, |byte| byte.is_ascii_digit())
    } else {
        count(bytes, is_digit_lead)
    }
}

/// How many bytes `has` accepts.
fn count(bytes: &[u8], has: impl Fn(u8) -> bool) -> usize {
    let of = |bytes: &[u8]| bytes.iter().map(|byte| u8::from(has(*byte))).sum::<u8>();
    // Blocks so short that a byte holds their sum: many are added in one step.
    bytes.chunks(128).map(|block| usize::from(of(block))).sum()
}

/// The first byte at or after `at` that is no ASCII digit, if a digit stands before `at`.
pub(crate) fn after_digits(view: &View<'_>, at: usize) -> usize {
    let rest = view.slice(at.saturating_sub(1), view.len());
    at + rest.iter().take_while(|b| b.is_ascii_digit()).count().saturating_sub(1)
}

/// The next digit at or after `from`. Its text may not have arrived whole.
pub(crate) fn next_digit(view: &View<'_>, from: usize) -> Option<usize> {
    let rest = view.slice(from, view.len());
    view.spend(rest.len().min(1));
    let mut at = 0;
    while let Some(i) = position(rest.get(at..)?, is_digit_lead) {
        at += i;
        if rest.get(at).is_some_and(u8::is_ascii_digit) || digit(view, from + at).is_some() {
            return Some(from + at);
        }
        at += 1;
    }
    None
}

/// How many digits stand at `at` without a separator, counted up to [`DIGITS`], and the byte after.
pub(crate) fn group_at(view: &View<'_>, at: usize) -> (usize, usize) {
    let (mut count, mut end) = (0, at);
    while count < DIGITS
        && let Some((_, width)) = digit(view, end)
    {
        (count, end) = (count + 1, end + width);
    }
    (count, end)
}

/// What stands between two groups of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// A space of any width.
    Space,
    /// A hyphen or dash.
    Dash,
    /// A full stop.
    Dot,
}

/// The separator at `at` and its width in bytes.
pub(crate) fn separator(view: &View<'_>, at: usize) -> Option<(Separator, usize)> {
    match view.get(at) {
        b' ' => Some((Separator::Space, 1)),
        b'-' => Some((Separator::Dash, 1)),
        b'.' => Some((Separator::Dot, 1)),
        0xC2 if view.get(at + 1) == 0xA0 => Some((Separator::Space, 2)),
        0xE2 if view.get(at + 1) == 0x80 => match view.get(at + 2) {
            0x80..=0x8A | 0xAF => Some((Separator::Space, 3)),
            0x90..=0x95 => Some((Separator::Dash, 3)),
            _ => None,
        },
        _ => None,
    }
}

/// One group of digits: how many digits end with it, where, and what separates it from the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Digits in this group.
    pub(crate) count: usize,
    /// Digits up to and with this group.
    pub(crate) total: usize,
    /// The byte after the group.
    pub(crate) end: usize,
    /// The separator after it, if another group follows.
    pub(crate) then: Option<Separator>,
}

/// Most groups of one number.
pub(crate) const GROUPS: usize = 9;
/// Most digits of one number: a card's 19, and one to notice a longer one.
pub(crate) const DIGITS: usize = 20;

/// A run of digits in groups with single separators, read from the left.
pub(crate) struct Number {
    digits: [u8; DIGITS],
    groups: [Option<Group>; GROUPS],
}

impl Number {
    /// Reads up to [`DIGITS`] digits that start at `at`.
    pub(crate) fn read(view: &View<'_>, at: usize) -> Self {
        let mut number = Self { digits: [0; DIGITS], groups: [None; GROUPS] };
        let (mut total, mut end) = (0, at);
        for slot in &mut number.groups {
            let before = total;
            while total < DIGITS
                && let Some((value, width)) = digit(view, end)
                && let Some(place) = number.digits.get_mut(total)
            {
                *place = value;
                total += 1;
                end += width;
            }
            if total == before {
                break;
            }
            let next = separator(view, end)
                .filter(|(_, width)| total < DIGITS && digit(view, end + width).is_some());
            let then = next.map(|(separator, _)| separator);
            *slot = Some(Group { count: total - before, total, end, then });
            let Some((_, width)) = next else { break };
            end += width;
        }
        number
    }

    /// The first `n` digits.
    pub(crate) fn digits(&self, n: usize) -> &[u8] {
        self.digits.get(..n).unwrap_or_default()
    }

    /// Digits in each group, 0 where there is none.
    pub(crate) fn counts(&self) -> [usize; GROUPS] {
        self.groups.map(|group| group.map_or(0, |group| group.count))
    }

    /// The groups, from the left.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.groups.iter().map_while(|group| *group)
    }
}

/// Whether a number may end at `end`: no letter or digit follows, and no decimal places.
pub(crate) fn ends_number(view: &View<'_>, end: usize) -> bool {
    let next = view.get(end);
    !goes_on(next)
        && (next < 0x80 || digit(view, end).is_none())
        && !(next == b'.' && digit(view, end + 1).is_some())
}
