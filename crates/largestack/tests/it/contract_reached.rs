//! The error contract through the library, whole: each of its fifteen codes is reached for real, by
//! an agent and, where a provider has a part in it, over HTTP; what a caller then holds is kept as it
//! is printed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use largestack::errors::{Code, Coded as _};
use largestack::license::{Issuer, Licensed};
use largestack::providers::{Auth, Patience, Section};
use largestack::{
    Agent, AgentBuilder, GuardAction, GuardPolicy, LargestackError, Limits, Local, Money, OnLimit,
    Permissions, Scope, block_model_requests,
};
use largestack_http::{OsIds, SystemClock};
use largestack_store::{Options, Store, SwitchScope};
use largestack_testkit::upstream::{Answer, ChatReply, Upstream};
use largestack_testkit::{TestModel, Turn};
use regex::Regex;

use crate::contract::{broken, echo};

const MODEL: &str = "openai/gpt-4o-mini";

fn agent() -> AgentBuilder {
    Agent::builder("a").instructions("Answer.")
}

/// What an agent that is answered by a script fails with.
async fn scripted(agent: AgentBuilder, model: TestModel) -> LargestackError {
    let runtime = Local::new().model("test/m", model).build().unwrap();
    asked(agent.model("test/m"), runtime, "go").await
}

async fn asked(agent: AgentBuilder, runtime: largestack::Runtime, what: &str) -> LargestackError {
    agent.build(runtime).unwrap().run(&Scope::local(), what).await.unwrap_err()
}

/// The row of a provider, moved to the loopback.
fn moved(upstream: &Upstream) -> Section {
    Section { base_url: Some(upstream.url()), auth: Some(Auth::None), ..Section::default() }
}

/// What an agent fails with when its provider always answers like this.
async fn answered(agent: AgentBuilder, answer: fn() -> Answer) -> LargestackError {
    let upstream = Upstream::answering(move |_| answer()).await.unwrap();
    let runtime = Local::new().provider("openai", moved(&upstream)).build().unwrap();
    let error = asked(agent.model(MODEL), runtime, "go").await;
    assert!(upstream.counts().requests > 0, "nobody was asked: {error}");
    error
}

/// Nobody foresaw that a script has no turns.
async fn unknown() -> LargestackError {
    scripted(agent(), TestModel::new([])).await
}

async fn provider() -> LargestackError {
    answered(agent(), || Answer::error(400, "temperature must be a number")).await
}

async fn provider_timeout() -> LargestackError {
    let upstream = Upstream::answering(|_| Answer::chat(ChatReply::text("")).stall_before_head());
    let upstream = upstream.await.unwrap();
    let mut section = moved(&upstream);
    let shortly = Some(Duration::from_millis(100));
    section.timeouts = Some(Patience { total: shortly, ..Patience::default() });
    let runtime = Local::new().provider("openai", section).build().unwrap();
    asked(agent().model(MODEL), runtime, "go").await
}

async fn provider_auth() -> LargestackError {
    answered(agent(), || Answer::error(401, "Incorrect API key provided")).await
}

async fn rate_limit() -> LargestackError {
    let limited = || Answer::error(429, "Too many requests").header("retry-after", "3600");
    answered(agent(), limited).await
}

async fn all_failed() -> LargestackError {
    let overloaded = |_: &_| Answer::error(503, "The server is overloaded");
    let upstream = Upstream::answering(overloaded).await.unwrap();
    let local = Local::new().provider("openai", moved(&upstream));
    let runtime = local.fallbacks("a", ["openai/gpt-4o"]).build().unwrap();
    let error = asked(agent().model(MODEL), runtime, "go").await;
    let LargestackError::AllProvidersFailedError(all) = &error else { panic!("{error}") };
    let tried: Vec<&str> = all.attempts.iter().map(|(model, _)| &**model).collect();
    assert_eq!(tried, [MODEL, "openai/gpt-4o"]);
    error
}

async fn budget() -> LargestackError {
    let upstream = Upstream::start().await.unwrap();
    let runtime = Local::new().provider("openai", moved(&upstream)).build().unwrap();
    let budget = Some(Money::from_nanos(100));
    let limits = Limits { budget, ..Limits::default() };
    let error = asked(agent().model(MODEL).limits(limits), runtime, "go").await;
    assert_eq!(upstream.counts().requests, 0);
    error
}

