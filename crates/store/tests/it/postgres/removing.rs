//! Removing runs while others write.

use bytes::Bytes;
use largestack_engine::Status;
use largestack_ports::journal::{Batch, Journal as _, RunSummary};
use largestack_ports::retention::{Pruned, Retention, Rule};
use largestack_store::PostgresStore;
use largestack_testkit::services;
use largestack_types::errors::{Code, Coded as _};
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use sqlx::{Connection as _, PgConnection};

use super::{process, schema};
use crate::fixture::{event_saying, owner, run, summary};

const PART: &[u8] = b"part";

/// Leaves a run that is over and names a part.
async fn left(store: &PostgresStore) {
    let part = Hash::of(PART);
    let lease = store.claim(&Scope::local(), run(1), owner(1)).await.unwrap();
    let batch = Batch {
        events: vec![event_saying(1, &part.to_string())],
        blobs: vec![(part, Bytes::from_static(PART))],
        summary: Some(RunSummary { status: Status::Completed, ..summary(1, 1) }),
        ..Batch::default()
    };
    store.append(&lease, batch).unwrap();
    store.release(&lease).await.unwrap();
    store.durable().await.unwrap();
}

/// Somebody else who is writing parts; a server that waits for him for too long throws him out.
async fn writing(url: &str) -> PgConnection {
    let mut other = PgConnection::connect(url).await.unwrap();
    let statements = format!(
        "SET idle_in_transaction_session_timeout = '20s';
         BEGIN; SET LOCAL largestack.tenant = '{}'; LOCK TABLE blobs IN ROW EXCLUSIVE MODE",
        Scope::local().tenant()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut other).await.unwrap();
    other
}

async fn prune(store: &PostgresStore, dry_run: bool) -> largestack_types::errors::Result<Pruned> {
    Retention::prune(store, &Scope::local(), Rule { dry_run, ..Rule::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_waits_for_no_writer_and_prune_gives_up_and_has_removed_nothing() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    left(&store).await;
    let mut other = writing(&url).await;
    let would = prune(&store, true).await.unwrap();
    assert_eq!((would.runs, would.blobs), (1, 1));
    let error = prune(&store, false).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (Code::Store, true), "{error}");
    assert!(error.suggestion().starts_with("Try it again"), "{}", error.suggestion());
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(store.read(&Scope::local(), run(1), 0).await.unwrap().len(), 1);
    assert_eq!(prune(&store, false).await.unwrap(), would);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_is_named_anew_while_prune_looks_stays() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    left(&store).await;
    let mut other = writing(&url).await;
    sqlx::query(
        "INSERT INTO journal (tenant, run, seq, v, at, kind, data)
         VALUES ($1, $2, 1, 1, 1, 'x', $3)",
    )
    .bind(Scope::local().tenant().as_str())
    .bind(run(2).as_bytes().as_slice())
    .bind(Hash::of(PART).to_string())
    .execute(&mut other)
    .await
    .unwrap();
    let commits = async {
        let waits = "SELECT EXISTS (SELECT 1 FROM pg_locks
             WHERE relation = 'blobs'::regclass AND NOT granted)";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut other).await.unwrap() {}
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    };
    let (pruned, ()) = futures::future::join(prune(&store, false), commits).await;
    assert_eq!(pruned.map(|done| (done.runs, done.blobs)).unwrap(), (1, 0));
    let part = store.blob(&Scope::local(), Hash::of(PART)).await.unwrap();
    assert_eq!(part.as_deref(), Some(PART));
}
