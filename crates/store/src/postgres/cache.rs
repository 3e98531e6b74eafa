//! Kept replies, and what pools have learned: whatever is lost is asked or learned again.

use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::cache::{Cache, CachedReply};
use largestack_ports::pools::PoolMemory;
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::postgres::server::PostgresStore;
use crate::postgres::shelf::{Shelf, shelf};

/// The table.
const SHELF: Shelf = shelf!("replies", "reply");

impl Cache for PostgresStore {
    fn get<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<Option<Arc<CachedReply>>>> {
        self.inside(
            async move { Ok(SHELF.get(self, (scope.tenant(), key), now).await?.map(Arc::new)) },
        )
    }

    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        key: Hash,
        reply: Arc<CachedReply>,
        now: Timestamp,
    ) -> BoxFuture<'a, PortResult<()>> {
        self.inside(async move {
            SHELF.put(self, (scope.tenant(), key, reply.expires), &*reply, now).await
        })
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, PortResult<u64>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let gone = sqlx::query("DELETE FROM replies WHERE tenant = $1")
                .bind(scope.tenant().as_str())
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(gone.rows_affected())
        })
    }
}

impl PoolMemory for PostgresStore {
    fn load<'a>(
        &'a self,
        scope: &'a Scope,
        pool: &'a str,
    ) -> BoxFuture<'a, PortResult<Option<String>>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let learned =
                sqlx::query_scalar("SELECT data FROM pools WHERE tenant = $1 AND pool = $2")
                    .bind(scope.tenant().as_str())
                    .bind(pool)
                    .fetch_optional(&mut *transaction)
                    .await?;
            transaction.commit().await?;
            Ok(learned)
        })
    }

    fn save<'a>(
        &'a self,
        scope: &'a Scope,
        pool: &'a str,
        learned: String,
    ) -> BoxFuture<'a, PortResult<()>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            sqlx::query(
                "INSERT INTO pools (tenant, pool, data) VALUES ($1, $2, $3)
                 ON CONFLICT (tenant, pool) DO UPDATE SET data = EXCLUDED.data",
            )
            .bind(scope.tenant().as_str())
            .bind(pool)
            .bind(learned)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
    }
}
