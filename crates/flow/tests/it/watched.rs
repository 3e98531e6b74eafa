//! Agents that are watched, and sagas: what begins again, what is undone, and what the journal says of
//! it when a process dies in the middle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use largestack_agent::CancelHandle;
use largestack_engine::Status;
use largestack_engine::event::CancelReason;
use largestack_engine::graph::{GraphLimits, NodeState, Restarts, Retry, Supervision};
use largestack_flow::patterns::{Step, saga, supervised};
use largestack_flow::{FlowOptions, FlowResume, Function, NodeOutput, Workflow};
use largestack_ports::journal::Journal as _;
use largestack_ports::tool::ToolFailure;
use largestack_testkit::Turn;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, ProviderTimeoutError};
use largestack_types::id::RunId;
use serde_json::json;

use crate::world::{World, hanging, settle};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);

fn options() -> FlowOptions {
    FlowOptions { id: Some(RUN), ..FlowOptions::default() }
}

fn breaks() -> Turn {
    let error =
        ProviderTimeoutError { provider: "p".into(), phase: "first byte".into(), after_ms: 1 };
    Turn::error(LargestackError::from(error))
}

/// Three agents of which the second fails first, one after the other.
fn team(world: &World, restarts: Restarts, most: u32) -> Workflow {
    let agents = ["a", "b", "c"].map(|name| world.agent(name));
    let limits = GraphLimits { max_parallel: 1, ..GraphLimits::default() };
    supervised("team", &agents, |names| Supervision::new(names, restarts, most))
        .limits(limits)
        .build(world.runtime())
        .unwrap()
}

#[tokio::test]
async fn agents_begin_again_as_their_strategy_says_and_the_report_says_how_often() {
    let said = |words: &str| Turn::text(words.to_owned());
    for (restarts, turns, again) in [
        (Restarts::OneForOne, vec![said("A"), breaks(), said("C"), said("B")], [0, 1, 0]),
        (
            Restarts::OneForAll,
            vec![said("x"), breaks(), said("C"), said("A"), said("B")],
            [1, 1, 0],
        ),
    ] {
        let world = World::new(turns);
        let flow = team(&world, restarts, 2);
        let report = flow.run(&world.scope, "go").await.unwrap();
        assert_eq!(report.status, Status::Completed, "{:?}", report.error);
        assert_eq!(report.output, json!({ "a": "A", "b": "B", "c": "C" }), "{restarts:?}");
        let restarts: Vec<u32> = report.nodes[..3].iter().map(|node| node.restarts).collect();
        assert_eq!(restarts, again);
    }
}

#[tokio::test]
async fn one_failure_too_many_fails_the_team_and_says_so() {
    let world = World::new([Turn::text("A"), breaks(), breaks(), breaks()]);
    let flow = team(&world, Restarts::OneForOne, 2);
    let report = flow.run(&world.scope, "go").await.unwrap();
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.error.as_ref().unwrap().code(), Code::ProviderTimeout);
    let states: Vec<NodeState> = report.nodes[..3].iter().map(|node| node.state).collect();
    assert_eq!(states, [NodeState::Completed, NodeState::Failed, NodeState::Cancelled]);
    assert_eq!(world.model.calls().len(), 4);
}

#[tokio::test]
async fn a_sibling_under_way_is_cut_off_and_begins_again_in_a_run_of_its_own() {
    let world = World::new([Turn::never(), Turn::text("A")]);
    let fails = Function::new(|context| async move {
        match context.attempt {
            1 => Err(ToolFailure::new("broken")),
            _ => Ok(NodeOutput::from(json!("B"))),
        }
    });
    let flow = Workflow::builder("team")
        .agent("a", &world.agent("a"), "Say something")
        .function("b", fails)
        .supervise(Supervision::new(["a", "b"], Restarts::OneForAll, 1))
        .build(world.runtime())
        .unwrap();
    let report = flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(report.state, json!({ "a": "A", "b": "B" }));
    settle().await;
    let runs = world.journal.runs(&world.scope, 9).await.unwrap();
    let mut ended: Vec<&str> = runs.iter().map(|run| run.status.name()).collect();
    ended.sort_unstable();
    assert_eq!(ended, ["cancelled", "completed", "completed"]);
}

