//! Processes on one server that are killed, that are stopped past their lease, and that want the same
//! run at once.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use largestack_ports::clock::FakeClock;
use largestack_ports::journal::{Journal, Lease};
use largestack_ports::sessions::{SessionKey, Sessions as _};
use largestack_store::{PostgresOptions, PostgresStore};
use largestack_testkit::services;
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::{KEYS, Postgres, options, process, schema};
use crate::crash::{Other, check, kill_after, last_said, start};
use crate::fixture::{events, owner, run};

/// How the child is told of a server, and how long its leases last in milliseconds.
fn place(url: &str, lease: u32) -> String {
    let file = KEYS.path().join(format!("{}.key", url.rsplit_once('=').unwrap().1));
    format!("{url}|{}|{lease}", file.display())
}

fn appending(url: &str, lease: u32, runs: u32) -> Other {
    start(&["append", &place(url, lease), "100", &runs.to_string()])
}

/// Takes a run as soon as it is to be had. A server hears of the end of a process when it next looks.
pub(super) async fn free(store: &PostgresStore, run: RunId) -> Lease {
    for _ in 0..4_000 {
        if let Ok(lease) = store.claim(&Scope::local(), run, owner(1)).await {
            return lease;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    unreachable!("{run} is never free")
}

/// Until when the process lives that holds a run.
const LEASED: &str = "SELECT expires::text FROM processes
    WHERE process IN (SELECT process FROM leases)";

/// Does something to the one row that says that a process lives.
async fn said_to_live(url: &str, statement: &'static str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let tenant = "SELECT set_config('largestack.tenant', 'local', true)";
    sqlx::query(tenant).execute(&mut *transaction).await.unwrap();
    let said = sqlx::query_scalar(statement).fetch_all(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    said.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_a_prefix_with_everything_acknowledged_on_a_server() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    let mut before = 0;
    for acknowledgements in [1, 2, 5, 9, 40, 160] {
        // Far longer than this test: a run is free because its process is gone.
        let other = appending(&url, 3_600_000, 4);
        let acknowledged = kill_after(other, acknowledgements);
        for run in (100..104).map(run) {
            let lease = free(&store, run).await;
            store.release(&lease).await.unwrap();
        }
        tokio::task::block_in_place(|| check(&store, &acknowledged));
        let last = acknowledged.values().max().copied().unwrap();
        assert!(last > before, "the next process goes on");
        before = last;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_stopped_past_its_lease_writes_nothing_more() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    let other = appending(&url, 400, 2);
    let pid = rustix::process::Pid::from_child(&other.0);
    let signal = |signal| rustix::process::kill_process(pid, signal).unwrap();
    let mut taken = Vec::new();
    let said = tokio::task::block_in_place(|| {
        last_said(other, 6, |other| {
            signal(rustix::process::Signal::STOP);
            let handle = tokio::runtime::Handle::current();
            // Its connections are there all the time: only the clock tells.
            taken.push(handle.block_on(free(&store, run(100))));
            let read = handle.block_on(store.read(&Scope::local(), run(100), 0)).unwrap();
            let next = read.len() as u64 + 1;
            store.append(&taken[0], events(next, next + 1)).unwrap();
            handle.block_on(store.durable()).unwrap();
            signal(rustix::process::Signal::CONT);
            let ended = other.0.wait().unwrap();
            assert!(!ended.success(), "it goes on");
        })
    });
    // What it was told is durable is there, what the other one wrote follows, and then nothing.
    let scope = Scope::local();
    let of_other = store.read(&scope, run(101), 0).await.unwrap();
    assert!(of_other.len() as u64 >= said[&run(101)]);
    let read = store.read(&scope, run(100), 0).await.unwrap();
    let last = read.len() as u64;
    assert!(last >= said[&run(100)] + 2, "{last}");
    assert_eq!(
        read,
        events(1, last)
            .events
            .into_iter()
            .zip(&read)
            .map(|(mut event, read)| {
                event.at = read.at;
                event
            })
            .collect::<Vec<_>>()
    );
    store.append(&taken[0], events(last + 1, last + 1)).unwrap();
    store.durable().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_processes_that_want_a_run_at_once_one_holds_it() {
    let Some(server) = services::postgres() else { return };
    let form = Postgres::new(&server, false);
    let stores: Vec<_> = (1..=4).map(|number| form.store(number)).collect();
    let scope = Scope::local();
    for round in 0..10 {
        let wanted = run(round);
        let claims = stores
            .iter()
            .enumerate()
            .map(|(at, store)| store.claim(&scope, wanted, owner(at as u128 + 1)));
        let outcomes = join_all(claims).await;
        let held: Vec<&Lease> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(held.len(), 1, "{outcomes:?}");
        let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(refused.into_iter().all(|error| error.code() == Code::Conflict
            && error.message().contains(&held[0].owner.to_string())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_whose_process_shows_no_sign_of_life_is_taken_over_and_fences_rise() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let stuck = process(&url, 1).await;
    let scope = Scope::local();
    let old = stuck.claim(&scope, run(1), owner(1)).await.unwrap();
    let other = process(&url, 2).await;
    assert!(other.claim(&scope, run(1), owner(2)).await.is_err());
    // As if it had been still for long, with its connections open.
    said_to_live(&url, "UPDATE processes SET expires = '-infinity' RETURNING expires::text").await;
    let new = other.claim(&scope, run(1), owner(2)).await.unwrap();
    assert!(new.fence > old.fence);
    other.append(&new, events(1, 1)).unwrap();
    other.durable().await.unwrap();
    stuck.append(&old, events(1, 1)).unwrap();
    let error = stuck.durable().await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    assert!(error.message().contains("taken over"), "{error}");
    assert_eq!(stuck.append(&old, events(2, 2)).unwrap_err(), error);
    assert_eq!(stuck.read(&scope, run(1), 0).await.unwrap(), events(1, 1).events);
    other.append(&new, events(2, 2)).unwrap();
    other.durable().await.unwrap();
}

/// Runs of a process that is gone and whose time has not run out yet.
const LEFT_BEHIND: &str = "WITH gone AS (
        INSERT INTO processes VALUES ('local', '\\x07', -7, 'infinity') RETURNING process
    )
    INSERT INTO leases SELECT 'local', decode(lpad(to_hex(n), 32, '0'), 'hex'), '\\x07', process, 0
    FROM gone, generate_series(1, 8) AS n RETURNING 'left'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_whether_a_process_is_gone_does_not_make_it_look_alive() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let (one, two) = (process(&url, 1).await, process(&url, 2).await);
    said_to_live(&url, LEFT_BEHIND).await;
    // Somebody asks, and takes his time to commit.
    let mut asking = PgConnection::connect(&url).await.unwrap();
    let mut asking = asking.begin().await.unwrap();
    let ask =
        "SELECT set_config('largestack.tenant', 'local', true), process_lives('local', '\\x07')";
    let (_, lives): (String, bool) = sqlx::query_as(ask).fetch_one(&mut *asking).await.unwrap();
    assert!(!lives);
    let scope = Scope::local();
    let resumed = (1..=8).map(|number| {
        let store = if number % 2 == 0 { &one } else { &two };
        store.claim(&scope, run(number), owner(number))
    });
    for lease in join_all(resumed).await {
        lease.unwrap();
    }
    // One that lives is seen to, whatever the sign of its number.
    for number in [-7, 7, i64::MIN, i64::MAX] {
        let seen = "SELECT pg_advisory_xact_lock_shared($1), shows_life($1), shows_life($1 # 1)";
        let (seen, other): (bool, bool) = {
            let row = sqlx::query(seen).bind(number).fetch_one(&mut *asking).await.unwrap();
            (row.get(1), row.get(2))
        };
        assert_eq!((seen, other), (true, false), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_gives_signs_of_life_keeps_its_runs() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let lease = Duration::from_secs(3);
    let alive = PostgresOptions { lease, ..options(&url, 1, FakeClock::default()) };
    let alive = PostgresStore::connect(&url, alive).await.unwrap();
    let scope = Scope::local();
    let held = alive.claim(&scope, run(1), owner(1)).await.unwrap();
    let other = process(&url, 2).await;
    // Over more than a lease nobody else is let in.
    let mut signs = std::collections::BTreeSet::new();
    while signs.len() < 4 {
        signs.insert(said_to_live(&url, LEASED).await);
        let refused = other.claim(&scope, run(1), owner(2)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Conflict);
    }
    alive.append(&held, events(1, 1)).unwrap();
    alive.durable().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_said_on_a_server_is_remembered_with_its_end_and_nowhere_else() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    let (scope, session) = (Scope::local(), SessionKey::from("talk").id());
    for (round, acknowledgements) in (1..).zip([1, 2, 5, 20]) {
        let first: u128 = round * 100_000;
        let other = start(&["talk", &place(&url, 3_600_000), &first.to_string()]);
        let acknowledged = tokio::task::block_in_place(|| kill_after(other, acknowledgements));
        // Whatever it held is free when it is gone.
        let mut last = first;
        while !store.read(&scope, run(last + 1), 0).await.unwrap().is_empty() {
            last += 1;
        }
        for held in [last, last + 1] {
            let lease = free(&store, run(held)).await;
            store.release(&lease).await.unwrap();
        }
        let said = store.load(&scope, session).await.unwrap().unwrap();
        let known: Vec<RunId> = said.exchanges.iter().map(|said| said.run).collect();
        for number in first..=last {
            let ended = store.read(&scope, run(number), 0).await.unwrap().len() == 3;
            assert_eq!(known.contains(&run(number)), ended, "{number}");
        }
        assert!(acknowledged.keys().all(|run| known.contains(run)), "{acknowledged:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_all_runs_share_a_commit_on_a_server() {
    let Some(server) = services::postgres() else { return };
    let store = Postgres::new(&server, false).store(1);
    let scope = Scope::local();
    let claims = (0..64).map(|number| store.claim(&scope, run(number), owner(1)));
    let leases: Vec<_> = join_all(claims).await.into_iter().map(Result::unwrap).collect();
    let before = store.write_stats();
    for lease in &leases {
        store.append(lease, events(1, 2)).unwrap();
    }
    for outcome in join_all(leases.iter().map(|_| store.durable())).await {
        outcome.unwrap();
    }
    let after = store.write_stats();
    assert_eq!(after.events - before.events, 128);
    // More than one only where rows were appended so slowly that the first did not wait for them.
    assert!(after.commits - before.commits <= 2, "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_a_run_of_another_process_is_told_that_it_has_grown() {
    let Some(server) = services::postgres() else { return };
    let form = Postgres::new(&server, false);
    let (one, two) = (form.store(1), form.store(2));
    let scope = Scope::local();
    let lease = one.claim(&scope, run(1), owner(1)).await.unwrap();
    let (told, elsewhere) = (two.told(run(1)), two.told(run(2)));
    one.append(&lease, events(1, 1)).unwrap();
    one.durable().await.unwrap();
    let minute = Duration::from_mins(1);
    tokio::time::timeout(minute, told).await.expect("nobody was told");
    assert_eq!(two.read(&scope, run(1), 0).await.unwrap().len(), 1);
    assert_eq!(futures::FutureExt::now_or_never(elsewhere), None);
    let shared: Arc<dyn Journal> = one;
    assert!(shared.is_durable());
}
