//! A stream is a run like any other: what is asked, what fails, what it costs and what is remembered.

use futures::StreamExt as _;
use largestack::errors::{Code, Coded as _};
use largestack::providers::{Auth, Section};
use largestack::session::SessionKey;
use largestack::{Agent, Local, RunEvent, RunOptions, Scope, Settings, tool};
use largestack_testkit::{Answer, ChatReply, TestModel, Turn, Upstream};
use serde_json::Value;

/// Twice a number.
#[tool(idempotent)]
fn twice(n: u64) -> u64 {
    n * 2
}

fn row(provider: &Upstream) -> Section {
    Section {
        wire: Some("openai-chat".into()),
        base_url: Some(provider.url()),
        auth: Some(Auth::None),
        ..Section::default()
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_of_the_stream_and_never_an_empty_answer() {
    for (status, code) in [(400, Code::Provider), (401, Code::ProviderAuth), (404, Code::Provider)]
    {
        let provider = Upstream::start().await.unwrap();
        provider.push(Answer::error(status, "no"));
        let runtime = Local::new().provider("house", row(&provider)).build().unwrap();
        let agent = Agent::builder("a").model("house/m").build(runtime).unwrap();
        let options = RunOptions::default();
        let stream = agent.stream(&Scope::local(), "?", (), options).await.unwrap();
        let error = stream.finish().await.unwrap_err();
        assert_eq!(error.code(), code, "{status}: {error}");
        assert_eq!(provider.counts().requests, 1, "{status}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_answer_is_the_providers_error_and_the_named_model_takes_over() {
    for body in ["{", "{\"choices\":[]}"] {
        let provider = Upstream::start().await.unwrap();
        let ask = async |fallbacks: &[&str]| {
            for _ in 0..4 {
                provider.push(Answer::json(200, body.to_owned()));
            }
            let local = Local::new().provider("house", row(&provider));
            let local = local.model("test/two", TestModel::new([Turn::text("second")]));
            let local = local.fallbacks("a", fallbacks.iter().copied());
            let agent = Agent::builder("a").model("house/m").build(local.build().unwrap());
            agent.unwrap().run(&Scope::local(), "?").await
        };
        let error = ask(&[]).await.unwrap_err();
        assert_eq!(error.code(), Code::Provider, "{body}: {error}");
        assert_eq!(ask(&["test/two"]).await.unwrap().output, "second", "{body}");
    }
}

#[tokio::test]
async fn what_is_asked_in_a_stream_is_what_is_asked_in_a_whole_call() {
    let provider = Upstream::start().await.unwrap();
    let runtime = Local::new().provider("house", row(&provider)).build().unwrap();
    let settings = Settings {
        temperature: Some(0.25),
        top_p: Some(0.5),
        seed: Some(7),
        max_output_tokens: Some(99),
        stop: vec!["END".into()],
        ..Settings::default()
    };
    let agent = Agent::builder("a").model("house/m").tool(twice()).settings(settings);
    let agent = agent.build(runtime).unwrap();
    provider.push(ChatReply::text("one"));
    agent.run(&Scope::local(), "?").await.unwrap();
    provider.push(ChatReply::text("one"));
    let stream = agent.stream(&Scope::local(), "?", (), RunOptions::default()).await.unwrap();
    stream.finish().await.unwrap();
    let bodies: Vec<Value> =
        provider.requests().iter().map(largestack_testkit::Received::json).collect();
    let without = |body: &Value| {
        let mut body = body.as_object().unwrap().clone();
        body.remove("stream");
        body.remove("stream_options");
        Value::Object(body)
    };
    assert_eq!(without(&bodies[0]), without(&bodies[1]));
    assert_eq!((&bodies[1]["stream"], &bodies[1]["temperature"]), (&true.into(), &0.25.into()));
    assert_eq!(
        (&bodies[1]["seed"], &bodies[1]["tools"][0]["type"]),
        (&7.into(), &"function".into())
    );
}

#[tokio::test]
async fn a_stream_calls_tools_has_a_bill_and_is_remembered() {
    let script = TestModel::new([
        Turn::tool("twice", r#"{"n":21}"#).usage(10, 1),
        Turn::text("It is 42.").pieces(3).usage(20, 2),
        Turn::text("As I said."),
    ]);
    let runtime = Local::new().model("test/one", script.clone()).build().unwrap();
    let agent = Agent::builder("a").model("test/one").tool(twice()).build(runtime).unwrap();
    let in_session =
        || RunOptions { session: Some(SessionKey::from("s")), ..RunOptions::default() };
    let stream = agent.stream(&Scope::local(), "first", (), in_session()).await.unwrap();
    let answer = stream.finish().await.unwrap();
    assert_eq!((answer.output.as_str(), answer.tool_calls), ("It is 42.", 1));
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(30), Some(3)));
    agent.run_with(&Scope::local(), "second", (), in_session()).await.unwrap();
    let heard = script.calls()[2].messages.iter().map(|m| m.text()).collect::<Vec<_>>();
    assert!(heard.iter().any(|text| text == "It is 42."), "{heard:?}");
}

#[tokio::test]
async fn a_stream_of_a_thousand_pieces_ends_however_late_it_is_heard() {
    let text = "word ".repeat(1_000);
    let script = TestModel::new([Turn::text(&*text).pieces(1_000)]);
    let runtime = Local::new().model("test/one", script).build().unwrap();
    let agent = Agent::builder("a").model("test/one").build(runtime).unwrap();
    let mut stream = agent.stream(&Scope::local(), "?", (), RunOptions::default()).await.unwrap();
    let mut pieces = 0;
    while let Some(event) = stream.next().await {
        pieces += usize::from(matches!(event, RunEvent::Delta { .. }));
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }
    assert!(pieces > 100, "{pieces}");
    assert_eq!(stream.finish().await.unwrap().output.trim(), text.trim());
}
