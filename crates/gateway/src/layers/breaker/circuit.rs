//! The state of what is spared: a model at a provider, and the provider as a whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use largestack_ports::clock::Clock;

use super::BreakerPolicy;
use crate::fault::Health;

/// Closed, open, or half open with one call under way. Times are of the monotonic clock.
#[derive(Debug)]
pub(crate) struct Circuit {
    state: Mutex<State>,
    /// Closed without a failure: what every call but a few finds, told without the lock.
    calm: AtomicBool,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { state: Mutex::default(), calm: AtomicBool::new(true) }
    }
}

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

/// What a call says about what a circuit stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Well,
    Ill,
    Nothing,
}

impl Circuit {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing has failed since the last answer.
    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Acquire)
    }

    fn is_shut(&self, clock: &dyn Clock) -> bool {
        match *self.state() {
            State::Closed { .. } => false,
            State::Probing => true,
            State::Open { until } => clock.monotonic() < until,
        }
    }

    /// Whether a call that may be made is the one that tries, or how long to wait. While a probe is
    /// under way nobody else goes.
    fn enter(&self, pause: Duration, clock: &dyn Clock) -> Result<bool, Duration> {
        if self.is_calm() {
            return Ok(false);
        }
        let mut state = self.state();
        match *state {
            State::Closed { .. } => Ok(false),
            State::Probing => Err(pause),
            State::Open { until } => {
                let now = clock.monotonic();
                if now < until {
                    return Err(until.saturating_sub(now));
                }
                *state = State::Probing;
                Ok(true)
            }
        }
    }

    fn settle(&self, probe: bool, sign: Sign, policy: BreakerPolicy, clock: &dyn Clock) {
        if self.is_calm() && sign != Sign::Ill {
            return;
        }
        let mut state = self.state();
        let open = |pause| State::Open { until: clock.monotonic().saturating_add(pause) };
        *state = match (*state, sign) {
            (State::Probing, Sign::Ill) if probe => open(policy.pause),
            (State::Probing, Sign::Well) if probe => State::default(),
            // Nobody knows yet: the next call may try at once.
            (State::Probing, Sign::Nothing) if probe => open(Duration::ZERO),
            (State::Closed { failures }, Sign::Ill) => {
                let failures = failures.saturating_add(1);
                if failures >= policy.failures {
                    open(policy.pause)
                } else {
                    State::Closed { failures }
                }
            }
            (State::Closed { .. }, Sign::Well) => State::default(),
            // A call from before the circuit opened says nothing about now.
            (state, _) => state,
        };
        self.calm.store(*state == State::default(), Ordering::Release);
    }
}

impl Health {
    const fn of_provider(self) -> Sign {
        match self {
            Self::Answers | Self::Down => Sign::Well,
            Self::Unreachable => Sign::Ill,
            Self::Lost | Self::Unknown => Sign::Nothing,
        }
    }

    const fn of_model(self) -> Sign {
        match self {
            Self::Answers => Sign::Well,
            Self::Down | Self::Lost => Sign::Ill,
            Self::Unreachable | Self::Unknown => Sign::Nothing,
        }
    }
}

/// Who is spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spared {
    /// The provider, whichever of its models is asked for.
    Provider,
    /// The model, while others of the provider answer.
    Model,
}

/// The circuits that a call to a model passes.
#[derive(Debug, Default)]
pub(crate) struct Circuits {
    pub(crate) provider: Arc<Circuit>,
    pub(crate) model: Arc<Circuit>,
}

impl Circuits {
    /// Whether a call would be refused now.
    pub(crate) fn is_shut(&self, clock: &dyn Clock) -> bool {
        self.provider.is_shut(clock) || self.model.is_shut(clock)
    }

    /// Leave to make a call, or who is spared and how long to wait.
    pub(crate) fn enter(
        self: &Arc<Self>,
        policy: BreakerPolicy,
        clock: &Arc<dyn Clock>,
    ) -> Result<Pass, (Spared, Duration)> {
        let pause = policy.pause;
        let provider =
            self.provider.enter(pause, &**clock).map_err(|wait| (Spared::Provider, wait))?;
        let model = self.model.enter(pause, &**clock).map_err(|wait| {
            // The call that would have tried the provider is not made.
            self.provider.settle(provider, Sign::Nothing, policy, &**clock);
            (Spared::Model, wait)
        })?;
        let (circuits, clock) = (Arc::clone(self), Arc::clone(clock));
        Ok(Pass { circuits, clock, policy, probes: (provider, model), concluded: false })
    }
}

/// Leave to make one call.
pub(crate) struct Pass {
    circuits: Arc<Circuits>,
    clock: Arc<dyn Clock>,
    policy: BreakerPolicy,
    /// Whether the call tries the provider, and the model.
    probes: (bool, bool),
    concluded: bool,
}

impl Pass {
    /// Says how the call went.
    pub(crate) fn conclude(mut self, health: Health) {
        self.settle(health);
    }

