//! Who may take over: what the next model can do, may cost, and where it is; and replies that are
//! complete and do not count.

use std::sync::Arc;

use largestack_gateway::{FallbackPolicy, OnContent};
use largestack_ports::ledger::BudgetKey;
use largestack_testkit::{Answer, ChatReply, TestModel, Turn, budgeted, context, question};
use largestack_types::call::{Call, OutputSchema, Settings};
use largestack_types::errors::{Code, Coded};
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::label::Label;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Media, MediaKind, MediaSource, Part, PartId};
use largestack_types::scope::Scope;

use crate::rig::{HastyClock, Rig, ask, rig_with};

const ALL: OnContent = OnContent { empty: true, refusal: true, invalid_output: true };

async fn set_up(models: &[&'static str], policy: FallbackPolicy) -> Rig {
    let models = models.to_vec();
    rig_with(HastyClock::default(), |builder| {
        builder.fallbacks("test", models).fallback_policy("test", policy)
    })
    .await
}

fn on(on_content: OnContent) -> FallbackPolicy {
    FallbackPolicy { on_content, ..FallbackPolicy::default() }
}

fn shaped(call: Call) -> Call {
    let schema =
        r#"{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}"#;
    let output = OutputSchema { name: "n".into(), schema: Json::parse(schema).unwrap() };
    Call {
        settings: Arc::new(Settings { output_schema: Some(output), ..Settings::default() }),
        ..call
    }
}

#[tokio::test]
async fn a_reply_that_says_nothing_declines_or_misses_its_shape_goes_on_only_where_it_is_named() {
    let none = OnContent::default();
    let empty = OnContent { empty: true, ..none };
    let refusal = OnContent { refusal: true, ..none };
    let invalid = OnContent { invalid_output: true, ..none };
    let cases = [
        (Turn::text(" "), empty, false),
        (Turn::refusal("I cannot."), refusal, false),
        (Turn::text("not JSON"), invalid, true),
        (Turn::text(r#"{"n": "one"}"#), invalid, true),
    ];
    for stream in [false, true] {
        for (turn, named, shape) in &cases {
            for (policy, goes_on) in [(*named, true), (none, false), (ALL, true)] {
                let rig = set_up(&["test/second"], on(policy)).await;
                let first = turn.clone().usage(7, 3);
                rig.gateway.register("test/first", Arc::new(TestModel::new([first])));
                let second = TestModel::new([Turn::text(r#"{"n": 1}"#)]);
                rig.gateway.register("test/second", Arc::new(second.clone()));
                let call = question("test/first", "hi", stream);
                let call = if *shape { shaped(call) } else { call };
                let heard = ask(&rig.gateway, &context(1), call).await;
                assert_eq!(second.calls().len(), usize::from(goes_on), "{turn:?} {policy:?}");
                let heard_first = stream && goes_on;
                assert_eq!(heard.restarts, usize::from(heard_first), "{turn:?} {policy:?}");
                let answer = heard.answer();
                if goes_on {
                    assert_eq!(answer.reply.text(), r#"{"n": 1}"#);
                    assert_eq!(answer.call.failed_attempts.len(), 1);
                    // The tokens of both.
                    assert_eq!(answer.reply.usage.total_tokens(), 7 + 3 + 10 + 5);
                } else {
                    assert_eq!(answer.reply.parts, turn.reply().parts);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_reply_that_fits_or_was_cut_off_does_not_go_on() {
    use largestack_types::reply::FinishReason::{ContentFilter, Length};
    for turn in [
        Turn::text(r#"{"n": 3}"#),
        Turn::text(r#"{"n":"#).finish(Length),
        Turn::text("").finish(ContentFilter),
        Turn::tool("search", "{}"),
    ] {
        let rig = set_up(&["test/second"], on(ALL)).await;
        rig.gateway.register("test/first", Arc::new(TestModel::new([turn.clone()])));
        let call = shaped(question("test/first", "hi", false));
        let answer = ask(&rig.gateway, &context(1), call).await.answer();
        assert_eq!(&answer.reply.parts, &turn.reply().parts);
    }
}

#[tokio::test]
async fn when_nobody_does_better_the_first_reply_is_the_answer() {
    let rig = set_up(&["test/second", "mock/priced"], on(ALL)).await;
    rig.gateway.register("test/first", Arc::new(TestModel::new([Turn::refusal("No.")])));
    rig.gateway.register("test/second", Arc::new(TestModel::new([Turn::refusal("Neither I.")])));
    rig.upstream.push(Answer::error(500, "down"));
    let answer = ask(&rig.gateway, &context(1), question("test/first", "hi", false)).await.answer();
    let [part] = &answer.reply.parts[..] else { panic!("{:?}", answer.reply.parts) };
    assert_eq!(part.body, Body::Refusal("No.".into()));
    assert!(answer.call.flags.iter().any(|flag| &**flag == "refusal"));
    assert_eq!(answer.reply.usage.total_tokens(), 2 * 15);
}

#[tokio::test]
async fn a_model_that_does_not_take_what_the_call_holds_is_passed_over() {
    let rig = set_up(&["mock/gpt-3.5-turbo", "carry/priced"], FallbackPolicy::default()).await;
    let media = Media {
        kind: MediaKind::Image,
        mime: "image/png".into(),
        source: MediaSource::Base64("AAAA".into()),
        name: None,
    };
    let part = Part::new(PartId::new(0, 1), Label::default(), Body::Media(media));
    let mut call = question("mock/priced", "what is this", false);
    Arc::make_mut(&mut call.messages).push(Arc::new(Message::new(Role::User, vec![part])));
    rig.upstream.push(Answer::error(500, "down"));
    rig.upstream.push(ChatReply::text("a picture"));
    let answer = ask(&rig.gateway, &context(1), call).await.answer();
    assert_eq!(answer.call.provider.as_deref(), Some("carry"));
    let passed_over = &answer.call.failed_attempts[1];
    assert_eq!((&*passed_over.0, passed_over.1.code()), ("mock/gpt-3.5-turbo", Code::Input));
    assert!(passed_over.1.message().contains("takes no images"), "{}", passed_over.1);
    assert_eq!(rig.upstream.counts().requests, 2);
}

#[tokio::test]
async fn files_that_lie_at_one_provider_are_not_sent_to_another() {
    let rig = set_up(&["carry/priced", "mock/other"], FallbackPolicy::default()).await;
    let media = Media {
        kind: MediaKind::Document,
        mime: "application/pdf".into(),
        source: MediaSource::ProviderFile("file-1".into()),
        name: None,
    };
    let part = Part::new(PartId::new(0, 1), Label::default(), Body::Media(media));
    let mut call = question("mock/priced", "what is this", false);
    Arc::make_mut(&mut call.messages).push(Arc::new(Message::new(Role::User, vec![part])));
    rig.upstream.push(Answer::error(500, "down"));
    rig.upstream.push(ChatReply::text("a paper"));
    let answer = ask(&rig.gateway, &context(1), call).await.answer();
    assert_eq!(answer.call.provider.as_deref(), Some("mock"));
    assert!(answer.call.failed_attempts[1].1.message().contains("lie at mock"));
}

#[tokio::test]
async fn a_dearer_model_is_passed_over_from_the_factor_on() {
    let policy = |max_price_factor| FallbackPolicy {
        max_price_factor: Some(max_price_factor),
        ..FallbackPolicy::default()
    };
    for (models, factor, answers) in [
        (["carry/dear"], 2.99, false),
        (["carry/dear"], 3.01, true),
        (["carry/priced"], 1.0, true),
        (["mock/unpriced"], 900.0, false),
    ] {
        let rig = set_up(&models, policy(factor)).await;
        rig.upstream.push(Answer::error(500, "down"));
        rig.upstream.push(ChatReply::text("ok"));
        let heard = ask(&rig.gateway, &context(1), question("mock/priced", "hi", false)).await;
        if answers {
            assert_eq!(heard.answer().reply.text(), "ok", "{models:?} {factor}");
        } else {
            // Only one was asked, so its own error is told.
            assert_eq!(heard.error().code(), Code::Provider, "{models:?} {factor}");
        }
        assert_eq!(rig.upstream.counts().requests, 1 + usize::from(answers));
    }
}

#[tokio::test]
async fn a_model_without_a_price_under_a_budget_is_passed_over_for_the_next() {
    let rig = set_up(&["mock/unpriced", "carry/priced"], FallbackPolicy::default()).await;
    let run = BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1));
    rig.ledger.set_limit(&run, Some(largestack_types::money::Money::MAX));
    rig.upstream.push(Answer::error(500, "down"));
    rig.upstream.push(ChatReply::text("ok"));
    let heard = ask(&rig.gateway, &budgeted(1), question("mock/priced", "hi", false)).await;
    assert_eq!(heard.answer().call.provider.as_deref(), Some("carry"));
}

#[tokio::test]
async fn words_stay_where_the_operator_wants_them() {
    let within = |labels: &'static [&'static str]| {
        rig_with(HastyClock::default(), move |builder| {
            let models = ["mock/other", "carry/priced", "test/here"];
            builder.fallbacks("test", models).residency("test", labels.iter().copied())
        })
    };
    let call = |model: &'static str| question(model, "hi", false);
    // The first is outside: nothing leaves.
    let rig = within(&["eu", "ch"]).await;
    let error = ask(&rig.gateway, &context(1), call("mock/priced")).await.error();
    assert_eq!(error.code(), Code::ModelBlocked);
    assert!(error.message().contains("not within eu, ch"), "{error}");
    assert_eq!(rig.upstream.counts().requests, 0);
    // One that takes over is, too, and is passed over.
    rig.upstream.push(Answer::error(500, "down"));
    rig.upstream.push(ChatReply::text("from within"));
    let answer = ask(&rig.gateway, &context(1), call("echo/priced")).await.answer();
    assert_eq!(answer.call.provider.as_deref(), Some("carry"));
    assert_eq!(answer.call.failed_attempts[1].1.code(), Code::ModelBlocked);
    // What runs here leaves nothing to anybody.
    let rig = within(&["mars"]).await;
    rig.gateway.register("test", Arc::new(TestModel::new([Turn::text("from here")])));
    let answer = ask(&rig.gateway, &context(1), call("test/here")).await.answer();
    assert_eq!(answer.reply.text(), "from here");
}
