//! What reaches a run from outside in time, and what becomes of what is below it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use largestack_agent::parent::run_of_try;
use largestack_agent::{Agent, CancelHandle, Runtime};
use largestack_engine::event::{CancelReason, DoubtDecision};
use largestack_engine::graph::{GraphLimits, Join};
use largestack_engine::{EndReason, Status, Wait};
use largestack_flow::{FlowOptions, FlowResume, Function, NodeOutput, Workflow};
use largestack_ports::approvals::Answer;
use largestack_types::error::Coded as _;
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::Origin;
use largestack_types::money::Money;
use serde_json::json;

use crate::driver::Priced;
use crate::ports::{Asked, Kept};
use crate::world::{Done, World, hanging, noting, settle, undoing};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);
const NOTHING: [(&str, &str); 0] = [];

fn options() -> FlowOptions {
    FlowOptions { id: Some(RUN), ..FlowOptions::default() }
}

/// A loop that goes round as long as it may, each time at once.
fn round(world: &World, step: Function, limits: GraphLimits) -> Workflow {
    let any = |node: largestack_engine::graph::Node| node.with(|node| node.join = Join::Any);
    Workflow::builder("round")
        .function_with("a", step, any)
        .function_with("b", Function::new(|_| async { Ok(NodeOutput::default()) }), any)
        .then("a", "b")
        .then("b", "a")
        .start("a")
        .limits(limits)
        .build(world.runtime())
        .unwrap()
}

#[tokio::test]
async fn tasks_that_are_done_at_once_do_not_keep_a_cancellation_or_a_deadline_waiting() {
    let limits = GraphLimits { max_visits: 100_000, ..GraphLimits::default() };
    let (world, cancel, rounds) =
        (World::new([]), CancelHandle::default(), Arc::new(AtomicU32::new(0)));
    let counting = {
        let (cancel, rounds) = (cancel.clone(), Arc::clone(&rounds));
        Function::new(move |_| {
            if rounds.fetch_add(1, Ordering::SeqCst) == 5 {
                cancel.cancel(CancelReason::Caller, "me", "enough");
            }
            async { Ok(NodeOutput::default()) }
        })
    };
    let flow = round(&world, counting, limits.clone());
    let options = FlowOptions { cancel, ..options() };
    let report = flow.run_with(&world.scope, json!(null), options).await.unwrap();
    assert_eq!((report.status, rounds.load(Ordering::SeqCst)), (Status::Cancelled, 6));

    let world = World::new([]);
    let clock = world.clock.clone();
    let passing = Function::new(move |_| {
        clock.advance(Duration::from_secs(1));
        async { Ok(NodeOutput::default()) }
    });
    let limits = GraphLimits { wall_clock: Some(Duration::from_secs(10)), ..limits };
    let report = round(&world, passing, limits).run(&world.scope, json!(null)).await.unwrap();
    assert_eq!(report.finish_reason, Some(EndReason::WallClock));
    assert!(report.node("a").unwrap().visits < 20, "{:?}", report.nodes);
}

/// A workflow below that waits for a decision, and one beside it that hangs.
async fn waiting_below(world: &World, done: &Done) -> (Workflow, RunId) {
    let whole = World::new([]);
    let flow = |world: &World| {
        let pay = noting(done).with_side_effects();
        let below = Workflow::builder("inner").function("pay", pay).build(world.runtime()).unwrap();
        Workflow::builder("outer")
            .workflow("below", &below, NOTHING)
            .function("hang", hanging())
            .build(world.runtime())
            .unwrap()
    };
    let below = run_of_try(RUN, EffectId::new(1), 1);
    {
        let first = flow(&whole);
        let mut running = Box::pin(first.run_with(&whole.scope, json!(null), options()));
        assert!(futures::poll!(&mut running).is_pending());
        settle().await;
        assert!(futures::poll!(&mut running).is_pending());
    }
    for (run, facts) in [(RUN, 3), (below, 2)] {
        let events: Vec<_> = whole.events(run).await.into_iter().take(facts).collect();
        world.left(run, &events).await;
    }
    done.lock().unwrap().clear();
    (flow(world), below)
}

#[tokio::test]
async fn a_dropped_run_ends_what_waits_below_it() {
    let (world, done) = (World::new([]), Done::default());
    let (flow, below) = waiting_below(&world, &done).await;
    {
        let mut taken = Box::pin(flow.resume(&world.scope, RUN, FlowResume::default()));
        assert!(futures::poll!(&mut taken).is_pending());
        settle().await;
        assert!(futures::poll!(&mut taken).is_pending());
    }
    settle().await;
    assert_eq!(world.kinds(RUN).await.last(), Some(&"run_finished"));
    assert_eq!(world.kinds(below).await.last(), Some(&"run_finished"));
}

