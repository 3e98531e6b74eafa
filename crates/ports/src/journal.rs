//! The journal: an append-only list of facts for each run, and the only way state is written.
//!
//! `append` never waits; `durable` is the barrier. How durable a barrier is is a property of the
//! journal (in memory, SQLite with group commit), not another code path.

use bytes::Bytes;
use largestack_engine::Recorded;
use largestack_engine::status::{EndReason, Status};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::BoxFuture;
use crate::queue::Queue;
use crate::retention::Retention;
use crate::sessions::{Remembered, Sessions};
use crate::signals::Signals;

mod memory;
pub use memory::MemoryJournal;

/// The right to append to a run, fenced: whoever holds an older fence is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose run it is.
    pub scope: Scope,
    /// The run.
    pub run: RunId,
    /// Who holds it.
    pub owner: OwnerId,
    /// Higher than every earlier one of the run.
    pub fence: u64,
}

/// One settled call, as the cost report reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// When.
    pub at: Timestamp,
    /// The event of the run that it belongs to.
    pub seq: u64,
    /// The run at the top of the tree.
    pub root: RunId,
    /// The agent.
    pub agent: Arc<str>,
    /// The model that answered, as the agent names it.
    pub model: Arc<str>,
    /// Tokens.
    pub usage: Usage,
    /// Cost.
    pub cost: Money,
    /// Answered from the cache: the call cost nothing.
    pub cached: bool,
}

/// What is written together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Facts, numbered on from the last.
    pub events: Vec<Recorded>,
    /// Settled calls.
    pub ledger: Vec<LedgerLine>,
    /// Bytes that the events refer to by hash.
    pub blobs: Vec<(Hash, Bytes)>,
    /// The run's line in lists, where it changed.
    pub summary: Option<RunSummary>,
    /// What the run adds to its session.
    pub memory: Option<Remembered>,
}

impl Batch {
    /// One fact.
    pub fn of(event: Recorded) -> Self {
        Self { events: vec![event], ..Self::default() }
    }
}

/// A run's line in lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// The run at the top of the tree.
    pub root: RunId,
    /// The agent.
    pub agent: Arc<str>,
    /// The model the agent names.
    pub model: Arc<str>,
    /// Hash of the definition.
    pub definition: Hash,
    /// Where it stands.
    pub status: Status,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndReason>,
    /// The beginning of the question, placeholders in place.
    pub input: String,
    /// Events so far.
    pub seq: u64,
    /// Turns so far.
    pub turns: u32,
    /// Tokens so far.
    pub usage: Usage,
    /// Cost so far.
    pub cost: Money,
    /// When it began.
    pub started: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
    /// The engine outside that drives it, and where it is asked; absent where processes over this
    /// journal do. What the journal holds of such a run is a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Arc<str>>,
}

impl RunSummary {
    /// `LARGESTACK_CONFLICT` where an engine outside drives the run: what somebody appended here
    /// would be no part of it.
    pub fn driven_here(&self) -> Result<()> {
        let Some(engine) = &self.engine else { return Ok(()) };
        Err(LargestackError::with_advice(
            Code::Conflict,
            format!("{} is driven by {engine}", self.run),
            "Answer or cancel it there: what is kept here is a copy",
        ))
    }
}

/// What to group the cost report by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostBy {
    /// The agent.
    Agent,
    /// The model.
    Model,
    /// The day, in UTC.
    Day,
}

/// One row of the cost report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostRow {
    /// The agent, model or day (`2026-01-31`).
    pub key: String,
    /// Settled calls.
    pub calls: u64,
    /// Tokens.
    pub usage: Usage,
    /// Cost.
    pub cost: Money,
    /// Calls of these that were answered from the cache.
    #[serde(default)]
    pub cached: u64,
}

/// The journal, and what is projected from it.
pub trait Journal: Send + Sync + 'static {
    /// Takes the right to append to a run that is new or that nobody alive holds; waits for
    /// nothing. `LARGESTACK_CONFLICT` names who holds it.
    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, Result<Lease>>;

    /// Gives the right back.
    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>>;

    /// Queues a batch; its events must follow the run's last one. Never waits. A failure to write
    /// shows at the next `append` or `durable` of any run, and nothing later is written.
    fn append(&self, lease: &Lease, batch: Batch) -> Result<()>;

    /// Waits until everything appended before is as durable as this journal makes it.
    fn durable(&self) -> BoxFuture<'_, Result<()>>;

    /// The same for what was appended to one run and to those below it: where an engine outside
    /// holds the facts, each tree of runs is written by itself, and fails by itself.
    fn durable_run<'a>(&'a self, _lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        self.durable()
    }

    /// The events of a run after `after`, in order.
    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, Result<Vec<Recorded>>>;

    /// A blob by hash.
    fn blob<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, Result<Option<Bytes>>>;

    /// A run's line.
    fn run<'a>(&'a self, scope: &'a Scope, run: RunId)
    -> BoxFuture<'a, Result<Option<RunSummary>>>;

    /// Runs, newest first.
    fn runs<'a>(&'a self, scope: &'a Scope, limit: usize)
    -> BoxFuture<'a, Result<Vec<RunSummary>>>;

    /// The cost report.
    fn costs<'a>(&'a self, scope: &'a Scope, by: CostBy) -> BoxFuture<'a, Result<Vec<CostRow>>>;

    /// Ends when a run may have grown since this was called, in whatever process. A hint that may be
    /// lost: whoever follows a run looks again by himself, too. Never ends where nobody tells.
    fn told(&self, _run: RunId) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    /// Whether what it holds outlives the process.
    fn is_durable(&self) -> bool;

    /// The sessions that batches add to; `None` where the journal keeps none.
    fn sessions(&self) -> Option<&dyn Sessions> {
        None
    }

    /// What removes runs that need not be kept; `None` where they go with the process.
    fn retention(&self) -> Option<&dyn Retention> {
        None
    }

    /// Events from outside that runs wait for; `None` where none are kept.
    fn signals(&self) -> Option<&dyn Signals> {
        None
    }

    /// The runs that wait for a worker of this store; `None` where no other process could be one.
    fn queue(&self) -> Option<&dyn Queue> {
        None
    }
}
