//! How to test an agent: a model that follows a script, one that is a function, no way out to a real
//! provider, and exchanges with one that are recorded once. The assertions here are those of a test.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use std::path::Path;

use largestack::errors::{Code, Coded as _};
use largestack::message::{Body, Message};
use largestack::providers::{Auth, Section};
use largestack::{
    Agent, Cassette, Local, RecordMode, Runtime, Scope, block_model_requests, capture_run, tool,
};
use largestack_testkit::{ChatReply, FunctionModel, TestModel, Turn, Upstream};

/// What a parcel costs, in euros.
#[tool(idempotent)]
fn postage(kilos: u32) -> u32 {
    4 * kilos
}

/// The agent under test; whoever builds it says on what it runs.
fn agent(runtime: Runtime, model: &str) -> largestack::Result<Agent> {
    Agent::builder("postage")
        .model(model)
        .instructions("Say what sending a parcel costs.")
        .tool(postage())
        .build(runtime)
}

/// The results of tools in a message.
fn results(message: &Message) -> impl Iterator<Item = String> {
    message.parts.iter().filter_map(|part| match &part.body {
        Body::ToolResult(result) => Some(result.text.to_string()),
        _ => None,
    })
}

/// Asks an agent over a cassette.
async fn three_kilos(
    file: &Path,
    url: &str,
    mode: RecordMode,
) -> Result<String, Box<dyn std::error::Error>> {
    let cassette = Cassette::open(file, mode)?;
    let row = Section {
        wire: Some("openai-chat".into()),
        base_url: Some(url.into()),
        auth: Some(Auth::None),
        ..Section::default()
    };
    let runtime = Local::new().provider("vendor", row).cassette(&cassette).build()?;
    let answer = agent(runtime, "vendor/small-1")?.run(&Scope::local(), "Three kilos?").await?;
    // Fails when something was asked that is not recorded, or the other way round.
    cassette.finish()?;
    Ok(answer.output)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // 1. A script: what the model says is given, what the agent does with it is seen.
    let script =
        TestModel::new([Turn::tool("postage", r#"{"kilos":3}"#), Turn::text("Twelve euros.")]);
    let runtime = Local::new().model("test/one", script.clone()).build()?;
    let answer = agent(runtime, "test/one")?.run(&Scope::local(), "Three kilos?").await?;
    assert_eq!((answer.output.as_str(), answer.tool_calls), ("Twelve euros.", 1));
    let calls = script.calls();
    let heard = calls.iter().flat_map(|call| call.messages.iter());
    let told: Vec<String> = heard.flat_map(|message| results(message)).collect();
    assert_eq!(told, ["12"]);
    println!("the tool's result reached the model");

    // 2. A function: the model answers by what it is asked.
    let model = FunctionModel::new(|call| match call.messages.len() {
        0..=2 => Turn::tool("postage", r#"{"kilos":"three"}"#),
        _ => Turn::text("I could not find out."),
    });
    let runtime = Local::new().model("test/two", model).build()?;
    let answer = agent(runtime, "test/two")?.run(&Scope::local(), "Three kilos?").await?;
    assert_eq!(answer.output, "I could not find out.");
    println!("arguments that do not fit never reach the tool");

    // 3. No way out: a test that would ask a real provider fails instead.
    let agent = agent(Local::new().build()?, "openai/gpt-4o-mini")?;
    let error = block_model_requests(agent.run(&Scope::local(), "Three kilos?")).await.err();
    assert_eq!(error.map(|error| error.code()), Some(Code::ModelBlocked));
    println!("nothing was asked outside");

    // 4. What happened in between, also where a run fails: requests, events, messages, usage.
    let script = TestModel::new([Turn::tool("postage", r#"{"kilos":3}"#)]);
    let runtime = Local::new().model("test/four", script).build()?;
    let agent = self::agent(runtime, "test/four")?;
    let (answer, captured) = capture_run(agent.run(&Scope::local(), "Three kilos?")).await;
    assert!(answer.is_err(), "the script has one turn and the agent needs two");
    assert_eq!(captured.requests().count(), 2);
    for event in captured.events() {
        println!("  {}", event.event.kind());
    }

    // 5. A cassette: what a provider said once is given again, without it and without a key.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("three-kilos.jsonl");
    let provider = Upstream::start().await?;
    provider.push(ChatReply::tool("postage", r#"{"kilos":3}"#));
    provider.push(ChatReply::text("Twelve euros."));
    assert_eq!(three_kilos(&file, &provider.url(), RecordMode::Once).await?, "Twelve euros.");
    drop(provider);
    let nobody = "http://127.0.0.1:9/v1";
    assert_eq!(three_kilos(&file, nobody, RecordMode::None).await?, "Twelve euros.");
    println!("the provider is not needed any more");
    Ok(())
}
