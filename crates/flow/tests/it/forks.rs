//! A workflow's run from one of its events on, another way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use largestack_agent::Runtime;
use largestack_engine::event::DoubtDecision;
use largestack_engine::{Event, Status, Wait};
use largestack_flow::{FlowFork, FlowResume, Function, NodeOutput, Workflow};
use largestack_ports::journal::Journal;
use largestack_ports::vault::TokenVault as _;
use largestack_testkit::Turn;
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::RunId;
use largestack_types::message::Role;
use largestack_types::usage::Usage;
use serde_json::{Map, Value, json};

use crate::ports::{Asked, Kept};
use crate::world::World;

/// Asks an agent, counts, asks another one.
fn flow(world: &World, counted: &Arc<AtomicU32>) -> Workflow {
    let counted = Arc::clone(counted);
    let count = Function::new(move |context| {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            let draft: String = context.get("draft")?;
            NodeOutput::of(&draft.len())
        }
    });
    Workflow::builder("report")
        .input("task")
        .agent("draft", &world.agent("writer"), "Write about {{ task }}.")
        .function("length", count)
        .agent("edit", &world.agent("editor"), "Edit {{ draft }} for {{ task }}.")
        .then("draft", "length")
        .then("length", "edit")
        .build(world.runtime())
        .unwrap()
}

/// The number of the fact that a node has finished.
async fn finished(world: &World, run: RunId, which: usize) -> u64 {
    let events = world.journal.read(&world.scope, run, 0).await.unwrap();
    let mut finished = events.iter().filter(|event| event.event.kind() == "node_finished");
    finished.nth(which).unwrap().seq
}

fn at(at: u64) -> FlowFork {
    FlowFork { at, ..FlowFork::default() }
}

/// What the model was asked last.
fn asked(world: &World) -> String {
    let call = world.model.calls().pop().unwrap();
    let user = call.messages.iter().rev().find(|message| message.role == Role::User);
    user.unwrap().text()
}

#[tokio::test]
async fn a_fork_repeats_no_node_that_was_done_and_pays_for_what_comes_behind() {
    let turns = ["A draft.", "An edit.", "Another edit."].map(Turn::text);
    let (world, counted) = (World::new(turns), Arc::default());
    let flow = flow(&world, &counted);
    let whole = flow.run(&world.scope, "bees").await.unwrap();
    let before = world.journal.read(&world.scope, whole.run, 0).await.unwrap();
    let place = finished(&world, whole.run, 1).await;
    let fork = flow.fork(&world.scope, whole.run, at(place)).await.unwrap();
    let report = flow.resume(&world.scope, fork, FlowResume::default()).await.unwrap();
    assert_eq!((report.status, report.run), (Status::Completed, fork));
    assert_eq!(
        (&report.state["draft"], &report.state["edit"]),
        (&json!("A draft."), &json!("Another edit."))
    );
    assert_eq!((counted.load(Ordering::SeqCst), world.model.calls().len()), (1, 3));
    let branch = report.branch.unwrap();
    assert_eq!((branch.of, branch.at), (whole.run, place));
    assert_eq!(branch.usage.plus(report.usage), whole.usage.plus(Usage::default()));
    let after = world.journal.read(&world.scope, whole.run, 0).await.unwrap();
    assert_eq!(before, after, "the run that was forked is as it was");
    let events = world.journal.read(&world.scope, fork, 0).await.unwrap();
    let shared = usize::try_from(place).unwrap();
    assert_eq!(events[..shared], before[..shared]);
    assert!(matches!(&*events[shared].event, Event::Forked(forked) if forked.at == place));
    // The run below it is one of its own.
    assert_eq!(asked(&world), "Edit A draft. for bees.");
    let runs = world.journal.runs(&world.scope, 99).await.unwrap();
    assert_eq!(runs.iter().filter(|line| line.root == fork).count(), 2);
}

#[tokio::test]
async fn what_is_written_in_a_fork_is_what_nodes_see_from_there_on() {
    let turns = ["A draft.", "An edit.", "Another edit."].map(Turn::text);
    let (world, counted) = (World::new(turns), Arc::default());
    let flow = flow(&world, &counted);
    let whole = flow.run(&world.scope, "bees").await.unwrap();
    let place = finished(&world, whole.run, 1).await;
    let state = Map::from_iter([("task".to_owned(), json!("ann@example.com"))]);
    let fork = FlowFork { state, ..at(place) };
    let fork = flow.fork(&world.scope, whole.run, fork).await.unwrap();
    let report = flow.resume(&world.scope, fork, FlowResume::default()).await.unwrap();
    assert_eq!(report.state["task"], "ann@example.com", "who has written it is shown it");
    assert!(asked(&world).starts_with("Edit A draft. for "), "{}", asked(&world));
    let unknown = Map::from_iter([("tusk".to_owned(), Value::Null)]);
    let unknown = FlowFork { state: unknown, ..at(place) };
    let error = flow.fork(&world.scope, whole.run, unknown).await.unwrap_err();
    assert!(error.to_string().contains("`tusk` is no key of the workflow"), "{error}");
}

