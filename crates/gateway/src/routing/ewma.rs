//! Latency as it was lately: a moving average that jumps to a high at once and forgets it slowly
//! (the peak EWMA of Twitter's Finagle). Without news it sinks, so that a model that was slow once
//! is tried again.

use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

/// In how many seconds what was seen counts for a third (1/e).
const TAU_SECONDS: f64 = 60.0;

/// A latency in milliseconds, and when it was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PeakEwma {
    millis: f64,
    at: i64,
}

impl PeakEwma {
    fn kept(self, now: Timestamp) -> f64 {
        let micros = now.micros().saturating_sub(self.at).max(0);
        #[expect(clippy::cast_precision_loss, reason = "an age, not an amount")]
        let seconds = micros as f64 / 1e6;
        (-seconds / TAU_SECONDS).exp()
    }

    /// Takes in what a call took.
    pub(super) fn observe(&mut self, millis: f64, now: Timestamp) {
        let kept = self.kept(now);
        let sunk = self.millis * kept;
        self.millis = if millis > sunk { millis } else { sunk + millis * (1.0 - kept) };
        self.at = now.micros();
    }

    /// What is to be expected now; 0 for a model that nobody has asked.
    pub(super) fn millis(self, now: Timestamp) -> f64 {
        self.millis * self.kept(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_high_counts_at_once_and_is_forgotten_slowly() {
        let mut latency = PeakEwma::default();
        assert!(latency.millis(at(0)) < f64::EPSILON);
        latency.observe(100.0, at(0));
        latency.observe(900.0, at(1));
        assert!((latency.millis(at(1)) - 900.0).abs() < 1e-9);
        latency.observe(100.0, at(2));
        let soon = latency.millis(at(2));
        assert!(soon > 880.0 && soon < 900.0, "{soon}");
        for second in 3..240 {
            latency.observe(100.0, at(second));
        }
        let later = latency.millis(at(240));
        assert!((95.0..150.0).contains(&later), "{later}");
        // Nobody asks: it sinks to a third in a minute.
        let sunk = latency.millis(at(299)) / latency.millis(at(239));
        assert!((sunk - (-1.0_f64).exp()).abs() < 1e-9, "{sunk}");
    }
}