#[tokio::test]
async fn what_waits_below_has_cost_what_it_has_cost() {
    let (whole, world, done) = (World::new([]), World::new([]), Done::default());
    let flow = |world: &World| {
        let runtime = Runtime { model: Arc::new(Priced), ..world.runtime() };
        let agent = Agent::builder("a").model("test/model").build(runtime.clone()).unwrap();
        let below = Workflow::builder("inner")
            .agent("ask", &agent, "Say something")
            .function("pay", noting(&done).with_side_effects())
            .then("ask", "pay")
            .build(runtime.clone())
            .unwrap();
        Workflow::builder("outer").workflow("below", &below, NOTHING).build(runtime).unwrap()
    };
    flow(&whole).run_with(&whole.scope, json!(null), options()).await.unwrap();
    let below = run_of_try(RUN, EffectId::new(1), 1);
    world.left(RUN, &whole.events(RUN).await[..2]).await;
    world.left(below, &whole.events(below).await[..4]).await;
    let flow = flow(&world);
    let report = flow.resume(&world.scope, RUN, FlowResume::default()).await.unwrap();
    let spent = Money::from_nanos(60);
    assert_eq!((report.status, report.cost), (Status::Suspended, spent));
    assert_eq!(report.node("below").unwrap().cost, spent);
    let cancel = CancelHandle::default();
    cancel.cancel(CancelReason::Caller, "me", "enough");
    let cancelled = FlowResume { cancel, ..FlowResume::default() };
    let report = flow.resume(&world.scope, RUN, cancelled).await.unwrap();
    assert_eq!((report.status, report.cost), (Status::Cancelled, spent));
    let folded = flow.inspect(&world.scope, RUN).await.unwrap();
    assert_eq!(folded.cost(), spent, "the journal says so, too");
}

#[tokio::test]
async fn an_answer_reaches_the_question_of_a_workflow_below() {
    let (world, kept) = (World::new([]), Arc::new(Kept::default()));
    let asked = Arc::new(Asked::default());
    let mut runtime = Runtime { journal: kept, ..world.runtime() };
    runtime.tools.approvals = Some(asked.clone());
    let below = Workflow::builder("inner")
        .question("sure", "Really?", ["yes", "no"])
        .when("sure", "yes", "end")
        .when("sure", "no", "end")
        .build(runtime.clone())
        .unwrap();
    let flow = Workflow::builder("outer").workflow("below", &below, NOTHING);
    let flow = flow.build(runtime).unwrap();
    let report = flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    assert!(matches!(report.waits[..], [Wait::Child { .. }]), "{:?}", report.waits);
    let id = asked.0.lock().unwrap()[0].id;
    let unknown = vec![(largestack_types::id::ApprovalId::from_u128(1), Answer::of("yes"))];
    let wrong = FlowResume { answers: unknown, ..FlowResume::default() };
    assert!(flow.resume(&world.scope, RUN, wrong).await.is_err());
    let answered = FlowResume { answers: vec![(id, Answer::of("yes"))], ..FlowResume::default() };
    let report = flow.resume(&world.scope, RUN, answered).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(report.output["choice"], json!("yes"));
}

#[tokio::test]
async fn a_no_and_silence_end_a_question_without_choices_and_a_yes_goes_on() {
    for (said, status, note) in [
        (Some("approve"), Status::Completed, ""),
        (Some("deny"), Status::Failed, "does not agree to node `sure`"),
        (None, Status::Failed, "nobody answered in time"),
    ] {
        let (world, kept) = (World::new([]), Arc::new(Kept::default()));
        let asked = Arc::new(Asked::default());
        let mut runtime = Runtime { journal: kept, ..world.runtime() };
        runtime.tools.approvals = Some(asked.clone());
        let done = Done::default();
        let flow = Workflow::builder("w")
            .question("sure", "Really?", Vec::<String>::new())
            .function("pay", noting(&done))
            .then("sure", "pay")
            .build(runtime)
            .unwrap();
        let report = flow.run_with(&world.scope, json!(null), options()).await.unwrap();
        assert_eq!(report.status, Status::Suspended);
        let id = asked.0.lock().unwrap()[0].id;
        world.clock.advance(Duration::from_hours(if said.is_some() { 1 } else { 169 }));
        let answers = said.map(|said| (id, Answer::of(said))).into_iter().collect();
        let resumed = FlowResume { answers, ..FlowResume::default() };
        let report = flow.resume(&world.scope, RUN, resumed).await.unwrap();
        let error = report.error.map(|error| error.message()).unwrap_or_default();
        assert_eq!((report.status, error.contains(note)), (status, true), "{error}");
        assert_eq!(done.lock().unwrap().len(), usize::from(status == Status::Completed));
    }
}

