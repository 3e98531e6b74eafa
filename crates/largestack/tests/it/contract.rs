//! The error contract through the library: codes reached for real, matched by name, with what a
//! caller branches on.

use largestack::errors::{Code, Coded as _};
use largestack::{
    Agent, GuardAction, GuardPolicy, LargestackError, Limits, OnLimit, RunOptions, Runs, Scope,
    ToolFailure, block_model_requests, tool,
};
use largestack_testkit::{TestModel, Turn};

/// Always fails.
#[tool(idempotent)]
pub(crate) fn broken(what: String) -> Result<String, ToolFailure> {
    Err(ToolFailure::new(what + " is broken"))
}

/// Says the same whatever it is asked.
#[tool(idempotent)]
pub(crate) fn echo(what: String) -> String {
    what
}

/// That an error prints what it means, what to do and where to read on, and is not retried.
fn is(error: &LargestackError, code: Code) {
    assert_eq!(error.code(), code, "{error}");
    let shown = error.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].starts_with("  Suggestion: "), "{shown}");
    assert!(lines[2].starts_with("  Docs: ") && lines[2].ends_with(code.name()), "{shown}");
    assert_eq!(error.retryable(), code.retryable());
}

#[tokio::test]
async fn a_loop_is_matched_by_name_when_limits_are_errors() {
    let model = TestModel::repeating([Turn::tool("echo", r#"{"what":"a"}"#)]);
    let limits = Limits { max_repeats: 2, on_limit: OnLimit::Error, ..Limits::default() };
    let agent = Agent::builder("a").model("test/m").tool(echo()).limits(limits);
    let agent = agent.build(largestack::local_with(model).unwrap()).unwrap();
    let error = agent.run(&Scope::local(), "go").await.unwrap_err();
    is(&error, Code::Loop);
    assert!(matches!(error, LargestackError::LoopDetectedError(_)));
}

#[tokio::test]
async fn a_guard_that_blocks_names_itself() {
    let policy = GuardPolicy { card: GuardAction::Block, ..GuardPolicy::default() };
    let agent = Agent::builder("a").model("test/m").guardrails(policy);
    let model = TestModel::new([Turn::text("never")]);
    let agent = agent.build(largestack::local_with(model).unwrap()).unwrap();
    let asked = agent.run(&Scope::local(), "charge 4111 1111 1111 1111").await;
    let error = asked.unwrap_err();
    is(&error, Code::Guardrail);
    assert_eq!(error.guard_type(), Some("card"));
}

#[tokio::test]
async fn a_tool_that_raises_ends_the_run_with_its_error() {
    let model = TestModel::new([Turn::tool("broken", r#"{"what":"it"}"#)]);
    let agent = Agent::builder("a").model("test/m").tool(broken());
    let agent = agent.tool_options("broken", |options| options.raise = true);
    let agent = agent.build(largestack::local_with(model).unwrap()).unwrap();
    let error = agent.run(&Scope::local(), "go").await.unwrap_err();
    is(&error, Code::Tool);
    assert!(error.to_string().contains("it is broken"), "{error}");
}

#[tokio::test]
async fn blocked_requests_reach_no_provider() {
    let agent = Agent::builder("a").model("openai/gpt-4o-mini");
    let agent = agent.build(largestack::local().unwrap()).unwrap();
    let scope = Scope::local();
    let error = block_model_requests(agent.run(&scope, "go")).await.unwrap_err();
    is(&error, Code::ModelBlocked);
}

#[tokio::test]
async fn a_run_that_is_started_where_requests_are_blocked_reaches_no_provider_either() {
    let runtime = largestack::local().unwrap();
    let agent = Agent::builder("a").model("openai/gpt-4o-mini").build(runtime.clone()).unwrap();
    let (scope, runs) = (Scope::local(), Runs::new(runtime));
    let started = agent.start(&runs, &scope, "go", (), RunOptions::default());
    let run = block_model_requests(started).await.unwrap();
    let report = run.report().await.unwrap();
    is(report.error.as_ref().unwrap(), Code::ModelBlocked);
}
