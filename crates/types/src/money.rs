//! Money as integers: nano-US-dollars, never floats. Every total is a sum of settled lines, so N
//! concurrent runs add up to the ledger exactly.

use std::fmt;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

/// An amount in nano-US-dollars (1 = $0.000000001). Overflow is an error, never a wrap.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(i64);

/// A sum or product left the range of [`Money`] (about nine thousand million dollars).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("amount of money out of range")]
pub struct MoneyOverflow;

/// Nano-dollars in a dollar.
const NANOS: i64 = 1_000_000_000;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount from nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The amount in nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Sum, or [`MoneyOverflow`].
    pub const fn checked_add(self, other: Self) -> Result<Self, MoneyOverflow> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Ok(Self(nanos)),
            None => Err(MoneyOverflow),
        }
    }

    /// Difference, or [`MoneyOverflow`].
    pub const fn checked_sub(self, other: Self) -> Result<Self, MoneyOverflow> {
        match self.0.checked_sub(other.0) {
            Some(nanos) => Ok(Self(nanos)),
            None => Err(MoneyOverflow),
        }
    }

    /// One line of a bill: `units x price x multiplier`, rounded half to even once.
    ///
    /// `price_per_million` is in nano-dollars for a million units; `multiplier` is in thousandths
    /// (1000 = as listed, 500 = half price for batches).
    pub fn line(
        units: u64,
        price_per_million: i64,
        multiplier: u32,
    ) -> Result<Self, MoneyOverflow> {
        const DIVISOR: i128 = 1_000_000 * 1_000;
        let product = i128::from(units)
            .checked_mul(i128::from(price_per_million))
            .and_then(|p| p.checked_mul(i128::from(multiplier)))
            .ok_or(MoneyOverflow)?;
        let (quotient, remainder) = (product.div_euclid(DIVISOR), product.rem_euclid(DIVISOR));
        let twice = remainder * 2;
        let up = twice > DIVISOR || (twice == DIVISOR && quotient % 2 != 0);
        i64::try_from(quotient + i128::from(up)).map(Self).map_err(|_| MoneyOverflow)
    }

    /// Parses dollars as people write them in config: `0.50`, `$2`, `1e-3` is refused.
    pub fn parse_dollars(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('$').unwrap_or(text);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty())
            || !digits(whole)
            || !digits(fraction)
            || fraction.len() > 9
        {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let nanos: i64 =
            if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
        whole.checked_mul(NANOS)?.checked_add(nanos).map(Self)
    }
}

impl fmt::Display for Money {
    /// Dollars with two to nine decimals: as many as the amount has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let (whole, fraction) = (nanos / NANOS.unsigned_abs(), nanos % NANOS.unsigned_abs());
        let mut digits = format!("{fraction:09}");
        while digits.len() > 2 && digits.ends_with('0') {
            digits.pop();
        }
        write!(f, "{sign}${whole}.{digits}")
    }
}

/// Saturating: for display totals only. Ledgers use [`Money::checked_add`].
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.fold(0, |total, money| total.saturating_add(money.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_rounds_half_to_even_once() {
        assert_eq!(Money::line(1, 500_000, 1000), Ok(Money(0)));
        assert_eq!(Money::line(3, 500_000, 1000), Ok(Money(2)));
        assert_eq!(Money::line(1, 500_001, 1000), Ok(Money(1)));
        assert_eq!(Money::line(1_000_000, 150_000_000, 1000), Ok(Money(150_000_000)));
        assert_eq!(Money::line(1_000_000, 150_000_000, 500), Ok(Money(75_000_000)));
    }

    #[test]
    fn overflow_is_an_error_on_both_sides_of_the_range() {
        assert_eq!(Money::MAX.checked_add(Money::ZERO), Ok(Money::MAX));
        assert_eq!(Money::MAX.checked_add(Money(1)), Err(MoneyOverflow));
        assert_eq!(Money(i64::MIN).checked_sub(Money(1)), Err(MoneyOverflow));
        assert_eq!(Money::line(u64::MAX, i64::MAX, 1000), Err(MoneyOverflow));
    }

    #[test]
    fn dollars_are_read_as_people_write_them() {
        assert_eq!(Money::parse_dollars("0.50"), Some(Money(500_000_000)));
        assert_eq!(Money::parse_dollars("$2"), Some(Money(2_000_000_000)));
        assert_eq!(Money::parse_dollars(".5"), Some(Money(500_000_000)));
        for wrong in ["", "$", ".", "1e-3", "-1", "0.1234567891", "1,5", "nan"] {
            assert_eq!(Money::parse_dollars(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(nanos in 0i64..i64::MAX) {
            prop_assert_eq!(Money::parse_dollars(&Money(nanos).to_string()), Some(Money(nanos)));
        }
    }
}
