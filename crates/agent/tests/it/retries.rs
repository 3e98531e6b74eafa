//! Going on after failures that may pass, and agents that take over.

use std::time::Duration;

use futures::StreamExt as _;
use largestack_agent::{Agent, RunEvent, RunOptions};
use largestack_engine::Status;
use largestack_ports::journal::Journal as _;
use largestack_testkit::{TestModel, Turn};
use largestack_types::error::{Code, Coded as _};
use largestack_types::errors::LargestackError;
use largestack_types::limits::Limits;
use largestack_types::money::Money;

use crate::world::{Spy, World, pass};

fn busy() -> LargestackError {
    LargestackError::other(Code::RateLimit, "busy")
}

fn wrong() -> LargestackError {
    LargestackError::other(Code::Provider, "wrong")
}

#[tokio::test]
async fn a_failure_that_may_pass_is_gone_on_after_from_where_the_run_was() {
    for (retries, status) in [(0, Status::Failed), (1, Status::Failed), (2, Status::Completed)] {
        let turns = [
            Turn::tool("echo", "{}"),
            Turn::error(busy()),
            Turn::error(busy()),
            Turn::text("Done."),
        ];
        let world = World::new(turns);
        let tool = Spy::echo("echo");
        let agent = world.agent(|a| a.tool(tool.clone()).retries(retries));
        let time = async {
            for _ in 0..4 {
                pass(&world.clock, Duration::from_secs(1)).await;
            }
        };
        let (report, ()) = tokio::join!(agent.run(&world.scope, "go"), time);
        let report = report.unwrap();
        assert_eq!(report.status, status, "{retries}");
        assert_eq!(tool.count(), 1, "{retries}: what has run does not run again");
        assert_eq!(world.model.calls().len(), 2 + retries as usize, "{retries}");
    }
}

#[tokio::test]
async fn a_failure_that_will_not_pass_is_not_tried_again() {
    for error in [wrong(), LargestackError::other(Code::Guardrail, "no")] {
        let world = World::new([Turn::error(error), Turn::text("Done.")]);
        let agent = world.agent(|a| a.retries(5));
        let report = agent.run(&world.scope, "go").await.unwrap();
        assert_eq!((report.status, world.model.calls().len()), (Status::Failed, 1));
    }
}

#[tokio::test]
async fn a_pause_between_attempts_can_be_cancelled() {
    let world = World::new([Turn::error(busy()), Turn::text("Done.")]);
    let agent = world.agent(|a| a.retries(1));
    let options = RunOptions::default();
    let cancel = options.cancel.clone();
    let stop = async {
        pass(&world.clock, Duration::from_millis(1)).await;
        cancel.cancel(largestack_engine::event::CancelReason::Caller, "me", "");
    };
    let (report, ()) = tokio::join!(agent.run_with(&world.scope, "go", options), stop);
    assert_eq!(report.unwrap().status, Status::Cancelled);
    assert_eq!(world.model.calls().len(), 1);
}

/// Three agents of one runtime, each with what its model does.
fn agents(world: &World, limits: &Limits) -> Agent {
    let of = |name: &str| {
        let limits = limits.clone();
        Agent::builder(name).model("test/model").limits(limits)
    };
    let runtime = world.runtime();
    let second = of("second").build(runtime.clone()).unwrap();
    let third = of("third").build(runtime.clone()).unwrap();
    of("first").fallback(second).fallback(third).build(runtime).unwrap()
}

#[tokio::test]
async fn another_agent_takes_over_with_every_cause_and_cost_kept() {
    let world = World::new([Turn::error(wrong()), Turn::error(busy()), Turn::text("Third.")]);
    let agent = agents(&world, &Limits::default());
    let mut stream = agent.stream(&world.scope, "go", RunOptions::default());
    let mut took_over = Vec::new();
    while let Some(event) = stream.next().await {
        if let RunEvent::TookOver { agent } = event {
            took_over.push(agent.to_string());
        }
    }
    assert_eq!(took_over, ["second", "third"]);
    let report = stream.report().unwrap().unwrap();
    assert_eq!((report.status, &*report.text), (Status::Completed, "Third."));
    let causes: Vec<_> = report.attempts.iter().map(|a| (&*a.agent, a.error.code())).collect();
    assert_eq!(causes, [("first", Code::Provider), ("second", Code::RateLimit)]);
    let runs = world.journal.runs(&world.scope, 9).await.unwrap();
    assert_eq!(runs.len(), 3, "each in a run of its own");
    let cost: i64 = runs.iter().map(|run| run.cost.nanos()).sum();
    assert_eq!(report.total_cost().unwrap().nanos(), cost);
    assert_eq!(report.total_usage().total_tokens(), 15);
}

#[tokio::test]
async fn when_all_have_failed_every_attempt_is_in_the_error() {
    let world = World::of(TestModel::new((0..3).map(|_| Turn::error(wrong()))));
    let report = agents(&world, &Limits::default()).run(&world.scope, "go").await.unwrap();
    let error = report.into_result().unwrap_err();
    assert_eq!(error.code(), Code::AllFailed);
    let LargestackError::AllProvidersFailedError(all) = error else { panic!("{error}") };
    let names: Vec<_> = all.attempts.iter().map(|(agent, _)| &**agent).collect();
    assert_eq!(names, ["first", "second", "third"]);
}

#[tokio::test]
async fn what_was_forbidden_and_what_there_is_no_money_for_is_not_tried_by_another() {
    let denied = LargestackError::other(Code::Guardrail, "no");
    let world = World::new([Turn::error(denied), Turn::text("Second.")]);
    let report = agents(&world, &Limits::default()).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.error.unwrap().code(), Code::Guardrail);
    assert_eq!(world.model.calls().len(), 1);
    let world = World::new([Turn::error(wrong()), Turn::text("Second.")]);
    let limits = Limits { budget: Some(Money::ZERO), ..Limits::default() };
    let report = agents(&world, &limits).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.error.unwrap().code(), Code::Provider);
}
