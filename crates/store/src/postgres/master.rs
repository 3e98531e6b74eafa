//! The master key, which every process has a copy of in a file; the server knows its name alone, so
//! that nobody seals with another one.

use std::path::Path;

use largestack_ports::ids::Ids;
use sqlx::PgConnection;

use crate::error::Result;
use crate::keyfile;
use crate::seal::Key;

/// Held while the key is made.
const MAKING: i64 = 0x6c61_7267_6b65;

/// The key that values are sealed with; made only where none is in force. Within a transaction.
pub(super) async fn key(connection: &mut PgConnection, file: &Path, ids: &dyn Ids) -> Result<Key> {
    let name = if let Some(name) = in_force(connection).await? {
        name
    } else {
        let making = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MAKING);
        making.execute(&mut *connection).await?;
        enter(connection, file, ids).await?
    };
    match keyfile::read(file)? {
        Some(key) if key.name() == name => Ok(key),
        Some(_) => Err(keyfile::another(file)),
        None => Err(keyfile::gone(file)),
    }
}

async fn in_force(connection: &mut PgConnection) -> Result<Option<String>> {
    let name = sqlx::query_scalar("SELECT key_id FROM largestack_key");
    Ok(name.fetch_optional(connection).await?)
}

/// Enters the key of the file, or a new one, unless somebody was faster; the name of the one in force.
async fn enter(connection: &mut PgConnection, file: &Path, ids: &dyn Ids) -> Result<String> {
    if let Some(name) = in_force(connection).await? {
        return Ok(name);
    }
    let key = match keyfile::read(file)? {
        Some(key) => key,
        None => keyfile::make(file, ids)?,
    };
    let insert = sqlx::query("INSERT INTO largestack_key (key_id) VALUES ($1)");
    insert.bind(key.name()).execute(connection).await?;
    Ok(key.name())
}

/// The key of the file, for what was vouched for with it.
pub(super) fn existing(file: &Path) -> Result<Key> {
    keyfile::read(file)?.ok_or_else(|| keyfile::gone(file))
}
