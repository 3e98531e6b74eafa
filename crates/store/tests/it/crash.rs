//! Processes that are killed, and processes that share a store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use largestack_ports::journal::Journal;
use largestack_ports::sessions::{SessionKey, Sessions as _};
use largestack_store::Store;
use largestack_types::errors::{Code, Coded};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

use crate::fixture::{block_on, event, events, open, owner, run};

/// Killed when the test ends, however it ends.
pub(crate) struct Other(pub(crate) Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

pub(crate) fn start(arguments: &[&str]) -> Other {
    let child = Command::new(env!("CARGO_BIN_EXE_largestack-store-child"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    Other(child.unwrap())
}

fn appending(folder: &Path, seed: &str, runs: &str) -> Other {
    start(&["append", folder.to_str().unwrap(), seed, runs])
}

/// Reads `acknowledgements` lines, kills the process, and returns the last one for each run.
pub(crate) fn kill_after(other: Other, acknowledgements: usize) -> BTreeMap<RunId, u64> {
    last_said(other, acknowledgements, |other| other.0.kill().unwrap())
}

/// Reads `acknowledgements` lines, does something to the process, and returns the last line for each
/// run that it said until its end.
pub(crate) fn last_said(
    mut other: Other,
    acknowledgements: usize,
    then: impl FnOnce(&mut Other),
) -> BTreeMap<RunId, u64> {
    let mut out = BufReader::new(other.0.stdout.take().unwrap());
    let mut text = String::new();
    for _ in 0..acknowledgements {
        assert_ne!(out.read_line(&mut text).unwrap(), 0, "ended by itself");
    }
    then(&mut other);
    out.read_to_string(&mut text).unwrap();
    // A line that was cut is not an acknowledgement.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let pairs = whole.lines().map(|line| line.split_once(' ').unwrap());
    pairs.map(|(run, seq)| (run.parse().unwrap(), seq.parse().unwrap())).collect()
}

/// Each run has its events from 1 without a gap, and all that were acknowledged.
pub(crate) fn check(store: &dyn Journal, acknowledged: &BTreeMap<RunId, u64>) {
    for (run, acknowledged) in acknowledged {
        let read = block_on(store.read(&Scope::local(), *run, 0)).unwrap();
        for (at, found) in read.iter().enumerate() {
            let expected = event(u64::try_from(at).unwrap() + 1);
            assert_eq!((found.seq, &found.event), (expected.seq, &expected.event));
        }
        assert!(read.len() as u64 >= *acknowledged, "{run}: {} of {acknowledged}", read.len());
    }
}

#[test]
fn a_killed_process_leaves_a_prefix_with_everything_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = BTreeMap::new();
    for acknowledgements in [1, 2, 5, 9, 40, 160] {
        let other = appending(folder.path(), "100", "4");
        let acknowledged = kill_after(other, acknowledgements);
        let store = open(folder.path());
        check(&store, &acknowledged);
        let last = acknowledged.values().max().copied().unwrap();
        assert!(last > before.values().max().copied().unwrap_or(0), "the next process goes on");
        before = acknowledged;
    }
}

#[test]
fn two_processes_write_to_one_store_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let lease = block_on(store.claim(&Scope::local(), run(1), owner(1))).unwrap();
    let other = appending(folder.path(), "100", "3");
    for seq in 1..=100 {
        store.append(&lease, events(seq, seq)).unwrap();
        block_on(store.durable()).unwrap();
    }
    let acknowledged = kill_after(other, 30);
    check(&store, &acknowledged);
    assert_eq!(block_on(store.read(&Scope::local(), run(1), 0)).unwrap(), events(1, 100).events);
}

#[test]
fn a_run_of_a_living_process_is_refused_and_free_once_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = start(&["hold", folder.path().to_str().unwrap(), &run(5).to_string()]);
    let mut line = String::new();
    BufReader::new(other.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    let store = open(folder.path());
    let claim = || block_on(store.claim(&Scope::local(), run(5), owner(1)));
    let error = claim().unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    let holder = format!("{} (process {})", owner(7), other.0.id());
    assert!(error.message().contains(&holder), "{error}");
    other.0.kill().unwrap();
    other.0.wait().unwrap();
    let lease = claim().unwrap();
    store.append(&lease, events(2, 2)).unwrap();
    block_on(store.durable()).unwrap();
    let read = block_on(store.read(&Scope::local(), run(5), 0)).unwrap();
    assert_eq!(read.len(), 2);
}

#[test]
fn a_process_whose_run_was_taken_over_writes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (open(folder.path()), open(folder.path()));
    let claim = |store: &Store, who| block_on(store.claim(&Scope::local(), run(1), owner(who)));
    let old = claim(&first, 1).unwrap();
    first.append(&old, events(1, 1)).unwrap();
    block_on(first.durable()).unwrap();
    assert_eq!(claim(&second, 2).unwrap_err().code(), Code::Conflict);
    // As if the first were dead: only somebody deleting its lock file can make it look so.
    for lock in std::fs::read_dir(folder.path().join("owners")).unwrap() {
        std::fs::remove_file(lock.unwrap().path()).unwrap();
    }
    let new = claim(&second, 2).unwrap();
    assert!(new.fence > old.fence);
    first.append(&old, events(2, 2)).unwrap();
    let error = block_on(first.durable()).unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    assert!(error.message().contains("taken over"), "{error}");
    assert_eq!(first.append(&old, events(3, 3)).unwrap_err(), error);
    assert_eq!(block_on(first.durable()).unwrap_err(), error);
    second.append(&new, events(2, 3)).unwrap();
    block_on(second.durable()).unwrap();
    for store in [&first, &second] {
        let read = block_on(store.read(&Scope::local(), run(1), 0)).unwrap();
        assert_eq!(read, events(1, 3).events);
    }
}

#[test]
fn what_a_killed_process_said_is_remembered_where_its_end_is_recorded_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let session = SessionKey::from("talk").id();
    let mut remembered = 0;
    for (round, acknowledgements) in (1..).zip([1, 2, 5, 20, 60]) {
        let first = round * 100_000;
        let arguments = ["talk", folder.path().to_str().unwrap(), &first.to_string()];
        let acknowledged = kill_after(start(&arguments), acknowledgements);
        let store = open(folder.path());
        let said = block_on(store.load(&Scope::local(), session)).unwrap().unwrap();
        let ended = |run: RunId| block_on(store.read(&Scope::local(), run, 0)).unwrap().len() == 3;
        for exchange in &said.exchanges {
            assert!(ended(exchange.run), "{} is remembered and has not ended", exchange.run);
            assert_eq!(exchange.messages[0].text(), format!("said by {}", exchange.run));
        }
        let known: BTreeSet<RunId> = said.exchanges.iter().map(|said| said.run).collect();
        for number in (first..)
            .map(run)
            .take_while(|run| !block_on(store.read(&Scope::local(), *run, 0)).unwrap().is_empty())
        {
            assert_eq!(known.contains(&number), ended(number), "{number}");
        }
        assert!(acknowledged.keys().all(|run| known.contains(run)), "{acknowledged:?}");
        assert!(said.exchanges.len() >= remembered + acknowledgements, "what was there stays");
        remembered = said.exchanges.len();
    }
}
