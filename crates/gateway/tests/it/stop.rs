//! Calls that are ended from outside: by the kill switch, by their deadline.

use std::sync::Arc;
use std::time::Duration;

use largestack_gateway::RetryPolicy;
use largestack_ports::clock::Clock as _;
use largestack_ports::model::CallContext;
use largestack_ports::switch::Thrown;
use largestack_testkit::{
    Answer, ChatReply, FakeClock, TestModel, Turn, budgeted, context, question,
};
use largestack_types::errors::{Code, Coded};
use largestack_types::money::Money;

use crate::rig::{ask, rig, rig_with};

fn thrown() -> Thrown {
    let at = FakeClock::default().now();
    Thrown { by: "operator".into(), reason: "drill".into(), at }
}

#[tokio::test]
async fn the_kill_switch_stops_a_call_in_flight_and_refuses_the_next() {
    let rig = rig(FakeClock::default()).await;
    for answer in [
        Answer::from(ChatReply::text("hello")).stall_before_head(),
        Answer::from(ChatReply::text("hello")).stall_after(300),
    ] {
        rig.upstream.push(answer);
        let before = rig.upstream.counts();
        let context = budgeted(1);
        let asking = ask(&rig.gateway, &context, question("mock/priced", "hi", true));
        let killing = async {
            rig.upstream.until(|counts| counts.requests == before.requests + 1).await;
            rig.switch.set(Some(thrown()));
        };
        let (heard, ()) = futures::join!(asking, killing);
        let error = heard.error();
        assert_eq!(error.code(), Code::KillSwitch);
        assert!(error.message().contains("drill"), "{error}");
        // The provider hears of it, and what it may charge is on the bill.
        rig.upstream.until(|counts| counts.hang_ups == before.hang_ups + 1).await;
        let bill = context.slot.take_bill().unwrap();
        assert!(bill.cost > Money::ZERO);
        let refused = ask(&rig.gateway, &context, question("mock/priced", "hi", true)).await;
        assert_eq!(refused.error().code(), Code::KillSwitch);
        assert_eq!(rig.upstream.counts().requests, before.requests + 1);
        rig.switch.set(None);
    }
    rig.upstream.push(ChatReply::text("back"));
    let lifted = ask(&rig.gateway, &context(1), question("mock/priced", "hi", false)).await;
    assert_eq!(lifted.answer().reply.text(), "back");
}

#[tokio::test]
async fn models_of_this_process_obey_the_kill_switch_too() {
    let rig = rig(FakeClock::default()).await;
    let model = TestModel::new([Turn::text("so").then_never()]);
    rig.gateway.register("test", Arc::new(model.clone()));
    let context = context(1);
    let asking = ask(&rig.gateway, &context, question("test/slow", "hi", true));
    let killing = async {
        while model.calls().is_empty() {
            tokio::task::yield_now().await;
        }
        rig.switch.set(Some(thrown()));
    };
    let (heard, ()) = futures::join!(asking, killing);
    assert_eq!(heard.error().code(), Code::KillSwitch);
}

#[tokio::test]
async fn a_deadline_ends_a_call_in_flight_and_refuses_what_comes_after_it() {
    let clock = FakeClock::default();
    let rig = rig(clock.clone()).await;
    rig.upstream.push(Answer::from(ChatReply::text("hello")).stall_after(300));
    let deadline = Some(clock.now().plus(Duration::from_secs(5)));
    let context = CallContext { deadline, ..budgeted(1) };
    let asking = ask(&rig.gateway, &context, question("mock/priced", "hi", true));
    let passing = async {
        rig.upstream.until(|counts| counts.requests == 1).await;
        clock.advance(Duration::from_secs(5));
    };
    let (heard, ()) = futures::join!(asking, passing);
    let error = heard.error();
    assert_eq!(error.code(), Code::ProviderTimeout);
    assert!(error.message().contains("after 5000 ms"), "{error}");
    rig.upstream.until(|counts| counts.hang_ups == 1).await;
    assert!(context.slot.take_bill().is_some());
    let late = ask(&rig.gateway, &context, question("mock/priced", "hi", true)).await;
    assert_eq!(late.error().code(), Code::ProviderTimeout);
    assert_eq!(rig.upstream.counts().requests, 1);
}

#[tokio::test]
async fn a_deadline_that_is_not_reached_changes_nothing() {
    let clock = FakeClock::default();
    let rig = rig(clock.clone()).await;
    rig.upstream.push(ChatReply::text("in time"));
    let deadline = Some(clock.now().plus(Duration::from_micros(1)));
    let context = CallContext { deadline, ..budgeted(1) };
    let heard = ask(&rig.gateway, &context, question("mock/priced", "hi", true)).await;
    assert_eq!(heard.answer().reply.text(), "in time");
}

#[tokio::test]
async fn no_wait_for_another_attempt_reaches_beyond_the_deadline() {
    let clock = FakeClock::default();
    let retry = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
    let rig = rig_with(clock.clone(), |builder| builder.retry(retry)).await;
    rig.upstream.push(Answer::error(503, "busy").header("retry-after", "10"));
    let deadline = Some(clock.now().plus(Duration::from_secs(10)));
    let context = CallContext { deadline, ..context(1) };
    let heard = ask(&rig.gateway, &context, question("mock/priced", "hi", false)).await;
    assert_eq!(heard.error().code(), Code::Provider);
    assert_eq!(rig.upstream.counts().requests, 1);
}
