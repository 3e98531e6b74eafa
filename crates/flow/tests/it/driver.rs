//! The driver: what is started, recorded, told, cut off and taken up.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use largestack_agent::{Agent, CancelHandle, RunEvent, Runtime};
use largestack_engine::event::{CancelReason, DoubtDecision};
use largestack_engine::graph::{NodeState, Retry};
use largestack_engine::{EndReason, Status, Wait};
use largestack_flow::{
    FlowEvent, FlowOptions, FlowResume, Flows, Function, NodeOutput, Workflow, WorkflowBuilder,
};
use largestack_testkit::Turn;
use largestack_types::delta::Delta;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use serde_json::json;

use crate::world::{Done, World, failing, hanging, noting, settle, undoing};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);

fn options() -> FlowOptions {
    FlowOptions { id: Some(RUN), ..FlowOptions::default() }
}

fn two_agents(world: &World) -> WorkflowBuilder {
    Workflow::builder("report")
        .input("task")
        .agent("draft", &world.agent("writer"), "Write: {{ task }}")
        .agent("check", &world.agent("critic"), "Check: {{ draft }}")
        .then("draft", "check")
}

#[tokio::test]
async fn each_agent_is_asked_in_a_run_of_its_own_and_costs_add_up() {
    let world = World::new([Turn::text("a draft"), Turn::text("fine")]);
    let flow = two_agents(&world).build(world.runtime()).unwrap();
    let report = flow.run_with(&world.scope, "a poem", options()).await.unwrap();
    assert_eq!((report.status, report.text().as_str()), (Status::Completed, "fine"));
    let asked: Vec<String> =
        world.model.calls().iter().map(|call| call.messages.last().unwrap().text()).collect();
    assert_eq!(asked, ["Write: a poem", "Check: a draft"]);
    assert_eq!(report.usage.output_tokens, Some(10));
    assert_eq!(report.node("check").unwrap().usage.output_tokens, Some(5));
    assert_eq!(
        world.kinds(RUN).await,
        [
            "graph_started",
            "node_started",
            "node_finished",
            "node_started",
            "node_finished",
            "run_finished"
        ]
    );
}

#[tokio::test]
async fn what_agents_say_is_heard_while_they_say_it_with_the_node_they_say_it_at() {
    let world = World::new([Turn::text("a draft").pieces(3), Turn::text("fine")]);
    let flow = two_agents(&world).build(world.runtime()).unwrap();
    let mut stream = flow.stream(&world.scope, "a poem", options());
    let (mut text, mut facts) = (String::new(), 0);
    while let Some(event) = stream.next().await {
        match event {
            FlowEvent::Agent {
                node,
                event: RunEvent::Delta { delta: Delta::Text { text: piece }, .. },
                ..
            } if &*node == "draft" => text.push_str(&piece),
            FlowEvent::Fact(fact) => {
                facts += 1;
                assert_eq!(fact.seq, facts, "no fact is missing");
            }
            _ => {}
        }
    }
    assert_eq!((text.as_str(), facts), ("a draft", 6));
    assert_eq!(stream.finish().await.unwrap().status, Status::Completed);
}

#[tokio::test]
async fn a_failure_below_is_the_node_s_and_is_tried_again_in_another_run() {
    let error = || {
        LargestackError::from(largestack_types::errors::ProviderTimeoutError {
            provider: "p".into(),
            phase: "first byte".into(),
            after_ms: 1,
        })
    };
    let world = World::new([Turn::error(error()), Turn::text("a draft"), Turn::text("fine")]);
    let flow = two_agents(&world).change("draft", |node| {
        node.retry = Retry { tries: 2, pause: Duration::ZERO, whatever: false }
    });
    let flow = flow.build(world.runtime()).unwrap();
    let report = flow.run_with(&world.scope, "a poem", options()).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    let runs = largestack_ports::journal::Journal::runs(&*world.journal, &world.scope, 9).await;
    assert_eq!(runs.unwrap().len(), 4, "the workflow, two tries, the check");
    let world = World::new([Turn::error(error())]);
    let flow = two_agents(&world).build(world.runtime()).unwrap();
    let report = flow.run(&world.scope, "a poem").await.unwrap();
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.error.unwrap().code(), Code::ProviderTimeout);
}

