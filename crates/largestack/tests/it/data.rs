//! Agents written in Rust as files: the file loads to the same definition, and what is code is named.

use std::time::Duration;

use largestack::stage::{ResultDraft, ToolTurn, Verdict, hook};
use largestack::{Agent, Retry, tool};
use largestack_agent::pipeline::Permissions;
use largestack_agent::{AgentBuilder, Memory, Output};
use largestack_config::{Environment, Flags, Inputs, Offer};
use largestack_engine::InDoubt;
use largestack_guard::{Action, Policy};
use largestack_ports::tool::Capability;
use largestack_testkit::TestModel;
use largestack_types::call::{OnLoss, OutputMode, PromptCache, ReasoningEffort, Settings};
use largestack_types::error::{Code, Coded as _};
use largestack_types::json::Json;
use largestack_types::limits::{Limits, OnLimit};
use largestack_types::money::Money;

const OFFER: Offer<'static> = Offer {
    tools: &["search_knowledge"],
    knowledge_tool: "search_knowledge",
    models: &["offline/extractive"],
    offline_model: "offline/extractive",
};

fn runtime() -> largestack::Runtime {
    largestack::local_with(TestModel::new([])).unwrap()
}

/// What the file of an agent says, read by whoever reads such files.
fn loaded(file: &str) -> largestack_config::Agent {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("agent.yaml"), file).unwrap();
    let (environment, flags) = (Environment::of([("LARGESTACK_HOME", "/home")]), Flags::new());
    let inputs = Inputs {
        working_folder: folder.path(),
        environment: &environment,
        flags: &flags,
        offer: &OFFER,
    };
    inputs.agent("agent.yaml".as_ref()).unwrap_or_else(|error| panic!("{error}\n{file}")).agent
}

/// The agent that a file describes.
fn built(read: &largestack_config::Agent) -> largestack_agent::Agent {
    let permissions = Permissions {
        allow: read.permissions.allow.clone(),
        deny: read.permissions.deny.clone(),
        allow_capabilities: read.permissions.allow_capabilities.clone(),
        deny_capabilities: read.permissions.deny_capabilities.clone(),
        raise: read.permissions.raise,
    };
    let builder = largestack_agent::Agent::builder(read.name.clone())
        .instructions(read.instructions.clone())
        .model(read.model.clone())
        .settings(read.settings.clone())
        .limits(read.limits.clone())
        .guardrails(read.guardrails)
        .permissions(permissions)
        .retries(read.retries)
        .in_doubt(read.in_doubt);
    let shape = |builder: AgentBuilder| match &read.output {
        None => builder,
        Some(output) => builder.output(
            Output::of(output.schema.schema.clone())
                .named(output.schema.name.clone())
                .mode(output.mode)
                .retries(output.retries),
        ),
    };
    shape(builder).build(runtime()).unwrap()
}

fn everything() -> AgentBuilder {
    let extra = r#"{"user":"a","deep":{"n":[1,2.5,null,true]}}"#;
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer","maximum":5}}}"#;
    largestack_agent::Agent::builder("clerk")
        .instructions("Say ${HOME} as it is.\n\n  Then: \"be\" brief # really\n")
        .model("openai/gpt-4o-mini")
        .settings(Settings {
            max_output_tokens: Some(77),
            temperature: Some(0.25),
            top_p: Some(0.5),
            top_k: Some(3),
            frequency_penalty: Some(-0.5),
            presence_penalty: Some(1.5),
            stop: vec!["END".to_owned(), "no".to_owned(), "- x".to_owned()],
            seed: Some(-7),
            parallel_tool_calls: Some(false),
            reasoning_effort: Some(ReasoningEffort::High),
            reasoning_budget_tokens: Some(2_048),
            prompt_cache: Some(PromptCache::OneHour),
            metadata: [("team".to_owned(), "7".to_owned())].into(),
            on_unsupported: OnLoss::Refuse,
            on_lossy_schema: OnLoss::Refuse,
            extra: Some(Json::parse(extra).unwrap()),
            ..Settings::default()
        })
        .limits(Limits {
            max_turns: 3,
            budget: Some(Money::from_nanos(1_234_567_891)),
            wall_clock: Some(Duration::from_millis(90_500)),
            max_repeats: 0,
            max_idle_turns: 9,
            max_parallel_tools: 2,
            max_tool_calls: Some(11),
            max_depth: 1,
            max_children: 5,
            on_limit: OnLimit::Error,
        })
        .memory(Memory::summary(5_000).ttl(Duration::from_hours(26)))
        .guardrails(Policy { email: Action::Block, ..Policy::default() })
        .permissions(Permissions {
            deny_capabilities: [Capability::Pay, Capability::Send].into(),
            raise: true,
            ..Permissions::default()
        })
        .output(
            Output::of(Json::parse(schema).unwrap())
                .named("count")
                .mode(OutputMode::Tool)
                .retries(4),
        )
        .retries(2)
        .in_doubt(InDoubt::TellModel)
}

#[tokio::test]
async fn an_agent_in_rust_is_written_as_a_file_that_loads_to_the_same_definition() {
    let agent = everything().build(runtime()).unwrap();
    let file = largestack_config::agent_file(&agent.described(None).unwrap());
    let read = loaded(&file);
    assert_eq!(built(&read).definition_hash(), agent.definition_hash(), "{file}");
    assert_eq!(read.memory.ttl, Some(Duration::from_hours(26)));
    assert_eq!(read.memory.tokens, Some(5_000));
    // The least there is, with limits that are none.
    let limits = Limits { budget: None, wall_clock: None, ..Limits::default() };
    let least = Agent::builder("a").model("openai/gpt-4o-mini").instructions("Help.");
    let least = least.limits(limits).build(runtime()).unwrap();
    let file = least.to_yaml().unwrap();
    let read = loaded(&file);
    assert_eq!((read.limits.budget, read.limits.wall_clock), (None, None), "{file}");
    assert_eq!(built(&read).definition_hash(), least.dynamic().definition_hash(), "{file}");
}

/// Doubles.
#[tool(idempotent)]
fn double(n: i64) -> i64 {
    2 * n
}

#[tokio::test]
async fn what_no_file_can_say_is_refused_by_its_name() {
    let other = Agent::builder("spare").model("openai/gpt-4o-mini").instructions("Help.");
    let runtime = runtime();
    let other = other.build(runtime.clone()).unwrap();
    let agent = Agent::builder("a")
        .model("openai/gpt-4o-mini")
        .instructions("Help.")
        .instruct(|_| "Today.".to_owned())
        .tool(double())
        .before_tool(hook("boss", |_, _: &ToolTurn| Verdict::Continue))
        .after_tool(hook("clerk", |_, _: &ResultDraft| Verdict::Continue))
        .fallback(&other)
        .check(|_, _| Err(Retry::with("no")))
        .build(runtime)
        .unwrap();
    let error = agent.to_yaml().unwrap_err();
    assert_eq!(error.code(), Code::Config);
    for named in [
        "the tool `double`",
        "the hook before tools `boss`",
        "the hook after tools `clerk`",
        "the check",
        "the agent `spare`",
        "instructions made for each run",
    ] {
        assert!(error.message().contains(named), "{named}: {error}");
    }
}
