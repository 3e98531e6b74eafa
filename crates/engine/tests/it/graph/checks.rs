//! What is wrong with a graph is said before it runs, with the node that has it.

use largestack_engine::graph::{
    Edge, Graph, Join, Node, OnFailure, Reducer, Reducers, Template, Work, Writes,
};

use super::world::{chain, function};

fn problems(graph: Graph) -> Vec<String> {
    match graph.check(Reducers::default()) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.problems.iter().map(ToString::to_string).collect(),
    }
}

fn agent(name: &str, prompt: &str) -> Node {
    let prompt = Template::new(prompt);
    Node::new(name, Work::Agent { agent: name.into(), definition: None, prompt })
}

#[track_caller]
fn refused(graph: Graph, why: &str) {
    let problems = problems(graph);
    assert!(problems.iter().any(|problem| problem.contains(why)), "{problems:?}");
}

#[track_caller]
fn fine(graph: Graph) {
    assert_eq!(problems(graph), Vec::<String>::new());
}

#[test]
fn an_edge_to_nowhere_names_the_node_it_leaves_and_what_may_have_been_meant() {
    refused(
        chain(&["draft"]).edge(Edge::new("draft", "Draft")),
        "node `draft`: an edge leads from here to `Draft`, which is no node (did you mean `draft`?)",
    );
    refused(chain(&["a"]).edge(Edge::new("b", "a")), "an edge leaves `b`");
    refused(chain(&["a"]).starting("z"), "it starts at `z`");
    fine(chain(&["a"]).edge(Edge::new("a", "end")));
}

#[test]
fn names_are_names_and_stand_once() {
    refused(Graph::new("empty"), "there is no node");
    refused(chain(&["a", "a"]), "node `a`: there are two of this name");
    refused(chain(&["a b"]), "node `a b`: a name is made of");
    refused(chain(&["end"]), "node `end`: `end` is where branches end");
}

#[test]
fn a_cycle_is_named_with_its_path_where_none_may_be() {
    let round = || chain(&["a", "b", "c"]).edge(Edge::new("c", "b"));
    refused(round().acyclic(), "there is a cycle where none may be: b -> c -> b");
    fine(round());
    fine(chain(&["a", "b", "c"]).acyclic());
}

#[test]
fn what_nothing_leads_to_is_unreachable_and_a_round_has_no_beginning() {
    let island = chain(&["a", "b"]).node(function("c")).starting("a");
    refused(island, "node `c`: nothing leads here");
    refused(chain(&["a", "b"]).edge(Edge::new("b", "a")), "there is nowhere to begin");
    fine(chain(&["a", "b"]).edge(Edge::new("b", "a")).starting("a"));
}

#[test]
fn every_choice_leads_somewhere_and_every_edge_on_a_choice_has_one() {
    let triage = || {
        let node = function("triage").choosing(["billing", "other"]);
        Graph::new("g").node(node).node(function("billing"))
    };
    let billing = || Edge::new("triage", "billing").on("billing");
    refused(
        triage().edge(billing()),
        "node `triage`: no edge says what follows the choice `other`: add one, if only to `end`",
    );
    fine(triage().edge(billing()).edge(Edge::new("triage", "end").on("other")));
    refused(
        triage().edge(Edge::new("triage", "billing").on("refund")),
        "on the choice `refund`, and it can choose `billing`, `other`",
    );
    refused(
        chain(&["a", "b"]).edge(Edge::new("a", "b").on("yes")),
        "the choice `yes`, and the node chooses nothing",
    );
    let silent = agent("a", "Say.").choosing(["x"]);
    refused(
        Graph::new("g").node(silent).edge(Edge::new("a", "end").on("x")),
        "does not say where in its output the choice stands",
    );
}

#[test]
fn a_failure_goes_where_an_edge_leads_and_an_edge_is_for_failures_that_go_there() {
    let routed = |then| {
        let node = function("a").with(|node| node.on_failure = then);
        Graph::new("g").node(node).node(function("b"))
    };
    let to_b = || Edge::new("a", "b").on_failure();
    fine(routed(OnFailure::Route).edge(to_b()));
    refused(routed(OnFailure::Route).edge(Edge::new("a", "b")), "none leaves on failure");
    refused(routed(OnFailure::Fail).edge(to_b()), "its failures are not to take it");
}

