//! A tool: a name, a schema, and something that happens.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::Label;
use largestack_types::part::{Citation, Media};
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;

use crate::BoxFuture;
use crate::context::SoFar;
use crate::model::CallContext;
use crate::spending::Spending;
use crate::tree::RunTree;

mod options;

mod waits;

pub use options::{
    Access, ApprovalRule, ArgumentRule, Backoff, BreakerOptions, Capabilities, Capability, Growth,
    ToolOptions,
};
pub use waits::{LONGEST_WAIT, Until, Waits};

/// On whose behalf a tool runs.
#[derive(Clone)]
pub struct ToolContext {
    /// Whose call it is.
    pub scope: Scope,
    /// The run.
    pub run: RunId,
    /// The effect within the run.
    pub effect: EffectId,
    /// The same at every attempt, unique over all runs: hand it to whatever the tool calls.
    pub idempotency_key: Arc<str>,
    /// From 1; more after a crash in the middle.
    pub attempt: u32,
    /// The label of the arguments: everything the model had read when it wrote them.
    pub label: Label,
    /// What the caller gave the run for its tools.
    pub deps: Arc<dyn Any + Send + Sync>,
    /// What the run has come to.
    pub so_far: SoFar,
    /// What it may spend at providers itself, and what it has spent.
    pub spending: Spending,
    /// Its place in the tree of runs, for tools that start others.
    pub tree: RunTree,
    /// Set when nobody waits for the result any more: work that cannot be dropped in the middle,
    /// such as a thread, looks here.
    pub cancelled: Cancelled,
}

impl ToolContext {
    /// The context of a call to this model that the tool makes: its run's budgets hold for it. What
    /// an answered call cost is to be noted in [`Self::spending`]; what a failed one did, is.
    pub fn asking(&self, model: &Arc<str>) -> CallContext {
        CallContext {
            scope: self.scope.clone(),
            run: self.run,
            effect: self.effect,
            agent: Arc::clone(self.spending.agent()),
            budgets: Arc::clone(self.spending.budgets()),
            keep_for_last_turn: true,
            deadline: None,
            slot: self.spending.begin(model),
        }
    }
}

/// Whether a call has been given up: its time is over, or its run.
#[derive(Clone, Debug, Default)]
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Whether nobody waits any more.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Says so.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What a tool returns.
#[derive(Clone, Debug, Default)]
pub struct ToolOutput {
    /// What the model reads.
    pub text: String,
    /// Media beside the text.
    pub media: Vec<Media>,
    /// References that support the text.
    pub citations: Vec<Citation>,
    /// The label, where it is not the tool's own origin.
    pub label: Option<Label>,
    /// Tools that were kept back and are offered from the next turn on.
    pub loads: Vec<Arc<str>>,
    /// What the call goes on waiting for: its result is then what comes, and nothing else of this.
    pub waits: Option<Box<Waits>>,
}

impl ToolOutput {
    /// Text only.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Waits for an event from outside; its data is the result. With `most`, no longer than that.
    pub fn wait_for(event: impl Into<Arc<str>>, most: Option<Until>) -> Self {
        let waits = Waits { event: Some(event.into()), until: most };
        Self { waits: Some(Box::new(waits)), ..Self::default() }
    }

    /// Waits for a moment.
    pub fn sleep(until: Until) -> Self {
        let waits = Waits { event: None, until: Some(until) };
        Self { waits: Some(Box::new(waits)), ..Self::default() }
    }

    /// Any value as JSON; a string as it is.
    pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, ToolFailure> {
        match serde_json::to_value(value) {
            Ok(serde_json::Value::String(text)) => Ok(Self::text(text)),
            Ok(value) => Ok(Self::text(value.to_string())),
            Err(error) => Err(ToolFailure::new(format!("the result is not JSON: {error}"))),
        }
    }
}

/// A tool that failed. The model reads `message`, after the guards have seen it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ToolFailure {
    /// What went wrong, for the model: no secrets, no stack.
    pub message: Cow<'static, str>,
    /// Whether trying again can help.
    pub transient: bool,
    /// Whether it is certain that nothing has happened: then even a tool with side effects may be
    /// tried again.
    pub nothing_happened: bool,
    /// The label of what the message quotes, where it is more than the tool's own words.
    pub label: Option<Label>,
}

impl ToolFailure {
    /// A failure that trying again does not mend.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), transient: false, nothing_happened: false, label: None }
    }

    /// A failure that trying again may mend.
    pub fn transient(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), transient: true, nothing_happened: false, label: None }
    }

    /// A failure before anything happened, such as a refused connection: trying again may mend it
    /// and cannot do harm.
    pub fn before_anything(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), transient: true, nothing_happened: true, label: None }
    }

    /// The same, with the label of what its message quotes.
    #[must_use]
    pub fn labelled(self, label: Label) -> Self {
        Self { label: Some(label), ..self }
    }
}

/// A tool that works with what runs of these dependencies are given. `#[tool]` says so of its own:
/// of any, unless the function takes a [`crate::context::RunContext`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool for runs that are given `{Deps}`",
    note = "a tool written by hand is added with `shared_tool`"
)]
pub trait ToolFor<Deps>: Tool {}

/// A tool.
pub trait Tool: Send + Sync + 'static {
    /// What the model is told and the engine must know.
    fn spec(&self) -> &ToolSpec;

    /// How it is run.
    fn options(&self) -> ToolOptions {
        ToolOptions::default()
    }

    /// Runs it. The arguments are a JSON object that fits the schema.
    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>>;
}
