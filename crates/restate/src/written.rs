//! What a step of an invocation holds: the batches that the driver appended while it was performed,
//! as Restate keeps them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use largestack_engine::{Envelope, Recorded};
use largestack_ports::journal::{Batch, Lease, LedgerLine, RunSummary};
use largestack_ports::sessions::{Digest, Exchange, Remembered};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{RunId, SessionId};
use largestack_types::json::Json;
use serde::{Deserialize, Serialize};

use crate::outcome::Over;

/// Bytes of JSON that one batch may have: Restate takes messages of 32 MiB, and an invocation as
/// much memory, unless its operator says otherwise.
pub const MOST_BATCH: usize = 16 << 20;
/// Bytes after which a step takes no further batch.
const ENOUGH: usize = 4 << 20;

/// What one step has come to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// How many batches of the invocation come before these.
    pub after: u64,
    /// What was appended, in order; each the JSON of a `Written`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<Json>,
    /// What it all came to, where the driver has let go of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

impl Facts {
    /// The first of these batches, as many as go into one step, and whether these are all.
    pub(crate) fn first_of<'a>(
        after: u64,
        queue: impl ExactSizeIterator<Item = &'a Json>,
    ) -> (Self, bool) {
        let all = queue.len();
        let mut batches: Vec<Json> = Vec::new();
        let mut size = 0;
        for batch in queue {
            size += batch.as_str().len();
            if size > ENOUGH && !batches.is_empty() {
                break;
            }
            batches.push(batch.clone());
        }
        let whole = batches.len() == all;
        (Self { after, batches, over: None }, whole)
    }
}

/// A batch of one run, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Written {
    /// The run.
    pub(crate) run: RunId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<Envelope>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ledger: Vec<LedgerLine>,
    /// In base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    blobs: Vec<(Hash, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    summary: Option<RunSummary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<Said>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Said {
    session: SessionId,
    exchange: Option<Exchange>,
    digest: Option<Digest>,
}

impl Written {
    /// A batch as it is written; `LARGESTACK_INPUT` for one of more than [`MOST_BATCH`] bytes.
    pub(crate) fn seal(lease: &Lease, batch: &Batch) -> Result<Json> {
        let seal = |event| Envelope::seal(lease.scope.tenant(), lease.run, event);
        let events: Result<Vec<Envelope>, _> = batch.events.iter().map(seal).collect();
        let written = Self {
            run: lease.run,
            events: events.map_err(|error| unwritable(&error))?,
            ledger: batch.ledger.clone(),
            blobs: batch.blobs.iter().map(|(hash, b)| (*hash, STANDARD.encode(b))).collect(),
            summary: batch.summary.clone(),
            memory: batch.memory.clone().map(|said| {
                let Remembered { session, exchange, digest } = said;
                Said { session, exchange, digest }
            }),
        };
        let json = Json::of(&written).map_err(|error| unwritable(&error))?;
        let size = json.as_str().len();
        if size > MOST_BATCH {
            return Err(LargestackError::with_advice(
                Code::Input,
                format!("{size} bytes are to be recorded at once, and Restate takes {MOST_BATCH}"),
                "Hand large media on by address, or run without Restate",
            ));
        }
        Ok(json)
    }

    /// Reads what [`Written::seal`] wrote; older formats of events are brought up to date.
    pub(crate) fn open(json: &Json) -> Result<(RunId, Batch)> {
        let Self { run, events, ledger, blobs, summary, memory } =
            json.to().map_err(|error| damaged(&error))?;
        let open = |event: &Envelope| event.open().map_err(|e| LargestackError::from_coded(&e));
        let events: Result<Vec<Recorded>> = events.iter().map(open).collect();
        let decode = |(hash, text): (Hash, String)| {
            let bytes = STANDARD.decode(text).map_err(|error| damaged(&error))?;
            Ok((hash, Bytes::from(bytes)))
        };
        let blobs: Result<Vec<_>> = blobs.into_iter().map(decode).collect();
        let memory = memory.map(|Said { session, exchange, digest }| Remembered {
            session,
            exchange,
            digest,
        });
        Ok((run, Batch { events: events?, ledger, blobs: blobs?, summary, memory }))
    }
}

fn unwritable(error: &serde_json::Error) -> LargestackError {
    LargestackError::other(Code::Journal, format!("a batch cannot be written: {error}"))
}

fn damaged(error: &dyn std::fmt::Display) -> LargestackError {
    LargestackError::other(Code::Journal, format!("a recorded step cannot be read: {error}"))
}
