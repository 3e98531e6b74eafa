//! A model's whole reply, normalised over providers, with the provider's own words kept beside.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::part::Part;
use crate::usage::Usage;

/// Why a model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// It was done, or met a stop sequence.
    Stop,
    /// It reached the output limit or the end of its context.
    Length,
    /// It wants tools to be run.
    ToolCalls,
    /// The provider's filter cut it off.
    ContentFilter,
    /// It declined.
    Refusal,
    /// The provider paused a long turn; sending the history back continues it.
    Pause,
    /// The provider failed inside the reply.
    Error,
    /// A reason this version does not know; the provider's word is kept.
    #[default]
    Other,
}

impl FinishReason {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Pause => "pause",
            Self::Error => "error",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A model's whole reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The provider's id of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Arc<str>>,
    /// The model that answered, as the provider names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// What it said, in order.
    pub parts: Vec<Part>,
    /// Normalised token counts.
    #[serde(default)]
    pub usage: Usage,
    /// Why it stopped.
    pub finish_reason: FinishReason,
    /// Why it stopped, in the provider's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason_raw: Option<Arc<str>>,
    /// The provider's usage object, untouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_usage: Option<Json>,
    /// Other fields the provider sent (an object), untouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extras: Option<Json>,
}

impl Reply {
    /// All text parts, joined without a separator.
    pub fn text(&self) -> String {
        self.parts.iter().filter_map(Part::as_text).collect()
    }
}
