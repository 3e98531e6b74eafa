//! The rows of sessions and of what was said in them.

use std::time::Duration;

use largestack_ports::sessions::Session;
use largestack_types::id::{OwnerId, RunId, SessionId};
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use crate::error::{Result, StoreError};
use crate::place::Place;
use crate::talk::{Said, Sealed};

/// A session as it is kept.
pub(super) struct Found {
    pub session: Session,
    pub holder: Option<RunId>,
    /// The name of the master key, and the session's key sealed by it.
    pub key: (String, Vec<u8>),
    pub digest: Option<Vec<u8>>,
}

pub(super) fn failed(connection: &Connection) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
    |error| StoreError::sql(connection.path().unwrap_or_default().as_ref(), error)
}

/// Executes a statement about one session, whose first three words are its key; how many rows it
/// changed.
fn change(
    connection: &Connection,
    statement: &str,
    place: &Place,
    rest: &[&dyn ToSql],
) -> rusqlite::Result<usize> {
    let (tenant, session) = (place.tenant.as_str(), place.session.as_bytes());
    let key: [&dyn ToSql; 3] = [&tenant, &&*place.principal, &session];
    let all: Vec<&dyn ToSql> = key.into_iter().chain(rest.iter().copied()).collect();
    connection.prepare_cached(statement)?.execute(&*all)
}

const SESSION: &str = "s.session, s.name, s.created, s.updated, s.ttl,
    (SELECT count(*) FROM exchanges AS e
     WHERE e.tenant = s.tenant AND e.principal = s.principal AND e.session = s.session)";

fn read(row: &Row<'_>) -> rusqlite::Result<Session> {
    let name: Option<String> = row.get(1)?;
    let ttl: Option<i64> = row.get(4)?;
    let count: i64 = row.get(5)?;
    Ok(Session {
        id: session_id(row.get(0)?),
        name: name.map(Into::into),
        created: Timestamp::from_micros(row.get(2)?),
        updated: Timestamp::from_micros(row.get(3)?),
        ttl: ttl.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))),
        exchanges: u64::try_from(count).unwrap_or(0),
    })
}

fn session_id(bytes: [u8; 16]) -> SessionId {
    SessionId::from_u128(u128::from_be_bytes(bytes))
}

fn run_id(bytes: [u8; 16]) -> RunId {
    RunId::from_u128(u128::from_be_bytes(bytes))
}

