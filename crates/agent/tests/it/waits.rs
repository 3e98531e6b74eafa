//! Calls that wait for an event from outside or for a moment: the run is given back, and whoever takes
//! it up finds what has come.

use std::sync::Arc;
use std::time::Duration;

use largestack_agent::signals::{Delivered, send};
use largestack_agent::{Agent, CancelHandle, Report, ResumeOptions, RunOptions, Runs};
use largestack_engine::event::{CancelReason, Event, ToolOutcome};
use largestack_engine::{Status, Wait};
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::journal::{Batch, Journal, MemoryJournal};
use largestack_ports::signals::{MOST_DATA, Sent, Signal, Signals as _, Waiting};
use largestack_ports::switch::Thrown;
use largestack_ports::tool::{LONGEST_WAIT, ToolOutput, Until};
use largestack_testkit::{TestModel, Turn};
use largestack_types::errors::{Code, Coded as _, Result};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::limits::Limits;
use largestack_types::part::Body;
use largestack_types::time::Timestamp;

use crate::world::{Spy, World};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);
const CARD: &str = "4111 1111 1111 1111";

/// A world whose journal knows the time.
fn world(turns: impl IntoIterator<Item = Turn>) -> World {
    let mut world = World::new(turns);
    world.journal = Arc::new(MemoryJournal::new(Arc::new(world.clock.clone())));
    world
}

fn waits_for(name: &str, most: Option<Duration>) -> Spy {
    Spy::new(name, move |_, _| {
        Box::pin(async move { Ok(ToolOutput::wait_for("paid", most.map(Until::After))) })
    })
}

fn sleeps(until: Until) -> Spy {
    Spy::new("rest", move |_, _| Box::pin(async move { Ok(ToolOutput::sleep(until)) }))
}

fn event(id: &str, name: &str, data: &str) -> Signal {
    let data = Json::parse(data.to_owned()).unwrap();
    Signal { id: id.into(), name: name.into(), data, by: "shop".into() }
}

async fn sent(world: &World, run: RunId, signal: Signal) -> Result<Delivered> {
    send(&*world.journal, &world.scope, run, signal).await
}

async fn begin(world: &World, agent: &Agent) -> Report {
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    agent.run_with(&world.scope, "go", options).await.unwrap()
}

async fn resume(world: &World, agent: &Agent) -> Report {
    agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap()
}

/// What the model read of the call with this number, and whether it failed.
fn read(report: &Report, number: usize) -> (String, bool) {
    let parts = report.messages.iter().flat_map(|message| &message.parts);
    let mut results = parts.filter_map(|part| match &part.body {
        Body::ToolResult(result) => Some((result.text.to_string(), result.is_error)),
        _ => None,
    });
    results.nth(number).unwrap()
}

fn turns() -> Vec<Turn> {
    vec![Turn::tool("wait", "{}"), Turn::text("thanks")]
}

