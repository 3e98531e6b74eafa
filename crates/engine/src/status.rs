//! How a run ended, in words that never lie.

use std::fmt;

use largestack_types::errors::LargestackError;
use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Something is under way or ready to start.
    Running,
    /// It waits for an answer from outside.
    Suspended,
    /// It ended by itself with an answer.
    Completed,
    /// It ended with an answer that was cut short.
    Incomplete,
    /// Somebody ended it.
    Cancelled,
    /// It ended with an error.
    Failed,
}

impl Status {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Running | Self::Suspended)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A limit of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Turns.
    MaxTurns,
    /// Active time.
    WallClock,
    /// Money.
    Budget,
    /// The same calls with the same results, or a short cycle of them.
    RepeatedCalls,
    /// Turns that brought nothing new.
    NoProgress,
    /// Tool calls.
    MaxToolCalls,
}

impl Limit {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxTurns => "max_turns",
            Self::WallClock => "wall_clock",
            Self::Budget => "budget",
            Self::RepeatedCalls => "repeated_calls",
            Self::NoProgress => "no_progress",
            Self::MaxToolCalls => "max_tool_calls",
        }
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndReason {
    /// The model was done.
    Stop,
    /// The model declined.
    Refusal,
    /// A stage gave the final answer.
    Steered,
    /// The model's output limit cut the answer.
    Length,
    /// The provider's filter cut the answer.
    ContentFilter,
    /// The model said nothing.
    Empty,
    /// See [`Limit::MaxTurns`].
    MaxTurns,
    /// See [`Limit::WallClock`].
    WallClock,
    /// See [`Limit::Budget`].
    Budget,
    /// See [`Limit::RepeatedCalls`].
    RepeatedCalls,
    /// See [`Limit::NoProgress`].
    NoProgress,
    /// See [`Limit::MaxToolCalls`].
    MaxToolCalls,
    /// A node was to be visited more often than it may.
    MaxVisits,
    /// Something failed, and the run went on without it.
    Partial,
    /// The caller asked for the end.
    Cancelled,
    /// The kill switch.
    KillSwitch,
    /// An error.
    Error,
}

impl EndReason {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Refusal => "refusal",
            Self::Steered => "steered",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::Empty => "empty",
            Self::MaxTurns => "max_turns",
            Self::WallClock => "wall_clock",
            Self::Budget => "budget",
            Self::RepeatedCalls => "repeated_calls",
            Self::NoProgress => "no_progress",
            Self::MaxToolCalls => "max_tool_calls",
            Self::MaxVisits => "max_visits",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
            Self::KillSwitch => "kill_switch",
            Self::Error => "error",
        }
    }
}

impl From<Limit> for EndReason {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::MaxTurns => Self::MaxTurns,
            Limit::WallClock => Self::WallClock,
            Limit::Budget => Self::Budget,
            Limit::RepeatedCalls => Self::RepeatedCalls,
            Limit::NoProgress => Self::NoProgress,
            Limit::MaxToolCalls => Self::MaxToolCalls,
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Completed, incomplete, cancelled or failed.
    pub status: Status,
    /// Why.
    pub reason: EndReason,
    /// The error of a failed or killed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<LargestackError>,
}

impl End {
    /// A failure.
    pub fn failed(error: impl Into<LargestackError>) -> Self {
        Self { status: Status::Failed, reason: EndReason::Error, error: Some(error.into()) }
    }

    /// An end without an error.
    pub const fn plain(status: Status, reason: EndReason) -> Self {
        Self { status, reason, error: None }
    }
}
