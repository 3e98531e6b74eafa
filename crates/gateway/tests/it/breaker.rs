//! A provider that is down is spared, then asked once.

use std::time::Duration;

use largestack_gateway::BreakerPolicy;
use largestack_testkit::{Answer, ChatReply, FakeClock, context, question};
use largestack_types::errors::{Code, Coded};

use crate::rig::{Rig, ask, rig_with};

const POLICY: BreakerPolicy = BreakerPolicy { failures: 2, pause: Duration::from_secs(30) };

async fn set_up() -> (Rig, FakeClock) {
    let clock = FakeClock::default();
    (rig_with(clock.clone(), |builder| builder.breaker(POLICY)).await, clock)
}

async fn call(rig: &Rig) -> Result<String, largestack_types::errors::LargestackError> {
    let heard = ask(&rig.gateway, &context(1), question("mock/priced", "hi", true)).await;
    heard.end.unwrap().map(|answer| answer.reply.text())
}

#[tokio::test]
async fn after_the_pause_a_single_call_asks_whether_it_is_back() {
    let (rig, clock) = set_up().await;
    rig.upstream.push(Answer::error(500, "down"));
    // Judged by its end: the head was fine.
    rig.upstream.push(Answer::from(ChatReply::text("hello")).end_after(300));
    assert!(call(&rig).await.is_err() && call(&rig).await.is_err());
    let spared = call(&rig).await.unwrap_err();
    assert!(spared.message().contains("30000 ms more"), "{spared}");
    assert_eq!(rig.upstream.counts().requests, 2);

    clock.advance(POLICY.pause);
    rig.upstream.push(Answer::from(ChatReply::text("hello")).stall_after(300));
    let mut probe = std::pin::pin!(call(&rig));
    // The probe is under way when its request has arrived, and ends only when it is dropped.
    let reached = rig.upstream.until(|counts| counts.requests == 3);
    tokio::select! {
        ended = &mut probe => panic!("the probe ended: {ended:?}"),
        _ = reached => {}
    }
    assert!(call(&rig).await.is_err());
    assert_eq!(rig.upstream.counts().requests, 3);
}

#[tokio::test]
async fn an_answer_closes_the_circuit_again() {
    let (rig, clock) = set_up().await;
    rig.upstream.push(Answer::error(500, "down"));
    rig.upstream.push(Answer::error(529, "down"));
    assert!(call(&rig).await.is_err() && call(&rig).await.is_err());
    clock.advance(POLICY.pause);
    // A refusal is an answer, too.
    rig.upstream.push(Answer::error(400, "bad request"));
    assert!(call(&rig).await.unwrap_err().message().contains("bad request"));
    for _ in 0..3 {
        rig.upstream.push(ChatReply::text("back"));
        assert_eq!(call(&rig).await.unwrap(), "back");
    }
}

#[tokio::test]
async fn wrong_requests_wrong_keys_and_rate_limits_do_not_open_it() {
    let (rig, _) = set_up().await;
    for status in [400, 401, 429, 404, 429, 401, 400] {
        rig.upstream.push(Answer::error(status, "no"));
        assert_ne!(call(&rig).await.unwrap_err().code(), Code::AllFailed);
    }
    rig.upstream.push(ChatReply::text("fine"));
    assert_eq!(call(&rig).await.unwrap(), "fine");
}

#[tokio::test]
async fn a_model_that_is_down_leaves_another_of_the_same_provider_to_answer() {
    let clock = FakeClock::default();
    let with_fallback =
        rig_with(clock, |builder| builder.breaker(POLICY).fallbacks("test", ["mock/other"]));
    let rig = with_fallback.await;
    for _ in 0..POLICY.failures {
        rig.upstream.push(Answer::error(500, "down"));
        rig.upstream.push(ChatReply::text("from the second"));
        assert_eq!(call(&rig).await.unwrap(), "from the second");
    }
    let before = rig.upstream.counts().requests;
    rig.upstream.push(ChatReply::text("still from the second"));
    let heard = ask(&rig.gateway, &context(1), question("mock/priced", "hi", true)).await;
    let answer = heard.answer();
    assert_eq!(answer.reply.text(), "still from the second");
    let (model, spared) = &answer.call.failed_attempts[0];
    assert_eq!(&**model, "mock/priced");
    assert!(spared.message().contains("`priced` is not asked for 30000 ms more"), "{spared}");
    assert_eq!(rig.upstream.counts().requests, before + 1, "the first was not asked");
}
