//! Failures that no task says of itself: a no, silence, a word that is no choice, an output that does
//! not fit. What the node says of failures holds for them, too.

use largestack_engine::Status;
use largestack_engine::event::{ApprovalAnswered, ApprovalRequested, Event};
use largestack_engine::graph::{
    Edge, EventReceived, Graph, Node, NodeListens, OnFailure, Reducer, Reducers, Template, Undo,
    Work, Writes,
};
use largestack_types::error::Coded as _;
use largestack_types::errors::Code;
use largestack_types::id::{ApprovalId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use serde_json::{Value, json};

use super::world::{Did, World, function, says_its_name};

const POLICIES: [OnFailure; 4] =
    [OnFailure::Fail, OnFailure::Skip, OnFailure::EndBranch, OnFailure::Route];

/// The node, what follows it, what mends it, and a branch beside it.
fn around(node: Node, policy: OnFailure, after: &[&str]) -> Graph {
    let name = node.name.clone();
    let mut graph = Graph::new("g")
        .node(node.with(|node| node.on_failure = policy))
        .node(function("next"))
        .node(function("beside"));
    graph = match after {
        [] => graph.edge(Edge::new(name.clone(), "next")),
        words => words
            .iter()
            .fold(graph, |graph, word| graph.edge(Edge::new(name.clone(), "next").on(*word))),
    };
    match policy {
        OnFailure::Route => graph.node(function("mend")).edge(Edge::new(name, "mend").on_failure()),
        _ => graph,
    }
}

/// What is done by the nodes around one that fails, and how the run ends.
fn expected(policy: OnFailure) -> (&'static [&'static str], Status) {
    match policy {
        OnFailure::Fail => (&[], Status::Failed),
        OnFailure::Skip => (&["beside", "next"], Status::Incomplete),
        OnFailure::EndBranch => (&["beside"], Status::Incomplete),
        OnFailure::Route => (&["beside", "mend"], Status::Completed),
    }
}

#[track_caller]
fn went_as_said(world: World, policy: OnFailure, why: &str) {
    let world = world.ended(&says_its_name);
    let mut performed: Vec<&str> =
        world.performed.iter().map(String::as_str).filter(|name| *name != "it").collect();
    performed.sort_unstable();
    let (done, status) = expected(policy);
    assert_eq!((performed.as_slice(), world.status()), (done, status), "{policy:?}");
    let said = match policy {
        OnFailure::Fail => world.run.end().unwrap().error.as_ref().unwrap().message(),
        _ => world.run.failures()[0].error.message(),
    };
    assert!(said.contains(why), "{policy:?}: {said}");
    if policy != OnFailure::Fail {
        let state = if policy == OnFailure::Skip { "skipped" } else { "failed" };
        assert_eq!((world.stands("it"), world.run.state().get("it")), (state, None));
    }
}

fn question() -> Node {
    Node::new("it", Work::Question { question: Template::new("Pay?") })
}

/// Asks, at its end where it holds something, and is given this answer.
fn asked(graph: Graph, held: Option<&Value>, (approved, choice): (bool, &str)) -> World {
    let mut world = World::new(graph);
    if held.is_some() {
        world.round(&|_| Did::Hangs, &mut |_| 0);
    }
    let (effect, approval) = (EffectId::new(1), ApprovalId::from_u128(3));
    world.record(Event::ApprovalRequested(ApprovalRequested {
        effect,
        approval,
        reason: "Pay?".into(),
        stage: "question".into(),
        arguments: held.map(|held| Json::of(held).unwrap()),
    }));
    world.record(Event::ApprovalAnswered(ApprovalAnswered {
        effect,
        approval,
        approved,
        by: "ann".into(),
        note: Some("too much".into()),
        choice: choice.into(),
        arguments: None,
    }));
    world
}

#[test]
fn a_no_and_silence_fail_a_question_without_choices() {
    for policy in POLICIES {
        for choice in ["deny", ""] {
            let world = asked(around(question(), policy, &[]), None, (false, choice));
            went_as_said(world, policy, "ann does not agree to node `it`: too much");
        }
    }
    let denied = asked(around(question(), OnFailure::Fail, &[]), None, (false, "deny"));
    let error = denied.ended(&says_its_name).run.end().unwrap().error.clone().unwrap();
    assert_eq!(error.code(), Code::ApprovalDenied);
    let agreed = asked(around(question(), OnFailure::Fail, &[]), None, (true, "approve"));
    let world = agreed.ended(&says_its_name);
    assert_eq!((world.status(), world.performed.len()), (Status::Completed, 2));
    assert_eq!(world.run.state().get("it").unwrap()["choice"], json!("approve"));
}

