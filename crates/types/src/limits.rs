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
    /// What to do at a limit.
    pub on_limit: OnLimit,
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
            on_limit: OnLimit::Finish,
        }
    }
}
