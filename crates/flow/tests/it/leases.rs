//! Who drives a run, and what becomes of it when that goes wrong.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use largestack_agent::parent::run_of_try;
use largestack_agent::{Agent, CancelHandle, Runtime};
use largestack_engine::Status;
use largestack_engine::event::{CancelReason, DoubtDecision};
use largestack_flow::{FlowOptions, FlowResume, Flows, Workflow};
use largestack_ports::journal::Journal as _;
use largestack_testkit::Turn;
use largestack_types::error::Coded as _;
use largestack_types::errors::Code;
use largestack_types::id::{EffectId, OwnerId, RunId};
use serde_json::json;

use crate::ports::Kept;
use crate::world::{Done, World, hanging, noting, settle, undoing};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);
const OTHER: OwnerId = OwnerId::from_u128(9);

fn options() -> FlowOptions {
    FlowOptions { id: Some(RUN), ..FlowOptions::default() }
}

#[tokio::test]
async fn an_error_of_the_store_that_passes_cancels_nothing_and_undoes_nothing() {
    let world = World::new([]);
    let (kept, done) = (Arc::new(Kept::default()), Done::default());
    let runtime = Runtime { journal: kept.clone(), ..world.runtime() };
    let flow = Workflow::builder("trip")
        .function("book", noting(&done))
        .undo("book", undoing(&done))
        .function("pay", noting(&done).with_side_effects())
        .then("book", "pay")
        .build(runtime)
        .unwrap();
    kept.fails.store(true, Ordering::SeqCst);
    let error = flow.run_with(&world.scope, json!(null), options()).await.unwrap_err();
    assert_eq!(error.code(), Code::Journal);
    assert_eq!(*done.lock().unwrap(), ["book"], "nothing is undone");
    let lease = kept.inner.claim(&world.scope, RUN, OTHER).await.unwrap();
    kept.inner.release(&lease).await.unwrap();
    // Nobody knows whether it was started before the store failed: a person decides.
    let decided = FlowResume { in_doubt: Some(DoubtDecision::Rerun), ..FlowResume::default() };
    let report = flow.resume(&world.scope, RUN, decided).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(*done.lock().unwrap(), ["book", "pay"]);
}

#[tokio::test]
async fn who_goes_away_while_a_run_is_taken_up_leaves_it_to_others() {
    let world = World::new([]);
    let kept = Arc::new(Kept::default());
    let runtime = Runtime { journal: kept.clone(), ..world.runtime() };
    let flow = Workflow::builder("w").event("paid", "payment").build(runtime).unwrap();
    flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    kept.hangs.store(true, Ordering::SeqCst);
    {
        let mut taking = Box::pin(flow.resume(&world.scope, RUN, FlowResume::default()));
        assert!(futures::poll!(&mut taking).is_pending());
        let held = kept.inner.claim(&world.scope, RUN, OTHER).await.unwrap_err();
        assert_eq!(held.code(), Code::Conflict);
    }
    settle().await;
    kept.inner.claim(&world.scope, RUN, OTHER).await.unwrap();
}

