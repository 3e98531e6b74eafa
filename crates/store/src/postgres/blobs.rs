//! Bytes by hash.

use bytes::Bytes;
use largestack_ports::BoxFuture;
use largestack_ports::blobs::Blobs;
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::scope::{Scope, TenantId};
use sqlx::PgConnection;

use crate::error::Result;
use crate::postgres::server::PostgresStore;

/// The bytes with this hash.
pub(super) async fn get(
    connection: &mut PgConnection,
    tenant: &TenantId,
    hash: Hash,
) -> Result<Option<Bytes>> {
    let bytes: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT data FROM blobs WHERE tenant = $1 AND hash = $2")
            .bind(tenant.as_str())
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(connection)
            .await?;
    Ok(bytes.map(Bytes::from))
}

impl Blobs for PostgresStore {
    fn put<'a>(&'a self, scope: &'a Scope, bytes: Bytes) -> BoxFuture<'a, PortResult<Hash>> {
        self.inside(async move {
            let (tenant, hash) = (scope.tenant(), Hash::of(&bytes));
            let mut transaction = self.begin(tenant).await?;
            sqlx::query(
                "INSERT INTO blobs (tenant, hash, data) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(tenant.as_str())
            .bind(hash.as_bytes().as_slice())
            .bind(&bytes[..])
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(hash)
        })
    }

    fn get<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, PortResult<Option<Bytes>>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let bytes = get(&mut transaction, scope.tenant(), hash).await?;
            transaction.commit().await?;
            Ok(bytes)
        })
    }
}
