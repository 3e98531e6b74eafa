//! A reply that breaks off goes on with somebody else, and whoever listens hears one answer.

use std::sync::Arc;

use largestack_gateway::{CannotContinue, FallbackPolicy, OnBreak};
use largestack_ports::ledger::BudgetKey;
use largestack_ports::model::CallContext;
use largestack_testkit::{Answer, ChatReply, TestModel, Turn, budgeted, question};
use largestack_types::errors::{Code, Coded};
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::reply::FinishReason;
use largestack_types::scope::Scope;

use crate::rig::{HastyClock, Heard, Rig, ask, impatient, rig_with};

const TEXT: &str = "Größe zählt in 東京, \n nicht wahr? 🦀";
const PIECES: usize = 9;

fn whole() -> ChatReply {
    ChatReply::text(TEXT).pieces(PIECES).usage(12, 7)
}

/// The frames of a stream, and the words of each.
fn frames(reply: &ChatReply) -> Vec<(String, String)> {
    let events = reply.events("priced");
    let words = |frame: &str| {
        let json: serde_json::Value = serde_json::from_str(&frame[6..]).unwrap_or_default();
        json["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
    };
    events.split_inclusive("\n\n").map(|frame| (frame.to_owned(), words(frame))).collect()
}

async fn set_up(models: &[&'static str], policy: FallbackPolicy) -> Rig {
    let models = models.to_vec();
    rig_with(HastyClock::default(), |builder| {
        let builder = builder.fallbacks("test", models).fallback_policy("test", policy);
        builder.timeouts(impatient())
    })
    .await
}

async fn call(rig: &Rig) -> Heard {
    ask(&rig.gateway, &CallContext { budgets: budgets(), ..budgeted(1) }, asked()).await
}

fn asked() -> largestack_types::call::Call {
    question("mock/priced", "hi", true)
}

fn run() -> BudgetKey {
    BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1))
}

fn budgets() -> Arc<[BudgetKey]> {
    Arc::new([run()])
}

fn last_message(rig: &Rig) -> serde_json::Value {
    let requests = rig.upstream.requests();
    let body = requests.last().unwrap().json();
    body["messages"].as_array().unwrap().last().unwrap().clone()
}

/// Cuts the stream behind each of its frames in one way, and looks at everything that follows.
async fn cut_at_every_frame(model: &'static str, fault: impl Fn(Answer, usize) -> Answer) {
    let echoes = model.starts_with("echo");
    let frames = frames(&whole());
    let finish = frames.iter().position(|(frame, _)| frame.contains("\"stop\"")).unwrap();
    for cut in 0..finish {
        let rig = set_up(&[model], FallbackPolicy::default()).await;
        let bytes: usize = frames[..cut].iter().map(|(frame, _)| frame.len()).sum();
        let before: String = frames[..cut].iter().map(|(_, words)| words.as_str()).collect();
        let given = before.trim_end();
        let rest = if echoes { TEXT } else { &TEXT[given.len()..] };
        rig.upstream.push(fault(whole().into(), bytes));
        rig.upstream.push(ChatReply::text(rest).pieces(5).usage(20, 4));

        let heard = call(&rig).await;
        assert_eq!((heard.text.as_str(), heard.restarts), (TEXT, 0), "cut {cut}");
        let continued: &[&str] = if before.is_empty() { &[] } else { &[model] };
        assert_eq!(heard.continued, continued, "cut {cut}");
        let answer = heard.answer();
        assert_eq!(answer.reply.text(), TEXT, "cut {cut}");
        assert_eq!(answer.reply.finish_reason, FinishReason::Stop);

        // Both legs are on the bill and in the ledger.
        let second = Money::from_nanos(20 * 1_000 + 4 * 2_000);
        let (spent, reserved) = rig.ledger.totals(&run());
        assert_eq!((answer.call.cost, reserved), (spent, Money::ZERO), "cut {cut}");
        assert_eq!(&*answer.call.failed_attempts[0].0, "mock/priced");
        let legs: Vec<_> = answer.call.legs.iter().map(|leg| (&*leg.model, leg.cost)).collect();
        if before.is_empty() {
            assert!(legs.is_empty());
        } else {
            let first = spent.checked_sub(second).unwrap();
            assert_eq!(legs, [("mock/priced", first)], "cut {cut}");
            assert!(first > Money::ZERO);
            let tokens = answer.call.legs[0].usage.plus(largestack_types::usage::Usage {
                input_tokens: Some(20),
                output_tokens: Some(4),
                cache_read_tokens: Some(0),
                reasoning_tokens: Some(0),
                ..largestack_types::usage::Usage::default()
            });
            assert_eq!(answer.reply.usage.total_tokens(), tokens.total_tokens());
            let message = last_message(&rig);
            assert_eq!(message["role"], "assistant", "cut {cut}");
            assert_eq!(message["content"], given, "cut {cut}");
            assert_eq!(message["prefix"] == true, echoes);
        }
    }
}

