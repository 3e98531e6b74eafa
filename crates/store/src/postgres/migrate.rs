//! The schema of the server: numbered migrations, each in the same transaction as its number.

use sqlx::{Connection as _, PgConnection};

use crate::error::Result;
use crate::postgres::fault::{ServerError, lacks_right};

/// Held while the schema is made.
const SCHEMA: i64 = 0x6c61_7267_6573;

/// The statements of each version, from 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_budgets.sql"),
    include_str!("../../migrations/postgres/0002_rates.sql"),
    include_str!("../../migrations/postgres/0003_tenants.sql"),
    include_str!("../../migrations/postgres/0004_runs.sql"),
    include_str!("../../migrations/postgres/0005_people.sql"),
    include_str!("../../migrations/postgres/0006_work.sql"),
    include_str!("../../migrations/postgres/0007_signals.sql"),
    include_str!("../../migrations/postgres/0008_conclude.sql"),
];

const CREATE: &str = "CREATE TABLE IF NOT EXISTS largestack_schema (version integer PRIMARY KEY)";

/// The version of the tables; 0 where there are none.
async fn version(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('largestack_schema') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(0);
    }
    let version = "SELECT coalesce(max(version), 0) FROM largestack_schema";
    sqlx::query_scalar(version).fetch_one(connection).await
}

/// Brings the tables up to date, where they are not.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<(), ServerError> {
    let known = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    let found = version(connection).await?;
    if found > known {
        return Err(ServerError::Newer { found, known });
    }
    if found == known {
        return Ok(());
    }
    apply(connection).await.map_err(|source| match source {
        source if lacks_right(&source) => ServerError::NotMigrated { found, known, source },
        source => ServerError::Other(source),
    })
}

async fn apply(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA).execute(&mut *transaction).await?;
    // Another process may have been faster.
    let found = version(&mut transaction).await?;
    sqlx::raw_sql(CREATE).execute(&mut *transaction).await?;
    for (number, statements) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        sqlx::raw_sql(*statements).execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO largestack_schema (version) VALUES ($1)")
            .bind(number)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}
