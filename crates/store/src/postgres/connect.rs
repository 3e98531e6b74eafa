//! Connections that say for whom they are: each holds a lock in the name of its process for as
//! long as it lives, and the server lets go of it when the process ends, however it ends.

use std::time::Duration;

use largestack_types::hash::Hash;
use largestack_types::id::OwnerId;
use largestack_types::scope::TenantId;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Postgres, Transaction};

use crate::error::Result;
use crate::postgres::fault::ServerError;
use crate::postgres::{address, migrate};

/// Connections of one process, of which one listens; the writer has one of its own,
/// and so has who watches the kill switch.
const CONNECTIONS: u32 = 5;

/// How long a call waits for one of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// The lock that says whether a process lives.
pub(super) fn life(owner: OwnerId) -> i64 {
    let number = u128::from_be_bytes(*owner.as_bytes());
    let folded = number ^ (number >> 64);
    i64::from_le_bytes(folded.to_le_bytes().first_chunk().copied().unwrap_or_default())
}

/// Refuses a user whom row-level security does not bind.
async fn check_role(connection: &mut PgConnection, user: &str) -> Result<(), ServerError> {
    let above = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
    let above: bool = sqlx::query_scalar(above).fetch_one(connection).await?;
    if above { Err(ServerError::AboveSecurity { user: user.into() }) } else { Ok(()) }
}

/// A process's way to the server.
pub(super) struct Connected {
    /// The connection that writes for runs, and the first sign of life.
    pub(super) first: PgConnection,
    /// How another one is made.
    pub(super) options: PgConnectOptions,
    /// All others.
    pub(super) pool: PgPool,
    /// On which processes of these tables tell each other what has changed.
    pub(super) channel: String,
}

/// Holds the sign of life for as long as the connection is there, and bounds how long a transaction of it
/// may stand still.
async fn show_life(connection: &mut PgConnection, owner: OwnerId) -> Result<(), sqlx::Error> {
    let shared = sqlx::query(
        "SELECT pg_advisory_lock_shared($1),
             set_config('idle_in_transaction_session_timeout', $2, false)",
    );
    let still = STILL.as_millis().to_string();
    shared.bind(life(owner)).bind(still).execute(connection).await.map(drop)
}

/// One connection, checked, to a server whose tables are up to date.
async fn first(options: &PgConnectOptions) -> Result<PgConnection, ServerError> {
    let (place, user) = (address::place(options), options.get_username());
    let mut first = PgConnection::connect_with(options)
        .await
        .map_err(|source| ServerError::connecting(&place, user, source))?;
    check_role(&mut first, user).await?;
    migrate::migrate(&mut first).await?;
    Ok(first)
}

/// How long a transaction may stand still before the server ends it: a process that is stopped in the
/// middle of one must not keep its locks from those who take over what it had.
const STILL: Duration = Duration::from_secs(5);

/// Connects, and makes the tables where there are none.
pub(super) async fn connect(url: &str, owner: OwnerId) -> Result<Connected, ServerError> {
    let options = address::read(url)?.application_name(&format!("largestack {owner}"));
    // First by itself: a pool goes on trying where a server is not there.
    let mut first = first(&options).await?;
    show_life(&mut first, owner).await?;
    let schema: String =
        sqlx::query_scalar("SELECT current_schema()::text").fetch_one(&mut first).await?;
    // A name of its own: notifications are of a database, tables are of a schema.
    let channel = Hash::of_all([b"largestack channel 1".as_slice(), schema.as_bytes()]);
    let channel = channel.to_string().chars().take(16).collect::<String>();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .after_connect(move |connection, _| Box::pin(show_life(connection, owner)))
        .connect_lazy_with(options.clone());
    Ok(Connected { first, options, pool, channel: format!("largestack_{channel}") })
}

/// Another connection, in place of one that was lost.
pub(super) async fn again(options: &PgConnectOptions, owner: OwnerId) -> Result<PgConnection> {
    let connected = tokio::time::timeout(PATIENCE, async {
        let mut connection = PgConnection::connect_with(options).await?;
        show_life(&mut connection, owner).await?;
        Ok(connection)
    });
    connected.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(Into::into)
}

/// A transaction that sees and writes the rows of one tenant.
pub(super) async fn begin(
    pool: &PgPool,
    tenant: &TenantId,
) -> Result<Transaction<'static, Postgres>> {
    // A tenant's name has no character that would end the text; see `TenantId`.
    let statement = format!("BEGIN; SET LOCAL largestack.tenant = '{tenant}'");
    Ok(pool.begin_with(AssertSqlSafe(statement)).await?)
}

/// Begins the transaction of an operator.
pub(super) const AS_OPERATOR: &str = "BEGIN; SET LOCAL largestack.tenant = '*'";

/// A transaction that sees the switches of all tenants, and may write the one for all.
pub(super) async fn begin_as_operator(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    Ok(pool.begin_with(AS_OPERATOR).await?)
}
