//! Pools: who is chosen, why, and what the choice learns.

use std::sync::Arc;
use std::time::Duration;

use largestack_gateway::{BreakerPolicy, Pool, RetryPolicy, Strategy};
use largestack_ports::model::{Answer, CallContext};
use largestack_ports::pools::ProcessPools;
use largestack_testkit::{
    Answer as Said, ChatReply, FakeClock, FunctionModel, Turn, context, question,
};
use largestack_types::call::Call;
use largestack_types::errors::{Code, Coded, LargestackError, ProviderError};
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::tool::ToolSpec;

use crate::rig::{HastyClock, Rig, ask, rig_with};

fn pool(models: &[&str], strategy: Strategy) -> Pool {
    Pool { models: models.iter().map(|model| (*model).into()).collect(), strategy }
}

fn effect(number: u32) -> CallContext {
    CallContext { effect: EffectId::new(number), ..context(1) }
}

fn down() -> LargestackError {
    ProviderError {
        provider: "test".into(),
        status: Some(500),
        detail: "down".into(),
        provider_code: None,
        request_id: None,
        transient: true,
    }
    .into()
}

fn with_tools(call: Call) -> Call {
    let tool = ToolSpec {
        name: "search".into(),
        description: "Finds.".into(),
        parameters: Json::empty_object(),
        idempotent: true,
        origin: Origin::Tool,
        native: None,
        server: false,
    };
    Call { tools: Arc::new([tool]), ..call }
}

/// Says its own name.
fn named(rig: &Rig, names: &[&str]) {
    for name in names {
        rig.gateway
            .register(*name, Arc::new(FunctionModel::new(|call| Turn::text(call.model.clone()))));
    }
}

async fn answer(rig: &Rig, context: &CallContext, call: Call) -> Answer {
    ask(&rig.gateway, context, call).await.answer()
}

fn reasons(answer: &Answer) -> Vec<(String, String)> {
    let routed = answer.call.routed.as_ref().unwrap();
    routed.considered.iter().map(|c| (c.model.to_string(), c.why.clone())).collect()
}

#[tokio::test]
async fn lots_fall_by_weight_and_for_the_same_call_the_same_way_again() {
    let chosen = async || {
        let weights = Strategy::Weighted(vec![3, 1, 0]);
        let members = ["test/a", "test/b", "test/c"];
        let rig = rig_with(HastyClock::default(), |b| b.pool("p", pool(&members, weights))).await;
        named(&rig, &members);
        let mut chosen = Vec::new();
        for number in 0..400 {
            let call = question("pool/p", "hi", false);
            chosen.push(answer(&rig, &effect(number), call).await.reply.text());
        }
        chosen
    };
    let first = chosen().await;
    let count = |name: &str| first.iter().filter(|chosen| *chosen == name).count();
    // 300 and 100 are expected; five standard deviations are 43.
    assert!((257..=343).contains(&count("test/a")), "{}", count("test/a"));
    assert_eq!((count("test/a") + count("test/b"), count("test/c")), (400, 0));
    assert_eq!(chosen().await, first);
}

#[tokio::test]
async fn only_models_that_can_may_and_are_up_are_asked_and_the_others_are_named_with_a_reason() {
    let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    let members =
        ["nobody/knows", "mock/gpt-3.5-turbo", "mock/priced", "carry/priced", "echo/priced"];
    let rig = rig_with(FakeClock::default(), |builder| {
        builder
            .pool("p", pool(&members, Strategy::Weighted(vec![])))
            .residency("test", ["eu"])
            .retry(retry)
            .breaker(BreakerPolicy { failures: 1, pause: Duration::from_secs(30) })
    })
    .await;
    rig.upstream.push(Said::error(500, "down"));
    let direct = ask(&rig.gateway, &context(1), question("carry/priced", "hi", false)).await;
    assert_eq!(direct.error().code(), Code::Provider);
    rig.upstream.push(ChatReply::text("ok"));
    let answer = answer(&rig, &context(1), question("pool/p", "hi", false)).await;
    assert_eq!(answer.call.provider.as_deref(), Some("echo"));
    let reasons = reasons(&answer);
    let why = |model: &str| &reasons.iter().find(|(name, _)| name == model).unwrap().1;
    assert_eq!(why("echo/priced"), "weight 1");
    assert_eq!(why("carry/priced"), "spared: it is down");
    assert!(why("mock/priced").contains("not within eu"));
    assert!(why("nobody/knows").contains("no provider serves"), "{}", why("nobody/knows"));
    assert_eq!((reasons.len(), reasons[0].0.as_str()), (5, "echo/priced"));
}

