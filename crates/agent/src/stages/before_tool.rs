//! Stages of a tool call before it runs.

use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_types::errors::{Result, ToolPermissionError};
use largestack_types::part::{Arguments, PartId};

use crate::pipeline::Permissions;
use crate::stage::{Ruling, Stage, StageContext, ToolTurn, Verdict};
use crate::tools::{ArgumentRules, Validators};

mod approve;
mod policies;
mod rates;
mod taint;

pub(crate) use approve::Approve;
pub(crate) use policies::Decide;
pub(crate) use rates::Rates;
pub(crate) use taint::Judge;

/// Refuses tools the agent does not have or may not use.
pub(crate) struct Permission(pub(crate) Permissions);

impl Permission {
    fn permits(&self, turn: &ToolTurn) -> bool {
        let access = turn.options.as_deref().map(|options| &options.access);
        access.is_some_and(|access| self.0.permit(&turn.call.name, &access.capabilities))
    }

    fn rule(&self, context: &StageContext, turn: &ToolTurn) -> Ruling<ToolTurn> {
        let name = &turn.call.name;
        let verdict = if turn.tool.is_none() {
            Verdict::Retry(format!("There is no tool `{name}`.").into())
        } else if self.permits(turn) {
            Verdict::Continue
        } else {
            denied(self.0.raise, (&context.agent, name), None)
        };
        Ruling::of(verdict)
    }
}

impl Stage<ToolTurn> for Permission {
    fn name(&self) -> &'static str {
        "permission"
    }

    fn at_once(&self, context: &StageContext, turn: &ToolTurn) -> Option<Result<Ruling<ToolTurn>>> {
        Some(Ok(self.rule(context, turn)))
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        Box::pin(ready(Ok(self.rule(context, turn))))
    }
}

/// What becomes of a call that is denied: the model is told, or the run ends.
fn denied(
    raise: bool,
    (agent, tool): (&Arc<str>, &Arc<str>),
    why: Option<String>,
) -> Verdict<ToolTurn> {
    if raise {
        let (tool, agent) = (Arc::clone(tool), Arc::clone(agent));
        return Verdict::Block(ToolPermissionError { tool, agent, arguments: why }.into());
    }
    let text = match why {
        None => format!("Denied (LARGESTACK_TOOL_PERM): {agent} may not use `{tool}`."),
        Some(why) => format!(
            "Denied (LARGESTACK_TOOL_PERM): `{tool}` may not be called with these arguments:{why}"
        ),
    };
    Verdict::Retry(text.into())
}

/// Checks the arguments against the tool's schema: a function never sees arguments that do not
/// fit.
pub(crate) struct Validate(pub(crate) Arc<Validators>);

impl Stage<ToolTurn> for Validate {
    fn name(&self) -> &'static str {
        "validate"
    }

    fn at_once(&self, _: &StageContext, turn: &ToolTurn) -> Option<Result<Ruling<ToolTurn>>> {
        Some(Ok(self.rule(turn)))
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        Box::pin(ready(Ok(self.rule(turn))))
    }
}

impl Validate {
    fn rule(&self, turn: &ToolTurn) -> Ruling<ToolTurn> {
        let verdict = match &turn.call.arguments {
            Arguments::Malformed(text) => Verdict::Retry(malformed(text).into()),
            Arguments::Json(json) => match self.0.check(&turn.call.name, json) {
                Ok(()) => Verdict::Continue,
                Err(problems) => Verdict::Retry(problems.into()),
            },
        };
        Ruling::of(verdict)
    }
}

/// Denies arguments that the operator does not allow.
pub(crate) struct Rules {
    pub(crate) rules: ArgumentRules,
    pub(crate) raise: bool,
}

impl Stage<ToolTurn> for Rules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        let tool = &turn.call.name;
        let verdict = match &turn.call.arguments {
            Arguments::Malformed(_) => Verdict::Continue,
            Arguments::Json(json) => {
                let problems = self.rules.check(context.scope.tenant(), tool, json);
                problems.map_or(Verdict::Continue, |problems| {
                    denied(self.raise, (&context.agent, tool), Some(problems))
                })
            }
        };
        Box::pin(ready(Ok(Ruling::of(verdict))))
    }
}

fn malformed(text: &str) -> String {
    let why = match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Err(error) => error.to_string(),
        Ok(_) => "not an object".to_owned(),
    };
    format!("The arguments are not valid JSON ({why}). Call the tool again with a JSON object.")
}

/// Takes sensitive values out of arguments that reach a tool by another way than the model's
/// reply (an approval's edit); the reply itself has been through `guard_output`.
pub(crate) struct GuardArguments;

impl Stage<ToolTurn> for GuardArguments {
    fn name(&self) -> &'static str {
        "guard_arguments"
    }

    fn at_once(&self, context: &StageContext, turn: &ToolTurn) -> Option<Result<Ruling<ToolTurn>>> {
        context.guard.passes_arguments(&turn.call.arguments).then(|| Ok(Ruling::pass()))
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        Box::pin(async move {
            let part = PartId::at(context.effect, 0);
            let arguments = &turn.call.arguments;
            let guarded = context.guard.arguments(part, "tool arguments", turn.label, arguments);
            let guarded = guarded.await?;
            let Some(text) = guarded.text else {
                return Ok(Ruling::pass());
            };
            let mut turn = turn.clone();
            turn.call.arguments = Arguments::from_text(&text);
            turn.label = guarded.label;
            Ok(Ruling::found(Verdict::Replace(turn), guarded.findings))
        })
    }
}
