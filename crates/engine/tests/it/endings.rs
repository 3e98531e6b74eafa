//! How runs end: in words that do not lie.

use std::sync::Arc;

use largestack_engine::event::{
    ApprovalAnswered, ApprovalRequested, CancelReason, CancelRequested, DoubtDecision,
    DoubtSettled, Resumed, Steered,
};
use largestack_engine::{EndReason, Event, FoldError, Status, Wait};
use largestack_types::error::{Code, Coded};
use largestack_types::id::{ApprovalId, OwnerId};
use largestack_types::message::{Message, Role};
use largestack_types::part::PartId;
use largestack_types::reply::FinishReason;

use crate::world::{Turn, World, calls, definition, says};

#[test]
fn status_and_reason_follow_from_why_the_model_stopped() {
    let cases = [
        (FinishReason::Stop, "x", Status::Completed, EndReason::Stop),
        (FinishReason::Other, "x", Status::Completed, EndReason::Stop),
        (FinishReason::Length, "x", Status::Incomplete, EndReason::Length),
        (FinishReason::ContentFilter, "x", Status::Incomplete, EndReason::ContentFilter),
        (FinishReason::Refusal, "x", Status::Completed, EndReason::Refusal),
        (FinishReason::Error, "x", Status::Failed, EndReason::Error),
        (FinishReason::Stop, "", Status::Incomplete, EndReason::Empty),
    ];
    for (finish, text, status, reason) in cases {
        let world = World::new(definition(), vec![Turn::Says(text, finish)]).ended();
        let end = world.run.end().unwrap();
        assert_eq!((end.status, end.reason), (status, reason), "{finish}");
    }
}

#[test]
fn a_paused_turn_goes_on_in_the_next_one() {
    let script = vec![Turn::Says("so far", FinishReason::Pause), says("and done")];
    let world = World::new(definition(), script).ended();
    assert_eq!((world.run.status(), world.run.turns()), (Status::Completed, 2));
    assert_eq!(world.roles(), [Role::User, Role::Assistant, Role::Assistant]);
}

#[test]
fn a_cancelled_run_keeps_every_call_paired_with_a_result() {
    let mut world = World::new(definition(), vec![calls(&[("look", "{}"), ("act", "{}")])]);
    world.round(|_| {});
    let ready = world.ready();
    world.start(ready[0]);
    world.record(Event::CancelRequested(CancelRequested {
        reason: CancelReason::Caller,
        by: "local".into(),
        note: "".into(),
    }));
    assert!(world.ready().is_empty());
    let world = world.ended();
    assert_eq!(world.run.status(), Status::Cancelled);
    assert_eq!(world.roles(), [Role::User, Role::Assistant, Role::Tool, Role::Tool]);
}

#[test]
fn the_kill_switch_ends_a_run_with_its_own_error() {
    let mut world = World::new(definition(), vec![says("never")]);
    world.record(Event::CancelRequested(CancelRequested {
        reason: CancelReason::KillSwitch,
        by: "ops".into(),
        note: "drill".into(),
    }));
    let world = world.ended();
    let error = world.run.end().unwrap().error.clone().unwrap();
    assert_eq!(error.code(), Code::KillSwitch);
    assert!(error.message().contains("drill"));
}

#[test]
fn a_call_in_doubt_follows_the_decision() {
    let doubtful = || {
        let mut world = World::new(definition(), vec![calls(&[("act", "{}")]), says("done")]);
        world.round(|_| {});
        let effect = world.ready()[0];
        world.start(effect);
        world.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(1) }));
        assert_eq!(world.run.waits(), [Wait::Doubt { effect: effect.id() }]);
        (world, effect.id())
    };
    for (decision, status) in [
        (DoubtDecision::TellModel, Status::Completed),
        (DoubtDecision::Rerun, Status::Completed),
        (DoubtDecision::Fail, Status::Failed),
    ] {
        let (mut world, effect) = doubtful();
        world.record(Event::DoubtSettled(DoubtSettled { effect, decision, by: "me".into() }));
        assert_eq!(world.ended().run.status(), status, "{decision:?}");
    }
    // One that happened stays in doubt until it is recorded what came of it.
    let (mut world, effect) = doubtful();
    let decision = DoubtDecision::Happened;
    world.record(Event::DoubtSettled(DoubtSettled { effect, decision, by: "me".into() }));
    assert_eq!(world.run.waits(), [Wait::Doubt { effect }]);
    let attempt = 1;
    let returned =
        world.outcome(largestack_engine::Effect::Tool { id: effect, attempt, approved: true });
    world.record(returned);
    assert_eq!(world.run.waits(), []);
    assert_eq!(world.ended().run.status(), Status::Completed);
}

#[test]
fn a_refused_approval_is_told_to_the_model_and_a_granted_one_lets_the_call_run() {
    for approved in [true, false] {
        let mut world =
            World::new(definition(), vec![calls(&[("act", "{}"), ("look", "{}")]), says("ok")]);
        world.round(|_| {});
        let (act, look) = (world.ready()[0], world.ready()[1]);
        let approval = ApprovalId::from_u128(1);
        world.record(Event::ApprovalRequested(ApprovalRequested {
            stage: "".into(),
            arguments: None,
            effect: act.id(),
            approval,
            reason: "it acts".into(),
        }));
        world.start(look);
        let outcome = world.outcome(look);
        world.record(outcome);
        assert_eq!(world.run.status(), Status::Suspended);
        world.record(Event::ApprovalAnswered(ApprovalAnswered {
            choice: "".into(),
            arguments: None,
            effect: act.id(),
            approval,
            approved,
            by: "me".into(),
            note: Some("not today".into()),
        }));
        let world = world.ended();
        assert_eq!(world.run.status(), Status::Completed);
        let text = serde_json::to_string(world.run.messages()).unwrap();
        assert_eq!(text.contains("not today"), !approved);
    }
}

#[test]
fn an_answer_that_was_sent_back_is_followed_by_another_turn() {
    let mut world = World::new(definition(), vec![says("draft"), says("final")]);
    world.round(|_| {});
    let feedback = Arc::new(Message::user(PartId::new(1, 9), "shorter"));
    let effect = largestack_types::id::EffectId::new(1);
    world.record(Event::Steered(Steered { effect, stage: "length".into(), feedback }));
    let world = world.ended();
    assert_eq!(world.run.output().unwrap().text(), "final");
    assert_eq!(world.run.turns(), 2);
}

#[test]
fn events_out_of_place_are_refused() {
    let mut world = World::new(definition(), vec![says("done")]);
    let again = world.journal[0].clone();
    let error = world.run.apply(&again).unwrap_err();
    assert!(matches!(error, FoldError::OutOfPlace { .. }));
    let stray = DoubtSettled {
        effect: largestack_types::id::EffectId::new(99),
        decision: DoubtDecision::Fail,
        by: "me".into(),
    };
    let error = world.run.apply(&Event::DoubtSettled(stray)).unwrap_err();
    assert!(matches!(error, FoldError::NoSuchEffect { .. }));
    assert_eq!(error.code(), Code::Journal);
}
