//! Who may append to a run: one living process at a time, with a fence that only rises.
//!
//! A run that nobody knows yet is granted without a transaction: its lease row is written by the
//! next one, which also holds the run's first event. Until then no other process can know of the
//! run. A run that exists is taken in a transaction of its own.

use std::collections::HashMap;

use largestack_types::errors::Result as PortResult;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::{Scope, TenantId};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use crate::error::{Result, StoreError};
use crate::facts::Claimed;
use crate::sqlite::owners::{self, Life, Process};
use crate::sqlite::rows::integer;
use crate::sqlite::store::{Store, failed};

/// A claim on its way to the writer.
pub(crate) struct Claim {
    /// Whose run.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Who wants it.
    pub owner: OwnerId,
    /// Told how it went.
    pub answer: oneshot::Sender<PortResult<Claimed>>,
}

/// A run given back, on its way to the writer.
pub(crate) struct Release {
    /// Whose run.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The fence of the lease.
    pub fence: u64,
}

/// A lease whose row is not written yet.
struct Granted {
    tenant: TenantId,
    run: RunId,
    owner: OwnerId,
    fence: u64,
}

/// The leases of this process, as the writer hands them out.
pub(crate) struct Leases {
    process: Process,
    granted: Vec<Granted>,
    fences: HashMap<TenantId, u64>,
}

struct Held {
    owner: OwnerId,
    process: OwnerId,
}

fn id(bytes: [u8; 16]) -> OwnerId {
    OwnerId::from_u128(u128::from_be_bytes(bytes))
}

fn held(connection: &Connection, tenant: &TenantId, run: RunId) -> rusqlite::Result<Option<Held>> {
    connection
        .prepare_cached("SELECT owner, process FROM leases WHERE tenant = ?1 AND run = ?2")?
        .query_row(params![tenant.as_str(), run.as_bytes()], |row| {
            Ok(Held { owner: id(row.get(0)?), process: id(row.get(1)?) })
        })
        .optional()
}

fn last_event(connection: &Connection, tenant: &TenantId, run: RunId) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM journal WHERE tenant = ?1 AND run = ?2")?
        .query_row(params![tenant.as_str(), run.as_bytes()], |row| row.get(0))
        .map(|seq: i64| u64::try_from(seq).unwrap_or(0))
}

impl Leases {
    /// None yet.
    pub(crate) fn of(process: Process) -> Self {
        Self { process, granted: Vec::new(), fences: HashMap::new() }
    }

    /// What lease rows name this process.
    pub(crate) fn process(&self) -> OwnerId {
        self.process.id
    }

    fn next_fence(&mut self, connection: &Connection, tenant: &TenantId) -> rusqlite::Result<u64> {
        let written: Option<i64> = connection
            .prepare_cached("SELECT last FROM fences WHERE tenant = ?1")?
            .query_row([tenant.as_str()], |row| row.get(0))
            .optional()?;
        let written = written.map_or(0, |last| u64::try_from(last).unwrap_or(0));
        let given = self.fences.entry(tenant.clone()).or_default();
        *given = written.max(*given) + 1;
        Ok(*given)
    }

    /// Grants a run that nobody knows, without writing; `None` when it must be taken in a
    /// transaction.
    pub(crate) fn grant(
        &mut self,
        connection: &Connection,
        claim: &Claim,
    ) -> rusqlite::Result<Option<Claimed>> {
        let Claim { tenant, run, owner, .. } = claim;
        let granted = self.granted.iter().any(|g| g.run == *run && g.tenant == *tenant);
        if granted
            || last_event(connection, tenant, *run)? > 0
            || held(connection, tenant, *run)?.is_some()
        {
            return Ok(None);
        }
        let fence = self.next_fence(connection, tenant)?;
        self.granted.push(Granted { tenant: tenant.clone(), run: *run, owner: *owner, fence });
        Ok(Some(Claimed { fence, seq: 0 }))
    }

    /// Writes the rows of leases that were granted. Comes first in every transaction.
    pub(crate) fn write_granted(&mut self, connection: &Connection) -> Result<()> {
        let path = connection.path().unwrap_or_default().to_owned();
        for Granted { tenant, run, owner, fence } in std::mem::take(&mut self.granted) {
            if held(connection, &tenant, run).map_err(failed(&path))?.is_some() {
                return Err(StoreError::Lost { run });
            }
            self.write(connection, &tenant, run, owner, fence).map_err(failed(&path))?;
        }
        Ok(())
    }

    /// Takes a run that is free, this owner's already, or held by a process that is gone.
    pub(crate) fn take(&mut self, connection: &Connection, claim: &Claim) -> Result<Claimed> {
        let path = connection.path().unwrap_or_default().to_owned();
        let Claim { tenant, run, owner, .. } = claim;
        if let Some(held) = held(connection, tenant, *run).map_err(failed(&path))? {
            let same = held.process == self.process.id && held.owner == *owner;
            match self.process.life(held.process) {
                Life::Alive { pid } if !same => {
                    return Err(StoreError::Held { run: *run, owner: held.owner, pid });
                }
                Life::Alive { .. } | Life::Dead => {}
            }
        }
        let mut take = || {
            let fence = self.next_fence(connection, tenant)?;
            self.write(connection, tenant, *run, *owner, fence)?;
            Ok(Claimed { fence, seq: last_event(connection, tenant, *run)? })
        };
        take().map_err(failed(&path))
    }

    fn write(
        &self,
        connection: &Connection,
        tenant: &TenantId,
        run: RunId,
        owner: OwnerId,
        fence: u64,
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO fences (tenant, last) VALUES (?1, ?2)
                 ON CONFLICT (tenant) DO UPDATE SET last = max(last, ?2)",
            )?
            .execute(params![tenant.as_str(), integer(fence)])?;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO leases (tenant, run, owner, process, fence)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                tenant.as_str(),
                run.as_bytes(),
                owner.as_bytes(),
                self.process.id.as_bytes(),
                integer(fence)
            ])?;
        Ok(())
    }
}

impl Store {
    /// Whether a living process holds a run, and so may go on with it.
    pub async fn is_driven(&self, scope: &Scope, run: RunId) -> PortResult<bool> {
        let (tenant, owners) = (scope.tenant().clone(), self.folder().join("owners"));
        let look = move |connection: &Connection| {
            let path = connection.path().unwrap_or_default().to_owned();
            let held = held(connection, &tenant, run).map_err(failed(&path))?;
            Ok(held.is_some_and(|held| owners::lives(&owners, held.process)))
        };
        self.read_state(look).await
    }
}

/// Gives a run back, unless it was taken over since.
pub(crate) fn release(connection: &Connection, release: &Release) -> rusqlite::Result<()> {
    let Release { tenant, run, fence } = release;
    connection
        .prepare_cached("DELETE FROM leases WHERE tenant = ?1 AND run = ?2 AND fence = ?3")?
        .execute(params![tenant.as_str(), run.as_bytes(), integer(*fence)])?;
    Ok(())
}
