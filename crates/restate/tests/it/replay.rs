//! The laws of an attempt that dies anywhere, over a model of the engine outside.

use std::path::Path;

use largestack_engine::{EndReason, Status};
use largestack_ports::journal::Journal as _;
use largestack_restate::Outcome;
use largestack_restate::invocation::Ended;
use largestack_types::error::{Code, Coded};
use largestack_types::id::RunId;
use largestack_types::money::Money;

use crate::history::{Dies, History};
use crate::world::{PRICE, World, lines, traces};

const RUN: RunId = RunId::from_u128((9 << 80) | 1);

fn outcome(ended: Option<Result<Ended, largestack_restate::invocation::Stop>>) -> Outcome {
    match ended {
        Some(Ok(Ended::Run(outcome))) => *outcome,
        other => panic!("{other:?}"),
    }
}

/// What a run leaves behind: its outcome, its traces, and the kinds of the facts in the copy.
async fn leaves(
    folder: &Path,
    name: &str,
    dies: &[(usize, Dies)],
) -> (Outcome, Vec<String>, usize) {
    let history = History::default();
    for dies in dies {
        // Another process each time: nothing but the history and the store outlives it.
        let world = World::open(folder);
        let ended = history.attempt(&world, (RUN, name), Some(*dies)).await;
        // What is appended while the store is asked goes into the same step or the next one: a run
        // may have ended before the last of them.
        let died_or_ended = matches!(ended, None | Some(Ok(Ended::Run(_))));
        assert!(died_or_ended, "{dies:?}: {ended:?}");
        assert!(ended.is_none() || dies.0 > 3, "{dies:?}: {ended:?}");
    }
    let world = World::open(folder);
    let outcome = outcome(history.attempt(&world, (RUN, name), None).await);
    let copy = world.store.run(&world.scope, RUN).await.unwrap().unwrap();
    assert_eq!((copy.status, copy.seq > 0), (outcome.status, true));
    assert_eq!(copy.engine.as_deref(), Some("Restate in a test"));
    let copied = world.store.read(&world.scope, RUN, 0).await.unwrap();
    assert_eq!(copied.len() as u64, copy.seq, "the copy has no gaps");
    (outcome, traces(folder), history.len())
}

async fn dies_anywhere(name: &str, effects: usize, calls: i64) {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    let (expected, witness, steps) = leaves(&whole, name, &[]).await;
    assert_eq!(expected.status, Status::Completed);
    assert_eq!(expected.cost, Money::from_nanos(PRICE.nanos() * calls));
    assert_eq!(witness.len(), effects);
    for at in 0..steps {
        for dies in [Dies::Before, Dies::Within, Dies::After] {
            let folder = root.path().join(format!("{dies:?}-{at}"));
            let (outcome, left, _) = leaves(&folder, name, &[(at, dies)]).await;
            assert_eq!(outcome.text, expected.text, "{dies:?} {at}");
            assert_eq!(outcome.status, expected.status, "{dies:?} {at}");
            assert_eq!(left, witness, "{dies:?} {at}: each effect once");
            assert_eq!(outcome.cost, expected.cost, "{dies:?} {at}");
        }
    }
}

#[tokio::test]
async fn a_run_whose_attempt_dies_at_any_step_ends_as_if_nothing_had_happened() {
    dies_anywhere("chores", 4, 4).await;
}

#[tokio::test]
async fn an_agent_below_goes_on_with_the_run_that_called_it() {
    dies_anywhere("boss", 1, 4).await;
}

#[tokio::test]
async fn a_workflow_whose_attempt_dies_at_any_step_ends_as_if_nothing_had_happened() {
    dies_anywhere("flow", 1, 2).await;
}

#[tokio::test]
async fn attempt_after_attempt_may_die_and_each_goes_on_from_what_is_recorded() {
    let root = tempfile::tempdir().unwrap();
    let (expected, witness, steps) = leaves(&root.path().join("whole"), "chores", &[]).await;
    let every: Vec<_> = (0..steps).map(|at| (at, Dies::After)).collect();
    let (outcome, left, _) = leaves(&root.path().join("every"), "chores", &every).await;
    assert_eq!((&outcome.text, &left), (&expected.text, &witness));
    let asked = lines(&root.path().join("every/asked"));
    // Each attempt records that it goes on and dies: the call that it cut off is made again, and one
    // whose answer is recorded is not.
    assert!(asked.is_sorted(), "an answer that was recorded was paid again: {asked:?}");
}

