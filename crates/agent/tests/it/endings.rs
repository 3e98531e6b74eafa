//! Ends: what a caller sees, and what it does not have to parse.

use largestack_agent::{CancelHandle, Input, RunOptions};
use largestack_engine::event::CancelReason;
use largestack_engine::{EndReason, Status};
use largestack_ports::switch::Thrown;
use largestack_testkit::Turn;
use largestack_types::error::{Code, Coded as _};
use largestack_types::reply::FinishReason;
use largestack_types::time::Timestamp;

use crate::world::{Spy, World};

#[tokio::test]
async fn a_truncated_answer_is_incomplete() {
    let world = World::new([Turn::text("half an ans").finish(FinishReason::Length)]);
    let report = world.agent(|a| a).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.status, Status::Incomplete);
    assert_eq!(report.finish_reason, Some(EndReason::Length));
    assert_eq!(report.text, "half an ans");
    assert!(report.into_result().is_ok());
}

#[tokio::test]
async fn an_empty_question_and_one_that_is_too_long_are_refused_before_anything_is_recorded() {
    let world = World::new([Turn::text("x"), Turn::text("y")]);
    let agent = world.agent(|a| a);
    for wrong in [String::new(), " \n".to_owned(), "x".repeat((1 << 20) + 1)] {
        let error = agent.run(&world.scope, wrong).await.unwrap_err();
        assert_eq!(error.code(), Code::Input);
    }
    assert!(world.model.calls().is_empty());
    let longest = agent.run(&world.scope, "x".repeat(1 << 20)).await.unwrap();
    assert_eq!(longest.status, Status::Completed);
}

#[tokio::test]
async fn an_error_of_the_model_ends_the_run_and_is_recorded() {
    let error = largestack_types::errors::LargestackError::other(Code::Provider, "down");
    let world = World::new([Turn::error(error.clone())]);
    let report = world.agent(|a| a).run(&world.scope, "go").await.unwrap();
    assert_eq!((report.status, report.error.clone()), (Status::Failed, Some(error)));
    let kinds = world.kinds(report.run).await;
    assert_eq!(kinds, ["run_started", "effect_started", "model_failed", "run_finished"]);
}

#[tokio::test]
async fn a_cancelled_run_ends_what_is_in_flight_and_keeps_a_usable_history() {
    let turn = Turn::tool("stuck", "{}").and_tool("stuck", "{}");
    let world = World::new([turn, Turn::text("never")]);
    let cancel = CancelHandle::default();
    let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
    let agent = world.agent(|a| a.tool(Spy::stuck("stuck")));
    let (report, ()) = tokio::join!(agent.run_with(&world.scope, "go", options), async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        cancel.cancel(CancelReason::Caller, "me", "enough");
    });
    let report = report.unwrap();
    assert_eq!(report.status, Status::Cancelled);
    assert_eq!(report.messages.len(), 4, "question, calls, two results");
    assert_eq!(report.into_result().unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_run_whose_future_is_dropped_is_recorded_as_cancelled() {
    let world = World::new([Turn::never()]);
    let agent = world.agent(|a| a);
    let id = largestack_types::id::RunId::from_u128(9);
    let options = RunOptions { id: Some(id), ..RunOptions::default() };
    {
        let running = agent.run_with(&world.scope, "go", options);
        let mut running = std::pin::pin!(running);
        for _ in 0..20 {
            assert!(futures::poll!(running.as_mut()).is_pending());
        }
    }
    let kinds = world.kinds(id).await;
    let end = ["cancel_requested", "model_failed", "run_finished"];
    assert!(kinds.ends_with(&end), "{kinds:?}");
}

#[tokio::test]
async fn the_kill_switch_stops_calls_in_flight_and_refuses_new_ones() {
    let world = World::new([Turn::never()]);
    let agent = world.agent(|a| a);
    let thrown = Thrown { by: "ops".into(), reason: "drill".into(), at: Timestamp::from_micros(0) };
    let (report, ()) = tokio::join!(agent.run(&world.scope, "go"), async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        world.switch.set(Some(thrown));
    });
    let report = report.unwrap();
    assert_eq!(report.finish_reason, Some(EndReason::KillSwitch));
    assert_eq!(report.into_result().unwrap_err().code(), Code::KillSwitch);
    let refused = agent.run(&world.scope, "again").await.unwrap_err();
    assert_eq!(refused.code(), Code::KillSwitch);
    assert!(refused.message().contains("drill"));
    assert_eq!(world.model.calls().len(), 1);
}

#[tokio::test]
async fn media_take_the_same_path_as_text() {
    let media = largestack_types::part::Media {
        kind: largestack_types::part::MediaKind::Image,
        mime: "image/png".into(),
        source: largestack_types::part::MediaSource::Base64("AAAA".into()),
        name: None,
    };
    let mut kinds = Vec::new();
    for input in [Input::from("look"), Input::with_media("look", [media])] {
        let world = World::new([Turn::tool("echo", "{}"), Turn::text("seen")]);
        let agent = world.agent(|a| a.tool(Spy::echo("echo")));
        let report = agent.run(&world.scope, input).await.unwrap();
        assert_eq!(report.status, Status::Completed);
        kinds.push(world.kinds(report.run).await);
    }
    assert_eq!(kinds[0], kinds[1]);
}
