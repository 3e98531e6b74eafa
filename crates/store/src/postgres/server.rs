//! The store in a server: one process's side of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use largestack_ports::clock::Clock;
use largestack_ports::ledger::LimitedScopes;
use largestack_types::errors::{LargestackError, Result as PortResult};
use largestack_types::id::OwnerId;
use largestack_types::scope::TenantId;
use sqlx::{PgPool, Postgres, Transaction};

use crate::error::{Result, StoreError};
use crate::postgres::connect;

/// Budgets and rate limits in a Postgres server. A process's reservations are its own for as long
/// as it has a connection; what it leaves behind is settled by whoever needs the money.
pub struct PostgresStore {
    pub(super) pool: PgPool,
    pub(super) owner: OwnerId,
    /// The number of the next reservation.
    pub(super) next: AtomicU64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limited: LimitedScopes,
    /// Tenants that this process has worked for: it looks after what others left of theirs.
    tenants: Mutex<BTreeSet<TenantId>>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.owner).finish()
    }
}

impl PostgresStore {
    /// Connects to a server (`postgres://user:password@host/database`) and makes the tables where
    /// there are none. `owner` must be new for every process. Called inside a tokio runtime.
    ///
    /// A server that is not on this machine has to prove who it is by its certificate, and the user
    /// must be one whom row-level security binds.
    pub async fn connect(url: &str, owner: OwnerId, clock: Arc<dyn Clock>) -> PortResult<Self> {
        let pool = connect::connect(url, owner).await.map_err(StoreError::from);
        let pool = pool.map_err(LargestackError::from)?;
        let (next, limited) = (AtomicU64::new(1), LimitedScopes::default());
        Ok(Self { pool, owner, next, clock, limited, tenants: Mutex::default() })
    }

    /// Ends the connections, and with them the sign of life: what is not settled is then settled
    /// by whoever needs the money.
    pub async fn close_connections(&self) {
        self.pool.close().await;
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeSet<TenantId>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenants that this process has worked for.
    pub(super) fn known_tenants(&self) -> Vec<TenantId> {
        self.tenants().iter().cloned().collect()
    }

    /// A transaction for a tenant.
    pub(super) async fn begin(&self, tenant: &TenantId) -> Result<Transaction<'static, Postgres>> {
        if !self.tenants().contains(tenant) {
            self.tenants().insert(tenant.clone());
        }
        connect::begin(&self.pool, tenant).await
    }
}