#[tokio::test]
async fn a_run_waits_for_an_event_and_goes_on_with_it_in_whatever_process_takes_it_up() {
    let world = world(turns());
    let agent = world.agent(|a| a.tool(waits_for("wait", None)));
    let report = begin(&world, &agent).await;
    assert_eq!(report.status, Status::Suspended);
    assert!(
        matches!(&report.waits[..], [Wait::Event { name, until: None, .. }] if **name == *"paid")
    );
    // Taken up before it has come, it waits on, and nobody is asked.
    let again = resume(&world, &agent).await;
    assert_eq!((again.status, again.waits), (Status::Suspended, report.waits));
    assert_eq!(world.model.calls().len(), 1);

    let delivered = sent(&world, RUN, event("e1", "paid", r#"{"amount":3}"#)).await.unwrap();
    assert_eq!(delivered, Delivered { root: RUN, sent: Sent::Kept, has_worker: false });
    let report = resume(&world, &agent).await;
    assert_eq!((report.status, &*report.text), (Status::Completed, "thanks"));
    let now = world.clock.now();
    let expected =
        format!(r#"{{"event":"paid","from":"shop","received":"{now}","data":{{"amount":3}}}}"#);
    assert_eq!(read(&report, 0), (expected, false));
    // Whoever sent it is nobody that the run obeys.
    let label = report.messages[2].parts[0].label;
    assert!(label.origins.contains(Origin::Tool), "{label:?}");
}

#[tokio::test]
async fn an_event_that_came_before_it_was_waited_for_is_heard_at_once_and_only_once() {
    let world =
        world([Turn::tool("wait", "{}").and_tool("wait", r#"{"n":2}"#), Turn::text("thanks")]);
    let agent = world.agent(|a| a.tool(waits_for("wait", None)).tool(Spy::echo("echo")));
    // Nothing has begun yet.
    for id in ["e1", "e1", "e1"] {
        world.journal.send(&world.scope, RUN, event(id, "paid", "1")).await.unwrap();
    }
    world.journal.send(&world.scope, RUN, event("e2", "sent", "1")).await.unwrap();
    let report = begin(&world, &agent).await;
    assert_eq!((report.status, report.waits.len()), (Status::Suspended, 1));
    let again = sent(&world, RUN, event("e1", "paid", "1")).await.unwrap();
    assert_eq!(again.sent, Sent::Known);
    assert_eq!(resume(&world, &agent).await.waits.len(), 1);
    sent(&world, RUN, event("e3", "paid", "3")).await.unwrap();
    assert_eq!(resume(&world, &agent).await.status, Status::Completed);
}

#[tokio::test]
async fn an_event_that_is_there_already_does_not_suspend_the_run() {
    let world = world(turns());
    let agent = world.agent(|a| a.tool(waits_for("wait", None)));
    // The inbox belongs to the run, and not to who drives it.
    world.journal.send(&world.scope, RUN, event("e1", "paid", "1")).await.unwrap();
    assert_eq!(begin(&world, &agent).await.status, Status::Completed);
}

#[tokio::test]
async fn a_wait_that_nobody_answers_ends_and_what_comes_later_is_left_for_the_next_call() {
    let world =
        world([Turn::tool("wait", "{}"), Turn::tool("wait", r#"{"n":2}"#), Turn::text("thanks")]);
    let agent = world.agent(|a| a.tool(waits_for("wait", Some(Duration::from_mins(1)))));
    let report = begin(&world, &agent).await;
    let until = world.clock.now().plus(Duration::from_mins(1));
    assert!(matches!(report.waits[..], [Wait::Event { until: Some(at), .. }] if at == until));
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(resume(&world, &agent).await.waits, report.waits);
    world.clock.advance(Duration::from_secs(2));
    sent(&world, RUN, event("late", "paid", "7")).await.unwrap();
    let report = resume(&world, &agent).await;
    let (text, failed) = read(&report, 0);
    assert!(failed && text.contains("did not come"), "{text}");
    assert!(read(&report, 1).0.contains("\"data\":7"));
    assert_eq!(report.status, Status::Completed);
    let outcomes: Vec<ToolOutcome> = world
        .events(RUN)
        .await
        .iter()
        .filter_map(|event| match &**event {
            Event::ToolReturned(returned) => Some(returned.outcome),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [ToolOutcome::TimedOut, ToolOutcome::Returned]);
}

#[tokio::test]
async fn an_event_that_came_in_time_is_heard_although_the_stores_clock_is_ahead() {
    let mut world = world(turns());
    let ahead = world.clock.now().plus(Duration::from_mins(1));
    let ahead = FakeClock::at(ahead);
    world.journal = Arc::new(MemoryJournal::new(Arc::new(ahead)));
    let agent = world.agent(|a| a.tool(waits_for("wait", Some(Duration::from_secs(30)))));
    begin(&world, &agent).await;
    sent(&world, RUN, event("e1", "paid", "3")).await.unwrap();
    let report = resume(&world, &agent).await;
    assert_eq!(report.status, Status::Completed);
    let (text, failed) = read(&report, 0);
    assert!(text.contains("\"data\":3") && !failed, "{text}");
}

#[tokio::test]
async fn a_sleep_ends_at_its_moment_whoever_takes_the_run_up_and_its_time_is_not_active() {
    let turns = [Turn::tool("rest", "{}"), Turn::text("awake")];
    let world = world(turns);
    let limits = Limits { wall_clock: Some(Duration::from_secs(10)), ..Limits::default() };
    let describe = |until: Until| world.agent(|a| a.tool(sleeps(until)).limits(limits.clone()));
    let agent = describe(Until::After(Duration::from_hours(48)));
    let until = world.clock.now().plus(Duration::from_hours(48));
    let report = begin(&world, &agent).await;
    assert!(matches!(report.waits[..], [Wait::Timer { until: at, .. }] if at == until));
    world.clock.advance(Duration::from_hours(47));
    // Another process, which would sleep from now on if it counted anew.
    let report = resume(&world, &agent).await;
    assert!(matches!(report.waits[..], [Wait::Timer { until: at, .. }] if at == until));
    world.clock.advance(Duration::from_hours(1));
    let report = resume(&world, &agent).await;
    assert_eq!((report.status, &*report.text), (Status::Completed, "awake"));
    assert!(read(&report, 0).0.contains(&until.to_string()));
}

#[tokio::test]
async fn a_run_that_waits_is_the_same_wherever_its_process_dies() {
    let script = || {
        vec![
            Turn::tool("wait", "{}").and_tool("rest", "{}"),
            Turn::tool("echo", r#"{"n":1}"#),
            Turn::text("done"),
        ]
    };
    let describe = |world: &World| {
        let rest = sleeps(Until::At(Timestamp::from_micros(1_767_225_600_000_000 + 60_000_000)));
        world.agent(|a| a.tool(waits_for("wait", None)).tool(rest).tool(Spy::echo("echo")))
    };
    let whole = world(script());
    let agent = describe(&whole);
    begin(&whole, &agent).await;
    whole.clock.advance(Duration::from_mins(1));
    sent(&whole, RUN, event("e1", "paid", "1")).await.unwrap();
    let expected = resume(&whole, &agent).await;
    assert_eq!(expected.status, Status::Completed);
    let events = whole.journal.read(&whole.scope, RUN, 0).await.unwrap();
    for cut in 1..events.len() {
        let replied = events[..cut].iter().filter(|e| e.event.kind() == "model_replied").count();
        let mut after = World::of(TestModel::new(script().split_off(replied)));
        // What was sent outlives the process, and so does who had taken it.
        let shared = whole.journal.kept(&whole.scope, RUN).await.unwrap();
        after.journal = Arc::new(MemoryJournal::new(Arc::new(after.clock.clone())));
        for kept in shared {
            let (name, by) = (Arc::clone(&kept.signal.name), kept.heard_by.unwrap());
            after.journal.send(&after.scope, RUN, kept.signal).await.unwrap();
            let waiting = Waiting { root: RUN, by, name: &name, until: None };
            assert!(after.journal.take(&after.scope, waiting).await.unwrap().is_some());
        }
        let lease = after.journal.claim(&after.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
        let batch = Batch { events: events[..cut].to_vec(), ..Batch::default() };
        after.journal.append(&lease, batch).unwrap();
        after.journal.release(&lease).await.unwrap();
        after.clock.advance(Duration::from_secs(61));
        let report = resume(&after, &describe(&after)).await;
        assert_eq!((report.status, &report.text), (Status::Completed, &expected.text), "{cut}");
        let (came, failed) = read(&report, 0);
        assert!(came.contains("\"data\":1") && !failed, "{cut}: {came}");
    }
}

#[tokio::test]
async fn what_an_event_brings_passes_the_guards_before_it_is_recorded() {
    let world = world(turns());
    let agent = world.agent(|a| a.tool(waits_for("wait", None)));
    begin(&world, &agent).await;
    sent(&world, RUN, event("e1", "paid", &format!(r#"{{"card":"{CARD}"}}"#))).await.unwrap();
    let report = resume(&world, &agent).await;
    assert_eq!(report.status, Status::Completed);
    assert!(!world.written(RUN).await.contains("4111"));
    let shown = serde_json::to_string(&world.model.calls()[1].messages).unwrap();
    assert!(!shown.contains("4111") && shown.contains("CARD_1"), "{shown}");
}

#[tokio::test]
async fn a_waiting_run_is_cancelled_and_a_thrown_switch_keeps_it_from_going_on() {
    let world = world(turns());
    let agent = world.agent(|a| a.tool(waits_for("wait", None)));
    begin(&world, &agent).await;
    sent(&world, RUN, event("e1", "paid", "1")).await.unwrap();
    let at = world.clock.now();
    world.switch.set(Some(Thrown { by: "ann".into(), reason: "stop".into(), at }));
    let refused = agent.resume(&world.scope, RUN, ResumeOptions::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::KillSwitch);
    Runs::new(world.runtime()).cancel(&world.scope, RUN, "enough").await.unwrap();
    let summary = world.journal.run(&world.scope, RUN).await.unwrap().unwrap();
    assert_eq!(summary.status, Status::Cancelled);
    let over = sent(&world, RUN, event("e2", "paid", "1")).await.unwrap_err();
    assert_eq!(over.code(), Code::Conflict);
}

#[tokio::test]
async fn a_run_that_is_taken_up_to_be_cancelled_ends_while_its_event_is_there() {
    let world = world(turns());
    let agent = world.agent(|a| a.tool(waits_for("wait", None)));
    begin(&world, &agent).await;
    sent(&world, RUN, event("e1", "paid", "1")).await.unwrap();
    let cancel = CancelHandle::default();
    cancel.cancel(CancelReason::Caller, "ann", "enough");
    let options = ResumeOptions { cancel, ..ResumeOptions::default() };
    let report = agent.resume(&world.scope, RUN, options).await.unwrap();
    assert_eq!(report.status, Status::Cancelled);
}

#[tokio::test]
async fn what_a_run_below_waits_for_is_sent_to_any_run_of_its_tree() {
    for to_the_child in [false, true] {
        let world = world([
            Turn::tool("helper", r#"{"task":"collect it"}"#),
            Turn::tool("wait", "{}"),
            Turn::text("collected"),
            Turn::text("thanks"),
        ]);
        let runtime = world.runtime();
        let below = Agent::builder("helper").instructions("Collect.").model("test/model");
        let below = below.tool(waits_for("wait", None)).build(runtime.clone()).unwrap();
        let agent = Agent::builder("caller").instructions("Help.").model("test/model");
        let agent = agent.tool(below.as_tool("helper", "Collects.")).build(runtime).unwrap();
        let report = begin(&world, &agent).await;
        let [Wait::Child { run: child, .. }] = report.waits[..] else { panic!("{report:?}") };
        let to = if to_the_child { child } else { RUN };
        let delivered = sent(&world, to, event("e1", "paid", "1")).await.unwrap();
        assert_eq!(delivered.root, RUN);
        let report = resume(&world, &agent).await;
        assert_eq!((report.status, &*report.text), (Status::Completed, "thanks"));
    }
}

#[tokio::test]
async fn a_wait_that_could_never_end_is_a_failed_call_and_an_event_for_nobody_an_error() {
    let too_long = Until::After(LONGEST_WAIT + Duration::from_secs(1));
    let world_of = || world([Turn::tool("rest", "{}"), Turn::text("well")]);
    let world = world_of();
    let report = begin(&world, &world.agent(|a| a.tool(sleeps(too_long)))).await;
    let (text, failed) = read(&report, 0);
    assert!(failed && text.contains("longer than"), "{text}");
    let as_long = world_of();
    let agent = as_long.agent(|a| a.tool(sleeps(Until::After(LONGEST_WAIT))));
    assert_eq!(begin(&as_long, &agent).await.status, Status::Suspended);
    let nobody = sent(&as_long, RunId::from_u128(99), event("e", "paid", "1")).await.unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound);
    let large = format!("\"{}\"", "x".repeat(MOST_DATA));
    let large = sent(&as_long, RUN, event("e", "paid", &large)).await.unwrap_err();
    assert_eq!(large.code(), Code::Signal);
}
