//! What holds for every run.

use std::sync::Arc;

use largestack_engine::event::Resumed;
use largestack_engine::{Envelope, Event, Recorded, Run, Status};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;
use proptest::prelude::*;

use crate::world::{Turn, World, calls, definition, says};

pub(crate) fn script() -> Vec<Turn> {
    vec![
        calls(&[("look", r#"{"a":1}"#), ("look", r#"{"a":2}"#), ("look", r#"{"a":3}"#)]),
        calls(&[("look", r#"{"b":1}"#)]),
        says("done"),
    ]
}

fn fold(events: &[Event]) -> Run {
    let mut run = Run::new(RunId::from_u128(7), Arc::new(definition()));
    for event in events {
        run.apply(event).unwrap();
    }
    run
}

/// What must not depend on crashes: everything but attempts and the count of events.
fn essence(run: &Run) -> (Status, u32, u64, Vec<String>) {
    let messages = run.messages().iter().map(|m| serde_json::to_string(m).unwrap()).collect();
    (run.status(), run.turns(), u64::try_from(run.cost().nanos()).unwrap(), messages)
}

#[test]
fn a_run_is_the_fold_of_its_events_at_every_prefix() {
    let mut world = World::new(definition(), script());
    let mut states = vec![world.run.clone()];
    while world.round(|_| {}) {
        states.push(world.run.clone());
    }
    states.push(world.run.clone());
    for state in states {
        let events = &world.journal[..usize::try_from(state.seq()).unwrap()];
        assert_eq!(fold(events), state);
    }
}

#[test]
fn a_snapshot_reads_back_as_the_run_it_was_taken_of() {
    let mut world = World::new(definition(), script());
    loop {
        let text = serde_json::to_string(&world.run).unwrap();
        assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), world.run);
        if !world.round(|_| {}) {
            break;
        }
    }
}

/// A journal whose events up to this one were given up, written and read again.
fn compacted(journal: &[Event], upto: usize) -> Vec<Event> {
    let left = fold(&journal[..upto]).compacted(&fold(&journal[..1])).unwrap();
    assert_eq!(left.events, upto as u64 - 1);
    let written = Event::Compacted(left).data().unwrap();
    let read = Event::read("compacted", &written).unwrap().unwrap();
    [&journal[..1], &[read], &journal[upto..]].concat()
}

#[test]
fn a_journal_that_was_compacted_anywhere_folds_to_the_same_run_at_every_later_event() {
    let whole = World::new(definition(), script()).ended().journal;
    for upto in 2..=whole.len() {
        let short = compacted(&whole, upto);
        for last in upto..=whole.len() {
            assert_eq!(fold(&short[..2 + last - upto]), fold(&whole[..last]), "{upto}, {last}");
        }
    }
}

#[test]
fn what_was_compacted_once_is_compacted_again_and_goes_on_as_if_nothing_had_been_left_out() {
    let whole = World::new(definition(), script()).ended();
    for cut in 2..whole.journal.len() {
        let mut world = World::new(definition(), script());
        world.journal = compacted(&whole.journal[..cut], cut);
        world.run = fold(&world.journal);
        if cut > 2 {
            let twice = fold(&world.journal).compacted(&fold(&world.journal[..1])).unwrap();
            assert_eq!(Event::Compacted(twice), world.journal[1]);
        }
        world.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(1) }));
        assert_eq!(essence(&world.ended().run), essence(&whole.run), "cut after event {cut}");
    }
}

#[test]
fn what_stands_for_events_is_refused_behind_others_and_where_there_is_nothing_to_leave() {
    let whole = World::new(definition(), script()).ended().journal;
    let (begun, later) = (fold(&whole[..1]), fold(&whole[..4]));
    assert_eq!(begun.compacted(&begun), None, "one event is no more than itself");
    assert_eq!(later.compacted(&fold(&whole[..2])), None);
    let left = Event::Compacted(later.compacted(&begun).unwrap());
    assert!(fold(&whole[..2]).apply(&left).is_err());
    let mut other = Run::new(RunId::from_u128(8), Arc::new(definition()));
    assert!(other.apply(&left).is_err(), "a run starts first");
    let fold_as = |id| {
        let mut other = Run::new(id, Arc::new(definition()));
        other.apply(&whole[0]).unwrap();
        other
    };
    let mut fork = fold_as(RunId::from_u128(8));
    assert_eq!(later.compacted(&fork), None, "it is another run's");
    fork.apply(&left).unwrap();
    assert_eq!((fork.id(), fork.seq()), (RunId::from_u128(8), 4), "a fork begins with it as well");
    assert!(fold(&whole).apply(&left).is_err(), "a run that has ended stays as it is");
}

#[test]
fn a_crash_after_any_event_changes_neither_the_history_nor_the_count_of_turns() {
    let whole = World::new(definition(), script()).ended();
    for cut in 1..whole.journal.len() {
        let mut world = World::new(definition(), script());
        world.run = fold(&whole.journal[..cut]);
        world.journal = whole.journal[..cut].to_vec();
        if !world.run.status().is_final() {
            world.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(1) }));
        }
        let world = world.ended();
        assert_eq!(essence(&world.run), essence(&whole.run), "cut after event {cut}");
    }
}