#[tokio::test]
async fn a_question_is_asked_anew_in_a_fork_and_the_run_that_waits_waits_on() {
    let (world, kept) = (World::new([]), Arc::new(Kept::default()));
    let mut runtime = Runtime { journal: kept, ..world.runtime() };
    runtime.tools.approvals = Some(Arc::new(Asked::default()));
    let flow = Workflow::builder("asks")
        .input("task")
        .question("release", "Release {{ task }}?", [""; 0])
        .build(runtime)
        .unwrap();
    let waiting = flow.run(&world.scope, "it").await.unwrap();
    assert_eq!(waiting.status, Status::Suspended);
    let last = flow.inspect(&world.scope, waiting.run).await.unwrap().seq();
    let fork = flow.fork(&world.scope, waiting.run, at(last)).await.unwrap();
    let report = flow.resume(&world.scope, fork, FlowResume::default()).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    assert_ne!(report.waits, waiting.waits, "another question");
    let stands = flow.inspect(&world.scope, waiting.run).await.unwrap();
    assert_eq!(stands.waits(), waiting.waits);
}

#[tokio::test]
async fn an_agent_that_was_at_work_there_is_in_doubt_and_asked_anew_only_where_somebody_says_so() {
    let turns = ["A draft.", "An edit.", "Another draft.", "Another edit."].map(Turn::text);
    let (world, counted) = (World::new(turns), Arc::default());
    let flow = flow(&world, &counted);
    let whole = flow.run(&world.scope, "bees").await.unwrap();
    let events = world.journal.read(&world.scope, whole.run, 0).await.unwrap();
    let began = events.iter().find(|event| event.event.kind() == "node_started").unwrap().seq;
    let fork = flow.fork(&world.scope, whole.run, at(began)).await.unwrap();
    let report = flow.resume(&world.scope, fork, FlowResume::default()).await.unwrap();
    assert_eq!((report.status, world.model.calls().len()), (Status::Suspended, 2));
    assert!(matches!(report.waits[..], [Wait::Doubt { .. }]), "{:?}", report.waits);
    let rerun = FlowResume { in_doubt: Some(DoubtDecision::Rerun), ..FlowResume::default() };
    let report = flow.resume(&world.scope, fork, rerun).await.unwrap();
    assert_eq!(
        (report.status, &report.state["draft"]),
        (Status::Completed, &json!("Another draft."))
    );
}

#[tokio::test]
async fn a_fork_that_is_refused_leaves_no_value_in_the_vault() {
    let turns = ["A draft.", "An edit."].map(Turn::text);
    let (world, counted) = (World::new(turns), Arc::default());
    let flow = flow(&world, &counted);
    let whole = flow.run(&world.scope, "bees").await.unwrap();
    let last = flow.inspect(&world.scope, whole.run).await.unwrap().seq();
    let state = || Map::from_iter([("task".to_owned(), json!("Charge 4111 1111 1111 1111."))]);
    let (id, place) = (RunId::from_u128(77), finished(&world, whole.run, 1).await);
    let kept = async |run| world.vault.all(&world.scope, run).await.unwrap().len();
    let ending = FlowFork { id: Some(id), state: state(), ..at(last) };
    let error = flow.fork(&world.scope, whole.run, ending).await.unwrap_err();
    assert_eq!((error.code(), kept(id).await), (Code::Input, 0));
    let taken = FlowFork { id: Some(whole.run), state: state(), ..at(place) };
    let error = flow.fork(&world.scope, whole.run, taken).await.unwrap_err();
    assert_eq!(
        (error.code(), kept(whole.run).await),
        (Code::Conflict, 0),
        "it is another run's id"
    );
    let applies = FlowFork { id: Some(id), state: state(), ..at(place) };
    assert_eq!(flow.fork(&world.scope, whole.run, applies).await.unwrap(), id);
    assert_eq!(kept(id).await, 1);
}

#[tokio::test]
async fn where_nothing_is_left_to_do_or_nothing_stands_a_fork_is_refused() {
    let turns = ["A draft.", "An edit."].map(Turn::text);
    let (world, counted) = (World::new(turns), Arc::default());
    let flow = flow(&world, &counted);
    let whole = flow.run(&world.scope, "bees").await.unwrap();
    let last = flow.inspect(&world.scope, whole.run).await.unwrap().seq();
    for (place, why) in
        [(last, "coming to its end"), (0, "there is no event 0"), (last + 1, "there is no event")]
    {
        let error = flow.fork(&world.scope, whole.run, at(place)).await.unwrap_err();
        assert_eq!(error.code(), Code::Input);
        assert!(error.to_string().contains(why), "{error}");
    }
    let other = Workflow::builder("other").input("task").build(world.runtime());
    assert!(other.is_err(), "a workflow has nodes");
    let below = world.journal.runs(&world.scope, 99).await.unwrap();
    let agent = below.iter().find(|line| line.run != whole.run).unwrap().run;
    let error = flow.fork(&world.scope, agent, at(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound, "{error}");
}
