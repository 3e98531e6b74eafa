//! Calls that a person has to agree to.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_ports::tool::{ApprovalRule, Capabilities, Capability};
use largestack_types::errors::Result;

use crate::stage::{Ruling, Stage, StageContext, ToolTurn, Verdict};

/// Asks about calls of tools that say so, and of those that do what the agent's rules name.
pub(crate) struct Approve {
    pub(crate) capabilities: Capabilities,
    /// Tools that the agent's rules name.
    pub(crate) tools: BTreeSet<Arc<str>>,
}

impl Approve {
    /// Why a person is asked; `None` where nobody is.
    fn reason(&self, turn: &ToolTurn) -> Option<String> {
        let access = &turn.options.as_deref()?.access;
        let tool = &turn.call.name;
        match access.approval {
            _ if self.tools.contains(tool) => Some(format!("`{tool}` runs with approval only")),
            ApprovalRule::Never => None,
            ApprovalRule::Required => Some(format!("`{tool}` runs with approval only")),
            ApprovalRule::Unsaid => {
                let named = access.capabilities.intersection(&self.capabilities);
                let named: Vec<&str> = named.copied().map(Capability::name).collect();
                let what = named.join(", ");
                (!named.is_empty()).then(|| format!("`{tool}` may {what}: with approval only"))
            }
        }
    }
}

impl Stage<ToolTurn> for Approve {
    fn name(&self) -> &'static str {
        "approve"
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        let reason = if turn.approved { None } else { self.reason(turn) };
        let verdict = reason.map_or(Verdict::Continue, |reason| Verdict::Suspend(reason.into()));
        Box::pin(std::future::ready(Ok(Ruling::of(verdict))))
    }
}
