//! What the code of an agent's author is told of the run it works for: its tools, instructions and
//! the checks of its answers. None of it is shown to a model.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use largestack_types::id::RunId;
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_types::usage::Usage;

use crate::tool::{ToolContext, ToolFailure};

/// What a run has come to so far.
#[derive(Clone, Debug, Default)]
pub struct SoFar {
    /// Turns answered.
    pub turns: u32,
    /// Tokens, in and out, of every call of the run.
    pub usage: Usage,
    /// Cost.
    pub cost: Money,
    /// The conversation, instructions first: placeholders in place of sensitive values.
    pub messages: Arc<Vec<Arc<Message>>>,
}

/// A run, with what its caller gave it. Cheap to clone; a parameter of this type is filled in and
/// invisible to the model.
pub struct RunContext<Deps = ()> {
    /// What the caller gave the run.
    pub deps: Arc<Deps>,
    /// Whose run it is.
    pub scope: Scope,
    /// The run; nil while its instructions are made.
    pub run: RunId,
    /// How often this was tried before: the attempts of a tool call, the answers sent back.
    pub retries: u32,
    /// What it has come to.
    pub so_far: SoFar,
}

impl<Deps> Clone for RunContext<Deps> {
    fn clone(&self) -> Self {
        Self {
            deps: Arc::clone(&self.deps),
            scope: self.scope.clone(),
            run: self.run,
            retries: self.retries,
            so_far: self.so_far.clone(),
        }
    }
}

impl<Deps> fmt::Debug for RunContext<Deps> {
    /// Without the dependencies: they may hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunContext").field("run", &self.run).finish_non_exhaustive()
    }
}

impl<Deps> Deref for RunContext<Deps> {
    type Target = Deps;

    fn deref(&self) -> &Deps {
        &self.deps
    }
}

impl<Deps: Send + Sync + 'static> RunContext<Deps> {
    /// The context of a tool call; a failure where the run was given something else.
    pub fn of_tool(context: &ToolContext) -> Result<Self, ToolFailure> {
        Ok(Self {
            deps: deps(&context.deps).ok_or_else(|| {
                let wanted = std::any::type_name::<Deps>();
                ToolFailure::new(format!("the run was not given the {wanted} that the tool needs"))
            })?,
            scope: context.scope.clone(),
            run: context.run,
            retries: context.attempt.saturating_sub(1),
            so_far: context.so_far.clone(),
        })
    }
}

/// What a run was given, where it is of this type.
pub fn deps<Deps: Send + Sync + 'static>(any: &Arc<dyn Any + Send + Sync>) -> Option<Arc<Deps>> {
    Arc::clone(any).downcast().ok()
}
