//! What a run does while it does it: pieces of text, calls of tools, and the answer's value as it
//! grows. A stream owns its run: dropping it ends the work and settles the cost.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use futures::StreamExt as _;
use largestack::event::Event;
use largestack::{Agent, Local, RunEvent, RunOptions, Scope, tool};
use largestack_testkit::{TestModel, Turn};
use schemars::JsonSchema;
use serde::Deserialize;

/// The weather in a city.
#[tool(idempotent)]
fn weather(city: String) -> String {
    format!("{city}: rain, 11 degrees")
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Packing {
    items: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = TestModel::new([
        Turn::tool("weather", r#"{"city":"Bergen"}"#),
        Turn::text("Take an umbrella.").pieces(3),
    ]);
    let agent = Agent::builder("advice")
        .model("test/advice")
        .tool(weather())
        .build(Local::new().model("test/advice", script).build()?)?;
    let options = RunOptions::default();
    let mut stream = agent.stream(&Scope::local(), "I go to Bergen.", (), options).await?;
    while let Some(event) = stream.next().await {
        match event {
            RunEvent::Fact(fact) => match &*fact.event {
                Event::ToolReturned(tool) => println!("[tool] {:?}", tool.outcome),
                Event::RunFinished(end) => println!("[end] {}", end.reason.name()),
                _ => {}
            },
            RunEvent::Delta { delta, .. } => println!("[piece] {delta:?}"),
            _ => {}
        }
    }
    println!("{}", stream.finish().await?.output);

    // The same for an answer with a type: what is complete, and what grows.
    let list = r#"{"items":["umbrella","boots"]}"#;
    let script = TestModel::new([Turn::text(list).pieces(4)]);
    let agent = Agent::builder("packing")
        .model("test/packing")
        .output::<Packing>()
        .build(Local::new().model("test/packing", script).build()?)?;
    let options = RunOptions::default();
    let mut stream = agent.stream(&Scope::local(), "What do I pack?", (), options).await?;
    let mut partial = stream.partial::<Packing>();
    while let Some(so_far) = partial.next().await {
        println!("{:?}", so_far.items);
    }
    println!("{:?}", stream.finish().await?.output);
    Ok(())
}
