//! What a worker says of itself.

use std::sync::Arc;

use largestack_engine::Status;
use largestack_types::errors::LargestackError;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::TenantId;
use serde::Serialize;

/// What has become of a run that a worker had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It has ended.
    Done,
    /// It was cancelled before it began.
    Cancelled,
    /// It waits for somebody.
    Waiting,
    /// It was handed back: another worker goes on.
    Returned,
    /// It could not be done now, and is tried again.
    Retried,
    /// It was set aside for a person to look at.
    Poisoned,
    /// This worker was taken for dead, and another one has it.
    Lost,
}

impl Became {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Waiting => "waiting",
            Self::Returned => "returned",
            Self::Retried => "retried",
            Self::Poisoned => "poisoned",
            Self::Lost => "lost",
        }
    }
}

/// Something that a worker does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WorkerEvent {
    /// It looks for work.
    Started {
        /// Who it is, as leases name it.
        worker: OwnerId,
        /// What it serves.
        serves: Vec<Arc<str>>,
        /// How many runs it has at once.
        concurrency: u32,
    },
    /// It has taken a run.
    Taken {
        /// Which.
        run: RunId,
        /// Whose.
        tenant: TenantId,
        /// The agent or workflow.
        name: Arc<str>,
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// It has a run no longer.
    Over {
        /// Which.
        run: RunId,
        /// Whose.
        tenant: TenantId,
        /// The agent or workflow.
        name: Arc<str>,
        /// What has become of it.
        became: Became,
        /// Where the run stands, where it was driven.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
        /// Why it could not be done.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<LargestackError>,
        /// How long the worker had it, in milliseconds.
        took_ms: u64,
    },
    /// Jobs of dead workers are free again.
    Reclaimed {
        /// How many.
        jobs: u32,
    },
    /// The store failed, and is tried again.
    Trouble {
        /// How.
        error: LargestackError,
    },
    /// It takes nothing more.
    Draining {
        /// Runs that it has.
        running: u32,
    },
    /// It has ended.
    Stopped {
        /// Runs that it drove to their end, or to where they wait.
        done: u64,
        /// Runs that it handed back.
        handed_back: u64,
    },
}
