//! Workflows that are said as data: graphs whose nodes need no code, and teams by the names of their
//! patterns.

use std::sync::Arc;

use largestack_agent::Agent;
use largestack_engine::Status;
use largestack_engine::graph::{
    Case, Edge, Expression, Graph, Node, NodeState, Template, Test, Work,
};
use largestack_flow::{Seat, Team, Workflow, patterns};
use largestack_testkit::Turn;
use largestack_types::error::{Code, Coded};
use serde_json::json;

use crate::world::World;

/// A review whose score leads one way or another, and a note that is made of it.
fn graph() -> Graph {
    let good = vec![("review.score".into(), Test::AtLeast(8.into()))];
    let cases = vec![
        Case { when: good, choice: "note".into() },
        Case { when: Vec::new(), choice: "end".into() },
    ];
    let ask = Work::Agent {
        agent: "critic".into(),
        definition: None,
        prompt: Template::new("{{ task }}"),
    };
    let note = json!({ "about": "{{ task }}", "score": "{{ review.score }}" });
    Graph::new("g")
        .input("task")
        .node(Node::new("ask", ask))
        .node(Node::new("review", Work::Set { value: Expression::new(json!({ "score": 9 })) }))
        .node(Node::new("gate", Work::Switch { cases }).choosing(["note", "end"]))
        .node(Node::new("note", Work::Set { value: Expression::new(note) }))
        .edge(Edge::new("ask", "review"))
        .edge(Edge::new("review", "gate"))
        .edge(Edge::new("gate", "note").on("note"))
        .edge(Edge::new("gate", "end").on("end"))
        .answering("note")
}

#[tokio::test]
async fn a_graph_that_is_data_needs_agents_only_to_run() {
    let world = World::new([Turn::text("fine")]);
    let critic = world.agent("critic");
    let flow = Workflow::of(graph()).bind("ask", &critic).build(world.runtime()).unwrap();
    let report = flow.run(&world.scope, "bees").await.unwrap();
    assert_eq!(
        (report.status, report.output),
        (Status::Completed, json!({"about": "bees", "score": 9}))
    );
    let again = serde_json::from_str(&serde_json::to_string(flow.graph()).unwrap()).unwrap();
    let again = Workflow::of(again).bind("ask", &critic).build(world.runtime()).unwrap();
    assert_eq!(again.definition_hash(), flow.definition_hash());
}

#[tokio::test]
async fn the_state_decides_and_what_cannot_be_compared_is_a_failure() {
    let world = World::new([]);
    let wrong = vec![("task".into(), Test::Above(1.into()))];
    let mut graph = graph();
    graph.nodes.remove(0);
    graph.edges.remove(0);
    let of = |graph: Graph| Workflow::of(graph).build(world.runtime()).unwrap();
    let mut low = graph.clone();
    low.nodes[0].work = Work::Set { value: Expression::new(json!({ "score": 7 })) };
    let report = of(low).run(&world.scope, "bees").await.unwrap();
    assert_eq!(report.node("note").unwrap().state, NodeState::Idle);
    let Work::Switch { cases } = &mut graph.nodes[1].work else { panic!() };
    cases[0].when = wrong;
    let failed = of(graph).run(&world.scope, "bees").await.unwrap().error.unwrap();
    assert_eq!(failed.code(), Code::Output);
    assert!(failed.message().contains("`task`: a number is compared with 1"), "{failed}");
}

#[tokio::test]
async fn a_switch_without_a_last_way_and_nodes_bound_to_nothing_are_refused() {
    let world = World::new([]);
    let mut lacking = graph();
    let Work::Switch { cases } = &mut lacking.nodes[2].work else { panic!() };
    cases.pop();
    let critic = world.agent("critic");
    let why = Workflow::of(lacking).bind("ask", &critic).build(world.runtime()).unwrap_err();
    assert!(why.message().contains("node `gate`: its last case has to hold always"), "{why}");
    let why = Workflow::of(graph()).bind("gate", &critic).build(world.runtime()).unwrap_err();
    assert!(why.message().contains("`gate` is no node at which an agent is asked"), "{why}");
    assert!(why.message().contains("node `ask`: nobody has said which agent"), "{why}");
}

fn seat(name: &str) -> Seat {
    Seat::new(name, Agent::builder(name).model("test/model"))
}

#[test]
fn every_pattern_can_be_had_by_its_name() {
    let world = World::new([]);
    for (pattern, roles) in Team::PATTERNS {
        let mut team = Team::new("t", *pattern);
        for role in *roles {
            team = team.role(*role, seat(role));
        }
        team = team.among(["yes", "no"]).acting_by(crate::tools::book());
        let alone = ["map_reduce", "reflexion", "plan_execute", "structured_chat"];
        let has_members = !alone.contains(pattern);
        if has_members {
            team = team.member(seat("a")).member(seat("b"));
        }
        let flow = team.builder(&world.runtime()).unwrap().build(world.runtime()).unwrap();
        assert_eq!(&*flow.graph().name, "t", "{pattern}");
        let lacking = Team::new("t", *pattern).builder(&world.runtime());
        assert!(lacking.err().unwrap().message().contains("needs"), "{pattern}");
    }
    let unknown = Team::new("t", "circle").builder(&world.runtime()).err().unwrap();
    assert!(unknown.message().contains("there is no pattern `circle`"));
}

#[tokio::test]
async fn a_team_is_the_workflow_that_its_pattern_builds() {
    let world = World::new([Turn::text("one"), Turn::text("two")]);
    let team = Team::new("p", "sequential").member(seat("a")).member(seat("b"));
    let by_name = team.builder(&world.runtime()).unwrap().build(world.runtime()).unwrap();
    let members = ["a", "b"].map(|name| world.agent(name));
    let by_hand = patterns::sequential("p", &members).build(world.runtime()).unwrap();
    assert_eq!(by_name.definition_hash(), by_hand.definition_hash());
    assert_eq!(by_name.run(&world.scope, "bees").await.unwrap().text(), "two");
    let mut swarm = Team::new("s", "swarm");
    for (name, to) in [("a", "b"), ("b", "c"), ("c", "a")] {
        swarm = swarm.member(seat(name)).hands_to(name, vec![Arc::from(to)]);
    }
    let swarm = swarm.builder(&world.runtime()).unwrap().build(world.runtime()).unwrap();
    let leads = |from: &str, to: &str| {
        swarm.graph().edges.iter().any(|edge| &*edge.from == from && &*edge.to == to)
    };
    assert!(leads("a", "b") && !leads("b", "a"));
}
