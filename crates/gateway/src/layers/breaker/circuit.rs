//! The state of one provider's circuit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use largestack_ports::clock::Clock;

use super::BreakerPolicy;
use crate::fault::Health;

/// Closed, open, or half open with one call under way. Times are of the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Circuit(Mutex<State>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Duration },
    Probing,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Circuit {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call would be refused now.
    pub(crate) fn is_shut(&self, clock: &dyn Clock) -> bool {
        match *self.state() {
            State::Closed { .. } => false,
            State::Probing => true,
            State::Open { until } => clock.monotonic() < until,
        }
    }

    /// Leave to make a call, or how long to wait. While a probe is under way nobody else goes.
    pub(crate) fn enter(
        self: &Arc<Self>,
        policy: BreakerPolicy,
        clock: &Arc<dyn Clock>,
    ) -> Result<Pass, Duration> {
        let pass = |probe| Pass {
            circuit: self.clone(),
            clock: clock.clone(),
            policy,
            probe,
            concluded: false,
        };
        let mut state = self.state();
        match *state {
            State::Closed { .. } => Ok(pass(false)),
            State::Probing => Err(policy.pause),
            State::Open { until } => {
                let now = clock.monotonic();
                if now < until {
                    return Err(until.saturating_sub(now));
                }
                *state = State::Probing;
                Ok(pass(true))
            }
        }
    }
}

/// Leave to make one call.
pub(crate) struct Pass {
    circuit: Arc<Circuit>,
    clock: Arc<dyn Clock>,
    policy: BreakerPolicy,
    probe: bool,
    concluded: bool,
}

impl Pass {
    /// Says how the call went.
    pub(crate) fn conclude(mut self, health: Health) {
        self.settle(health);
    }

    fn settle(&mut self, health: Health) {
        self.concluded = true;
        let mut state = self.circuit.state();
        let open = |pause| State::Open { until: self.clock.monotonic().saturating_add(pause) };
        *state = match (*state, health) {
            (State::Probing, Health::Down) if self.probe => open(self.policy.pause),
            (State::Probing, Health::Answers) if self.probe => State::default(),
            // Nobody knows yet: the next call may try at once.
            (State::Probing, Health::Unknown) if self.probe => open(Duration::ZERO),
            (State::Closed { failures }, Health::Down) => {
                let failures = failures.saturating_add(1);
                if failures >= self.policy.failures {
                    open(self.policy.pause)
                } else {
                    State::Closed { failures }
                }
            }
            (State::Closed { .. }, Health::Answers) => State::default(),
            // A call from before the circuit opened says nothing about now.
            (state, _) => state,
        };
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.concluded {
            self.settle(Health::Unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use largestack_ports::clock::FakeClock;

    use super::*;

    const POLICY: BreakerPolicy = BreakerPolicy { failures: 2, pause: Duration::from_secs(30) };

    fn set_up() -> (Arc<Circuit>, FakeClock, Arc<dyn Clock>) {
        let clock = FakeClock::default();
        (Arc::default(), clock.clone(), Arc::new(clock))
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_in_between_does_not() {
        let (circuit, _, clock) = set_up();
        for health in [Health::Down, Health::Answers, Health::Down, Health::Unknown] {
            circuit.enter(POLICY, &clock).unwrap_or_else(|_| panic!("open")).conclude(health);
        }
        let last = circuit.enter(POLICY, &clock).ok().unwrap();
        last.conclude(Health::Down);
        assert_eq!(circuit.enter(POLICY, &clock).err(), Some(POLICY.pause));
    }

    #[test]
    fn after_the_pause_one_call_goes_and_its_end_decides() {
        let (circuit, time, clock) = set_up();
        for _ in 0..2 {
            circuit.enter(POLICY, &clock).ok().unwrap().conclude(Health::Down);
        }
        time.advance(Duration::from_micros(29_999_999));
        assert_eq!(circuit.enter(POLICY, &clock).err(), Some(Duration::from_micros(1)));
        time.advance(Duration::from_micros(1));
        let probe = circuit.enter(POLICY, &clock).ok().unwrap();
        assert!(circuit.enter(POLICY, &clock).is_err());
        probe.conclude(Health::Down);
        assert!(circuit.enter(POLICY, &clock).is_err());
        time.advance(POLICY.pause);
        // A probe that is dropped decides nothing; the next call is one.
        drop(circuit.enter(POLICY, &clock).ok().unwrap());
        let probe = circuit.enter(POLICY, &clock).ok().unwrap();
        assert!(circuit.enter(POLICY, &clock).is_err());
        probe.conclude(Health::Answers);
        for _ in 0..3 {
            assert!(circuit.enter(POLICY, &clock).is_ok());
        }
    }

    #[test]
    fn a_late_failure_from_before_does_not_lengthen_the_pause() {
        let (circuit, time, clock) = set_up();
        let late = circuit.enter(POLICY, &clock).ok().unwrap();
        for _ in 0..2 {
            circuit.enter(POLICY, &clock).ok().unwrap().conclude(Health::Down);
        }
        time.advance(Duration::from_secs(29));
        late.conclude(Health::Down);
        time.advance(Duration::from_secs(1));
        assert!(circuit.enter(POLICY, &clock).is_ok());
    }
}
