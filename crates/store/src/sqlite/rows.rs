//! Rows of runs on their way into the tables: made by the appender, inserted by the writer.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use largestack_engine::event::VERSION;
use largestack_ports::journal::{Batch, LedgerLine, RunSummary};
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::TenantId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Result, StoreError};
use crate::facts::{self, FactRow};
use crate::sqlite::sessions::rows as sessions;
use crate::sqlite::{blobs, ledger, runs};
use crate::talk::Said;

/// What one append writes.
pub(crate) struct Rows {
    tenant: TenantId,
    run: RunId,
    fence: u64,
    events: Vec<FactRow>,
    ledger: Vec<LedgerLine>,
    blobs: Vec<(Hash, Bytes)>,
    summary: Option<Box<RunSummary>>,
    said: Option<Box<Said>>,
}

impl Rows {
    /// Writes the events as JSON: on the appender's thread, so that an event that cannot be
    /// written fails its own append, and the one writer has less to do.
    pub(crate) fn of(
        tenant: &TenantId,
        run: RunId,
        fence: u64,
        (batch, said): (Batch, Option<Said>),
    ) -> Result<Self> {
        let events = facts::rows(&batch.events)?;
        let Batch { ledger, blobs, summary, .. } = batch;
        let summary = summary.map(Box::new);
        let (tenant, said) = (tenant.clone(), said.map(Box::new));
        Ok(Self { tenant, run, fence, events, ledger, blobs, summary, said })
    }
}

pub(crate) use crate::facts::integer;

/// Refuses to write for a run whose lease is not this process's any more.
pub(crate) fn check_fences(
    connection: &Connection,
    rows: &[Rows],
    process: OwnerId,
    path: &Path,
) -> Result<()> {
    let sql = |error| StoreError::sql(path, error);
    let mut select = connection
        .prepare_cached("SELECT fence, process FROM leases WHERE tenant = ?1 AND run = ?2")
        .map_err(sql)?;
    let mut checked: HashMap<(&str, RunId), u64> = HashMap::new();
    for row in rows {
        if checked.get(&(row.tenant.as_str(), row.run)) == Some(&row.fence) {
            continue;
        }
        let lease: Option<(i64, [u8; 16])> = select
            .query_row(params![row.tenant.as_str(), row.run.as_bytes()], |lease| {
                Ok((lease.get(0)?, lease.get(1)?))
            })
            .optional()
            .map_err(sql)?;
        if lease != Some((integer(row.fence), *process.as_bytes())) {
            return Err(StoreError::Lost { run: row.run });
        }
        checked.insert((row.tenant.as_str(), row.run), row.fence);
    }
    Ok(())
}

/// Inserts rows in the order they were appended; returns how many events.
pub(crate) fn insert(connection: &Connection, rows: &[Rows]) -> rusqlite::Result<u64> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO journal (tenant, run, seq, v, at, kind, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut events = 0;
    // Only a run's last line is worth writing.
    let mut summaries: HashMap<(&str, RunId), &RunSummary> = HashMap::new();
    for row in rows {
        let tenant = row.tenant.as_str();
        for event in &row.events {
            insert.execute(params![
                tenant,
                row.run.as_bytes(),
                integer(event.seq),
                VERSION,
                event.at,
                event.kind,
                event.data
            ])?;
            events += 1;
        }
        if !row.ledger.is_empty() {
            ledger::insert(connection, tenant, row.run, &row.ledger)?;
        }
        for (hash, bytes) in &row.blobs {
            blobs::insert(connection, tenant, *hash, bytes)?;
        }
        if let Some(said) = &row.said {
            sessions::remember(connection, said)?;
        }
        if let Some(summary) = &row.summary {
            summaries.insert((tenant, row.run), summary);
        }
    }
    for ((tenant, _), summary) in summaries {
        runs::upsert(connection, tenant, summary)?;
    }
    Ok(events)
}
