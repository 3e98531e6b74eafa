//! Recorded conversations through the library: with tools, streamed, with a value that a guard keeps.

use std::path::Path;

use futures::StreamExt as _;
use largestack::errors::{Code, Coded as _};
use largestack::providers::{Auth, Section};
use largestack::{Agent, Cassette, Local, RecordMode, RunEvent, RunOptions, Scope, tool};
use largestack_testkit::{ChatReply, Upstream};

/// What a parcel costs.
#[tool(idempotent)]
fn postage(kilos: u32) -> u32 {
    4 * kilos
}

fn agent(url: &str, cassette: &Cassette) -> Agent {
    let row = Section {
        wire: Some("openai-chat".into()),
        base_url: Some(url.into()),
        auth: Some(Auth::None),
        ..Section::default()
    };
    let runtime = Local::new().provider("house", row).cassette(cassette).build().unwrap();
    Agent::builder("postage").model("house/small").tool(postage()).build(runtime).unwrap()
}

const NOBODY: &str = "http://127.0.0.1:9/v1";

/// What is heard, piece by piece, and the whole.
async fn heard(agent: &Agent, question: &str) -> largestack::Result<(Vec<String>, String)> {
    let options = RunOptions::default();
    let mut stream = agent.stream(&Scope::local(), question, (), options).await?;
    let mut pieces = Vec::new();
    while let Some(event) = stream.next().await {
        if let RunEvent::Delta { delta, .. } = event {
            pieces.push(format!("{delta:?}"));
        }
    }
    let answer = stream.finish().await?;
    Ok((pieces, answer.output))
}

async fn recorded(file: &Path, question: &str) -> (Vec<String>, String) {
    let provider = Upstream::start().await.unwrap();
    provider.push(ChatReply::tool("postage", r#"{"kilos":3}"#));
    provider.push(ChatReply::text("Twelve euros, for you.").pieces(4).usage(50, 6));
    let cassette = Cassette::open(file, RecordMode::Once).unwrap();
    let said = heard(&agent(&provider.url(), &cassette), question).await.unwrap();
    cassette.finish().unwrap();
    said
}

#[tokio::test]
async fn a_streamed_conversation_with_tools_is_heard_again_word_by_word_without_its_provider() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("three.jsonl");
    let said = recorded(&file, "Three kilos?").await;
    assert!(said.0.len() > 1, "{said:?}");
    for _ in 0..2 {
        let cassette = Cassette::open(&file, RecordMode::None).unwrap();
        assert_eq!(heard(&agent(NOBODY, &cassette), "Three kilos?").await.unwrap(), said);
        cassette.finish().unwrap();
    }
}

#[tokio::test]
async fn a_question_that_is_not_recorded_fails_the_run_and_the_test() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("three.jsonl");
    recorded(&file, "Three kilos?").await;
    let cassette = Cassette::open(&file, RecordMode::None).unwrap();
    let error = heard(&agent(NOBODY, &cassette), "Four kilos?").await.unwrap_err();
    assert_eq!(error.code(), Code::ModelBlocked);
    assert!(error.to_string().contains(r#"recorded "Three kilos?", asked "Four kilos?""#));
    let error = cassette.finish().unwrap_err();
    assert!(error.to_string().contains("asked for what is not recorded"), "{error}");
}

#[tokio::test]
async fn a_value_that_a_guard_keeps_is_not_in_the_file_and_comes_back_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("card.jsonl");
    let provider = Upstream::answering(|request| {
        // It repeats what it was asked, placeholder and all.
        let asked = request.json()["messages"].as_array().unwrap().last().unwrap().clone();
        ChatReply::text(asked["content"].as_str().unwrap()).pieces(9).into()
    });
    let provider = provider.await.unwrap();
    let question = "Is 4111 1111 1111 1111 a card?";
    let cassette = Cassette::open(&file, RecordMode::Once).unwrap();
    let said = heard(&agent(&provider.url(), &cassette), question).await.unwrap();
    cassette.finish().unwrap();
    assert_eq!(said.1, question);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("1111") && text.contains("{{CARD_1}}"), "{text}");
    // Its placeholder has another name in each run.
    for _ in 0..2 {
        let cassette = Cassette::open(&file, RecordMode::None).unwrap();
        let again = heard(&agent(NOBODY, &cassette), question).await.unwrap();
        assert_eq!(again.1, question);
        cassette.finish().unwrap();
    }
}
