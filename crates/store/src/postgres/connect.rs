//! Connections that say for whom they are: each holds a lock in the name of its process for as
//! long as it lives, and the server lets go of it when the process ends, however it ends.

use std::str::FromStr;
use std::time::Duration;

use largestack_types::id::OwnerId;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::error::Result;

/// Connections of one process.
const CONNECTIONS: u32 = 4;

/// Held while the schema is made.
const SCHEMA: i64 = 0x6c61_7267_6573;

/// The lock that says whether a process lives.
pub(super) fn life(owner: OwnerId) -> i64 {
    let number = u128::from_be_bytes(*owner.as_bytes());
    let folded = number ^ (number >> 64);
    i64::from_le_bytes(folded.to_le_bytes().first_chunk().copied().unwrap_or_default())
}

/// Connects, and makes the tables where there are none.
pub(super) async fn connect(url: &str, owner: OwnerId) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?.application_name(&format!("largestack {owner}"));
    // First by itself: a pool goes on trying where a server is not there.
    let mut first = PgConnection::connect_with(&options).await?;
    let mut transaction = first.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA).execute(&mut *transaction).await?;
    let schema = include_str!("../../migrations/postgres/0001_budgets.sql");
    sqlx::raw_sql(schema).execute(&mut *transaction).await?;
    transaction.commit().await?;
    first.close().await?;
    let lock = life(owner);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        // One stays, and with it the sign of life.
        .min_connections(1)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let shared = sqlx::query("SELECT pg_advisory_lock_shared($1)");
                shared.bind(lock).execute(connection).await.map(drop)
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}
