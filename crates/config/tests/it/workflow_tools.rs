//! What nodes call, what undoes them, what they listen to and how they are watched.

use largestack_config::{Nodes, OnMember, Shape, Workflow};
use largestack_engine::graph::{Expression, Join, Restarts, When, Work};
use serde_json::json;

use crate::support::shown;
use crate::workflow::{read, with};

fn accepted(text: &str) -> Workflow {
    let place = with(text, &[]);
    read(&place).unwrap_or_else(|error| panic!("{error}")).agent
}

fn graph(text: &str) -> Nodes {
    let Shape::Nodes(nodes) = accepted(text).shape else { panic!() };
    *nodes
}

fn refused(text: &str) -> String {
    let place = with(text, &[]);
    shown(&read(&place).unwrap_err(), place.path())
}

/// Two steps that are undone, by tools that the file makes.
const TRIP: &str = "name: trip
inputs: {city: text}
tools:
  book: {http: {url: 'https://desk.example/book', method: POST}, description: Books., \
parameters: {type: object, properties: {city: {type: string}}, required: [city]}}
  cancel: {http: {url: 'https://desk.example/cancel', method: POST}, description: Cancels., \
parameters: {type: object, properties: {id: {type: string}}}, idempotent: true}
nodes:
  flight:
    tool: book
    with: {city: '{{ city }}'}
    undo: {tool: cancel, with: {id: '{{ flight.id }}'}, retry: 3, when_failed: true}
    then: hotel
  hotel: {tool: book, with: {city: '{{ city }}', near: '{{ flight.airport }}'}}
";

#[test]
fn a_tool_is_called_with_what_the_state_makes_and_undone_by_another() {
    let nodes = graph(TRIP);
    let flight = nodes.graph.find("flight").unwrap();
    let Work::Function { function, with, .. } = &flight.work else { panic!() };
    assert_eq!(&**function, "book");
    assert_eq!(with.as_ref().map(Expression::written), Some(&json!({"city": "{{ city }}"})));
    let undo = flight.undo.as_ref().unwrap();
    assert_eq!((&*undo.function, undo.retry.tries, undo.when_failed), ("cancel", 3, true));
    assert_eq!(accepted(TRIP).tools.len(), 2);
}

#[test]
fn tools_that_are_not_there_and_keys_that_nobody_would_read_are_refused_where_they_stand() {
    for (from, to, why) in [
        ("tool: book", "tool: bok", "Did you mean `book`?"),
        ("tool: cancel", "tool: cancle", "Did you mean `cancel`?"),
        ("{tool: cancel, with", "{with", "`nodes.flight.undo.tool` is missing"),
        ("{{ flight.id }}", "{{ hotel.id }}", "what undoes it reads `hotel`"),
        ("with: {city: '{{ city }}'}", "with: {city: '{{ town }}'}", "its arguments reads `town`"),
        ("with: {city: '{{ city }}'}", "with: [city]", "nodes.flight.with"),
        ("description: Books.,", "description: Books., retries: 2,", "Say `retry` at the node"),
        (
            "description: Books.,",
            "description: Books., cache: 1m,",
            "a node calls it without a model",
        ),
        ("tools:\n", "tools:\n  search_knowledge:\n", "an agent's documents are searched by"),
    ] {
        let said = refused(&TRIP.replacen(from, to, 1));
        assert!(said.contains(why), "{why}: {said}");
    }
    let none = refused("name: w\nnodes: {a: {tool: calculator}}\n");
    assert!(
        none.contains("there is no tool `calculator`") && none.contains("`tools: [calculator]`")
    );
    let pattern = "name: w\npattern: sequential\nagents: {a: {instructions: A.}}\n";
    let unread = refused(&format!("{pattern}tools: [calculator]\n"));
    assert!(unread.contains("is for `nodes`, and for `structured_chat`"), "{unread}");
    let chat = "name: w\npattern: structured_chat\nactor: a\nagents: {a: {instructions: A.}}\n";
    assert!(refused(chat).contains("it acts by tools, and there is none"));
}

const LISTENING: &str = "name: article
agents: {editor: {instructions: Edit.}}
nodes:
  facts: {set: 1}
  tone: {set: 2}
  draft: {set: 3, after: {all: [facts, tone]}}
  check: {agent: editor, after: {any: [draft, {revise: again}]}, then: {bad: revise}}
  revise: {agent: editor, then: {never: end}}
  publish: {set: 4, after: {check: good}, join: first}
  tell: {set: 5, after: [publish, {all: [facts, {check: good}]}]}
start: [facts, tone]
limits: {max_visits: 9}
";

