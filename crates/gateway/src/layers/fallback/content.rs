//! Whether a complete reply is of any use.

use largestack_engine::output;
use largestack_schema::Schema;
use largestack_types::call::Call;
use largestack_types::errors::{LargestackError, ProviderError};
use largestack_types::part::{Body, Part};
use largestack_types::reply::{FinishReason, Reply};

use super::plan::OnContent;
use crate::route::Route;

/// What is wrong with a reply, as the `provider_code` of its error says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Empty,
    Refusal,
    InvalidOutput,
}

impl Bad {
    /// What of the named kinds is wrong with this reply.
    pub(super) fn of(on: OnContent, call: &Call, reply: &Reply) -> Option<Self> {
        let calls = reply.parts.iter().any(|part| part.as_tool_call().is_some());
        let says = |part: &Part| match &part.body {
            Body::Text(text) => !text.trim().is_empty(),
            Body::Media(_) => true,
            _ => false,
        };
        let declined = reply.parts.iter().any(|part| matches!(part.body, Body::Refusal(_)))
            || reply.finish_reason == FinishReason::Refusal;
        // What a filter or a limit cut off is neither: another model would hide that.
        let whole = matches!(
            reply.finish_reason,
            FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Refusal
        );
        if on.refusal && declined {
            return Some(Self::Refusal);
        }
        if !whole || calls || declined {
            return None;
        }
        if !reply.parts.iter().any(says) {
            return on.empty.then_some(Self::Empty);
        }
        (on.invalid_output && !fits(call, reply)).then_some(Self::InvalidOutput)
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty_reply",
            Self::Refusal => "refusal",
            Self::InvalidOutput => "invalid_output",
        }
    }

    /// The error that stands for the reply among the attempts.
    pub(super) fn error(self, route: &Route) -> LargestackError {
        let detail = match self {
            Self::Empty => "answered with nothing",
            Self::Refusal => "declined to answer",
            Self::InvalidOutput => "answered with something that does not fit the schema",
        };
        ProviderError {
            provider: route.provider.clone(),
            status: None,
            detail: detail.to_owned(),
            provider_code: Some(self.code().to_owned()),
            request_id: None,
            transient: false,
        }
        .into()
    }
}

/// Whether a reply fits the schema of the call, mended as far as its caller would mend it; a call
/// without one is fitted by anything, and a schema that is none is nobody's fault here.
fn fits(call: &Call, reply: &Reply) -> bool {
    let Some(asked) = &call.settings.output_schema else { return true };
    let Ok(mut value) = output::read(&reply.parts, true) else { return false };
    let Ok(schema) = asked.schema.to::<serde_json::Value>() else { return true };
    output::without_needless_nulls(&schema, &mut value);
    Schema::with_formats(&schema).map_or(true, |schema| schema.accepts(&value))
}
