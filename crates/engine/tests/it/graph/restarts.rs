//! Nodes that are watched together: who begins again when one fails, how often, and what is said of
//! it.

use std::time::Duration;

use largestack_engine::Status;
use largestack_engine::graph::{Edge, Graph, Join, Reducers, Restarts, Supervision, Task};
use largestack_types::id::EffectId;
use largestack_types::time::Timestamp;
use serde_json::json;

use super::world::{Did, World, chain, function, says_its_name};

/// Three that are watched, and one that waits for them.
fn watched(restarts: Restarts, most: u32) -> Graph {
    let names = ["a", "b", "c"];
    let graph = names.iter().fold(Graph::new("team"), |graph, name| {
        graph.node(function(name)).edge(Edge::new(*name, "all"))
    });
    graph.node(function("all")).supervised(Supervision::new(names, restarts, most))
}

/// `b` fails as often as this, everything else does not.
fn b_fails(times: u32) -> impl Fn(&Task<'_>) -> Did {
    move |task| {
        let fails = &*task.node.name == "b" && task.attempt <= times;
        if fails { Did::Failed } else { says_its_name(task) }
    }
}

/// What was performed when `a` is done, `b` fails once, and `c` is under way.
fn performed(restarts: Restarts) -> Vec<String> {
    let world = World::new(watched(restarts, 3)).ended(&b_fails(1));
    assert_eq!(world.status(), Status::Completed);
    assert_eq!((world.visits("b"), world.visits("all")), (1, 1));
    world.performed
}

#[test]
fn who_begins_again_is_what_the_strategy_says() {
    let sorted = |restarts| {
        let mut performed = performed(restarts);
        performed.sort();
        performed
    };
    assert_eq!(sorted(Restarts::OneForOne), ["a", "all", "b", "b", "c"]);
    assert_eq!(sorted(Restarts::OneForAll), ["a", "a", "all", "b", "b", "c"]);
    assert_eq!(sorted(Restarts::RestForOne), ["a", "all", "b", "b", "c"]);
    // `c` is done when `b` fails: it stands behind it, and `a` before it.
    let last_first = |restarts| {
        let mut world = World::new(watched(restarts, 3));
        while world.round(&b_fails(1), &mut |count| count - 1) {}
        assert_eq!(world.status(), Status::Completed);
        world.run.nodes().map(|node| node.restarts).collect::<Vec<_>>()
    };
    assert_eq!(last_first(Restarts::OneForOne), [0, 1, 0, 0]);
    assert_eq!(last_first(Restarts::RestForOne), [0, 1, 1, 0]);
    assert_eq!(last_first(Restarts::OneForAll), [1, 1, 1, 0]);
}

#[test]
fn a_node_that_waits_for_all_is_given_what_the_last_of_them_said() {
    let says = |task: &Task<'_>| match (&*task.node.name, task.attempt) {
        ("b", 1) => Did::Failed,
        (name, attempt) => Did::Said(json!(format!("{name}{attempt}"))),
    };
    let world = World::new(watched(Restarts::OneForAll, 1)).ended(&says);
    let state = world.run.state().to_value();
    assert_eq!(state, json!({ "a": "a2", "b": "b2", "c": "c2", "all": "all1" }));
    let restarts: Vec<u32> = world.run.nodes().map(|node| node.restarts).collect();
    assert_eq!(restarts, [1, 1, 1, 0]);
}

#[test]
fn one_restart_too_many_is_the_failure_of_the_run_and_one_less_is_not() {
    let ended = |fails, most| {
        let world = World::new(watched(Restarts::OneForOne, most)).ended(&b_fails(fails));
        (world.status(), world.stands("b"))
    };
    assert_eq!(ended(2, 2), (Status::Completed, "completed"));
    assert_eq!(ended(3, 2), (Status::Failed, "failed"));
    assert_eq!(ended(1, 0), (Status::Failed, "failed"));
}

#[test]
fn restarts_count_for_the_group_and_only_within_its_time() {
    let mut graph = watched(Restarts::OneForOne, 1);
    graph.supervised[0].within = Some(Duration::from_mins(1));
    graph.supervised[0].pause = Duration::from_secs(2);
    let mut world = World::new(graph);
    // `a` fails, and begins again.
    let a_fails = |task: &Task<'_>| match &*task.node.name {
        "a" => Did::Failed,
        _ => says_its_name(task),
    };
    world.round(&a_fails, &mut |_| 0);
    let (b, at) = (EffectId::new(2), Timestamp::from_micros);
    assert_eq!(world.run.restart_at(b, at(59_999_999)), None);
    assert_eq!(world.run.restart_at(b, at(60_000_001)), Some(at(62_000_001)));
}

#[test]
fn a_run_with_watched_nodes_that_is_taken_up_at_any_event_ends_as_the_one_that_was_not_cut() {
    for restarts in [Restarts::OneForOne, Restarts::OneForAll, Restarts::RestForOne] {
        for fails in [1, 2, 3] {
            let whole = World::new(watched(restarts, 2)).ended(&b_fails(fails));
            for cut in 1..whole.journal.len() {
                let world = World::after(&whole.graph, &whole.journal[..cut]);
                let world = world.ended(&b_fails(fails));
                assert_eq!(world.status(), whole.status(), "{restarts:?} cut after {cut}");
                assert_eq!(world.run.state(), whole.run.state(), "{restarts:?} cut after {cut}");
            }
        }
    }
}

#[test]
fn what_cannot_begin_again_without_harm_is_refused_before_the_run() {
    let problems = |graph: Graph| graph.check(Reducers::default()).unwrap_err().to_string();
    let of = |names: &[&str]| Supervision::new(names.to_vec(), Restarts::OneForAll, 1);
    let said = problems(chain(&["a", "b", "c"]).supervised(of(&["a", "b"])));
    assert!(said.contains("node `b`: it may begin again when it is done"), "{said}");
    let said = problems(chain(&["a"]).supervised(of(&["b"])));
    assert!(said.contains("`b` is to be watched, and there is no such node"), "{said}");
    let mut pays = chain(&["pay"]).supervised(of(&["pay"]));
    let work = &mut pays.nodes[0].work;
    *work = largestack_engine::graph::Work::Function {
        function: "pay".into(),
        idempotent: false,
        with: None,
    };
    let said = problems(pays);
    assert!(said.contains("node `pay`: it is watched, and would be called again"), "{said}");
    let mut any = watched(Restarts::RestForOne, 1);
    any.nodes[3].join = Join::Any;
    assert!(problems(any).contains("which waits for all of them"));
    let twice = watched(Restarts::OneForOne, 1).supervised(of(&["a"]));
    assert!(problems(twice).contains("node `a`: it is watched twice"));
}
