//! What tools spend at providers themselves is the run's: in its totals, in its journal, in the
//! ledger; also of a tool that failed, ran out of time or was cut off.

use std::sync::Arc;
use std::time::Duration;

use largestack_agent::{Report, RunOptions};
use largestack_engine::Run;
use largestack_engine::event::{CallRecord, Event};
use largestack_ports::journal::{CostBy, Journal as _};
use largestack_ports::tool::{ToolContext, ToolFailure, ToolOutput};
use largestack_testkit::Turn;
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::usage::Usage;

use crate::world::{Spy, World, pass};

const RUN: RunId = RunId::from_u128(8);
const MODEL: &str = "cohere/rerank-v3.5";

fn bill(nanos: i64) -> CallRecord {
    let usage = Usage { searches: Some(1), ..Usage::default() };
    CallRecord { cost: Money::from_nanos(nanos), usage, ..CallRecord::default() }
}

/// Asks a provider that answers.
fn ask(context: &ToolContext, nanos: i64) {
    let call = context.asking(&MODEL.into());
    assert_eq!((&*call.agent, call.run, call.effect), ("tester", context.run, context.effect));
    assert!(!call.budgets.is_empty(), "the run's budget holds for it");
    context.spending.note(&MODEL.into(), bill(nanos));
}

/// Asks a provider and leaves the bill as a gateway does whose call is dropped.
fn ask_in_vain(context: &ToolContext, nanos: i64) {
    context.asking(&MODEL.into()).slot.leave_bill(bill(nanos));
}

/// What the calls of a run's tools cost by its journal, by its fold and by the ledger.
async fn costs(world: &World) -> (i64, i64, i64) {
    let events = world.events(RUN).await;
    let calls = events.iter().filter_map(|event| match &**event {
        Event::ToolReturned(returned) => Some(&returned.calls),
        _ => None,
    });
    let journaled = calls.flatten().map(|call| call.call.cost.nanos()).sum();
    let rows = world.journal.costs(&world.scope, CostBy::Model).await.unwrap();
    let row = rows.iter().find(|row| row.key == MODEL);
    let summary = world.journal.run(&world.scope, RUN).await.unwrap().unwrap();
    (journaled, summary.cost.nanos(), row.map_or(0, |row| row.cost.nanos()))
}

async fn run(world: &World, tool: Spy) -> Report {
    let agent = world.agent(|agent| agent.tool(tool));
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    agent.run_with(&world.scope, "go", options).await.unwrap()
}

fn turns() -> [Turn; 2] {
    [Turn::tool("find", "{}"), Turn::text("done")]
}

#[tokio::test]
async fn a_tools_own_calls_are_on_the_bill_of_its_run() {
    let world = World::new(turns());
    let tool = Spy::new("find", |context, _| {
        ask(&context, 700);
        ask_in_vain(&context, 30);
        Box::pin(async { Ok(ToolOutput::text("found")) })
    });
    let report = run(&world, tool).await;
    assert_eq!(report.cost.nanos(), 730);
    assert_eq!(report.usage.searches, Some(2));
    assert_eq!(costs(&world).await, (730, 730, 730));
}

#[tokio::test]
async fn a_tool_that_fails_has_spent_what_it_spent_at_every_attempt() {
    let world = World::new(turns());
    let tool = Spy::new("find", |context, _| {
        ask(&context, 100);
        Box::pin(async { Err(ToolFailure::transient("busy")) })
    });
    let tool = tool.with(|options| {
        options.retries = 2;
        options.backoff.unit = Duration::ZERO;
    });
    let report = run(&world, tool.clone()).await;
    let attempts = i64::try_from(tool.count()).unwrap();
    assert!(attempts > 1, "it was tried once");
    assert_eq!(report.cost.nanos(), 100 * attempts);
    assert_eq!(costs(&world).await.2, 100 * attempts);
}

#[tokio::test]
async fn a_tool_that_runs_out_of_time_has_spent_what_it_spent() {
    let world = World::new(turns());
    let tool = Spy::new("find", |context, _| {
        Box::pin(async move {
            ask_in_vain(&context, 40);
            std::future::pending().await
        })
    });
    let tool = tool.with(|options| options.timeout = Duration::from_secs(1));
    let (report, ()) = tokio::join!(run(&world, tool), pass(&world.clock, Duration::from_secs(2)));
    assert_eq!(report.cost.nanos(), 40);
    assert_eq!(costs(&world).await, (40, 40, 40));
}

#[tokio::test]
async fn a_tool_that_is_cut_off_with_its_run_has_spent_what_it_spent() {
    let world = World::new(turns());
    let tool = Spy::new("find", |context, _| {
        Box::pin(async move {
            ask_in_vain(&context, 50);
            std::future::pending().await
        })
    });
    {
        let mut running = std::pin::pin!(run(&world, tool));
        for _ in 0..50 {
            assert!(futures::poll!(running.as_mut()).is_pending());
        }
    }
    assert_eq!(costs(&world).await, (50, 50, 50));
}

#[tokio::test]
async fn the_fold_of_the_journal_comes_to_the_same_sum() {
    let world = World::new(turns());
    let tool = Spy::new("find", |context, _| {
        ask(&context, 700);
        Box::pin(async { Ok(ToolOutput::text("found")) })
    });
    let agent = world.agent(|agent| agent.tool(tool));
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    let report = agent.run_with(&world.scope, "go", options).await.unwrap();
    let mut fold = Run::new(RUN, Arc::clone(agent.definition()));
    for event in world.events(RUN).await {
        fold.apply(&event).unwrap();
    }
    assert_eq!((fold.cost(), fold.usage()), (report.cost, report.usage));
}
