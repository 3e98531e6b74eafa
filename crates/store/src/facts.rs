//! Facts as rows, and what may follow a run's last one: the same in every database.

use std::collections::HashMap;
use std::sync::Arc;

use largestack_engine::event::{EnvelopeError, VERSION};
use largestack_engine::{Event, Recorded};
use largestack_ports::journal::Lease;
use largestack_types::id::RunId;
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;

use crate::error::{Result, StoreError};

/// An event as its row.
pub(crate) struct FactRow {
    pub seq: u64,
    pub at: i64,
    pub kind: &'static str,
    /// JSON.
    pub data: String,
}

/// A lease of this process, as appends are checked against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimed {
    /// Its fence.
    pub fence: u64,
    /// The last event appended.
    pub seq: u64,
}

/// Runs that this process holds.
pub(crate) type Claims = HashMap<(TenantId, RunId), Claimed>;

/// A count as databases keep it; beyond their range it stays at the end of it.
pub(crate) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Events as rows, on the appender's thread: one that cannot be written fails its own append.
pub(crate) fn rows(events: &[Recorded]) -> Result<Vec<FactRow>> {
    let row = |recorded: &Recorded| {
        let kind = recorded.event.kind();
        let data = recorded.event.data();
        let data = data.map_err(|source| StoreError::Unwritable { what: kind, source })?;
        Ok(FactRow { seq: recorded.seq, at: recorded.at.micros(), kind, data })
    };
    events.iter().map(row).collect()
}

/// An event out of its row: its number, format and moment, its kind and its data.
pub(crate) fn open(
    run: RunId,
    (seq, v, at): (u64, u16, i64),
    kind: &str,
    data: &str,
) -> Result<Recorded, EnvelopeError> {
    if v > VERSION {
        return Err(EnvelopeError::Newer { run, seq, v });
    }
    let kind_of = || kind.to_owned();
    let event = Event::read(kind, data)
        .ok_or_else(|| EnvelopeError::UnknownKind { run, seq, kind: kind_of() })?
        .map_err(|source| EnvelopeError::Data { run, seq, kind: kind_of(), source })?;
    Ok(Recorded { seq, at: Timestamp::from_micros(at), event: Arc::new(event) })
}

/// Checks a batch against the lease of this process and counts it in.
pub(crate) fn admit(claims: &mut Claims, lease: &Lease, span: Option<(u64, u64)>) -> Result<()> {
    let key = (lease.scope.tenant().clone(), lease.run);
    let claimed = claims
        .get_mut(&key)
        .filter(|claimed| claimed.fence == lease.fence)
        .ok_or(StoreError::Lost { run: lease.run })?;
    let expected = claimed.seq + 1;
    match span {
        Some((found, _)) if found != expected => {
            Err(StoreError::Gap { run: lease.run, expected, found })
        }
        Some((_, last)) => {
            claimed.seq = last;
            Ok(())
        }
        None => Ok(()),
    }
}

/// The first and the last number of a batch, when the rest follow the first: without gaps, but that one
/// which stands for events behind a run's first has the number of the last of these.
pub(crate) fn span(run: RunId, events: &[Recorded]) -> Result<Option<(u64, u64)>> {
    for pair in events.windows(2) {
        if let [a, b] = pair
            && b.seq != a.seq + 1
            && !stands_for_others(a, b)
        {
            return Err(StoreError::Gap { run, expected: a.seq + 1, found: b.seq });
        }
    }
    Ok(events.first().zip(events.last()).map(|(first, last)| (first.seq, last.seq)))
}

fn stands_for_others(first: &Recorded, other: &Recorded) -> bool {
    let Event::Compacted(data) = &*other.event else { return false };
    first.seq == 1 && other.seq == data.events + 1
}
