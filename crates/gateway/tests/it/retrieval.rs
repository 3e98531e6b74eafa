//! Vectors and orders: the same layers as conversations.

use std::sync::Arc;

use largestack_gateway::{Gateway, ProviderRule, RetryPolicy};
use largestack_ports::embedder::{EmbedRequest, Embedder as _, Embeddings, Purpose};
use largestack_ports::ledger::BudgetKey;
use largestack_ports::model::CallContext;
use largestack_ports::reranker::{Ranking, RerankRequest, Reranker as _};
use largestack_ports::switch::Thrown;
use largestack_testkit::upstream::Answer;
use largestack_testkit::{context, question};
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::label::DataClass;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::rig::{HastyClock, Rig, ask, rig, rig_with};

fn run() -> BudgetKey {
    BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1))
}

fn budgeted() -> CallContext {
    CallContext { budgets: Arc::new([run()]), ..context(1) }
}

/// A reply of Cohere's with one vector a text and so many tokens.
fn vectors(count: usize, tokens: u64) -> Answer {
    let floats: Vec<String> = (0..count).map(|n| format!("[{n}.0, 1.0]")).collect();
    let body = format!(
        "{{\"embeddings\":{{\"float\":[{}]}},\"meta\":{{\"billed_units\":{{\"input_tokens\":{tokens}}}}}}}",
        floats.join(",")
    );
    Answer::json(200, body)
}

async fn embed(gateway: &Gateway, context: &CallContext, texts: usize) -> Result<Embeddings> {
    let texts: Vec<Arc<str>> = (0..texts).map(|n| format!("text {n}").into()).collect();
    let request = EmbedRequest {
        model: "find/embedder".into(),
        texts: texts.into(),
        purpose: Purpose::Query,
        dimensions: None,
    };
    gateway.embed(context, request).await
}

async fn rerank(gateway: &Gateway, context: &CallContext) -> Result<Ranking> {
    let request = RerankRequest {
        model: "find/reranker".into(),
        query: "which?".into(),
        documents: Arc::new(["this".into(), "that".into()]),
        top: None,
    };
    gateway.rerank(context, request).await
}

fn ranking(rig: &Rig) {
    let body = r#"{"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}],
        "meta":{"billed_units":{"search_units":1}}}"#;
    rig.upstream.push(Answer::json(200, body));
}

#[tokio::test]
async fn texts_become_vectors_in_batches_and_every_batch_is_booked() {
    let rig = rig(HastyClock::default()).await;
    rig.ledger.set_limit(&run(), Some(Money::from_nanos(100_000_000)));
    rig.upstream.push(vectors(96, 900));
    rig.upstream.push(vectors(4, 40));
    let context = budgeted();
    let all = embed(&rig.gateway, &context, 100).await.unwrap();
    assert_eq!((all.vectors.len(), &all.vectors[97][..]), (100, &[1.0_f32, 1.0][..]));
    assert_eq!(all.call.usage.input_tokens, Some(940));
    assert_eq!(all.call.cost, Money::from_nanos(940 * 1_000));
    assert!(all.call.flags.is_empty(), "{:?}", all.call.flags);
    assert_eq!(rig.ledger.totals(&run()), (all.call.cost, Money::ZERO));
    let requests = rig.upstream.requests();
    assert_eq!((requests.len(), requests[0].path().as_str()), (2, "/v1/v2/embed"));
    assert_eq!(requests[1].json()["texts"].as_array().unwrap().len(), 4);
    assert_eq!(requests[0].json()["input_type"], "search_query");
    assert_eq!(context.slot.take_bill(), None);
}

#[tokio::test]
async fn documents_are_put_in_order_and_paid_by_the_search() {
    let rig = rig(HastyClock::default()).await;
    rig.ledger.set_limit(&run(), Some(Money::from_nanos(2_000_100)));
    ranking(&rig);
    let ranked = rerank(&rig.gateway, &budgeted()).await.unwrap();
    let order: Vec<usize> = ranked.ranks.iter().map(|rank| rank.index).collect();
    assert_eq!(order, [1, 0]);
    assert_eq!(ranked.call.usage.searches, Some(1));
    assert_eq!(ranked.call.cost, Money::from_nanos(2_000_000));
    assert_eq!(rig.ledger.totals(&run()), (ranked.call.cost, Money::ZERO));
    // What is left does not cover another one.
    let refused = rerank(&rig.gateway, &budgeted()).await.unwrap_err();
    assert_eq!((refused.code(), rig.upstream.counts().requests), (Code::Budget, 1));
}

