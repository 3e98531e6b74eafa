//! Calls, tokens and money per minute: refused or in turns, and given back.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use largestack_gateway::{RateLimit, RateLimits, WhenReached};
use largestack_ports::clock::Clock;
use largestack_ports::limits::{LimitKind, Limits, Measure, MemoryLimits, Rate};
use largestack_ports::model::{CallContext, Model};
use largestack_testkit::{Answer, ChatReply, FakeClock, FunctionModel, Turn, context, question};
use largestack_types::errors::{Code, Coded, LargestackError, RateLimitExceededError};
use largestack_types::scope::{Scope, TenantId};

use crate::rig::{Rig, ask, rig_with};

fn one(kind: LimitKind, measure: Measure, per_minute: u64) -> RateLimits {
    let limits = vec![RateLimit { kind, measure, rate: Rate::per_minute(per_minute) }];
    RateLimits { limits, ..RateLimits::default() }
}

async fn limited(clock: &FakeClock, limits: RateLimits) -> Arc<Rig> {
    let kept: Arc<dyn Limits> = Arc::new(MemoryLimits::new(Arc::new(clock.clone())));
    let rig = rig_with(clock.clone(), |builder| builder.rate_limits(kept, limits)).await;
    let model = FunctionModel::new(|_| Turn::text("ok").usage(10, 5));
    rig.gateway.register("test", Arc::new(model));
    Arc::new(rig)
}

fn reached(error: LargestackError) -> RateLimitExceededError {
    match error {
        LargestackError::RateLimitExceededError(error) => *error,
        error => panic!("another error: {error}"),
    }
}

async fn free(rig: &Rig, context: &CallContext) -> Result<(), LargestackError> {
    let call = question("test/free", "hello", false);
    ask(&rig.gateway, context, call).await.end.unwrap().map(drop)
}

#[tokio::test]
async fn a_call_beyond_the_limit_is_refused_and_told_when_to_come_back() {
    let clock = FakeClock::default();
    let rig = limited(&clock, one(LimitKind::Tenant, Measure::Requests, 2)).await;
    let context = context(1);
    for _ in 0..2 {
        free(&rig, &context).await.unwrap();
    }
    let error = free(&rig, &context).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (Code::RateLimit, true));
    let error = reached(error);
    assert_eq!((&*error.scope, &*error.name, &*error.measure), ("tenant", "local", "requests"));
    assert_eq!((error.per_minute, error.retry_after_ms), (2, Some(30_000)));
    clock.advance(Duration::from_millis(29_999));
    assert!(free(&rig, &context).await.is_err());
    clock.advance(Duration::from_millis(1));
    free(&rig, &context).await.unwrap();
    let other = Scope::authenticated(TenantId::new("other").unwrap(), "ann");
    free(&rig, &CallContext { scope: other, ..context }).await.unwrap();
}

#[tokio::test]
async fn tokens_and_money_are_taken_at_their_worst_and_given_back() {
    let clock = FakeClock::default();
    // 4,096 tokens of output are asked for; five are used.
    for (measure, limit, used) in
        [(Measure::OutputTokens, 4_096 + 9, 5), (Measure::Money, 10_000_000, 20_000)]
    {
        let rig = limited(&clock, one(LimitKind::Model, measure, limit)).await;
        let context = context(1);
        let call = || question("test/priced", "hello", false);
        let mut answered = 0;
        let refused = loop {
            match ask(&rig.gateway, &context, call()).await.end.unwrap() {
                Ok(_) => answered += 1,
                Err(error) => break reached(error),
            }
        };
        let room = limit - refused.needed;
        assert_eq!(answered, room / used + 1, "{measure:?}");
        assert!(refused.retry_after_ms.is_some());
    }
}

#[tokio::test]
async fn a_call_larger_than_the_limit_is_refused_for_good() {
    let clock = FakeClock::default();
    let rig = limited(&clock, one(LimitKind::User, Measure::OutputTokens, 4_095)).await;
    let error = free(&rig, &context(1)).await.unwrap_err();
    assert!(!error.retryable());
    assert_eq!(reached(error).retry_after_ms, None);
    let rig = limited(&clock, one(LimitKind::User, Measure::OutputTokens, 4_096)).await;
    free(&rig, &context(1)).await.unwrap();
}

