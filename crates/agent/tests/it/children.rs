//! Agents that call agents: each run its own, one account for all, and nothing done twice.

use std::sync::{Arc, Mutex};

use largestack_agent::{Agent, AgentBuilder, CancelHandle, Fork, ResumeOptions, RunOptions};
use largestack_engine::event::{CancelReason, DoubtDecision, Event};
use largestack_engine::{Status, Wait};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::tool::ToolOutput;
use largestack_ports::tree::Doubt;
use largestack_testkit::{TestModel, Turn};
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::limits::Limits;
use largestack_types::message::Message;
use largestack_types::part::Body;

use crate::world::{Spy, World};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);

fn ask() -> Turn {
    Turn::tool("helper", r#"{"task":"look it up"}"#)
}

/// An agent that another one of the same world calls as `helper`.
fn with_helper(world: &World, describe: impl FnOnce(AgentBuilder) -> AgentBuilder) -> Agent {
    with_helper_and(world, describe, |a| a)
}

fn with_helper_and(
    world: &World,
    helper: impl FnOnce(AgentBuilder) -> AgentBuilder,
    caller: impl FnOnce(AgentBuilder) -> AgentBuilder,
) -> Agent {
    let runtime = world.runtime();
    let builder = Agent::builder("helper").instructions("Look things up.").model("test/model");
    let below = helper(builder).build(runtime.clone()).unwrap();
    let builder = Agent::builder("caller").instructions("Help.").model("test/model");
    let builder = builder.tool(below.as_tool("helper", "Looks things up."));
    caller(builder).build(runtime).unwrap()
}

/// What a message says of a call, and whether it failed.
fn result_of(message: &Message) -> Option<(String, bool)> {
    match &message.parts.first()?.body {
        Body::ToolResult(result) => Some((result.text.to_string(), result.is_error)),
        _ => None,
    }
}

async fn child_of(world: &World, run: RunId) -> RunId {
    let runs = world.journal.runs(&world.scope, 9).await.unwrap();
    runs.iter().find(|summary| summary.root == run && summary.run != run).unwrap().run
}

fn options() -> RunOptions {
    RunOptions { id: Some(RUN), ..RunOptions::default() }
}

#[tokio::test]
async fn an_agent_is_a_run_of_its_own_under_the_run_that_called_it() {
    let world = World::new([
        ask().usage(1, 0),
        Turn::text("42").usage(30, 0),
        Turn::text("It is 42.").usage(5, 0),
    ]);
    let agent = with_helper(&world, |a| a);
    let report = agent.run_with(&world.scope, "what?", options()).await.unwrap();
    assert_eq!((report.status, report.text.as_str()), (Status::Completed, "It is 42."));
    let child = child_of(&world, RUN).await;
    let events = world.events(child).await;
    let Event::RunStarted(started) = &*events[0] else { panic!("no start") };
    assert_eq!((started.root, started.parent.unwrap().0), (RUN, RUN));
    assert_eq!(started.input.text(), "look it up");
    assert_eq!(report.children.len(), 1);
    assert_eq!((report.children[0].run, report.children[0].usage.total_tokens()), (child, 30));
    assert_eq!(report.usage.total_tokens(), 36);
    // The caller's journal holds what it came to, and none of its events.
    let kinds = world.kinds(RUN).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == "model_replied").count(), 2);
    let told = world.model.calls()[2].messages.last().unwrap().clone();
    assert_eq!(result_of(&told).unwrap(), ("42".to_owned(), false));
}

#[tokio::test]
async fn a_failure_below_is_a_failure_of_the_tool_with_its_code() {
    let error = LargestackError::other(Code::Provider, "no such model");
    let world = World::new([ask(), Turn::error(error), Turn::text("never mind")]);
    let report = with_helper(&world, |a| a).run(&world.scope, "what?").await.unwrap();
    assert_eq!(report.text, "never mind");
    let told = world.model.calls()[2].messages.last().unwrap().clone();
    let (text, is_error) = result_of(&told).unwrap();
    assert!(is_error && text.contains("helper failed (LARGESTACK_PROVIDER)"), "{text}");
}

