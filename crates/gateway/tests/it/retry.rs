//! Retries help one call and do not multiply the load of all, and waits are as the provider asks.

use std::time::Duration;

use largestack_gateway::RetryPolicy;
use largestack_testkit::{Answer, ChatReply, context, question};

use crate::rig::{HastyClock, Rig, ask, rig_with};

async fn set_up(policy: RetryPolicy) -> (Rig, HastyClock) {
    let clock = HastyClock::default();
    (rig_with(clock.clone(), |builder| builder.retry(policy)).await, clock)
}

async fn call(rig: &Rig) -> bool {
    let heard = ask(&rig.gateway, &context(1), question("mock/priced", "hi", false)).await;
    heard.end.unwrap().is_ok()
}

#[tokio::test]
async fn when_everything_fails_only_what_was_saved_up_is_tried_again() {
    let policy = RetryPolicy { attempts: 3, saved: 4, ..RetryPolicy::default() };
    let (rig, _) = set_up(policy).await;
    for _ in 0..40 {
        rig.upstream.push(Answer::error(503, "busy"));
    }
    for _ in 0..30 {
        assert!(!call(&rig).await);
    }
    assert_eq!(rig.upstream.counts().requests, 30 + 4);
}

#[tokio::test]
async fn over_many_calls_a_retry_is_earned_by_ten_successes() {
    let policy = RetryPolicy { attempts: 2, saved: 1, ..RetryPolicy::default() };
    let (rig, _) = set_up(policy).await;
    let mut retried = 0;
    for _ in 0..10 {
        rig.upstream.push(Answer::error(503, "busy"));
        rig.upstream.push(ChatReply::text("ok"));
        // Where it is not tried again, the reply is there for the next call.
        if call(&rig).await {
            retried += 1;
        } else {
            assert!(call(&rig).await);
        }
        for _ in 0..4 {
            rig.upstream.push(ChatReply::text("ok"));
            assert!(call(&rig).await);
        }
    }
    // The one saved up, then one for each ten of the fifty successes that came before it.
    assert_eq!(retried, 5);
    assert_eq!(rig.upstream.counts().requests, 10 + 50);
}

#[tokio::test]
async fn a_wait_is_as_long_as_the_provider_asks_and_one_that_is_too_long_is_not_waited() {
    let policy = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
    let limited = || Answer::error(429, "slow down");
    for (answer, asked) in [
        (limited().header("retry-after", "30"), Some(30_000)),
        (limited().header("retry-after", "31"), None),
        (limited().header("retry-after-ms", "1500"), Some(1_500)),
        (
            limited()
                .header("x-ratelimit-remaining-tokens", "0")
                .header("x-ratelimit-reset-tokens", "6.5s"),
            Some(6_500),
        ),
        (Answer::error(503, "busy").header("retry-after", "9"), Some(9_000)),
    ] {
        let (rig, clock) = set_up(policy).await;
        rig.upstream.push(answer);
        rig.upstream.push(ChatReply::text("ok"));
        assert_eq!(call(&rig).await, asked.is_some(), "{asked:?}");
        let waits = clock.waits();
        assert_eq!(waits.len(), usize::from(asked.is_some()));
        if let (Some(asked), Some(waited)) = (asked.map(Duration::from_millis), waits.first()) {
            // At most a tenth later, so that not all come back at once.
            assert!((asked..=asked + asked / 10).contains(waited), "{asked:?} {waited:?}");
        }
    }
}
