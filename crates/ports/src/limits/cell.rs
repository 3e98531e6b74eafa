//! The arithmetic of one limit, the same wherever it is kept.

use std::time::Duration;

use largestack_types::time::Timestamp;

use super::Rate;

/// One limit's state: the moment, in nanoseconds since 1970, at which all that was taken will have
/// been earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell(pub i64);

const MINUTE: u128 = 60_000_000_000;

fn nanos(moment: Timestamp) -> i64 {
    moment.micros().saturating_mul(1_000)
}

impl Rate {
    /// How long it takes to earn these units, in nanoseconds. Rounded up where they are taken and
    /// down where they are given back, so that rounding never grants anything.
    pub fn earned_in(self, units: u64, up: bool) -> i64 {
        let product = u128::from(units) * MINUTE;
        let rate = u128::from(self.per_minute.max(1));
        let time = if up { product.div_ceil(rate) } else { product / rate };
        i64::try_from(time).unwrap_or(i64::MAX)
    }

    /// What was used instead of what was taken, in nanoseconds: positive where it is owed, negative
    /// where it is given back.
    pub fn correction(self, taken: u64, used: u64) -> i64 {
        match used.checked_sub(taken) {
            Some(beyond) => self.earned_in(beyond, true),
            None => -self.earned_in(taken - used, false),
        }
    }
}

impl Cell {
    /// The state after taking the units; how long to wait where they are not to be had now; `None`
    /// where they never are.
    pub fn take(self, rate: Rate, units: u64, now: Timestamp) -> Result<Self, Option<Duration>> {
        if units > rate.burst {
            return Err(None);
        }
        let now = nanos(now);
        let after = self.0.max(now).saturating_add(rate.earned_in(units, true));
        // Rounded up, so that exactly the burst is granted; less than one nanosecond too much.
        let ahead = after.saturating_sub(now).saturating_sub(rate.earned_in(rate.burst, true));
        match u64::try_from(ahead) {
            Ok(0) | Err(_) => Ok(Self(after)),
            Ok(wait) => Err(Some(Duration::from_nanos(wait))),
        }
    }

    /// The state with what was taken corrected to what was used.
    #[must_use]
    pub fn correct(self, rate: Rate, taken: u64, used: u64, now: Timestamp) -> Self {
        let change = rate.correction(taken, used);
        // What has been earned meanwhile needs no giving back.
        let from = if change > 0 { self.0.max(nanos(now)) } else { self.0 };
        Self(from.saturating_add(change))
    }
}
