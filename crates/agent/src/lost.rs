//! What runs of one tree tell each other when their store has failed: nothing is ended for an error
//! that may pass, and what had begun below stays as its journal has it, to be found again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::EffectId;

/// Whether an error says something of the store or of the lease, and nothing of the run.
pub fn is_of_the_store(error: &LargestackError) -> bool {
    matches!(error.code(), Code::Journal | Code::JournalVersion | Code::Store | Code::Conflict)
}

/// What a run shares with those that it has started.
#[derive(Default)]
pub(crate) struct Lost {
    stays: AtomicBool,
    below: Mutex<BTreeMap<EffectId, LargestackError>>,
}

impl Lost {
    /// The run cannot go on: what is dropped with it stays as it is.
    pub(crate) fn stay(&self) {
        self.stays.store(true, Ordering::Release);
    }

    /// Whether it is so.
    pub(crate) fn stays(&self) -> bool {
        self.stays.load(Ordering::Acquire)
    }

    /// Notes why the run that a call has started cannot go on. That is no outcome of the call.
    pub(crate) fn note(&self, effect: EffectId, error: LargestackError) {
        self.lock().insert(effect, error);
    }

    /// Takes what was noted of a call.
    pub(crate) fn take(&self, effect: EffectId) -> Option<LargestackError> {
        self.lock().remove(&effect)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<EffectId, LargestackError>> {
        self.below.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
