//! How runs of graphs end, and what they say of it.

use largestack_engine::Status;
use largestack_engine::event::{ApprovalAnswered, ApprovalRequested, CancelReason, Event};
use largestack_engine::graph::{
    Edge, EventReceived, Graph, GraphRun, MAY_START, Node, NodeListens, OnFailure, Reducers, Retry,
    Template, Work,
};
use largestack_types::id::{ApprovalId, EffectId, RunId};
use largestack_types::label::{Label, Origin};
use serde_json::json;

use super::world::{Did, World, chain, function, says_its_name};

fn failing_with(then: OnFailure) -> World {
    let graph = Graph::new("g")
        .node(function("a").with(|node| node.on_failure = then))
        .node(function("b"))
        .node(function("other"))
        .edge(Edge::new("a", "b"));
    World::new(graph)
}

fn a_fails(task: &largestack_engine::graph::Task<'_>) -> Did {
    if &*task.node.name == "a" { Did::Failed } else { says_its_name(task) }
}

fn reason(world: &World) -> &'static str {
    world.run.end().unwrap().reason.name()
}

#[test]
fn a_failure_ends_the_run_and_cuts_off_its_siblings() {
    let world = failing_with(OnFailure::Fail).ended(&a_fails);
    assert_eq!(world.performed, ["a"]);
    assert_eq!(
        [world.stands("a"), world.stands("b"), world.stands("other")],
        ["failed", "idle", "cancelled"]
    );
    assert_eq!(world.status(), Status::Failed);
}

#[test]
fn what_was_skipped_is_never_called_completed() {
    let world = failing_with(OnFailure::Skip).ended(&a_fails);
    assert_eq!(world.performed, ["a", "other", "b"]);
    assert_eq!((world.stands("a"), world.status()), ("skipped", Status::Incomplete));
    assert_eq!(reason(&world), "partial");
}

#[test]
fn a_branch_that_ends_takes_nothing_with_it_but_what_follows() {
    let world = failing_with(OnFailure::EndBranch).ended(&a_fails);
    assert_eq!(world.performed, ["a", "other"]);
    assert_eq!((world.stands("b"), world.status()), ("idle", Status::Incomplete));
}

#[test]
fn a_failure_that_an_edge_takes_is_dealt_with() {
    let graph = Graph::new("g")
        .node(function("a").with(|node| node.on_failure = OnFailure::Route))
        .node(function("b"))
        .node(function("mend"))
        .edge(Edge::new("a", "b"))
        .edge(Edge::new("a", "mend").on_failure());
    let world = World::new(graph).ended(&a_fails);
    assert_eq!(world.performed, ["a", "mend"]);
    assert_eq!((world.stands("b"), world.status()), ("idle", Status::Completed));
    assert_eq!(world.run.failures().len(), 1);
}

#[test]
fn a_failure_is_tried_again_as_often_as_it_may() {
    let graph = |tries| {
        let retry = Retry { tries, ..Retry::default() };
        Graph::new("g").node(function("a").with(|node| node.retry = retry))
    };
    let third = |task: &largestack_engine::graph::Task<'_>| match task.attempt {
        3 => Did::Said(json!("at last")),
        _ => Did::Failed,
    };
    assert_eq!(World::new(graph(3)).ended(&third).run.output(), json!("at last"));
    assert_eq!(World::new(graph(2)).ended(&third).status(), Status::Failed);
}

#[test]
fn an_element_that_is_skipped_leaves_its_place_empty() {
    let node = function("each").over("list").with(|node| node.on_failure = OnFailure::Skip);
    let graph = Graph::new("g").input("list").node(node);
    let world = World::with(graph, Reducers::default(), json!({"list": [1, 2, 3]}));
    let world = world.ended(&|task| match task.item.unwrap().as_i64().unwrap() {
        2 => Did::Failed,
        n => Did::Said(json!(n * 10)),
    });
    assert_eq!(world.run.output(), json!([10, null, 30]));
    assert_eq!((world.stands("each"), reason(&world)), ("skipped", "partial"));
}

fn asks(world: &mut World, effect: EffectId, stage: &str) -> ApprovalId {
    let approval = ApprovalId::from_u128(3);
    world.record(Event::ApprovalRequested(ApprovalRequested {
        effect,
        approval,
        reason: "sure?".into(),
        stage: stage.into(),
        arguments: None,
    }));
    approval
}

