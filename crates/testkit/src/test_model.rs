//! A model that follows a script.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use largestack_ports::BoxFuture;
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError, Result};

use crate::turn::Turn;

/// Answers the n-th call with the n-th turn and records what it was asked. Clones share script
/// and record.
#[derive(Clone, Debug)]
pub struct TestModel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    turns: Vec<Turn>,
    next: AtomicUsize,
    repeats: bool,
    records: bool,
    calls: Mutex<Vec<Call>>,
}

impl TestModel {
    /// A model that takes these turns, in this order; one call more is an error.
    pub fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::build(turns, false, true)
    }

    /// A model that begins the script anew after its last turn.
    pub fn repeating(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::build(turns, true, true)
    }

    /// The same without a record, which would grow for as long as a bench runs.
    pub fn repeating_unrecorded(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::build(turns, true, false)
    }

    fn build(turns: impl IntoIterator<Item = Turn>, repeats: bool, records: bool) -> Self {
        let turns = turns.into_iter().collect();
        let (next, calls) = (AtomicUsize::new(0), Mutex::default());
        Self(Arc::new(Inner { turns, next, repeats, records, calls }))
    }

    /// What it was asked so far.
    pub fn calls(&self) -> Vec<Call> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, call: &Call) -> Result<Turn> {
        let inner = &*self.0;
        if inner.records {
            inner.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
        }
        let number = inner.next.fetch_add(1, Ordering::SeqCst);
        let length = inner.turns.len();
        let index = if inner.repeats { number % length.max(1) } else { number };
        inner.turns.get(index).cloned().ok_or_else(|| {
            let detail = format!("the script has {length} turns, this is call {}", number + 1);
            LargestackError::other(Code::Unknown, detail)
        })
    }
}

impl Model for TestModel {
    fn call<'a>(&'a self, _: &'a CallContext, call: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        let stream = self.take(&call).map(|turn| turn.into_stream(call.stream));
        Box::pin(std::future::ready(stream))
    }
}