#[tokio::test]
async fn a_stream_that_ends_too_early_anywhere_goes_on_unnoticed() {
    cut_at_every_frame("carry/priced", Answer::end_after).await;
}

#[tokio::test]
async fn a_provider_that_repeats_the_beginning_is_heard_once() {
    cut_at_every_frame("echo/priced", Answer::end_after).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_anywhere_goes_on_unnoticed() {
    cut_at_every_frame("carry/priced", Answer::reset_after).await;
}

#[tokio::test]
async fn a_stream_that_stalls_anywhere_goes_on_unnoticed() {
    cut_at_every_frame("carry/priced", Answer::stall_after).await;
}

#[tokio::test]
async fn a_tool_call_that_is_cut_anywhere_is_asked_for_again() {
    let arguments = r#"{"query": "opening hours"}"#;
    let reply = ChatReply::text("Let me look.").and_tool("search", arguments).pieces(4);
    let frames = frames(&reply);
    let calls = frames.iter().position(|(frame, _)| frame.contains("tool_calls\":[")).unwrap();
    let finish = frames.iter().position(|(f, _)| f.contains("reason\":\"tool_calls")).unwrap();
    assert!(finish - calls >= 4);
    for cut in calls + 1..finish {
        let rig = set_up(&["carry/priced"], FallbackPolicy::default()).await;
        let bytes: usize = frames[..cut].iter().map(|(frame, _)| frame.len()).sum();
        rig.upstream.push(Answer::from(reply.clone()).end_after(bytes));
        rig.upstream.push(ChatReply::tool("search", arguments).pieces(3));
        let heard = call(&rig).await;
        assert_eq!(heard.calls, [(0, arguments.to_owned())], "cut {cut}");
        assert_eq!(heard.text, "Let me look.");
        let answer = heard.answer();
        let asked: Vec<_> = answer.reply.parts.iter().filter_map(|p| p.as_tool_call()).collect();
        assert_eq!((asked.len(), asked[0].arguments.as_str()), (1, arguments), "cut {cut}");
        assert_eq!(answer.reply.text(), "Let me look.");
    }
}

/// A reply that breaks off behind its first half, for a model that is told to go on.
fn broken(text: &str) -> Answer {
    let reply = ChatReply::text(text).pieces(2);
    let frames = frames(&reply);
    let bytes: usize = frames[..2].iter().map(|(frame, _)| frame.len()).sum();
    Answer::from(reply).end_after(bytes)
}

#[tokio::test]
async fn a_second_break_goes_on_from_everything_that_was_delivered() {
    let rig = set_up(&["carry/priced", "carry/priced"], FallbackPolicy::default()).await;
    rig.upstream.push(broken("one two "));
    rig.upstream.push(broken("two three "));
    rig.upstream.push(ChatReply::text("four"));
    let heard = call(&rig).await;
    // "one " of the first, "two t" of the second.
    assert_eq!(heard.text, "one two tfour");
    assert_eq!(last_message(&rig)["content"], "one two t");
    let answer = heard.answer();
    assert_eq!(answer.reply.text(), "one two tfour");
    let legs: Vec<_> = answer.call.legs.iter().map(|leg| &*leg.model).collect();
    assert_eq!(legs, ["mock/priced", "carry/priced"]);
    assert_eq!(answer.call.cost, rig.ledger.totals(&run()).0);
    assert!(answer.call.flags.iter().any(|flag| &**flag == "continued"));
}

#[tokio::test]
async fn a_model_that_cannot_go_on_begins_again_or_not_as_the_policy_says() {
    let policy = |cannot_continue| FallbackPolicy { cannot_continue, ..FallbackPolicy::default() };
    for (policy, restarts, text) in [
        (policy(CannotContinue::Restart), 1, "all of it"),
        (policy(CannotContinue::Surface), 0, "all "),
        (
            FallbackPolicy { on_break: OnBreak::Restart, ..FallbackPolicy::default() },
            1,
            "all of it",
        ),
        (FallbackPolicy { on_break: OnBreak::Surface, ..FallbackPolicy::default() }, 0, "all "),
    ] {
        let rig = set_up(&["mock/other"], policy).await;
        rig.upstream.push(broken("all ever"));
        rig.upstream.push(ChatReply::text("all of it"));
        let heard = call(&rig).await;
        assert_eq!((heard.restarts, heard.text.as_str()), (restarts, text), "{policy:?}");
        let answer = heard.answer();
        assert_eq!(answer.reply.text(), text, "{policy:?}");
        let broken_off = answer.reply.finish_reason == FinishReason::Error;
        assert_eq!(broken_off, restarts == 0, "{policy:?}");
        assert_eq!(answer.call.cost, rig.ledger.totals(&run()).0);
    }
    for policy in [
        policy(CannotContinue::Fail),
        FallbackPolicy { on_break: OnBreak::Fail, ..FallbackPolicy::default() },
    ] {
        let rig = set_up(&["mock/other"], policy).await;
        rig.upstream.push(broken("all ever"));
        let heard = call(&rig).await;
        assert_eq!(heard.error().code(), Code::Provider, "{policy:?}");
        assert_eq!(rig.upstream.counts().requests, 1, "{policy:?}");
    }
}

#[tokio::test]
async fn nobody_to_go_on_is_the_error_of_the_break_or_what_there_is() {
    let surface = CannotContinue::Surface;
    let policy = FallbackPolicy { cannot_continue: surface, ..FallbackPolicy::default() };
    for (policy, surfaces) in [(FallbackPolicy::default(), false), (policy, true)] {
        let rig = set_up(&["carry/priced"], policy).await;
        rig.upstream.push(broken("all ever"));
        rig.upstream.push(Answer::error(500, "down"));
        let heard = call(&rig).await;
        if surfaces {
            assert_eq!(heard.answer().reply.text(), "all ");
        } else {
            assert_eq!(heard.error().code(), Code::AllFailed);
        }
    }
}

#[tokio::test]
async fn a_model_that_refuses_the_beginning_is_asked_from_the_start() {
    let rig = set_up(&["carry/priced"], FallbackPolicy::default()).await;
    rig.upstream.push(broken("all ever"));
    rig.upstream.push(Answer::error(400, "this model does not support assistant prefill"));
    rig.upstream.push(ChatReply::text("all of it"));
    let heard = call(&rig).await;
    assert_eq!((heard.restarts, heard.text.as_str()), (1, "all of it"));
    assert_eq!(last_message(&rig)["role"], "user");
    assert_eq!(heard.answer().reply.text(), "all of it");
}

#[tokio::test]
async fn a_wrong_key_in_the_middle_stops_the_list() {
    let rig = set_up(&["carry/priced", "mock/other"], FallbackPolicy::default()).await;
    rig.upstream.push(broken("all ever"));
    rig.upstream.push(Answer::error(401, "wrong key"));
    assert_eq!(call(&rig).await.error().code(), Code::AllFailed);
    assert_eq!(rig.upstream.counts().requests, 2);
}

#[tokio::test]
async fn models_of_this_process_begin_again_since_nobody_knows_what_they_take() {
    let rig = set_up(&["test/second"], FallbackPolicy::default()).await;
    rig.gateway.register("test", Arc::new(TestModel::new([Turn::text("from here")])));
    rig.upstream.push(broken("all ever"));
    let heard = call(&rig).await;
    assert_eq!((heard.restarts, heard.continued.len()), (1, 0));
    assert_eq!(heard.text, "from here");
}
