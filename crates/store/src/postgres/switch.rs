//! The kill switch: throwing, lifting, and what was done with it.

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::switch::{Switch, Thrown};
use largestack_types::errors::Result as PortResult;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, Row as _, Transaction};

use crate::error::Result;
use crate::facts::integer;
use crate::postgres::server::PostgresStore;
use crate::postgres::{connect, told};
use crate::switches::{SwitchChange, SwitchScope, find, wait};

async fn note(
    connection: &mut PgConnection,
    scope: &SwitchScope,
    action: &str,
    act: &Thrown,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO switch_history (tenant, action, by, reason, at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(scope.as_str())
    .bind(action)
    .bind(&act.by)
    .bind(&act.reason)
    .bind(act.at.micros())
    .execute(connection)
    .await?;
    Ok(())
}

async fn throw(connection: &mut PgConnection, scope: &SwitchScope, act: &Thrown) -> Result<()> {
    sqlx::query(
        "INSERT INTO switches (tenant, by, reason, at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant) DO UPDATE
             SET by = EXCLUDED.by, reason = EXCLUDED.reason, at = EXCLUDED.at",
    )
    .bind(scope.as_str())
    .bind(&act.by)
    .bind(&act.reason)
    .bind(act.at.micros())
    .execute(&mut *connection)
    .await?;
    note(connection, scope, "throw", act).await
}

async fn lift(
    connection: &mut PgConnection,
    scope: &SwitchScope,
    act: &Thrown,
) -> Result<Option<Thrown>> {
    let lifted = sqlx::query("DELETE FROM switches WHERE tenant = $1 RETURNING by, reason, at")
        .bind(scope.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = lifted else { return Ok(None) };
    note(connection, scope, "lift", act).await?;
    thrown(&row).map(Some)
}

fn thrown(row: &PgRow) -> Result<Thrown> {
    let at = Timestamp::from_micros(row.try_get("at")?);
    Ok(Thrown { by: row.try_get("by")?, reason: row.try_get("reason")?, at })
}

fn change(row: &PgRow) -> Result<SwitchChange> {
    let (scope, action): (String, String) = (row.try_get("tenant")?, row.try_get("action")?);
    let scope = SwitchScope::parse(&scope)?;
    Ok(SwitchChange { scope, on: action == "throw", act: thrown(row)? })
}

impl Switch for PostgresStore {
    fn thrown(&self, scope: &Scope) -> Option<Thrown> {
        find(&self.switch.now(), scope.tenant().as_str())
    }

    fn wait(&self, scope: &Scope) -> BoxFuture<'static, Thrown> {
        wait(self.switch.subscribe(), scope.tenant().clone()).boxed()
    }
}

impl PostgresStore {
    /// Throws the kill switch. Durable when this returns, seen by this process at once and by
    /// every other process of the server within a second. One that is on already is replaced.
    pub fn throw_switch<'a>(
        &'a self,
        scope: &'a SwitchScope,
        by: &'a str,
        reason: &'a str,
    ) -> BoxFuture<'a, PortResult<Thrown>> {
        self.inside(async move {
            let (act, mut transaction) = self.act(scope, by, reason).await?;
            throw(&mut transaction, scope, &act).await?;
            transaction.commit().await?;
            self.told_of_switches().await?;
            Ok(act)
        })
    }

    /// Lifts the kill switch; what it said, or `None` when it was off.
    pub fn lift_switch<'a>(
        &'a self,
        scope: &'a SwitchScope,
        by: &'a str,
        reason: &'a str,
    ) -> BoxFuture<'a, PortResult<Option<Thrown>>> {
        self.inside(async move {
            let (act, mut transaction) = self.act(scope, by, reason).await?;
            let lifted = lift(&mut transaction, scope, &act).await?;
            transaction.commit().await?;
            self.told_of_switches().await?;
            Ok(lifted)
        })
    }

    async fn act(
        &self,
        scope: &SwitchScope,
        by: &str,
        reason: &str,
    ) -> Result<(Thrown, Transaction<'static, Postgres>)> {
        let at = self.clock.now();
        let transaction = match scope {
            SwitchScope::All => connect::begin_as_operator(&self.pool).await?,
            SwitchScope::Tenant(tenant) => self.begin(tenant).await?,
        };
        Ok((Thrown { by: by.to_owned(), reason: reason.to_owned(), at }, transaction))
    }

    async fn told_of_switches(&self) -> Result<()> {
        // Others look by themselves where this is lost.
        let _lost = told::notify(&self.pool, &self.channel, told::SWITCHES).await;
        self.switch.refresh().await
    }

    /// The switches that are on.
    pub fn switches(&self) -> BoxFuture<'_, PortResult<Vec<(SwitchScope, Thrown)>>> {
        self.inside(async move {
            self.switch.refresh().await?;
            let switches = self.switch.now().clone();
            let mut switches = switches
                .into_iter()
                .map(|(scope, thrown)| Ok((SwitchScope::parse(&scope)?, thrown)))
                .collect::<Result<Vec<_>>>()?;
            switches.sort_by(|(a, _), (b, _)| a.cmp(b));
            Ok(switches)
        })
    }

    /// The last throws and lifts, newest first.
    pub fn switch_history(&self, limit: u64) -> BoxFuture<'_, PortResult<Vec<SwitchChange>>> {
        self.inside(async move {
            let mut transaction = connect::begin_as_operator(&self.pool).await?;
            let rows = sqlx::query(
                "SELECT tenant, action, by, reason, at FROM switch_history
                 ORDER BY position DESC LIMIT $1",
            )
            .bind(integer(limit))
            .fetch_all(&mut *transaction)
            .await?;
            transaction.commit().await?;
            rows.iter().map(change).collect()
        })
    }
}
