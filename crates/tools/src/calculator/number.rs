//! Numbers: a fraction of two integers as long as both fit 128 bits, else a float that says so.

use std::cmp::Ordering;
use std::fmt;

use super::parse::Wrong;

/// A number.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A fraction in its lowest terms, the denominator positive.
    Exact(i128, i128),
    /// Near enough.
    Near(f64),
}

/// Digits behind the point of a decimal that does not end.
const DIGITS: usize = 28;
/// Digits of a number that is only near.
const NEAR_DIGITS: usize = 15;

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn fraction(n: i128, d: i128) -> Option<Number> {
    let (n, d) = if d < 0 { (n.checked_neg()?, d.checked_neg()?) } else { (n, d) };
    let common = i128::try_from(gcd(n.unsigned_abs(), d.unsigned_abs())).ok()?;
    (common != 0).then(|| Number::Exact(n / common, d / common))
}

impl Number {
    /// A whole number.
    pub const fn whole(n: i128) -> Self {
        Self::Exact(n, 1)
    }

    /// A decimal as it is written: digits, a point, an exponent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exact = || {
            let digits = format!("{whole}{part}").parse::<i128>().ok()?;
            let shift = exponent.checked_sub(i32::try_from(part.len()).ok()?)?;
            let power = 10_i128.checked_pow(shift.unsigned_abs())?;
            if shift < 0 {
                fraction(digits, power)
            } else {
                fraction(digits.checked_mul(power)?, 1)
            }
        };
        exact().or_else(|| text.parse().ok().map(Self::Near))
    }

    /// The nearest float.
    #[expect(clippy::cast_precision_loss, reason = "a float is what was asked for")]
    pub fn float(self) -> f64 {
        match self {
            Self::Exact(n, d) => n as f64 / d as f64,
            Self::Near(near) => near,
        }
    }

    pub(super) fn near(near: f64) -> Result<Self, Wrong> {
        if near.is_finite() { Ok(Self::Near(near)) } else { Err(Wrong::NoNumber) }
    }

    fn both(
        self,
        other: Self,
        exact: impl FnOnce(i128, i128, i128, i128) -> Option<Self>,
        near: impl FnOnce(f64, f64) -> f64,
    ) -> Result<Self, Wrong> {
        if let (Self::Exact(a, b), Self::Exact(c, d)) = (self, other)
            && let Some(number) = exact(a, b, c, d)
        {
            return Ok(number);
        }
        Self::near(near(self.float(), other.float()))
    }

    pub(super) fn plus(self, other: Self) -> Result<Self, Wrong> {
        let exact = |a: i128, b: i128, c: i128, d: i128| {
            fraction(a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?, b.checked_mul(d)?)
        };
        self.both(other, exact, |a, b| a + b)
    }

    pub(super) fn minus(self, other: Self) -> Result<Self, Wrong> {
        self.plus(other.negated()?)
    }

    pub(super) fn times(self, other: Self) -> Result<Self, Wrong> {
        let exact =
            |a: i128, b: i128, c: i128, d: i128| fraction(a.checked_mul(c)?, b.checked_mul(d)?);
        self.both(other, exact, |a, b| a * b)
    }

    pub(super) fn over(self, other: Self) -> Result<Self, Wrong> {
        if other.is_zero() {
            return Err(Wrong::ByZero);
        }
        let exact =
            |a: i128, b: i128, c: i128, d: i128| fraction(a.checked_mul(d)?, b.checked_mul(c)?);
        self.both(other, exact, |a, b| a / b)
    }

    /// What is left after as many whole times as fit, with the sign of `other`.
    pub(super) fn remainder(self, other: Self) -> Result<Self, Wrong> {
        let times = self.over(other)?.floor()?;
        self.minus(other.times(times)?)
    }

    pub(super) fn negated(self) -> Result<Self, Wrong> {
        Self::whole(0).both(self, |_, _, c, d| fraction(c.checked_neg()?, d), |_, b| -b)
    }

    pub(super) fn power(self, other: Self) -> Result<Self, Wrong> {
        if let (Self::Exact(n, d), Self::Exact(exponent, 1)) = (self, other) {
            if exponent < 0 && n == 0 {
                return Err(Wrong::ByZero);
            }
            let size = u32::try_from(exponent.unsigned_abs()).unwrap_or(u32::MAX);
            // One and minus one have every power; of anything else 128 bits are soon full.
            let size =
                if n.unsigned_abs() <= 1 && d == 1 && size > 1 { 2 + size % 2 } else { size };
            let powers = (size <= 128).then(|| Some((n.checked_pow(size)?, d.checked_pow(size)?)));
            if let Some((n, d)) = powers.flatten() {
                let exact = if exponent < 0 { fraction(d, n) } else { fraction(n, d) };
                return exact.ok_or(Wrong::NoNumber);
            }
        }
        Self::near(self.float().powf(other.float()))
    }

    pub(super) fn floor(self) -> Result<Self, Wrong> {
        match self {
            Self::Exact(n, d) => Ok(Self::whole(n.div_euclid(d))),
            Self::Near(near) => Self::near(near.floor()),
        }
    }

    /// Rounded to this many digits behind the point, halves away from zero.
    pub(super) fn rounded(self, digits: u32) -> Result<Self, Wrong> {
        let scale = Self::whole(10_i128.checked_pow(digits).ok_or(Wrong::NoNumber)?);
        let half = Self::Exact(1, 2);
        let size = self.absolute()?.times(scale)?.plus(half)?.floor()?.over(scale)?;
        if self.compare(Self::whole(0)) == Ordering::Less { size.negated() } else { Ok(size) }
    }

    pub(super) fn absolute(self) -> Result<Self, Wrong> {
        if self.compare(Self::whole(0)) == Ordering::Less { self.negated() } else { Ok(self) }
    }

    /// The square root; exact where there is one.
    pub(super) fn root(self) -> Result<Self, Wrong> {
        if self.compare(Self::whole(0)) == Ordering::Less {
            return Err(Wrong::NoNumber);
        }
        if let Self::Exact(n, d) = self {
            let (root, below) = (n.isqrt(), d.isqrt());
            if root.checked_mul(root) == Some(n) && below.checked_mul(below) == Some(d) {
                return Ok(Self::Exact(root, below));
            }
        }
        Self::near(self.float().sqrt())
    }

    pub(super) fn is_zero(self) -> bool {
        match self {
            Self::Exact(n, _) => n == 0,
            Self::Near(near) => near == 0.0,
        }
    }

    pub(super) fn compare(self, other: Self) -> Ordering {
        if let (Self::Exact(a, b), Self::Exact(c, d)) = (self, other)
            && let (Some(left), Some(right)) = (a.checked_mul(d), c.checked_mul(b))
        {
            return left.cmp(&right);
        }
        self.float().total_cmp(&other.float())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exact(n, d) => decimal(f, n, d),
            Self::Near(near) => {
                let size = near.abs();
                if size == 0.0 || (1e-6..1e15).contains(&size) {
                    let text = format!("{near:.NEAR_DIGITS$}");
                    write!(f, "~{}", text.trim_end_matches('0').trim_end_matches('.'))
                } else {
                    write!(f, "~{near:e}")
                }
            }
        }
    }
}

/// Long division, digit by digit.
fn decimal(f: &mut fmt::Formatter<'_>, n: i128, d: i128) -> fmt::Result {
    let (size, d) = (n.unsigned_abs(), d.unsigned_abs());
    let mut digits = String::new();
    let mut left = size % d;
    while left != 0 && digits.len() < DIGITS {
        // A denominator too large for this has no short decimal either.
        let Some(next) = left.checked_mul(10) else { break };
        digits.extend(char::from_digit(u32::try_from(next / d).unwrap_or_default(), 10));
        left = next % d;
    }
    let mark = if left == 0 { "" } else { "~" };
    let sign = if n < 0 { "-" } else { "" };
    let point = if digits.is_empty() { "" } else { "." };
    write!(f, "{mark}{sign}{}{point}{digits}", size / d)
}
