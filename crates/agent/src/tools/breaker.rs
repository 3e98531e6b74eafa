//! Leaving a tool alone that keeps failing: closed until it fails too often within a window, then
//! open for a while, then half open, with a single call that tries.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use largestack_ports::tool::BreakerOptions;
use largestack_types::scope::TenantId;

/// One tenant's failing must not close a tool to others.
type Key = (TenantId, Arc<str>);

/// The circuits of an agent's tools. Times are those of a monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Breakers(Mutex<HashMap<Key, Circuit>>);

#[derive(Debug)]
enum Circuit {
    /// Calls go; the moments of the latest failures.
    Closed(VecDeque<Duration>),
    /// No calls until then.
    Open(Duration),
    /// One call is trying.
    Trying,
}

/// The right to call, to be handed back with the outcome. Dropped without one, a call that tried
/// lets the next one try.
pub(crate) struct Permit<'b> {
    breakers: &'b Breakers,
    key: Key,
    options: BreakerOptions,
    trying: bool,
    concluded: bool,
}

impl Breakers {
    fn circuits(&self) -> MutexGuard<'_, HashMap<Key, Circuit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to call; how long to wait where there is none. `None` while another call tries.
    pub(crate) fn admit(
        &self,
        tenant: &TenantId,
        tool: &Arc<str>,
        options: BreakerOptions,
        now: Duration,
    ) -> Result<Permit<'_>, Option<Duration>> {
        let key = (tenant.clone(), Arc::clone(tool));
        let mut circuits = self.circuits();
        let circuit =
            circuits.entry(key.clone()).or_insert_with(|| Circuit::Closed(VecDeque::new()));
        let trying = match circuit {
            Circuit::Closed(_) => false,
            Circuit::Open(until) if *until > now => return Err(Some(until.saturating_sub(now))),
            Circuit::Open(_) => {
                *circuit = Circuit::Trying;
                true
            }
            Circuit::Trying => return Err(None),
        };
        drop(circuits);
        Ok(Permit { breakers: self, key, options, trying, concluded: false })
    }
}

impl Permit<'_> {
    /// The outcome of the call.
    pub(crate) fn conclude(mut self, healthy: bool, now: Duration) {
        self.concluded = true;
        let mut circuits = self.breakers.circuits();
        let Some(circuit) = circuits.get_mut(&self.key) else { return };
        match circuit {
            _ if healthy && self.trying => *circuit = Circuit::Closed(VecDeque::new()),
            _ if healthy => {}
            _ if self.trying => *circuit = Circuit::Open(now + self.options.cooldown),
            Circuit::Closed(failures) => {
                failures.push_back(now);
                let since = now.saturating_sub(self.options.window);
                failures.retain(|at| *at >= since);
                if failures.len() >= self.options.failures as usize {
                    *circuit = Circuit::Open(now + self.options.cooldown);
                }
            }
            // It began while the circuit was closed, and others have opened it since.
            Circuit::Open(_) | Circuit::Trying => {}
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.trying
            && !self.concluded
            && let Some(circuit) = self.breakers.circuits().get_mut(&self.key)
        {
            *circuit = Circuit::Open(Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::scope::Scope;

    const OPTIONS: BreakerOptions = BreakerOptions::after(3);

    fn at(breakers: &Breakers, seconds: u64) -> Result<Permit<'_>, Option<Duration>> {
        let tool = "t".into();
        breakers.admit(Scope::local().tenant(), &tool, OPTIONS, Duration::from_secs(seconds))
    }

    fn fail(breakers: &Breakers, seconds: u64) {
        at(breakers, seconds).ok().unwrap().conclude(false, Duration::from_secs(seconds));
    }

    fn fail_at(breakers: &Breakers, seconds: [u64; 3]) {
        for second in seconds {
            fail(breakers, second);
        }
    }

    fn refused(breakers: &Breakers, seconds: u64) -> Option<u64> {
        at(breakers, seconds).err().map(|wait| wait.map_or(0, |wait| wait.as_secs()))
    }

    #[test]
    fn the_last_failure_within_the_window_opens_it_and_one_outside_does_not() {
        let breakers = Breakers::default();
        fail_at(&breakers, [0, 30, 61]);
        assert_eq!(refused(&breakers, 61), None);
        fail(&breakers, 62);
        assert_eq!(refused(&breakers, 63), Some(29));
        assert_eq!(refused(&breakers, 91), Some(1));
    }

    #[test]
    fn one_call_at_a_time_tries_whether_it_works_again() {
        let breakers = Breakers::default();
        fail_at(&breakers, [0, 1, 2]);
        let probe = at(&breakers, 32).ok().unwrap();
        assert_eq!(refused(&breakers, 32), Some(0));
        probe.conclude(false, Duration::from_secs(33));
        assert_eq!(refused(&breakers, 34), Some(29));
        at(&breakers, 63).ok().unwrap().conclude(true, Duration::from_secs(64));
        fail(&breakers, 65);
        assert_eq!(refused(&breakers, 65), None);
    }

    #[test]
    fn a_try_that_was_dropped_lets_the_next_one_try() {
        let breakers = Breakers::default();
        fail_at(&breakers, [0, 1, 2]);
        drop(at(&breakers, 40));
        assert!(at(&breakers, 40).is_ok());
    }

    #[test]
    fn a_tenant_whose_calls_fail_closes_the_tool_to_itself_only() {
        let breakers = Breakers::default();
        fail_at(&breakers, [0, 1, 2]);
        let other = TenantId::new("other").unwrap();
        assert!(breakers.admit(&other, &"t".into(), OPTIONS, Duration::from_secs(3)).is_ok());
    }
}
