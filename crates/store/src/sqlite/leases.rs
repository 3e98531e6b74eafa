//! Who may append to a run: one living process at a time, with a fence that only rises.

use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::TenantId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Result, StoreError};
use crate::sqlite::owners::{Life, Process};
use crate::sqlite::queue::Claimed;
use crate::sqlite::rows::integer;
use crate::sqlite::store::failed;

struct Held {
    owner: OwnerId,
    process: OwnerId,
}

fn id(bytes: [u8; 16]) -> OwnerId {
    OwnerId::from_u128(u128::from_be_bytes(bytes))
}

fn held(connection: &Connection, tenant: &str, run: RunId) -> rusqlite::Result<Option<Held>> {
    connection
        .prepare_cached("SELECT owner, process FROM leases WHERE tenant = ?1 AND run = ?2")?
        .query_row(params![tenant, run.as_bytes()], |row| {
            Ok(Held { owner: id(row.get(0)?), process: id(row.get(1)?) })
        })
        .optional()
}

/// Takes a run that is new, this owner's already, or held by a process that is gone.
pub(crate) fn claim(
    connection: &Connection,
    tenant: &TenantId,
    run: RunId,
    owner: OwnerId,
    process: &Process,
) -> Result<Claimed> {
    let path = connection.path().unwrap_or_default().to_owned();
    let tenant = tenant.as_str();
    if let Some(held) = held(connection, tenant, run).map_err(failed(&path))? {
        let same = held.process == process.id && held.owner == owner;
        match process.life(held.process) {
            Life::Alive { pid } if !same => {
                return Err(StoreError::Held { run, owner: held.owner, pid });
            }
            Life::Alive { .. } | Life::Dead => {}
        }
    }
    take(connection, tenant, run, owner, process.id).map_err(failed(&path))
}

fn take(
    connection: &Connection,
    tenant: &str,
    run: RunId,
    owner: OwnerId,
    process: OwnerId,
) -> rusqlite::Result<Claimed> {
    let fence: i64 = connection
        .prepare_cached(
            "INSERT INTO fences (tenant, last) VALUES (?1, 1)
             ON CONFLICT (tenant) DO UPDATE SET last = last + 1 RETURNING last",
        )?
        .query_row([tenant], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO leases (tenant, run, owner, process, fence)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![tenant, run.as_bytes(), owner.as_bytes(), process.as_bytes(), fence])?;
    let seq: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM journal WHERE tenant = ?1 AND run = ?2")?
        .query_row(params![tenant, run.as_bytes()], |row| row.get(0))?;
    let number = |integer| u64::try_from(integer).unwrap_or(0);
    Ok(Claimed { fence: number(fence), seq: number(seq) })
}

/// Gives a run back, unless it was taken over since.
pub(crate) fn release(
    connection: &Connection,
    tenant: &TenantId,
    run: RunId,
    fence: u64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM leases WHERE tenant = ?1 AND run = ?2 AND fence = ?3")?
        .execute(params![tenant.as_str(), run.as_bytes(), integer(fence)])?;
    Ok(())
}
