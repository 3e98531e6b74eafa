//! Which calls are looked up, and which replies are kept.

use std::sync::Arc;
use std::time::Duration;

use largestack_types::call::Call;
use largestack_types::part::{Body, Part};
use largestack_types::reply::{FinishReason, Reply};

use crate::job::Notes;

/// What of an agent's calls is kept. Agents without a policy keep and look up nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// How long a reply may be given again.
    pub ttl: Duration,
    /// Also calls that may be answered differently each time: any that does not say
    /// `temperature: 0`.
    pub sampled: bool,
    /// Also replies that call tools: the tools run again, with what they were called for then.
    pub tool_calls: bool,
    /// The version of the rules that replies were made under (guards, redaction); another one
    /// finds nothing of this one's.
    pub policy_version: Arc<str>,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            ttl: Duration::from_hours(1),
            sampled: false,
            tool_calls: false,
            policy_version: "".into(),
        }
    }
}

impl CachePolicy {
    /// Whether a call is looked up.
    pub(super) fn covers(&self, call: &Call) -> bool {
        self.sampled || call.settings.temperature == Some(0.0)
    }

    /// Whether a reply is kept: one that is whole, says something, and is the asked model's own.
    pub(super) fn keeps(&self, reply: &Reply, notes: &Notes) -> bool {
        let calls = reply.parts.iter().any(|part| part.as_tool_call().is_some());
        let whole = match reply.finish_reason {
            FinishReason::Stop => !calls || self.tool_calls,
            FinishReason::ToolCalls => self.tool_calls,
            _ => false,
        };
        let odd = |part: &Part| matches!(part.body, Body::Refusal(_) | Body::Unknown(_));
        let says = |part: &Part| match &part.body {
            Body::Text(text) => !text.trim().is_empty(),
            Body::ToolCall(_) | Body::Media(_) => true,
            _ => false,
        };
        let own = !notes.elsewhere && notes.bill.legs.is_empty();
        whole && own && reply.parts.iter().any(says) && !reply.parts.iter().any(odd)
    }
}
