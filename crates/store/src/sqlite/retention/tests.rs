//! What comes between the look and the removal.

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::event::{DoubtDecision, DoubtSettled, Event};
use largestack_engine::{Recorded, Status};
use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_ports::journal::{Batch, Journal as _};
use largestack_types::id::EffectId;
use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;

use super::*;

const OWNER: OwnerId = OwnerId::from_u128(1);

fn run(number: u128) -> RunId {
    RunId::from_u128(number)
}

fn saying(seq: u64, text: &str) -> Recorded {
    let (effect, decision) = (EffectId::INPUT, DoubtDecision::Fail);
    let event = Event::DoubtSettled(DoubtSettled { effect, decision, by: text.into() });
    Recorded { seq, at: Timestamp::from_micros(1), event: Arc::new(event) }
}

fn line(number: u128) -> RunSummary {
    let at = Timestamp::from_micros(1);
    RunSummary {
        run: run(number),
        root: run(number),
        agent: "a".into(),
        model: "m".into(),
        definition: Hash::of(b"definition"),
        status: Status::Completed,
        reason: None,
        input: String::new(),
        seq: 1,
        turns: 1,
        usage: Usage::default(),
        cost: Money::ZERO,
        started: at,
        updated: at,
        engine: None,
    }
}

/// Leaves a run of these events, with parts that they name.
async fn left(store: &Store, number: u128, events: Vec<Recorded>, parts: &[&[u8]]) {
    let scope = Scope::local();
    let lease = store.claim(&scope, run(number), OWNER).await.unwrap();
    let blobs = parts.iter().map(|part| (Hash::of(part), Bytes::copy_from_slice(part))).collect();
    let batch = Batch { events, blobs, summary: Some(line(number)), ..Batch::default() };
    store.append(&lease, batch).unwrap();
    store.release(&lease).await.unwrap();
    store.durable().await.unwrap();
}

fn naming(part: &[u8]) -> Vec<Recorded> {
    vec![saying(1, &format!("see {}", Hash::of(part)))]
}

fn open(folder: &Path) -> Store {
    let (ids, clock) = (Arc::new(CountingIds::default()), Arc::new(FakeClock::default()));
    Store::open(folder, crate::Options::new(ids, clock)).unwrap()
}

/// The plan of a look now, and a removal of all of it.
async fn looked(store: &Store, keep: u64) -> Plan {
    let (path, owners) = (store.state_path(), store.folder().join("owners"));
    let work = move |connection: &Connection| {
        let of = Of { connection, tenant: "local", path: &path };
        look(&of, &owners, Rule { keep, ..Rule::default() })
    };
    store.read_state(work).await.unwrap()
}

async fn removed(store: &Store, mut plan: Plan) -> (Plan, Pruned) {
    let (path, owners) = (store.state_path(), store.folder().join("owners"));
    let work = move |connection: &Connection| {
        let of = Of { connection, tenant: "local", path: &path };
        let all = 0..plan.trees.len();
        let pruned = remove(&of, &owners, &mut plan, all)?;
        Ok((plan, pruned))
    };
    store.write(work).await.unwrap()
}

#[tokio::test]
async fn a_run_that_is_forked_after_the_look_stays_with_its_parts_and_so_does_a_part_named_since() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    left(&store, 1, naming(b"film"), &[b"film"]).await;
    left(&store, 2, naming(b"picture"), &[b"picture"]).await;
    left(&store, 3, naming(b"sound"), &[b"sound"]).await;
    let plan = looked(&store, 0).await;
    assert_eq!((plan.trees.len(), plan.parts.len()), (3, 3));
    // One is forked, and another process writes what a second one has.
    let forked = Forked {
        of: run(1),
        at: 1,
        by: "me".into(),
        input: None,
        adjusted: None,
        values: Vec::new(),
        written: None,
    };
    let forked =
        Recorded { seq: 2, at: Timestamp::from_micros(1), event: Arc::new(Event::Forked(forked)) };
    let mut events = naming(b"film");
    events.push(forked);
    left(&store, 8, events, &[]).await;
    left(&store, 9, naming(b"picture"), &[]).await;
    let (plan, pruned) = removed(&store, plan).await;
    assert_eq!((pruned.runs, pruned.blobs, plan.kept.forked), (2, 1, 1));
    let scope = Scope::local();
    for (part, stays) in [(&b"film"[..], true), (b"picture", true), (b"sound", false)] {
        assert_eq!(store.blob(&scope, Hash::of(part)).await.unwrap().is_some(), stays);
    }
    assert!(!store.read(&scope, run(1), 0).await.unwrap().is_empty());
    assert!(store.read(&scope, run(2), 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_that_somebody_holds_by_then_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    left(&store, 1, naming(b"film"), &[b"film"]).await;
    let plan = looked(&store, 0).await;
    let lease = store.claim(&Scope::local(), run(1), OWNER).await.unwrap();
    let (plan, pruned) = removed(&store, plan).await;
    assert_eq!((pruned.runs, plan.kept.held), (0, 1));
    store.release(&lease).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_write_while_runs_are_removed_and_nobody_else_removes_any() {
    let folder = tempfile::tempdir().unwrap();
    let (removing, writing) = (open(folder.path()), open(folder.path()));
    for number in 1..=24 {
        let events = (1..=1_000).map(|seq| saying(seq, "a word")).collect();
        left(&removing, number, events, &[]).await;
    }
    let scope = Scope::local();
    let rule = Rule::default();
    let done = std::sync::atomic::AtomicBool::new(false);
    let prune = async {
        let pruned = removing.prune(&scope, rule).await.unwrap();
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        pruned
    };
    let write = async {
        let mut written = 0_u64;
        let mut number = 1_000;
        while !done.load(std::sync::atomic::Ordering::SeqCst) {
            left(&writing, number, vec![saying(1, "meanwhile")], &[]).await;
            (number, written) = (number + 1, written + 1);
        }
        written
    };
    let (pruned, written) = futures::join!(prune, write);
    // And what others had ended before it looked.
    assert!((24_000..=24_000 + written).contains(&pruned.events), "{}", pruned.events);
    // One could have waited for all of it; on a busy machine there are few more.
    assert!(written > 1, "{written} written beside five transactions");
    let alone = alone(folder.path()).unwrap();
    assert!(writing.prune(&scope, rule).await.is_err());
    drop(alone);
    assert!(writing.prune(&scope, rule).await.is_ok());
}
