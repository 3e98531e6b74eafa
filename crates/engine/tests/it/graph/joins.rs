//! Which tokens make a visit.

use largestack_engine::Status;
use largestack_engine::graph::{Edge, Graph, Join, Reducer, Reducers, Writes};
use serde_json::json;

use super::world::{Did, World, chain, function, says_its_name};

fn choosing(task: &largestack_engine::graph::Task<'_>, choice: &'static str) -> Did {
    if task.node.choices.is_empty() {
        return says_its_name(task);
    }
    Did::Chose(json!("x"), choice)
}

/// ask -yes-> a -> done, ask -no-> b -> done.
fn parting(join: Join) -> Graph {
    Graph::new("g")
        .node(function("ask").choosing(["yes", "no"]))
        .node(function("a"))
        .node(function("b"))
        .node(function("done").with(|node| node.join = join))
        .edge(Edge::new("ask", "a").on("yes"))
        .edge(Edge::new("ask", "b").on("no"))
        .edge(Edge::new("a", "done"))
        .edge(Edge::new("b", "done"))
}

#[test]
fn a_branch_that_was_not_taken_is_not_waited_for() {
    let world = World::new(parting(Join::All)).ended(&|task| choosing(task, "yes"));
    assert_eq!(world.performed, ["ask", "a", "done"]);
    assert_eq!(world.stands("b"), "idle");
    assert_eq!(world.status(), Status::Completed);
}

#[test]
fn a_fast_branch_never_waits_for_a_slow_level() {
    let graph = Graph::new("g")
        .node(function("slow"))
        .node(function("fast"))
        .node(function("after"))
        .node(function("both"))
        .edge(Edge::new("fast", "after"))
        .edge(Edge::new("after", "both"))
        .edge(Edge::new("slow", "both"));
    let world = World::new(graph).go(&|task| match &*task.node.name {
        "slow" => Did::Hangs,
        _ => says_its_name(task),
    });
    assert_eq!(world.performed, ["fast", "after"]);
    assert_eq!(world.stands("both"), "idle", "it needs the slow one");
}

#[test]
fn any_is_visited_for_each_edge_and_first_only_once() {
    let graph = |join| {
        Graph::new("g")
            .node(function("a"))
            .node(function("b"))
            .node(function("c").with(|node| node.join = join))
            .edge(Edge::new("a", "c"))
            .edge(Edge::new("b", "c"))
    };
    let visits = |join| World::new(graph(join)).ended(&says_its_name).visits("c");
    assert_eq!([Join::Any, Join::First, Join::All, Join::Every].map(visits), [2, 1, 1, 1]);
}

#[test]
fn a_join_of_every_edge_is_not_visited_where_one_is_never_taken() {
    let graph = Graph::new("g")
        .node(function("ask").choosing(["yes", "no"]))
        .node(function("a"))
        .node(function("both").with(|node| node.join = Join::Every))
        .edge(Edge::new("ask", "both").on("yes"))
        .edge(Edge::new("ask", "end").on("no"))
        .edge(Edge::new("a", "both"));
    let world = World::new(graph.clone()).ended(&|task| choosing(task, "no"));
    assert_eq!((world.stands("both"), world.status()), ("idle", Status::Completed));
    let world = World::new(graph).ended(&|task| choosing(task, "yes"));
    assert_eq!(world.stands("both"), "completed");
}

#[test]
fn a_loop_comes_round_as_often_as_it_is_chosen() {
    let graph = Graph::new("loop")
        .channel("n", Reducer::Add)
        .node(function("count").with(|node| {
            node.writes = Writes::Key("n".into());
            node.join = Join::Any;
        }))
        .node(function("enough").choosing(["again", "done"]))
        .edge(Edge::new("count", "enough"))
        .edge(Edge::new("enough", "count").on("again"))
        .edge(Edge::new("enough", "end").on("done"))
        .starting("count")
        .answering("n");
    let world = World::new(graph).ended(&|task| match &*task.node.name {
        "count" => Did::Said(json!(1)),
        _ if task.seen.get("n") == Some(&json!(3)) => Did::Chose(json!(null), "done"),
        _ => Did::Chose(json!(null), "again"),
    });
    assert_eq!(world.run.output(), json!(3));
    assert_eq!((world.visits("count"), world.status()), (3, Status::Completed));
}

