//! Agents that can be trusted: every run goes through one engine, its tools are checked before
//! they run, its budget cannot be overrun, secrets leave neither for the model nor for the
//! journal, and how it came about can be read afterwards. This is the library; the `largestack`
//! binary is built on the same parts. It is the only crate here that promises not to break you:
//! the ones below it may change.
//!
//! ```
//! use largestack::{Agent, Scope, tool};
//! use largestack_testkit::{TestModel, Turn};
//!
//! /// Adds two numbers.
//! #[tool(idempotent)]
//! fn add(a: i64, b: i64) -> i64 {
//!     a + b
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> largestack::Result<()> {
//! // With a provider's key in the environment this is `largestack::local()?` instead.
//! let model = TestModel::new([Turn::tool("add", r#"{"a":19,"b":23}"#), Turn::text("It is 42.")]);
//! let runtime = largestack::local_with(model)?;
//! let agent = Agent::builder("adder").model("test/model").tool(add()).build(runtime)?;
//! let answer = agent.run(&Scope::local(), "What is 19 + 23?").await?;
//! assert_eq!(answer.output, "It is 42.");
//! # Ok(())
//! # }
//! ```
//!
//! An answer can be any type that has a JSON Schema, and what a run is given has a type, too: see
//! [`Agent`]. What it says while it is being written is there as it grows:
//!
//! ```
//! use futures::StreamExt as _;
//! use largestack::{Agent, RunOptions, Scope};
//! # use largestack_testkit::{TestModel, Turn};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Cities { names: Vec<String> }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> largestack::Result<()> {
//! # let model = TestModel::new([Turn::text(r#"{"names":["Bergen","Oslo"]}"#).pieces(4)]);
//! # let runtime = largestack::local_with(model)?;
//! let agent = Agent::builder("cities").model("test/model").output::<Cities>().build(runtime)?;
//! let mut stream =
//!     agent.stream(&Scope::local(), "Which?", (), RunOptions::default()).await?;
//! let mut partial = stream.partial::<serde_json::Value>();
//! while let Some(so_far) = partial.next().await {
//!     assert!(so_far.is_object());
//! }
//! assert_eq!(stream.finish().await?.output.names, ["Bergen", "Oslo"]);
//! # Ok(())
//! # }
//! ```

mod agent;
pub mod cost;
mod local;

#[doc(hidden)]
pub mod __private {
    include!("private.rs");
}

pub use agent::{Agent, AgentBuilder, Answer, AnswerStream, OneOf, Retry, SubAgent};
pub use largestack_agent::pipeline::Permissions;
pub use largestack_agent::{
    Adjusted, Attempt, Below, Branch, CancelHandle, Captured, CapturedRun, Conversations, Deferral,
    Followed, Follower, Fork, Input, Memory, Partial, Position, Report, ResumeOptions, RunEvent,
    RunHandle, RunOptions, Runs, Runtime, Toolset, capture_run,
};
pub use largestack_cassette::{Cassette, RecordMode, stable};
pub use largestack_engine::event::DoubtDecision;
pub use largestack_engine::{EndReason, InDoubt, Status};
pub use largestack_gateway::{Gateway, ProviderRule, block_model_requests};
pub use largestack_guard::content::{
    ContentPolicy, LengthPolicy, OutputAction, OutputPolicy, Place as GuardPlace, RuleAction,
    RulePolicy, SelfHarmAction, SelfHarmPolicy, TopicPolicy, WholeAction,
};
pub use largestack_guard::inject::{Action as InjectionAction, Policy as InjectionPolicy};
pub use largestack_guard::leak::{LeakAction, LeakPolicy};
pub use largestack_guard::{Action as GuardAction, Policy as GuardPolicy};
pub use largestack_macros::tool;
pub use largestack_ports::context::{RunContext, SoFar};
pub use largestack_ports::tool::{
    Tool, ToolContext, ToolFailure, ToolFor, ToolOptions, ToolOutput,
};
pub use largestack_ports::tree::Doubt;
pub use largestack_types::call::{Call, OnLoss, OutputMode, Settings};
pub use largestack_types::errors::{
    BudgetExceededError, GuardrailBlockedError, KillSwitchActivatedError, LargestackError,
    LoopDetectedError, ModelRequestsBlockedError, OutputError, ProviderError, Result,
    ToolExecutionError, ToolPermissionError,
};
pub use largestack_types::limits::{Limits, OnLimit};
pub use largestack_types::money::Money;
pub use largestack_types::scope::{NotATenant, Scope, TenantId};
pub use local::{Local, local, local_gateway, local_with};

/// Every error by name, with the trait that gives its code, suggestion and page.
pub mod errors {
    pub use largestack_types::errors::*;
}

/// Policies of one's own about calls of tools. They are asked after permissions, guards and labels, can
/// only tighten what these say, and what none of them permits is refused. With the feature `cedar` they
/// are written in Cedar; any other language stands behind the same trait.
///
/// ```
/// # #[cfg(feature = "cedar")]
/// # fn main() -> largestack::Result<()> {
/// use std::sync::Arc;
///
/// use largestack::policies::CedarPolicies;
/// # use largestack_testkit::{TestModel, Turn};
///
/// /// Pays somebody.
/// #[largestack::tool(capabilities = "pay")]
/// fn pay(to: String, amount: i64) -> String {
///     format!("{amount} to {to}")
/// }
///
/// let policies = CedarPolicies::parse([("policies.cedar", r#"
///     permit(principal, action, resource);
///     @id("most") forbid(principal, action, resource == Tool::"pay")
///     when { context.arguments.amount > 100 };
/// "#)])?;
/// # let runtime = largestack::local_with(TestModel::new([Turn::text("")]))?;
/// let agent = largestack::Agent::builder("clerk")
///     .model("test/model")
///     .tool(pay())
///     .policies(Arc::new(policies))
///     .build(runtime)?;
/// # let _ = agent;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "cedar"))]
/// # fn main() {}
/// ```
pub mod policies {
    #[cfg(feature = "cedar")]
    pub use largestack_cedar::CedarPolicies;
    pub use largestack_ports::policies::{BoundTool, CallPolicies, Decided, Policies, PolicyCall};
    pub use largestack_types::policy::{Decision, Reason};
}

/// Agents without types: what YAML files and bindings use, and what every typed agent stands on.
/// Their answers are words or JSON values, and what their runs are given is `Any`.
pub mod dynamic {
    pub use largestack_agent::{Agent, AgentBuilder, Output, OutputTurn, RunStream};
}

/// Workflows: agents, functions and questions to people as the nodes of one durable run, and
/// [`patterns`](flow::patterns) of them.
///
/// ```
/// use largestack::flow::{Function, NodeOutput, Workflow};
/// use largestack::{Agent, Scope};
/// use largestack_testkit::{TestModel, Turn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> largestack::Result<()> {
/// # let model = TestModel::new([Turn::text("Bees dance.")]);
/// let runtime = largestack::local_with(model)?;
/// let writer = Agent::builder("writer").model("test/model").build(runtime.clone())?;
/// let count = Function::new(|context| async move {
///     let draft: String = context.get("draft")?;
///     NodeOutput::of(&draft.split_whitespace().count())
/// });
/// let flow = Workflow::builder("report")
///     .input("task")
///     .agent("draft", writer.dynamic(), "Write about {{ task }}.")
///     .function("words", count)
///     .then("draft", "words")
///     .build(runtime)?;
/// let report = flow.run(&Scope::local(), "bees").await?;
/// assert_eq!(report.output::<u32>()?, 2);
/// # Ok(())
/// # }
/// ```
pub mod flow {
    pub use largestack_engine::graph::{
        Case, Edge, Expression, Graph, GraphLimits, Join, Node, NodeState, OnFailure, Reducer,
        Restarts, Retry, Supervision, Template, Test, Undo, Work, Writes,
    };
    pub use largestack_flow::*;
    pub use largestack_types::id::RunId;
}

/// Runs that any of many processes does: a [`Worker`](worker::Worker) takes them from the queue of a
/// store that processes share, which is `Local::postgres`; whoever enqueues one goes away.
pub mod worker {
    pub use largestack_flow::worker::*;
    pub use largestack_ports::queue::{Entry, Job, Queue, ROOM, State};
}

/// Runs whose facts a Restate server keeps: a [`Service`](restate::Service) of agents and workflows,
/// over a [`RestateJournal`](restate::RestateJournal) that is put under a [`Runtime`].
#[cfg(feature = "restate")]
pub mod restate {
    pub use largestack_restate::journal::{engine_at, ingress_of};
    pub use largestack_restate::{
        Client, Outcome, Question, Register, RestateJournal, Served, Service, ServiceEvent,
        Timeouts, Told, Work, waits,
    };
}

/// Runs that need not be kept, or not with all their events: [`Runs::prune`] and [`Runs::compact`].
pub mod retention {
    pub use largestack_agent::compact::Shrunk;
    pub use largestack_ports::retention::{Kept, Pruned, Rule};
}

/// Questions to people that runs wait for: on which terms they are asked, and how they are answered.
pub mod approvals {
    pub use largestack_agent::ApprovalPolicy;
    pub use largestack_ports::approvals::*;
    pub use largestack_ports::tool::{ApprovalRule, Capabilities, Capability};
    pub use largestack_types::id::ApprovalId;
}

/// Events from outside that runs wait for: how they are sent and signed. A tool waits by
/// [`ToolOutput::wait_for`](largestack_ports::tool::ToolOutput::wait_for).
pub mod signals {
    pub use largestack_agent::signals::{Delivered, send};
    pub use largestack_ports::signals::*;
    pub use largestack_ports::tool::{LONGEST_WAIT, Until};
    #[cfg(feature = "sqlite")]
    pub use largestack_store::signed;
}

/// What untrusted text and private data in a run leave of its tools: [`AgentBuilder::taint`].
pub mod taint {
    pub use largestack_policy::{OnUntrusted, Taint};
    pub use largestack_types::policy::{Decision, Reason};
    pub use largestack_types::tool::{Capabilities, Capability};
}

/// A licence that the operator of a deployment asks for; nobody else does.
pub mod license {
    pub use largestack_config::{Claims, Issuer, License, Licensed};
    pub use largestack_ports::license::License as Requirement;
}

/// Messages and their parts.
pub mod message {
    pub use largestack_types::label::{DataClass, DataClasses, Label, Origin, Origins};
    pub use largestack_types::message::{Message, Role};
    pub use largestack_types::part::{
        Arguments, Body, Citation, Media, MediaKind, MediaSource, Part, PartId, Reasoning,
        ToolCall, ToolResult,
    };
}

/// Conversations that runs continue: [`RunOptions::session`] names one, [`Memory`] says how much of
/// it a run is told, and [`Conversations`] lists, exports and forgets them.
pub mod session {
    pub use largestack_agent::memory::Window;
    pub use largestack_ports::sessions::{Conversation, Digest, Exchange, Session, SessionKey};
    pub use largestack_ports::tokenizer::Tokenizer;
    #[cfg(feature = "tokens")]
    pub use largestack_tokens::Tiktoken;
    pub use largestack_types::id::SessionId;
}

/// What an agent's own stages are made of.
pub mod stage {
    pub use largestack_agent::stage::*;
}

/// The built-in tools, and the way out that those of the web need.
pub mod tools {
    pub use largestack_http::{HttpEgress, Network, SystemClock};
    pub use largestack_tools::*;
    #[cfg(feature = "wasm")]
    pub use largestack_wasm::WasmCommands;
}

/// Rows of the provider table, for providers of one's own.
pub mod providers {
    pub use largestack_wire::Patience;
    pub use largestack_wire::provider::{Auth, Section};
}

/// Prices of one's own.
pub mod prices {
    pub use largestack_wire::price::{BadBook, Book, Section};
}

/// What a runtime is made of, for those who bring their own parts.
pub mod ports {
    pub use largestack_ports::*;
}

/// What a model says, for models of one's own.
pub mod reply {
    pub use largestack_types::reply::{FinishReason, Reply};
    pub use largestack_types::usage::Usage;
}

/// What happened in a run, as its journal holds it.
pub mod event {
    pub use largestack_engine::event::*;
}
