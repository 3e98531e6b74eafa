//! One call of a tool against the policy.

use std::collections::BTreeSet;
use std::sync::Arc;

use largestack_types::json::Json;
use largestack_types::label::{DataClass, DataClasses, Label, Origin};
use largestack_types::message::Message;
use largestack_types::policy::{Decision, Reason};
use largestack_types::tool::{Capabilities, Capability};

use crate::quote;
use crate::taint::Taint;

/// A call that is about to be made, with what it was written from.
#[derive(Clone, Copy, Debug)]
pub struct ToolCall<'c> {
    /// The tool's name.
    pub tool: &'c str,
    /// What it does to the world; empty where nobody has said.
    pub does: &'c Capabilities,
    /// Kinds of data that it may be given.
    pub may_have: DataClasses,
    /// What it is called with, placeholders in place of sensitive values.
    pub arguments: Option<&'c Json>,
    /// The classes of those placeholders.
    pub placeholders: DataClasses,
    /// The label of the arguments: of everything that the model had read.
    pub label: Label,
    /// What it had read, and the call itself.
    pub messages: &'c [Arc<Message>],
    /// Whether it is another agent, whose own calls are judged where they are made.
    pub is_agent: bool,
    /// Whether a program has made it, whose values need not be quotations to say what was read.
    pub computed: bool,
}

static NOTHING: Capabilities = BTreeSet::new();

impl Default for ToolCall<'_> {
    fn default() -> Self {
        Self {
            tool: "",
            does: &NOTHING,
            may_have: DataClasses::EMPTY,
            arguments: None,
            placeholders: DataClasses::EMPTY,
            label: Label::default(),
            messages: &[],
            is_agent: false,
            computed: false,
        }
    }
}

/// What is said of a call, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The strictest of the reasons.
    pub decision: Decision,
    /// Every policy that had something to say.
    pub reasons: Vec<Reason>,
}

impl Judged {
    /// The reasons in one sentence each, those that decided first.
    pub fn why(&self) -> String {
        let mut decided: Vec<&Reason> =
            self.reasons.iter().filter(|reason| reason.decision == self.decision).collect();
        decided.dedup_by(|a, b| a.why == b.why);
        let said: Vec<String> =
            decided.iter().map(|reason| format!("{} (`{}`)", reason.why, reason.policy)).collect();
        said.join("; ")
    }
}

impl Taint {
    /// Whether the policy could ever have something to say of a tool.
    pub fn concerns(&self, does: &Capabilities, is_agent: bool) -> bool {
        let undeclared =
            does.is_empty() && !is_agent && self.on_untrusted.undeclared != Decision::Allow;
        undeclared || does.iter().any(|capability| *capability != Capability::Read)
    }

    /// What the policy says of a call; `None` where it has nothing to say.
    pub fn judge(&self, call: &ToolCall<'_>) -> Option<Judged> {
        if !self.concerns(call.does, call.is_agent) {
            return None;
        }
        let mut reasons = self.beside_untrusted(call);
        reasons.extend(self.with_private(call));
        let decision = reasons.iter().map(|reason| reason.decision).max()?;
        Some(Judged { decision, reasons })
    }

    /// What untrusted text in the context leaves of it.
    fn beside_untrusted(&self, call: &ToolCall<'_>) -> Vec<Reason> {
        let untrusted = self.untrusted_in(call.label);
        if untrusted.is_empty() {
            return Vec::new();
        }
        let origins: Vec<&str> = untrusted.iter().map(Origin::name).collect();
        let read = format!("the context holds untrusted text ({})", origins.join(", "));
        let said = |name: &str, decision, why: String| Reason {
            policy: format!("taint.on_untrusted.{name}").into(),
            decision,
            why: why.into(),
        };
        if call.does.is_empty() {
            let why = format!("nobody has said what `{}` does, and {read}", call.tool);
            return vec![said("undeclared", self.on_untrusted.undeclared, why)];
        }
        let effects = call.does.iter().filter(|capability| **capability != Capability::Read);
        let mut reasons: Vec<Reason> = effects
            .map(|capability| {
                let (name, decision) = (capability.name(), self.on_untrusted.of(*capability));
                said(
                    name,
                    decision,
                    format!("`{}` may {}, and {read}", call.tool, verb(*capability)),
                )
            })
            .collect();
        if self.from_user && quote::is_users_own(call) {
            for reason in &mut reasons {
                *reason = Reason {
                    policy: "taint.from_user".into(),
                    decision: Decision::Allow,
                    why: "every value of the call stands in the user's own words".into(),
                };
            }
            reasons.dedup();
        }
        reasons
    }

    /// What private data leaves of it.
    fn with_private(&self, call: &ToolCall<'_>) -> Option<Reason> {
        // Code that runs may send what it is given wherever it likes.
        let hands_out = |c: &Capability| {
            matches!(c, Capability::Send | Capability::Egress | Capability::Execute)
        };
        let decision = if call.does.is_empty() {
            // It may do anything, or nothing: held to what is said of such tools, and no more.
            self.on_private.min(self.on_untrusted.undeclared)
        } else if call.does.iter().any(hands_out) {
            self.on_private
        } else {
            return None;
        };
        let kept = |classes| {
            let private = self.private_in(classes).iter();
            private.filter(|class| !call.may_have.contains(*class)).collect::<DataClasses>()
        };
        let said = |classes: DataClasses, why: &str| {
            let names: Vec<&str> = classes.iter().map(DataClass::name).collect();
            let why = format!("{why} ({}), which `{}` may not have", names.join(", "), call.tool);
            Reason { policy: "taint.on_private".into(), decision, why: why.into() }
        };
        let held = kept(call.placeholders);
        if !held.is_empty() {
            return Some(said(held, "its arguments name private data"));
        }
        let read = kept(call.label.classes);
        if read.is_empty() {
            return None;
        }
        if !self.untrusted_in(call.label).is_empty() {
            let why =
                "what is written beside untrusted text may hold all private data that was read";
            return Some(said(read, why));
        }
        if call.computed {
            let why = "what a program computes may hold all private data that was read";
            return Some(said(read, why));
        }
        let quoted = kept(quote::quoted_classes(call, read));
        (!quoted.is_empty()).then(|| said(quoted, "its arguments quote private data"))
    }
}

const fn verb(capability: Capability) -> &'static str {
    match capability {
        Capability::Read => "read",
        Capability::Write => "write",
        Capability::Delete => "delete",
        Capability::Send => "send",
        Capability::Pay => "pay",
        Capability::Execute => "execute",
        Capability::Egress => "hand its arguments to a service outside",
    }
}

#[cfg(test)]
mod tests;