#[tokio::test]
async fn a_reranker_without_a_price_is_refused_under_a_budget_and_flagged_without() {
    let rig = rig(HastyClock::default()).await;
    let unpriced = || RerankRequest {
        model: "find/unpriced".into(),
        query: "which?".into(),
        documents: Arc::new(["this".into(), "that".into()]),
        top: None,
    };
    rig.ledger.set_limit(&run(), Some(Money::from_nanos(1)));
    let refused = rig.gateway.rerank(&budgeted(), unpriced()).await.unwrap_err();
    assert_eq!((refused.code(), rig.upstream.counts().requests), (Code::Budget, 0));
    ranking(&rig);
    let ran = rig.gateway.rerank(&context(1), unpriced()).await.unwrap();
    assert_eq!((&*ran.call.flags[0], ran.call.cost), ("unpriced", Money::ZERO));
}

#[tokio::test]
async fn a_transient_failure_is_tried_again_and_a_wrong_reply_is_an_error() {
    let retry = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
    let rig = rig_with(HastyClock::default(), |builder| builder.retry(retry)).await;
    rig.upstream.push(Answer::error(503, "busy"));
    ranking(&rig);
    let ranked = rerank(&rig.gateway, &context(1)).await.unwrap();
    assert_eq!((ranked.ranks.len(), ranked.call.failed_attempts.len()), (2, 1));
    for wrong in
        [vectors(2, 5), vectors(4, 5), Answer::html(200, "<p>hello"), Answer::json(200, "[]")]
    {
        rig.upstream.push(wrong);
        let context = budgeted();
        let error = embed(&rig.gateway, &context, 3).await.unwrap_err();
        assert!(matches!(error, LargestackError::ProviderError(_)), "{error:?}");
        // It was sent, and may be charged for.
        let bill = context.slot.take_bill().unwrap();
        assert!(bill.cost > Money::ZERO && bill.flags.iter().any(|flag| &**flag == "estimated"));
    }
}

#[tokio::test]
async fn what_earlier_batches_cost_is_on_the_bill_of_one_that_failed() {
    let rig = rig(HastyClock::default()).await;
    rig.upstream.push(vectors(96, 900));
    rig.upstream.push(Answer::error(400, "no"));
    let context = budgeted();
    embed(&rig.gateway, &context, 100).await.unwrap_err();
    let bill = context.slot.take_bill().unwrap();
    assert_eq!((bill.cost, bill.usage.input_tokens), (Money::from_nanos(900_000), Some(900)));
    assert_eq!(rig.ledger.totals(&run()), (bill.cost, Money::ZERO));
}

#[tokio::test]
async fn the_switch_the_deadline_and_where_words_may_go_hold_for_them_as_well() {
    let rig = rig_with(HastyClock::default(), |builder| builder.residency("test", ["eu"])).await;
    let elsewhere = rerank(&rig.gateway, &context(1)).await.unwrap_err();
    assert_eq!(elsewhere.code(), Code::ModelBlocked);
    // Their texts bear no labels: they go where everything may go that is looked after.
    let rule = ProviderRule { providers: Some(vec!["carry".into()]), ..ProviderRule::default() };
    let rules = [(DataClass::Health, rule)];
    let looked_after =
        rig_with(HastyClock::default(), |builder| builder.provider_policy("test", rules)).await;
    let untold = rerank(&looked_after.gateway, &context(1)).await.unwrap_err();
    assert_eq!(untold.code(), Code::ModelBlocked);
    let free = CallContext { agent: "other".into(), ..context(1) };
    let late = CallContext { deadline: Some(Timestamp::from_micros(0)), ..free.clone() };
    assert_eq!(rerank(&rig.gateway, &late).await.unwrap_err().code(), Code::ProviderTimeout);
    let thrown = Thrown { by: "ada".into(), reason: "stop".into(), at: Timestamp::from_micros(1) };
    rig.switch.set(Some(thrown));
    assert_eq!(rerank(&rig.gateway, &free).await.unwrap_err().code(), Code::KillSwitch);
    assert_eq!(rig.upstream.counts().requests, 0);
}

#[tokio::test]
async fn who_only_embeds_holds_no_conversation_and_who_only_talks_embeds_nothing() {
    let rig = rig(HastyClock::default()).await;
    let silent = ask(&rig.gateway, &context(1), question("find/embedder", "hi", false)).await;
    let silent = silent.error();
    assert!(silent.message().contains("conversations"), "{silent}");
    let request = EmbedRequest {
        model: "mock/priced".into(),
        texts: Arc::new(["hi".into()]),
        purpose: Purpose::Document,
        dimensions: None,
    };
    let error = rig.gateway.embed(&context(1), request).await.unwrap_err();
    assert!(error.message().contains("embeddings"), "{error}");
    assert_eq!(rig.upstream.counts().requests, 0);
}