#[tokio::test]
async fn a_run_that_this_process_drives_is_driven_once() {
    let world = World::new([]);
    let runtime = world.runtime();
    let flow = Workflow::builder("w").function("a", hanging()).build(runtime.clone()).unwrap();
    let flows = Flows::new(runtime);
    let handle = flows.start(&flow, &world.scope, json!(null), options()).await.unwrap();
    settle().await;
    let again = flow.resume(&world.scope, RUN, FlowResume::default()).await.unwrap_err();
    assert_eq!(again.code(), Code::Conflict);
    let again = flows.resume(&flow, &world.scope, RUN, FlowResume::default()).await.err().unwrap();
    assert_eq!(again.code(), Code::Conflict);
    let again = flow.run_with(&world.scope, json!(null), options()).await.unwrap_err();
    assert_eq!(again.code(), Code::Conflict);
    flows.cancel(&world.scope, RUN, "enough").await.unwrap();
    assert_eq!(handle.report().await.unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn who_cancels_before_a_run_waits_is_heard() {
    let world = World::new([]);
    let flow = Workflow::builder("w").event("paid", "payment").build(world.runtime()).unwrap();
    let cancel = CancelHandle::default();
    cancel.cancel(CancelReason::Caller, "me", "enough");
    let options = FlowOptions { cancel, ..options() };
    let report = flow.run_with(&world.scope, json!(null), options).await.unwrap();
    assert_eq!(report.status, Status::Cancelled);
}

#[tokio::test]
async fn a_decision_about_what_is_in_doubt_reaches_a_workflow_below() {
    let (whole, world, done) = (World::new([]), World::new([]), Done::default());
    let flow = |world: &World| {
        let pay = noting(&done).with_side_effects();
        let below = Workflow::builder("inner").function("pay", pay).build(world.runtime()).unwrap();
        let top = Workflow::builder("outer").workflow("below", &below, [] as [(&str, &str); 0]);
        top.build(world.runtime()).unwrap()
    };
    flow(&whole).run_with(&whole.scope, json!(null), options()).await.unwrap();
    for run in [RUN, run_of_try(RUN, EffectId::new(1), 1)] {
        let events = whole.events(run).await;
        world.left(run, &events[..2]).await;
    }
    done.lock().unwrap().clear();
    let flow = flow(&world);
    let report = flow.resume(&world.scope, RUN, FlowResume::default()).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    let decided = FlowResume { in_doubt: Some(DoubtDecision::Rerun), ..FlowResume::default() };
    let report = flow.resume(&world.scope, RUN, decided).await.unwrap();
    assert_eq!((report.status, done.lock().unwrap().len()), (Status::Completed, 1));
}

#[tokio::test]
async fn a_run_that_waits_below_ends_with_the_run_above() {
    let (whole, world, done) = (World::new([]), World::new([]), Done::default());
    let flow = |world: &World| {
        let pay = noting(&done).with_side_effects();
        let below = Workflow::builder("inner")
            .function("book", noting(&done))
            .undo("book", undoing(&done))
            .function("pay", pay)
            .then("book", "pay")
            .build(world.runtime())
            .unwrap();
        let top = Workflow::builder("outer").workflow("below", &below, [] as [(&str, &str); 0]);
        top.build(world.runtime()).unwrap()
    };
    flow(&whole).run_with(&whole.scope, json!(null), options()).await.unwrap();
    let below = run_of_try(RUN, EffectId::new(1), 1);
    world.left(RUN, &whole.events(RUN).await[..2]).await;
    world.left(below, &whole.events(below).await[..4]).await;
    done.lock().unwrap().clear();
    let flow = flow(&world);
    let report = flow.resume(&world.scope, RUN, FlowResume::default()).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    let cancel = CancelHandle::default();
    cancel.cancel(CancelReason::Caller, "me", "enough");
    // The run below waits for a decision; the one above is cancelled once it waits for that.
    let cancelled = FlowResume { cancel, ..FlowResume::default() };
    let report = flow.resume(&world.scope, RUN, cancelled).await.unwrap();
    assert_eq!(report.status, Status::Cancelled);
    assert_eq!(world.kinds(below).await.last(), Some(&"run_finished"));
    assert_eq!(*done.lock().unwrap(), ["undo book"]);
}

#[tokio::test]
async fn a_workflow_that_waits_for_an_event_is_refused_below_another() {
    let world = World::new([]);
    let below = Workflow::builder("inner").event("paid", "payment").build(world.runtime()).unwrap();
    let top = Workflow::builder("outer").workflow("below", &below, [] as [(&str, &str); 0]);
    let error = top.build(world.runtime()).unwrap_err();
    assert_eq!(error.code(), Code::Config);
    assert!(error.message().contains("node `below`: the workflow waits for an event"));
}

#[tokio::test]
async fn an_error_of_the_store_in_a_workflow_below_leaves_both_to_be_taken_up() {
    let world = World::new([]);
    let (kept, done) = (Arc::new(Kept::default()), Done::default());
    let runtime = Runtime { journal: kept.clone(), ..world.runtime() };
    let pay = noting(&done).with_side_effects();
    let below = Workflow::builder("inner").function("pay", pay).build(runtime.clone()).unwrap();
    let top = Workflow::builder("outer").workflow("below", &below, [] as [(&str, &str); 0]);
    let flow = top.build(runtime).unwrap();
    kept.fails.store(true, Ordering::SeqCst);
    let error = flow.run_with(&world.scope, json!(null), options()).await.unwrap_err();
    assert_eq!(error.code(), Code::Journal);
    let decided = FlowResume { in_doubt: Some(DoubtDecision::Rerun), ..FlowResume::default() };
    let report = flow.resume(&world.scope, RUN, decided).await.unwrap();
    assert_eq!((report.status, done.lock().unwrap().len()), (Status::Completed, 1));
}

#[tokio::test]
async fn an_error_of_the_store_leaves_agents_below_as_they_are() {
    let world = World::new([Turn::never()]);
    let (kept, done) = (Arc::new(Kept::default()), Done::default());
    let runtime = Runtime { journal: kept.clone(), ..world.runtime() };
    let agent = Agent::builder("slow").model("test/model").build(runtime.clone()).unwrap();
    let flow = Workflow::builder("both")
        .agent("ask", &agent, "What?")
        .function("first", noting(&done))
        .function("pay", noting(&done).with_side_effects())
        .then("first", "pay")
        .build(runtime)
        .unwrap();
    kept.fails.store(true, Ordering::SeqCst);
    let error = flow.run_with(&world.scope, json!(null), options()).await.unwrap_err();
    assert_eq!(error.code(), Code::Journal);
    settle().await;
    let runs = kept.inner.runs(&world.scope, 9).await.unwrap();
    let below = runs.iter().find(|run| run.run != RUN).unwrap().run;
    let events = kept.inner.read(&world.scope, below, 0).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.event.kind()).collect();
    assert_eq!(kinds, ["run_started", "effect_started"]);
    let lease = kept.inner.claim(&world.scope, below, OTHER).await.unwrap();
    kept.inner.release(&lease).await.unwrap();
}
