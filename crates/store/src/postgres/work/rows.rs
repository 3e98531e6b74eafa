//! Jobs as rows: what is asked is sealed, everything else is read as it stands.

use std::sync::Arc;

use largestack_engine::event::CancelRequested;
use largestack_ports::ids::Ids;
use largestack_ports::queue::{Entry, Held, Job, Kind, State};
use largestack_types::errors::LargestackError;
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use crate::error::{Result, StoreError};
use crate::postgres::leases::owner_id;
use crate::seal::Key;

/// The columns of an entry.
macro_rules! entry_columns {
    () => {
        "run, kind, name, principal, state, priority, due, attempts, most_attempts, process, error,
         enqueued, updated"
    };
}
pub(super) use entry_columns;

/// Jobs of a tenant, in one state or in all, newest first.
pub(super) const ENTRY: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM work WHERE tenant = $1 AND ($2::text IS NULL OR state = $2)
     ORDER BY position DESC LIMIT $3"
);

const fn wrong() -> StoreError {
    StoreError::Value { what: "job" }
}

/// The key that what is asked is sealed with.
pub(super) fn key(master: &Key) -> Key {
    Key::from_bytes(*Hash::of_all([b"largestack work 1".as_slice(), master.bytes()]).as_bytes())
}

/// A value as JSON text.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|source| StoreError::Unwritable { what: "job", source })
}

/// A state by its name.
pub(super) fn state(name: &str) -> Result<State> {
    State::parse(name).ok_or_else(wrong)
}

fn run_id(bytes: &[u8]) -> Result<RunId> {
    let bytes = bytes.try_into().map_err(|_| wrong())?;
    Ok(RunId::from_u128(u128::from_be_bytes(bytes)))
}

/// What is asked.
#[derive(Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) input: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<Arc<str>>,
}

fn place(tenant: &TenantId, run: RunId, principal: &str) -> Hash {
    // A tenant's name has no such byte, and an id has a fixed length.
    let parts = [b"largestack work row 1 ".as_slice(), tenant.as_str().as_bytes(), b"\0"];
    Hash::of_all(parts.into_iter().chain([run.as_bytes().as_slice(), principal.as_bytes()]))
}

impl Asked {
    /// Seals it for its run, in the name of who asks.
    pub(super) fn seal(
        &self,
        key: &Key,
        ids: &dyn Ids,
        (scope, run): (&Scope, RunId),
    ) -> Result<Vec<u8>> {
        let place = place(scope.tenant(), run, scope.principal());
        key.seal(ids, &place, json(self)?.as_bytes())
    }
}

/// A job that was taken, as its row has it.
pub(super) struct Given {
    tenant: String,
    run: Vec<u8>,
    kind: String,
    name: String,
    principal: String,
    sealed: Option<Vec<u8>>,
    priority: i32,
    due: i64,
    attempts: i32,
    most_attempts: i32,
    wakes: i64,
    fence: Option<i64>,
    cancel: Option<String>,
}

impl FromRow<'_, PgRow> for Given {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            tenant: row.try_get("tenant")?,
            run: row.try_get("run")?,
            kind: row.try_get("kind")?,
            name: row.try_get("name")?,
            principal: row.try_get("principal")?,
            sealed: row.try_get("sealed")?,
            priority: row.try_get("priority")?,
            due: row.try_get("due")?,
            attempts: row.try_get("attempts")?,
            most_attempts: row.try_get("most_attempts")?,
            wakes: row.try_get("wakes")?,
            fence: row.try_get("fence")?,
            cancel: row.try_get("cancel")?,
        })
    }
}

fn count<T: TryInto<U>, U>(number: T) -> Result<U> {
    number.try_into().map_err(|_| wrong())
}

impl Given {
    /// Whose it is, and under which fence.
    pub(super) fn place(&self) -> Result<(TenantId, RunId, u64)> {
        let tenant = TenantId::new(&self.tenant).map_err(|_| wrong())?;
        Ok((tenant, run_id(&self.run)?, count(self.fence.ok_or_else(wrong)?)?))
    }

    /// What it is about.
    pub(super) fn open(self, key: &Key) -> Result<Held> {
        let (tenant, run, fence) = self.place()?;
        // A row that somebody moved to another principal does not open.
        let asked =
            key.open(&place(&tenant, run, &self.principal), &self.sealed.ok_or_else(wrong)?)?;
        let Asked { input, session } = serde_json::from_slice(&asked).map_err(|_| wrong())?;
        let cancel = self.cancel.as_deref().map(serde_json::from_str::<CancelRequested>);
        let job = Job {
            run: Some(run),
            kind: Kind::parse(&self.kind).ok_or_else(wrong)?,
            name: self.name.into(),
            input,
            session,
            priority: count(self.priority)?,
            not_before: Some(Timestamp::from_micros(self.due)),
            attempts: count(self.most_attempts)?,
        };
        Ok(Held {
            // Sealed by the process that had authenticated who asks.
            scope: Scope::authenticated(tenant, self.principal),
            run,
            job,
            attempt: count(self.attempts)?,
            fence,
            wakes: count(self.wakes)?,
            cancel: cancel.transpose().map_err(|_| wrong())?,
        })
    }
}

/// A job as people see it.
pub(super) fn entry(row: &PgRow) -> Result<Entry> {
    let text = |column: &str| -> Result<String> { Ok(row.try_get(column)?) };
    let moment =
        |column: &str| -> Result<Timestamp> { Ok(Timestamp::from_micros(row.try_get(column)?)) };
    let error: Option<String> = row.try_get("error")?;
    let error = error.as_deref().map(serde_json::from_str::<LargestackError>);
    let worker: Option<Vec<u8>> = row.try_get("process")?;
    Ok(Entry {
        run: run_id(&row.try_get::<Vec<u8>, _>("run")?)?,
        kind: Kind::parse(&text("kind")?).ok_or_else(wrong)?,
        name: text("name")?.into(),
        principal: text("principal")?.into(),
        state: state(&text("state")?)?,
        priority: count(row.try_get::<i32, _>("priority")?)?,
        due: moment("due")?,
        attempts: count(row.try_get::<i32, _>("attempts")?)?,
        most_attempts: count(row.try_get::<i32, _>("most_attempts")?)?,
        worker: worker.map(|worker| owner_id(&worker)).transpose()?,
        error: error.transpose().map_err(|_| wrong())?,
        enqueued: moment("enqueued")?,
        updated: moment("updated")?,
    })
}

/// Says that what a run waits for may have come; whether a job waits for it.
pub(in crate::postgres) async fn wake(
    connection: &mut PgConnection,
    (tenant, run): (&TenantId, RunId),
) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT wake_work($1, $2, work_now())")
        .bind(tenant.as_str())
        .bind(run.as_bytes().as_slice())
        .fetch_one(connection)
        .await?)
}
