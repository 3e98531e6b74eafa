//! What is reserved, what is refused, and what is said about it.

use std::sync::Arc;

use futures::StreamExt as _;
use largestack_ports::ledger::BudgetKey;
use largestack_ports::model::{CallContext, Model as _, ModelEvent};
use largestack_testkit::upstream::Answer;
use largestack_testkit::{ChatReply, TestModel, Turn, budgeted, context, question};
use largestack_types::call::{Call, Settings};
use largestack_types::delta::Delta;
use largestack_types::errors::{Code, Coded, LargestackError};
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_wire::price::{Bounds, Price};
use largestack_wire::profile::Profile;
use largestack_wire::tokens;

use crate::rig::{HastyClock, Rig, ask, rig};

const PRICE: Price = Price::flat(1_000_000_000, 2_000_000_000);

fn run() -> BudgetKey {
    BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1))
}

/// The most that the question of these tests can cost with this much output.
fn worst(output: u64) -> i64 {
    let call = question("mock/priced", "hello", false);
    let input = tokens::upper_bound(&call, &Profile::default());
    PRICE.worst_case(Bounds::tokens(input, output)).unwrap().nanos()
}

/// The same with one more smallest call after it.
fn worst_and_last(output: u64) -> i64 {
    let call = question("mock/priced", "hello", false);
    let input = tokens::upper_bound(&call, &Profile::default()) + output;
    worst(output) + PRICE.worst_case(Bounds::tokens(input, 256)).unwrap().nanos()
}

fn limit(rig: &Rig, nanos: i64) {
    rig.ledger.set_limit(&run(), Some(Money::from_nanos(nanos)));
}

async fn limits_sent(
    nanos: i64,
    context: CallContext,
) -> Result<(u64, Vec<Arc<str>>), LargestackError> {
    let rig = rig(HastyClock::default()).await;
    limit(&rig, nanos);
    rig.upstream.push(ChatReply::text("ok").usage(10, 5));
    let heard = ask(&rig.gateway, &context, question("mock/priced", "hello", false)).await;
    let answer = heard.end.unwrap()?;
    assert_eq!(answer.call.cost, Money::from_nanos(10 * 1_000 + 5 * 2_000));
    assert_eq!(rig.ledger.totals(&run()), (answer.call.cost, Money::ZERO));
    let sent = rig.upstream.requests()[0].json()["max_tokens"].as_u64().unwrap();
    Ok((sent, answer.call.flags))
}

#[tokio::test]
async fn an_output_limit_is_sent_clamped_to_the_budget_or_refused_on_either_side_of_each_edge() {
    let sent = |nanos| limits_sent(nanos, budgeted(1));
    assert_eq!(sent(worst(4_096)).await.unwrap(), (4_096, vec![]));
    assert_eq!(sent(worst(4_096) - 1).await.unwrap(), (4_095, vec!["clamped".into()]));
    assert_eq!(sent(worst(1_000)).await.unwrap(), (1_000, vec!["clamped".into()]));
    assert_eq!(sent(worst(256)).await.unwrap(), (256, vec!["clamped".into()]));
    let LargestackError::BudgetExceededError(error) = sent(worst(256) - 1).await.unwrap_err()
    else {
        panic!("not the budget");
    };
    assert_eq!((&*error.scope, error.needed.nanos()), ("run", worst(256)));
}

