//! What of the run that it left a fork may not go on with by itself.

use std::sync::Arc;

use largestack_engine::event::{
    ApprovalAnswered, ApprovalRequested, ChildWaits, DoubtDecision, DoubtSettled, Forked, Resumed,
};
use largestack_engine::{Definition, Effect, Event, Run, Wait};
use largestack_types::id::{ApprovalId, EffectId, OwnerId, RunId};
use largestack_types::json::Json;
use largestack_types::label::Origin;

use crate::world::{World, calls, definition, says};

/// The usual tools, and `helper`, which is an agent.
fn with_helper() -> Definition {
    let mut definition = definition();
    let mut tools = definition.tools.to_vec();
    let mut helper = tools[0].clone();
    (helper.name, helper.origin) = ("helper".into(), Origin::Agent);
    tools.push(helper);
    definition.tools = tools.into();
    definition
}

/// A run whose only call is due.
fn due(tool: &'static str) -> (World, EffectId) {
    let script = vec![calls(&[(tool, r#"{"n":1}"#)]), says("done")];
    let mut world = World::new(with_helper(), script);
    let model = world.ready()[0];
    world.start(model);
    world.record(world.outcome(model));
    let effect = world.ready()[0].id();
    (world, effect)
}

/// A run whose only call is under way.
fn under_way(tool: &'static str) -> (World, EffectId) {
    let (mut world, effect) = due(tool);
    let call = world.ready()[0];
    world.start(call);
    (world, effect)
}

fn resumed() -> Event {
    Event::Resumed(Resumed { owner: OwnerId::from_u128(2) })
}

fn rerun(effect: EffectId) -> Event {
    let decision = DoubtDecision::Rerun;
    Event::DoubtSettled(DoubtSettled { effect, decision, by: "me".into() })
}

/// The fork behind the last event.
fn fork(of: &World) -> Run {
    let mut fork = Run::new(RunId::from_u128(8), Arc::clone(of.run.definition()));
    for event in &of.journal {
        fork.apply(event).unwrap();
    }
    let left = Forked {
        of: of.run.id(),
        at: fork.seq(),
        by: "ann".into(),
        adjusted: None,
        input: None,
        values: Vec::new(),
        written: None,
    };
    fork.apply(&Event::Forked(left)).unwrap();
    fork
}

fn ready(run: &Run) -> Vec<Effect> {
    let mut ready = Vec::new();
    run.ready(&mut ready);
    ready
}

fn is_in_doubt(run: &Run, effect: EffectId) -> bool {
    ready(run).is_empty() && run.waits() == [Wait::Doubt { effect }]
}

#[test]
fn a_run_below_that_had_begun_there_is_in_doubt_here_wherever_it_stood() {
    let (begun, effect) = under_way("helper");
    let (mut waits, _) = under_way("helper");
    waits.record(Event::ChildWaits(ChildWaits { effect, child: RunId::from_u128(9) }));
    let (mut taken_up, _) = under_way("helper");
    taken_up.record(resumed());
    assert!(!taken_up.ready().is_empty(), "its own run finds it again");
    for of in [begun, waits, taken_up] {
        let mut fork = fork(&of);
        assert!(is_in_doubt(&fork, effect), "{:?}", fork.waits());
        fork.apply(&rerun(effect)).unwrap();
        assert_eq!(ready(&fork).len(), 1);
    }
    let (not_begun, _) = due("helper");
    assert_eq!(ready(&fork(&not_begun)).len(), 1);
}

#[test]
fn what_somebody_has_decided_to_begin_again_there_is_nobodys_decision_here() {
    for (tool, doubtful) in [("act", true), ("look", false)] {
        let (mut of, effect) = under_way(tool);
        of.record(resumed());
        if doubtful {
            of.record(rerun(effect));
        }
        assert_eq!(of.ready().len(), 1, "{tool}");
        assert_eq!(is_in_doubt(&fork(&of), effect), doubtful, "{tool}");
    }
}

#[test]
fn what_somebody_agreed_to_in_the_other_run_is_asked_here_again_as_it_was_called() {
    let (mut of, effect) = due("act");
    let approval = ApprovalId::from_u128(3);
    of.record(Event::ApprovalRequested(ApprovalRequested {
        effect,
        approval,
        reason: "It acts.".into(),
        stage: "approve".into(),
        arguments: None,
    }));
    let asking = fork(&of);
    of.record(Event::ApprovalAnswered(ApprovalAnswered {
        effect,
        approval,
        approved: true,
        by: "ann".into(),
        note: None,
        choice: "approve".into(),
        arguments: Some(Json::parse(r#"{"n":2}"#).unwrap()),
    }));
    let approved = |run: &Run| match ready(run)[..] {
        [Effect::Tool { approved, .. }] => approved,
        ref other => panic!("{other:?}"),
    };
    assert!(approved(&of.run));
    assert_eq!(of.run.tool_call(effect).unwrap().arguments.as_str(), r#"{"n":2}"#);
    for fork in [asking, fork(&of)] {
        assert!(!approved(&fork));
        assert_eq!(fork.tool_call(effect).unwrap().arguments.as_str(), r#"{"n":1}"#);
        assert_eq!(fork.asked_by(effect), None);
    }
    // One that may be repeated is, and is asked about again.
    let (mut of, _) = under_way("look");
    of.record(resumed());
    assert!(approved(&of.run) && !approved(&fork(&of)));
}
