//! Connections that are lost or all taken, and leases, while others of the same process go on.

use futures::FutureExt as _;
use futures::future::join_all;
use largestack_ports::journal::Journal as _;
use largestack_ports::switch::Switch as _;
use largestack_store::SwitchScope;
use largestack_testkit::services;
use largestack_types::errors::{Code, Coded as _};
use largestack_types::scope::Scope;
use sqlx::{Connection as _, PgConnection};

use super::crash::free;
use super::{owner as owner_of, process, schema};
use crate::fixture::{events, owner, run};

/// Ends all connections of a process, as an operator does, and waits until they are gone.
async fn cut_off(server: &str, name: &str) {
    let mut above = PgConnection::connect(server).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
        WHERE application_name = $1";
    let cut: Vec<bool> = sqlx::query_scalar(cut).bind(name).fetch_all(&mut above).await.unwrap();
    assert!(!cut.is_empty() && cut.into_iter().all(|gone| gone));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_fails_what_was_to_be_written_and_the_next_run_goes_on() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    let scope = Scope::local();
    let [first, idle] = [1, 3].map(|number| store.claim(&scope, run(number), owner(1)));
    let (first, idle) = (first.await.unwrap(), idle.await.unwrap());
    for lease in [&first, &idle] {
        store.append(lease, events(1, 1)).unwrap();
    }
    store.durable().await.unwrap();
    for round in 0..2 {
        cut_off(&server, &format!("largestack {}", owner_of(&url, 1))).await;
        let lost = if round == 0 { first.clone() } else { free(&store, run(1)).await };
        store.append(&lost, events(2, 2)).unwrap();
        let error = store.durable().await.unwrap_err();
        assert_eq!((error.code(), error.retryable()), (Code::Store, true), "{error}");
        assert_eq!(store.append(&lost, events(3, 3)).unwrap_err(), error);
        // A barrier does not say whose it is: whoever lost something must not be told otherwise.
        let next = free(&store, run(2 + 2 * round)).await;
        store.append(&next, events(1, 1)).unwrap();
        assert_eq!(store.durable().await.unwrap_err(), error);
        // Under a lease it is known whose it is, also when that has been given back.
        store.durable_run(&next).await.unwrap();
        assert_eq!(store.durable_run(&lost).await.unwrap_err(), error);
        store.release(&lost).await.unwrap();
        store.durable().await.unwrap();
        assert_eq!(store.durable_run(&lost).await.unwrap_err(), error);
        assert_eq!(store.read(&scope, next.run, 0).await.unwrap(), events(1, 1).events);
        assert_eq!(store.read(&scope, run(1), 0).await.unwrap(), events(1, 1).events);
    }
    // Who had nothing on the way has lost nothing, and what was lost is free for others.
    store.append(&idle, events(2, 2)).unwrap();
    store.durable().await.unwrap();
    let other = store.claim(&scope, run(1), owner(2)).await.unwrap();
    store.append(&other, events(2, 2)).unwrap();
    store.durable().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_claimed_many_times_at_once_has_one_lease_and_harms_no_other() {
    let Some(server) = services::postgres() else { return };
    let store = process(&schema(&server).await, 1).await;
    let scope = Scope::local();
    let other = store.claim(&scope, run(2), owner(1)).await.unwrap();
    let claims = (0..24).map(|_| async {
        let lease = store.claim(&scope, run(1), owner(1)).await.unwrap();
        // Written, or refused on the spot because another claim was faster.
        let _refused = store.append(&lease, events(1, 1));
        lease
    });
    let leases = join_all(claims).await;
    let newest = leases.iter().max_by_key(|lease| lease.fence).unwrap();
    store.append(&other, events(1, 1)).unwrap();
    store.durable().await.unwrap();
    store.append(newest, events(2, 2)).unwrap();
    store.durable().await.unwrap();
    assert_eq!(store.read(&scope, run(1), 0).await.unwrap(), events(1, 2).events);
    for older in leases.iter().filter(|lease| lease.fence < newest.fence) {
        assert_eq!(store.append(older, events(3, 3)).unwrap_err().code(), Code::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_nobody_waits_for_any_more_keeps_nobody_from_the_run() {
    let Some(server) = services::postgres() else { return };
    let store = process(&schema(&server).await, 1).await;
    let scope = Scope::local();
    for number in 1..=20 {
        // Given up at once, or after it has gone some of its way.
        let mut given_up = store.claim(&scope, run(number), owner(1));
        for _ in 0..number {
            if let Some(lease) = (&mut given_up).now_or_never() {
                store.release(&lease.unwrap()).await.unwrap();
                break;
            }
            store.read(&scope, run(number), 0).await.unwrap();
        }
        drop(given_up);
        let next = store.claim(&scope, run(number), owner(2)).await.unwrap();
        store.append(&next, events(1, 1)).unwrap();
        store.durable().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thrown_switch_is_seen_while_all_connections_for_calls_wait() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let (store, other) = (process(&url, 1).await, process(&url, 2).await);
    let scope = Scope::local();
    let mut outside = PgConnection::connect(&url).await.unwrap();
    let mut locked = outside.begin().await.unwrap();
    sqlx::query("LOCK TABLE journal IN ACCESS EXCLUSIVE MODE").execute(&mut *locked).await.unwrap();
    // More than there are connections: one is left over, and waits for one of them.
    let calls = join_all((0..5).map(|number| store.read(&scope, run(number), 0)));
    let seen = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
            WHERE application_name = $1 AND wait_event_type = 'Lock'";
        let name = format!("largestack {}", owner_of(&url, 1));
        // By another connection: a transaction goes on seeing what it saw first.
        let mut looking = PgConnection::connect(&server).await.unwrap();
        loop {
            let query = sqlx::query_scalar::<_, i64>(waiting).bind(&name);
            if query.fetch_one(&mut looking).await.unwrap() == 4 {
                break;
            }
        }
        other.throw_switch(&SwitchScope::All, "somebody", "because").await.unwrap();
        let minute = std::time::Duration::from_mins(1);
        let thrown = tokio::time::timeout(minute, store.wait(&scope)).await;
        locked.rollback().await.unwrap();
        thrown.expect("it is seen while they wait").by
    };
    let (outcomes, by) = futures::join!(calls, seen);
    assert_eq!(by, "somebody");
    // Those that had a connection were only late.
    assert!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() >= 4, "{outcomes:?}");
}
