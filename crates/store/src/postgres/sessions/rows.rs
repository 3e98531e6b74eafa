//! The rows of sessions and of what was said in them.

use std::time::Duration;

use largestack_ports::sessions::Session;
use largestack_types::id::{RunId, SessionId};
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _};

use crate::error::{Result, StoreError};
use crate::facts::integer;
use crate::place::Place;
use crate::talk::{Said, Sealed};

/// A session as it is kept.
pub(super) struct Found {
    pub(super) session: Session,
    pub(super) holder: Option<RunId>,
    /// The name of the master key, and the session's key sealed by it.
    pub(super) key: (String, Vec<u8>),
    pub(super) digest: Option<Vec<u8>>,
}

/// A statement about one session, whose first three words are its key.
fn about<'q>(statement: &'static str, place: &'q Place) -> Query<'q, Postgres, PgArguments> {
    bound(sqlx::query(statement), place)
}

fn bound<'q>(
    query: Query<'q, Postgres, PgArguments>,
    place: &'q Place,
) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(place.tenant.as_str())
        .bind(&*place.principal)
        .bind(place.session.as_bytes().as_slice())
}

const SESSION: &str = "s.session, s.name, s.created, s.updated, s.ttl,
    (SELECT count(*) FROM exchanges AS e
     WHERE e.tenant = s.tenant AND e.principal = s.principal AND e.session = s.session) AS said";

fn id(bytes: &[u8]) -> Result<u128> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Value { what: "session" })?;
    Ok(u128::from_be_bytes(bytes))
}

fn session_id(row: &PgRow) -> Result<SessionId> {
    Ok(SessionId::from_u128(id(row.try_get("session")?)?))
}

fn holder(row: &PgRow) -> Result<Option<RunId>> {
    let holder: Option<Vec<u8>> = row.try_get("holder")?;
    holder.map(|run| id(&run).map(RunId::from_u128)).transpose()
}

fn read(row: &PgRow) -> Result<Session> {
    let name: Option<String> = row.try_get("name")?;
    let ttl: Option<i64> = row.try_get("ttl")?;
    let count: i64 = row.try_get("said")?;
    Ok(Session {
        id: session_id(row)?,
        name: name.map(Into::into),
        created: Timestamp::from_micros(row.try_get("created")?),
        updated: Timestamp::from_micros(row.try_get("updated")?),
        ttl: ttl.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))),
        exchanges: u64::try_from(count).unwrap_or(0),
    })
}

