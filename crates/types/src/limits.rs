//! Limits of a run, as the operator states them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::money::Money;

/// What happens when a limit is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLimit {
    /// One last turn without tools, inside the same budget; status `incomplete`.
    #[default]
    Finish,
    /// The run fails with `LARGESTACK_LOOP` (or `LARGESTACK_BUDGET`).
    Error,
}

/// Limits of one run. `None` means no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Turns in which the model may call tools. With [`OnLimit::Finish`] one more call, without
    /// tools, asks for the answer.
    pub max_turns: u32,
    /// What the whole run tree may cost.
    pub budget: Option<Money>,
    /// Active time: waiting for a person or a timer does not count.
    pub wall_clock: Option<Duration>,
    /// The same calls with the same results this many times in a row, or cycles of up to four
    /// turns repeated this often, are a loop. 0 turns the check off.
    pub max_repeats: u32,
    /// Turns in a row that bring nothing new. 0 turns the check off.
    pub max_idle_turns: u32,
    /// Tool calls in flight at once.
    pub max_parallel_tools: u32,
    /// Tool calls in the whole run.
    pub max_tool_calls: Option<u32>,
    /// Runs that may stand above one another: 1 lets an agent call agents that call none.
    #[serde(skip_serializing_if = "is_default_depth")]
    pub max_depth: u32,
    /// Runs that one run may start.
    #[serde(skip_serializing_if = "is_default_children")]
    pub max_children: u32,
    /// What to do at a limit.
    pub on_limit: OnLimit,
}

const DEFAULT_DEPTH: u32 = 4;
const DEFAULT_CHILDREN: u32 = 32;

// A definition that says nothing of runs below keeps the hash that it had before there were any.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_default_depth(depth: &u32) -> bool {
    *depth == DEFAULT_DEPTH
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_default_children(children: &u32) -> bool {
    *children == DEFAULT_CHILDREN
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_turns: 25,
            budget: Some(Money::from_nanos(5_000_000_000)),
            wall_clock: Some(Duration::from_mins(5)),
            max_repeats: 3,
            max_idle_turns: 5,
            max_parallel_tools: 8,
            max_tool_calls: None,
            max_depth: DEFAULT_DEPTH,
            max_children: DEFAULT_CHILDREN,
            on_limit: OnLimit::Finish,
        }
    }
}
