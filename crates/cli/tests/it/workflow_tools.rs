//! Workflows whose nodes call tools, undo what they did, listen to words and are watched: from their
//! files, as people run them.

#![cfg(unix)]

use largestack_testkit::upstream::Upstream;
use serde_json::Value;

use crate::place::Place;
use crate::workflows::{says, team};

/// A trip in two steps, each undone by a tool; the desk refuses Atlantis.
const TRIP: &str = r#"name: trip
inputs: {city: text}
tools:
  book:
    command: [/bin/sh, -c, 'read said; echo "book $said" >> desk.txt; case "$said" in *Atlantis*) echo "no such city" >&2; exit 3;; esac; echo "{\"id\": \"b-1\"}"']
    description: Books.
    writes: [.]
    parameters: {type: object, properties: {city: {type: string}}, required: [city], additionalProperties: false}
  cancel:
    command: [/bin/sh, -c, 'read said; echo "cancel $said" >> desk.txt; echo "{}"']
    description: Cancels.
    writes: [.]
    parameters: {type: object, properties: {id: {type: string}}}
    idempotent: true
nodes:
  flight: {tool: book, with: {city: Oslo}, undo: {tool: cancel, with: {id: "{{ flight.id }}"}}, then: hotel}
  hotel: {tool: book, with: {city: "{{ city }}"}}
answer: hotel
"#;

/// What a run has answered, which its document holds as text.
fn answer(done: &Value) -> Value {
    serde_json::from_str(done["answer"].as_str().unwrap()).unwrap()
}

fn desk(place: &Place) -> Vec<String> {
    place.read("flow/desk.txt").lines().map(str::to_owned).collect()
}

#[test]
fn a_saga_in_a_file_books_and_what_was_booked_is_cancelled_when_a_step_fails() {
    let place = Place::new();
    place.write("flow/workflow.yaml", TRIP);
    let done = place.run(&["run", "flow", "Rome", "--json"]).expect(0).json();
    assert_eq!(answer(&done)["id"], "b-1");
    assert_eq!(desk(&place), [r#"book {"city":"Oslo"}"#, r#"book {"city":"Rome"}"#]);
    let done = place.run(&["run", "flow", "Atlantis", "--json"]).json();
    assert_eq!(done["status"], "failed");
    assert_eq!(
        desk(&place)[2..],
        [r#"book {"city":"Oslo"}"#, r#"book {"city":"Atlantis"}"#, r#"cancel {"id":"b-1"}"#,]
    );
    let states: Vec<_> = done["nodes"].as_array().unwrap().iter().map(|n| &n["state"]).collect();
    assert_eq!(states, ["undone", "failed"]);
}

#[test]
fn what_a_tool_does_not_take_is_said_with_its_node_before_anything_runs() {
    let place = Place::new();
    place.write("flow/workflow.yaml", TRIP.replace("with: {city: Oslo}", "with: {town: Oslo}"));
    let said = place.run(&["check", "flow"]).expect(1).out;
    assert!(said.contains("node `flight`: `book` needs `city`, and nobody says it"), "{said}");
    place.write("flow/workflow.yaml", TRIP.replace("tool: cancel", "tool: cancle"));
    let said = place.run(&["check", "flow"]).expect(1).out;
    assert!(said.contains("Did you mean `cancel`?"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_in_a_file_counts_words_and_nothing_that_is_said_beside_them() {
    let upstream = Upstream::start().await.unwrap();
    let text = "name: jury
pattern: vote
options: [approve, reject]
majority: half
agents:
  one: {instructions: Vote., model: local/scripted}
  two: {instructions: Vote., model: local/scripted}
  three: {instructions: Vote., model: local/scripted}
";
    let place = team(&upstream, text);
    for word in ["approve", "reject", "approve"] {
        says(&upstream, &format!(r#"{{"reason": "not approve, not reject", "vote": "{word}"}}"#));
    }
    let done = place.run(&["run", "flow", "Ship it?", "--json"]).expect(0).json();
    assert_eq!(answer(&done)["decision"], "approve");
    assert_eq!(answer(&done)["counts"]["reject"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_fails_begins_again_as_often_as_the_file_says() {
    let upstream = Upstream::start().await.unwrap();
    let text = "name: pair
pattern: supervised
supervise: {restarts: one-for-one, most: 1}
agents:
  one: {instructions: Work., model: local/scripted}
";
    let place = team(&upstream, text);
    says(&upstream, "");
    says(&upstream, "done");
    let done = place.run(&["run", "flow", "Go.", "--json"]).expect(0).json();
    assert_eq!(answer(&done)["one"], "done");
    says(&upstream, "");
    says(&upstream, "");
    let done = place.run(&["run", "flow", "Go.", "--json"]).json();
    assert_eq!(done["status"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_listens_goes_round_until_its_router_says_the_word() {
    let upstream = Upstream::start().await.unwrap();
    let text = "name: article
inputs: {task: text}
state: {drafts: append}
agents: {editor: {instructions: Check., model: local/scripted}}
nodes:
  facts: {set: \"about {{ task }}\"}
  tone: {set: calm}
  draft: {set: \"{{ facts }}, {{ tone }}\", writes: drafts, after: {any: [{all: [facts, tone]}, {check: poor}]}}
  check: {agent: editor, after: draft}
  publish: {set: \"{{ drafts }}\", after: {check: fine}}
answer: publish
";
    let place = team(&upstream, text);
    says(&upstream, r#"{"reason": "fine it is not", "choice": "poor"}"#);
    says(&upstream, r#"{"reason": "poor it was", "choice": "fine"}"#);
    let done = place.run(&["run", "flow", "bees", "--json"]).expect(0).json();
    assert_eq!(answer(&done), serde_json::json!(["about bees, calm", "about bees, calm"]));
}
