//! Runs that wait for a worker: whoever enqueues one goes away, and some process of the store takes
//! it, says for as long as it lives that it has it, and says at the end what has become of it.
//!
//! A job is held by one process at a time, under a fence that only rises. A process that dies, or is
//! silent for longer than its lease, loses its jobs to whoever [tends](Queue::tend) the queue next;
//! what it says of them afterwards is refused. The run itself is guarded by the lease of its journal,
//! which dies with the same process: the queue says who may try, the journal who may write.
//!
//! What is decided here is written once, in [`Table`], as a value without a clock or a database;
//! other queues are held to it by their tests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::CancelRequested;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::BoxFuture;

mod memory;
mod table;

pub use memory::MemoryQueue;
pub use table::Table;

/// How often a job is tried where nobody says otherwise.
pub const ATTEMPTS: u32 = 5;
/// How many runs of a tenant may wait where nobody says otherwise.
pub const ROOM: u32 = 10_000;

/// What kind of thing a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An agent.
    Agent,
    /// A workflow.
    Workflow,
}

impl Kind {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Workflow => "workflow",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Agent, Self::Workflow].into_iter().find(|kind| kind.name() == name)
    }
}

/// A run to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The run; made when it is enqueued unless the caller chose it. The same run is enqueued once.
    pub run: Option<RunId>,
    /// What runs.
    pub kind: Kind,
    /// Its name, as workers know it.
    pub name: Arc<str>,
    /// What it is asked: text for an agent, the first values for a workflow.
    pub input: Value,
    /// The session it continues, by name or id; for agents.
    pub session: Option<Arc<str>>,
    /// Within a tenant the higher one goes first; between equals the older one.
    pub priority: i16,
    /// Not before this moment.
    pub not_before: Option<Timestamp>,
    /// How often it is tried before it is set aside; at least 1.
    pub attempts: u32,
}

impl Job {
    fn of(kind: Kind, name: Arc<str>, input: Value) -> Self {
        let (run, session, not_before) = (None, None, None);
        Self { run, kind, name, input, session, priority: 0, not_before, attempts: ATTEMPTS }
    }

    /// A question to an agent.
    pub fn agent(name: impl Into<Arc<str>>, question: impl Into<String>) -> Self {
        Self::of(Kind::Agent, name.into(), Value::String(question.into()))
    }

    /// A workflow with its first values.
    pub fn workflow(name: impl Into<Arc<str>>, input: impl Into<Value>) -> Self {
        Self::of(Kind::Workflow, name.into(), input.into())
    }

    /// With this priority: 0 unless given, higher goes first.
    #[must_use]
    pub const fn priority(mut self, priority: i16) -> Self {
        self.priority = priority;
        self
    }

    /// Not before this moment.
    #[must_use]
    pub const fn not_before(mut self, moment: Timestamp) -> Self {
        self.not_before = Some(moment);
        self
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Its run waits for somebody: a worker goes on when it is woken.
    Waiting,
    /// Its run has ended, however it did.
    Done,
    /// It was cancelled while no worker had it.
    Cancelled,
    /// It was tried as often as it may be, or can never succeed: set aside for a person to look at.
    Poisoned,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Waiting, Self::Done, Self::Cancelled, Self::Poisoned];

    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Poisoned => "poisoned",
        }
    }

    /// The state of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more will happen to it by itself or by anybody.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a worker serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// What runs.
    pub kind: Kind,
    /// Its name.
    pub name: Arc<str>,
    /// How many of it may run at once, over all workers and tenants.
    pub most: Option<u32>,
}

/// What a worker asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it serves; jobs of other names are left to others.
    pub serves: Vec<Served>,
    /// How many runs of one tenant may run at once, over all workers.
    pub per_tenant: Option<u32>,
    /// How many jobs it takes now.
    pub most: u32,
}

/// A job that this process has.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// On whose behalf it runs: tenant and principal are those of whoever enqueued it.
    pub scope: Scope,
    /// The run.
    pub run: RunId,
    /// What is to be done.
    pub job: Job,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Higher than every earlier one of the queue.
    pub fence: u64,
    /// How often it had been woken when it was taken.
    pub wakes: u64,
    /// Somebody has asked for its end.
    pub cancel: Option<CancelRequested>,
}

