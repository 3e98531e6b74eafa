//! A table of values by key that may be lost, each with the time it expires.

use largestack_types::hash::Hash;
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, StoreError};
use crate::postgres::server::PostgresStore;

/// Expired values that one write clears away.
const SWEEP: i64 = 64;

/// The statements of one table.
pub(super) struct Shelf {
    /// What stands in it, for an error.
    pub(super) what: &'static str,
    pub(super) get: &'static str,
    pub(super) insert: &'static str,
    pub(super) sweep: &'static str,
}

/// The shelf of a table: statements are written out when the program is built.
macro_rules! shelf {
    ($table:literal, $what:literal) => {
        crate::postgres::shelf::Shelf {
            what: $what,
            get: concat!(
                "SELECT data FROM ",
                $table,
                " WHERE tenant = $1 AND key = $2 AND expires > $3"
            ),
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (tenant, key, expires, data) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant, key) DO UPDATE
                     SET expires = EXCLUDED.expires, data = EXCLUDED.data"
            ),
            sweep: concat!(
                "DELETE FROM ",
                $table,
                " WHERE tenant = $1 AND key IN (SELECT key FROM ",
                $table,
                " WHERE tenant = $1 AND expires <= $2 LIMIT $3 FOR UPDATE SKIP LOCKED)"
            ),
        }
    };
}
pub(super) use shelf;

impl Shelf {
    /// The value under a key, unless it has expired. One that cannot be read, perhaps of another
    /// version, is none.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        store: &PostgresStore,
        (tenant, key): (&TenantId, Hash),
        now: Timestamp,
    ) -> Result<Option<T>> {
        let mut transaction = store.begin(tenant).await?;
        let data: Option<String> = sqlx::query_scalar(self.get)
            .bind(tenant.as_str())
            .bind(key.as_bytes().as_slice())
            .bind(now.micros())
            .fetch_optional(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(data.and_then(|data| serde_json::from_str(&data).ok()))
    }

    /// Keeps a value until it expires.
    pub(super) async fn put<T: Serialize + Sync>(
        &self,
        store: &PostgresStore,
        (tenant, key, expires): (&TenantId, Hash, Timestamp),
        value: &T,
        now: Timestamp,
    ) -> Result<()> {
        let data =
            serde_json::to_string(value).map_err(|_| StoreError::Value { what: self.what })?;
        let mut transaction = store.begin(tenant).await?;
        sqlx::query(self.sweep)
            .bind(tenant.as_str())
            .bind(now.micros())
            .bind(SWEEP)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(self.insert)
            .bind(tenant.as_str())
            .bind(key.as_bytes().as_slice())
            .bind(expires.micros())
            .bind(data)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}
