//! Bytes by hash.

use bytes::Bytes;
use largestack_ports::BoxFuture;
use largestack_ports::blobs::Blobs;
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::store::{Store, failed};

/// Keeps bytes; a second time does nothing.
pub(crate) fn insert(
    connection: &Connection,
    tenant: &str,
    hash: Hash,
    bytes: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO blobs (tenant, hash, data) VALUES (?1, ?2, ?3)
             ON CONFLICT (tenant, hash) DO NOTHING",
        )?
        .execute(params![tenant, hash.as_bytes(), bytes])?;
    Ok(())
}

/// The bytes with this hash.
pub(crate) fn get(
    connection: &Connection,
    tenant: &str,
    hash: Hash,
) -> rusqlite::Result<Option<Bytes>> {
    connection
        .prepare_cached("SELECT data FROM blobs WHERE tenant = ?1 AND hash = ?2")?
        .query_row(params![tenant, hash.as_bytes()], |row| row.get::<_, Vec<u8>>(0))
        .optional()
        .map(|bytes| bytes.map(Bytes::from))
}

impl Blobs for Store {
    fn put<'a>(&'a self, scope: &'a Scope, bytes: Bytes) -> BoxFuture<'a, PortResult<Hash>> {
        let (tenant, path) = (scope.tenant().clone(), self.state_path());
        self.write(move |connection| {
            let hash = Hash::of(&bytes);
            insert(connection, tenant.as_str(), hash, &bytes).map_err(failed(&path))?;
            Ok(hash)
        })
    }

    fn get<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, PortResult<Option<Bytes>>> {
        let (tenant, path) = (scope.tenant().clone(), self.state_path());
        self.read_state(move |connection| {
            get(connection, tenant.as_str(), hash).map_err(failed(&path))
        })
    }
}
