//! The written form of an event: `{v, tenant, run, seq, at, kind, data}`.

use std::sync::Arc;

use largestack_types::error::{Code, Coded};
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, Recorded};

/// The version this build writes. It reads this and every earlier one.
pub const VERSION: u16 = 1;

/// An event as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of the format.
    pub v: u16,
    /// Whose run it is.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// From 1, without gaps.
    pub seq: u64,
    /// UTC microseconds.
    pub at: Timestamp,
    /// The kind, e.g. `model_replied`.
    pub kind: String,
    /// The kind's own fields.
    pub data: Json,
}

/// A written event that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Written by a newer version; left untouched.
    #[error("event {seq} of {run} has version {v}; this build reads up to {VERSION}")]
    Newer {
        /// The run.
        run: RunId,
        /// The event.
        seq: u64,
        /// Its version.
        v: u16,
    },
    /// A kind that no version up to this one wrote.
    #[error("event {seq} of {run} has the unknown kind `{kind}`")]
    UnknownKind {
        /// The run.
        run: RunId,
        /// The event.
        seq: u64,
        /// Its kind.
        kind: String,
    },
    /// Data that does not fit its kind.
    #[error("event {seq} of {run} (`{kind}`) cannot be read")]
    Data {
        /// The run.
        run: RunId,
        /// The event.
        seq: u64,
        /// Its kind.
        kind: String,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Coded for EnvelopeError {
    fn code(&self) -> Code {
        match self {
            Self::Newer { .. } => Code::JournalVersion,
            Self::UnknownKind { .. } | Self::Data { .. } => Code::Journal,
        }
    }

    fn message(&self) -> String {
        self.to_string()
    }
}

impl Envelope {
    /// The written form of an event.
    pub fn seal(
        tenant: &TenantId,
        run: RunId,
        recorded: &Recorded,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            v: VERSION,
            tenant: tenant.clone(),
            run,
            seq: recorded.seq,
            at: recorded.at,
            kind: recorded.event.kind().to_owned(),
            data: Json::parse(recorded.event.data()?)?,
        })
    }

    /// The event; older versions are brought up to date on the way.
    pub fn open(&self) -> Result<Recorded, EnvelopeError> {
        let (run, seq, kind) = (self.run, self.seq, &self.kind);
        if self.v > VERSION {
            return Err(EnvelopeError::Newer { run, seq, v: self.v });
        }
        let event = Event::read(kind, self.data.as_str())
            .ok_or_else(|| EnvelopeError::UnknownKind { run, seq, kind: kind.clone() })?
            .map_err(|source| EnvelopeError::Data { run, seq, kind: kind.clone(), source })?;
        Ok(Recorded { seq, at: self.at, event: Arc::new(event) })
    }
}
