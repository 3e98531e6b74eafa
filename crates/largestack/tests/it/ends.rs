//! How runs end, and what is said of it: a state that is true, a bill that is whole, and a
//! conversation that can go on.

use largestack::errors::{Code, Coded as _, ProviderError};
use largestack::prices::{Book, Section};
use largestack::session::SessionKey;
use largestack::stage::{ReplyTurn, Verdict, hook};
use largestack::{
    Agent, EndReason, Limits, Local, Money, RunOptions, Runtime, Scope, Status, capture_run, tool,
};
use largestack_testkit::{TestModel, Turn};

/// Twice a number.
#[tool(idempotent)]
fn twice(n: u64) -> u64 {
    n * 2
}

/// A model at a dollar a thousand tokens in, and two out.
fn runtime(script: &TestModel) -> Runtime {
    let dollars = |dollars: i64| Money::from_nanos(dollars * 1_000_000_000);
    let mut prices = Book::default();
    prices.define("test", "one", &Section::flat(dollars(1_000), dollars(2_000))).unwrap();
    Local::new().model("test/one", script.clone()).prices(prices).build().unwrap()
}

const MILLI: i64 = 1_000_000;

#[tokio::test]
async fn tokens_in_and_out_are_told_apart_and_those_of_answers_that_did_not_fit_are_paid() {
    let script = TestModel::new([
        Turn::text("seven").usage(10, 1),
        Turn::text(r#"{"value":7}"#).usage(20, 2),
    ]);
    let builder = Agent::builder("a").model("test/one").output::<u8>();
    let agent = builder.build(runtime(&script)).unwrap();
    let answer = agent.run(&Scope::local(), "How many?").await.unwrap();
    assert_eq!(answer.output, 7);
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(30), Some(3)));
    assert_eq!(answer.cost, Money::from_nanos((30 + 2 * 3) * MILLI));
}

#[tokio::test]
async fn answers_that_did_not_fit_come_out_of_the_one_budget_of_their_run() {
    let script = TestModel::new((0..9).map(|_| Turn::text("no number").usage(200, 50)));
    let budget = Money::from_nanos(6_000 * MILLI);
    let limits = Limits { budget: Some(budget), ..Limits::default() };
    let builder = Agent::builder("a").model("test/one").limits(limits).output::<u8>();
    let agent = builder.output_retries(8).build(runtime(&script)).unwrap();
    let (answer, captured) = capture_run(agent.run(&Scope::local(), "How many?")).await;
    answer.unwrap_err();
    let asked = script.calls().len();
    assert!((2..9).contains(&asked), "{asked}");
    let attempt = Money::from_nanos((200 + 2 * 50) * MILLI);
    assert_eq!(captured.runs[0].cost.nanos(), attempt.nanos() * i64::try_from(asked).unwrap());
    assert!(captured.runs[0].cost <= budget);
}

#[tokio::test]
async fn an_answer_at_the_limit_of_turns_is_incomplete_and_is_remembered() {
    let script = TestModel::new([
        Turn::tool("twice", r#"{"n":1}"#),
        Turn::text("as far as I came"),
        Turn::text("and on"),
    ]);
    let limits = Limits { max_turns: 1, ..Limits::default() };
    let agent = Agent::builder("a").model("test/one").tool(twice()).limits(limits);
    let agent = agent.build(runtime(&script)).unwrap();
    let in_session =
        || RunOptions { session: Some(SessionKey::from("s")), ..RunOptions::default() };
    let answer = agent.run_with(&Scope::local(), "first", (), in_session()).await.unwrap();
    assert_eq!(
        (answer.status, answer.finish_reason),
        (Status::Incomplete, Some(EndReason::MaxTurns))
    );
    assert_eq!((answer.turns, answer.output.as_str()), (2, "as far as I came"));
    agent.run_with(&Scope::local(), "second", (), in_session()).await.unwrap();
    let calls = script.calls();
    let heard: Vec<String> = calls[2].messages.iter().map(|m| m.text()).collect();
    assert!(heard.iter().any(|text| text == "first"), "{heard:?}");
    assert!(heard.iter().any(|text| text == "as far as I came"), "{heard:?}");
}

#[tokio::test]
async fn an_answer_that_a_hook_gives_ends_the_run_with_the_bill_of_what_was_asked() {
    let script = TestModel::new([Turn::text("words").usage(10, 1)]);
    let interrupt = hook("stop", |_, _: &ReplyTurn| Verdict::interrupt("enough"));
    let agent = Agent::builder("a").model("test/one").after_model(interrupt);
    let agent = agent.build(runtime(&script)).unwrap();
    let answer = agent.run(&Scope::local(), "?").await.unwrap();
    assert_eq!(answer.output, "enough");
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(10), Some(1)));
    assert_eq!(answer.cost, Money::from_nanos((10 + 2) * MILLI));
}

#[tokio::test]
async fn what_cannot_be_mended_by_asking_again_is_asked_once_however_often_one_may() {
    let refusal = ProviderError {
        provider: "test".into(),
        status: Some(400),
        detail: "no".into(),
        provider_code: None,
        request_id: None,
        transient: false,
    };
    let script = TestModel::new([Turn::error(refusal), Turn::text("never")]);
    let agent = Agent::builder("a").model("test/one").retries(5).build(runtime(&script)).unwrap();
    let error = agent.run(&Scope::local(), "?").await.unwrap_err();
    assert_eq!((error.code(), script.calls().len()), (Code::Provider, 1));
    // Nor is what a guard has blocked.
    let script = TestModel::new([Turn::text("never")]);
    let policy = largestack::GuardPolicy::all(largestack::GuardAction::Block);
    let agent = Agent::builder("a").model("test/one").retries(5).guardrails(policy);
    let agent = agent.build(runtime(&script)).unwrap();
    let error = agent.run(&Scope::local(), "Write to ada@example.org").await.unwrap_err();
    assert_eq!((error.code(), script.calls().len()), (Code::Guardrail, 0));
}
