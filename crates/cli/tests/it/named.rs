//! Who names a placeholder of a value that a tool has found is not given the value: in the second
//! question of a session, and in a fork's.

#![cfg(unix)]

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};

use crate::place::Place;

const AGENT: &str = r#"name: desk
instructions: Help.
model: local/scripted
tools:
  look:
    description: Looks a customer up.
    command: [/bin/sh, -c, 'echo "\"Ada pays by 4111 1111 1111 1111\""']
    idempotent: true
"#;

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_second_question_nor_a_fork_is_told_the_value_of_a_placeholder_that_it_names() {
    let upstream = Upstream::start().await.unwrap();
    let place = Place::new();
    let project = format!("providers:\n  local:\n    base-url: {}\n", upstream.url());
    place.write("largestack.yaml", project);
    place.write("agent.yaml", AGENT);
    let says = |text: &str| upstream.push(Answer::chat(ChatReply::text(text)));
    upstream.push(Answer::chat(ChatReply::tool("look", "{}")));
    says("I have looked.");
    let first = ["run", ".", "Look Ada up.", "--session", "desk", "--events"];
    let events = place.run(&first).expect(0).out;
    let start = events.find("<CARD_1:").unwrap();
    let named = &events[start..=start + events[start..].find('>').unwrap()];
    let run = place.last_run(".");
    // The model says what it was asked about, as it has read it from the tool.
    says(&format!("It is {named}."));
    let second = format!("What is {named}?");
    let told = place.run(&["run", ".", &second, "--session", "desk"]).expect(0).out;
    assert!(told.contains(&format!("It is {named}.")) && !told.contains("4111"), "{told}");
    says(&format!("It is {named}."));
    let events = place.run(&["trace", ".", &run, "--json"]).expect(0).json();
    let last = events["events"].as_array().unwrap().len().to_string();
    let set = format!("--set=input={second}");
    let forked = place.run(&["fork", ".", &run, "--at", &last, &set]).expect(0).out;
    assert!(forked.contains(&format!("It is {named}.")) && !forked.contains("4111"), "{forked}");
}
