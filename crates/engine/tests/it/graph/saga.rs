//! What was done is undone when the run fails: last thing first, each once, whatever happens.

use std::collections::BTreeMap;

use largestack_engine::Status;
use largestack_engine::event::CancelReason;
use largestack_engine::graph::{Edge, Graph, Node, Retry, Task, Undo};

use super::world::{Did, World, function, says_its_name};

fn undone(name: &str) -> Node {
    function(name).with(|node| {
        let undo = Undo::new(format!("undo_{name}"), true);
        node.undo = Some(Undo { retry: Retry { tries: 2, ..Retry::default() }, ..undo });
    })
}

fn saga() -> Graph {
    Graph::new("trip")
        .node(undone("flight"))
        .node(undone("hotel"))
        .node(function("mail"))
        .node(undone("pay"))
        .edge(Edge::new("flight", "hotel"))
        .edge(Edge::new("hotel", "mail"))
        .edge(Edge::new("mail", "pay"))
}

fn fails_at(name: &'static str) -> impl Fn(&Task<'_>) -> Did {
    move |task| {
        let fails = &*task.node.name == name && task.undo.is_none();
        if fails { Did::Failed } else { says_its_name(task) }
    }
}

#[test]
fn what_was_done_is_undone_from_the_last_to_the_first() {
    let world = World::new(saga()).ended(&fails_at("pay"));
    assert_eq!(world.performed, ["flight", "hotel", "mail", "pay", "undo hotel", "undo flight"]);
    assert_eq!((world.status(), world.stands("hotel")), (Status::Failed, "undone"));
    assert_eq!((world.stands("mail"), world.stands("pay")), ("completed", "failed"));
}

#[test]
fn a_step_that_failed_halfway_is_undone_where_it_says_so() {
    let mut graph = saga();
    graph.nodes[3].undo.as_mut().unwrap().when_failed = true;
    let world = World::new(graph).ended(&fails_at("pay"));
    assert_eq!(world.performed[3..], ["pay", "undo pay", "undo hotel", "undo flight"]);
}

#[test]
fn what_undoes_is_given_what_the_step_saw_and_said() {
    let world = World::new(saga()).ended(&|task| {
        if task.undo.is_some() && &*task.node.name == "hotel" {
            assert_eq!(task.output, Some(&serde_json::json!("hotel")));
            assert!(task.seen.get("flight").is_some() && task.seen.get("mail").is_none());
        }
        fails_at("pay")(task)
    });
    assert_eq!(world.stands("hotel"), "undone");
}

#[test]
fn a_cancellation_undoes_and_the_kill_switch_does_not() {
    let cancelled = |reason| {
        let mut world = World::new(saga());
        world.round(&says_its_name, &mut |_| 0);
        world.round(&|_| Did::Hangs, &mut |_| 0);
        world.cancel(reason);
        world.ended(&says_its_name)
    };
    let by_caller = cancelled(CancelReason::Caller);
    // Nobody knows whether the hotel was booked when it was cut off.
    assert_eq!(by_caller.performed, ["flight", "undo hotel", "undo flight"]);
    assert_eq!(by_caller.status(), Status::Cancelled);
    assert_eq!(cancelled(CancelReason::KillSwitch).performed, ["flight"]);
}

#[test]
fn what_cannot_be_undone_is_said_and_the_rest_is_undone() {
    let world = World::new(saga()).ended(&|task| match (&*task.node.name, task.undo.is_some()) {
        ("hotel", true) | ("pay", false) => Did::Failed,
        _ => says_its_name(task),
    });
    let tries = world.performed.iter().filter(|name| *name == "undo hotel").count();
    assert_eq!((tries, world.stands("flight")), (2, "undone"));
    let failed: Vec<bool> = world.run.failures().iter().map(|failure| failure.undoing).collect();
    assert_eq!((failed, world.status()), (vec![false, true], Status::Failed));
}

#[test]
fn a_saga_that_is_taken_up_at_any_event_undoes_each_step_once_and_does_none_again() {
    let whole = World::new(saga()).ended(&fails_at("pay"));
    for cut in 1..whole.journal.len() {
        let before = World::after(&whole.graph, &whole.journal[..cut]);
        let mut world = before.ended(&fails_at("pay"));
        assert_eq!(world.status(), Status::Failed, "cut after {cut}");
        assert_eq!((world.stands("hotel"), world.stands("flight")), ("undone", "undone"));
        // What the journal says was done, with what was done in the first process.
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        for event in &world.journal {
            if event.kind() == "node_finished" {
                *outcomes.entry(event.data().unwrap()).or_default() += 1;
            }
        }
        assert!(outcomes.values().all(|count| *count == 1), "cut after {cut}: {outcomes:?}");
        assert_eq!(outcomes.len(), 5, "cut after {cut}");
        let order: Vec<_> = world.performed.drain(..).filter(|n| n.starts_with("undo")).collect();
        let wanted = ["undo hotel", "undo flight"];
        assert!(wanted.ends_with(&order.iter().map(String::as_str).collect::<Vec<_>>()));
    }
}
