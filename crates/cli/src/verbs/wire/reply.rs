//! A reply in the shape that `wire decode` prints: what a provider said, normalised, without the
//! ids and labels that belong to a run.

use std::sync::Arc;

use largestack_types::json::Json;
use largestack_types::part::{Arguments, Body, Media, Part};
use largestack_types::reply::{FinishReason, Reply};
use largestack_types::usage::Usage;
use serde::Serialize;

/// A reply. Absent is null, never 0.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    id: Option<Arc<str>>,
    model: Option<Arc<str>>,
    parts: Vec<PartDocument>,
    usage: Usage,
    finish_reason: FinishReason,
    finish_reason_raw: Option<Arc<str>>,
    raw_usage: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extras: Option<Json>,
}

/// A part of a reply.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PartDocument {
    Text {
        text: Arc<str>,
    },
    Reasoning {
        text: Arc<str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<Arc<str>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        redacted: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        raw: Option<Json>,
    },
    ToolCall {
        id: Arc<str>,
        name: Arc<str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        arguments: Option<Json>,
        #[serde(skip_serializing_if = "Option::is_none")]
        arguments_text: Option<Arc<str>>,
    },
    ToolResult {
        id: Arc<str>,
        name: Arc<str>,
        text: Arc<str>,
        is_error: bool,
    },
    Media {
        media: Media,
    },
    Citation {
        source: Arc<str>,
        title: Option<Arc<str>>,
        quote: Option<Arc<str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        raw: Option<Json>,
    },
    Refusal {
        text: Arc<str>,
    },
    ServerTool {
        raw: Json,
    },
    Unknown {
        raw: Json,
    },
}

impl From<Part> for PartDocument {
    fn from(part: Part) -> Self {
        match part.body {
            Body::Text(text) => Self::Text { text },
            Body::Refusal(text) => Self::Refusal { text },
            Body::Reasoning(reasoning) => Self::Reasoning {
                text: reasoning.text,
                signature: reasoning.signature,
                redacted: reasoning.redacted,
                raw: reasoning.raw,
            },
            Body::ToolCall(call) => {
                let (arguments, arguments_text) = match call.arguments {
                    Arguments::Json(json) => (Some(json), None),
                    Arguments::Malformed(text) => (None, Some(text)),
                };
                Self::ToolCall { id: call.provider_id, name: call.name, arguments, arguments_text }
            }
            Body::ToolResult(result) => Self::ToolResult {
                id: result.provider_id,
                name: result.name,
                text: result.text,
                is_error: result.is_error,
            },
            Body::Media(media) => Self::Media { media },
            Body::Citation(citation) => Self::Citation {
                source: citation.source,
                title: citation.title,
                quote: citation.quote,
                raw: citation.raw,
            },
            Body::ServerTool(raw) => Self::ServerTool { raw },
            Body::Unknown(raw) => Self::Unknown { raw },
            _ => Self::Unknown { raw: Json::empty_object() },
        }
    }
}

impl From<Reply> for Document {
    fn from(reply: Reply) -> Self {
        Self {
            id: reply.id,
            model: reply.model,
            parts: reply.parts.into_iter().map(PartDocument::from).collect(),
            usage: reply.usage,
            finish_reason: reply.finish_reason,
            finish_reason_raw: reply.finish_reason_raw,
            raw_usage: reply.raw_usage,
            extras: reply.extras,
        }
    }
}
