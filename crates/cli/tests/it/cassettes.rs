//! `test` with cassettes: recorded over a provider on the loopback, given again without it.

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};

use crate::place::{Done, Place};

const KEY: &str = "sk-mock-0123456789abcdef";
const CASES: &str = "cases:\n- name: answer\n  ask: What is the answer?\n  \
                     cassette: recorded/answer.jsonl\n  expect: {exact: It is 42., max_turns: 1}\n";

fn project(url: &str) -> Place {
    let place = Place::new();
    place.write("agent.yaml", "name: a\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n");
    place.write("largestack.yaml", format!("providers: {{openai: {{base-url: \"{url}\"}}}}\n"));
    place.write("tests.yaml", CASES);
    place
}

/// Runs the binary beside the provider.
async fn run(place: &Place, arguments: &[&str], key: Option<&str>) -> Done {
    let mut command = place.command(arguments);
    command.envs(key.map(|key| ("OPENAI_API_KEY", key)));
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

async fn recorded() -> Place {
    let upstream = Upstream::start().await.unwrap();
    let place = project(&upstream.url());
    // One that says in its refusal which key it has seen, and then answers.
    upstream.push(Answer::error(503, &format!("busy, {KEY}")).header("retry-after", "0"));
    upstream.push(ChatReply::text("It is 42.").pieces(3).usage(20, 5));
    let done = run(&place, &["test", "--record"], Some(KEY)).await.expect(0);
    assert!(done.out.contains("ok      answer"), "{}", done.out);
    assert_eq!(upstream.counts().requests, 2);
    place
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_case_passes_without_a_provider_and_without_a_key() {
    let place = recorded().await;
    let file = place.read("recorded/answer.jsonl");
    assert!(!file.contains(KEY) && file.contains("[REDACTED]"), "{file}");
    assert!(file.contains("What is the answer?") && file.contains("\"status\":503"), "{file}");
    let done = run(&place, &["test", "--json"], None).await.expect(0);
    assert_eq!(done.json()["cases"][0]["passed"], true);
    // As often as it is wanted.
    run(&place, &["test", "--repeats", "3"], None).await.expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_that_asks_otherwise_than_recorded_fails_and_says_in_what() {
    let place = recorded().await;
    place.write("tests.yaml", CASES.replace("What is the answer?", "What is the question?"));
    let done = run(&place, &["test"], None).await.expect(1);
    assert!(done.out.contains("recorded \"What is the answer?\""), "{}", done.out);
    assert!(done.out.contains("asked \"What is the question?\""), "{}", done.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_that_asks_less_than_recorded_fails_although_its_answer_is_right() {
    let place = recorded().await;
    let file = place.read("recorded/answer.jsonl");
    let (_, exchanges) = file.split_once('\n').unwrap();
    place.write("recorded/answer.jsonl", format!("{file}{exchanges}"));
    let done = run(&place, &["test"], None).await.expect(1);
    assert!(done.out.contains("2 of 4 recorded exchanges were not asked for"), "{}", done.out);
}

#[test]
fn a_case_without_its_recording_fails_and_says_how_to_record_it() {
    let place = project("http://127.0.0.1:9/v1");
    let done = place.run(&["test"]).expect(1);
    assert!(done.out.contains("there is no recording"), "{}", done.out);
    assert!(done.out.contains("largestack test --record"), "{}", done.out);
}

#[test]
fn recording_needs_a_case_that_names_a_cassette_and_scripts_have_none() {
    let place = project("http://127.0.0.1:9/v1");
    let script = "cases:\n- name: s\n  ask: x\n  script: [{text: word}]\n  expect: {exact: word}\n";
    place.write("tests.yaml", script);
    let done = place.run(&["test", "--record"]);
    assert!(done.code != 0 && done.err.contains("names a cassette"), "{}", done.err);
    place.write("tests.yaml", script.replace("  ask", "  cassette: c.jsonl\n  ask"));
    let done = place.run(&["test"]);
    assert!(
        done.code != 0 && done.err.contains("a `script` or a `cassette`"),
        "{}{}",
        done.out,
        done.err
    );
}
