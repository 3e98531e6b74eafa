//! Taking up a run that was cut off: at every event of its journal.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use largestack_agent::stage::{Ruling, Stage, StageContext, ToolTurn, Verdict};
use largestack_agent::{Agent, ResumeOptions, RunOptions, Runs};
use largestack_engine::event::{DoubtDecision, Event};
use largestack_engine::{InDoubt, Status};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::tool::{ApprovalRule, ToolOutput};
use largestack_testkit::{TestModel, Turn};
use largestack_types::error::{Code, Coded as _};
use largestack_types::errors::Result;
use largestack_types::id::{OwnerId, RunId};

use crate::world::{Spy, World};

const RUN: RunId = RunId::from_u128(5);

fn turns() -> Vec<Turn> {
    vec![
        Turn::tool("mark", r#"{"n":1}"#).and_tool("mark", r#"{"n":2}"#),
        Turn::tool("mark", r#"{"n":3}"#),
        Turn::text("all done"),
    ]
}

/// Writes each key once, as whatever an idempotent tool calls would.
fn mark(witness: &Arc<Mutex<Vec<String>>>) -> Spy {
    let witness = Arc::clone(witness);
    Spy::new("mark", move |context, _| {
        let mut keys = witness.lock().unwrap();
        let key = context.idempotency_key.to_string();
        if !keys.contains(&key) {
            keys.push(key);
        }
        Box::pin(async { Ok(ToolOutput::text("marked")) })
    })
}

/// A world whose journal holds the first `cut` events of the run, as a killed process leaves it.
async fn after_crash(whole: &World, cut: usize, rest: Vec<Turn>) -> World {
    let events = whole.journal.read(&whole.scope, RUN, 0).await.unwrap();
    let world = World::of(TestModel::new(rest));
    let lease = world.journal.claim(&world.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
    let batch = Batch { events: events[..cut].to_vec(), ..Batch::default() };
    world.journal.append(&lease, batch).unwrap();
    world.journal.release(&lease).await.unwrap();
    world
}

async fn run_whole(describe: impl Fn(&World) -> Agent) -> World {
    let world = World::new(turns());
    let agent = describe(&world);
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    agent.run_with(&world.scope, "go", options).await.unwrap();
    world
}

#[tokio::test]
async fn a_run_resumed_after_any_event_ends_as_if_nothing_had_happened() {
    let witness = Arc::default();
    let whole = run_whole(|world| world.agent(|a| a.tool(mark(&witness)))).await;
    let events = whole.events(RUN).await;
    let expected = witness.lock().unwrap().clone();
    for cut in 1..events.len() {
        let answered =
            events[..cut].iter().filter(|e| matches!(***e, Event::ModelReplied(_))).count();
        let world = after_crash(&whole, cut, turns().split_off(answered)).await;
        let done: Vec<String> = events[..cut]
            .iter()
            .filter_map(|event| match &**event {
                Event::ToolReturned(returned) => Some(returned.effect.idempotency_key(RUN)),
                _ => None,
            })
            .collect();
        let witness = Arc::new(Mutex::new(done));
        let agent = world.agent(|a| a.tool(mark(&witness)));
        let report = agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap();
        assert_eq!((report.status, &*report.text), (Status::Completed, "all done"), "cut {cut}");
        assert_eq!(report.turns, 3, "cut {cut}");
        assert_eq!(report.usage.total_tokens(), 45, "cut {cut}");
        let mut keys = witness.lock().unwrap().clone();
        keys.sort();
        assert_eq!(keys, expected, "cut {cut}");
        assert_eq!(world.model.calls().len(), 3 - answered, "cut {cut}: no turn is paid twice");
    }
}

#[tokio::test]
async fn a_tool_with_side_effects_that_was_cut_off_is_never_silently_repeated() {
    let act = || Spy::echo("mark").unsafe_to_repeat();
    let whole = run_whole(|world| world.agent(|a| a.tool(act()))).await;
    let events = whole.events(RUN).await;
    let started = events.iter().position(|e| matches!(**e, Event::EffectStarted(_))).unwrap();
    let cut =
        events[started + 1..].iter().position(|e| matches!(**e, Event::EffectStarted(_))).unwrap()
            + started
            + 2;
    for (policy, decision, status, runs) in [
        (InDoubt::Ask, None, Status::Suspended, 1),
        (InDoubt::Ask, Some(DoubtDecision::Rerun), Status::Completed, 3),
        (InDoubt::Ask, Some(DoubtDecision::TellModel), Status::Completed, 2),
        (InDoubt::TellModel, None, Status::Completed, 2),
        (InDoubt::Fail, None, Status::Failed, 0),
    ] {
        let whole = run_whole(|world| world.agent(|a| a.tool(act()).in_doubt(policy))).await;
        let world = after_crash(&whole, cut, turns().split_off(1)).await;
        let tool = act();
        let agent = world.agent(|a| a.tool(tool.clone()).in_doubt(policy));
        let options = ResumeOptions { in_doubt: decision, ..ResumeOptions::default() };
        let report = agent.resume(&world.scope, RUN, options).await.unwrap();
        assert_eq!(report.status, status, "{policy:?} {decision:?}");
        assert_eq!(tool.count(), runs, "{policy:?} {decision:?}");
    }
}

#[tokio::test]
async fn a_run_is_not_resumed_with_another_definition_nor_twice_nor_after_its_end() {
    let whole = run_whole(|world| world.agent(|a| a.tool(Spy::echo("mark")))).await;
    let world = after_crash(&whole, 3, turns()).await;
    let other = world.agent(|a| a.tool(Spy::echo("mark")).instructions("Other."));
    let error = other.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Definition);
    let same = whole.agent(|a| a.tool(Spy::echo("mark")));
    let error = same.resume(&whole.scope, RUN, ResumeOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    let nobody = RunId::from_u128(404);
    let error = same.resume(&whole.scope, nobody, ResumeOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
}

#[tokio::test]
async fn a_copy_of_a_run_that_another_engine_drives_is_neither_taken_up_nor_ended_here() {
    let whole = run_whole(|world| world.agent(|a| a.tool(Spy::echo("mark")))).await;
    let world = after_crash(&whole, 3, turns()).await;
    let mut summary = whole.journal.run(&whole.scope, RUN).await.unwrap().unwrap();
    summary.engine = Some("an engine elsewhere".into());
    let lease = world.journal.claim(&world.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
    world.journal.append(&lease, Batch { summary: Some(summary), ..Batch::default() }).unwrap();
    world.journal.release(&lease).await.unwrap();
    let agent = world.agent(|a| a.tool(Spy::echo("mark")));
    let resumed = agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap_err();
    let runs = Runs::new(world.runtime());
    let ended = runs.cancel(&world.scope, RUN, "enough").await.unwrap_err();
    for error in [resumed, ended] {
        assert_eq!(error.code(), Code::Conflict);
        assert!(error.message().contains("an engine elsewhere"), "{error}");
    }
    assert_eq!(world.events(RUN).await.len(), 3, "nothing was added");
}

/// Asks a person before anything is marked.
struct AskFirst;

impl Stage<ToolTurn> for AskFirst {
    fn name(&self) -> &'static str {
        "ask_first"
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        _: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        let ruling = Ruling::of(Verdict::Suspend("marks something".into()));
        Box::pin(std::future::ready(Ok(ruling)))
    }
}

#[tokio::test]
async fn a_journal_in_memory_asks_nobody_and_says_so() {
    let world = World::new(vec![Turn::tool("mark", "{}"), Turn::text("done")]);
    let tool = Spy::echo("mark");
    let agent = world.agent(|a| a.tool(tool.clone()).before_tool(AskFirst));
    let error = agent.run(&world.scope, "go").await.unwrap().into_result().unwrap_err();
    assert_eq!((error.code(), tool.count()), (Code::Config, 0));
    assert!(error.message().contains("approvals need a journal"), "{error}");
    let asking = tool.with(|o| o.access.approval = ApprovalRule::Required);
    let built = Agent::builder("a").model("m").tool(asking).build(world.runtime());
    assert!(built.err().unwrap().message().contains("approvals need a journal"));
}