/// What stands outside: which steps have happened there and not been undone, by key, so that a
/// repeated call is seen for what it is.
#[derive(Clone, Default)]
struct Outside(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl Outside {
    fn note(&self, what: &str, key: &str) {
        self.0.lock().unwrap().entry(what.to_owned()).or_default().push(key.to_owned());
    }

    fn step(&self, name: &'static str) -> Step {
        let (does, undoes) = (self.clone(), self.clone());
        let action = Function::new(move |context| {
            does.note(name, &context.idempotency_key);
            async move { Ok(NodeOutput::from(json!(format!("{name} booked")))) }
        });
        let undo = Function::new(move |context| {
            assert_eq!(context.output, Some(json!(format!("{name} booked"))));
            undoes.note(&format!("undo {name}"), &context.idempotency_key);
            async move { Ok(NodeOutput::default()) }
        });
        Step::new(name, action).undone_by(undo)
    }

    /// How often each thing happened, by the keys that it was asked for with.
    fn happened(&self) -> BTreeMap<String, usize> {
        let all = self.0.lock().unwrap();
        let once =
            |keys: &Vec<String>| keys.iter().collect::<std::collections::BTreeSet<_>>().len();
        all.iter().map(|(what, keys)| (what.clone(), once(keys))).collect()
    }
}

fn trip(world: &World, outside: &Outside) -> Workflow {
    let pay = Step::new("pay", Function::new(|_| async { Err(ToolFailure::new("no money")) }));
    let steps = [outside.step("flight"), outside.step("hotel"), outside.step("car"), pay];
    saga("trip", steps).build(world.runtime()).unwrap()
}

#[tokio::test]
async fn a_saga_that_dies_anywhere_also_while_it_is_undone_undoes_each_step_once() {
    let (whole, outside) = (World::new([]), Outside::default());
    let report = trip(&whole, &outside).run_with(&whole.scope, "Rome", options()).await.unwrap();
    assert_eq!(report.status, Status::Failed);
    let states: Vec<NodeState> = report.nodes.iter().map(|node| node.state).collect();
    assert_eq!(
        states,
        [NodeState::Undone, NodeState::Undone, NodeState::Undone, NodeState::Failed]
    );
    let all = outside.happened();
    assert!(all.len() == 6 && all.values().all(|times| *times == 1), "{all:?}");
    let events = whole.events(RUN).await;
    let undoing = events.iter().position(|e| e.event.kind() == "node_failed").unwrap();
    assert!(events.len() > undoing + 6, "the crash falls into the middle of undoing, too");
    for cut in 1..events.len() {
        let (world, outside) = (World::new([]), Outside::default());
        world.left(RUN, &events[..cut]).await;
        let flow = trip(&world, &outside);
        let again = flow.resume(&world.scope, RUN, FlowResume::default()).await.unwrap();
        assert_eq!(again.nodes, report.nodes, "cut after {cut}");
        // What the first process has recorded is not done again; the rest is, once.
        let finished = events[..cut].iter().filter(|e| e.event.kind() == "node_finished").count();
        let happened = outside.happened();
        assert_eq!(happened.values().sum::<usize>(), 6 - finished, "cut after {cut}: {happened:?}");
    }
}

#[tokio::test]
async fn what_undoes_a_step_is_tried_again_within_its_time_and_said_where_it_does_not_help() {
    let world = World::new([]);
    let tries = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&tries);
    let undo = Function::new(move |_| {
        *counted.lock().unwrap() += 1;
        std::future::pending()
    });
    let retry = Retry { tries: 2, pause: Duration::ZERO, whatever: true };
    let book = Function::new(|_| async { Ok(NodeOutput::default()) });
    let fails = Function::new(|_| async { Err(ToolFailure::new("no money")) });
    let steps = [
        Step::new("book", book).undone_by(undo).undo_tries(retry, Some(Duration::from_secs(3))),
        Step::new("pay", fails),
    ];
    let flow = saga("trip", steps).build(world.runtime()).unwrap();
    let passing = async {
        for _ in 0..3 {
            settle().await;
            world.clock.advance(Duration::from_secs(3));
        }
    };
    let (report, ()) = futures::join!(flow.run(&world.scope, "Rome"), passing);
    let report = report.unwrap();
    assert_eq!((report.status, *tries.lock().unwrap()), (Status::Failed, 2));
    let undoing: Vec<bool> = report.failures.iter().map(|failure| failure.undoing).collect();
    assert_eq!(undoing, [false, true]);
    assert_eq!(report.node("book").unwrap().state, NodeState::Completed, "it is not called undone");
}

#[tokio::test]
async fn a_saga_whose_time_is_up_or_that_is_cancelled_is_undone() {
    let run = |cancelled: bool| async move {
        let (world, outside) = (World::new([]), Outside::default());
        let limits =
            GraphLimits { wall_clock: Some(Duration::from_secs(5)), ..GraphLimits::default() };
        let steps = [outside.step("flight"), Step::new("wait", hanging())];
        let flow = saga("trip", steps).limits(limits).build(world.runtime()).unwrap();
        let cancel = CancelHandle::default();
        let options = FlowOptions { cancel: cancel.clone(), ..options() };
        let ending = async {
            settle().await;
            if cancelled {
                cancel.cancel(CancelReason::Caller, "me", "enough");
            } else {
                world.clock.advance(Duration::from_secs(5));
            }
        };
        let (report, ()) = futures::join!(flow.run_with(&world.scope, "Rome", options), ending);
        (report.unwrap().status, outside.happened().get("undo flight").copied())
    };
    assert_eq!(run(true).await, (Status::Cancelled, Some(1)));
    assert_eq!(run(false).await, (Status::Incomplete, Some(1)));
}
