//! Where in a tree of runs a call is made: what a run that is started by a tool must know of those
//! above it, and what it tells them.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use largestack_engine::event::ChildRun;
use largestack_types::id::{EffectId, RunId};
use largestack_types::money::Money;
use largestack_types::usage::Usage;

use crate::ledger::BudgetKey;

mod doubts;

pub use doubts::{Doubt, Doubts};

/// The place of a run in its tree.
#[derive(Clone, Debug)]
pub struct RunTree {
    /// The run at the top.
    pub root: RunId,
    /// Runs above this one.
    pub depth: u32,
    /// Runs that may stand above one of this tree.
    pub max_depth: u32,
    /// Runs that one run may start.
    pub max_children: u32,
    /// The accounts of this run and of those above it: everything under them is booked there.
    pub accounts: Arc<[BudgetKey]>,
    /// What becomes of calls in doubt, where a person has decided.
    pub in_doubt: Doubts,
    /// What this run has started.
    pub children: Children,
    /// What the runs of this tree share beside.
    pub shared: Shared,
}

impl RunTree {
    /// A run without a tree, which may start no other.
    pub fn alone(run: RunId) -> Self {
        Self {
            root: run,
            depth: 0,
            max_depth: 0,
            max_children: 0,
            accounts: Arc::new([]),
            in_doubt: Doubts::default(),
            children: Children::default(),
            shared: Shared::default(),
        }
    }
}

/// What runs of one tree share while they are driven, as whoever drives them knows it.
#[derive(Clone, Default)]
pub struct Shared(Option<Arc<dyn Any + Send + Sync>>);

impl Shared {
    /// Shares this.
    pub fn of<T: Any + Send + Sync>(what: Arc<T>) -> Self {
        Self(Some(what))
    }

    /// What is shared, where it is a `T`.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.0.as_ref()?).downcast().ok()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(..)")
    }
}

/// The runs that a run has started, by the effect that started each.
#[derive(Clone, Debug, Default)]
pub struct Children(Arc<Mutex<BTreeMap<EffectId, (ChildRun, bool)>>>);

impl Children {
    /// Those of a run that is taken up.
    pub fn of(known: impl IntoIterator<Item = (EffectId, ChildRun)>) -> Self {
        let known = known.into_iter().map(|(effect, child)| (effect, (child, false)));
        Self(Arc::new(Mutex::new(known.collect())))
    }

    /// Notes that an effect starts a run; `false` where it would be one more than `most`. The same
    /// effect may start its run again.
    pub fn admit(&self, effect: EffectId, run: RunId, most: u32) -> bool {
        let mut known = self.lock();
        if !known.contains_key(&effect) && known.len() >= most as usize {
            return false;
        }
        let child = ChildRun { run, usage: Usage::default(), cost: Money::ZERO };
        known.entry(effect).or_insert((child, false));
        true
    }

    /// Notes what a run has come to, with everything under it, and whether it waits.
    pub fn came_to(&self, effect: EffectId, child: ChildRun, waits: bool) {
        self.lock().insert(effect, (child, waits));
    }

    /// What the run of an effect has come to, and whether it waits.
    pub fn at(&self, effect: EffectId) -> Option<(ChildRun, bool)> {
        self.lock().get(&effect).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<EffectId, (ChildRun, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_admitted_as_may_be_and_the_same_one_again() {
        let children = Children::default();
        let (one, two) = (EffectId::new(1), EffectId::new(2));
        let run = RunId::from_u128(7);
        assert!(children.admit(one, run, 1));
        assert!(children.admit(one, run, 1));
        assert!(!children.admit(two, run, 1));
        assert!(children.admit(two, run, 2));
        assert!(!Children::default().admit(one, run, 0));
    }
}
