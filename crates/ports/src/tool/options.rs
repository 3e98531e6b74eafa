//! How a tool is run: time, attempts, what it may do to the world, and what it may be given.

use std::sync::Arc;
use std::time::Duration;

use largestack_types::json::Json;
use largestack_types::label::{DataClasses, Origin};
use largestack_types::scope::TenantId;
pub use largestack_types::tool::{Capabilities, Capability};

use crate::limits::Rate;

/// How pauses between attempts grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Growth {
    /// No pause.
    None,
    /// The same pause each time.
    Constant,
    /// One unit more each time.
    Linear,
    /// Twice as long each time.
    #[default]
    Exponential,
}

/// Pauses between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// How they grow.
    pub growth: Growth,
    /// The first pause.
    pub unit: Duration,
    /// The longest pause.
    pub most: Duration,
    /// Whether each is varied by up to a quarter, so that callers do not come back together.
    pub jitter: bool,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            growth: Growth::default(),
            unit: Duration::from_secs(1),
            most: Duration::from_secs(30),
            jitter: true,
        }
    }
}

impl Backoff {
    /// The pause after this many failed attempts (from 1). `chance` is where it falls in its band:
    /// 0 is a quarter less, 255 a quarter more. Never longer than `most`.
    pub fn pause(&self, failed: u32, chance: u8) -> Duration {
        let before = failed.saturating_sub(1);
        let plain = match self.growth {
            Growth::None => return Duration::ZERO,
            Growth::Constant => self.unit,
            Growth::Linear => self.unit.saturating_mul(failed),
            Growth::Exponential => self.unit.saturating_mul(2_u32.saturating_pow(before)),
        };
        let plain = plain.min(self.most);
        if !self.jitter {
            return plain;
        }
        // From 6/8 to 10/8 in 255 steps.
        let share = 6 * 255 + 4 * u32::from(chance);
        (plain.saturating_mul(share) / (8 * 255)).min(self.most)
    }
}

/// When a tool that keeps failing is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Failures within the window after which it is left alone.
    pub failures: u32,
    /// The window.
    pub window: Duration,
    /// How long it is left alone before one call may try it.
    pub cooldown: Duration,
}

impl BreakerOptions {
    /// This many failures within 60 s; left alone for 30 s.
    pub const fn after(failures: u32) -> Self {
        Self { failures, window: Duration::from_mins(1), cooldown: Duration::from_secs(30) }
    }
}

/// What an operator asks of arguments, beside the tool's own schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentRule {
    /// Whose calls it is for; `None` for everybody's.
    pub tenant: Option<TenantId>,
    /// JSON Schema (2020-12) that arguments must fit. Arguments it does not fit are denied.
    pub schema: Json,
}

/// What a person has to say before a tool runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ApprovalRule {
    /// What the agent's own rules say.
    #[default]
    Unsaid,
    /// Always.
    Required,
    /// Never, whatever the agent's rules say of its capabilities.
    Never,
}

/// What a tool does, may be given and needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// What it does to the world.
    pub capabilities: Capabilities,
    /// Kinds of data that its results hold: they are labelled so.
    pub classes: DataClasses,
    /// Where its results come from, where that is not what the tool itself says: `operator` vouches
    /// for them.
    pub origin: Option<Origin>,
    /// Kinds of sensitive values that it is given in clear; others stay placeholders.
    pub reveals: DataClasses,
    /// Whether a person has to agree first.
    pub approval: ApprovalRule,
    /// What arguments must fit beside the schema; all that apply.
    pub arguments: Vec<ArgumentRule>,
}

/// How a tool is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolOptions {
    /// How long one attempt may take; then it is dropped.
    pub timeout: Duration,
    /// Attempts after the first: of an idempotent tool after a failure that is transient, of
    /// another one only after a failure that says that nothing happened.
    pub retries: u32,
    /// Pauses between attempts.
    pub backoff: Backoff,
    /// When it is left alone; `None` for never.
    pub breaker: Option<BreakerOptions>,
    /// Calls of one agent.
    pub agent_rate: Option<Rate>,
    /// Calls of all agents of a tenant.
    pub tenant_rate: Option<Rate>,
    /// How long a result is given again to the same principal for the same arguments; `None` for
    /// never. For idempotent tools only.
    pub cache: Option<Duration>,
    /// Changes when the tool's behaviour does: results of another version are not given again.
    pub version: Arc<str>,
    /// What it does and may be given.
    pub access: Access,
    /// Characters of a result that the model sees; the rest is behind a handle.
    pub max_result_chars: usize,
    /// Whether a failure ends the run with `LARGESTACK_TOOL` instead of being told to the model.
    pub raise: bool,
}

impl Default for ToolOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            retries: 0,
            backoff: Backoff::default(),
            breaker: None,
            agent_rate: None,
            tenant_rate: None,
            cache: None,
            version: "".into(),
            access: Access::default(),
            max_result_chars: 20_000,
            raise: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(growth: Growth) -> Vec<u64> {
        let backoff = Backoff { growth, jitter: false, ..Backoff::default() };
        (1..=7).map(|failed| backoff.pause(failed, 0).as_secs()).collect()
    }

    #[test]
    fn pauses_grow_as_their_kind_says_and_never_beyond_the_most() {
        assert_eq!(pauses(Growth::None), [0; 7]);
        assert_eq!(pauses(Growth::Constant), [1; 7]);
        assert_eq!(pauses(Growth::Linear), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(pauses(Growth::Exponential), [1, 2, 4, 8, 16, 30, 30]);
        let backoff = Backoff { jitter: false, ..Backoff::default() };
        assert_eq!(backoff.pause(u32::MAX, 255), backoff.most);
    }

    #[test]
    fn jitter_stays_within_a_quarter_and_reaches_both_ends() {
        let backoff = Backoff { unit: Duration::from_secs(8), ..Backoff::default() };
        assert_eq!(backoff.pause(1, 0), Duration::from_secs(6));
        assert_eq!(backoff.pause(1, 255), Duration::from_secs(10));
        for chance in 0..=255 {
            let pause = backoff.pause(1, chance);
            assert!((6..=10).contains(&pause.as_secs()), "{chance} {pause:?}");
        }
        assert_eq!(backoff.pause(9, 255), backoff.most);
    }

    #[test]
    fn every_capability_is_read_by_its_name() {
        for (name, capability) in Capability::ALL {
            assert_eq!(Capability::parse(name), Some(*capability));
            assert_eq!(capability.name(), *name);
        }
        assert_eq!(Capability::parse("fly"), None);
    }
}
