//! What a run of a graph is made of, beside its state: what has come of each node, its visits and
//! their tasks.

use std::sync::Arc;

use largestack_types::errors::LargestackError;
use largestack_types::id::{ApprovalId, RunId};
use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use serde_json::Value;

use crate::event::CancelRequested;
use crate::graph::state::State;
use crate::status::EndReason;

/// What has come of a node so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) visits: u32,
    /// Visits that are not over.
    pub(super) active: u32,
    /// Tasks in flight.
    pub(super) running: u32,
    /// How often it began again because it is watched.
    pub(super) restarts: u32,
    /// The edge without a token at which its join was last seen to wait, by place.
    pub(super) lacks: usize,
    pub(super) usage: Usage,
    pub(super) cost: Money,
    pub(super) last: Option<usize>,
    /// Its last visit has been undone.
    pub(super) undone: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) node: usize,
    /// The state as it was then; let go of when nobody needs it any more.
    pub(super) seen: Option<Arc<State>>,
    /// The ordinals of its tasks: the first, and how many.
    pub(super) tasks: (u32, u32),
    /// Tasks that are not over.
    pub(super) open: u32,
    pub(super) over: Option<Outcome>,
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Skipped,
    Failed,
    Cancelled,
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) visit: usize,
    pub(super) node: usize,
    /// Which element of the list.
    pub(super) item: Option<u32>,
    /// The task that this one undoes.
    pub(super) undoes: Option<u32>,
    pub(super) attempt: u32,
    pub(super) stand: Stand,
    /// Whether it was started at all, as far as anybody knows.
    pub(super) began: bool,
    /// Whether this try of it was.
    pub(super) tried: bool,
    pub(super) approved: bool,
    pub(super) output: Option<Arc<Value>>,
}

impl Slot {
    /// Whether it does what its node does and was begun: it may hold things, or have cost something,
    /// that its outcome has to say.
    pub(super) fn is_begun(&self) -> bool {
        let begun = match self.stand {
            Stand::Started | Stand::Below(_) => true,
            Stand::Due => self.began,
            _ => false,
        };
        begun && self.undoes.is_none()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Waits for its turn in what is undone.
    Queued,
    /// May start.
    Due,
    /// Under way.
    Started,
    /// Waits for a moment.
    Sleeping(Timestamp),
    /// Waits for something from outside.
    Listening(Arc<str>),
    /// Waits for a person: before it starts, or as the last thing that it does.
    Asking(ApprovalId, Asked),
    /// Waits for what the run that it started waits for.
    Below(RunId),
    /// Was cut off; waits for a decision.
    Doubtful,
    /// Nothing more comes of it.
    Over(Fate),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Whether it may start.
    First,
    /// What it comes to.
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    /// It said that it failed.
    Failed,
    /// Nobody knows whether it did anything.
    Unknown,
    /// It never did anything.
    Never,
}

/// Why the run comes to its end before every branch has.
#[derive(Clone, Debug)]
pub(super) enum Closing {
    Failed(LargestackError),
    Cancelled(CancelRequested),
    Limited(EndReason),
}