#[tokio::test]
async fn a_sibling_is_cut_off_when_one_fails_and_what_was_done_is_undone() {
    let world = World::new([]);
    let done = Done::default();
    let flow = Workflow::builder("trip")
        .function("book", noting(&done))
        .undo("book", undoing(&done))
        .function("slow", hanging())
        .function("pay", failing("no money"))
        .then("book", "slow")
        .then("book", "pay")
        .build(world.runtime())
        .unwrap();
    let report = flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    assert_eq!(*done.lock().unwrap(), ["book", "undo book"]);
    assert_eq!(report.status, Status::Failed);
    let states: Vec<NodeState> = report.nodes.iter().map(|node| node.state).collect();
    assert_eq!(states, [NodeState::Undone, NodeState::Cancelled, NodeState::Failed]);
    assert!(report.error.unwrap().message().contains("no money"));
}

#[tokio::test]
async fn a_try_that_takes_too_long_is_over() {
    let world = World::new([]);
    let flow = Workflow::builder("slow").function_with("wait", hanging(), |node| {
        node.with(|node| node.timeout = Some(Duration::from_secs(5)))
    });
    let flow = flow.build(world.runtime()).unwrap();
    let running = flow.run(&world.scope, json!(null));
    let passing = async {
        settle().await;
        world.clock.advance(Duration::from_secs(5));
    };
    let (report, ()) = futures::join!(running, passing);
    let error = report.unwrap().error.unwrap();
    assert!(error.message().contains("did not end within 5000 ms"), "{}", error.message());
}

#[tokio::test]
async fn a_pause_between_tries_is_waited_for() {
    let world = World::new([]);
    let retry = Retry { tries: 2, pause: Duration::from_secs(9), whatever: false };
    let function = Function::new(|context| async move {
        match context.attempt {
            1 => Err(largestack_ports::tool::ToolFailure::transient("not yet")),
            _ => Ok(NodeOutput::from(json!(&*context.idempotency_key))),
        }
    });
    let flow = Workflow::builder("again")
        .function_with("a", function, |node| node.with(|node| node.retry = retry))
        .build(world.runtime())
        .unwrap();
    let passing = async {
        settle().await;
        world.clock.advance(Duration::from_secs(8));
        settle().await;
        let early = world.kinds(RUN).await;
        world.clock.advance(Duration::from_secs(1));
        early
    };
    let running = flow.run_with(&world.scope, json!(null), options());
    let (report, early) = futures::join!(running, passing);
    assert_eq!(early.last(), Some(&"node_failed"));
    assert_eq!(report.unwrap().text(), format!("{RUN}.1"), "the key is the same at every try");
}

#[tokio::test]
async fn who_cancels_cancels_what_is_below_and_a_dropped_run_ends() {
    let world = World::new([Turn::never()]);
    let flow = two_agents(&world).build(world.runtime()).unwrap();
    let cancel = CancelHandle::default();
    let options = FlowOptions { cancel: cancel.clone(), ..options() };
    let running = flow.run_with(&world.scope, "a poem", options);
    let cancelling = async {
        settle().await;
        cancel.cancel(CancelReason::Caller, "me", "enough");
    };
    let (report, ()) = futures::join!(running, cancelling);
    assert_eq!(report.unwrap().status, Status::Cancelled);
    settle().await;
    let runs = largestack_ports::journal::Journal::runs(&*world.journal, &world.scope, 9);
    let runs = runs.await.unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run.status == Status::Cancelled), "{runs:?}");

    let world = World::new([]);
    let flow = Workflow::builder("w").function("a", hanging()).build(world.runtime()).unwrap();
    let own = FlowOptions { id: Some(RUN), ..FlowOptions::default() };
    {
        let mut running = Box::pin(flow.run_with(&world.scope, json!(null), own));
        assert!(futures::poll!(&mut running).is_pending());
    }
    assert_eq!(world.kinds(RUN).await.last(), Some(&"run_finished"));
}

