//! What the characters of an identity number must fulfil. Characters are ASCII, letters are
//! capitals, separators are gone; the form has already seen to their number and classes.

mod americas;
mod asia;
mod bank;
mod date;
mod europe;
mod europe_more;
mod india;
mod pacific;
mod sums;

pub(super) use americas::*;
pub(super) use asia::*;
pub(super) use bank::*;
pub(super) use europe::*;
pub(super) use europe_more::*;
pub(super) use india::*;
pub(super) use pacific::*;

/// A check of one kind of number.
#[derive(Clone, Copy)]
pub(super) struct Check {
    /// Whether these characters can be such a number.
    pub(super) holds: fn(&[u8]) -> bool,
    /// Whether check characters are verified, and not the structure alone.
    pub(super) validates: bool,
}

/// A check of check characters.
const fn verified(holds: fn(&[u8]) -> bool) -> Check {
    Check { holds, validates: true }
}

/// A check of the structure alone.
const fn structure(holds: fn(&[u8]) -> bool) -> Check {
    Check { holds, validates: false }
}

/// No check at all.
pub(super) const ANYTHING: Check = structure(|_| true);

/// A passport number of whatever country: letters and digits, of which at least three are digits.
pub(super) const PASSPORT: Check =
    structure(|text| text.iter().filter(|c| c.is_ascii_digit()).count() > 2);