#[tokio::test]
async fn a_call_that_was_cut_off_and_may_have_happened_is_asked_about_and_not_repeated() {
    let root = tempfile::tempdir().unwrap();
    let history = History::default();
    // Until the call that must not be repeated has left its trace and is not recorded.
    for at in 0..20 {
        for dies in [Dies::Within, Dies::After] {
            let world = World::open(root.path());
            let died = history.attempt(&world, (RUN, "boss"), Some((at, dies))).await;
            assert!(died.is_none(), "{at} {dies:?}: {died:?}");
            if !lines(&root.path().join("acts")).is_empty() {
                break;
            }
        }
        if !lines(&root.path().join("acts")).is_empty() {
            break;
        }
    }
    let world = World::open(root.path());
    let ended = outcome(history.attempt(&world, (RUN, "boss"), None).await);
    assert_eq!(ended.status, Status::Completed);
    assert_eq!(lines(&root.path().join("acts")).len(), 1, "it is not repeated");
    let told = format!("{:?}", history.entries.lock().unwrap());
    assert!(told.contains("in doubt"), "somebody was asked: {told}");
}

#[tokio::test]
async fn a_cancelled_invocation_ends_its_run_as_cancelled_wherever_it_stands() {
    let root = tempfile::tempdir().unwrap();
    let (_, _, steps) = leaves(&root.path().join("whole"), "chores", &[]).await;
    for at in 0..steps {
        let folder = root.path().join(format!("at-{at}"));
        let history = History { cancelled_at: Some(at), ..History::default() };
        let world = World::open(&folder);
        let first = outcome(history.attempt(&world, (RUN, "chores"), None).await);
        if at + 1 < steps {
            assert_eq!(first.status, Status::Cancelled, "at {at}");
            assert_eq!(first.reason, Some(EndReason::Cancelled), "at {at}");
        }
        let world = World::open(&folder);
        let again = outcome(history.attempt(&world, (RUN, "chores"), None).await);
        assert_eq!(again, first, "a replay says the same");
    }
}

#[tokio::test]
async fn what_a_run_may_spend_holds_over_attempts() {
    let root = tempfile::tempdir().unwrap();
    let (_, _, steps) = {
        let folder = root.path().join("whole");
        let history = History::default();
        let world = World::open(&folder);
        let ended = outcome(history.attempt(&world, (RUN, "thrifty"), None).await);
        assert_eq!(ended.error.as_ref().map(Coded::code), Some(Code::Budget), "{ended:?}");
        (ended, world, history.len())
    };
    for at in 0..steps {
        for dies in [Dies::Before, Dies::After] {
            let folder = root.path().join(format!("{dies:?}-{at}"));
            let history = History::default();
            let world = World::open(&folder);
            let died = history.attempt(&world, (RUN, "thrifty"), Some((at, dies))).await;
            assert!(died.is_none() || at > 1, "{at} {dies:?}: {died:?}");
            drop(world);
            // The account is opened again with what was spent before.
            let world = World::open(&folder);
            let ended = outcome(history.attempt(&world, (RUN, "thrifty"), None).await);
            assert_eq!(ended.error.as_ref().map(Coded::code), Some(Code::Budget), "{dies:?} {at}");
            assert_eq!(ended.cost, PRICE, "{dies:?} {at}");
        }
    }
}

#[tokio::test]
async fn a_copy_that_somebody_has_gone_on_with_is_told_and_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let history = History::default();
    let world = World::open(root.path());
    let died = history.attempt(&world, (RUN, "chores"), Some((1, Dies::After))).await;
    assert!(died.is_none());
    drop(world);
    let world = World::open(root.path());
    let other = largestack_types::id::OwnerId::from_u128(7);
    let lease = world.store.claim(&world.scope, RUN, other).await.unwrap();
    let there = world.store.read(&world.scope, RUN, 0).await.unwrap();
    let mut own = there.last().unwrap().clone();
    own.seq += 1;
    let batch = largestack_ports::journal::Batch::of(own);
    world.store.append(&lease, batch).unwrap();
    world.store.release(&lease).await.unwrap();
    world.store.durable().await.unwrap();
    match history.attempt(&world, (RUN, "chores"), None).await {
        Some(Err(largestack_restate::invocation::Stop::Failed(error))) => {
            assert_eq!(error.code(), Code::Journal, "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.store.read(&world.scope, RUN, 0).await.unwrap().len(), there.len() + 1);
}