#[tokio::test]
async fn what_comes_from_outside_keeps_its_label() {
    let world = World::new([]);
    let flow = Workflow::builder("w")
        .event("paid", "payment")
        .function("after", noting(&Done::default()))
        .then("paid", "after")
        .build(world.runtime())
        .unwrap();
    flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    // It stays readable, so that its class goes with it.
    let payer = json!({ "payer": "ann@example.com" });
    let came = FlowResume { events: vec![("payment".into(), payer)], ..FlowResume::default() };
    flow.resume(&world.scope, RUN, came).await.unwrap();
    let folded = flow.inspect(&world.scope, RUN).await.unwrap();
    let label = folded.state().label();
    assert!(label.origins.contains(Origin::User) && !label.classes.is_empty(), "{label:?}");
}

#[tokio::test]
async fn a_fan_out_over_many_branches_shares_the_state_that_they_see() {
    let world = World::new([]);
    let seen: Arc<std::sync::Mutex<Vec<Arc<serde_json::Value>>>> = Arc::default();
    let mut builder = Workflow::builder("wide").input("big");
    let limits = GraphLimits { max_parallel: 200, ..GraphLimits::default() };
    for n in 0..200 {
        let seen = Arc::clone(&seen);
        builder = builder.function(
            format!("n{n}"),
            Function::new(move |context| {
                seen.lock().unwrap().push(context.state);
                async { Ok(NodeOutput::from(json!(1))) }
            }),
        );
    }
    let flow = builder.limits(limits).build(world.runtime()).unwrap();
    let report = flow.run(&world.scope, json!(vec!["x"; 1_000])).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 200);
    assert!(seen.iter().all(|state| Arc::ptr_eq(state, &seen[0])), "one value, not 200 copies");
}

#[tokio::test]
async fn a_decision_for_what_waits_below_is_told_while_it_happens() {
    let (world, done) = (World::new([]), Done::default());
    let (flow, _) = waiting_below(&world, &done).await;
    let decided = FlowResume { in_doubt: Some(DoubtDecision::Rerun), ..FlowResume::default() };
    let mut stream = flow.resume_stream(&world.scope, RUN, decided);
    let mut finished = 0;
    while let Some(event) = stream.next().await {
        if let largestack_flow::FlowEvent::Fact(fact) = event {
            finished += usize::from(fact.event.kind() == "node_finished");
            if finished == 1 {
                break;
            }
        }
    }
    assert_eq!((finished, done.lock().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_workflow_below_that_is_cut_off_undoes_what_it_did_before_the_run_above_ends() {
    for late in [false, true] {
        let (world, done) = (World::new([]), Done::default());
        let below = Workflow::builder("inner")
            .function("book", noting(&done))
            .undo("book", undoing(&done))
            .function("hang", hanging())
            .then("book", "hang")
            .build(world.runtime())
            .unwrap();
        let top = Workflow::builder("outer").workflow("below", &below, NOTHING);
        let timeout = late.then_some(Duration::from_secs(5));
        let top = top.change("below", |node| node.timeout = timeout);
        let top = top.build(world.runtime()).unwrap();
        let cancel = CancelHandle::default();
        let options = FlowOptions { cancel: cancel.clone(), ..options() };
        let running = top.run_with(&world.scope, json!(null), options);
        let ending = async {
            settle().await;
            if late {
                world.clock.advance(Duration::from_secs(5));
            } else {
                cancel.cancel(CancelReason::Caller, "me", "enough");
            }
        };
        let (report, ()) = futures::join!(running, ending);
        let wanted = if late { Status::Failed } else { Status::Cancelled };
        assert_eq!(report.unwrap().status, wanted);
        assert_eq!(*done.lock().unwrap(), ["book", "undo book"], "late: {late}");
        let inner = run_of_try(RUN, EffectId::new(1), 1);
        assert_eq!(world.kinds(inner).await.last(), Some(&"run_finished"));
    }
}