#[tokio::test]
async fn a_pool_of_which_nobody_can_is_an_error_that_says_why() {
    let members = ["mock/gpt-3.5-turbo", "nobody/knows"];
    let rig =
        rig_with(HastyClock::default(), |b| b.pool("p", pool(&members, Strategy::Cheapest))).await;
    let long = question("pool/p", &"x".repeat(200_000), false);
    let error = ask(&rig.gateway, &context(1), long).await.error();
    assert_eq!(error.code(), Code::Input);
    assert!(error.message().contains("do not fit its 16385"), "{error}");
    let unknown = ask(&rig.gateway, &context(1), question("pool/q", "hi", false)).await.error();
    assert_eq!(unknown.code(), Code::ModelUnknown);
}

#[tokio::test]
async fn the_cheapest_is_asked_first_and_who_has_no_price_last() {
    let members = ["mock/unpriced", "carry/dear", "mock/priced"];
    let rig =
        rig_with(HastyClock::default(), |b| b.pool("p", pool(&members, Strategy::Cheapest))).await;
    rig.upstream.push(ChatReply::text("ok"));
    let answer = answer(&rig, &context(1), question("pool/p", "hi", false)).await;
    let order: Vec<_> = reasons(&answer).into_iter().map(|(model, _)| model).collect();
    assert_eq!(order, ["mock/priced", "carry/dear", "mock/unpriced"]);
    assert_eq!(rig.upstream.requests()[0].json()["model"], "priced");
}

#[tokio::test]
async fn the_others_of_a_pool_take_over_and_then_the_agents_own_list() {
    let members = ["mock/priced", "carry/priced"];
    let rig = rig_with(HastyClock::default(), |builder| {
        builder
            .pool("p", pool(&members, Strategy::Weighted(vec![1, 0])))
            .fallbacks("test", ["test/own"])
    })
    .await;
    named(&rig, &["test/own"]);
    rig.upstream.push(Said::error(500, "down"));
    rig.upstream.push(Said::error(503, "down"));
    let answer = answer(&rig, &context(1), question("pool/p", "hi", false)).await;
    assert_eq!(answer.reply.text(), "test/own");
    let tried: Vec<_> = answer.call.failed_attempts.iter().map(|(model, _)| &**model).collect();
    assert_eq!(tried, members);
    // A wrong key is not sent on.
    rig.upstream.push(Said::error(401, "wrong"));
    let refused = ask(&rig.gateway, &context(1), question("pool/p", "hi", false)).await;
    assert_eq!(refused.error().code(), Code::ProviderAuth);
}

#[tokio::test]
async fn a_slow_model_is_asked_less() {
    let clock = FakeClock::default();
    let members = ["test/slow", "test/quick"];
    let rig = rig_with(clock.clone(), |b| b.pool("p", pool(&members, Strategy::Latency))).await;
    for (name, millis) in [("test/slow", 900), ("test/quick", 40)] {
        let clock = clock.clone();
        let model = FunctionModel::new(move |call| {
            clock.advance(Duration::from_millis(millis));
            Turn::text(call.model.clone())
        });
        rig.gateway.register(name, Arc::new(model));
    }
    let mut slow = 0;
    for number in 0..100 {
        let call = question("pool/p", "hi", false);
        slow += usize::from(answer(&rig, &effect(number), call).await.reply.text() == "test/slow");
    }
    // Once to learn it, and again whenever that is forgotten.
    assert!((1..=4).contains(&slow), "{slow}");
    clock.advance(Duration::from_mins(10));
    let again = answer(&rig, &effect(7), question("pool/p", "hi", false)).await;
    assert!(
        reasons(&again).iter().all(|(_, why)| why == "load 1 ms, drawn"),
        "{:?}",
        reasons(&again)
    );
}

/// One is good with tools and bad without, the other the other way round.
fn specialists(rig: &Rig) {
    let good = |wanted: bool| {
        FunctionModel::new(move |call: &Call| {
            if call.tools.is_empty() == wanted {
                Turn::error(down())
            } else {
                Turn::text(call.model.clone())
            }
        })
    };
    rig.gateway.register("test/tools", Arc::new(good(true)));
    rig.gateway.register("test/plain", Arc::new(good(false)));
}

