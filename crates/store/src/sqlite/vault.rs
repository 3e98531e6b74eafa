//! The token vault: values sealed with a data key for each run tree, which is itself sealed with
//! the master key. Deleting the data key is erasure.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::ids::Ids;
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::error::{Result, StoreError};
use crate::keyfile::{self, KEY_FILE};
use crate::place::Tree;
use crate::seal::Key;
use crate::sqlite::store::{Store, failed};

fn sealed_key(connection: &Connection, tree: &Tree) -> Result<Option<(String, Vec<u8>)>> {
    connection
        .prepare_cached("SELECT key_id, sealed FROM vault_keys WHERE tenant = ?1 AND root = ?2")
        .and_then(|mut select| {
            let key = params![tree.tenant.as_str(), tree.root.as_bytes()];
            select.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(failed(&connection.path().unwrap_or_default()))
}

/// The data key of a run tree, when it has one.
fn data_key(connection: &Connection, tree: &Tree, file: &Path) -> Result<Option<Key>> {
    let Some((name, sealed)) = sealed_key(connection, tree)? else { return Ok(None) };
    let bytes = keyfile::named(file, &name)?.open(&tree.place(""), &sealed)?;
    let bytes = bytes.try_into().map_err(|_| StoreError::Sealed)?;
    Ok(Some(Key::from_bytes(bytes)))
}

fn exists(connection: &Connection, any: &str, of: &[&dyn ToSql]) -> Result<bool> {
    connection
        .query_row(&format!("SELECT {any}"), of, |row| row.get(0))
        .map_err(failed(&connection.path().unwrap_or_default()))
}

/// The key that a change has put in force and whose file has not taken the old one's place yet. In
/// a write transaction that change need not be committed.
pub(crate) fn changed_key(connection: &Connection, file: &Path) -> Result<Option<Key>> {
    let Some(next) = keyfile::read(&keyfile::next(file))? else { return Ok(None) };
    let in_force = "EXISTS (SELECT 1 FROM master_key WHERE key_id = ?1)";
    Ok(exists(connection, in_force, &[&next.name()])?.then_some(next))
}

/// Finishes a change of the master key after its commit. Never within a write transaction: the file
/// of the old key would be gone, and the change may still fail.
pub(crate) fn settle_key(connection: &Connection, file: &Path) -> Result<()> {
    if changed_key(connection, file)?.is_some() {
        keyfile::promote(file)?;
    }
    Ok(())
}

/// The master key; made only while nothing needs one that is gone. Within the write transaction.
pub(crate) fn master_key(connection: &Connection, file: &Path, ids: &dyn Ids) -> Result<Key> {
    if let Some(changed) = changed_key(connection, file)? {
        return Ok(changed);
    }
    let needed = "EXISTS (SELECT 1 FROM vault_keys) OR EXISTS (SELECT 1 FROM sessions)
        OR EXISTS (SELECT 1 FROM approvals)";
    match keyfile::read(file)? {
        Some(key) => Ok(key),
        None if exists(connection, needed, &[])? => Err(keyfile::gone(file)),
        None => keyfile::make(file, ids),
    }
}

/// What a data key of the vault is bound to.
pub(crate) fn key_place(tenant: TenantId, root: RunId) -> Hash {
    Tree { tenant, root }.place("")
}

/// Does something while deleted rows are overwritten with zeros, so that a key cannot be found in
/// free pages either.
pub(crate) fn overwriting<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let set = |on| connection.execute_batch(&format!("PRAGMA secure_delete = {on}"));
    let path = connection.path().unwrap_or_default();
    let wrong = failed(&path);
    set("ON").map_err(&wrong)?;
    let done = work();
    set("OFF").map_err(&wrong)?;
    done
}

fn make_data_key(connection: &Connection, tree: &Tree, file: &Path, ids: &dyn Ids) -> Result<Key> {
    let master = master_key(connection, file, ids)?;
    let key = Key::random(ids);
    let sealed = master.seal(ids, &tree.place(""), key.bytes())?;
    connection
        .prepare_cached(
            "INSERT INTO vault_keys (tenant, root, key_id, sealed) VALUES (?1, ?2, ?3, ?4)",
        )
        .and_then(|mut insert| {
            let row = params![tree.tenant.as_str(), tree.root.as_bytes(), master.name(), sealed];
            insert.execute(row)
        })
        .map_err(failed(&connection.path().unwrap_or_default()))?;
    Ok(key)
}

fn put(
    connection: &Connection,
    tree: &Tree,
    pairs: &[(String, Sensitive)],
    file: &Path,
    ids: &dyn Ids,
) -> Result<()> {
    let key = match data_key(connection, tree, file)? {
        Some(key) => key,
        None => make_data_key(connection, tree, file, ids)?,
    };
    let path = connection.path().unwrap_or_default().to_owned();
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO vault_values (tenant, root, placeholder, sealed) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, root, placeholder) DO UPDATE SET sealed = ?4",
        )
        .map_err(failed(&path))?;
    for (placeholder, value) in pairs {
        // Sealed, never written in clear.
        let sealed = key.seal(ids, &tree.place(placeholder), value.expose().as_bytes())?;
        insert
            .execute(params![tree.tenant.as_str(), tree.root.as_bytes(), placeholder, sealed])
            .map_err(failed(&path))?;
    }
    Ok(())
}

