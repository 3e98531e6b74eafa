//! Limits of this process only.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::quality::RandomState;
use largestack_types::errors::Result;
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;

use super::{Cell, LimitKey, LimitKind, Limits, Measure, Take, Verdict};
use crate::BoxFuture;
use crate::clock::Clock;

/// Owners whose limits are kept; beyond it, those that are at rest are forgotten.
const MOST: usize = 10_000;

/// Whose limits they are. A call takes from several of one owner, which is looked up once.
#[derive(PartialEq, Eq)]
struct Owner {
    tenant: TenantId,
    kind: LimitKind,
    name: Arc<str>,
}

/// What names an owner without being one, so that nothing is cloned to look it up.
trait Named {
    fn parts(&self) -> (&TenantId, LimitKind, &str);
}

impl Named for Owner {
    fn parts(&self) -> (&TenantId, LimitKind, &str) {
        (&self.tenant, self.kind, &self.name)
    }
}

impl Named for LimitKey {
    fn parts(&self) -> (&TenantId, LimitKind, &str) {
        (&self.tenant, self.kind, &self.name)
    }
}

impl PartialEq for dyn Named + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Named + '_ {}

impl Hash for dyn Named + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl<'a> Borrow<dyn Named + 'a> for Owner {
    fn borrow(&self) -> &(dyn Named + 'a) {
        self
    }
}

/// An owner's limits, by what they count.
#[derive(Clone, Copy, Default)]
struct Cells([Cell; Measure::ALL.len()]);

impl Cells {
    const fn of(&mut self, measure: Measure) -> &mut Cell {
        let [requests, input, output, money] = &mut self.0;
        match measure {
            Measure::Requests => requests,
            Measure::InputTokens => input,
            Measure::OutputTokens => output,
            Measure::Money => money,
        }
    }
}

type Owners = HashMap<Owner, Cells, RandomState>;

/// Limits of this process only.
pub struct MemoryLimits {
    clock: Arc<dyn Clock>,
    owners: Mutex<Owners>,
}

impl fmt::Debug for MemoryLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryLimits")
    }
}

fn same_owner(one: &Take, other: &Take) -> bool {
    one.key.parts() == other.key.parts()
}

impl Cells {
    /// Takes as much as is granted and notes what each was before; how long the first that refuses
    /// asks to wait.
    fn take(
        &mut self,
        takes: &[Take],
        now: Timestamp,
        before: &mut Vec<Cell>,
    ) -> Result<(), Option<Duration>> {
        for take in takes {
            let cell = self.of(take.key.measure);
            let after = cell.take(take.rate, take.units, now)?;
            before.push(std::mem::replace(cell, after));
        }
        Ok(())
    }

    /// What is earned in full grants as much as what nobody has touched.
    fn is_at_rest(&self, now: Timestamp) -> bool {
        let nanos = now.micros().saturating_mul(1_000);
        self.0.iter().all(|cell| cell.0 <= nanos)
    }
}

impl MemoryLimits {
    /// By this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, owners: Mutex::default() }
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_take(&self, takes: &[Take]) -> Verdict {
        let now = self.clock.now();
        let mut owners = self.owners();
        let mut before = Vec::with_capacity(takes.len());
        for of_one in takes.chunk_by(same_owner) {
            let Some(Take { key, .. }) = of_one.first() else { continue };
            let granted = if let Some(known) = owners.get_mut(key as &dyn Named) {
                known.take(of_one, now, &mut before)
            } else {
                let LimitKey { tenant, kind, name, .. } = key;
                let owner = Owner { tenant: tenant.clone(), kind: *kind, name: Arc::clone(name) };
                owners.entry(owner).or_default().take(of_one, now, &mut before)
            };
            if let Err(wait) = granted {
                let at = before.len();
                // In reverse: a limit that is named twice gets its first state back.
                for (take, cell) in takes.iter().zip(before).rev() {
                    if let Some(cells) = owners.get_mut(&take.key as &dyn Named) {
                        *cells.of(take.key.measure) = cell;
                    }
                }
                return Verdict::Denied { at, wait };
            }
        }
        if owners.len() > MOST {
            owners.retain(|_, cells| !cells.is_at_rest(now));
        }
        Verdict::Granted
    }

    fn try_correct(&self, takes: &[Take], used: &[u64]) {
        let now = self.clock.now();
        let mut owners = self.owners();
        let mut used = used.iter();
        for of_one in takes.chunk_by(same_owner) {
            let known = of_one.first().and_then(|take| owners.get_mut(&take.key as &dyn Named));
            let Some(cells) = known else {
                used.by_ref().take(of_one.len()).for_each(drop);
                continue;
            };
            for (take, used) in of_one.iter().zip(used.by_ref()) {
                let cell = cells.of(take.key.measure);
                *cell = cell.correct(take.rate, take.units, *used, now);
            }
        }
    }
}

impl Limits for MemoryLimits {
    fn take<'a>(&'a self, takes: &'a [Take]) -> BoxFuture<'a, Result<Verdict>> {
        Box::pin(std::future::ready(Ok(self.try_take(takes))))
    }

    fn take_now(&self, takes: &[Take]) -> Option<Result<Verdict>> {
        Some(Ok(self.try_take(takes)))
    }

    fn correct<'a>(&'a self, takes: &'a [Take], used: &'a [u64]) -> BoxFuture<'a, Result<()>> {
        self.try_correct(takes, used);
        Box::pin(std::future::ready(Ok(())))
    }

    fn correct_now(&self, takes: &[Take], used: &[u64]) -> Option<Result<()>> {
        self.try_correct(takes, used);
        Some(Ok(()))
    }
}
