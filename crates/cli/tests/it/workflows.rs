//! Workflows from their files: run, followed, answered, cut off and taken up again.

#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};
use serde_json::Value;

use crate::place::{Done, Place, copy};

/// Two agents, one after the other, that a local provider answers for.
const TEAM: &str = "name: report
pattern: sequential
agents:
  writer: {instructions: Write., model: local/scripted}
  editor: {instructions: Edit., model: local/scripted}
";

pub(crate) fn team(upstream: &Upstream, workflow: &str) -> Place {
    let place = Place::new();
    let project = format!("providers:\n  local:\n    base-url: {}\n", upstream.url());
    place.write("flow/largestack.yaml", project);
    place.write("flow/workflow.yaml", workflow);
    place
}

pub(crate) fn says(upstream: &Upstream, text: &str) {
    upstream.push(Answer::chat(ChatReply::text(text).usage(10, 5)));
}

fn events(done: &Done) -> Vec<Value> {
    done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["kind"].as_str()).collect()
}

#[test]
fn the_example_runs_without_a_key_and_says_node_by_node_what_happened() {
    let place = Place::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for folder in ["desk", "handbook"] {
        copy(&examples.join(folder), &place.path(folder));
    }
    let checked = place.run(&["check", "desk"]).expect(0);
    assert!(checked.out.contains("3 nodes"), "{}", checked.out);
    let done =
        place.run(&["run", "desk", "How do I get my money back when I return an item?"]).expect(0);
    assert!(done.out.starts_with("Customers' desk: "), "{}", done.out);
    assert!(done.out.contains("\n\nPayments' desk: "), "{}", done.out);
    for node in ["customers", "payments", "together"] {
        assert!(done.err.contains(&format!("✓ {node}")), "{}", done.err);
    }
    let facts = place.redacted(done.out.lines().last().unwrap());
    assert!(facts.contains("completed · 3 nodes"), "{facts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_of_five_lines_runs_and_its_document_has_every_node() {
    let upstream = Upstream::start().await.unwrap();
    let place = team(&upstream, TEAM);
    says(&upstream, "a draft");
    says(&upstream, "the report");
    let done = place.run(&["run", "flow", "bees", "--json"]).expect(0).json();
    assert_eq!((&done["status"], &done["answer"]), (&"completed".into(), &"the report".into()));
    assert_eq!(done["nodes"][1]["node"], "editor");
    assert_eq!(done["nodes"][1]["state"], "completed");
    assert_eq!(done["usage"]["input_tokens"], 20);
    assert_eq!(done["values"]["writer"], "a draft");

    says(&upstream, "a draft");
    says(&upstream, "the report");
    let events = events(&place.run(&["run", "flow", "bees", "--events"]).expect(0));
    let kinds = kinds(&events);
    assert_eq!(kinds.first(), Some(&"graph_started"));
    assert_eq!(kinds.last(), Some(&"run_finished"));
    // What happens in the agents' own runs is told between the workflow's facts.
    assert_eq!(kinds.iter().filter(|kind| **kind == "model_replied").count(), 2);
    assert_eq!(kinds.iter().filter(|kind| **kind == "node_finished").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_picks_the_way_by_a_word_of_a_schema() {
    let upstream = Upstream::start().await.unwrap();
    let text = "name: desk
agents:
  sorter: {instructions: Sort., model: local/scripted}
  helper: {instructions: Help., model: local/scripted}
nodes:
  sort: {agent: sorter, then: {billing: bill, technical: help}}
  bill: {set: \"Billing: {{ task }}\", writes: answer}
  help: {agent: helper, writes: answer}
answer: answer
";
    let place = team(&upstream, text);
    says(&upstream, r#"{"reason": "technical, not billing", "choice": "technical"}"#);
    says(&upstream, "Turn it off and on.");
    let done = place.run(&["run", "flow", "It is dark."]).expect(0);
    assert!(done.out.starts_with("Turn it off and on.\n"), "{}", done.out);
    assert!(done.err.contains("✓ sort → technical"), "{}", done.err);
    says(&upstream, r#"{"reason": "an invoice", "choice": "billing"}"#);
    let done = place.run(&["run", "flow", "My invoice?"]).expect(0);
    assert!(done.out.starts_with("Billing: My invoice?\n"), "{}", done.out);
}

/// Leaves a run whose second agent was being asked when its process was killed.
async fn killed(upstream: &Upstream, place: &Place) {
    says(upstream, "a draft");
    upstream.push(Answer::chat(ChatReply::text("never said")).stall_before_head());
    let asked = upstream.counts().requests;
    let child = place.command(&["run", "flow", "bees"]).spawn().expect("the binary runs");
    upstream.until(|counts| counts.requests >= asked + 2).await;
    let finished = || {
        let trace = place.run(&["trace", "flow", "last", "--json"]);
        trace.code == 0 && trace.out.contains("\"node_finished\"")
    };
    assert!((0..1_000).any(|_| finished()), "the first node never showed");
    let sent = Command::new("kill").args(["-9", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait_with_output().expect("the binary ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_goes_on_where_it_was_and_asks_nobody_twice() {
    let upstream = Upstream::start().await.unwrap();
    let place = team(&upstream, TEAM);
    killed(&upstream, &place).await;
    let before = upstream.requests().len();
    says(&upstream, "the report");
    let done = place.run(&["resume", "flow", "last"]).expect(0);
    assert!(done.out.starts_with("the report\n"), "{}", done.out);
    // The writer's answer was on the disk: only the editor was asked again.
    assert_eq!(upstream.requests().len(), before + 1);
    let again = place.run(&["resume", "flow", "last"]).expect(6);
    assert!(again.err.contains("has ended (completed)"), "{}", again.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_does_not_go_on_with_an_older_run() {
    let upstream = Upstream::start().await.unwrap();
    let place = team(&upstream, TEAM);
    killed(&upstream, &place).await;
    place.write("flow/workflow.yaml", TEAM.replace("Edit.", "Shorten."));
    let refused = place.run(&["resume", "flow", "last"]);
    assert_eq!(refused.code, 6, "{}", refused.err);
    assert!(refused.err.contains("LARGESTACK_DEFINITION"), "{}", refused.err);
}

const ASKING: &str = "name: order
inputs: [item]
nodes:
  ask: {ask: \"Buy {{ item }}?\", then: {buy: bought, leave: end}}
  bought: {set: \"Bought {{ item }}.\"}
answer: bought
";

#[test]
fn a_person_is_asked_and_the_answer_leads_on() {
    let place = Place::new();
    place.write("flow/workflow.yaml", ASKING);
    let waits = place.run(&["run", "flow", "honey"]).expect(11);
    assert!(waits.err.contains("largestack approvals answer flow apr_"), "{}", waits.err);
    assert!(waits.err.contains("--choice 'buy'   (or 'leave')"), "{}", waits.err);
    let open = place.run(&["approvals", "flow", "--json"]).expect(0).json();
    let question = open["questions"][0]["question"].as_str().unwrap().to_owned();
    assert_eq!(open["questions"][0]["reason"], "Buy honey?");
    let done = place.run(&["approvals", "answer", "flow", &question, "--choice", "buy"]).expect(0);
    assert!(done.out.starts_with("Bought honey.\n"), "{}", done.out);
}

#[test]
fn an_event_from_outside_is_given_to_whoever_waits_for_it() {
    let place = Place::new();
    let text = "name: paid\ninputs: []\nnodes:\n  wait: {event: payment, then: note}\n  \
                note: {set: \"Paid {{ wait.amount }}.\"}\n";
    place.write("flow/workflow.yaml", text);
    let waits = place.run(&["run", "flow", ""]).expect(11);
    assert!(waits.err.contains("--event 'payment={}'"), "{}", waits.err);
    let wrong = place.run(&["resume", "flow", "last", "--event", "payment={"]).expect(2);
    assert!(wrong.err.contains("it is no JSON"), "{}", wrong.err);
    let done = place.run(&["resume", "flow", "last", "--event", "payment={\"amount\": 3}"]);
    assert!(done.expect(0).out.starts_with("Paid 3.\n"));
}

#[test]
fn what_a_workflow_is_given_is_compared_with_what_it_takes() {
    let place = Place::new();
    let text = "name: sum\ninputs: {items: list, by: text}\nnodes:\n  each: {set: \"{{ by }}: \
                {{ item }}\", over: items}\n";
    place.write("flow/workflow.yaml", text);
    let run = |input: &str| place.run(&["run", "flow", input]);
    let done = run(r#"{"items": [1, 2], "by": "x"}"#).expect(0);
    assert!(done.out.starts_with("[\"x: 1\",\"x: 2\"]\n"), "{}", done.out);
    let wrong = run(r#"{"items": "many", "by": "x"}"#).expect(2);
    assert!(wrong.err.contains("`items`: a list is wanted, and this is a text"), "{}", wrong.err);
    assert!(run("words").expect(2).err.contains("Put a JSON object with `items`, `by`"));
    assert!(run(r#"{"items": []}"#).expect(2).err.contains("`by`, and it is missing"));
    let attached = place.run(&["run", "flow", "x", "--attach", "a.png"]).expect(2);
    assert!(attached.err.contains("is for the question of an agent"), "{}", attached.err);
}

#[test]
fn a_folder_with_an_agent_and_a_workflow_has_to_be_named_by_file() {
    let place = Place::new();
    place.write("flow/workflow.yaml", ASKING);
    place.write("flow/agent.yaml", "name: a\ninstructions: Help.\n");
    let both = place.run(&["run", "flow", "honey"]).expect(2);
    assert!(both.err.contains("flow/agent.yaml or flow/workflow.yaml"), "{}", both.err);
    place.run(&["run", "flow/workflow.yaml", "honey"]).expect(11);
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_at_its_line() {
    let place = Place::new();
    let text = "name: w\nagents:\n  writer: writer.yaml\nnodes:\n  draft: {agent: writr, then: chek}\n  \
                check: {set: \"{{ drafts }}\"}\n  lost: {pass: true, retrys: 2}\n";
    place.write("flow/workflow.yaml", text);
    let broken = place.run(&["check", "flow"]).expect(1);
    insta::assert_snapshot!(place.redacted(&broken.out));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_the_tree_of_everything_below_and_a_replay_shows_each_moment() {
    let upstream = Upstream::start().await.unwrap();
    let place = team(&upstream, TEAM);
    says(&upstream, "a draft");
    says(&upstream, "the report");
    place.run(&["run", "flow", "bees"]).expect(0);
    let trace = place.run(&["trace", "flow", "last"]).expect(0).out;
    for line in
        ["given report", "writer completed", "says: a draft", "model local/scripted", "editor"]
    {
        assert!(trace.contains(line), "{line}: {trace}");
    }
    // What an agent did stands below its node.
    let model = trace.lines().find(|line| line.contains("model local/scripted")).unwrap();
    assert!(model.starts_with("│  "), "{trace}");
    let document = place.run(&["trace", "flow", "last", "--json"]).expect(0).json();
    let node = &document["steps"][1];
    assert_eq!((&node["kind"], &node["node"]), (&"node".into(), &"writer".into()));
    assert_eq!(node["below"][1]["text"], "a draft");

    let followed = place.run(&["trace", "flow", "last", "--follow"]).expect(0).out;
    assert!(followed.contains("editor completed"), "{followed}");

    let replayed = place.run(&["replay", "flow", "last", "--json"]).expect(0).json();
    let states = replayed["states"].as_array().unwrap();
    let done = states.iter().find(|state| state["event"] == "node_finished").unwrap();
    assert_eq!((&done["node"], &done["visited"]), (&"writer".into(), &2.into()));
    let at = done["seq"].to_string();
    let moment = place.run(&["replay", "flow", "last", "--at", &at]).expect(0).out;
    assert!(moment.contains("writer: a draft"), "{moment}");
    assert!(!moment.contains("the report"), "{moment}");
    let beyond = place.run(&["replay", "flow", "last", "--at", "999"]).expect(2);
    assert!(beyond.err.contains("there is no event 999"), "{}", beyond.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_is_drawn_of_a_file_and_of_a_run_as_it_stands() {
    let upstream = Upstream::start().await.unwrap();
    let place = team(&upstream, TEAM);
    let mermaid = place.run(&["graph", "flow"]).expect(0).out;
    assert!(mermaid.starts_with("flowchart TD\n") && mermaid.contains("n0 --> n1"), "{mermaid}");
    let svg = place.run(&["graph", "flow", "--format", "svg"]).expect(0).out;
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(!svg.contains("class=\"node completed\""), "{svg}");
    says(&upstream, "a draft");
    says(&upstream, "the report");
    place.run(&["run", "flow", "bees"]).expect(0);
    let svg = place.run(&["graph", "flow", "last", "--format", "svg"]).expect(0).out;
    assert_eq!(svg.matches("class=\"node completed\"").count(), 2, "{svg}");
    let begun = place.run(&["graph", "flow", "last", "--at", "2", "--format", "svg"]).expect(0).out;
    assert!(begun.contains("class=\"node running\""), "{begun}");
    assert!(!begun.contains("class=\"node completed\""), "{begun}");
    assert!(place.run(&["graph", "flow", "--at", "2"]).expect(2).err.contains("--at is for a run"));
    place.run(&["graph", "nowhere"]).expect(5);
}

#[test]
fn a_run_that_waits_is_cancelled() {
    let place = Place::new();
    place.write("flow/workflow.yaml", ASKING);
    place.run(&["run", "flow", "honey"]).expect(11);
    place.run(&["cancel", "flow", "last", "--reason", "too dear"]).expect(130);
    let trace = place.run(&["trace", "flow", "last"]).expect(0).out;
    assert!(trace.contains("cancel asked (caller) by local: too dear"), "{trace}");
    place.run(&["cancel", "flow", "last"]).expect(6);
}
