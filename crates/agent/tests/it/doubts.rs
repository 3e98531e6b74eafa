//! Calls that were cut off and may have happened: what somebody decides about each of them.

use largestack_agent::{Agent, ResumeOptions, RunOptions};
use largestack_engine::Status;
use largestack_engine::event::{DoubtDecision, Event};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::tree::Doubt;
use largestack_testkit::{TestModel, Turn};
use largestack_types::error::Coded as _;
use largestack_types::errors::Code;
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::part::Body;

use crate::world::{Spy, World};

const RUN: RunId = RunId::from_u128(5);
const FIRST: EffectId = EffectId::new(2);
const SECOND: EffectId = EffectId::new(3);

fn pay() -> Spy {
    Spy::echo("pay").unsafe_to_repeat()
}

/// A run that was cut off while it made two payments.
async fn cut_off() -> World {
    let two = || Turn::tool("pay", r#"{"n":1}"#).and_tool("pay", r#"{"n":2}"#);
    let whole = World::new([two(), Turn::text("paid")]);
    let agent = whole.agent(|a| a.tool(pay()));
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    agent.run_with(&whole.scope, "pay both", options).await.unwrap();
    let mut events = whole.journal.read(&whole.scope, RUN, 0).await.unwrap();
    let returned = events.iter().position(|e| matches!(*e.event, Event::ToolReturned(_))).unwrap();
    events.truncate(returned);
    let begun = events.iter().filter(|e| matches!(*e.event, Event::EffectStarted(_))).count();
    assert_eq!(begun, 3, "the model's call and both payments");
    let world = World::of(TestModel::new([Turn::text("paid")]));
    let lease = world.journal.claim(&world.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
    world.journal.append(&lease, Batch { events, ..Batch::default() }).unwrap();
    world.journal.release(&lease).await.unwrap();
    world
}

fn saying(doubts: impl IntoIterator<Item = Doubt>) -> ResumeOptions {
    ResumeOptions { doubts: doubts.into_iter().collect(), ..ResumeOptions::default() }
}

/// What the model was told of its calls the last time it was asked.
fn told(world: &World) -> Vec<String> {
    let calls = world.model.calls();
    let parts = calls.last().unwrap().messages.iter().flat_map(|message| message.parts.iter());
    parts
        .filter_map(|part| match &part.body {
            Body::ToolResult(result) => Some(result.text.to_string()),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn each_call_in_doubt_has_its_own_decision_and_one_that_happened_what_it_returned() {
    let world = cut_off().await;
    let tool = pay();
    let agent = world.agent(|a| a.tool(tool.clone()));
    let said =
        [Doubt::happened(RUN, SECOND, "receipt 7"), Doubt::new(RUN, FIRST, DoubtDecision::Rerun)];
    let report = agent.resume(&world.scope, RUN, saying(said)).await.unwrap();
    assert_eq!((report.status, &*report.text), (Status::Completed, "paid"));
    assert_eq!(*tool.seen.lock().unwrap(), [r#"{"n":1}"#], "only the one that did not happen");
    assert_eq!(told(&world), [r#"{"n":1}"#, "receipt 7"]);
    let events = world.events(RUN).await;
    let settled: Vec<_> = events
        .iter()
        .filter_map(|event| match &**event {
            Event::DoubtSettled(data) => Some((data.effect, data.decision, &*data.by)),
            _ => None,
        })
        .collect();
    let by = world.scope.principal();
    assert_eq!(settled, [(FIRST, DoubtDecision::Rerun, by), (SECOND, DoubtDecision::Happened, by)]);
}

#[tokio::test]
async fn one_decision_holds_for_the_calls_of_which_nothing_is_said() {
    let world = cut_off().await;
    let tool = pay();
    let agent = world.agent(|a| a.tool(tool.clone()));
    let options = ResumeOptions {
        in_doubt: Some(DoubtDecision::TellModel),
        ..saying([Doubt::new(RUN, SECOND, DoubtDecision::Rerun)])
    };
    let report = agent.resume(&world.scope, RUN, options).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(*tool.seen.lock().unwrap(), [r#"{"n":2}"#]);
    assert!(told(&world)[0].contains("nobody knows"), "{:?}", told(&world));
    // Where nothing is said of one it waits on.
    let world = cut_off().await;
    let agent = world.agent(|a| a.tool(pay()));
    let one = saying([Doubt::happened(RUN, FIRST, "receipt 6")]);
    let report = agent.resume(&world.scope, RUN, one).await.unwrap();
    assert_eq!((report.status, report.waits.len()), (Status::Suspended, 1));
    let other = saying([Doubt::happened(RUN, SECOND, "receipt 7")]);
    let report = agent.resume(&world.scope, RUN, other).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(told(&world), ["receipt 6", "receipt 7"]);
}

#[tokio::test]
async fn what_cannot_be_decided_is_refused_and_the_run_waits_as_before() {
    let world = cut_off().await;
    let agent = world.agent(|a| a.tool(pay()));
    let report = agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap();
    assert_eq!((report.status, report.waits.len()), (Status::Suspended, 2));
    let rerun = |effect| Doubt::new(RUN, effect, DoubtDecision::Rerun);
    let nothing_said = Doubt { output: None, ..Doubt::happened(RUN, FIRST, "") };
    let all_happened =
        ResumeOptions { in_doubt: Some(DoubtDecision::Happened), ..ResumeOptions::default() };
    for (wrong, why) in [
        (saying([rerun(EffectId::new(1))]), "e1 of"),
        (saying([rerun(FIRST), rerun(FIRST)]), "two things"),
        (saying([nothing_said]), "has an output"),
        (saying([Doubt { output: Some("7".into()), ..rerun(FIRST) }]), "has an output"),
        (all_happened, "has an output"),
    ] {
        let error = agent.resume(&world.scope, RUN, wrong).await.unwrap_err();
        assert_eq!(error.code(), Code::Input, "{error}");
        assert!(error.message().contains(why), "{error}");
    }
    assert_eq!(world.kinds(RUN).await.iter().filter(|kind| **kind == "doubt_settled").count(), 0);
    let both = [rerun(FIRST), rerun(SECOND)];
    let report = agent.resume(&world.scope, RUN, saying(both)).await.unwrap();
    assert_eq!(report.status, Status::Completed);
}

#[tokio::test]
async fn what_a_call_returned_passes_the_guards_as_a_result_does() {
    let world = cut_off().await;
    let agent = world.agent(|a| a.tool(pay()));
    let card = "4111 1111 1111 1111";
    let said = [FIRST, SECOND].map(|effect| Doubt::happened(RUN, effect, format!("from {card}")));
    let report = agent.resume(&world.scope, RUN, saying(said)).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert!(!world.written(RUN).await.contains(card));
    assert!(told(&world).iter().all(|text| text.starts_with("from <CARD_")), "{:?}", told(&world));
}

#[tokio::test]
async fn a_decision_whose_result_was_not_recorded_is_asked_for_again() {
    let world = cut_off().await;
    let agent = world.agent(|a| a.tool(pay()));
    let said = || [FIRST, SECOND].map(|effect| Doubt::happened(RUN, effect, "a receipt"));
    agent.resume(&world.scope, RUN, saying(said())).await.unwrap();
    let mut events = world.journal.read(&world.scope, RUN, 0).await.unwrap();
    let returned = events.iter().position(|e| matches!(*e.event, Event::ToolReturned(_))).unwrap();
    assert!(events[..returned].iter().any(|e| matches!(*e.event, Event::DoubtSettled(_))));
    events.truncate(returned);
    let after = World::of(TestModel::new([Turn::text("paid")]));
    let lease = after.journal.claim(&after.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
    after.journal.append(&lease, Batch { events, ..Batch::default() }).unwrap();
    after.journal.release(&lease).await.unwrap();
    let agent: Agent = after.agent(|a| a.tool(pay()));
    let report = agent.resume(&after.scope, RUN, ResumeOptions::default()).await.unwrap();
    assert_eq!((report.status, report.waits.len()), (Status::Suspended, 2));
    let report = agent.resume(&after.scope, RUN, saying(said())).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(told(&after), ["a receipt", "a receipt"]);
}
