//! A table of the cache's file: values by key that may be lost, each with the time it expires.

use largestack_types::hash::Hash;
use largestack_types::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::error::{Result, StoreError};
use crate::sqlite::store::failed;

/// Expired values that one write clears away.
const SWEEP: i64 = 64;

/// The statements of one table.
pub(super) struct Shelf {
    /// What stands in it, for an error.
    pub(super) what: &'static str,
    pub(super) get: &'static str,
    pub(super) insert: &'static str,
    pub(super) sweep: &'static str,
    pub(super) thin_out: &'static str,
}

/// The shelf of a table: statements are written out when the program is built.
macro_rules! shelf {
    ($table:literal, $what:literal) => {
        crate::sqlite::shelf::Shelf {
            what: $what,
            get: concat!(
                "SELECT data FROM ",
                $table,
                " WHERE tenant = ?1 AND key = ?2 AND expires > ?3 AND key_id IS NULL"
            ),
            insert: concat!(
                "INSERT OR REPLACE INTO ",
                $table,
                " (tenant, key, expires, data) VALUES (?1, ?2, ?3, ?4)"
            ),
            sweep: concat!(
                "DELETE FROM ",
                $table,
                " WHERE position IN (SELECT position FROM ",
                $table,
                " WHERE expires <= ?1 LIMIT ?2)"
            ),
            thin_out: concat!(
                "DELETE FROM ",
                $table,
                " WHERE position <= (SELECT (min(position) + max(position)) / 2 FROM ",
                $table,
                ")"
            ),
        }
    };
}
pub(super) use shelf;

impl Shelf {
    /// The value under a key, unless it has expired.
    pub(super) fn get(
        &self,
        connection: &Connection,
        tenant: &str,
        key: Hash,
        now: Timestamp,
    ) -> rusqlite::Result<Option<String>> {
        connection
            .prepare_cached(self.get)?
            .query_row(params![tenant, key.as_bytes(), now.micros()], |row| row.get(0))
            .optional()
    }

    /// Keeps a value until it expires. A full file makes room: the older half of the table goes.
    pub(super) fn put<T: Serialize>(
        &self,
        connection: &Connection,
        (tenant, key, expires): (&str, Hash, Timestamp),
        value: &T,
        now: Timestamp,
    ) -> Result<()> {
        let path = connection.path().unwrap_or_default().to_owned();
        let data =
            serde_json::to_string(value).map_err(|_| StoreError::Value { what: self.what })?;
        let insert = || {
            connection.prepare_cached(self.insert)?.execute(params![
                tenant,
                key.as_bytes(),
                expires.micros(),
                data
            ])
        };
        connection
            .prepare_cached(self.sweep)
            .and_then(|mut sweep| sweep.execute([now.micros(), SWEEP]))
            .map_err(failed(&path))?;
        let kept = insert().or_else(|error| {
            if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DiskFull) {
                return Err(error);
            }
            connection.execute(self.thin_out, [])?;
            insert()
        });
        kept.map(|_| ()).map_err(failed(&path))
    }
}