/// The sessions of a tenant whose time is over, each with the run that took it last.
pub(super) fn over(
    connection: &Connection,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Vec<(Place, Option<RunId>)>> {
    let select =
        "SELECT principal, session, holder FROM sessions WHERE tenant = ?1 AND expires <= ?2";
    let rows = connection.prepare_cached(select).and_then(|mut select| {
        let rows = select.query_map(params![tenant.as_str(), now.micros()], |row| {
            let principal: String = row.get(0)?;
            let session = session_id(row.get(1)?);
            let holder: Option<[u8; 16]> = row.get(2)?;
            let place = Place { tenant: tenant.clone(), principal: principal.into(), session };
            Ok((place, holder.map(run_id)))
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    rows.map_err(failed(connection))
}

/// Inserts a session; whether there was none.
pub(super) fn insert(
    connection: &Connection,
    place: &Place,
    session: &Session,
    (key_id, sealed): (&str, &[u8]),
) -> Result<bool> {
    let ttl = session.ttl.map(|ttl| i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX / 2));
    let insert = "INSERT INTO sessions
            (tenant, principal, session, name, created, updated, ttl, key_id, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
    let (created, updated) = (session.created.micros(), session.updated.micros());
    let rest: [&dyn ToSql; 6] =
        [&session.name.as_deref(), &created, &updated, &ttl, &key_id, &sealed];
    Ok(change(connection, insert, place, &rest).map_err(failed(connection))? == 1)
}

/// A session.
pub(super) fn find(connection: &Connection, place: &Place) -> Result<Option<Found>> {
    let select = format!(
        "SELECT {SESSION}, s.holder, s.key_id, s.sealed, s.digest FROM sessions AS s
         WHERE s.tenant = ?1 AND s.principal = ?2 AND s.session = ?3"
    );
    let found = connection.prepare_cached(&select).and_then(|mut select| {
        let key = params![place.tenant.as_str(), &*place.principal, place.session.as_bytes()];
        let read = |row: &Row<'_>| {
            let holder: Option<[u8; 16]> = row.get(6)?;
            let (holder, key) = (holder.map(run_id), (row.get(7)?, row.get(8)?));
            Ok(Found { session: read(row)?, holder, key, digest: row.get(9)? })
        };
        select.query_row(key, read).optional()
    });
    found.map_err(failed(connection))
}

/// The process that holds a run; `None` where nobody does.
pub(super) fn process_of(
    connection: &Connection,
    tenant: &TenantId,
    run: RunId,
) -> Result<Option<OwnerId>> {
    let select = "SELECT process FROM leases WHERE tenant = ?1 AND run = ?2";
    let process = connection.prepare_cached(select).and_then(|mut select| {
        let key = params![tenant.as_str(), run.as_bytes()];
        select.query_row(key, |row| row.get(0)).optional()
    });
    let process: Option<[u8; 16]> = process.map_err(failed(connection))?;
    Ok(process.map(|bytes| OwnerId::from_u128(u128::from_be_bytes(bytes))))
}

/// Notes which run speaks in a session from now on.
pub(super) fn take(
    connection: &Connection,
    place: &Place,
    run: RunId,
    now: Timestamp,
) -> Result<()> {
    let update = "UPDATE sessions SET holder = ?4, updated = max(updated, ?5)
         WHERE tenant = ?1 AND principal = ?2 AND session = ?3";
    let rest: [&dyn ToSql; 2] = [&run.as_bytes(), &now.micros()];
    change(connection, update, place, &rest).map(drop).map_err(failed(connection))
}

/// The newest sessions of a user.
pub(super) fn list(
    connection: &Connection,
    (tenant, principal): (&TenantId, &str),
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Session>> {
    let select = format!(
        "SELECT {SESSION} FROM sessions AS s WHERE s.tenant = ?1 AND s.principal = ?2
             AND (s.expires IS NULL OR s.expires > ?3)
         ORDER BY s.updated DESC, s.session DESC LIMIT ?4"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = connection.prepare_cached(&select).and_then(|mut select| {
        let key = params![tenant.as_str(), principal, now.micros(), limit];
        select.query_map(key, read)?.collect::<rusqlite::Result<Vec<_>>>()
    });
    rows.map_err(failed(connection))
}

/// What was said in a session, in the order in which it was written.
pub(super) fn exchanges(connection: &Connection, place: &Place) -> Result<Vec<Sealed>> {
    let select = "SELECT run, at, sealed FROM exchanges
         WHERE tenant = ?1 AND principal = ?2 AND session = ?3 ORDER BY position";
    let rows = connection.prepare_cached(select).and_then(|mut select| {
        let key = params![place.tenant.as_str(), &*place.principal, place.session.as_bytes()];
        let rows = select.query_map(key, |row| {
            let at = Timestamp::from_micros(row.get(1)?);
            Ok(Sealed { run: run_id(row.get(0)?), at, text: row.get(2)? })
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    rows.map_err(failed(connection))
}

/// Deletes a session; whether there was one.
pub(super) fn delete(connection: &Connection, place: &Place) -> Result<bool> {
    let mut deleted = 0;
    for table in ["exchanges", "sessions"] {
        let delete =
            format!("DELETE FROM {table} WHERE tenant = ?1 AND principal = ?2 AND session = ?3");
        deleted = change(connection, &delete, place, &[]).map_err(failed(connection))?;
    }
    Ok(deleted == 1)
}

/// Writes an exchange.
pub(super) fn add(connection: &Connection, place: &Place, said: &Sealed) -> rusqlite::Result<()> {
    let insert = "INSERT OR REPLACE INTO exchanges (tenant, principal, session, run, at, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let rest: [&dyn ToSql; 3] = [&said.run.as_bytes(), &said.at.micros(), &said.text];
    change(connection, insert, place, &rest).map(drop)
}

/// Writes the summary of the older exchanges.
pub(super) fn set_digest(
    connection: &Connection,
    place: &Place,
    sealed: &[u8],
) -> rusqlite::Result<()> {
    let update = "UPDATE sessions SET digest = ?4
         WHERE tenant = ?1 AND principal = ?2 AND session = ?3";
    change(connection, update, place, &[&sealed]).map(drop)
}

/// Writes what a run leaves, with the batch it came in. Of a session that is gone, nothing; nor of
/// one that was made since under the same name, whose key is another.
pub(crate) fn remember(connection: &Connection, said: &Said) -> rusqlite::Result<()> {
    let Said { place, holder, exchange, digest } = said;
    let at = exchange.as_ref().map(|said| said.at.micros());
    let update = "UPDATE sessions SET updated = max(updated, coalesce(?5, updated))
         WHERE tenant = ?1 AND principal = ?2 AND session = ?3 AND holder = ?4";
    if change(connection, update, place, &[&holder.as_bytes(), &at])? == 0 {
        return Ok(());
    }
    if let Some(said) = exchange {
        add(connection, place, said)?;
    }
    if let Some(digest) = digest {
        set_digest(connection, place, digest)?;
    }
    Ok(())
}
