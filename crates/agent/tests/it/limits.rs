//! Limits that need a clock.

use std::time::Duration;

use largestack_engine::{EndReason, Status};
use largestack_testkit::Turn;
use largestack_types::error::{Code, Coded as _};
use largestack_types::limits::{Limits, OnLimit};

use crate::world::{Spy, World, pass};

fn ten_seconds(on_limit: OnLimit) -> Limits {
    Limits { wall_clock: Some(Duration::from_secs(10)), on_limit, ..Limits::default() }
}

#[tokio::test]
async fn a_model_that_does_not_answer_in_time_is_cut_off() {
    for on_limit in [OnLimit::Finish, OnLimit::Error] {
        let world = World::new([Turn::never()]);
        let agent = world.agent(|a| a.limits(ten_seconds(on_limit)));
        let clock = world.clock.clone();
        let (report, ()) = tokio::join!(agent.run(&world.scope, "go"), async {
            pass(&clock, Duration::from_millis(9_999)).await;
            pass(&clock, Duration::from_millis(1)).await;
        });
        let report = report.unwrap();
        if on_limit == OnLimit::Finish {
            assert_eq!(report.status, Status::Incomplete);
            assert_eq!(report.finish_reason, Some(EndReason::WallClock));
        } else {
            let error = report.into_result().unwrap_err();
            assert_eq!(error.code(), Code::Loop);
            assert!(error.message().contains("wall_clock"));
        }
    }
}

#[tokio::test]
async fn a_tool_that_uses_up_the_time_leaves_enough_for_one_last_turn() {
    let world = World::new([Turn::tool("stuck", "{}"), Turn::text("what I have")]);
    let agent = world.agent(|a| a.tool(Spy::stuck("stuck")).limits(ten_seconds(OnLimit::Finish)));
    let clock = world.clock.clone();
    let (report, ()) = tokio::join!(agent.run(&world.scope, "go"), async {
        pass(&clock, Duration::from_millis(7_999)).await;
        pass(&clock, Duration::from_millis(1)).await;
    });
    let report = report.unwrap();
    assert_eq!(report.finish_reason, Some(EndReason::WallClock));
    assert_eq!(report.text, "what I have");
}

#[tokio::test]
async fn a_run_within_its_time_is_not_touched() {
    let world = World::new([Turn::text("done")]);
    let agent = world.agent(|a| a.limits(ten_seconds(OnLimit::Error)));
    let report = agent.run(&world.scope, "go").await.unwrap();
    assert_eq!(report.status, Status::Completed);
}