#[test]
fn a_join_of_every_edge_refuses_edges_that_exclude_each_other() {
    let graph = |join| {
        Graph::new("g")
            .node(function("ask").choosing(["yes", "no"]))
            .node(function("buy"))
            .node(function("sell"))
            .node(function("done").with(|node| node.join = join))
            .edge(Edge::new("ask", "buy").on("yes"))
            .edge(Edge::new("ask", "sell").on("no"))
            .edge(Edge::new("buy", "done"))
            .edge(Edge::new("sell", "done"))
    };
    refused(
        graph(Join::Every),
        "node `done`: it waits for every edge, and one needs `ask` to say `yes`, another `no`",
    );
    fine(graph(Join::All));
    fine(graph(Join::Any));
}

#[test]
fn writes_that_would_get_lost_need_a_rule_and_those_that_cannot_meet_need_none() {
    let writes = |name: &str| function(name).with(|n| n.writes = Writes::Key("found".into()));
    let both = || Graph::new("g").node(writes("a")).node(writes("b"));
    refused(both(), "node `b`: it writes `found` while `a` may write it too");
    fine(both().channel("found", Reducer::Append));
    fine(both().edge(Edge::new("a", "b")));
    let apart = Graph::new("g")
        .node(function("ask").choosing(["a", "b"]))
        .node(writes("a"))
        .node(writes("b"))
        .edge(Edge::new("ask", "a").on("a"))
        .edge(Edge::new("ask", "b").on("b"));
    fine(apart);
    let handled = Graph::new("g")
        .node(function("try").with(|node| node.on_failure = OnFailure::Route))
        .node(writes("a"))
        .node(writes("b"))
        .edge(Edge::new("try", "a"))
        .edge(Edge::new("try", "b").on_failure());
    fine(handled);
}

#[test]
fn a_custom_rule_has_to_be_there() {
    let graph = || chain(&["a"]).channel("a", Reducer::Custom("best".into()));
    refused(graph(), "`a` is brought together by `best`, which is missing");
    let reducers = Reducers::default().with("best", |_, new| Ok(new.clone()));
    assert!(graph().check(reducers).is_ok());
}

#[test]
fn what_a_node_reads_is_given_or_written_before_it() {
    let two = |first: &str, second: &str| {
        let graph = Graph::new("g").input("task").node(agent("a", first)).node(agent("b", second));
        graph.edge(Edge::new("a", "b"))
    };
    fine(two("Do {{ task }}", "Check {{ a }} of {{ task }}"));
    refused(two("Do {{ b }}", "Check"), "node `a`: its prompt reads `b`, which no node before it");
    refused(two("{{ tusk }}", "x"), "(it is given `task`)");
    refused(Graph::new("g").node(function("a").over("list")), "node `a`: its list reads `list`");
    let items = Graph::new("g").input("list").node(agent("a", "Sum up {{ item }}").over("list"));
    fine(items);
    refused(Graph::new("g").node(agent("a", "{{ item }}")), "reads `item`");
}

#[test]
fn what_only_waits_has_no_timeout_and_no_tries() {
    let waits = [
        Work::Question { question: Template::new("Pay?") },
        Work::Event { event: "paid".into() },
        Work::Sleep { duration: std::time::Duration::from_secs(1) },
    ];
    for work in waits {
        let node = || Node::new("a", work.clone());
        let (timeout, retry) = (
            node().with(|node| node.timeout = Some(std::time::Duration::from_secs(1))),
            node().with(|node| node.retry.tries = 2),
        );
        fine(Graph::new("g").node(node().with(|node| node.on_failure = OnFailure::Skip)));
        refused(Graph::new("g").node(timeout), "`timeout` is for work that is done");
        refused(Graph::new("g").node(retry), "`retry` is for work that is done");
    }
}

#[test]
fn every_problem_is_said_at_once() {
    let graph = Graph::new("g")
        .node(function("a").with(|node| node.retry.tries = 0))
        .node(function("b").with(|node| node.timeout = Some(std::time::Duration::ZERO)))
        .answering("c");
    let problems = problems(graph);
    assert_eq!(problems.len(), 3, "{problems:?}");
}