#[test]
fn nodes_listen_to_words_and_to_groups_one_inside_the_other() {
    let graph = graph(LISTENING).graph;
    let node = |name: &str| graph.find(name).unwrap();
    assert_eq!((node("draft").join, node("check").join), (Join::Every, Join::Any));
    assert_eq!(node("check").choices, ["bad".into(), "good".into()]);
    assert_eq!(node("revise").choices, ["never".into(), "again".into()]);
    assert_eq!(node("publish").join, Join::First, "a word alone leaves `join` to the file");
    let to = |name: &str| {
        let edges = graph.edges.iter().filter(|edge| &*edge.to == name);
        let word = |when: &When| match when {
            When::Choice(word) => format!("={word}"),
            _ => String::new(),
        };
        edges.map(|edge| format!("{}{}", edge.from, word(&edge.when))).collect::<Vec<_>>()
    };
    assert_eq!(to("publish"), ["check=good"]);
    assert_eq!(to("tell"), ["publish", "tell-1"]);
    assert_eq!(
        (to("tell-1"), node("tell-1").join),
        (vec!["facts".to_owned(), "check=good".to_owned()], Join::Every,)
    );
    for (from, to, why) in [
        ("{check: good}, join", "{chekc: good}, join", "there is no node `chekc`"),
        ("{all: [facts, tone]}", "{all: []}", "there is nothing to listen to"),
        ("{all: [facts, tone]}", "{all: [facts], any: [tone]}", "one thing is listened to here"),
        ("[facts, tone]}}", "[facts, tone]}, join: any}", "`after` says how"),
        ("  tone: {set: 2}", "  tone: {set: 2}\n  any: {set: 2}", "are groups of `after`"),
        ("  draft: {set: 3", "  draft: {set: 3, choose: x", "there is nothing to choose"),
    ] {
        let said = refused(&LISTENING.replacen(from, to, 1));
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn nodes_are_watched_together_and_so_are_members() {
    let nodes = "name: w\nagents: {x: {instructions: X.}}\nnodes:\n  a: {agent: x, then: c}\n  b: {agent: \
                 x, then: c}\n  c: {pass: true}\nsupervise:\n  - {nodes: [a, b], restarts: one-for-all, \
                 most: 2, within: 1m}\n";
    let group = &graph(nodes).graph.supervised[0];
    assert_eq!((group.restarts, group.most), (Restarts::OneForAll, 2));
    let said = refused(&nodes.replace("[a, b]", "[a, bb]"));
    assert!(said.contains("there is no node `bb`"), "{said}");
    let said = refused(&nodes.replace("nodes: [a, b], ", ""));
    assert!(said.contains("`supervise.nodes` is missing"), "{said}");
    let said = refused(&nodes.replace("[a, b]", "[a, c]"));
    assert!(said.contains("only one agent, function or workflow can be"), "{said}");
    let agents = "agents: {a: {instructions: A.}, b: {instructions: B.}}\n";
    let pattern = format!("name: w\npattern: supervised\n{agents}supervise: {{most: 7}}\n");
    let Shape::Pattern(used) = accepted(&pattern).shape else { panic!() };
    assert_eq!(used.watch.unwrap().most, 7);
}

#[test]
fn a_vote_needs_words_and_a_member_may_be_stood_in_for() {
    let agents = "agents: {a: {instructions: A.}, b: {instructions: B.}}\n";
    let vote = format!("name: w\npattern: vote\noptions: [yes-please, no-thanks]\n{agents}");
    let Shape::Pattern(used) = accepted(&vote).shape else { panic!() };
    assert_eq!((used.words["options"].len(), &*used.texts["majority"]), (2, "most"));
    for (from, to, why) in [
        ("[yes-please, no-thanks]", "[yes-please]", "2 or more words are wanted"),
        ("[yes-please, no-thanks]", "[a, a]", "`a` stands twice"),
        ("pattern: vote\n", "pattern: vote\nmajority: hlf\n", "Did you mean `half`?"),
    ] {
        let said = refused(&vote.replacen(from, to, 1));
        assert!(said.contains(why), "{why}: {said}");
    }
    let team =
        format!("name: w\npattern: parallel\non_error: {{retry: 2}}\ninstead: {{a: b}}\n{agents}");
    let Shape::Pattern(used) = accepted(&team).shape else { panic!() };
    assert_eq!((used.members.len(), used.on_error), (1, OnMember::Retry(2)));
    for (from, to, why) in [
        ("{a: b}", "{a: a}", "stands in for itself"),
        ("{a: b}", "{a: c}", "there is no agent `c`"),
        ("{retry: 2}", "{retry: 0}", "on_error"),
        ("{retry: 2}", "ignore", "on_error"),
        ("pattern: parallel", "pattern: swarm", "unknown key `on_error`"),
    ] {
        let said = refused(&team.replacen(from, to, 1));
        assert!(said.contains(why), "{why}: {said}");
    }
}
