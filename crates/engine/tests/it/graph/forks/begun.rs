//! What the other run had begun at the place of a fork, or was allowed to begin.

use std::time::Duration;

use largestack_engine::event::{
    ApprovalAnswered, ApprovalRequested, CancelReason, ChildWaits, DoubtDecision, DoubtSettled,
    Event, Resumed,
};
use largestack_engine::graph::{
    Edge, EventReceived, Graph, MAY_START, Node, NodeFinished, NodeListens, Restarts, Retry,
    Supervision, Task, Template, Undo, Work,
};
use largestack_engine::status::Status;
use largestack_types::id::{ApprovalId, EffectId, OwnerId, RunId};
use largestack_types::label::{Label, Origin};
use serde_json::json;

use super::super::world::{Did, World, function, says_its_name};
use super::fork;

/// The task of the only node.
const ONLY: EffectId = EffectId::new(1);

fn alone(node: Node) -> Graph {
    Graph::new("alone").node(node)
}

/// A function that may not be called twice, and that something undoes.
fn once() -> Node {
    let work = Work::Function { function: "pay".into(), idempotent: false, with: None };
    Node::new("pay", work).with(|node| node.undo = Some(Undo::new("refund", true)))
}

fn agent() -> Node {
    let prompt = Template::new("Write.");
    Node::new("writer", Work::Agent { agent: "writer".into(), definition: None, prompt })
}

fn below() -> Node {
    Node::new("part", Work::Graph { graph: "part".into(), definition: None, inputs: Vec::new() })
}

/// A run whose only task is under way.
fn under_way(node: Node) -> World {
    let mut world = World::new(alone(node));
    world.round(&|_| Did::Hangs, &mut |_| 0);
    world
}

/// The fork behind the last event.
fn forked(of: &World) -> World {
    fork(of, of.journal.len(), None).unwrap()
}

fn settle(world: &mut World, decision: DoubtDecision) {
    world.record(Event::DoubtSettled(DoubtSettled { effect: ONLY, decision, by: "me".into() }));
}

fn fails_where_it_undoes_nothing(task: &Task<'_>) -> Did {
    if task.undo.is_some() { says_its_name(task) } else { Did::Failed }
}

#[test]
fn what_only_the_other_run_has_begun_is_not_undone_here() {
    let of = under_way(once());
    for decision in [DoubtDecision::Fail, DoubtDecision::TellModel] {
        let mut world = forked(&of);
        assert_eq!(world.doubts(), [ONLY]);
        settle(&mut world, decision);
        let world = world.ended(&says_its_name);
        assert_eq!((world.status(), world.performed.len()), (Status::Failed, 0), "{decision:?}");
    }
    let mut cancelled = forked(&of);
    cancelled.cancel(CancelReason::Caller);
    assert!(cancelled.ended(&says_its_name).performed.is_empty());
}

#[test]
fn what_is_said_to_have_happened_goes_on_and_is_undone_by_who_had_begun_it() {
    let then = || alone(once()).node(function("send")).edge(Edge::new("pay", "send"));
    let of = || {
        let mut world = World::new(then());
        world.round(&|_| Did::Hangs, &mut |_| 0);
        world
    };
    let happened = |world: &mut World| {
        settle(world, DoubtDecision::Happened);
        assert_eq!(world.doubts(), [ONLY], "until it is recorded what came of it");
        world.record(NodeFinished::new(ONLY, json!("a receipt")));
        assert!(world.doubts().is_empty());
    };
    let mut own = of();
    own.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(1) }));
    happened(&mut own);
    let own = own.ended(&fails_where_it_undoes_nothing);
    assert_eq!((own.status(), own.stands("pay")), (Status::Failed, "undone"));
    let mut fork = forked(&of());
    happened(&mut fork);
    let fork = fork.ended(&fails_where_it_undoes_nothing);
    assert_eq!((fork.status(), fork.stands("pay")), (Status::Failed, "completed"));
    assert_eq!(fork.performed, ["send"], "it is the other run's to undo");
}

#[test]
fn what_the_fork_has_begun_itself_is_undone_here() {
    let mut world = forked(&under_way(once()));
    settle(&mut world, DoubtDecision::Rerun);
    world.round(&|_| Did::Hangs, &mut |_| 0);
    world.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(1) }));
    assert_eq!(world.doubts(), [ONLY]);
    settle(&mut world, DoubtDecision::Fail);
    assert_eq!(world.ended(&says_its_name).performed, ["undo pay"]);
}

