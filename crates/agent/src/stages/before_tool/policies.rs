//! What the operator's own policies say of a call. They are asked after labels have been looked at, and
//! can only refuse what everything else lets through, or have a person asked.

use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_engine::event::PolicyDecided;
use largestack_policy::{Taint, ToolCall, is_users_own};
use largestack_ports::policies::{BoundTool, CallPolicies, Decided, Policies, PolicyCall};
use largestack_types::errors::{Result, ToolPermissionError};
use largestack_types::part::Arguments;
use largestack_types::policy::{Decision, Reason};

use crate::stage::{Ruling, Stage, StageContext, ToolTurn, Verdict};
use crate::tools::Registry;

/// Asks policies about each call.
pub(crate) struct Decide {
    policies: Arc<dyn CallPolicies>,
    taint: Taint,
    model: Arc<str>,
    /// Whether a person can be asked; else what needs one is refused.
    can_ask: bool,
    raise: bool,
}

impl Decide {
    /// Policies, held against an agent's tools; what is wrong with them otherwise.
    pub(crate) fn of(
        policies: &dyn Policies,
        registry: &Registry,
        (taint, model): (Taint, Arc<str>),
        (can_ask, raise): (bool, bool),
    ) -> std::result::Result<Self, Vec<String>> {
        let tools: Vec<BoundTool<'_>> = registry
            .iter()
            .map(|entry| {
                let spec = entry.tool.spec();
                BoundTool {
                    name: &spec.name,
                    does: &entry.options.access.capabilities,
                    parameters: &spec.parameters,
                }
            })
            .collect();
        Ok(Self { policies: policies.bind(&tools)?, taint, model, can_ask, raise })
    }

    fn rule(&self, context: &StageContext, turn: &ToolTurn) -> Ruling<ToolTurn> {
        let Some(decided) = self.decided(context, turn) else { return Ruling::pass() };
        let verdict = match decided.decision {
            Decision::Allow => Verdict::Continue,
            Decision::RequireApproval if turn.approved => Verdict::Continue,
            Decision::RequireApproval if self.can_ask => Verdict::Suspend(why(&decided, "").into()),
            Decision::RequireApproval => {
                self.refused(context, turn, why(&decided, ", and nobody can be asked here"))
            }
            Decision::Refuse => self.refused(context, turn, why(&decided, "")),
        };
        let decided = PolicyDecided {
            effect: context.effect,
            action: "tool_call".into(),
            resource: Arc::clone(&turn.call.name),
            label: turn.label,
            decision: decided.decision,
            reasons: decided.reasons,
        };
        Ruling { decided: Some(Box::new(decided)), ..Ruling::of(verdict) }
    }

    /// `None` for what is no call of a tool of the agent's: the stages before have refused it.
    fn decided(&self, context: &StageContext, turn: &ToolTurn) -> Option<Decided> {
        let access = &turn.options.as_deref()?.access;
        let Arguments::Json(arguments) = &turn.call.arguments else { return None };
        let placeholders = context.guard.held_in(turn.call.arguments.as_str());
        let from_user = is_users_own(&ToolCall {
            tool: &turn.call.name,
            does: &access.capabilities,
            arguments: Some(arguments),
            messages: &turn.messages,
            ..ToolCall::default()
        });
        Some(self.policies.decide(&PolicyCall {
            scope: &context.scope,
            agent: &context.agent,
            model: &self.model,
            tool: &turn.call.name,
            arguments,
            placeholders,
            label: turn.label,
            untrusted: !self.taint.untrusted_in(turn.label).is_empty(),
            from_user,
            approved: turn.approved,
            cost: turn.cost,
        }))
    }

    fn refused(&self, context: &StageContext, turn: &ToolTurn, why: String) -> Verdict<ToolTurn> {
        let tool = Arc::clone(&turn.call.name);
        if self.raise {
            let agent = Arc::clone(&context.agent);
            let error = ToolPermissionError { tool, agent, arguments: Some(why) };
            return Verdict::Block(error.into());
        }
        let text = format!("Denied (LARGESTACK_TOOL_PERM): `{tool}` was not called: {why}.");
        Verdict::Retry(text.into())
    }
}

/// The reasons that have decided, in one sentence each.
fn why(decided: &Decided, more: &str) -> String {
    let said = decided.reasons.iter().filter(|reason| reason.decision == decided.decision);
    let said: Vec<String> =
        said.map(|Reason { policy, why, .. }| format!("{why} (`{policy}`)")).collect();
    format!("{}{more}", said.join("; "))
}

impl Stage<ToolTurn> for Decide {
    fn name(&self) -> &'static str {
        "policies"
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
