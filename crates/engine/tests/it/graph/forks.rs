//! A run's beginning with another future.

use std::sync::Arc;

use largestack_engine::event::{Event, Forked, Written};
use largestack_engine::graph::{GraphRun, Reducers, Undo};
use largestack_types::id::RunId;
use largestack_types::label::{Label, Origin};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::laws::{graphs, perform};
use super::world::{Did, World, chain, function, says_its_name};

mod begun;

const FORK: RunId = RunId::from_u128(8);

fn forked(at: usize, written: Option<Value>) -> Event {
    let written = written.map(|values| {
        let Value::Object(values) = values else { panic!("values by key") };
        Box::new(Written { values, label: Label::from_origin(Origin::User) })
    });
    Event::Forked(Forked {
        of: RunId::from_u128(7),
        at: at as u64,
        by: "me".into(),
        input: None,
        adjusted: None,
        values: Vec::new(),
        written,
    })
}

/// The world of a fork behind so many events; nothing where it cannot be forked there.
fn fork(of: &World, at: usize, written: Option<Value>) -> Result<World, String> {
    let mut run = GraphRun::new(FORK, Arc::clone(&of.graph));
    for event in &of.journal[..at] {
        run.apply(event).unwrap();
    }
    let event = forked(at, written);
    run.apply(&event).map_err(|error| error.to_string())?;
    let journal = of.journal[..at].iter().cloned().chain([event]).collect();
    Ok(World { run, journal, graph: Arc::clone(&of.graph), performed: Vec::new() })
}

fn finished(journal: &[Event]) -> usize {
    journal.iter().filter(|event| event.kind() == "node_finished").count()
}

proptest! {
    #[test]
    fn a_fork_at_any_event_ends_as_its_run_did_and_performs_only_what_had_not_ended(
        graph in graphs(),
    ) {
        let whole = World::new(graph).ended(&perform);
        for at in 1..whole.journal.len() {
            let Ok(fork) = fork(&whole, at, None) else {
                // Behind the last node there is nothing left to do.
                prop_assert_eq!(finished(&whole.journal[..at]), whole.performed.len());
                continue;
            };
            let fork = fork.go(&perform);
            prop_assert_eq!(fork.run.output(), whole.run.output(), "at {}", at);
            prop_assert_eq!(fork.views(), whole.views());
            let before = finished(&whole.journal[..at]);
            prop_assert_eq!(fork.performed.len() + before, whole.performed.len(), "at {}", at);
            let branch = fork.run.branch().unwrap();
            prop_assert_eq!((branch.at, fork.run.root()), (at as u64, FORK));
        }
    }
}

/// What a node has seen at a key.
fn sees(key: &'static str) -> impl Fn(&largestack_engine::graph::Task<'_>) -> Did {
    move |task| Did::Said(task.seen.get(key).cloned().unwrap_or_default())
}

#[test]
fn what_is_written_in_a_fork_is_seen_by_what_was_reached_and_not_over_and_by_what_comes_later() {
    let whole =
        World::with(chain(&["a", "b", "c"]).input("x"), Reducers::default(), json!({"x": 1}));
    let whole = whole.go(&sees("x"));
    let at = 1 + whole.journal.iter().position(|event| event.kind() == "node_finished").unwrap();
    let world = fork(&whole, at, Some(json!({"x": 2}))).unwrap().go(&sees("x"));
    let state = world.run.state().to_value();
    assert_eq!((&state["a"], &state["b"], &state["c"]), (&json!(1), &json!(2), &json!(2)));
    assert!(world.run.state().label().origins.contains(Origin::User));
    let unknown = fork(&whole, at, Some(json!({"y": 2}))).err().unwrap();
    assert!(unknown.contains("a key that the workflow does not have"), "{unknown}");
}

#[test]
fn a_fork_undoes_what_it_did_and_not_what_its_run_had_done() {
    let undone = |name| {
        let mut node = function(name);
        node.undo = Some(Undo::new("undo", true));
        node
    };
    let graph = ["a", "b"].into_iter().fold(chain(&[]), |graph, name| graph.node(undone(name)));
    let graph = graph.node(function("c"));
    let graph = [("a", "b"), ("b", "c")]
        .into_iter()
        .fold(graph, |graph, (from, to)| graph.edge(largestack_engine::graph::Edge::new(from, to)));
    let whole = World::new(graph).ended(&says_its_name);
    let at = 1 + whole.journal.iter().position(|event| event.kind() == "node_finished").unwrap();
    let breaks = |task: &largestack_engine::graph::Task<'_>| match &*task.node.name {
        "c" => Did::Failed,
        _ => Did::Said(json!(null)),
    };
    let world = fork(&whole, at, None).unwrap().go(&breaks);
    assert_eq!(world.performed, ["b", "c", "undo b"]);
}

#[test]
fn where_a_run_was_coming_to_its_end_it_cannot_be_forked_nor_under_another_number() {
    let mut world = World::new(chain(&["a", "b"]));
    world.cancel(largestack_engine::event::CancelReason::Caller);
    let ending = fork(&world, world.journal.len(), None).err().unwrap();
    assert!(ending.contains("coming to its end"), "{ending}");
    let whole = World::new(chain(&["a", "b"])).ended(&says_its_name);
    let mut run = GraphRun::new(FORK, Arc::clone(&whole.graph));
    run.apply(&whole.journal[0]).unwrap();
    assert!(run.apply(&forked(2, Some(Value::Object(Map::new())))).is_err());
}
