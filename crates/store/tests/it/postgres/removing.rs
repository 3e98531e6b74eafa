//! Removing runs while others write.

use bytes::Bytes;
use largestack_engine::Status;
use largestack_ports::journal::{Batch, Journal as _, RunSummary};
use largestack_ports::retention::{Compaction, Pruned, Retention, Rule};
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

/// Leaves a run that is over with four events, and what may stand for the two in the middle.
async fn left_long(store: &PostgresStore) -> Compaction {
    let lease = store.claim(&Scope::local(), run(1), owner(1)).await.unwrap();
    let batch = Batch {
        events: (1..=4).map(|seq| event_saying(seq, "said")).collect(),
        summary: Some(RunSummary { status: Status::Completed, ..summary(1, 4) }),
        ..Batch::default()
    };
    store.append(&lease, batch).unwrap();
    store.release(&lease).await.unwrap();
    store.durable().await.unwrap();
    Compaction { run: run(1), by: event_saying(3, "all that"), last: 4 }
}

/// Somebody who holds an event of the run: whoever gives it up waits for him, in the middle of it.
async fn holding(url: &str) -> PgConnection {
    let mut other = PgConnection::connect(url).await.unwrap();
    let statements = format!(
        "SET idle_in_transaction_session_timeout = '20s';
         BEGIN; SET LOCAL largestack.tenant = '{}';
         SELECT 1 FROM journal WHERE seq = 2 FOR UPDATE",
        Scope::local().tenant()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut other).await.unwrap();
    other
}

/// Returns once so many wait for this one, or for somebody who does.
async fn until_behind(other: &mut PgConnection, count: i64) {
    let behind = "WITH RECURSIVE behind (pid) AS (
             SELECT pg_backend_pid() UNION
             SELECT l.pid FROM pg_locks AS l, behind AS b
             WHERE NOT l.granted AND b.pid = ANY(pg_blocking_pids(l.pid))
         ) SELECT count(*) - 1 FROM behind";
    while sqlx::query_scalar::<_, i64>(behind).fetch_one(&mut *other).await.unwrap() < count {}
}

async fn rows(url: &str) -> i64 {
    let mut other = holding(url).await;
    let rows = sqlx::query_scalar("SELECT count(*) FROM journal").fetch_one(&mut other).await;
    rows.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "the test's own tasks, which it waits for")]
async fn a_run_that_is_removed_while_it_is_compacted_leaves_no_event() {
    let Some(server) = services::postgres() else { return };
    for compacted_first in [true, false] {
        let url = schema(&server).await;
        let (compacting, pruning) = (process(&url, 1).await, process(&url, 2).await);
        let compaction = left_long(&compacting).await;
        let mut other = holding(&url).await;
        let compact = async move {
            Retention::compact(&compacting, &Scope::local(), compaction).await.unwrap()
        };
        let prune = async move { prune(&pruning, false).await.unwrap().runs };
        let (compacted, pruned);
        if compacted_first {
            compacted = tokio::spawn(compact);
            until_behind(&mut other, 1).await;
            pruned = tokio::spawn(prune);
        } else {
            pruned = tokio::spawn(prune);
            until_behind(&mut other, 1).await;
            compacted = tokio::spawn(compact);
        }
        until_behind(&mut other, 2).await;
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
        assert_eq!((compacted.await.unwrap(), pruned.await.unwrap()), (compacted_first, 1));
        assert_eq!(rows(&url).await, 0, "compacted first: {compacted_first}");
    }
}