    fn settle(&mut self, health: Health) {
        self.concluded = true;
        let Circuits { provider, model } = &*self.circuits;
        let (policy, clock) = (self.policy, &*self.clock);
        provider.settle(self.probes.0, health.of_provider(), policy, clock);
        model.settle(self.probes.1, health.of_model(), policy, clock);
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

    fn set_up() -> (Arc<Circuits>, FakeClock, Arc<dyn Clock>) {
        let clock = FakeClock::default();
        (Arc::default(), clock.clone(), Arc::new(clock))
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_in_between_does_not() {
        let (circuits, _, clock) = set_up();
        for health in [Health::Down, Health::Answers, Health::Down, Health::Unknown] {
            circuits.enter(POLICY, &clock).unwrap_or_else(|_| panic!("open")).conclude(health);
        }
        let last = circuits.enter(POLICY, &clock).ok().unwrap();
        last.conclude(Health::Down);
        assert_eq!(circuits.enter(POLICY, &clock).err(), Some((Spared::Model, POLICY.pause)));
    }

    #[test]
    fn after_the_pause_one_call_goes_and_its_end_decides() {
        let (circuits, time, clock) = set_up();
        for _ in 0..2 {
            circuits.enter(POLICY, &clock).ok().unwrap().conclude(Health::Down);
        }
        time.advance(Duration::from_micros(29_999_999));
        let left = Duration::from_micros(1);
        assert_eq!(circuits.enter(POLICY, &clock).err(), Some((Spared::Model, left)));
        time.advance(Duration::from_micros(1));
        let probe = circuits.enter(POLICY, &clock).ok().unwrap();
        assert!(circuits.enter(POLICY, &clock).is_err());
        probe.conclude(Health::Down);
        assert!(circuits.enter(POLICY, &clock).is_err());
        time.advance(POLICY.pause);
        // A probe that is dropped decides nothing; the next call is one.
        drop(circuits.enter(POLICY, &clock).ok().unwrap());
        let probe = circuits.enter(POLICY, &clock).ok().unwrap();
        assert!(circuits.enter(POLICY, &clock).is_err());
        probe.conclude(Health::Answers);
        for _ in 0..3 {
            assert!(circuits.enter(POLICY, &clock).is_ok());
        }
    }

    #[test]
    fn a_late_failure_from_before_does_not_lengthen_the_pause() {
        let (circuits, time, clock) = set_up();
        let late = circuits.enter(POLICY, &clock).ok().unwrap();
        for _ in 0..2 {
            circuits.enter(POLICY, &clock).ok().unwrap().conclude(Health::Down);
        }
        time.advance(Duration::from_secs(29));
        late.conclude(Health::Down);
        time.advance(Duration::from_secs(1));
        assert!(circuits.enter(POLICY, &clock).is_ok());
    }

    /// Another model of the same provider.
    fn beside(circuits: &Circuits) -> Arc<Circuits> {
        Arc::new(Circuits { provider: Arc::clone(&circuits.provider), model: Arc::default() })
    }

    #[test]
    fn a_broken_model_does_not_take_the_others_of_its_provider_along() {
        let (circuits, _, clock) = set_up();
        let other = beside(&circuits);
        for health in [Health::Down, Health::Lost] {
            circuits.enter(POLICY, &clock).ok().unwrap().conclude(health);
        }
        assert!(circuits.is_shut(&*clock) && !other.is_shut(&*clock));
        other.enter(POLICY, &clock).ok().unwrap().conclude(Health::Answers);
        // Nor is it well because another one is.
        assert!(circuits.enter(POLICY, &clock).is_err());
    }

    #[test]
    fn a_provider_that_cannot_be_reached_is_spared_whichever_model_is_asked_for() {
        let (circuits, time, clock) = set_up();
        let other = beside(&circuits);
        for one in [&circuits, &other] {
            one.enter(POLICY, &clock).ok().unwrap().conclude(Health::Unreachable);
        }
        for one in [&circuits, &other] {
            let refused = one.enter(POLICY, &clock).err();
            assert_eq!(refused, Some((Spared::Provider, POLICY.pause)));
        }
        // An answer of any kind says that it is there again.
        time.advance(POLICY.pause);
        circuits.enter(POLICY, &clock).ok().unwrap().conclude(Health::Down);
        assert!(other.enter(POLICY, &clock).is_ok());
    }

    #[test]
    fn a_call_that_a_spared_model_refuses_leaves_the_try_at_the_provider_to_another() {
        let (circuits, time, clock) = set_up();
        let other = beside(&circuits);
        let late = circuits.enter(POLICY, &clock).ok().unwrap();
        for _ in 0..2 {
            other.enter(POLICY, &clock).ok().unwrap().conclude(Health::Unreachable);
        }
        time.advance(Duration::from_secs(29));
        late.conclude(Health::Down);
        let other_broken = Circuits {
            provider: Arc::clone(&circuits.provider),
            model: Arc::new(Circuit { state: Mutex::new(State::Probing), ..Circuit::default() }),
        };
        other_broken.model.calm.store(false, Ordering::Release);
        time.advance(Duration::from_secs(1));
        let refused = Arc::new(other_broken).enter(POLICY, &clock).err();
        assert_eq!(refused.map(|(who, _)| who), Some(Spared::Model));
        assert!(other.enter(POLICY, &clock).is_ok());
    }
}
