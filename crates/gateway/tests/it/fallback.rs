//! Another model takes over where it may help, and only there.

use std::sync::Arc;

use largestack_testkit::{Answer, ChatReply, TestModel, Turn, context, question};
use largestack_types::errors::{Code, Coded, LargestackError};

use crate::rig::{HastyClock, Heard, Rig, ask, rig_with};

async fn set_up(models: &[&'static str]) -> (Rig, TestModel) {
    let models = models.to_vec();
    let rig = rig_with(HastyClock::default(), |builder| builder.fallbacks("test", models)).await;
    let model = TestModel::repeating([Turn::text("from here").pieces(2)]);
    rig.gateway.register("test", Arc::new(model.clone()));
    (rig, model)
}

async fn call(rig: &Rig) -> Heard {
    ask(&rig.gateway, &context(1), question("mock/priced", "hi", true)).await
}

#[tokio::test]
async fn the_next_model_answers_where_the_first_is_down_or_limited() {
    let (rig, model) = set_up(&["test/second"]).await;
    for answer in [
        Answer::error(500, "down"),
        Answer::error(429, "slow down"),
        Answer::error(402, "no credit"),
        Answer::from(ChatReply::text("x")).reset_before_head(),
    ] {
        rig.upstream.push(answer);
        let answer = call(&rig).await.answer();
        assert_eq!(answer.reply.text(), "from here");
        assert_eq!(answer.call.provider.as_deref(), Some("test"));
        assert_eq!(&*answer.call.failed_attempts[0].0, "mock/priced");
    }
    assert_eq!(&*model.calls()[0].model, "test/second");
}

#[tokio::test]
async fn a_wrong_key_or_request_does_not_go_elsewhere() {
    let (rig, model) = set_up(&["test/second"]).await;
    for (status, code) in [(401, Code::ProviderAuth), (400, Code::Provider), (413, Code::Context)] {
        rig.upstream.push(Answer::error(status, "no"));
        assert_eq!(call(&rig).await.error().code(), code);
    }
    assert!(model.calls().is_empty());
}

#[tokio::test]
async fn what_was_delivered_before_is_declared_void() {
    let (rig, _) = set_up(&["test/second"]).await;
    rig.upstream.push(Answer::from(ChatReply::text("from there")).end_after(500));
    let heard = call(&rig).await;
    assert!(heard.continued.is_empty());
    assert_eq!((heard.restarts, heard.text.as_str()), (1, "from here"));
    assert_eq!(heard.answer().reply.text(), "from here");
}

#[tokio::test]
async fn when_all_fail_each_attempt_is_told() {
    let (rig, _) = set_up(&["mock/other", "nobody/knows"]).await;
    rig.upstream.push(Answer::error(500, "down"));
    rig.upstream.push(Answer::error(503, "down too"));
    let LargestackError::AllProvidersFailedError(error) = call(&rig).await.error() else {
        panic!("not all failed");
    };
    let tried: Vec<_> = error.attempts.iter().map(|(m, e)| (&**m, e.code())).collect();
    let expected = [
        ("mock/priced", Code::Provider),
        ("mock/other", Code::Provider),
        ("nobody/knows", Code::ModelUnknown),
    ];
    assert_eq!(tried, expected);
}

#[tokio::test]
async fn nothing_takes_over_unless_it_is_named() {
    let (rig, model) = set_up(&[]).await;
    rig.upstream.push(Answer::error(500, "down"));
    assert_eq!(call(&rig).await.error().code(), Code::Provider);
    assert!(model.calls().is_empty());
    let other = largestack_ports::model::CallContext { agent: "other".into(), ..context(1) };
    rig.upstream.push(Answer::error(500, "down"));
    let heard = ask(&rig.gateway, &other, question("mock/priced", "hi", true)).await;
    assert_eq!(heard.error().code(), Code::Provider);
}
