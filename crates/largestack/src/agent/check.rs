//! Checks of answers in types, as stages of the dynamic agent.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use largestack_agent::OutputTurn;
use largestack_agent::stage::{Ruling, Stage, StageContext, Verdict};
use largestack_ports::BoxFuture;
use largestack_ports::context::{RunContext, deps};
use largestack_types::errors::{Code, LargestackError, Result};
use serde::de::DeserializeOwned;

/// Sends the model back with a hint, as the next turn of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{hint}")]
pub struct Retry {
    hint: Cow<'static, str>,
}

impl Retry {
    /// With this hint, which the model reads.
    pub fn with(hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: hint.into() }
    }
}

/// What a check says.
pub(super) type Said = std::result::Result<(), Retry>;
/// A check of an answer.
pub(super) type Check<Deps, Out> =
    Box<dyn Fn(RunContext<Deps>, Out) -> BoxFuture<'static, Said> + Send + Sync>;

/// A check as a stage. Without one it only sees whether the type can be made of the value.
pub(super) struct Looks<Deps, Out> {
    pub(super) check: Option<Check<Deps, Out>>,
    pub(super) out: PhantomData<fn() -> Out>,
}

impl<Deps, Out> Stage<OutputTurn> for Looks<Deps, Out>
where
    Deps: Send + Sync + 'static,
    Out: DeserializeOwned + Send + 'static,
{
    fn name(&self) -> &'static str {
        if self.check.is_some() { "check" } else { "type" }
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        turn: &'a OutputTurn,
    ) -> BoxFuture<'a, Result<Ruling<OutputTurn>>> {
        Box::pin(async move {
            let out = match Out::deserialize(&*turn.value) {
                Ok(out) => out,
                Err(error) => return Ok(Ruling::of(Verdict::Retry(error.to_string().into()))),
            };
            let Some(check) = &self.check else { return Ok(Ruling::pass()) };
            let Some(deps) = deps::<Deps>(&turn.deps) else {
                let wanted = std::any::type_name::<Deps>();
                let detail = format!("the run was not given the {wanted} that a check needs");
                return Err(LargestackError::other(Code::Input, detail));
            };
            let run = RunContext {
                deps,
                scope: context.scope.clone(),
                run: context.run,
                retries: turn.sent_back,
                so_far: turn.so_far.clone(),
            };
            Ok(match check(run, out).await {
                Ok(()) => Ruling::pass(),
                Err(Retry { hint }) => Ruling::of(Verdict::Retry(Arc::from(hint.as_ref()))),
            })
        })
    }
}