#[tokio::test]
async fn no_more_agents_are_called_than_may_be_and_not_deeper() {
    let limited = |limits: Limits| async move {
        let twice = ask().and_tool("helper", r#"{"task":"and this"}"#);
        let world = World::new([twice, Turn::text("one"), Turn::text("two"), Turn::text("three")]);
        let agent = with_helper_and(&world, |a| a, |a| a.limits(limits));
        let report = agent.run(&world.scope, "what?").await.unwrap();
        let calls = world.model.calls();
        let results: Vec<bool> = calls
            .last()
            .unwrap()
            .messages
            .iter()
            .filter_map(|message| Some(result_of(message)?.1))
            .collect();
        (report.children.len(), results)
    };
    let limits = |max_depth, max_children| Limits { max_depth, max_children, ..Limits::default() };
    assert_eq!(limited(limits(1, 2)).await, (2, vec![false, false]));
    assert_eq!(limited(limits(1, 1)).await, (1, vec![false, true]));
    assert_eq!(limited(limits(0, 9)).await, (0, vec![true, true]));
}

#[tokio::test]
async fn the_depth_of_the_run_at_the_top_holds_below_it() {
    let deep = |max_depth| async move {
        let world = World::new([
            Turn::tool("middle", r#"{"task":"a"}"#),
            Turn::tool("lowest", r#"{"task":"b"}"#),
            Turn::text("c"),
            Turn::text("d"),
            Turn::text("e"),
        ]);
        let runtime = world.runtime();
        let builder = |name: &str| Agent::builder(name).model("test/model");
        let lowest = builder("lowest").build(runtime.clone()).unwrap();
        let middle = builder("middle").tool(lowest.as_tool("lowest", "x"));
        let middle = middle.build(runtime.clone()).unwrap();
        let limits = Limits { max_depth, ..Limits::default() };
        let top = builder("top").tool(middle.as_tool("middle", "x")).limits(limits);
        top.build(runtime).unwrap().run(&world.scope, "go").await.unwrap();
        world.journal.runs(&world.scope, 9).await.unwrap().len()
    };
    assert_eq!(deep(2).await, 3);
    assert_eq!(deep(1).await, 2);
}

#[tokio::test]
async fn who_cancels_the_caller_cancels_what_it_called() {
    let world = World::new([ask(), Turn::tool("stuck", "{}")]);
    let agent = with_helper(&world, |a| a.tool(Spy::stuck("stuck")));
    let cancel = CancelHandle::default();
    let options = RunOptions { cancel: cancel.clone(), ..options() };
    let running = agent.run_with(&world.scope, "what?", options);
    let cancelling = async {
        while world.model.calls().len() < 2 {
            tokio::task::yield_now().await;
        }
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        cancel.cancel(CancelReason::Caller, "me", "enough");
    };
    let (report, ()) = futures::join!(running, cancelling);
    assert_eq!(report.unwrap().status, Status::Cancelled);
    let child = child_of(&world, RUN).await;
    assert_eq!(world.kinds(child).await.last(), Some(&"run_finished"));
}

/// A call of an agent whose tool was cut off, the calls of that tool, and both runs.
async fn cut_off_below() -> (World, Arc<Mutex<i32>>, Agent, RunId) {
    let world = World::new([
        ask(),
        Turn::tool("once", r#"{"n":1}"#),
        Turn::text("found"),
        Turn::text("It was found."),
    ]);
    let seen = Arc::new(Mutex::new(0));
    let once = |seen: &Arc<Mutex<i32>>| {
        let seen = Arc::clone(seen);
        Spy::new("once", move |_, _| {
            *seen.lock().unwrap() += 1;
            Box::pin(async { Ok(ToolOutput::text("done")) })
        })
        .unsafe_to_repeat()
    };
    // The process ends while the tool below runs: cut before its outcome.
    let agent = with_helper(&world, |a| a.tool(once(&seen)));
    agent.run_with(&world.scope, "what?", options()).await.unwrap();
    let child = child_of(&world, RUN).await;
    let cut = |events: Vec<largestack_engine::Recorded>, kind: &str, nth: usize| {
        let at = events.iter().enumerate().filter(|(_, e)| e.event.kind() == kind);
        let at = at.map(|(at, _)| at).nth(nth).unwrap();
        events[..=at].to_vec()
    };
    let above = world.journal.read(&world.scope, RUN, 0).await.unwrap();
    let below = world.journal.read(&world.scope, child, 0).await.unwrap();
    let after = World::of(TestModel::new([Turn::text("found"), Turn::text("It was found.")]));
    for (run, events) in
        [(RUN, cut(above, "effect_started", 1)), (child, cut(below, "effect_started", 1))]
    {
        let Event::RunStarted(started) = &*events[0].event else { panic!("no start") };
        let hash = started.definition;
        let sealed = world.journal.blob(&world.scope, hash).await.unwrap().unwrap();
        let lease = after.journal.claim(&after.scope, run, OwnerId::from_u128(9)).await.unwrap();
        let blobs = vec![(hash, sealed)];
        after.journal.append(&lease, Batch { events, blobs, ..Batch::default() }).unwrap();
        after.journal.release(&lease).await.unwrap();
    }
    let agent = with_helper(&after, |a| a.tool(once(&seen)));
    (after, seen, agent, child)
}

#[tokio::test]
async fn a_run_below_waits_and_the_one_above_it_goes_on_when_it_can() {
    let (after, seen, agent, child) = cut_off_below().await;
    let report = agent.resume(&after.scope, RUN, ResumeOptions::default()).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    assert!(
        matches!(report.waits[..], [Wait::Child { run, .. }] if run == child),
        "{:?}",
        report.waits
    );
    // What is below is taken up with what is above, and by nobody else.
    let alone = agent.resume(&after.scope, child, ResumeOptions::default()).await.unwrap_err();
    assert!([Code::Conflict, Code::Definition].contains(&alone.code()), "{alone:?}");
    let decided = ResumeOptions {
        in_doubt: Some(largestack_engine::event::DoubtDecision::TellModel),
        ..ResumeOptions::default()
    };
    let report = agent.resume(&after.scope, RUN, decided).await.unwrap();
    assert_eq!((report.status, report.text.as_str()), (Status::Completed, "It was found."));
    assert_eq!(*seen.lock().unwrap(), 1, "the tool below ran once, in the first process");
}

#[tokio::test]
async fn a_decision_about_one_call_reaches_the_run_below_that_made_it() {
    let (after, seen, agent, child) = cut_off_below().await;
    agent.resume(&after.scope, RUN, ResumeOptions::default()).await.unwrap();
    let call = after.events(child).await;
    let call = call.iter().rev().find_map(|event| match &**event {
        Event::EffectStarted(started) => Some(started.effect),
        _ => None,
    });
    let doubts = vec![Doubt::happened(child, call.unwrap(), "a key")];
    let decided = ResumeOptions { doubts, ..ResumeOptions::default() };
    let report = agent.resume(&after.scope, RUN, decided).await.unwrap();
    assert_eq!((report.status, report.text.as_str()), (Status::Completed, "It was found."));
    assert_eq!(*seen.lock().unwrap(), 1, "the tool below ran once, in the first process");
    let calls = after.model.calls();
    let told: Vec<_> = calls[0].messages.iter().filter_map(|message| result_of(message)).collect();
    assert_eq!(told, [("a key".to_owned(), false)]);
}

#[tokio::test]
async fn a_caller_that_is_taken_up_after_any_event_repeats_nothing_that_was_finished_below() {
    let turns =
        || vec![ask(), Turn::tool("mark", r#"{"n":1}"#), Turn::text("42"), Turn::text("It is 42.")];
    let whole = World::new(turns());
    let agent = with_helper(&whole, |a| a.tool(Spy::echo("mark")));
    agent.run_with(&whole.scope, "what?", options()).await.unwrap();
    let child = child_of(&whole, RUN).await;
    let above = whole.journal.read(&whole.scope, RUN, 0).await.unwrap();
    let below = whole.journal.read(&whole.scope, child, 0).await.unwrap();
    let started = above.iter().enumerate().filter(|(_, e)| e.event.kind() == "effect_started");
    let called = started.map(|(at, _)| at + 1).nth(1).unwrap();
    for cut in 0..=below.len() {
        let replied = below[..cut].iter().filter(|e| e.event.kind() == "model_replied").count();
        let returned = below[..cut].iter().filter(|e| e.event.kind() == "tool_returned").count();
        let world = World::of(TestModel::new(turns().split_off(1 + replied)));
        for (run, events) in [(RUN, &above[..called]), (child, &below[..cut])] {
            if events.is_empty() {
                continue;
            }
            let lease =
                world.journal.claim(&world.scope, run, OwnerId::from_u128(9)).await.unwrap();
            let batch = Batch { events: events.to_vec(), ..Batch::default() };
            world.journal.append(&lease, batch).unwrap();
            world.journal.release(&lease).await.unwrap();
        }
        let mark = Spy::echo("mark");
        let agent = with_helper(&world, |a| a.tool(mark.clone()));
        let report = agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap();
        assert_eq!(report.text, "It is 42.", "cut after {cut}");
        assert_eq!(mark.count(), 1 - returned, "cut after {cut}");
        assert_eq!(report.children[0].run, child);
    }
}

#[tokio::test]
async fn an_agent_that_was_at_work_at_a_forks_place_is_in_doubt_and_asked_anew_only_where_somebody_says_so()
 {
    let turns = || [ask(), Turn::text("42"), Turn::text("It is 42.")];
    let world = World::new(turns().into_iter().chain([Turn::text("43"), Turn::text("It is 43.")]));
    let agent = with_helper(&world, |a| a);
    agent.run_with(&world.scope, "what?", options()).await.unwrap();
    let events = world.events(RUN).await;
    let started = |event: &Arc<Event>| matches!(&**event, Event::EffectStarted(_));
    let at = events.iter().rposition(|e| matches!(&**e, Event::ToolReturned(_))).unwrap();
    assert!(started(&events[at - 1]));
    let fork = Fork { at: at as u64, ..Fork::default() };
    let fork = agent.fork(&world.scope, RUN, fork).await.unwrap();
    let report = agent.resume(&world.scope, fork, ResumeOptions::default()).await.unwrap();
    assert_eq!((report.status, world.model.calls().len()), (Status::Suspended, 3));
    assert!(matches!(report.waits[..], [Wait::Doubt { .. }]), "{:?}", report.waits);
    let rerun = ResumeOptions { in_doubt: Some(DoubtDecision::Rerun), ..ResumeOptions::default() };
    let report = agent.resume(&world.scope, fork, rerun).await.unwrap();
    assert_eq!((report.status, report.text.as_str()), (Status::Completed, "It is 43."));
    assert_ne!(child_of(&world, fork).await, child_of(&world, RUN).await);
}
