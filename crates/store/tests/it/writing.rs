//! When rows are written: together, soon, at the end, and not at all once something failed.

use std::time::Duration;

use futures::future::join_all;
use largestack_ports::journal::{Batch, Journal, Lease};
use largestack_store::{Options, Store};
use largestack_types::errors::{Code, Coded};
use largestack_types::scope::Scope;

use crate::fixture::{block_on, event_saying, events, open, options, owner, run};

fn claim(store: &Store, number: u128) -> Lease {
    block_on(store.claim(&Scope::local(), run(number), owner(1))).unwrap()
}

#[test]
fn rows_of_all_runs_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let scope = Scope::local();
    let claims = (0..64).map(|number| store.claim(&scope, run(number), owner(1)));
    let leases: Vec<_> = block_on(join_all(claims)).into_iter().map(Result::unwrap).collect();
    let before = store.write_stats();
    for lease in &leases {
        store.append(lease, events(1, 2)).unwrap();
    }
    for outcome in block_on(join_all(leases.iter().map(|_| store.durable()))) {
        outcome.unwrap();
    }
    let after = store.write_stats();
    assert_eq!(after.events - before.events, 128);
    assert_eq!(after.barriers - before.barriers, 64);
    // More than one only where rows were appended so slowly that the first did not wait for them.
    assert!(after.commits - before.commits <= 2, "{after:?}");
}

#[test]
fn a_barrier_with_nothing_before_it_commits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    block_on(store.durable()).unwrap();
    assert_eq!((store.write_stats().commits, store.write_stats().barriers), (0, 1));
    let lease = claim(&store, 1);
    store.append(&lease, events(1, 5)).unwrap();
    block_on(store.durable()).unwrap();
    block_on(store.durable()).unwrap();
    let stats = store.write_stats();
    assert_eq!((stats.events, stats.barriers), (5, 3));
}

#[test]
fn rows_that_nobody_waits_for_are_written_soon() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let lease = claim(&store, 1);
    let other = Store::open_read_only(folder.path()).unwrap();
    for seq in 1..=2 {
        store.append(&lease, events(seq, seq)).unwrap();
        let seen = (0..2_000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            block_on(other.read(&Scope::local(), run(1), 0)).unwrap().len() as u64 == seq
        });
        assert!(seen, "event {seq} was never written");
    }
}

#[test]
fn the_last_clone_to_go_writes_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let lease = claim(&store, 1);
    store.append(&lease, events(1, 9)).unwrap();
    let clone = store.clone();
    drop(store);
    clone.append(&lease, events(10, 10)).unwrap();
    drop(clone);
    let store = open(folder.path());
    assert_eq!(block_on(store.read(&Scope::local(), run(1), 0)).unwrap(), events(1, 10).events);
}

/// Appends until the store is full; how many events were acknowledged.
fn fill(store: &Store, lease: &Lease) -> u64 {
    let text = "x".repeat(1_000);
    for seq in 1..10_000 {
        store.append(lease, Batch::of(event_saying(seq, &text))).unwrap();
        if let Err(error) = block_on(store.durable()) {
            assert_eq!(error.code(), Code::Store);
            assert!(error.message().contains("no space left for"), "{error}");
            assert!(error.message().contains("state.db"), "{error}");
            return seq - 1;
        }
    }
    unreachable!("ten megabytes do not fit half a megabyte")
}

#[test]
fn a_full_disk_is_told_to_everybody_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let limited = Options { size_limit: Some(512 * 1024), ..options() };
    let store = Store::open(folder.path(), limited).unwrap();
    let lease = claim(&store, 1);
    let acknowledged = fill(&store, &lease);
    assert!(acknowledged > 100, "{acknowledged}");
    let error = block_on(store.durable()).unwrap_err();
    assert!(error.message().contains("no space left"), "{error}");
    let late = store.append(&lease, Batch::of(event_saying(acknowledged + 2, "late")));
    assert_eq!(late.unwrap_err(), error);
    let other = block_on(store.claim(&Scope::local(), run(2), owner(1)));
    assert_eq!(other.unwrap_err(), error);
    // What was acknowledged is still read, by this store and by the next one, which goes on.
    let read = |store: &Store| block_on(store.read(&Scope::local(), run(1), 0)).unwrap();
    assert_eq!(read(&store).len() as u64, acknowledged);
    drop(store);
    let store = open(folder.path());
    assert_eq!(read(&store).len() as u64, acknowledged);
    let lease = claim(&store, 1);
    store.append(&lease, Batch::of(event_saying(acknowledged + 1, "space again"))).unwrap();
    block_on(store.durable()).unwrap();
}

#[test]
fn a_barrier_that_is_dropped_and_one_that_is_polled_often_harm_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let lease = claim(&store, 1);
    for seq in 1..=20 {
        store.append(&lease, events(seq, seq)).unwrap();
        let mut abandoned = store.durable();
        let _pending = futures::FutureExt::now_or_never(&mut abandoned);
        let _pending = futures::FutureExt::now_or_never(&mut abandoned);
        drop(abandoned);
        if seq % 5 == 0 {
            block_on(store.durable()).unwrap();
        }
    }
    assert_eq!(block_on(store.read(&Scope::local(), run(1), 0)).unwrap().len(), 20);
}

#[test]
fn runs_on_several_threads_each_find_their_own_events_behind_every_barrier() {
    const RUNS: u128 = 12;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    runtime.block_on(async {
        let work = (0..RUNS).map(|number| {
            let store = store.clone();
            runtime.spawn(async move {
                let scope = Scope::local();
                for round in 0..5 {
                    let lease = store.claim(&scope, run(number), owner(number + 1)).await.unwrap();
                    let first = round * 3 + 1;
                    store.append(&lease, events(first, first)).unwrap();
                    store.append(&lease, events(first + 1, first + 2)).unwrap();
                    store.durable().await.unwrap();
                    let read = store.read(&scope, run(number), 0).await.unwrap();
                    assert_eq!(read, events(1, first + 2).events);
                    store.release(&lease).await.unwrap();
                }
            })
        });
        for outcome in join_all(work).await {
            outcome.unwrap();
        }
    });
    let stats = store.write_stats();
    assert_eq!((stats.events, stats.barriers), (12 * 15, 12 * 5));
}
