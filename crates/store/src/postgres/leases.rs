//! Who may append to a run: one living process at a time, with a fence that only rises. A process
//! lives while it has a connection and says so often enough, by the clock of the server.

use std::time::Duration;

use largestack_types::errors::Result as PortResult;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::{Scope, TenantId};
use sqlx::PgConnection;

use crate::error::{Result, StoreError};
use crate::facts::Claimed;
use crate::postgres::connect;
use crate::postgres::server::PostgresStore;

/// An id out of its sixteen bytes.
pub(super) fn owner_id(bytes: &[u8]) -> Result<OwnerId> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Value { what: "owner" })?;
    Ok(OwnerId::from_u128(u128::from_be_bytes(bytes)))
}

/// Seconds, as the server's functions take an interval.
fn seconds(lasting: Duration) -> f64 {
    lasting.as_secs_f64()
}

/// Takes a run that is free, this owner's already, or held by a process that lives no longer.
pub(super) async fn claim(
    connection: &mut PgConnection,
    (tenant, run): (&TenantId, RunId),
    (owner, process): (OwnerId, OwnerId),
    lasting: Duration,
) -> Result<Claimed> {
    let (held_by, fence, last): (Option<Vec<u8>>, Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT held_by, fence, last FROM claim_run($1, $2, $3, $4, $5, make_interval(secs => $6))",
    )
    .bind(tenant.as_str())
    .bind(run.as_bytes().as_slice())
    .bind(owner.as_bytes().as_slice())
    .bind(process.as_bytes().as_slice())
    .bind(connect::life(process))
    .bind(seconds(lasting))
    .fetch_one(connection)
    .await?;
    if let Some(holder) = held_by {
        return Err(StoreError::Held { run, owner: owner_id(&holder)?, pid: None });
    }
    let number = |number: Option<i64>| {
        let number = number.and_then(|number| u64::try_from(number).ok());
        number.ok_or(StoreError::Value { what: "lease" })
    };
    Ok(Claimed { fence: number(fence)?, seq: number(last)? })
}

/// Says for tenants that the process lives.
pub(super) async fn renew(
    connection: &mut PgConnection,
    tenants: &[String],
    process: OwnerId,
    lasting: Duration,
) -> Result<()> {
    sqlx::query("SELECT renew_process($1, $2, $3, make_interval(secs => $4))")
        .bind(tenants)
        .bind(process.as_bytes().as_slice())
        .bind(connect::life(process))
        .bind(seconds(lasting))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes the process out of what lives.
pub(super) async fn leave(
    connection: &mut PgConnection,
    tenants: &[String],
    process: OwnerId,
) -> Result<()> {
    sqlx::query("SELECT leave_process($1, $2)")
        .bind(tenants)
        .bind(process.as_bytes().as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether a run is held by a process that lives.
pub(super) async fn is_held(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: RunId,
) -> Result<bool> {
    let held: Option<bool> = sqlx::query_scalar(
        "SELECT process_lives(l.tenant, l.process) FROM leases AS l
         WHERE l.tenant = $1 AND l.run = $2",
    )
    .bind(tenant.as_str())
    .bind(run.as_bytes().as_slice())
    .fetch_optional(connection)
    .await?;
    Ok(held.unwrap_or(false))
}

impl PostgresStore {
    /// Whether a living process holds a run, and so may go on with it.
    pub async fn is_driven(&self, scope: &Scope, run: RunId) -> PortResult<bool> {
        let look = self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let held = is_held(&mut transaction, scope.tenant(), run).await?;
            transaction.rollback().await?;
            Ok(held)
        });
        look.await
    }
}
