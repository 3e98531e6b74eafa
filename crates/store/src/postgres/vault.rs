//! The token vault: values sealed with a data key for each run tree, which is itself sealed with
//! the master key. Deleting the data key is erasure.

use largestack_ports::BoxFuture;
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_types::errors::Result as PortResult;
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};
use sqlx::PgConnection;

use crate::error::{Result, StoreError};
use crate::keyfile;
use crate::place::Tree;
use crate::postgres::master;
use crate::postgres::server::{PostgresOptions, PostgresStore};
use crate::seal::Key;

/// The data key of a run tree, when it has one.
async fn data_key(
    connection: &mut PgConnection,
    tree: &Tree,
    options: &PostgresOptions,
) -> Result<Option<Key>> {
    let sealed: Option<(String, Vec<u8>)> =
        sqlx::query_as("SELECT key_id, sealed FROM vault_keys WHERE tenant = $1 AND root = $2")
            .bind(tree.tenant.as_str())
            .bind(tree.root.as_bytes().as_slice())
            .fetch_optional(connection)
            .await?;
    let Some((name, sealed)) = sealed else { return Ok(None) };
    let bytes = keyfile::named(&options.key_file, &name)?.open(&tree.place(""), &sealed)?;
    let bytes = bytes.try_into().map_err(|_| StoreError::Sealed)?;
    Ok(Some(Key::from_bytes(bytes)))
}

/// The data key of a run tree; made where it has none, by whoever is first.
async fn some_data_key(
    connection: &mut PgConnection,
    tree: &Tree,
    options: &PostgresOptions,
) -> Result<Key> {
    if let Some(key) = data_key(connection, tree, options).await? {
        return Ok(key);
    }
    let master = master::key(connection, &options.key_file, &*options.ids).await?;
    let key = Key::random(&*options.ids);
    let sealed = master.seal(&*options.ids, &tree.place(""), key.bytes())?;
    sqlx::query(
        "INSERT INTO vault_keys (tenant, root, key_id, sealed) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(tree.tenant.as_str())
    .bind(tree.root.as_bytes().as_slice())
    .bind(master.name())
    .bind(sealed)
    .execute(&mut *connection)
    .await?;
    data_key(connection, tree, options).await?.ok_or(StoreError::Sealed)
}

async fn put(
    connection: &mut PgConnection,
    tree: &Tree,
    pairs: &[(String, Sensitive)],
    options: &PostgresOptions,
) -> Result<()> {
    let key = some_data_key(connection, tree, options).await?;
    for (placeholder, value) in pairs {
        // Sealed, never written in clear.
        let value = value.expose().as_bytes();
        let sealed = key.seal(&*options.ids, &tree.place(placeholder), value)?;
        sqlx::query(
            "INSERT INTO vault_values (tenant, root, placeholder, sealed) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, root, placeholder) DO UPDATE SET sealed = EXCLUDED.sealed",
        )
        .bind(tree.tenant.as_str())
        .bind(tree.root.as_bytes().as_slice())
        .bind(placeholder)
        .bind(sealed)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn all(
    connection: &mut PgConnection,
    tree: &Tree,
    options: &PostgresOptions,
) -> Result<Vec<(String, Sensitive)>> {
    let Some(key) = data_key(connection, tree, options).await? else { return Ok(Vec::new()) };
    let sealed: Vec<(String, Vec<u8>)> = sqlx::query_as(
        "SELECT placeholder, sealed FROM vault_values WHERE tenant = $1 AND root = $2
         ORDER BY position",
    )
    .bind(tree.tenant.as_str())
    .bind(tree.root.as_bytes().as_slice())
    .fetch_all(connection)
    .await?;
    let opened = |(placeholder, sealed): (String, Vec<u8>)| {
        let value = key.open(&tree.place(&placeholder), &sealed)?;
        let value = String::from_utf8(value).map_err(|_| StoreError::Sealed)?;
        Ok((placeholder, Sensitive::new(value)))
    };
    sealed.into_iter().map(opened).collect()
}

/// Deletes the values of a run tree and their key.
pub(super) async fn remove(
    connection: &mut PgConnection,
    tenant: &TenantId,
    root: RunId,
) -> Result<()> {
    for delete in [
        "DELETE FROM vault_keys WHERE tenant = $1 AND root = $2",
        "DELETE FROM vault_values WHERE tenant = $1 AND root = $2",
    ] {
        sqlx::query(delete)
            .bind(tenant.as_str())
            .bind(root.as_bytes().as_slice())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl TokenVault for PostgresStore {
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        pairs: Vec<(String, Sensitive)>,
    ) -> BoxFuture<'a, PortResult<()>> {
        let tree = Tree::of(scope, root);
        self.inside(async move {
            let mut transaction = self.begin(&tree.tenant).await?;
            put(&mut transaction, &tree, &pairs, &self.options).await?;
            transaction.commit().await?;
            Ok(())
        })
    }

    fn all<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
    ) -> BoxFuture<'a, PortResult<Vec<(String, Sensitive)>>> {
        let tree = Tree::of(scope, root);
        self.inside(async move {
            let mut transaction = self.begin(&tree.tenant).await?;
            let pairs = all(&mut transaction, &tree, &self.options).await?;
            transaction.commit().await?;
            Ok(pairs)
        })
    }

    /// The rows are deleted. What the server itself keeps of them until it cleans up (old versions
    /// of rows, its log, backups) is beyond the store.
    fn erase<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, PortResult<()>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            remove(&mut transaction, scope.tenant(), root).await?;
            transaction.commit().await?;
            Ok(())
        })
    }
}