#[test]
fn a_no_fails_what_a_function_asks_at_its_end() {
    for policy in POLICIES {
        let graph = around(function("it"), policy, &[]);
        let world = asked(graph, Some(&json!({"amount": 9})), (false, "deny"));
        went_as_said(world, policy, "ann does not agree to node `it`");
    }
    // It has run by then: what undoes failures undoes it.
    for when_failed in [true, false] {
        let undo = Undo { when_failed, ..Undo::new("undo", true) };
        let node = function("it").with(|node| node.undo = Some(undo));
        let graph = around(node, OnFailure::Fail, &[]);
        let world = asked(graph, Some(&json!(9)), (false, "deny")).ended(&says_its_name);
        assert_eq!(world.performed.contains(&"undo it".to_owned()), when_failed);
    }
}

#[test]
fn an_element_that_nobody_agrees_to_is_null_in_the_list() {
    let node = function("it").over("list").with(|node| node.on_failure = OnFailure::Skip);
    let graph = Graph::new("g").input("list").node(node).answering("it");
    let mut world = World::with(graph, Reducers::default(), json!({"list": [1, 2]}));
    for (at, approved) in [(1, true), (2, false)] {
        let (effect, approval) = (EffectId::new(at), ApprovalId::from_u128(at.into()));
        world.record(Event::ApprovalRequested(ApprovalRequested {
            effect,
            approval,
            reason: "Pay?".into(),
            stage: "question".into(),
            arguments: Some(Json::of(&json!("held")).unwrap()),
        }));
        world.record(Event::ApprovalAnswered(ApprovalAnswered {
            effect,
            approval,
            approved,
            by: "ann".into(),
            note: None,
            choice: "x".into(),
            arguments: None,
        }));
    }
    let world = world.ended(&says_its_name);
    let output = world.run.output();
    assert_eq!((&output[0]["about"], &output[1]), (&json!("held"), &Value::Null));
    assert_eq!((world.stands("it"), world.status()), ("skipped", Status::Incomplete));
}

#[test]
fn silence_fails_a_question_with_choices_as_its_node_says() {
    for policy in [OnFailure::Fail, OnFailure::EndBranch, OnFailure::Route] {
        let graph = around(question().choosing(["pay", "keep"]), policy, &["pay", "keep"]);
        went_as_said(asked(graph, None, (false, "")), policy, "ann does not agree to node `it`");
    }
}

#[test]
fn an_event_without_a_known_word_fails_its_node_as_it_says() {
    for (data, why) in [
        (json!({"word": "maybe"}), "`maybe` is none of its choices"),
        (json!({}), "no choice stands at `/word`"),
    ] {
        for policy in [OnFailure::Fail, OnFailure::EndBranch, OnFailure::Route] {
            let node = Node::new("it", Work::Event { event: "paid".into() });
            let node = node.choosing(["yes", "no"]).with(|node| node.choose = Some("/word".into()));
            let mut world = World::new(around(node, policy, &["yes", "no"]));
            let effect = world.run.ready()[0].effect;
            world.record(NodeListens { effect, event: "paid".into() });
            let label = Label::from_origin(Origin::Web);
            let (event, by) = ("paid".into(), "shop".into());
            world.record(EventReceived { event, data: data.clone(), by, label });
            went_as_said(world, policy, why);
        }
    }
}

#[test]
fn a_skipped_node_without_a_list_ends_no_run() {
    for policy in [OnFailure::Fail, OnFailure::Skip] {
        let node = function("it").over("list");
        let graph = around(node, policy, &[]).input("list");
        let world = World::with(graph, Reducers::default(), json!({"list": null}));
        went_as_said(world, policy, "works on each element of `list`, which is null");
    }
}

#[test]
fn an_output_that_does_not_fit_the_state_fails_its_node_as_it_says() {
    for policy in POLICIES {
        let mut graph = around(function("it"), policy, &[]);
        graph.channels.insert("it".into(), Reducer::Add);
        went_as_said(World::new(graph), policy, "`it`: a number is wanted, and this is a text");
    }
}

#[test]
fn of_several_keys_a_skipped_node_has_written_none() {
    let two = Writes::Keys(vec!["first".into(), "second".into()]);
    let node = function("it").with(|node| {
        node.writes = two;
        node.on_failure = OnFailure::Skip;
    });
    let mut graph = Graph::new("g").node(node);
    graph.channels.insert("second".into(), Reducer::Add);
    let world = World::new(graph).ended(&|_| Did::Said(json!({"first": 1, "second": "no number"})));
    assert_eq!((world.stands("it"), world.run.state().to_value()), ("skipped", json!({})));
}
