//! What a call waits for that has done what it could: an event from outside, a moment, or whichever
//! comes first. The run is given back meanwhile; nothing of it stays in memory.

use std::sync::Arc;
use std::time::Duration;

use largestack_types::time::Timestamp;

/// The longest that a call may say it waits.
pub const LONGEST_WAIT: Duration = Duration::from_hours(366 * 24);

/// What a call waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The name of the event; `None` where it waits for the moment only.
    pub event: Option<Arc<str>>,
    /// When it waits no longer; without it and without an event there is nothing to wait for.
    pub until: Option<Until>,
}

/// The end of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// This long after the call began to wait.
    After(Duration),
    /// A moment.
    At(Timestamp),
}

impl Until {
    /// The moment; `None` where it is further away than a call may wait.
    pub fn moment(self, now: Timestamp) -> Option<Timestamp> {
        let moment = match self {
            Self::After(duration) => now.plus(duration),
            Self::At(moment) => moment,
        };
        (moment <= now.plus(LONGEST_WAIT)).then_some(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_waits_as_long_as_it_may_and_no_longer() {
        let now = Timestamp::from_micros(5);
        let last = now.plus(LONGEST_WAIT);
        assert_eq!(Until::After(LONGEST_WAIT).moment(now), Some(last));
        assert_eq!(Until::At(last).moment(now), Some(last));
        let more = LONGEST_WAIT + Duration::from_micros(1);
        assert_eq!(Until::After(more).moment(now), None);
        assert_eq!(Until::At(now.plus(more)).moment(now), None);
        // What is over is waited for no longer.
        assert_eq!(
            Until::At(Timestamp::from_micros(1)).moment(now),
            Some(Timestamp::from_micros(1))
        );
    }
}
