//! What a call may do beside what the run has read.

use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_engine::event::PolicyDecided;
use largestack_policy::{Judged, Taint, ToolCall};
use largestack_types::errors::{Result, ToolPermissionError};
use largestack_types::label::Origin;
use largestack_types::part::{Arguments, Body};
use largestack_types::policy::Decision;

use crate::stage::{Ruling, Stage, StageContext, ToolTurn, Verdict};
use crate::tools::Registry;

/// Holds a call against the labels of everything that the model had read when it wrote it.
pub(crate) struct Judge {
    pub(crate) taint: Taint,
    /// Whether a person can be asked; else what needs one is refused.
    pub(crate) can_ask: bool,
    pub(crate) raise: bool,
}

impl Judge {
    /// It, where there is a tool that it could ever have something to say of.
    pub(crate) fn of(self, tools: &Registry) -> Option<Self> {
        let concerned = tools.iter().any(|entry| {
            let is_agent = entry.tool.spec().origin == Origin::Agent;
            self.taint.concerns(&entry.options.access.capabilities, is_agent)
        });
        concerned.then_some(self)
    }

    fn rule(&self, context: &StageContext, turn: &ToolTurn) -> Ruling<ToolTurn> {
        let Some(judged) = self.judge(context, turn) else { return Ruling::pass() };
        let verdict = match judged.decision {
            Decision::Allow => Verdict::Continue,
            // Whoever was asked about this very call was told what is said here, whichever stage has
            // asked: they can lift the one and not the other.
            Decision::RequireApproval if turn.approved => Verdict::Continue,
            Decision::RequireApproval if self.can_ask => Verdict::Suspend(judged.why().into()),
            Decision::RequireApproval | Decision::Refuse => self.refused(context, turn, &judged),
        };
        let decided = PolicyDecided {
            effect: context.effect,
            action: "tool_call".into(),
            resource: Arc::clone(&turn.call.name),
            label: turn.label,
            decision: judged.decision,
            reasons: judged.reasons,
        };
        Ruling { decided: Some(Box::new(decided)), ..Ruling::of(verdict) }
    }

    fn judge(&self, context: &StageContext, turn: &ToolTurn) -> Option<Judged> {
        let access = &turn.options.as_deref()?.access;
        let arguments = match &turn.call.arguments {
            Arguments::Json(json) => Some(json),
            Arguments::Malformed(_) => None,
        };
        self.taint.judge(&ToolCall {
            tool: &turn.call.name,
            does: &access.capabilities,
            may_have: access.reveals,
            arguments,
            placeholders: context.guard.held_in(turn.call.arguments.as_str()),
            label: turn.label,
            messages: &turn.messages,
            is_agent: turn.tool.as_ref().is_some_and(|tool| tool.origin == Origin::Agent),
            computed: context.computed,
        })
    }

    fn refused(
        &self,
        context: &StageContext,
        turn: &ToolTurn,
        judged: &Judged,
    ) -> Verdict<ToolTurn> {
        let tool = Arc::clone(&turn.call.name);
        let nobody = match judged.decision {
            Decision::RequireApproval => ", and nobody can be asked here",
            _ => "",
        };
        let why = format!("{}{nobody}{}", judged.why(), self.vouching(turn));
        if self.raise {
            let agent = Arc::clone(&context.agent);
            let error = ToolPermissionError { tool, agent, arguments: Some(why) };
            return Verdict::Block(error.into());
        }
        let text = format!("Denied (LARGESTACK_TOOL_PERM): `{tool}` was not called: {why}.");
        Verdict::Retry(text.into())
    }
}

impl Judge {
    /// How an operator vouches for the first untrusted result that was read; empty without one.
    fn vouching(&self, turn: &ToolTurn) -> String {
        if self.taint.untrusted_in(turn.label).is_empty() {
            return String::new();
        }
        let mut parts = turn.messages.iter().flat_map(|message| &message.parts);
        let first = parts.find_map(|part| match &part.body {
            Body::ToolResult(result) if !self.taint.untrusted_in(part.label).is_empty() => {
                Some(&result.name)
            }
            _ => None,
        });
        first.map_or_else(String::new, |name| {
            format!("; `tools.{name}.origin` says who vouches for what `{name}` returns")
        })
    }
}

impl Stage<ToolTurn> for Judge {
    fn name(&self) -> &'static str {
        "taint"
    }

    fn at_once(&self, context: &StageContext, turn: &ToolTurn) -> Option<Result<Ruling<ToolTurn>>> {
        Some(Ok(self.rule(context, turn)))
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        Box::pin(std::future::ready(Ok(self.rule(context, turn))))
    }
}
