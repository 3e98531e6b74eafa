//! Limits, on both sides of each.

use largestack_engine::event::{LimitReached, ModelFailed};
use largestack_engine::status::Limit;
use largestack_engine::{Definition, EndReason, Event, LAST_TURN, Status};
use largestack_types::errors::{BudgetExceededError, LargestackError, LoopDetectedError};
use largestack_types::limits::{Limits, OnLimit};
use largestack_types::money::Money;

use crate::world::{Turn, World, calls, definition, says};

fn with(limits: Limits) -> Definition {
    Definition { limits, ..definition() }
}

fn different(count: usize) -> Vec<Turn> {
    (0..count).map(|n| calls(&[("look", &format!(r#"{{"n":{n}}}"#))])).collect()
}

#[test]
fn at_the_limit_of_turns_one_last_turn_without_tools_gives_an_incomplete_answer() {
    let limits = Limits { max_turns: 3, ..Limits::default() };
    let mut script = different(3);
    script.push(says("best effort"));
    let mut world = World::new(with(limits), script);
    for _ in 0..6 {
        world.round(|_| {});
    }
    assert_eq!(world.run.turns(), 3);
    let call = world.run.call(false);
    assert_eq!(call.tool_choice, largestack_types::call::ToolChoice::None);
    assert_eq!(call.messages.last().unwrap().text(), LAST_TURN);
    let world = world.ended();
    assert_eq!(world.run.status(), Status::Incomplete);
    assert_eq!(world.run.end().unwrap().reason, EndReason::MaxTurns);
    assert_eq!(world.run.output().unwrap().text(), "best effort");
}

#[test]
fn an_answer_in_the_last_allowed_turn_is_complete() {
    let limits = Limits { max_turns: 3, ..Limits::default() };
    let mut script = different(2);
    script.push(says("done"));
    let world = World::new(with(limits), script).ended();
    assert_eq!(world.run.status(), Status::Completed);
    assert_eq!(world.run.turns(), 3);
}

#[test]
fn a_model_that_calls_tools_in_its_last_turn_is_not_obeyed_and_its_history_stays_paired() {
    let limits = Limits { max_turns: 1, ..Limits::default() };
    let world = World::new(with(limits), different(2)).ended();
    assert_eq!(world.run.status(), Status::Incomplete);
    let asked: usize = world.run.messages().iter().map(|m| m.tool_calls().count()).sum();
    let answered =
        world.roles().iter().filter(|r| **r == largestack_types::message::Role::Tool).count();
    assert_eq!((asked, answered), (2, 2));
}

#[test]
fn with_on_limit_error_the_run_fails_before_the_tools_of_the_last_turn_run() {
    let limits = Limits { max_turns: 2, on_limit: OnLimit::Error, ..Limits::default() };
    let world = World::new(with(limits), different(3)).ended();
    let end = world.run.end().unwrap();
    assert_eq!(end.status, Status::Failed);
    let expected = LoopDetectedError { turns: 2, reason: "max_turns".into() };
    assert_eq!(end.error, Some(LargestackError::from(expected)));
}

#[test]
fn identical_turns_end_in_one_last_turn() {
    let mut script = vec![calls(&[("look", "{}")]); 3];
    script.push(says("stuck"));
    let world = World::new(definition(), script).ended();
    assert_eq!(world.run.end().unwrap().reason, EndReason::RepeatedCalls);
    assert_eq!(world.run.turns(), 4);
}

#[test]
fn tool_calls_over_their_limit_are_not_run() {
    let limits = Limits { max_tool_calls: Some(2), ..Limits::default() };
    let mut script = different(3);
    script.push(says("enough"));
    let world = World::new(with(limits.clone()), script).ended();
    assert_eq!(world.run.end().unwrap().reason, EndReason::MaxToolCalls);
    let ran = |world: &World| {
        world.journal.iter().filter(|event| matches!(event, Event::ToolReturned(_))).count()
    };
    assert_eq!(ran(&world), 2);
    let mut script = different(2);
    script.push(says("within"));
    let world = World::new(with(limits), script).ended();
    assert_eq!((world.run.status(), ran(&world)), (Status::Completed, 2));
}

#[test]
fn a_budget_that_cannot_cover_the_next_turn_leaves_one_last_turn() {
    let mut script = different(1);
    script.push(says("cheap"));
    let mut world = World::new(definition(), script);
    world.round(|_| {});
    world.round(|_| {});
    let effect = world.ready()[0];
    world.start(effect);
    let error = BudgetExceededError {
        scope: "run".into(),
        committed: Money::from_nanos(100),
        needed: Money::from_nanos(50),
        budget: Money::from_nanos(120),
    };
    let failed = ModelFailed {
        effect: effect.id(),
        error: error.clone().into(),
        call: largestack_engine::event::CallRecord::default(),
    };
    world.record(Event::ModelFailed(failed));
    let world = world.ended();
    assert_eq!(world.run.end().unwrap().reason, EndReason::Budget);
    assert_eq!(world.run.status(), Status::Incomplete);

    let mut first = World::new(definition(), vec![says("never")]);
    let effect = first.ready()[0];
    let call = largestack_engine::event::CallRecord::default();
    first.record(Event::ModelFailed(ModelFailed {
        effect: effect.id(),
        error: error.clone().into(),
        call,
    }));
    let first = first.ended();
    assert_eq!(first.run.end().unwrap().error, Some(error.into()));
}

#[test]
fn time_that_runs_out_in_a_model_call_ends_the_run_and_between_calls_leaves_one_last_turn() {
    let event = || {
        let error = LoopDetectedError { turns: 0, reason: "wall_clock".into() }.into();
        Event::LimitReached(LimitReached { limit: Limit::WallClock, error })
    };
    let mut within = World::new(definition(), vec![says("late")]);
    let effect = within.ready()[0];
    within.start(effect);
    within.record(event());
    assert_eq!(within.run.conclusion().unwrap().reason, EndReason::WallClock);
    assert!(within.ready().is_empty());

    let mut between = World::new(definition(), vec![calls(&[("look", "{}")]), says("short")]);
    between.round(|_| {});
    between.record(event());
    let between = between.ended();
    assert_eq!(between.run.end().unwrap().reason, EndReason::WallClock);
    assert_eq!(between.run.output().unwrap().text(), "short");
}

#[test]
fn no_more_tools_are_in_flight_than_allowed() {
    let limits = Limits { max_parallel_tools: 2, ..Limits::default() };
    let many: Vec<(&'static str, String)> =
        (0..5).map(|n| ("look", format!(r#"{{"n":{n}}}"#))).collect();
    let mut world = World::new(with(limits), vec![Turn::Calls(many), says("done")]);
    world.round(|_| {});
    let ready = world.ready();
    assert_eq!(ready.len(), 2);
    world.start(ready[0]);
    assert_eq!(world.ready().len(), 1);
    let outcome = world.outcome(ready[0]);
    world.record(outcome);
    assert_eq!(world.ready().len(), 2);
    assert_eq!(world.ended().run.status(), Status::Completed);
}