/// The sessions of a tenant whose time is over, each with the run that took it last.
pub(super) async fn over(
    connection: &mut PgConnection,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Vec<(Place, Option<RunId>)>> {
    let rows = sqlx::query(
        "SELECT principal, session, holder FROM sessions
         WHERE tenant = $1 AND ttl IS NOT NULL AND updated + ttl <= $2
         ORDER BY principal, session FOR UPDATE SKIP LOCKED",
    )
    .bind(tenant.as_str())
    .bind(now.micros())
    .fetch_all(connection)
    .await?;
    let place = |row: &PgRow| {
        let (principal, session): (String, _) = (row.try_get("principal")?, session_id(row)?);
        let place = Place { tenant: tenant.clone(), principal: principal.into(), session };
        Ok((place, holder(row)?))
    };
    rows.iter().map(place).collect()
}

/// Inserts a session; whether there was none.
pub(super) async fn insert(
    connection: &mut PgConnection,
    place: &Place,
    session: &Session,
    (key_id, sealed): (&str, &[u8]),
) -> Result<bool> {
    let longest = i64::MAX / 2;
    let ttl = session.ttl.map(|ttl| i64::try_from(ttl.as_micros()).unwrap_or(longest).min(longest));
    let insert = "INSERT INTO sessions
            (tenant, principal, session, name, created, updated, ttl, key_id, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let done = about(insert, place)
        .bind(session.name.as_deref())
        .bind(session.created.micros())
        .bind(session.updated.micros())
        .bind(ttl)
        .bind(key_id)
        .bind(sealed)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// A session; `locked` until the end of the transaction, for whoever wants to hold it.
pub(super) async fn find(
    connection: &mut PgConnection,
    place: &Place,
    locked: bool,
) -> Result<Option<Found>> {
    let select = format!(
        "SELECT {SESSION}, s.holder, s.key_id, s.sealed, s.digest FROM sessions AS s
         WHERE s.tenant = $1 AND s.principal = $2 AND s.session = $3 {}",
        if locked { "FOR UPDATE OF s" } else { "" }
    );
    let query = sqlx::query(AssertSqlSafe(select));
    let row = bound(query, place).fetch_optional(connection).await?;
    let found = |row: &PgRow| {
        Ok(Found {
            session: read(row)?,
            holder: holder(row)?,
            key: (row.try_get("key_id")?, row.try_get("sealed")?),
            digest: row.try_get("digest")?,
        })
    };
    row.as_ref().map(found).transpose()
}

/// Notes which run speaks in a session from now on.
pub(super) async fn take(
    connection: &mut PgConnection,
    place: &Place,
    run: RunId,
    now: Timestamp,
) -> Result<()> {
    let update = "UPDATE sessions SET holder = $4, updated = greatest(updated, $5)
         WHERE tenant = $1 AND principal = $2 AND session = $3";
    about(update, place)
        .bind(run.as_bytes().as_slice())
        .bind(now.micros())
        .execute(connection)
        .await?;
    Ok(())
}

/// The newest sessions of a user.
pub(super) async fn list(
    connection: &mut PgConnection,
    (tenant, principal): (&TenantId, &str),
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Session>> {
    let select = format!(
        "SELECT {SESSION} FROM sessions AS s WHERE s.tenant = $1 AND s.principal = $2
             AND (s.ttl IS NULL OR s.updated + s.ttl > $3)
         ORDER BY s.updated DESC, s.session DESC LIMIT $4"
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .bind(tenant.as_str())
        .bind(principal)
        .bind(now.micros())
        .bind(integer(u64::try_from(limit).unwrap_or(u64::MAX)))
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// What was said in a session, in the order in which it was written.
pub(super) async fn exchanges(connection: &mut PgConnection, place: &Place) -> Result<Vec<Sealed>> {
    let select = "SELECT run, at, sealed FROM exchanges
         WHERE tenant = $1 AND principal = $2 AND session = $3 ORDER BY position";
    let rows = about(select, place).fetch_all(connection).await?;
    let sealed = |row: &PgRow| {
        let at = Timestamp::from_micros(row.try_get("at")?);
        let run = RunId::from_u128(id(row.try_get("run")?)?);
        Ok(Sealed { run, at, text: row.try_get("sealed")? })
    };
    rows.iter().map(sealed).collect()
}

/// Deletes a session; whether there was one.
pub(super) async fn delete(connection: &mut PgConnection, place: &Place) -> Result<bool> {
    let mut deleted = 0;
    // The session first: whoever is about to write in it holds its row, or finds it gone.
    for delete in [
        "DELETE FROM sessions WHERE tenant = $1 AND principal = $2 AND session = $3",
        "DELETE FROM exchanges WHERE tenant = $1 AND principal = $2 AND session = $3",
    ] {
        let done = about(delete, place).execute(&mut *connection).await?;
        if delete.contains("sessions") {
            deleted = done.rows_affected();
        }
    }
    Ok(deleted == 1)
}

/// Writes an exchange; what the same run said before goes.
pub(super) async fn add(connection: &mut PgConnection, place: &Place, said: &Sealed) -> Result<()> {
    let delete = "DELETE FROM exchanges
         WHERE tenant = $1 AND principal = $2 AND session = $3 AND run = $4";
    about(delete, place).bind(said.run.as_bytes().as_slice()).execute(&mut *connection).await?;
    let insert = "INSERT INTO exchanges (tenant, principal, session, run, at, sealed)
         VALUES ($1, $2, $3, $4, $5, $6)";
    about(insert, place)
        .bind(said.run.as_bytes().as_slice())
        .bind(said.at.micros())
        .bind(&said.text)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes the summary of the older exchanges.
pub(super) async fn set_digest(
    connection: &mut PgConnection,
    place: &Place,
    sealed: &[u8],
) -> Result<()> {
    let update = "UPDATE sessions SET digest = $4
         WHERE tenant = $1 AND principal = $2 AND session = $3";
    about(update, place).bind(sealed).execute(connection).await?;
    Ok(())
}

/// Writes what a run leaves, with the batch it came in. Of a session that is gone, nothing; nor of
/// one that was made since under the same name, whose key is another.
pub(in crate::postgres) async fn remember(
    connection: &mut PgConnection,
    said: &Said,
) -> Result<()> {
    let Said { place, holder, exchange, digest } = said;
    let at = exchange.as_ref().map(|said| said.at.micros());
    let update = "UPDATE sessions SET updated = greatest(updated, $5)
         WHERE tenant = $1 AND principal = $2 AND session = $3 AND holder = $4";
    let held =
        about(update, place).bind(holder.as_bytes().as_slice()).bind(at).execute(&mut *connection);
    if held.await?.rows_affected() == 0 {
        return Ok(());
    }
    if let Some(said) = exchange {
        add(connection, place, said).await?;
    }
    if let Some(digest) = digest {
        set_digest(connection, place, digest).await?;
    }
    Ok(())
}