#[tokio::test]
async fn what_never_reached_the_provider_or_was_refused_there_uses_no_tokens() {
    let clock = FakeClock::default();
    let rig = limited(&clock, one(LimitKind::Provider, Measure::OutputTokens, 4_096)).await;
    let context = context(1);
    for _ in 0..3 {
        rig.upstream.push(Answer::error(401, "no"));
        let call = question("mock/free", "hello", false);
        let error = ask(&rig.gateway, &context, call).await.error();
        assert_eq!(error.code(), Code::ProviderAuth);
    }
    rig.upstream.push(ChatReply::text("ok").usage(1, 1));
    ask(&rig.gateway, &context, question("mock/free", "hello", false)).await.answer();
    let call = question("mock/free", "hello", false);
    reached(ask(&rig.gateway, &context, call).await.error());
}

fn waiting(per_minute: u64, most: usize) -> RateLimits {
    RateLimits {
        when_reached: WhenReached::Wait { most },
        first: ["urgent".into()].into(),
        ..one(LimitKind::Tenant, Measure::Requests, per_minute)
    }
}

fn as_user(user: &str, agent: &str) -> CallContext {
    let tenant = Scope::local().tenant().clone();
    let scope = Scope::authenticated(tenant, user);
    CallContext { scope, agent: agent.into(), ..context(1) }
}

#[tokio::test]
async fn calls_wait_for_their_turn_and_urgent_ones_go_first() {
    let clock = FakeClock::default();
    let rig = limited(&clock, waiting(1, 10)).await;
    free(&rig, &as_user("a", "x")).await.unwrap();
    let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
    for (number, (user, agent)) in
        [("a", "x"), ("a", "x"), ("a", "x"), ("b", "x"), ("c", "urgent")].into_iter().enumerate()
    {
        let (rig, told) = (rig.clone(), told.clone());
        tokio::runtime::Handle::current().spawn(async move {
            free(&rig, &as_user(user, agent)).await.unwrap();
            told.send(number).unwrap();
        });
        // In this order into the queue.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    for expected in [4, 0, 3, 1, 2] {
        assert!(order.try_recv().is_err());
        clock.advance(Duration::from_mins(1));
        assert_eq!(order.recv().await, Some(expected));
    }
}

#[tokio::test]
async fn a_queue_is_bounded_and_whoever_leaves_it_makes_room() {
    let clock = FakeClock::default();
    let rig = limited(&clock, waiting(1, 1)).await;
    let context = context(1);
    free(&rig, &context).await.unwrap();
    let call = || question("test/free", "hello", false);
    let mut waits = rig.gateway.call(&context, call()).await.unwrap();
    assert!(futures::poll!(waits.next()).is_pending());
    reached(free(&rig, &context).await.unwrap_err());
    drop(waits);
    let mut waits = rig.gateway.call(&context, call()).await.unwrap();
    assert!(futures::poll!(waits.next()).is_pending());
    clock.advance(Duration::from_mins(1));
    assert!(waits.next().await.unwrap().is_ok());
    // Who left has taken nothing: the next minute's call is there.
    clock.advance(Duration::from_mins(1));
    free(&rig, &context).await.unwrap();
}

#[tokio::test]
async fn a_turn_after_the_deadline_is_not_waited_for() {
    let clock = FakeClock::default();
    let rig = limited(&clock, waiting(1, 10)).await;
    free(&rig, &context(1)).await.unwrap();
    let by = |seconds| {
        let deadline = Some(clock.now().plus(Duration::from_secs(seconds)));
        CallContext { deadline, ..context(1) }
    };
    let error = reached(free(&rig, &by(60)).await.unwrap_err());
    assert_eq!(error.retry_after_ms, Some(60_000));
    let context = by(61);
    let mut waits = rig.gateway.call(&context, question("test/free", "?", false)).await.unwrap();
    assert!(futures::poll!(waits.next()).is_pending());
    clock.advance(Duration::from_mins(1));
    assert!(waits.next().await.unwrap().is_ok());
}
