//! Budgets in a Postgres server, each test in a schema of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use largestack_ports::BoxFuture;
use largestack_ports::clock::FakeClock;
use largestack_ports::ledger::{Ledger, Sliced};
use largestack_store::PostgresLedger;
use largestack_testkit::ledger_suite::{Form, all};
use largestack_testkit::services;
use largestack_types::errors::{Code, Coded};
use largestack_types::id::OwnerId;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::spender::processes_that_are_killed_never_pass_a_limit;

/// Tells schemas of this process apart.
static SCHEMAS: AtomicU64 = AtomicU64::new(0);

/// Makes a schema, and says how to reach it.
async fn schema(server: &str) -> String {
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(server).await.unwrap();
    for statement in ["DROP SCHEMA IF EXISTS {} CASCADE", "CREATE SCHEMA {}"] {
        let statement = AssertSqlSafe(statement.replace("{}", &name));
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
    format!("{server}?options[search_path]={name}")
}

/// Ids are of one form alone, so that a sign of life is never that of another test's owner.
fn owner(schema: &str, number: u128) -> OwnerId {
    let form = schema.rsplit('_').next().unwrap().parse::<u128>().unwrap() + 1;
    OwnerId::from_u128((u128::from(std::process::id()) << 64) + (form << 32) + number)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

struct Postgres {
    url: String,
    clock: FakeClock,
    slices: bool,
}

impl Postgres {
    fn boxed(server: &str, slices: bool) -> Box<dyn Form> {
        Box::new(Self { url: wait(schema(server)), clock: FakeClock::default(), slices })
    }
}

impl Form for Postgres {
    fn owner(&self, number: u128) -> Arc<dyn Ledger> {
        let (owner, clock) = (owner(&self.url, number), Arc::new(self.clock.clone()));
        let ledger = Arc::new(wait(PostgresLedger::connect(&self.url, owner, clock)).unwrap());
        if self.slices { Arc::new(Sliced::new(ledger)) } else { ledger }
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_in_postgres_keep_the_laws_of_a_ledger() {
    let Some(server) = services::postgres() else { return };
    all(&|| Postgres::boxed(&server, false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_of_budgets_in_postgres_keep_the_laws_of_a_ledger() {
    let Some(server) = services::postgres() else { return };
    all(&|| Postgres::boxed(&server, true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_on_one_server_that_are_killed_never_pass_a_limit() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let clock = Arc::new(FakeClock::default());
    let ledger = PostgresLedger::connect(&url, owner(&url, 1), clock).await.unwrap();
    processes_that_are_killed_never_pass_a_limit(&ledger, &["spend", &url]).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_of_the_store_without_the_password() {
    let url = "postgres://ann:secret-word@127.0.0.1:1/none";
    let clock = Arc::new(FakeClock::default());
    let error = PostgresLedger::connect(url, OwnerId::from_u128(1), clock).await.unwrap_err();
    assert_eq!(error.code(), Code::Store);
    assert!(!format!("{error} {error:?}").contains("secret-word"), "{error}");
}