async fn bandit(memory: &Arc<ProcessPools>) -> Rig {
    let members = ["test/tools", "test/plain"];
    let rig = rig_with(HastyClock::default(), |builder| {
        builder.pool("p", pool(&members, Strategy::Bandit)).pool_memory(memory.clone())
    })
    .await;
    specialists(&rig);
    rig
}

/// Calls in turn with and without tools; how many were answered by the first choice.
async fn right_at_once(
    rig: &Rig,
    context: impl Fn(u32) -> CallContext,
    numbers: std::ops::Range<u32>,
) -> Vec<bool> {
    let mut right = Vec::new();
    for number in numbers {
        let call = question("pool/p", "hi", false);
        let call = if number % 2 == 0 { with_tools(call) } else { call };
        let answer = answer(rig, &context(number), call).await;
        right.push(answer.call.failed_attempts.is_empty());
    }
    right
}

#[tokio::test]
async fn a_bandit_learns_who_is_good_at_what_keeps_it_and_decides_the_same_again() {
    let memory = Arc::new(ProcessPools::default());
    let rig = bandit(&memory).await;
    let learning = right_at_once(&rig, effect, 0..60).await;
    assert!(learning[..10].contains(&false), "nothing to learn: {learning:?}");
    assert!(learning[40..].iter().all(|right| *right), "{learning:?}");
    rig.tasks.finished().await;

    // Another process goes on with what was learned; another tenant begins anew.
    let later = bandit(&memory).await;
    assert!(right_at_once(&later, effect, 60..90).await.iter().all(|right| *right));
    let other = |number| CallContext {
        scope: Scope::authenticated(TenantId::new("other").unwrap(), "ann"),
        ..effect(number)
    };
    assert!(right_at_once(&later, other, 0..10).await.contains(&false));

    let again = bandit(&Arc::new(ProcessPools::default())).await;
    assert_eq!(right_at_once(&again, effect, 0..60).await, learning);
}

#[tokio::test]
async fn what_callers_think_of_the_answers_counts() {
    let members = ["test/a", "test/b"];
    let rig =
        rig_with(HastyClock::default(), |b| b.pool("p", pool(&members, Strategy::Bandit))).await;
    named(&rig, &members);
    let scope = Scope::local();
    let mut chosen = Vec::new();
    for number in 0..60_u128 {
        let text =
            answer(&rig, &context(number), question("pool/p", "hi", false)).await.reply.text();
        let worth = if text == "test/b" { 1.0 } else { 0.0 };
        assert_eq!(rig.gateway.score(&scope, RunId::from_u128(number), worth), 1);
        assert_eq!(rig.gateway.score(&scope, RunId::from_u128(number), worth), 0);
        chosen.push(text);
    }
    assert!(chosen[..20].contains(&"test/a".to_owned()));
    assert!(chosen[40..].iter().all(|chosen| chosen == "test/b"), "{chosen:?}");
    let theirs = Scope::authenticated(TenantId::new("other").unwrap(), "ann");
    answer(&rig, &context(99), question("pool/p", "hi", false)).await;
    assert_eq!(rig.gateway.score(&theirs, RunId::from_u128(99), 0.0), 0);
}

#[tokio::test]
async fn a_stream_that_breaks_in_a_pool_goes_on_with_another_of_it() {
    let members = ["mock/priced", "carry/priced"];
    let rig = rig_with(HastyClock::default(), |b| {
        b.pool("p", pool(&members, Strategy::Weighted(vec![1, 0])))
    })
    .await;
    let reply = ChatReply::text("one two").pieces(2);
    let events = reply.events("priced");
    let cut: usize = events.split_inclusive("\n\n").take(2).map(str::len).sum();
    rig.upstream.push(Said::from(reply).end_after(cut));
    rig.upstream.push(ChatReply::text(" and three"));
    let heard = ask(&rig.gateway, &context(1), question("pool/p", "hi", true)).await;
    assert_eq!((heard.text.as_str(), heard.continued.len()), ("one and three", 1));
    assert_eq!(heard.answer().call.routed.unwrap().strategy.as_ref(), "weighted");
}
