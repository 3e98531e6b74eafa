//! Limits of this process only.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::RandomState;
use largestack_types::errors::Result;

use super::{Cell, LimitKey, Limits, Take, Verdict};
use crate::BoxFuture;
use crate::clock::Clock;

/// Limits that are kept; beyond it, those that are at rest are forgotten.
const MOST: usize = 10_000;

/// Limits of this process only.
pub struct MemoryLimits {
    clock: Arc<dyn Clock>,
    cells: Mutex<HashMap<LimitKey, Cell, RandomState>>,
}

impl fmt::Debug for MemoryLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryLimits")
    }
}

impl MemoryLimits {
    /// By this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, cells: Mutex::default() }
    }

    fn try_take(&self, takes: &[Take]) -> Verdict {
        let now = self.clock.now();
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = Vec::with_capacity(takes.len());
        for (at, take) in takes.iter().enumerate() {
            let known = cells.get_mut(&take.key);
            let cell = known.as_deref().copied().unwrap_or_default();
            match cell.take(take.rate, take.units, now) {
                Ok(after) => {
                    before.push(cell);
                    match known {
                        Some(known) => *known = after,
                        None => drop(cells.insert(take.key.clone(), after)),
                    }
                }
                Err(wait) => {
                    // In reverse: a limit that is named twice gets its first state back.
                    for (take, cell) in takes.iter().zip(before).rev() {
                        cells.insert(take.key.clone(), cell);
                    }
                    return Verdict::Denied { at, wait };
                }
            }
        }
        if cells.len() > MOST {
            let nanos = now.micros().saturating_mul(1_000);
            // What is earned in full grants as much as what nobody has touched.
            cells.retain(|_, cell| cell.0 > nanos);
        }
        Verdict::Granted
    }

    fn correct_now(&self, takes: &[Take], used: &[u64]) {
        let now = self.clock.now();
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        for (take, used) in takes.iter().zip(used) {
            if let Some(cell) = cells.get_mut(&take.key) {
                *cell = cell.correct(take.rate, take.units, *used, now);
            }
        }
    }
}

impl Limits for MemoryLimits {
    fn take<'a>(&'a self, takes: &'a [Take]) -> BoxFuture<'a, Result<Verdict>> {
        Box::pin(std::future::ready(Ok(self.try_take(takes))))
    }

    fn correct<'a>(&'a self, takes: &'a [Take], used: &'a [u64]) -> BoxFuture<'a, Result<()>> {
        self.correct_now(takes, used);
        Box::pin(std::future::ready(Ok(())))
    }
}
