//! The flat written form of a part. One struct of optional fields instead of a tagged enum:
//! tagged enums buffer while they read, which is slow and loses raw JSON.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Arguments, Body, Citation, Media, Native, Part, PartId, Reasoning, ToolCall, ToolResult,
};
use crate::id::CallId;
use crate::json::Json;
use crate::label::Label;

#[derive(Serialize, Deserialize)]
pub(super) struct PartRepr<'a> {
    #[serde(default)]
    id: PartId,
    #[serde(default)]
    label: Label,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "is_false")]
    redacted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<CallId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_id: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arguments: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arguments_text: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_error: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handle: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    media: Vec<Media>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    citation: Option<Citation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    native: Option<Native>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

impl PartRepr<'_> {
    fn empty(id: PartId, label: Label, kind: &'static str) -> PartRepr<'static> {
        PartRepr {
            id,
            label,
            kind: Cow::Borrowed(kind),
            text: None,
            signature: None,
            redacted: false,
            call: None,
            provider_id: None,
            name: None,
            arguments: None,
            arguments_text: None,
            is_error: false,
            handle: None,
            media: Vec::new(),
            citation: None,
            raw: None,
            native: None,
        }
    }
}

impl From<Part> for PartRepr<'static> {
    fn from(part: Part) -> Self {
        let of =
            |kind| PartRepr { native: part.native, ..PartRepr::empty(part.id, part.label, kind) };
        match part.body {
            Body::Text(text) => PartRepr { text: Some(text), ..of("text") },
            Body::Refusal(text) => PartRepr { text: Some(text), ..of("refusal") },
            Body::Reasoning(r) => PartRepr {
                text: Some(r.text),
                signature: r.signature,
                redacted: r.redacted,
                raw: r.raw,
                ..of("reasoning")
            },
            Body::ToolCall(c) => {
                let (arguments, arguments_text) = match c.arguments {
                    Arguments::Json(json) => (Some(json), None),
                    Arguments::Malformed(text) => (None, Some(text)),
                };
                PartRepr {
                    call: Some(c.call),
                    provider_id: Some(c.provider_id),
                    name: Some(c.name),
                    arguments,
                    arguments_text,
                    ..of("tool_call")
                }
            }
            Body::ToolResult(r) => PartRepr {
                call: Some(r.call),
                provider_id: Some(r.provider_id),
                name: Some(r.name),
                text: Some(r.text),
                media: r.media,
                is_error: r.is_error,
                handle: r.handle,
                ..of("tool_result")
            },
            Body::Media(media) => PartRepr { media: vec![media], ..of("media") },
            Body::Citation(c) => PartRepr { citation: Some(c), ..of("citation") },
            Body::ServerTool(raw) => PartRepr { raw: Some(raw), ..of("server_tool") },
            Body::Unknown(raw) => PartRepr { raw: Some(raw), ..of("unknown") },
        }
    }
}

/// A written part that lacks a field its type needs.
#[derive(Debug, thiserror::Error)]
#[error("a part of type `{kind}` lacks `{field}`")]
pub(super) struct Incomplete {
    kind: String,
    field: &'static str,
}

impl TryFrom<PartRepr<'_>> for Part {
    type Error = Incomplete;

    fn try_from(mut repr: PartRepr<'_>) -> Result<Self, Incomplete> {
        let kind = repr.kind.clone();
        let lacks = |field| move || Incomplete { kind: kind.into_owned(), field };
        let body = match &*repr.kind {
            "text" => Body::Text(repr.text.ok_or_else(lacks("text"))?),
            "refusal" => Body::Refusal(repr.text.ok_or_else(lacks("text"))?),
            "reasoning" => Body::Reasoning(Reasoning {
                text: repr.text.unwrap_or_default(),
                signature: repr.signature,
                redacted: repr.redacted,
                raw: repr.raw,
            }),
            "tool_call" => Body::ToolCall(ToolCall {
                call: repr.call.unwrap_or_default(),
                provider_id: repr.provider_id.unwrap_or_default(),
                name: repr.name.ok_or_else(lacks("name"))?,
                arguments: match (repr.arguments, repr.arguments_text) {
                    (Some(json), _) => Arguments::Json(json),
                    (None, Some(text)) => Arguments::Malformed(text),
                    (None, None) => Arguments::Json(Json::empty_object()),
                },
            }),
            "tool_result" => Body::ToolResult(ToolResult {
                call: repr.call.unwrap_or_default(),
                provider_id: repr.provider_id.unwrap_or_default(),
                name: repr.name.unwrap_or_default(),
                text: repr.text.unwrap_or_default(),
                media: repr.media,
                is_error: repr.is_error,
                handle: repr.handle,
            }),
            "media" => Body::Media(repr.media.pop().ok_or_else(lacks("media"))?),
            "citation" => Body::Citation(repr.citation.ok_or_else(lacks("citation"))?),
            "server_tool" => Body::ServerTool(repr.raw.ok_or_else(lacks("raw"))?),
            // A type of a newer version is kept, not refused: reading must not lose a part.
            _ => Body::Unknown(repr.raw.ok_or_else(lacks("raw"))?),
        };
        Ok(Self { id: repr.id, label: repr.label, body, native: repr.native })
    }
}