#[tokio::test]
async fn the_kill_switch_ends_a_run_and_keeps_another_from_beginning() {
    use largestack_ports::clock::Clock as _;
    use largestack_ports::switch::Thrown;
    let world = World::new([]);
    let done = Done::default();
    let flow = Workflow::builder("w")
        .function("a", noting(&done))
        .undo("a", undoing(&done))
        .function("b", hanging())
        .then("a", "b")
        .build(world.runtime())
        .unwrap();
    let running = flow.run(&world.scope, json!(null));
    let killing = async {
        settle().await;
        let (by, reason, at) = ("ops".into(), "fire".into(), world.clock.now());
        world.switch.set(Some(Thrown { by, reason, at }));
    };
    let (report, ()) = futures::join!(running, killing);
    let report = report.unwrap();
    assert_eq!(report.finish_reason, Some(EndReason::KillSwitch));
    assert_eq!(*done.lock().unwrap(), ["a"], "a thrown switch stops undoing, too");
    let refused = flow.run(&world.scope, json!(null)).await.unwrap_err();
    assert_eq!(refused.code(), Code::KillSwitch);
}

#[tokio::test]
async fn sensitive_values_are_in_no_journal_and_come_back_to_who_gave_them() {
    let card = "4111 1111 1111 1111";
    let world = World::new([Turn::text("ok")]);
    let seen: Done = Done::default();
    let looks = {
        let seen = Arc::clone(&seen);
        Function::new(move |context| {
            seen.lock().unwrap().push(context.state["task"].to_string());
            let task = context.state["task"].clone();
            async move { Ok(NodeOutput::from(json!({ "again": task }))) }
        })
    };
    let flow = Workflow::builder("pay")
        .input("task")
        .function("look", looks)
        .agent("ask", &world.agent("asker"), "{{ look.again }}")
        .then("look", "ask")
        .answer("look")
        .build(world.runtime())
        .unwrap();
    let report = flow.run_with(&world.scope, format!("Charge {card}"), options()).await.unwrap();
    assert_eq!(report.output, json!({ "again": format!("Charge {card}") }));
    assert!(!world.written(RUN).await.contains("4111"), "{}", world.written(RUN).await);
    assert!(!seen.lock().unwrap()[0].contains("4111"), "a function is given placeholders");
    let asked = world.model.calls()[0].messages.last().unwrap().text();
    assert!(asked.contains("<CARD_1") && !asked.contains("4111"), "{asked}");
}

#[tokio::test]
async fn a_task_with_side_effects_that_was_cut_off_is_never_silently_repeated() {
    let world = World::new([]);
    let done = Done::default();
    let flow = |function: Function| {
        let builder = Workflow::builder("pay").function("pay", function.with_side_effects());
        builder.build(world.runtime()).unwrap()
    };
    let whole = World::new([]);
    let first = Workflow::builder("pay").function("pay", noting(&done).with_side_effects());
    let first = first.build(whole.runtime()).unwrap();
    first.run_with(&whole.scope, json!(null), options()).await.unwrap();
    let events = whole.events(RUN).await;
    world.left(RUN, &events[..2]).await;
    done.lock().unwrap().clear();
    let again = flow(noting(&done));
    let report = again.resume(&world.scope, RUN, FlowResume::default()).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    assert!(matches!(report.waits[..], [Wait::Doubt { .. }]), "{:?}", report.waits);
    assert!(done.lock().unwrap().is_empty());
    let decided = FlowResume { in_doubt: Some(DoubtDecision::Rerun), ..FlowResume::default() };
    let report = again.resume(&world.scope, RUN, decided).await.unwrap();
    assert_eq!((report.status, done.lock().unwrap().len()), (Status::Completed, 1));
}

