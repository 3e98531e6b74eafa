//! Rate limits: how many calls, tokens and dollars per minute, for whom. The law: what is granted
//! within any stretch of time is at most the burst and what the rate allows in that time.
//!
//! The algorithm is the generic cell rate algorithm (ITU-T I.371, in its "virtual scheduling" form):
//! for each limit one moment is kept, that at which everything taken so far will have been earned.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use largestack_types::errors::Result;
use largestack_types::scope::{Scope, TenantId};

use crate::BoxFuture;

mod cell;
mod memory;

pub use cell::Cell;
pub use memory::MemoryLimits;

/// Whose calls a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitKind {
    /// An API key's.
    Key,
    /// A principal's.
    User,
    /// A tenant's.
    Tenant,
    /// Those to a model.
    Model,
    /// Those to a provider.
    Provider,
    /// Those of a tool, named `tool`, or `agent/tool` for one agent's.
    Tool,
}

impl LimitKind {
    /// As errors and stores name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Tenant => "tenant",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Tool => "tool",
        }
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Calls.
    Requests,
    /// Tokens sent.
    InputTokens,
    /// Tokens generated.
    OutputTokens,
    /// Nano-dollars.
    Money,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 4] = [Self::Requests, Self::InputTokens, Self::OutputTokens, Self::Money];

    /// As stores name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Money => "money",
        }
    }

    /// As errors say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
            Self::Money => "nano-dollars",
        }
    }
}

/// A limit's name: whose calls it counts, and what of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// Whose calls.
    pub kind: LimitKind,
    /// Which one of its kind.
    pub name: Arc<str>,
    /// What of them.
    pub measure: Measure,
}

impl LimitKey {
    /// A limit of a tenant.
    pub fn new(scope: &Scope, kind: LimitKind, name: Arc<str>, measure: Measure) -> Self {
        Self { tenant: scope.tenant().clone(), kind, name, measure }
    }
}

impl fmt::Display for LimitKey {
    /// `input tokens of tenant acme`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} {}", self.measure.words(), self.kind.as_str(), self.name)
    }
}

/// How much is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units per minute; at least 1.
    pub per_minute: u64,
    /// Units that may be taken at once after a pause; at least 1.
    pub burst: u64,
}

impl Rate {
    /// A whole minute's worth may be taken at once.
    pub const fn per_minute(units: u64) -> Self {
        Self { per_minute: units, burst: units }
    }
}

/// What a call takes of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// The limit.
    pub key: LimitKey,
    /// How much it grants.
    pub rate: Rate,
    /// Units.
    pub units: u64,
}

/// Whether a call may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was taken.
    Granted,
    /// Nothing was: this limit, by its place in what was asked for, would grant it after a while.
    /// `None` where it never would, because it is more than the burst.
    Denied {
        /// Which one.
        at: usize,
        /// How long to wait.
        wait: Option<Duration>,
    },
}

/// Rate limits.
pub trait Limits: Send + Sync + 'static {
    /// Takes from every limit, or from none.
    fn take<'a>(&'a self, takes: &'a [Take]) -> BoxFuture<'a, Result<Verdict>>;

    /// [`Limits::take`] where nothing has to be waited for; `None`, with nothing done, where it has.
    fn take_now(&self, _takes: &[Take]) -> Option<Result<Verdict>> {
        None
    }

    /// Corrects what was taken to what was used, in the same order: what is unused is given back,
    /// what is beyond is owed, and has to be earned before anything else is granted.
    fn correct<'a>(&'a self, takes: &'a [Take], used: &'a [u64]) -> BoxFuture<'a, Result<()>>;

    /// [`Limits::correct`] where nothing has to be waited for; `None`, with nothing done, where it
    /// has.
    fn correct_now(&self, _takes: &[Take], _used: &[u64]) -> Option<Result<()>> {
        None
    }
}
