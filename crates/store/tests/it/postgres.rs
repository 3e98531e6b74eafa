//! The store in a Postgres server, each test in a schema of its own and as a user without special
//! rights.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Once};

use largestack_ports::BoxFuture;
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::ids::CountingIds;
use largestack_ports::ledger::{Ledger, Sliced};
use largestack_ports::limits::Limits;
use largestack_store::{PostgresOptions, PostgresStore};
use largestack_testkit::{ledger_suite, limits_suite, services};
use largestack_types::id::OwnerId;
use largestack_types::time::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::spender::{
    a_killed_process_is_booked_at_its_last_report, processes_that_are_killed_never_pass_a_limit,
};

mod asked;
mod connections;
mod crash;
mod keys;
mod laws;
mod losses;
mod removing;
mod tenants;
mod work;

/// Tells schemas of this process apart.
static SCHEMAS: AtomicU64 = AtomicU64::new(0);

/// Owns the schemas; bound by row-level security.
const USER: &str = "largestack_test";

/// Makes a schema, and says how to reach it as its owner.
async fn schema(server: &str) -> String {
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(server).await.unwrap();
    let statements = format!(
        "BEGIN; SELECT pg_advisory_xact_lock(1);
         DO $$ BEGIN
             IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{USER}') THEN
                 CREATE ROLE {USER} LOGIN;
             END IF;
         END $$;
         COMMIT;
         DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name} AUTHORIZATION {USER}"
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
    format!("{}?options[search_path]={name}", of_user(server, USER))
}

/// The server's address for another user.
fn of_user(server: &str, user: &str) -> String {
    let (scheme, rest) = server.split_once("://").unwrap();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{user}@{host}")
}

/// Ids are of one form alone, so that a sign of life is never that of another test's owner.
fn owner(schema: &str, number: u128) -> OwnerId {
    let form = schema.rsplit('_').next().unwrap().parse::<u128>().unwrap() + 1;
    OwnerId::from_u128((u128::from(std::process::id()) << 64) + (form << 32) + number)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

/// Where the master keys of this process's tests are.
static KEYS: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// A process of the store at an address, whose owner is this.
fn options(url: &str, number: u128, clock: FakeClock) -> PostgresOptions {
    let file = KEYS.path().join(format!("{}.key", url.rsplit_once('=').unwrap().1));
    let ids = Arc::new(CountingIds::default());
    PostgresOptions {
        owner: owner(url, number),
        ..PostgresOptions::new(ids, Arc::new(clock), file)
    }
}

/// A process of the store at an address.
async fn process(url: &str, number: u128) -> PostgresStore {
    PostgresStore::connect(url, options(url, number, FakeClock::default())).await.unwrap()
}

/// A store of a schema of its own, and processes of it.
struct Postgres {
    url: String,
    clock: FakeClock,
    slices: bool,
    parts: AtomicU64,
    stopped: Once,
}

impl Postgres {
    fn new(server: &str, slices: bool) -> Self {
        let (clock, parts) = (FakeClock::default(), AtomicU64::new(1_000));
        Self { url: wait(schema(server)), clock, slices, parts, stopped: Once::new() }
    }

    /// Has the server's clock stand still at the test's, once the schema is there.
    fn stop_the_clock(&self) {
        self.execute("CREATE TABLE test_clock (micros bigint NOT NULL)");
        self.execute(
            "CREATE OR REPLACE FUNCTION work_now() RETURNS bigint LANGUAGE sql STABLE
             AS 'SELECT micros FROM test_clock'",
        );
        self.execute("INSERT INTO test_clock VALUES (0)");
        self.set_the_clock(self.clock.now());
    }

    /// Moves the clock that stands still.
    fn set_the_clock(&self, to: Timestamp) {
        self.execute(&format!("UPDATE test_clock SET micros = {}", to.micros()));
    }

    fn execute(&self, statement: &str) {
        wait(async {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::query(AssertSqlSafe(statement.to_owned()))
                .execute(&mut connection)
                .await
                .unwrap();
        });
    }

    fn store(&self, number: u128) -> Arc<PostgresStore> {
        let options = options(&self.url, number, self.clock.clone());
        Arc::new(wait(PostgresStore::connect(&self.url, options)).unwrap())
    }
}

impl ledger_suite::Form for Postgres {
    fn owner(&self, number: u128) -> Arc<dyn Ledger> {
        let store = self.store(number);
        if self.slices { Arc::new(Sliced::new(store)) } else { store }
    }

    fn clock(&self) -> FakeClock {
        self.clock.clone()
    }

    fn gone(&self, number: u128) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let name = format!("largestack {}", owner(&self.url, number));
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            let mut left = 1_i64;
            for _ in 0..100_000 {
                let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
                left =
                    sqlx::query_scalar(count).bind(&name).fetch_one(&mut connection).await.unwrap();
                if left == 0 {
                    break;
                }
            }
            assert_eq!(left, 0, "{name} is still connected");
        })
    }

    fn slices(&self) -> bool {
        self.slices
    }
}

impl limits_suite::Form for Postgres {
    fn part(&self) -> Arc<dyn Limits> {
        self.store(self.parts.fetch_add(1, Ordering::Relaxed).into())
    }

    fn clock(&self) -> FakeClock {
        self.clock.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_in_postgres_keep_the_laws_of_a_ledger() {
    let Some(server) = services::postgres() else { return };
    ledger_suite::all(&|| Box::new(Postgres::new(&server, false))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_of_budgets_in_postgres_keep_the_laws_of_a_ledger() {
    let Some(server) = services::postgres() else { return };
    ledger_suite::all(&|| Box::new(Postgres::new(&server, true))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_in_postgres_keep_the_laws() {
    let Some(server) = services::postgres() else { return };
    limits_suite::all(&|| Box::new(Postgres::new(&server, false))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_on_one_server_that_are_killed_never_pass_a_limit() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    processes_that_are_killed_never_pass_a_limit(&store, &["spend", &url]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_on_one_server_that_is_killed_in_a_call_is_booked_at_its_last_report() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    a_killed_process_is_booked_at_its_last_report(&store, &["stream", &url]).await;
}