#[tokio::test]
async fn a_run_that_is_taken_up_after_any_fact_repeats_no_finished_node() {
    let turns = || [Turn::text("a draft"), Turn::text("fine")];
    let whole = World::new(turns());
    let flow = two_agents(&whole).build(whole.runtime()).unwrap();
    let report = flow.run_with(&whole.scope, "a poem", options()).await.unwrap();
    let events = whole.events(RUN).await;
    for cut in 1..events.len() {
        let finished = events[..cut].iter().filter(|e| e.event.kind() == "node_finished").count();
        let world = World::new(turns().into_iter().skip(finished));
        world.left(RUN, &events[..cut]).await;
        let flow = two_agents(&world).build(world.runtime()).unwrap();
        let again = flow.resume(&world.scope, RUN, FlowResume::default()).await.unwrap();
        assert_eq!(again, report, "cut after {cut}");
        assert_eq!(world.model.calls().len(), 2 - finished, "cut after {cut}");
    }
}

#[tokio::test]
async fn an_event_from_outside_is_waited_for_without_running_anything_again() {
    let world = World::new([]);
    let done = Done::default();
    let flow = Workflow::builder("order")
        .function("send", noting(&done))
        .event("paid", "payment")
        .then("send", "paid")
        .build(world.runtime())
        .unwrap();
    let report = flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    assert_eq!(&*report.listens[0].1, "payment");
    let came = FlowResume {
        events: vec![("payment".into(), json!({ "euros": 9 }))],
        ..FlowResume::default()
    };
    let report = flow.resume(&world.scope, RUN, came).await.unwrap();
    assert_eq!((report.status, report.output), (Status::Completed, json!({ "euros": 9 })));
    assert_eq!(done.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_workflow_runs_inside_another_in_a_run_of_its_own() {
    let world = World::new([Turn::text("a draft"), Turn::text("fine")]);
    let inner = two_agents(&world).build(world.runtime()).unwrap();
    let flow = Workflow::builder("outer")
        .input("title")
        .workflow("inner", &inner, [("task", "title")])
        .build(world.runtime())
        .unwrap();
    let mut stream = flow.stream(&world.scope, "a poem", options());
    let mut below = 0;
    while let Some(event) = stream.next().await {
        below += usize::from(matches!(event, FlowEvent::Below { .. }));
    }
    let report = stream.finish().await.unwrap();
    assert_eq!((report.status, report.text().as_str()), (Status::Completed, "fine"));
    assert_eq!(report.usage.output_tokens, Some(10));
    assert!(below >= 6, "{below}");
}

/// Answers at a price.
pub(crate) struct Priced;

impl largestack_ports::model::Model for Priced {
    fn call<'a>(
        &'a self,
        _: &'a largestack_ports::model::CallContext,
        _: largestack_types::call::Call,
    ) -> largestack_ports::BoxFuture<
        'a,
        largestack_types::errors::Result<largestack_ports::model::ReplyStream>,
    > {
        let reply = Turn::text("said").reply().clone();
        let mut answer = largestack_ports::model::Answer { reply, ..Default::default() };
        answer.call.cost = Money::from_nanos(60);
        Box::pin(std::future::ready(Ok(largestack_ports::model::whole(answer))))
    }
}

#[tokio::test]
async fn what_agents_cost_is_said_by_node_and_for_all() {
    let world = World::new([]);
    let runtime = Runtime { model: Arc::new(Priced), ..world.runtime() };
    let agent = Agent::builder("a").model("test/model").build(runtime.clone()).unwrap();
    let flow = Workflow::builder("w")
        .input("list")
        .agent_with("each", &agent, "{{ item }}", |node| node.over("list"))
        .agent("last", &agent, "{{ each }}")
        .then("each", "last")
        .build(runtime)
        .unwrap();
    let report = flow.run(&world.scope, json!([1, 2, 3])).await.unwrap();
    assert_eq!(report.cost, Money::from_nanos(240));
    assert_eq!(report.node("each").unwrap().cost, Money::from_nanos(180));
}

#[tokio::test]
async fn what_a_run_is_given_is_what_its_workflow_says() {
    let world = World::new([]);
    let flow = two_agents(&world).build(world.runtime()).unwrap();
    let refused = |input| async { flow.run(&world.scope, input).await.unwrap_err().message() };
    assert!(refused(json!({})).await.contains("`task`, and it is missing"));
    assert!(refused(json!({"task": 1, "tusk": 2})).await.contains("is not given `tusk`"));
    let unfit = Workflow::builder("w").function("a", hanging()).then("a", "b");
    let error = unfit.build(world.runtime()).unwrap_err();
    assert!(error.message().contains("node `a`: an edge leads from here to `b`"));
    assert_eq!(error.code(), Code::Config);
}

#[tokio::test]
async fn a_detached_run_is_followed_from_any_fact_by_any_number() {
    let world = World::new([Turn::text("a draft"), Turn::text("fine")]);
    let flow = two_agents(&world).build(world.runtime()).unwrap();
    let flows = Flows::new(world.runtime());
    let handle = flows.start(&flow, &world.scope, "a poem", options()).await.unwrap();
    let seqs = |from| {
        let follower = handle.follow(from);
        async move {
            let events: Vec<_> = follower.collect().await;
            let facts = events.into_iter().filter_map(|event| match event.unwrap() {
                FlowEvent::Fact(fact) => Some(fact.seq),
                _ => None,
            });
            facts.collect::<Vec<u64>>()
        }
    };
    let (all, some) = futures::join!(seqs(0), seqs(4));
    assert_eq!((all, some), ((1..=6).collect::<Vec<_>>(), vec![5, 6]));
    assert_eq!(handle.report().await.unwrap().text(), "fine");
    // After its end it is heard from the journal.
    let later: Vec<_> = flows.follow(&world.scope, RUN, 2).await.unwrap().collect().await;
    assert_eq!(later.len(), 4);
    let gone = flows.cancel(&world.scope, RUN, "late").await.unwrap_err();
    assert_eq!(gone.code(), Code::Conflict);
}

#[tokio::test]
async fn a_question_needs_a_store_that_outlives_the_process() {
    let world = World::new([]);
    let flow = Workflow::builder("ask")
        .question("sure", "Really?", ["yes", "no"])
        .when("sure", "yes", "end")
        .when("sure", "no", "end")
        .build(world.runtime())
        .unwrap();
    let error = flow.run(&world.scope, json!(null)).await.unwrap_err();
    assert_eq!(error.code(), Code::Config);
    assert!(error.message().contains("in memory"), "{}", error.message());
}

#[tokio::test]
async fn an_answer_that_was_cut_short_makes_no_completed_run() {
    use largestack_types::reply::FinishReason;
    let world =
        World::new([Turn::text("half a dr").finish(FinishReason::Length), Turn::text("ok")]);
    let flow = two_agents(&world).build(world.runtime()).unwrap();
    let report = flow.run(&world.scope, "a poem").await.unwrap();
    assert_eq!(report.status, Status::Incomplete);
    assert_eq!(report.finish_reason, Some(EndReason::Partial));
}

#[tokio::test]
async fn a_resume_that_is_refused_leaves_the_run_as_it_was() {
    use largestack_ports::approvals::Answer;
    use largestack_types::id::ApprovalId;
    let world = World::new([]);
    let flow = Workflow::builder("w").event("paid", "payment").build(world.runtime()).unwrap();
    flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    let before = world.kinds(RUN).await;
    let answers = vec![(ApprovalId::from_u128(1), Answer::of("approve"))];
    let wrong = FlowResume { answers, ..FlowResume::default() };
    let error = flow.resume(&world.scope, RUN, wrong).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(world.kinds(RUN).await, before);
}
