//! Results of tools that may be given again, in the file of the cache: whatever is lost with it is
//! worked out again.

use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::results::{KeptResult, Results};
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Result, StoreError};
use crate::sqlite::store::{Store, failed};

/// Expired results that one write clears away.
const SWEEP: i64 = 64;

fn get(
    connection: &Connection,
    tenant: &str,
    key: Hash,
    now: Timestamp,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT data FROM results WHERE tenant = ?1 AND key = ?2 AND expires > ?3
             AND key_id IS NULL",
        )?
        .query_row(params![tenant, key.as_bytes(), now.micros()], |row| row.get(0))
        .optional()
}

fn insert(
    connection: &Connection,
    tenant: &str,
    key: Hash,
    expires: Timestamp,
    data: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO results (tenant, key, expires, data) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![tenant, key.as_bytes(), expires.micros(), data])?;
    Ok(())
}

/// Makes room: the older half of what is there.
fn thin_out(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM results WHERE position <=
             (SELECT (min(position) + max(position)) / 2 FROM results)",
        [],
    )?;
    Ok(())
}

fn put(
    connection: &Connection,
    tenant: &str,
    key: Hash,
    result: &KeptResult,
    now: Timestamp,
) -> Result<()> {
    let path = connection.path().unwrap_or_default().to_owned();
    let data = serde_json::to_string(result).map_err(|_| StoreError::Value { what: "result" })?;
    connection
        .prepare_cached(
            "DELETE FROM results WHERE position IN
                 (SELECT position FROM results WHERE expires <= ?1 LIMIT ?2)",
        )
        .and_then(|mut sweep| sweep.execute([now.micros(), SWEEP]))
        .map_err(failed(&path))?;
    let kept = insert(connection, tenant, key, result.expires, &data).or_else(|error| {
        if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DiskFull) {
            return Err(error);
        }
        thin_out(connection)?;
        insert(connection, tenant, key, result.expires, &data)
    });
    kept.map_err(failed(&path))
}

impl Results for Store {
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<Option<Arc<KeptResult>>>> {
        let tenant = scope.tenant().clone();
        self.in_cache(move |connection| {
            let path = connection.path().unwrap_or_default().to_owned();
            let data = get(connection, tenant.as_str(), key, now).map_err(failed(&path))?;
            // One that cannot be read, perhaps of another version, is none.
            Ok(data.and_then(|data| serde_json::from_str(&data).ok()).map(Arc::new))
        })
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        result: Arc<KeptResult>,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<()>> {
        let tenant = scope.tenant().clone();
        self.in_cache(move |connection| put(connection, tenant.as_str(), key, &result, now))
    }
}