/// What becomes of a job that a process has.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// Its run has ended.
    Done,
    /// It was cancelled before its run began.
    Cancelled,
    /// Its run waits for somebody. It is queued again when it is woken, or at this moment; at once
    /// where it was woken, or its end was asked for, since it was taken.
    Waiting {
        /// When it is worth looking by oneself.
        until: Option<Timestamp>,
    },
    /// Another worker may go on after this long; the attempt does not count.
    Returned {
        /// How long it rests.
        after: Duration,
    },
    /// It could not be done: tried again after this long where attempts are left; with `None` never.
    Failed {
        /// Why.
        error: LargestackError,
        /// How long it rests.
        after: Option<Duration>,
    },
}

/// A job as people see it. What it is asked stands in its run.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The run.
    pub run: RunId,
    /// What runs.
    pub kind: Kind,
    /// Its name.
    pub name: Arc<str>,
    /// On whose behalf.
    pub principal: Arc<str>,
    /// Where it stands.
    pub state: State,
    /// Its priority.
    pub priority: i16,
    /// Not before this moment.
    pub due: Timestamp,
    /// How often it was tried since it last got on.
    pub attempts: u32,
    /// How often it may be.
    pub most_attempts: u32,
    /// The process that has it.
    pub worker: Option<OwnerId>,
    /// Why it was last given up.
    pub error: Option<LargestackError>,
    /// When it was enqueued.
    pub enqueued: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// What came of looking after the queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tended {
    /// Jobs that processes which live no longer had, and that are free again or set aside.
    pub reclaimed: u32,
    /// Jobs that this process has and that somebody wants to end.
    pub cancelled: Vec<(TenantId, RunId, CancelRequested)>,
    /// Jobs that this process had and has no longer: it was taken for dead.
    pub lost: Vec<(TenantId, RunId)>,
}

/// Runs that wait for a worker, as one process sees them.
pub trait Queue: Send + Sync + 'static {
    /// Enqueues a run; durable when this returns. A run that is there already is left as it is.
    /// `LARGESTACK_QUEUE_FULL` where `room` runs of the tenant are queued.
    fn enqueue<'a>(&'a self, scope: &'a Scope, job: Job, room: u32)
    -> BoxFuture<'a, Result<RunId>>;

    /// Takes jobs that are due, of the tenant that has least running first, then of the one served
    /// longest ago; within a tenant by priority and age. Never more than the limits of `ask` let
    /// run at once, whatever other processes do meanwhile.
    fn claim<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Vec<Held>>>;

    /// Says what becomes of a job; whether it was this process's to say.
    fn conclude<'a>(&'a self, held: &'a Held, fate: Fate) -> BoxFuture<'a, Result<bool>>;

    /// Frees what dead processes had, wakes what is due, and says what has happened to the jobs of
    /// this process. Every worker does so about once a second.
    fn tend(&self) -> BoxFuture<'_, Result<Tended>>;

    /// Asks for the end of a run; where the job stands then, `None` where there is none. In
    /// [`State::Running`] the worker that has it ends it, in [`State::Queued`] the next one that has
    /// it: a workflow that may have begun, so that what it did is undone. In [`State::Cancelled`]
    /// nobody has it, and what its journal holds is the caller's to end.
    fn cancel<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        request: CancelRequested,
    ) -> BoxFuture<'a, Result<Option<State>>>;

    /// Queues a job again that was set aside, with all its attempts; whether it was.
    fn retry<'a>(&'a self, scope: &'a Scope, run: RunId) -> BoxFuture<'a, Result<bool>>;

    /// Says that what a run waits for may have come; whether there is such a job that is not over.
    fn wake<'a>(&'a self, scope: &'a Scope, run: RunId) -> BoxFuture<'a, Result<bool>>;

    /// A job.
    fn find<'a>(&'a self, scope: &'a Scope, run: RunId) -> BoxFuture<'a, Result<Option<Entry>>>;

    /// Jobs of a tenant in one state or in all, newest first.
    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        state: Option<State>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Entry>>>;

    /// How many jobs of a tenant are in each state; states without any are left out.
    fn counts<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<Vec<(State, u64)>>>;

    /// Ends when there may be something to do since this was called. A hint that may be lost:
    /// workers look by themselves, too.
    fn told(&self) -> BoxFuture<'static, ()>;
}

/// The error of a queue without room.
pub fn full(tenant: &TenantId, room: u32) -> LargestackError {
    LargestackError::other(
        Code::QueueFull,
        format!("{room} runs of the tenant {tenant} are queued, and no more may be"),
    )
}

/// The error of a job whose workers have died with it.
pub fn killed_its_workers(attempts: u32) -> LargestackError {
    LargestackError::with_advice(
        Code::Unknown,
        format!("{attempts} workers that had it ended or stood still before it did"),
        "See how far it came (`largestack trace RUN`), then: largestack queue --retry RUN",
    )
}
