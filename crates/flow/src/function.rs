//! The author's own code as a node.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::context::deps;
use largestack_ports::tool::{Cancelled, ToolFailure};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::{DataClasses, Label};
use largestack_types::scope::Scope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a function is told.
#[derive(Clone)]
pub struct NodeContext {
    /// Whose run it is.
    pub scope: Scope,
    /// The run.
    pub run: RunId,
    /// The task.
    pub effect: EffectId,
    /// The node.
    pub node: Arc<str>,
    /// Which try, from 1.
    pub attempt: u32,
    /// The same at every try, unique over all runs: hand it to whatever the function calls.
    pub idempotency_key: Arc<str>,
    /// The state as the node saw it when it was reached, as an object.
    pub state: Arc<Value>,
    /// The element of the list, in a map node.
    pub item: Option<Value>,
    /// What the node says that it is given beside the state.
    pub arguments: Option<Value>,
    /// What the node had said, for a function that undoes it; nothing where that is not known.
    pub output: Option<Value>,
    /// Where everything in the state came from.
    pub label: Label,
    /// What the caller gave the run.
    pub deps: Arc<dyn Any + Send + Sync>,
    /// Set when nobody waits for the result any more.
    pub cancelled: Cancelled,
}

impl NodeContext {
    /// The value under a key of the state, read as what it should be.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T, ToolFailure> {
        let value = self.state.get(key).cloned().unwrap_or(Value::Null);
        read(value, format_args!("`{key}`"))
    }

    /// The whole state, read as what it should be.
    pub fn state<T: DeserializeOwned>(&self) -> Result<T, ToolFailure> {
        read(Value::clone(&self.state), format_args!("the state"))
    }

    /// The element of the list, read as what it should be.
    pub fn item<T: DeserializeOwned>(&self) -> Result<T, ToolFailure> {
        read(self.item.clone().unwrap_or(Value::Null), format_args!("the element"))
    }

    /// What the caller gave the run, where it is of this type.
    pub fn deps<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        deps(&self.deps)
    }
}

impl fmt::Debug for NodeContext {
    /// Without the dependencies: they may hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("NodeContext");
        debug.field("run", &self.run).field("node", &self.node).finish_non_exhaustive()
    }
}

fn read<T: DeserializeOwned>(value: Value, what: fmt::Arguments<'_>) -> Result<T, ToolFailure> {
    serde_json::from_value(value)
        .map_err(|error| ToolFailure::new(format!("{what} is not what it should be: {error}")))
}

/// What a function comes to.
#[derive(Clone, Debug, Default)]
pub struct NodeOutput {
    pub(crate) value: Value,
    pub(crate) choice: Option<Arc<str>>,
    pub(crate) asks: Option<String>,
    /// Where it comes from, beside what the state does.
    pub(crate) label: Option<Label>,
}

impl NodeOutput {
    /// An output.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, ToolFailure> {
        let value = serde_json::to_value(value)
            .map_err(|error| ToolFailure::new(format!("the output is not JSON: {error}")))?;
        Ok(Self { value, ..Self::default() })
    }

    /// Nothing but a choice.
    pub fn choice(choice: impl Into<Arc<str>>) -> Self {
        Self { choice: Some(choice.into()), ..Self::default() }
    }

    /// The same with a choice.
    #[must_use]
    pub fn choosing(mut self, choice: impl Into<Arc<str>>) -> Self {
        self.choice = Some(choice.into());
        self
    }

    /// Asks a person before the node is done: the answer is its choice, and what it has come to
    /// stands beside it as `about`. The function does not run again. Where its node has no choices it
    /// is asked for a yes, and a no fails the node.
    #[must_use]
    pub fn asking(mut self, question: impl Into<String>) -> Self {
        self.asks = Some(question.into());
        self
    }
}

impl From<Value> for NodeOutput {
    fn from(value: Value) -> Self {
        Self { value, ..Self::default() }
    }
}

pub(crate) type Body =
    dyn Fn(NodeContext) -> BoxFuture<'static, Result<NodeOutput, ToolFailure>> + Send + Sync;

/// A function of the author's.
#[derive(Clone)]
pub struct Function {
    pub(crate) body: Arc<Body>,
    /// Whether it may be called again where nobody knows if it was called.
    pub(crate) idempotent: bool,
    pub(crate) reveals: DataClasses,
}

impl Function {
    /// A function that may be called again: it changes nothing outside, or hands its key on.
    pub fn new<F, R>(function: F) -> Self
    where
        F: Fn(NodeContext) -> R + Send + Sync + 'static,
        R: Future<Output = Result<NodeOutput, ToolFailure>> + Send + 'static,
    {
        let body = move |context| -> BoxFuture<'static, _> { Box::pin(function(context)) };
        Self { body: Arc::new(body), idempotent: true, reveals: DataClasses::EMPTY }
    }

    /// A function that must not be called twice: its start is on disk before it is called, and one
    /// that was cut off is in doubt.
    #[must_use]
    pub const fn with_side_effects(mut self) -> Self {
        self.idempotent = false;
        self
    }

    /// Given values of these classes in clear; it is given placeholders of all others.
    #[must_use]
    pub const fn revealing(mut self, classes: DataClasses) -> Self {
        self.reveals = classes;
        self
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("idempotent", &self.idempotent).finish_non_exhaustive()
    }
}
