//! One call on its way through the stack, and what its attempts leave behind for one another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use largestack_engine::event::CallRecord;
use largestack_ports::model::CallContext;
use largestack_types::call::Call;
use largestack_types::usage::Usage;

use crate::errand::{Errand, Found};
use crate::layers::meter::Quote;
use crate::route::Route;

/// What a layer is asked: a call, and where it goes.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) job: Arc<Job>,
    pub(crate) call: Call,
    pub(crate) route: Arc<Route>,
    /// What an attempt can use at the most, where a layer above the meter had to know.
    pub(crate) quote: Option<Quote>,
}

impl Ask {
    pub(crate) fn new(job: Arc<Job>, call: Call, route: Arc<Route>) -> Self {
        Self { job, call, route, quote: None }
    }
}

/// One call of the port, over all its attempts. Attempts follow one another, never overlap.
pub(crate) struct Job {
    pub(crate) context: CallContext,
    /// The call was begun where model requests are blocked.
    pub(crate) blocked: bool,
    /// What is asked for, where it is no conversation.
    pub(crate) errand: Option<Errand>,
    notes: Mutex<Notes>,
}

/// What attempts leave behind.
#[derive(Default)]
pub(crate) struct Notes {
    /// What the call has cost so far, and what is worth knowing of it.
    pub(crate) bill: CallRecord,
    /// The attempt has reached whoever may charge for it.
    pub(crate) sent: bool,
    /// The tokens that the attempt has reported.
    pub(crate) usage: Option<Usage>,
    /// A model that the caller did not name was asked, after the one it named.
    pub(crate) elsewhere: bool,
    /// What an errand brought.
    pub(crate) found: Option<Found>,
    /// How long the provider asked to wait, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
}

impl Notes {
    /// Forgets what belongs to one attempt only.
    pub(crate) fn next_attempt(&mut self) {
        self.sent = false;
        self.usage = None;
        self.retry_after_ms = None;
    }

    /// Raises a flag once.
    pub(crate) fn flag(&mut self, flag: &str) {
        if !self.bill.flags.iter().any(|raised| &**raised == flag) {
            self.bill.flags.push(flag.into());
        }
    }
}

impl Job {
    pub(crate) fn new(context: CallContext, blocked: bool) -> Self {
        Self { context, blocked, errand: None, notes: Mutex::default() }
    }

    pub(crate) fn errand(context: CallContext, blocked: bool, errand: Errand) -> Self {
        Self { errand: Some(errand), ..Self::new(context, blocked) }
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