fn all(connection: &Connection, tree: &Tree, file: &Path) -> Result<Vec<(String, Sensitive)>> {
    let Some(key) = data_key(connection, tree, file)? else { return Ok(Vec::new()) };
    let path = connection.path().unwrap_or_default().to_owned();
    let sealed = connection
        .prepare_cached(
            "SELECT placeholder, sealed FROM vault_values WHERE tenant = ?1 AND root = ?2
             ORDER BY position",
        )
        .and_then(|mut select| {
            select
                .query_map(params![tree.tenant.as_str(), tree.root.as_bytes()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<rusqlite::Result<Vec<(String, Vec<u8>)>>>()
        })
        .map_err(failed(&path))?;
    sealed
        .into_iter()
        .map(|(placeholder, sealed)| {
            let value = key.open(&tree.place(&placeholder), &sealed)?;
            let value = String::from_utf8(value).map_err(|_| StoreError::Sealed)?;
            Ok((placeholder, Sensitive::new(value)))
        })
        .collect()
}

fn erase(connection: &Connection, tree: &Tree) -> Result<()> {
    overwriting(connection, || remove(connection, &tree.tenant, tree.root))
}

/// Deletes the values of a run tree and their key.
pub(crate) fn remove(connection: &Connection, tenant: &TenantId, root: RunId) -> Result<()> {
    let deleted = [
        "DELETE FROM vault_keys WHERE tenant = ?1 AND root = ?2",
        "DELETE FROM vault_values WHERE tenant = ?1 AND root = ?2",
    ]
    .into_iter()
    .try_for_each(|delete| {
        let tree = params![tenant.as_str(), root.as_bytes()];
        connection.prepare_cached(delete)?.execute(tree).map(|_| ())
    });
    deleted.map_err(failed(&connection.path().unwrap_or_default()))
}

impl Store {
    /// The file of the master key.
    pub(crate) fn key_file(&self) -> std::path::PathBuf {
        self.0.folder.join(KEY_FILE)
    }
}

impl TokenVault for Store {
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        pairs: Vec<(String, Sensitive)>,
    ) -> BoxFuture<'a, PortResult<()>> {
        let ids = match self.writing() {
            Ok(writing) => Arc::clone(&writing.options.ids),
            Err(error) => return futures::future::ready(Err(error.into())).boxed(),
        };
        let (tree, file) = (Tree::of(scope, root), self.key_file());
        self.write(move |connection| put(connection, &tree, &pairs, &file, &*ids))
    }

    fn all<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
    ) -> BoxFuture<'a, PortResult<Vec<(String, Sensitive)>>> {
        let (tree, file) = (Tree::of(scope, root), self.key_file());
        self.read_state(move |connection| all(connection, &tree, &file))
    }

    /// The database is overwritten where the key was. What the disk itself keeps of it (the log
    /// until it is next copied back, snapshots, backups) is beyond the store.
    fn erase<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, PortResult<()>> {
        let tree = Tree::of(scope, root);
        self.write(move |connection| erase(connection, &tree))
    }
}