#[tokio::test]
async fn money_for_a_last_turn_is_kept_on_every_turn_but_the_last() {
    let keeping = || CallContext { keep_for_last_turn: true, ..budgeted(1) };
    let sent = |nanos| limits_sent(nanos, keeping());
    assert_eq!(sent(worst_and_last(4_096)).await.unwrap(), (4_096, vec![]));
    assert_eq!(sent(worst_and_last(256)).await.unwrap(), (256, vec!["clamped".into()]));
    let refused = sent(worst_and_last(256) - 1).await.unwrap_err();
    assert_eq!(refused.code(), Code::Budget);
    // What was refused to a turn is enough for the last one.
    assert!(limits_sent(worst_and_last(256) - 1, budgeted(1)).await.is_ok());
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_under_a_budget_and_flagged_without() {
    let rig = rig(HastyClock::default()).await;
    rig.upstream.push(ChatReply::text("ok"));
    limit(&rig, 1_000_000_000);
    let call = || question("mock/unpriced", "hello", false);
    let error = ask(&rig.gateway, &budgeted(1), call()).await.error();
    assert_eq!(error.code(), Code::Budget);
    assert!(error.message().contains("no known price"), "{error}");
    assert_eq!(rig.upstream.counts().requests, 0);
    rig.ledger.set_limit(&run(), None);
    let answer = ask(&rig.gateway, &budgeted(1), call()).await.answer();
    assert_eq!((&*answer.call.flags[0], answer.call.cost), ("unpriced", Money::ZERO));
}

#[tokio::test]
async fn a_tier_is_booked_as_it_was_served_and_one_without_a_price_is_refused_under_a_budget() {
    let rig = rig(HastyClock::default()).await;
    limit(&rig, 1_000_000_000);
    let asking = |tier: &str| {
        let extra = Json::parse(format!("{{\"service_tier\":\"{tier}\"}}")).ok();
        let settings = Settings { extra, ..Settings::default() };
        Call { settings: Arc::new(settings), ..question("mock/tiered", "hello", false) }
    };
    let served = |tier: &str| {
        let body = format!(
            r#"{{"choices":[{{"message":{{"content":"ok"}},"finish_reason":"stop"}}],
            "service_tier":"{tier}","usage":{{"prompt_tokens":10,"completion_tokens":4}}}}"#
        );
        Answer::json(200, body)
    };
    for (got, cost, flag) in [
        ("flex", 7_000, None),
        ("default", 14_000, None),
        ("priority", 14_000, Some("unpriced:the tier")),
        ("scale", 14_000, Some("unpriced:scale")),
    ] {
        rig.upstream.push(served(got));
        let answer = ask(&rig.gateway, &budgeted(1), asking("flex")).await.answer();
        assert_eq!(answer.call.cost, Money::from_nanos(cost), "{got}");
        assert_eq!(answer.call.flags.first().map(|flag| &**flag), flag, "{got}");
    }
    let requests = rig.upstream.counts().requests;
    for tier in ["priority", "scale"] {
        let error = ask(&rig.gateway, &budgeted(1), asking(tier)).await.error();
        assert!(error.message().contains("no known price"), "{error}");
    }
    assert_eq!(rig.upstream.counts().requests, requests);
    rig.upstream.push(served("default"));
    let unbudgeted = ask(&rig.gateway, &context(1), asking("priority")).await.answer();
    assert_eq!(&*unbudgeted.call.flags[0], "unpriced");
}

#[tokio::test]
async fn a_provider_that_exceeds_the_limit_is_booked_and_flagged() {
    let rig = rig(HastyClock::default()).await;
    limit(&rig, worst(4_096));
    rig.upstream.push(ChatReply::text("much").usage(10, 4_096));
    let exact = ask(&rig.gateway, &budgeted(1), question("mock/priced", "hello", false)).await;
    assert!(exact.answer().call.flags.is_empty());
    rig.ledger.set_limit(&run(), Some(Money::MAX));
    rig.upstream.push(ChatReply::text("too much").usage(10, 4_097));
    let over = ask(&rig.gateway, &budgeted(1), question("mock/priced", "hello", false)).await;
    let over = over.answer();
    assert_eq!(&*over.call.flags[0], "over_limit");
    assert_eq!(over.call.cost, Money::from_nanos(10 * 1_000 + 4_097 * 2_000));
}

#[tokio::test]
async fn a_stream_that_goes_on_beyond_its_limit_is_cut_off_when_the_budget_is_gone() {
    // Ten bytes a token are more than any tokeniser has: 256 tokens were asked for.
    let text = "0123456789".repeat(600);
    let again = PRICE.worst_case(Bounds::tokens(0, 256)).unwrap().nanos();
    for (nanos, arrives) in [(worst(256) + 2 * again, true), (worst(256) + 2 * again - 1, false)] {
        let rig = rig(HastyClock::default()).await;
        limit(&rig, nanos);
        rig.upstream.push(ChatReply::text(&text).pieces(600).without_usage());
        let context = budgeted(1);
        let mut call = question("mock/priced", "hello", true);
        let settings = Settings { max_output_tokens: Some(256), ..Settings::default() };
        call.settings = Arc::new(settings);
        let heard = ask(&rig.gateway, &context, call).await;
        let bill = if arrives {
            assert_eq!(heard.text, text);
            heard.answer().call
        } else {
            assert!(heard.text.len() > 256 * 8 && heard.text.len() < text.len());
            assert!(text.starts_with(&heard.text));
            assert_eq!(heard.error().code(), Code::Budget);
            context.slot.take_bill().unwrap()
        };
        assert!(bill.flags.contains(&"over_limit".into()), "{:?}", bill.flags);
        assert!(bill.cost > Money::from_nanos(worst(256)));
        assert_eq!(rig.ledger.totals(&run()), (bill.cost, Money::ZERO));
    }
}

