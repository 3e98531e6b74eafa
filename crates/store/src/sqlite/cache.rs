//! Kept replies, and what pools have learned. A file of its own, synced less often: whatever is
//! lost with it is asked or learned again.

use std::sync::Arc;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::cache::{Cache, CachedReply};
use largestack_ports::pools::PoolMemory;
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Result, StoreError};
use crate::sqlite::open::File;
use crate::sqlite::shelf::{Shelf, shelf};
use crate::sqlite::store::{Store, failed};

/// Bytes that the file may grow to; then the oldest replies go.
const MOST_BYTES: i64 = 256 << 20;

/// Opens the file: a crash of the machine may cost the last replies, never the file.
pub(crate) fn prepared(connection: Connection, file: &File) -> Result<Connection> {
    let failed = |error| StoreError::sql(&file.path, error);
    connection.execute_batch("PRAGMA synchronous = NORMAL").map_err(failed)?;
    let page: i64 =
        connection.query_row("PRAGMA page_size", [], |row| row.get(0)).map_err(failed)?;
    let pages = MOST_BYTES / page.max(1);
    connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).map_err(failed)?;
    Ok(connection)
}

/// The table.
const SHELF: Shelf = shelf!("replies", "reply");

impl Store {
    /// Does something with the file of the cache; nothing for a store opened for reading.
    pub(crate) fn in_cache<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, PortResult<T>> {
        match self.writing() {
            Ok(writing) => writing.cache.call(work),
            Err(_) => futures::future::ready(Ok(T::default())).boxed(),
        }
    }
}

impl Cache for Store {
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<Option<Arc<CachedReply>>>> {
        let tenant = scope.tenant().clone();
        self.in_cache(move |connection| {
            let path = connection.path().unwrap_or_default().to_owned();
            let data = SHELF.get(connection, tenant.as_str(), key, now).map_err(failed(&path))?;
            // One that cannot be read, perhaps of another version, is none.
            Ok(data.and_then(|data| serde_json::from_str(&data).ok()).map(Arc::new))
        })
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        reply: Arc<CachedReply>,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<()>> {
        let tenant = scope.tenant().clone();
        self.in_cache(move |connection| {
            SHELF.put(connection, (tenant.as_str(), key, reply.expires), &reply, now)
        })
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, PortResult<u64>> {
        let tenant = scope.tenant().clone();
        self.in_cache(move |connection| {
            let path = connection.path().unwrap_or_default().to_owned();
            let gone = connection
                .execute("DELETE FROM replies WHERE tenant = ?1", [tenant.as_str()])
                .map_err(failed(&path))?;
            Ok(gone as u64)
        })
    }
}

impl PoolMemory for Store {
    fn load<'a>(
        &'a self,
        scope: &'a Scope,
        pool: &'a str,
    ) -> BoxFuture<'a, PortResult<Option<String>>> {
        let (tenant, pool) = (scope.tenant().clone(), pool.to_owned());
        self.in_cache(move |connection| {
            let path = connection.path().unwrap_or_default().to_owned();
            connection
                .prepare_cached("SELECT data FROM pools WHERE tenant = ?1 AND pool = ?2")
                .and_then(|mut select| {
                    select.query_row([tenant.as_str(), &pool], |row| row.get(0)).optional()
                })
                .map_err(failed(&path))
        })
    }

    fn save<'a>(
        &'a self,
        scope: &'a Scope,
        pool: &'a str,
        learned: String,
    ) -> BoxFuture<'a, PortResult<()>> {
        let (tenant, pool) = (scope.tenant().clone(), pool.to_owned());
        self.in_cache(move |connection| {
            let path = connection.path().unwrap_or_default().to_owned();
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO pools (tenant, pool, data) VALUES (?1, ?2, ?3)",
                )
                .and_then(|mut insert| insert.execute([tenant.as_str(), &pool, &learned]))
                .map_err(failed(&path))?;
            Ok(())
        })
    }
}