#[test]
fn what_was_done_there_and_is_to_begin_again_here_is_not_undone_before_it_has() {
    let watched = |name: &str| function(name).with(|node| node.undo = Some(Undo::new("u", true)));
    let watch = Supervision::new(["a", "b"], Restarts::OneForAll, 3);
    let watch = Supervision { pause: Duration::from_secs(1), ..watch };
    let graph = ["a", "b"].into_iter().fold(Graph::new("team"), |graph, name| {
        graph.node(watched(name)).edge(Edge::new(name, "all"))
    });
    let mut of = World::new(graph.node(function("all")).supervised(watch));
    of.round(&says_its_name, &mut |_| 0);
    let mut world = forked(&of);
    world.round(&fails_where_it_undoes_nothing, &mut |_| 0);
    assert_eq!((world.stands("a"), world.stands("b")), ("sleeping", "sleeping"));
    world.cancel(CancelReason::Caller);
    let world = world.ended(&says_its_name);
    assert_eq!(world.performed, ["b", "undo b"]);
}

fn asks(world: &mut World, effect: EffectId) {
    world.record(Event::ApprovalRequested(ApprovalRequested {
        effect,
        approval: ApprovalId::from_u128(3),
        reason: "Pay?".into(),
        stage: MAY_START.into(),
        arguments: None,
    }));
    world.record(Event::ApprovalAnswered(ApprovalAnswered {
        effect,
        approval: ApprovalId::from_u128(3),
        approved: true,
        by: "ann".into(),
        note: None,
        choice: "approve".into(),
        arguments: None,
    }));
}

fn approved(world: &World) -> bool {
    world.run.task(ONLY).unwrap().approved
}

#[test]
fn what_somebody_agreed_to_in_the_other_run_is_asked_here_again() {
    let held = |node: Node| node.with(|node| node.approval = Some("It costs".into()));
    let mut of = World::new(alone(held(once())));
    asks(&mut of, ONLY);
    assert!(approved(&of));
    assert!(!approved(&forked(&of)), "before it began");
    of.round(&|_| Did::Hangs, &mut |_| 0);
    let mut doubtful = forked(&of);
    settle(&mut doubtful, DoubtDecision::Rerun);
    assert!(!approved(&doubtful), "in doubt");
    let retry = Retry { tries: 2, ..Retry::default() };
    let mut tried = World::new(alone(held(function("pay")).with(|node| node.retry = retry)));
    asks(&mut tried, ONLY);
    tried.round(&|_| Did::Failed, &mut |_| 0);
    assert!(approved(&tried) && !approved(&forked(&tried)), "between two tries");
    // In the fork an answer of its own holds.
    let mut own = forked(&tried);
    asks(&mut own, ONLY);
    assert!(approved(&own));
}

#[test]
fn a_run_below_that_had_begun_there_is_in_doubt_here_wherever_it_stood() {
    for node in [agent, below] {
        let begun = under_way(node());
        let mut waits = under_way(node());
        waits.record(Event::ChildWaits(ChildWaits { effect: ONLY, child: RunId::from_u128(9) }));
        let mut lost = under_way(node());
        lost.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(1) }));
        assert!(lost.doubts().is_empty(), "its own run finds it again");
        for of in [begun, waits, lost] {
            let world = forked(&of);
            assert_eq!((world.doubts(), world.status()), (vec![ONLY], Status::Suspended));
            assert!(world.run.ready().is_empty());
            let mut again = forked(&world);
            assert_eq!(again.doubts(), [ONLY], "in a fork of the fork, too");
            settle(&mut again, DoubtDecision::Rerun);
            assert_eq!(again.run.ready().len(), 1);
            assert!(forked(&again).doubts().is_empty(), "nobody had begun it there");
        }
    }
}

#[test]
fn a_run_below_that_had_not_begun_there_begins_here() {
    let of = World::new(alone(agent()));
    assert!(forked(&of).doubts().is_empty());
    // Behind a try that has failed the next one has not begun: neither while it waits nor after.
    let retry = Retry { tries: 2, ..Retry::default() };
    let mut tried = World::new(alone(agent().with(|node| node.retry = retry)));
    tried.round(&|_| Did::Failed, &mut |_| 0);
    assert!(forked(&tried).doubts().is_empty(), "it waits");
    tried.round(&|_| Did::Hangs, &mut |_| 0);
    assert_eq!(tried.journal.last().unwrap().kind(), "node_woke");
    assert!(forked(&tried).doubts().is_empty(), "it may start");
    tried.round(&|_| Did::Hangs, &mut |_| 0);
    assert_eq!(forked(&tried).doubts(), [ONLY], "and now it has");
}

#[test]
fn an_event_that_had_come_and_that_nothing_had_used_there_is_not_heard_here() {
    let received = || {
        Event::from(EventReceived {
            event: "paid".into(),
            data: json!(9),
            by: "shop".into(),
            label: Label::from_origin(Origin::User),
        })
    };
    let mut of = World::new(alone(Node::new("it", Work::Event { event: "paid".into() })));
    of.record(received());
    let listens = || Event::from(NodeListens { effect: ONLY, event: "paid".into() });
    let mut fork = forked(&of);
    fork.record(listens());
    assert_eq!(fork.stands("it"), "waiting");
    of.record(listens());
    assert_eq!(of.stands("it"), "completed", "the run that it was for uses it");
    fork.record(received());
    assert_eq!(fork.stands("it"), "completed");
}