async fn a_loop() -> LargestackError {
    let model = TestModel::repeating([Turn::tool("echo", r#"{"what":"a"}"#)]);
    let limits = Limits { max_repeats: 2, on_limit: OnLimit::Error, ..Limits::default() };
    scripted(agent().tool(echo()).limits(limits), model).await
}

async fn context() -> LargestackError {
    let too_long = || {
        let message = "This model's maximum context length is 128000 tokens.";
        let code = "context_length_exceeded";
        Answer::json(400, format!(r#"{{"error":{{"message":"{message}","code":"{code}"}}}}"#))
    };
    answered(agent(), too_long).await
}

async fn license() -> LargestackError {
    let license = Licensed::of("none", Issuer::new([7; 32]));
    let model = TestModel::new([Turn::text("never")]);
    scripted(agent().license(Arc::new(license)), model).await
}

async fn guardrail() -> LargestackError {
    let policy = GuardPolicy { card: GuardAction::Block, ..GuardPolicy::default() };
    let model = TestModel::new([Turn::text("Pay 4111 1111 1111 1111.")]);
    scripted(agent().guardrails(policy), model).await
}

/// Somebody else, who has the same store, throws the switch.
async fn kill_switch() -> LargestackError {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(Arc::new(OsIds::new().unwrap()), Arc::new(SystemClock));
    let store = Store::open(folder.path(), options).unwrap();
    let scope = SwitchScope::Tenant(Scope::local().tenant().clone());
    store.throw_switch(&scope, "ada", "a leak").await.unwrap();
    let upstream = Upstream::start().await.unwrap();
    let local = Local::new().provider("openai", moved(&upstream));
    let runtime = local.store(folder.path()).build().unwrap();
    let error = asked(agent().model(MODEL), runtime, "go").await;
    assert_eq!(upstream.counts().requests, 0);
    error
}

async fn a_tool() -> LargestackError {
    let agent = agent().tool(broken()).tool_options("broken", |options| options.raise = true);
    scripted(agent, TestModel::new([Turn::tool("broken", r#"{"what":"it"}"#)])).await
}

async fn tool_perm() -> LargestackError {
    let nothing = Some(BTreeSet::new());
    let permissions = Permissions { allow: nothing, raise: true, ..Permissions::default() };
    let model = TestModel::new([Turn::tool("echo", r#"{"what":"a"}"#)]);
    scripted(agent().tool(echo()).permissions(permissions), model).await
}

async fn model_blocked() -> LargestackError {
    let upstream = Upstream::start().await.unwrap();
    let runtime = Local::new().provider("openai", moved(&upstream)).build().unwrap();
    let error = block_model_requests(asked(agent().model(MODEL), runtime, "go")).await;
    assert_eq!(upstream.counts().requests, 0);
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_fifteen_codes_is_reached_and_says_what_to_do() {
    let reached = [
        (Code::Unknown, unknown().await),
        (Code::Provider, provider().await),
        (Code::ProviderTimeout, provider_timeout().await),
        (Code::ProviderAuth, provider_auth().await),
        (Code::RateLimit, rate_limit().await),
        (Code::AllFailed, all_failed().await),
        (Code::Budget, budget().await),
        (Code::Loop, a_loop().await),
        (Code::Context, context().await),
        (Code::License, license().await),
        (Code::Guardrail, guardrail().await),
        (Code::KillSwitch, kill_switch().await),
        (Code::Tool, a_tool().await),
        (Code::ToolPerm, tool_perm().await),
        (Code::ModelBlocked, model_blocked().await),
    ];
    let mut shown = String::new();
    for (code, error) in reached {
        assert_eq!(error.code(), code, "{error}");
        let retryable = if error.retryable() { "retryable" } else { "not retryable" };
        assert_eq!(error.retryable(), code.retryable(), "{error}");
        writeln!(shown, "# {code}, {retryable}\n{error}\n").unwrap();
    }
    // Small sums follow the price book.
    let shown = Regex::new(r"\$0\.\d{5,}").unwrap().replace_all(&shown, "[SUM]");
    insta::assert_snapshot!("contract_reached", shown);
}
