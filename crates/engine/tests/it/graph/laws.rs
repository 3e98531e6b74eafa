//! What holds for every graph.

use std::sync::Arc;

use largestack_engine::event::Event;
use largestack_engine::graph::{Edge, Graph, Reducer, Reducers, Task, Writes};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{Did, World, function};

/// Nodes that add to one number, with edges from earlier to later ones; some choose between the
/// edges that they have.
pub(crate) fn graphs() -> impl Strategy<Value = Graph> {
    let edges = proptest::collection::vec((0..9_usize, 0..9_usize, any::<bool>()), 0..16);
    (2..9_usize, edges, 1..5_u32).prop_map(|(nodes, edges, parallel)| {
        let mut graph = Graph::new("any").channel("sum", Reducer::Add).answering("sum");
        graph.limits.max_parallel = parallel;
        let edges: std::collections::BTreeMap<(usize, usize), bool> = edges
            .into_iter()
            .filter(|(a, b, _)| a < b && *b < nodes)
            .map(|(a, b, chosen)| ((a, b), chosen))
            .collect();
        for at in 0..nodes {
            let mut node = function(&format!("n{at}"));
            node.writes = Writes::Key("sum".into());
            let chosen = edges.iter().any(|((a, _), chosen)| *a == at && *chosen);
            if chosen {
                node = node.choosing(["left", "right"]);
            }
            graph = graph.node(node);
            if chosen {
                let name = format!("n{at}");
                graph = graph.edge(Edge::new(name.clone(), "end").on("left"));
                graph = graph.edge(Edge::new(name, "end").on("right"));
            }
        }
        for ((a, b), chosen) in edges {
            let edge = Edge::new(format!("n{a}"), format!("n{b}"));
            let side = if (a + b) % 2 == 0 { "left" } else { "right" };
            graph = graph.edge(if chosen { edge.on(side) } else { edge });
        }
        graph.acyclic()
    })
}

/// What a task does is a function of its node alone, so that only the order of things can differ.
pub(crate) fn perform(task: &Task<'_>) -> Did {
    let number: i64 = task.node.name[1..].parse().unwrap();
    let output = json!(1_i64 << number);
    if task.node.choices.is_empty() {
        return Did::Said(output);
    }
    Did::Chose(output, if number % 3 == 0 { "left" } else { "right" })
}

fn essence(world: &World) -> (Value, Vec<(String, &'static str, u32)>, &'static str) {
    (world.run.output(), world.views(), world.status().name())
}

fn folded(world: &World) -> World {
    let mut again = World::after(&world.graph, &world.journal);
    again.performed.clone_from(&world.performed);
    again
}

proptest! {
    #[test]
    fn the_order_in_which_tasks_end_changes_nothing(
        graph in graphs(),
        order in proptest::collection::vec(any::<u16>(), 64),
    ) {
        let first = World::new(graph.clone()).ended(&perform);
        let mut world = World::new(graph);
        let mut order = order.into_iter().cycle();
        while world.round(&perform, &mut |count| usize::from(order.next().unwrap_or(0)) % count) {}
        prop_assert_eq!(essence(&world), essence(&first));
        let sum: i64 = world.performed.iter().map(|n| 1_i64 << n[1..].parse::<i64>().unwrap()).sum();
        prop_assert_eq!(world.run.output(), json!(sum));
    }

    #[test]
    fn a_run_that_is_taken_up_at_any_event_ends_as_the_one_that_was_not_cut(graph in graphs()) {
        let whole = World::new(graph).ended(&perform);
        for cut in 1..=whole.journal.len() {
            let world = World::after(&whole.graph, &whole.journal[..cut]).go(&perform);
            prop_assert_eq!(essence(&world), essence(&whole), "cut after {}", cut);
        }
    }

    #[test]
    fn a_run_is_the_fold_of_its_events(graph in graphs()) {
        let whole = World::new(graph).ended(&perform);
        let again = folded(&whole);
        prop_assert_eq!(essence(&again), essence(&whole));
        prop_assert_eq!(again.run.seq(), whole.run.seq());
    }

    #[test]
    fn an_engine_that_keeps_only_outcomes_folds_to_the_same_run(graph in graphs()) {
        let whole = World::new(graph).ended(&perform);
        let outcomes: Vec<Event> = whole
            .journal
            .iter()
            .filter(|event| event.kind() != "node_started")
            .cloned()
            .collect();
        let world = World::after(&whole.graph, &outcomes);
        prop_assert_eq!(essence(&world), essence(&whole));
    }

    #[test]
    fn every_fact_reads_back_as_it_was_written(graph in graphs()) {
        let whole = World::new(graph).ended(&perform);
        for event in &whole.journal {
            let read = Event::read(event.kind(), &event.data().unwrap()).unwrap().unwrap();
            prop_assert_eq!(&read, event);
        }
    }
}

#[test]
fn a_definition_reads_back_and_keeps_its_hash() {
    let graph = Graph::new("g").input("list").node(function("a").over("list"));
    let (json, hash) = graph.sealed().unwrap();
    let read: Graph = json.to().unwrap();
    assert_eq!(read, graph);
    assert_eq!(read.sealed().unwrap().1, hash);
}

#[test]
fn a_wide_graph_joins_once_and_holds_one_state() {
    let many = 400;
    let mut graph = Graph::new("wide").node(function("split")).node(function("join"));
    graph.limits.max_parallel = 400;
    for at in 0..many {
        let name = format!("n{at}");
        graph = graph
            .node(function(&name))
            .edge(Edge::new("split", name.clone()))
            .edge(Edge::new(name, "join"));
    }
    let world = World::with(graph, Reducers::default(), json!({}));
    let world = world.ended(&super::world::says_its_name);
    assert_eq!(world.visits("join"), 1);
    assert_eq!(world.performed.len(), many + 2);
    assert_eq!(Arc::strong_count(world.run.state()), 1, "no visit holds a state any more");
}
