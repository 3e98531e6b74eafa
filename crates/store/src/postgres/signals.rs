//! Events from outside, kept until the runs that they are for have heard them and are removed. Of a tree
//! of runs one is sent or taken after the other, so that room is exact and an event is heard once.

use largestack_ports::BoxFuture;
use largestack_ports::signals::{
    Kept, MOST_REMEMBERED, MOST_UNHEARD, Sent, Signal, Signals, Waiting, full,
};
use largestack_types::errors::Result as PortResult;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use crate::error::{Result, StoreError};
use crate::facts::integer;
use crate::inbox::{self, Row};
use crate::postgres::master;
use crate::postgres::server::PostgresStore;

macro_rules! columns {
    () => {
        "position, id, name, received, sealed, heard_run, heard_effect"
    };
}

const HEARD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM signals WHERE tenant = $1 AND root = $2 AND heard_run = $3 AND heard_effect = $4"
);
const FREE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM signals WHERE tenant = $1 AND root = $2 AND name = $3 AND received <= $4
        AND heard_run IS NULL ORDER BY position LIMIT 1"
);
const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM signals WHERE tenant = $1 AND root = $2 ORDER BY position"
);

impl FromRow<'_, PgRow> for Row {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            position: row.try_get("position")?,
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            received: row.try_get("received")?,
            sealed: row.try_get("sealed")?,
            heard_run: row.try_get("heard_run")?,
            heard_effect: row.try_get("heard_effect")?,
        })
    }
}

/// Held until the end of the transaction.
async fn lock(connection: &mut PgConnection, (tenant, root): (&str, RunId)) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("largestack signals of {tenant} {root}"))
        .execute(connection)
        .await?;
    Ok(())
}

async fn send(
    connection: &mut PgConnection,
    (tenant, root): (&str, RunId),
    signal: &Signal,
    store: &PostgresStore,
) -> Result<Sent> {
    lock(connection, (tenant, root)).await?;
    let (all, unheard, same, now): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) - count(heard_run), count(*) FILTER (WHERE id = $3), work_now()
         FROM signals WHERE tenant = $1 AND root = $2",
    )
    .bind(tenant)
    .bind(root.as_bytes().as_slice())
    .bind(&*signal.id)
    .fetch_one(&mut *connection)
    .await?;
    if same > 0 {
        return Ok(Sent::Known);
    }
    if unheard >= integer(MOST_UNHEARD as u64) {
        return Err(full(root, false).into());
    }
    if all >= integer(MOST_REMEMBERED as u64) {
        return Err(full(root, true).into());
    }
    let (file, ids) = (&store.options.key_file, &*store.options.ids);
    let key = inbox::key(&master::key(connection, file, ids).await?);
    let received = Timestamp::from_micros(now);
    let sealed = inbox::seal((&key, ids), (tenant, root), signal, received)?;
    sqlx::query(
        "INSERT INTO signals (tenant, root, id, name, received, sealed)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tenant)
    .bind(root.as_bytes().as_slice())
    .bind(&*signal.id)
    .bind(&*signal.name)
    .bind(now)
    .bind(sealed)
    .execute(connection)
    .await?;
    Ok(Sent::Kept)
}

/// Removes events that came before a moment and whose run neither is there nor will be: one that was
/// cancelled or given up before it had begun.
pub(super) async fn sweep(
    connection: &mut PgConnection,
    tenant: &str,
    before: Option<Timestamp>,
) -> Result<()> {
    sqlx::query(
        "DELETE FROM signals AS s WHERE s.tenant = $1 AND s.received < $2
             AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.tenant = s.tenant AND r.run = s.root)
             AND NOT EXISTS (SELECT 1 FROM work AS w WHERE w.tenant = s.tenant AND w.run = s.root
                 AND w.state NOT IN ('done', 'cancelled'))",
    )
    .bind(tenant)
    .bind(before.map_or(i64::MAX, Timestamp::micros))
    .execute(connection)
    .await?;
    Ok(())
}

async fn take(
    connection: &mut PgConnection,
    tenant: &str,
    waiting: Waiting<'_>,
    store: &PostgresStore,
) -> Result<Option<Kept>> {
    let Waiting { root, by, name, until } = waiting;
    lock(connection, (tenant, root)).await?;
    let heard: Option<Row> = sqlx::query_as(HEARD)
        .bind(tenant)
        .bind(root.as_bytes().as_slice())
        .bind(by.0.as_bytes().as_slice())
        .bind(i64::from(by.1.ordinal()))
        .fetch_optional(&mut *connection)
        .await?;
    let known = heard.is_some();
    let found = match heard {
        Some(again) => Some(again),
        None => {
            sqlx::query_as(FREE)
                .bind(tenant)
                .bind(root.as_bytes().as_slice())
                .bind(name)
                .bind(until.map_or(i64::MAX, Timestamp::micros))
                .fetch_optional(&mut *connection)
                .await?
        }
    };
    let Some(row) = found else { return Ok(None) };
    let position = row.position;
    let key = inbox::key(&master::existing(&store.options.key_file)?);
    let kept = row.open(&key, tenant, root)?;
    if !known {
        sqlx::query(
            "UPDATE signals SET heard_run = $3, heard_effect = $4
             WHERE tenant = $1 AND position = $2",
        )
        .bind(tenant)
        .bind(position)
        .bind(by.0.as_bytes().as_slice())
        .bind(i64::from(by.1.ordinal()))
        .execute(connection)
        .await?;
    }
    Ok(Some(Kept { heard_by: Some(by), ..kept }))
}

impl Signals for PostgresStore {
    fn send<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        signal: Signal,
    ) -> BoxFuture<'a, PortResult<Sent>> {
        self.inside(async move {
            signal.check().map_err(StoreError::from)?;
            let mut transaction = self.begin(scope.tenant()).await?;
            let of = (scope.tenant().as_str(), root);
            let sent = send(&mut transaction, of, &signal, self).await?;
            transaction.commit().await?;
            Ok(sent)
        })
    }

    fn take<'a>(
        &'a self,
        scope: &'a Scope,
        waiting: Waiting<'a>,
    ) -> BoxFuture<'a, PortResult<Option<Kept>>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let taken = take(&mut transaction, scope.tenant().as_str(), waiting, self).await?;
            transaction.commit().await?;
            Ok(taken)
        })
    }

    fn kept<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, PortResult<Vec<Kept>>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let rows: Vec<Row> = sqlx::query_as(ALL)
                .bind(scope.tenant().as_str())
                .bind(root.as_bytes().as_slice())
                .fetch_all(&mut *transaction)
                .await?;
            transaction.commit().await?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let key = inbox::key(&master::existing(&self.options.key_file)?);
            rows.into_iter().map(|row| row.open(&key, scope.tenant().as_str(), root)).collect()
        })
    }
}
