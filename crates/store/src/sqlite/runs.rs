//! The run's line in lists.

use largestack_ports::journal::RunSummary;
use largestack_types::id::RunId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Result, StoreError};
use crate::sqlite::rows::integer;

/// Writes a run's line over what was there.
pub(crate) fn upsert(
    connection: &Connection,
    tenant: &str,
    summary: &RunSummary,
) -> rusqlite::Result<()> {
    let data = serde_json::to_string(summary)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached(
            "INSERT INTO runs (tenant, run, status, data) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, run) DO UPDATE SET status = ?3, data = ?4",
        )?
        .execute(params![tenant, summary.run.as_bytes(), summary.status.name(), data])?;
    Ok(())
}

fn read(data: &str) -> Result<RunSummary> {
    serde_json::from_str(data).map_err(|_| StoreError::Value { what: "run summary" })
}

/// A run's line.
pub(crate) fn one(connection: &Connection, tenant: &str, run: RunId) -> Result<Option<RunSummary>> {
    let sql = |error| StoreError::sql(connection.path().unwrap_or_default().as_ref(), error);
    let data: Option<String> = connection
        .prepare_cached("SELECT data FROM runs WHERE tenant = ?1 AND run = ?2")
        .and_then(|mut select| {
            select.query_row(params![tenant, run.as_bytes()], |row| row.get(0)).optional()
        })
        .map_err(sql)?;
    data.as_deref().map(read).transpose()
}

/// Whether a run has ended. One that is not in the list yet has not.
pub(crate) fn is_over(connection: &Connection, tenant: &str, run: RunId) -> Result<bool> {
    Ok(one(connection, tenant, run)?.is_some_and(|summary| summary.status.is_final()))
}

/// Lines, newest run first.
pub(crate) fn newest(
    connection: &Connection,
    tenant: &str,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let sql = |error| StoreError::sql(connection.path().unwrap_or_default().as_ref(), error);
    let limit = integer(u64::try_from(limit).unwrap_or(u64::MAX));
    let mut select = connection
        .prepare_cached("SELECT data FROM runs WHERE tenant = ?1 ORDER BY run DESC LIMIT ?2")
        .map_err(sql)?;
    let mut rows = select.query(params![tenant, limit]).map_err(sql)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next().map_err(sql)? {
        let data: String = row.get(0).map_err(sql)?;
        runs.push(read(&data)?);
    }
    Ok(runs)
}
