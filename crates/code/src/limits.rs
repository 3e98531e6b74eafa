//! What one script may use, all its parts together: each time it is performed, it is from the start.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one script may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeLimits {
    /// How long it may run itself; waiting for its calls does not count.
    pub time: Duration,
    /// Bytes of memory beside the interpreter.
    pub memory: u64,
    /// Bytes that it prints, and bytes of its value as JSON.
    pub output: usize,
    /// Calls of tools that it makes.
    pub calls: u32,
    /// Bytes that all of its calls together return.
    pub answers: usize,
}

impl Default for CodeLimits {
    /// 5 seconds, 64 MiB, 64 KiB of output, 50 calls that return 8 MiB.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(5),
            memory: 64 << 20,
            output: 64 << 10,
            calls: 50,
            answers: 8 << 20,
        }
    }
}
