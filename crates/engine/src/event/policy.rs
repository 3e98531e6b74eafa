//! What policies decided: the decision log of a run.

use std::sync::Arc;

use largestack_types::id::EffectId;
use largestack_types::label::Label;
use largestack_types::policy::{Decision, Reason};
use serde::{Deserialize, Serialize};

/// Data of [`crate::Event::PolicyDecided`]: never a value, only where it came from. What no policy
/// had anything to say about is not recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyDecided {
    /// The effect that was about to happen.
    pub effect: EffectId,
    /// What it would do, e.g. `tool_call`.
    pub action: Arc<str>,
    /// What it would be done with: the tool.
    pub resource: Arc<str>,
    /// The label of its arguments.
    pub label: Label,
    /// What was decided: the strictest of the reasons.
    pub decision: Decision,
    /// Why, each with the policy that says so.
    pub reasons: Vec<Reason>,
}
