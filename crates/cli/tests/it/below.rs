//! Agents that an agent's file names: tools of others, and those that take over.

#![cfg(unix)]

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};

use crate::place::{Done, Place};

const WAITING: i32 = 11;

/// A project with a provider `local` and one more of this name and address.
fn project(upstream: &Upstream, other: Option<&Upstream>) -> Place {
    let place = Place::new();
    let other =
        other.map(|other| format!("  other:\n    auth: none\n    base-url: \"{}\"\n", other.url()));
    let own = format!("  local:\n    base-url: \"{}\"\n", upstream.url());
    place.write("largestack.yaml", format!("providers:\n{own}{}", other.unwrap_or_default()));
    place
}

fn agent(name: &str, model: &str, rest: &str) -> String {
    format!("name: {name}\ninstructions: You are {name}.\nmodel: {model}\n{rest}\n")
}

async fn run(place: &Place, arguments: &[&str]) -> Done {
    let mut command = place.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

fn body(upstream: &Upstream, index: usize) -> String {
    String::from_utf8_lossy(&upstream.requests()[index].body).into_owned()
}

const HELPER: &str = "tools: {helper: {agent: helper.yaml, description: Helps.}}";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_question_below_goes_on_with_the_run_at_the_top() {
    let upstream = Upstream::start().await.unwrap();
    let place = project(&upstream, None);
    place.write("out/README", "");
    place.write("agent.yaml", agent("boss", "local/m", HELPER));
    let approves = "tools: {write_file: {root: out}}\napprovals: {tools: {write_file: {}}}";
    place.write("helper.yaml", agent("helper", "local/m", approves));
    upstream.push(Answer::chat(ChatReply::tool("helper", r#"{"task":"write it"}"#)));
    let call = r#"{"path":"a.txt","text":"hello"}"#;
    upstream.push(Answer::chat(ChatReply::tool("write_file", call)));
    upstream.push(Answer::chat(ChatReply::text("Written.")));
    upstream.push(Answer::chat(ChatReply::text("It is written.")));
    let asked = run(&place, &["run", ".", "Write it."]).await.expect(WAITING);
    let advice = asked.err.lines().find(|line| line.contains("approvals answer")).unwrap();
    let id = advice.split_whitespace().find(|word| word.starts_with("apr_")).unwrap();
    let answered = run(&place, &["approvals", "answer", id, "--choice", "approve"]).await.expect(0);
    assert!(answered.out.starts_with("It is written."), "{}", answered.out);
    assert!(place.path("out/a.txt").exists());
    assert_eq!(upstream.requests().len(), 4);
    let listed = run(&place, &["trace", "--json"]).await.expect(0).json();
    let runs = listed["runs"].as_array().unwrap();
    assert!(runs.iter().all(|run| run["status"] == "completed"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_file_takes_over_and_is_taken_up_after_it_has_waited() {
    let upstream = Upstream::start().await.unwrap();
    let place = project(&upstream, None);
    place.write("out/README", "");
    place.write("agent.yaml", agent("first", "local/m", "fallback: {agents: [second.yaml]}"));
    let approves = "tools: {write_file: {root: out}}\napprovals: {tools: {write_file: {}}}";
    place.write("second.yaml", agent("second", "local/n", approves));
    upstream.push(Answer::error(400, "no such model"));
    let call = r#"{"path":"a.txt","text":"hello"}"#;
    upstream.push(Answer::chat(ChatReply::tool("write_file", call)));
    upstream.push(Answer::chat(ChatReply::text("Second.")));
    let asked = run(&place, &["run", ".", "Write it.", "--json"]).await.expect(WAITING);
    let id = asked.json()["waits"][0]["approval"].as_str().unwrap().to_owned();
    assert!(body(&upstream, 1).contains("You are second."), "{}", body(&upstream, 1));
    let answered =
        run(&place, &["approvals", "answer", &id, "--choice", "approve"]).await.expect(0);
    assert!(answered.out.starts_with("Second."), "{}", answered.out);
    assert_eq!(upstream.requests().len(), 3, "nobody is asked twice");
    let trace = run(&place, &["trace", ".", "last"]).await.expect(0);
    assert!(trace.out.contains("second takes over"), "{}", trace.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_agent_has_failed_each_cause_is_told() {
    let upstream = Upstream::start().await.unwrap();
    let place = project(&upstream, None);
    place.write("agent.yaml", agent("first", "local/m", "fallback: {agents: [second.yaml]}"));
    place.write("second.yaml", agent("second", "local/n", ""));
    upstream.push(Answer::error(400, "no such model"));
    upstream.push(Answer::error(401, "who are you?"));
    let done = run(&place, &["run", ".", "Hello?"]).await;
    assert!(done.err.contains("LARGESTACK_ALL_FAILED"), "{}", done.err);
    assert!(done.err.contains("first") && done.err.contains("second"), "{}", done.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_below_has_documents_and_a_provider_of_its_own() {
    let (upstream, other) = (Upstream::start().await.unwrap(), Upstream::start().await.unwrap());
    let place = project(&upstream, Some(&other));
    let tools = "tools:\n  clerk: {agent: clerk, description: Knows the rules.}\n  \
                 writer: {agent: writer.yaml, description: Writes.}";
    place.write("agent.yaml", agent("boss", "local/m", tools));
    let documents = "tools: {search_knowledge: {}}\nknowledge: {folder: docs}";
    place.write("clerk/agent.yaml", agent("clerk", "offline/extractive", documents));
    place.write("clerk/docs/returns.md", "Items may be returned within thirty days of purchase.\n");
    place.write("writer.yaml", agent("writer", "other/m", ""));
    let task = r#"{"task":"Within how many days may items be returned?"}"#;
    upstream.push(Answer::chat(ChatReply::tool("clerk", task)));
    upstream.push(Answer::chat(ChatReply::tool("writer", r#"{"task":"put it nicely"}"#)));
    other.push(Answer::chat(ChatReply::text("Do come back.")));
    upstream.push(Answer::chat(ChatReply::text("Thirty days [clerk/returns.md:1-1].")));
    let done = run(&place, &["run", ".", "How long?", "--json"]).await.expect(0).json();
    let read = body(&upstream, 1);
    assert!(read.contains("thirty days") && read.contains("clerk/returns.md"), "{read}");
    assert_eq!(other.requests().len(), 1);
    assert!(body(&upstream, 2).contains("Do come back."));
    let source = done["citations"][0]["source"].as_str().unwrap_or_default();
    assert!(source.ends_with("clerk/docs/returns.md"), "{done}");
}

#[test]
fn agents_that_name_each_other_in_a_circle_are_refused_with_the_way_round() {
    let place = Place::new();
    place.write("agent.yaml", agent("a", "offline/extractive", "fallback: {agents: [b.yaml]}"));
    let back = "tools: {up: {agent: agent.yaml, description: d}}";
    place.write("b.yaml", agent("b", "offline/extractive", back));
    let checked = place.run(&["check", "agent.yaml"]).expect(1);
    let round = "agent.yaml -> b.yaml -> agent.yaml";
    assert!(checked.out.replace("./", "").contains(round), "{}", checked.out);
    place.write("b.yaml", agent("b", "nobody/m", ""));
    let checked = place.run(&["check", "agent.yaml"]).expect(1);
    assert!(checked.out.contains("nobody"), "{}", checked.out);
    place.write("agent.yaml", agent("a", "offline/extractive", "fallback: {agents: [c.yaml]}"));
    let checked = place.run(&["check", "agent.yaml"]).expect(1);
    assert!(checked.out.contains("there is no agent"), "{}", checked.out);
}
