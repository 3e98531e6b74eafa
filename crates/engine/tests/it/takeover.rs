//! Agents that take over within a run.

use std::sync::Arc;

use largestack_engine::event::{CallRecord, ModelFailed, TookOver};
use largestack_engine::{Definition, Event, FoldError, Run, Status};
use largestack_types::error::Code;
use largestack_types::errors::LargestackError;
use largestack_types::limits::Limits;
use largestack_types::message::{Message, Role};
use largestack_types::money::Money;
use largestack_types::part::PartId;

use crate::world::{World, calls, definition, says};

fn budget(nanos: i64) -> Limits {
    Limits { budget: Some(Money::from_nanos(nanos)), ..Limits::default() }
}

fn named(name: &str, limits: Limits) -> Definition {
    Definition { limits, ..Definition::new(name, format!("You are {name}."), "test/model") }
}

fn relay() -> Definition {
    let fallbacks = [named("second", budget(300)), named("third", budget(9_000))];
    let fallbacks = fallbacks.into_iter().map(Arc::new).collect();
    Definition { fallbacks, limits: budget(1_000), ..definition() }
}

fn fail(world: &mut World) {
    let effect = world.ready()[0].id();
    let error = LargestackError::other(Code::Provider, "wrong");
    let call = CallRecord { cost: Money::from_nanos(50), ..CallRecord::default() };
    world.record(Event::ModelFailed(ModelFailed { effect, error, call }));
}

fn took_over(agent: &str) -> Event {
    let agent = agent.into();
    Event::TookOver(TookOver { agent, input: None, history: None, instructions: None })
}

#[test]
fn the_next_agent_is_asked_the_same_in_the_same_run_and_may_spend_what_is_left() {
    let mut world = World::new(relay(), vec![calls(&[("look", "{}")]), says("mine")]);
    world.round(|_| {});
    world.round(|_| {});
    let before = world.ready()[0].id();
    fail(&mut world);
    assert_eq!(world.run.fallback().unwrap().agent, "second".into());
    world.record(took_over("second"));
    let run = &world.run;
    assert_eq!((run.status(), run.turns(), run.tool_calls()), (Status::Running, 0, 0));
    assert_eq!(world.roles(), [Role::User]);
    assert_eq!(run.messages()[0].text(), "You are second.");
    assert_eq!(run.definition().limits.budget, Some(Money::from_nanos(150 + 300)));
    assert!(world.ready()[0].id() > before, "no effect has the name of another");
    fail(&mut world);
    world.record(took_over("third"));
    assert_eq!(world.run.definition().limits.budget, Some(Money::from_nanos(1_000)));
    assert!(world.run.fallback().is_none());
    let attempts: Vec<_> = world.run.attempts().iter().map(|a| (&*a.agent, a.cost)).collect();
    let cost = Money::from_nanos;
    assert_eq!(attempts, [("agent", cost(150)), ("second", cost(50))]);
    assert_eq!(world.run.cost(), cost(200));
    let folded =
        world.journal.iter().fold(Run::new(world.run.id(), Arc::new(relay())), |mut run, event| {
            run.apply(event).unwrap();
            run
        });
    assert_eq!(folded, world.run);
}

#[test]
fn nobody_takes_over_from_an_agent_that_has_not_failed_or_out_of_turn() {
    let refused = |world: &mut World, who: &str| {
        let mut run = world.run.clone();
        matches!(run.apply(&took_over(who)), Err(FoldError::OutOfPlace { .. }))
    };
    let mut world = World::new(relay(), vec![says("mine")]);
    assert!(refused(&mut world, "second"));
    fail(&mut world);
    assert!(refused(&mut world, "third"));
    assert!(!refused(&mut world, "second"));
    let mut alone = World::new(definition(), vec![says("mine")]);
    fail(&mut alone);
    assert!(refused(&mut alone, "second"));
}

#[test]
fn what_its_guards_have_changed_is_what_it_is_told() {
    let mut world = World::new(relay(), Vec::new());
    fail(&mut world);
    let input = Arc::new(Message::user(PartId::new(0, 1), "g*"));
    let Event::TookOver(event) = took_over("second") else { panic!() };
    world.record(Event::TookOver(TookOver { input: Some(input), ..event }));
    assert_eq!(world.run.own_messages()[0].text(), "g*");
}
