//! Calls that wait for something from outside, or for a moment.

use std::sync::Arc;

use largestack_engine::event::{CallWaits, CancelReason, CancelRequested, Forked, Resumed};
use largestack_engine::{Event, FoldError, Run, Status, Wait};
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::time::Timestamp;

use crate::world::{World, calls, definition, says};

const UNTIL: Timestamp = Timestamp::from_micros(9_000_000);

fn waits(effect: EffectId, event: Option<&str>, until: Option<Timestamp>) -> Event {
    Event::CallWaits(CallWaits { effect, event: event.map(Into::into), until })
}

/// A run whose two calls wait: the first for an event, the second for a moment.
fn waiting() -> (World, EffectId, EffectId) {
    let script = vec![calls(&[("look", r#"{"n":1}"#), ("act", r#"{"n":2}"#)]), says("done")];
    let mut world = World::new(definition(), script);
    let model = world.ready()[0];
    world.start(model);
    world.record(world.outcome(model));
    let due = world.ready();
    for effect in &due {
        world.start(*effect);
    }
    world.record(waits(due[0].id(), Some("paid"), None));
    world.record(waits(due[1].id(), None, Some(UNTIL)));
    (world, due[0].id(), due[1].id())
}

#[test]
fn a_run_whose_calls_all_wait_is_suspended_and_says_for_what() {
    let (world, first, second) = waiting();
    assert_eq!(world.run.status(), Status::Suspended);
    assert!(world.ready().is_empty());
    let expected = [
        Wait::Event { effect: first, name: "paid".into(), until: None },
        Wait::Timer { effect: second, until: UNTIL },
    ];
    assert_eq!(world.run.waits(), expected);
    let read: Run = serde_json::from_str(&serde_json::to_string(&world.run).unwrap()).unwrap();
    assert_eq!(read, world.run);
}

#[test]
fn whoever_takes_it_up_finds_the_same_waits_and_no_call_is_begun_anew_or_in_doubt() {
    let (mut world, ..) = waiting();
    let before = world.run.waits();
    world.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(2) }));
    assert_eq!((world.run.waits(), world.ready()), (before, Vec::new()));
}

#[test]
fn a_call_that_has_its_result_waits_no_longer_and_the_turn_goes_on_with_the_last() {
    let (mut world, first, second) = waiting();
    for effect in [first, second] {
        assert_eq!(world.run.status(), Status::Suspended);
        let tool = largestack_engine::Effect::Tool { id: effect, attempt: 1, approved: true };
        world.record(world.outcome(tool));
    }
    assert_eq!(world.run.status(), Status::Running);
    assert_eq!(world.ready().len(), 1);
}

#[test]
fn a_wait_for_nothing_has_no_place_in_a_journal() {
    let (mut world, first, _) = waiting();
    let nothing = world.run.apply(&waits(first, None, None)).unwrap_err();
    assert!(matches!(nothing, FoldError::NoSuchEffect { kind: "call_waits", .. }), "{nothing:?}");
    let nobody = world.run.apply(&waits(EffectId::new(99), Some("paid"), None)).unwrap_err();
    assert!(matches!(nobody, FoldError::NoSuchEffect { .. }), "{nobody:?}");
}

#[test]
fn a_waiting_run_can_be_cancelled_and_its_history_stays_paired() {
    let (mut world, ..) = waiting();
    world.record(Event::CancelRequested(CancelRequested {
        reason: CancelReason::KillSwitch,
        by: "ann".into(),
        note: "".into(),
    }));
    let end = world.run.conclusion().unwrap();
    world.record(Event::RunFinished(end));
    assert_eq!(world.run.status(), Status::Cancelled);
    let results = world
        .run
        .own_messages()
        .iter()
        .filter(|message| message.role == largestack_types::message::Role::Tool);
    assert_eq!(results.count(), 2);
}

#[test]
fn a_fork_of_a_waiting_run_waits_for_the_same() {
    let (world, ..) = waiting();
    let mut fork = Run::new(RunId::from_u128(8), Arc::clone(world.run.definition()));
    for event in &world.journal {
        fork.apply(event).unwrap();
    }
    let at = fork.seq();
    fork.apply(&Event::Forked(Forked {
        of: world.run.id(),
        at,
        by: "ann".into(),
        adjusted: None,
        input: None,
        values: Vec::new(),
        written: None,
    }))
    .unwrap();
    assert_eq!(fork.waits(), world.run.waits());
}
