//! Going on after failures that may pass.

use std::time::Duration;

use largestack_agent::RunOptions;
use largestack_engine::Status;
use largestack_testkit::Turn;
use largestack_types::error::Code;
use largestack_types::errors::LargestackError;

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