#[test]
fn a_join_inside_a_loop_comes_together_in_each_round() {
    let graph = Graph::new("debate")
        .channel("said", Reducer::Append)
        .node(function("open").with(|node| node.join = Join::Any))
        .node(function("pro").with(|node| node.writes = Writes::Key("said".into())))
        .node(function("con").with(|node| node.writes = Writes::Key("said".into())))
        .node(function("judge").choosing(["again", "done"]))
        .edge(Edge::new("open", "pro"))
        .edge(Edge::new("open", "con"))
        .edge(Edge::new("pro", "judge"))
        .edge(Edge::new("con", "judge"))
        .edge(Edge::new("judge", "open").on("again"))
        .edge(Edge::new("judge", "end").on("done"))
        .starting("open")
        .answering("said");
    let world = World::new(graph).ended(&|task| match &*task.node.name {
        "judge" if task.seen.get("said").unwrap().as_array().unwrap().len() < 4 => {
            Did::Chose(json!(null), "again")
        }
        "judge" => Did::Chose(json!(null), "done"),
        _ => says_its_name(task),
    });
    assert_eq!(world.run.output(), json!(["pro", "con", "pro", "con"]));
    assert_eq!(world.visits("judge"), 2);
}

#[test]
fn a_map_has_a_task_for_each_element_and_their_order() {
    let graph = Graph::new("g").input("list").node(function("each").over("list").with(|node| {
        if let Some(map) = &mut node.map {
            map.max_parallel = Some(2);
        }
    }));
    let input = json!({"list": [3, 1, 2]});
    let mut world = World::with(graph, Reducers::default(), input);
    assert_eq!(world.run.ready().len(), 2, "no more at once than it may");
    let twice = |task: &largestack_engine::graph::Task<'_>| {
        Did::Said(json!(task.item.unwrap().as_i64().unwrap() * 2))
    };
    while world.round(&twice, &mut |count| count - 1) {}
    assert_eq!(world.run.output(), json!([6, 2, 4]));
    assert_eq!(world.visits("each"), 1);
}

#[test]
fn a_map_over_nothing_is_done_at_once_and_one_over_no_list_fails() {
    let graph = || Graph::new("g").input("list").node(function("each").over("list"));
    let with = |input| World::with(graph(), Reducers::default(), input).ended(&says_its_name);
    assert_eq!(with(json!({"list": []})).run.output(), json!([]));
    let failed = with(json!({"list": 7}));
    assert_eq!(failed.status(), Status::Failed);
    let error = failed.run.end().unwrap().error.clone().unwrap();
    let said = largestack_types::error::Coded::message(&error);
    assert!(said.contains("`each` works on each element of `list`, which is a number"), "{said}");
}

#[test]
fn two_joins_that_wait_for_each_other_do_not_wait_for_ever() {
    let graph = Graph::new("circle")
        .node(function("start"))
        .node(function("a"))
        .node(function("b"))
        .edge(Edge::new("start", "a"))
        .edge(Edge::new("start", "b"))
        .edge(Edge::new("a", "b"))
        .edge(Edge::new("b", "a"))
        .starting("start");
    let mut limited = graph;
    limited.limits.max_visits = 3;
    let world = World::new(limited).ended(&says_its_name);
    assert_eq!(world.status(), Status::Incomplete, "{:?}", world.views());
    assert_eq!(world.run.end().unwrap().reason.name(), "max_visits");
}

#[test]
fn a_task_sees_the_state_as_it_was_when_its_node_was_reached() {
    let graph = Graph::new("g")
        .node(function("a"))
        .node(function("b"))
        .node(function("after_a"))
        .edge(Edge::new("a", "after_a"));
    let mut world = World::new(graph);
    world.round(&says_its_name, &mut |_| 0);
    world.round(&says_its_name, &mut |_| 0);
    // `b` is done by now; `after_a` was reached before that.
    let seen = |task: &largestack_engine::graph::Task<'_>| Did::Said(task.seen.to_value());
    let world = world.ended(&seen);
    assert_eq!(world.run.state().get("after_a"), Some(&json!({"a": "a"})));
}

#[test]
fn what_a_node_writes_beside_its_keys_fails_the_run_by_name() {
    let graph = chain(&["a"]);
    let mut graph = graph;
    graph.nodes[0].writes = Writes::Keys(vec!["x".into()]);
    let world = World::new(graph).ended(&|_| Did::Said(json!({"x": 1, "y": 2})));
    let error = world.run.end().unwrap().error.clone().unwrap();
    let said = largestack_types::error::Coded::message(&error);
    assert!(said.contains("node `a`") && said.contains("may not write `y`"), "{said}");
}
