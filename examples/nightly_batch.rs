//! A thousand documents are sorted in one durable run: eight at a time, under one budget. What cannot be
//! read is skipped and counted, and the run says that something is missing.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use std::collections::BTreeMap;

use largestack::dynamic::Agent;
use largestack::flow::{Function, GraphLimits, NodeOutput, OnFailure, Workflow};
use largestack::{Local, Money, Scope};
use largestack_testkit::{TestModel, Turn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Of a hundred documents twenty are invoices, and about one the model has nothing to say.
    let turns = (0..100).map(|n| match n {
        99 => Turn::text(""),
        n if n % 5 == 0 => Turn::text("invoice"),
        _ => Turn::text("letter"),
    });
    let folder = tempfile::tempdir()?;
    let model = TestModel::repeating(turns);
    let runtime = Local::new().model("test/clerk", model).store(folder.path()).build()?;
    let clerk = Agent::builder("clerk").model("test/clerk").build(runtime.clone())?;

    let count = Function::new(|context| async move {
        let kinds: Vec<Option<String>> = context.get("kinds")?;
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for kind in kinds {
            *counts.entry(kind.unwrap_or_else(|| "unread".to_owned())).or_default() += 1;
        }
        NodeOutput::of(&counts)
    });
    let limits = GraphLimits {
        max_parallel: 8,
        budget: Some(Money::from_nanos(5_000_000_000)),
        ..GraphLimits::default()
    };
    let night = Workflow::builder("night")
        .input("documents")
        .agent_with("kinds", &clerk, "What kind of document is this?\n\n{{ item }}", |node| {
            node.over("documents").with(|node| node.on_failure = OnFailure::Skip)
        })
        .function("counts", count)
        .then("kinds", "counts")
        .limits(limits)
        .build(runtime)?;

    let documents: Vec<String> = (1..=1_000).map(|n| format!("Document number {n}")).collect();
    let report = night.run(&Scope::local(), documents).await?;
    println!("{}", report.text());
    println!("{}: {} documents failed", report.status, report.failures.len());
    Ok(())
}