fn answers(world: &mut World, (effect, approval): (EffectId, ApprovalId), choice: &str) {
    world.record(Event::ApprovalAnswered(ApprovalAnswered {
        effect,
        approval,
        approved: choice != "deny",
        by: "ann".into(),
        note: None,
        choice: choice.into(),
        arguments: None,
    }));
}

#[test]
fn a_node_that_needs_a_yes_waits_and_runs_once_it_has_it() {
    let graph = chain(&["a", "b"]);
    let mut graph = graph;
    graph.nodes[0].approval = Some("it costs money".into());
    let waiting = || {
        let mut world = World::new(graph.clone());
        let effect = world.run.ready()[0].effect;
        assert!(!world.run.task(effect).unwrap().approved);
        let approval = asks(&mut world, effect, MAY_START);
        assert_eq!((world.status(), world.stands("a")), (Status::Suspended, "waiting"));
        (world, (effect, approval))
    };
    let (mut world, question) = waiting();
    answers(&mut world, question, "approve");
    assert!(world.run.task(question.0).unwrap().approved);
    let world = world.ended(&says_its_name);
    assert_eq!(world.performed, ["a", "b"]);
    let (mut world, question) = waiting();
    answers(&mut world, question, "deny");
    let world = world.ended(&says_its_name);
    assert_eq!((world.status(), world.performed.len()), (Status::Failed, 0));
}

#[test]
fn an_answer_is_the_choice_of_a_question_and_nothing_is_asked_twice() {
    let question = Work::Question { question: Template::new("Refund {{ amount }}?") };
    let graph = Graph::new("g")
        .input("amount")
        .node(Node::new("ask", question).choosing(["refund", "keep"]))
        .node(function("pay"))
        .edge(Edge::new("ask", "pay").on("refund"))
        .edge(Edge::new("ask", "end").on("keep"));
    let mut world = World::with(graph, Reducers::default(), json!({"amount": 5}));
    let effect = world.run.ready()[0].effect;
    let approval = asks(&mut world, effect, "question");
    // Another process takes it up: the question stands, the node is not run again.
    let mut world = World::after(&world.graph, &world.journal);
    assert_eq!((world.status(), world.run.ready().len()), (Status::Suspended, 0));
    answers(&mut world, (effect, approval), "refund");
    let world = world.ended(&says_its_name);
    assert_eq!(world.performed, ["pay"]);
    assert_eq!(world.run.state().get("ask").unwrap()["by"], json!("ann"));
}

#[test]
fn an_event_is_heard_whether_it_comes_before_or_after_somebody_listens() {
    let work = Work::Event { event: "paid".into() };
    let graph = chain(&["a"]).node(Node::new("paid", work)).edge(Edge::new("a", "paid"));
    let listen = |world: &mut World| {
        let effect = world.run.ready()[0].effect;
        world.record(NodeListens { effect, event: "paid".into() });
    };
    let label = Label::from_origin(Origin::Web);
    let event = || EventReceived { event: "paid".into(), data: json!(9), by: "shop".into(), label };
    let mut before = World::new(graph.clone());
    before.record(event());
    before.round(&says_its_name, &mut |_| 0);
    listen(&mut before);
    let mut after = World::new(graph);
    after.round(&says_its_name, &mut |_| 0);
    listen(&mut after);
    assert_eq!(after.status(), Status::Suspended);
    after.record(event());
    for world in [before, after] {
        let world = world.ended(&says_its_name);
        assert_eq!(world.run.output(), json!(9));
        assert!(!world.run.state().label().is_trusted(), "what came is as trusted as its sender");
    }
}

#[test]
fn what_waits_below_is_ended_by_whoever_ends_the_run_and_says_what_it_cost() {
    use largestack_engine::event::{ChildRun, ChildWaits};
    use largestack_engine::graph::{How, NodeFailed};
    let mut world = World::new(chain(&["a", "b"]));
    world.round(&|_| Did::Hangs, &mut |_| 0);
    let effect = EffectId::new(1);
    let child = RunId::from_u128(8);
    world.record(Event::ChildWaits(ChildWaits { effect, child }));
    assert_eq!(world.status(), Status::Suspended);
    world.cancel(CancelReason::Caller);
    assert_eq!((world.run.cut_off(), world.run.conclusion()), (vec![effect], None));
    let cost = largestack_types::money::Money::from_nanos(7);
    world.record(NodeFailed {
        effect,
        how: How::Cancelled,
        error: super::world::broken(),
        retry_at: None,
        restarts: false,
        child: Some(ChildRun {
            run: child,
            usage: largestack_types::usage::Usage::default(),
            cost,
        }),
        duration_us: 0,
    });
    assert_eq!(
        (world.run.conclusion().unwrap().status, world.run.cost()),
        (Status::Cancelled, cost)
    );
}