#[test]
fn an_engine_that_keeps_only_outcomes_folds_to_the_same_run() {
    let whole = World::new(definition(), script()).ended();
    let outcomes: Vec<Event> = whole
        .journal
        .iter()
        .filter(|event| !matches!(event, Event::EffectStarted(_)))
        .cloned()
        .collect();
    assert_eq!(essence(&fold(&outcomes)), essence(&whole.run));
}

#[test]
fn a_tool_that_is_not_idempotent_and_was_cut_off_is_in_doubt_and_an_idempotent_one_is_due() {
    let mut world =
        World::new(definition(), vec![calls(&[("look", "{}"), ("act", "{}")]), says("done")]);
    world.round(|_| {});
    for effect in world.ready() {
        world.start(effect);
    }
    world.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(1) }));
    let ready = world.ready();
    assert_eq!(ready.len(), 1, "only the idempotent call may start again");
    assert_eq!(&*world.run.tool_call(ready[0].id()).unwrap().name, "look");
    assert_eq!(world.run.status(), Status::Running);
    world.round(|_| {});
    assert_eq!(world.run.status(), Status::Suspended);
    assert_eq!(world.run.waits().len(), 1);
}

proptest! {
    #[test]
    fn results_stand_in_the_order_of_the_calls_whatever_order_they_arrive_in(
        order in Just(vec![0usize, 1, 2]).prop_shuffle()
    ) {
        let straight = World::new(definition(), script()).ended();
        let mut world = World::new(definition(), script());
        world.round(|_| {});
        world.round(|ready| *ready = order.iter().map(|index| ready[*index]).collect());
        let world = world.ended();
        prop_assert_eq!(essence(&world.run), essence(&straight.run));
    }
}

#[test]
fn every_event_reads_back_from_its_envelope() {
    let whole = World::new(definition(), script()).ended();
    let tenant = TenantId::new("local").unwrap();
    for (seq, event) in (1..).zip(&whole.journal) {
        let at = Timestamp::from_micros(5);
        let recorded = Recorded { seq, at, event: Arc::new(event.clone()) };
        let envelope = Envelope::seal(&tenant, whole.run.id(), &recorded).unwrap();
        let text = serde_json::to_string(&envelope).unwrap();
        let back: Envelope = serde_json::from_str(&text).unwrap();
        assert_eq!(back.open().unwrap(), recorded);
    }
}

#[test]
fn an_event_of_a_newer_version_is_refused() {
    let whole = World::new(definition(), script());
    let tenant = TenantId::new("local").unwrap();
    let event = Arc::new(whole.journal[0].clone());
    let recorded = Recorded { seq: 1, at: Timestamp::default(), event };
    let mut envelope = Envelope::seal(&tenant, whole.run.id(), &recorded).unwrap();
    envelope.v += 1;
    let error = envelope.open().unwrap_err();
    assert_eq!(largestack_types::error::Coded::code(&error).name(), "LARGESTACK_JOURNAL_VERSION");
}
