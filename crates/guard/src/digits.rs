//! Digits as people write them: in groups with single separators, also of other scripts, which have
//! been folded to ASCII.

use crate::view::{View, goes_on, position};

/// Longest separator or digit, bytes of UTF-8.
pub(crate) const WIDEST: usize = 4;

/// The digit at `at` and its width in bytes. Those of other scripts have been folded to ASCII.
pub(crate) fn digit(view: &View<'_>, at: usize) -> Option<(u8, usize)> {
    let byte = view.get(at);
    byte.is_ascii_digit().then(|| (byte - b'0', 1))
}

/// Whether a digit ends just before `at`.
pub(crate) fn digit_before(view: &View<'_>, at: usize) -> bool {
    view.back(at, 1).is_ascii_digit()
}

/// How many digits stand in a text.
pub(crate) fn most_digits(bytes: &[u8]) -> usize {
    count(bytes, |byte| byte.is_ascii_digit())
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

/// The next digit at or after `from`.
pub(crate) fn next_digit(view: &View<'_>, from: usize) -> Option<usize> {
    let rest = view.slice(from, view.len());
    view.spend(rest.len().min(1));
    position(rest, |byte| byte.is_ascii_digit()).map(|at| from + at)
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
    !(goes_on(next) || next == b'.' && digit(view, end + 1).is_some())
}