#[test]
fn what_was_done_is_undone_when_time_is_up_and_not_when_a_loop_went_round_too_often() {
    use largestack_engine::event::LimitReached;
    use largestack_engine::graph::Undo;
    use largestack_engine::status::Limit;
    let undone = |name: &str| function(name).with(|n| n.undo = Some(Undo::new("undo", true)));
    let graph = Graph::new("g").node(undone("a")).node(function("b")).edge(Edge::new("a", "b"));
    let mut world = World::new(graph);
    world.round(&says_its_name, &mut |_| 0);
    let error = super::world::broken();
    world.record(Event::LimitReached(LimitReached { limit: Limit::WallClock, error }));
    let world = world.ended(&says_its_name);
    assert_eq!((world.status(), world.stands("a")), (Status::Incomplete, "undone"));
    let again =
        |name: &'static str| function(name).with(|n| n.join = largestack_engine::graph::Join::Any);
    let graph = Graph::new("g")
        .node(undone("a").with(|n| n.join = largestack_engine::graph::Join::Any))
        .node(again("b"))
        .edge(Edge::new("a", "b"))
        .edge(Edge::new("b", "a"))
        .starting("a");
    let world = World::new(graph).ended(&says_its_name);
    assert_eq!((world.status(), world.stands("a")), (Status::Incomplete, "completed"));
}

#[test]
fn a_sleep_is_over_when_its_moment_has_come() {
    let work = Work::Sleep { duration: std::time::Duration::from_hours(24) };
    let graph = chain(&["a"]).node(Node::new("nap", work)).edge(Edge::new("a", "nap"));
    let mut world = World::new(graph);
    world.round(&says_its_name, &mut |_| 0);
    world.round(&says_its_name, &mut |_| 0);
    assert_eq!((world.stands("nap"), world.status()), ("sleeping", Status::Suspended));
    assert_eq!(world.ended(&says_its_name).status(), Status::Completed);
}

#[test]
fn who_cancels_ends_what_is_under_way_and_what_waits() {
    let mut world = World::new(chain(&["a", "b"]));
    world.round(&|_| Did::Hangs, &mut |_| 0);
    world.cancel(CancelReason::Caller);
    assert!(world.run.ready().is_empty());
    assert_eq!(world.run.cut_off().len(), 1);
    let world = world.ended(&says_its_name);
    assert_eq!((world.status(), world.stands("a")), (Status::Cancelled, "cancelled"));
}

#[test]
fn a_task_that_may_not_be_repeated_is_in_doubt_after_a_crash_and_any_other_runs_again() {
    use largestack_engine::event::{DoubtDecision, DoubtSettled};
    let graph = |idempotent| {
        let work = Work::Function { function: "pay".into(), idempotent, with: None };
        Graph::new("g").node(Node::new("pay", work))
    };
    let cut_off = |idempotent| {
        let mut world = World::new(graph(idempotent));
        world.round(&|_| Did::Hangs, &mut |_| 0);
        World::after(&world.graph, &world.journal)
    };
    assert_eq!(cut_off(true).ended(&says_its_name).performed, ["pay"]);
    let settled = |decision| {
        let mut world = cut_off(false);
        assert_eq!((world.status(), world.stands("pay")), (Status::Suspended, "in_doubt"));
        let effect = world.doubts()[0];
        world.record(Event::DoubtSettled(DoubtSettled { effect, decision, by: "me".into() }));
        world.ended(&says_its_name)
    };
    assert_eq!(settled(DoubtDecision::Rerun).performed, ["pay"]);
    for decision in [DoubtDecision::Fail, DoubtDecision::TellModel] {
        let world = settled(decision);
        assert_eq!((world.status(), world.performed.len()), (Status::Failed, 0));
    }
}

#[test]
fn an_event_of_an_agent_has_no_place_in_a_graph_nor_one_of_a_graph_in_an_agent() {
    let world = World::new(chain(&["a"]));
    let mut run = GraphRun::new(world.run.id(), world.graph.clone());
    assert!(
        run.apply(&Event::RunFinished(largestack_engine::End::plain(
            Status::Completed,
            largestack_engine::EndReason::Stop
        )))
        .is_err()
    );
    let definition = std::sync::Arc::new(largestack_engine::Definition::new("a", "b", "c"));
    let mut agent = largestack_engine::Run::new(world.run.id(), definition);
    assert!(agent.apply(&world.journal[0]).is_err());
}
