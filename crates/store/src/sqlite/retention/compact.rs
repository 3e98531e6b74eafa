//! Giving up events of a run for one that stands for them, in one transaction.

use largestack_ports::retention::Compaction;
use largestack_types::id::OwnerId;
use rusqlite::{OptionalExtension as _, params};
use std::path::Path;

use super::Of;
use crate::error::{Result, StoreError};
use crate::facts::integer;
use crate::sqlite::owners;
use crate::sqlite::store::failed;
use largestack_engine::event::VERSION;

/// Whether the run was still as it was looked at, and its events were given up.
pub(super) fn compact(of: &Of<'_>, owners: &Path, compaction: &Compaction) -> Result<bool> {
    let Compaction { run, by, last } = compaction;
    let sql = failed(&of.path);
    let key = params![of.tenant, run.as_bytes()];
    let held = "SELECT process FROM leases WHERE tenant = ?1 AND run = ?2";
    let held: Option<[u8; 16]> =
        of.connection.query_row(held, key, |row| row.get(0)).optional().map_err(&sql)?;
    let held = held.map(|process| OwnerId::from_u128(u128::from_be_bytes(process)));
    if held.is_some_and(|process| owners::lives(owners, process)) {
        return Ok(false);
    }
    let events =
        "SELECT count(*), coalesce(max(seq), 0) FROM journal WHERE tenant = ?1 AND run = ?2";
    let events: (i64, i64) =
        of.connection.query_row(events, key, |row| Ok((row.get(0)?, row.get(1)?))).map_err(&sql)?;
    // A run without gaps is one whose events are all there.
    if events != (integer(*last), integer(*last)) {
        return Ok(false);
    }
    let data = by.event.data().map_err(|_| StoreError::Value { what: "event" })?;
    let gone = "DELETE FROM journal WHERE tenant = ?1 AND run = ?2 AND seq > 1 AND seq <= ?3";
    of.connection
        .execute(gone, params![of.tenant, run.as_bytes(), integer(by.seq)])
        .map_err(&sql)?;
    let add = "INSERT INTO journal (tenant, run, seq, v, at, kind, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = params![
        of.tenant,
        run.as_bytes(),
        integer(by.seq),
        VERSION,
        by.at.micros(),
        by.event.kind(),
        data
    ];
    of.connection.execute(add, row).map_err(&sql)?;
    Ok(true)
}
