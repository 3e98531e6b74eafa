//! Tools: functions that a model may call, with what they need from the program and what they
//! tell the model when they fail.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use std::collections::BTreeMap;

use largestack::{Agent, Local, RunContext, Scope, ToolFailure, tool};
use largestack_testkit::{TestModel, Turn};

/// What the program knows and the model does not.
struct Warehouse {
    stock: BTreeMap<&'static str, u32>,
}

/// How many of an article are in stock.
///
/// # Arguments
/// * `article` - The number on the shelf, e.g. `A-17`.
#[tool(idempotent, origin = "operator")]
fn stock(warehouse: RunContext<Warehouse>, article: String) -> Result<u32, ToolFailure> {
    // The model reads this and can do better; it does not end the run.
    let known = || warehouse.stock.keys().copied().collect::<Vec<_>>().join(", ");
    warehouse.stock.get(article.as_str()).copied().ok_or_else(|| {
        ToolFailure::new(format!("there is no article {article}; there are {}", known()))
    })
}

/// Sets articles aside for somebody. Not `idempotent`: it is never repeated behind anybody's back.
#[tool(capabilities = "write")]
fn reserve(article: String, #[schemars(range(min = 1, max = 10))] pieces: u32) -> String {
    format!("{pieces} of {article} are set aside")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = TestModel::new([
        Turn::tool("stock", r#"{"article":"17"}"#),
        Turn::tool("stock", r#"{"article":"A-17"}"#),
        Turn::tool("reserve", r#"{"article":"A-17","pieces":40}"#),
        Turn::tool("reserve", r#"{"article":"A-17","pieces":4}"#),
        Turn::text("Four of A-17 are set aside for you."),
    ]);
    let agent = Agent::with_deps::<Warehouse>("warehouse")
        .model("test/warehouse")
        .tool(stock())
        .tool(reserve())
        .build(Local::new().model("test/warehouse", script).build()?)?;

    let warehouse = Warehouse { stock: BTreeMap::from([("A-17", 6), ("B-2", 0)]) };
    let answer = agent.run_for(&Scope::local(), "Set four of 17 aside.", warehouse).await?;

    for message in &answer.messages {
        for part in &message.parts {
            if let largestack::message::Body::ToolResult(result) = &part.body {
                println!("{}: {}", result.name, result.text);
            }
        }
    }
    println!("{}", answer.output);
    Ok(())
}