#[tokio::test]
async fn a_stream_in_flight_stops_when_its_budget_is_lowered_below_what_it_has_used() {
    let text = "0123456789".repeat(600);
    // Reports are of three bytes a token, and of as many ahead as there are to the next.
    let (input, all) = (worst(0), (6_000 + 1_024_i64).div_euclid(3) + 1);
    for (left, arrives) in [
        (worst(4_096), true),
        (input + all * 2_000, true),
        (input + all * 1_000, false),
        (input, false),
    ] {
        let rig = rig(HastyClock::default()).await;
        limit(&rig, worst(4_096));
        rig.upstream.push(ChatReply::text(&text).pieces(600).without_usage());
        let context = budgeted(1);
        let call = question("mock/priced", "hello", true);
        let mut events = rig.gateway.call(&context, call).await.unwrap();
        let mut heard = 0;
        let end = loop {
            match events.next().await.unwrap() {
                Ok(ModelEvent::Delta(Delta::Text { text })) => {
                    heard += text.len();
                    // Another process, or a person with the file.
                    limit(&rig, left);
                }
                Ok(ModelEvent::Done(answer)) => break Ok(answer.call),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        let bill = match end {
            Ok(bill) => bill,
            Err(error) => {
                assert_eq!(error.code(), Code::Budget, "{error}");
                context.slot.take_bill().unwrap()
            }
        };
        assert_eq!(heard == text.len(), arrives, "{heard} bytes of a limit of {left}");
        assert!(heard > 0);
        // What was used is booked all the same.
        assert!(bill.cost >= Money::from_nanos(input));
        assert_eq!(rig.ledger.totals(&run()), (bill.cost, Money::ZERO));
    }
}

#[tokio::test]
async fn an_answer_without_a_count_is_estimated_and_says_so() {
    let rig = rig(HastyClock::default()).await;
    rig.upstream.push(ChatReply::text("123456").without_usage());
    let answer = ask(&rig.gateway, &budgeted(1), question("mock/priced", "hello", true)).await;
    let answer = answer.answer();
    assert_eq!(&*answer.call.flags[0], "estimated");
    let call = question("mock/priced", "hello", true);
    let input = tokens::upper_bound(&call, &Profile::default()) * 1_000;
    // Two tokens for six bytes.
    assert_eq!(answer.call.cost.nanos().unsigned_abs(), input + 2 * 2_000);
    assert_eq!(rig.ledger.totals(&run()), (answer.call.cost, Money::ZERO));
}

#[tokio::test]
async fn models_of_this_process_cost_what_the_price_list_says_and_nothing_else() {
    let rig = rig(HastyClock::default()).await;
    let model = TestModel::repeating([Turn::text("ok").usage(10, 5)]);
    rig.gateway.register("test", Arc::new(model));
    limit(&rig, 0);
    let free = ask(&rig.gateway, &budgeted(1), question("test/free", "hello", false)).await;
    assert_eq!(free.answer().call.cost, Money::ZERO);
    let priced = || question("test/priced", "hello", false);
    let refused = ask(&rig.gateway, &budgeted(1), priced()).await.error();
    assert_eq!(refused.code(), Code::Budget);
    let unbudgeted = ask(&rig.gateway, &context(1), priced()).await.answer();
    assert_eq!(unbudgeted.call.cost, Money::from_nanos(10 * 1_000 + 5 * 2_000));
    assert_eq!(unbudgeted.call.provider.as_deref(), Some("test"));
}
