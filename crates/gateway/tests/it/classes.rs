//! Which kinds of data go to which providers.

use std::sync::Arc;

use largestack_gateway::{Builder, Pool, ProviderRule, Strategy};
use largestack_testkit::{ChatReply, TestModel, Turn, context, question};
use largestack_types::call::Call;
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::{CallId, EffectId};
use largestack_types::label::{DataClass, Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, PartId, ToolResult};

use crate::rig::{HastyClock, Rig, ask, rig_with};

fn only(providers: &[&str]) -> ProviderRule {
    let providers = Some(providers.iter().map(|name| (*name).into()).collect());
    ProviderRule { providers, ..ProviderRule::default() }
}

fn within(labels: &[&str]) -> ProviderRule {
    let residency = labels.iter().map(|label| (*label).into()).collect();
    ProviderRule { residency, ..ProviderRule::default() }
}

async fn rig(rule: ProviderRule, change: impl FnOnce(Builder) -> Builder) -> Rig {
    let rules = [(DataClass::Health, rule)];
    rig_with(HastyClock::default(), |b| change(b.provider_policy("test", rules))).await
}

/// A question beside which a part of this kind with this label stands.
fn beside(model: &str, label: Label, of: impl Fn(PartId, Label) -> Message) -> Call {
    let call = question(model, "hi", false);
    let mut messages = Vec::clone(&call.messages);
    messages.push(Arc::new(of(PartId::at(EffectId::new(7), 1), label)));
    Call { messages: messages.into(), ..call }
}

fn result(id: PartId, label: Label) -> Message {
    let result = ToolResult {
        call: CallId::default(),
        provider_id: "callabc12".into(),
        name: "look_up".into(),
        text: "x".into(),
        media: Vec::new(),
        is_error: false,
        handle: None,
    };
    Message::new(Role::Tool, vec![Part { id, label, body: Body::ToolResult(result), native: None }])
}

fn text(id: PartId, label: Label) -> Message {
    Message::of_text(Role::User, id, label, "x")
}

fn health(origin: Origin) -> Label {
    Label::from_origin(origin).with_class(DataClass::Health)
}

#[tokio::test]
async fn a_call_with_such_data_goes_only_to_who_may_be_told_it_wherever_it_came_from() {
    for rule in [only(&["carry"]), within(&["eu"])] {
        let rig = rig(rule, |b| b).await;
        for origin in [Origin::User, Origin::Tool, Origin::Retrieval, Origin::Memory] {
            for of in [result as fn(PartId, Label) -> Message, text] {
                let call = beside("mock/priced", health(origin), of);
                let error = ask(&rig.gateway, &context(1), call).await.error();
                assert_eq!(error.code(), Code::ModelBlocked, "{origin}");
                assert!(error.message().contains("`health` data"), "{error}");
                assert!(error.suggestion().contains("provider_policy.health"), "{error:?}");
            }
        }
        assert_eq!(rig.upstream.counts().requests, 0);
        // To whom it may go, and what is of another kind or none.
        for (model, label) in [
            ("carry/priced", health(Origin::Tool)),
            ("mock/priced", Label::from_origin(Origin::Tool)),
            ("mock/priced", Label::from_origin(Origin::Tool).with_class(DataClass::Contact)),
        ] {
            rig.upstream.push(ChatReply::text("ok"));
            ask(&rig.gateway, &context(1), beside(model, label, result)).await.answer();
        }
    }
}

#[tokio::test]
async fn both_lists_must_permit_and_an_empty_one_leaves_the_models_of_this_process() {
    let both = ProviderRule { residency: within(&["us"]).residency, ..only(&["carry"]) };
    let call = |model| beside(model, health(Origin::Tool), result);
    let rig_of_both = rig(both, |b| b).await;
    for model in ["carry/priced", "mock/priced"] {
        let error = ask(&rig_of_both.gateway, &context(1), call(model)).await.error();
        assert!(error.message().contains("only carry within us"), "{error}");
    }
    let none = rig(only(&[]), |b| b).await;
    let error = ask(&none.gateway, &context(1), call("carry/priced")).await.error();
    assert!(error.message().contains("nobody outside this process"), "{error}");
    none.gateway.register("test", Arc::new(TestModel::new([Turn::text("from here")])));
    let answer = ask(&none.gateway, &context(1), call("test/here")).await.answer();
    assert_eq!(answer.reply.text(), "from here");
}

#[tokio::test]
async fn who_may_not_be_told_is_passed_over_in_fallbacks_and_pools() {
    let call = |model| beside(model, health(Origin::Retrieval), result);
    let fallbacks = ["echo/priced", "carry/priced"];
    let rig_of_list = rig(only(&["carry"]), |b| b.fallbacks("test", fallbacks)).await;
    rig_of_list.upstream.push(ChatReply::text("ok"));
    let answer = ask(&rig_of_list.gateway, &context(1), call("mock/priced")).await.answer();
    assert_eq!(answer.call.provider.as_deref(), Some("carry"));
    let passed: Vec<_> =
        answer.call.failed_attempts.iter().map(|(m, e)| (&**m, e.code())).collect();
    let blocked = Code::ModelBlocked;
    assert_eq!(passed, [("mock/priced", blocked), ("echo/priced", blocked)]);
    assert_eq!(rig_of_list.upstream.counts().requests, 1);

    let pool = |members: &[&str]| Pool {
        models: members.iter().map(|model| (*model).into()).collect(),
        strategy: Strategy::Weighted(vec![]),
    };
    let members = ["mock/priced", "carry/priced"];
    let pooled = rig(only(&["carry"]), |b| b.pool("p", pool(&members))).await;
    pooled.upstream.push(ChatReply::text("ok"));
    let answer = ask(&pooled.gateway, &context(1), call("pool/p")).await.answer();
    assert_eq!(answer.call.provider.as_deref(), Some("carry"));
    let closed = rig(only(&["carry"]), |b| b.pool("p", pool(&["mock/priced"]))).await;
    let error = ask(&closed.gateway, &context(1), call("pool/p")).await.error();
    assert_eq!(error.code(), blocked);
    assert!(error.message().contains("`health` data"), "{error}");
    assert_eq!(closed.upstream.counts().requests, 0);
}
