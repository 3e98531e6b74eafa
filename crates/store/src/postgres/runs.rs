//! The run's line in lists.

use largestack_ports::journal::RunSummary;
use largestack_types::id::RunId;
use largestack_types::scope::TenantId;
use sqlx::PgConnection;

use crate::error::{Result, StoreError};
use crate::facts::integer;

fn read(data: &str) -> Result<RunSummary> {
    serde_json::from_str(data).map_err(|_| StoreError::Value { what: "run summary" })
}

/// A run's line.
pub(super) async fn one(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: RunId,
) -> Result<Option<RunSummary>> {
    let data: Option<String> =
        sqlx::query_scalar("SELECT data FROM runs WHERE tenant = $1 AND run = $2")
            .bind(tenant.as_str())
            .bind(run.as_bytes().as_slice())
            .fetch_optional(connection)
            .await?;
    data.as_deref().map(read).transpose()
}

/// Whether a run has ended. One that is not in the list yet has not.
pub(super) async fn is_over(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: RunId,
) -> Result<bool> {
    Ok(one(connection, tenant, run).await?.is_some_and(|summary| summary.status.is_final()))
}

/// Lines, newest run first.
pub(super) async fn newest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let limit = integer(u64::try_from(limit).unwrap_or(u64::MAX));
    let select = "SELECT data FROM runs WHERE tenant = $1 ORDER BY run DESC LIMIT $2";
    let rows: Vec<String> =
        sqlx::query_scalar(select).bind(tenant.as_str()).bind(limit).fetch_all(connection).await?;
    rows.iter().map(|data| read(data)).collect()
}
