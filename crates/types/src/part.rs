//! Parts of a message: text, reasoning, tool calls and results, media, citations, refusals, and
//! whatever else a provider said, kept raw. Every part has an id, and a label that says where it
//! came from and what it holds.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{CallId, EffectId};
use crate::json::Json;
use crate::label::Label;

mod repr;

/// A part's id within its run: the effect that produced it and its place among that effect's
/// parts. Derived from facts, so a replay gives the same ids.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct PartId {
    effect: u32,
    index: u32,
}

impl PartId {
    /// The part at `index` of what effect number `effect` produced (0 = the run's input).
    pub const fn new(effect: u32, index: u32) -> Self {
        Self { effect, index }
    }

    /// The part at `index` of what the effect produced.
    pub const fn at(effect: EffectId, index: u32) -> Self {
        Self { effect: effect.ordinal(), index }
    }
}

impl From<(u32, u32)> for PartId {
    fn from((effect, index): (u32, u32)) -> Self {
        Self { effect, index }
    }
}

impl From<PartId> for (u32, u32) {
    fn from(id: PartId) -> Self {
        (id.effect, id.index)
    }
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}.{}", self.effect, self.index)
    }
}

impl fmt::Debug for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One part of a message. Written flat (`{"id", "label", "type", ...}`), with the fields of its
/// type beside the common ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "repr::PartRepr<'_>", into = "repr::PartRepr<'static>")]
pub struct Part {
    /// Unique in the run.
    pub id: PartId,
    /// Where it came from and what it holds.
    pub label: Label,
    /// What it is.
    pub body: Body,
    /// What the protocol that it came from says of it beside its body.
    pub native: Option<Native>,
}

/// What one provider protocol says of a part, message or tool beside what everybody says: ids,
/// opaque signatures, cache marks, citations in the protocol's own form. Goes back over the same
/// wire as it came; every other wire leaves it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Native {
    /// The wire, e.g. `anthropic-messages`.
    pub wire: Arc<str>,
    /// The protocol's fields (an object), untouched. Empty says only that it had the protocol's
    /// long form: a list of one block where a bare string would do.
    pub fields: Json,
}

impl Native {
    /// The fields, if they are of this wire.
    pub fn of<'a>(native: Option<&'a Self>, wire: &str) -> Option<&'a Json> {
        native.filter(|native| *native.wire == *wire).map(|native| &native.fields)
    }
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// Words.
    Text(Arc<str>),
    /// A model's reasoning, with what the provider needs to accept it back.
    Reasoning(Reasoning),
    /// A request to run a tool.
    ToolCall(ToolCall),
    /// What a tool returned.
    ToolResult(ToolResult),
    /// An image, a sound, a film or a document.
    Media(Media),
    /// A reference that supports the text before it.
    Citation(Citation),
    /// The model declined, in these words.
    Refusal(Arc<str>),
    /// A tool that the provider ran itself, as the provider wrote it.
    ServerTool(Json),
    /// A block of a kind this version does not know, as the provider wrote it.
    Unknown(Json),
}

/// A model's reasoning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// The words; empty when the provider shows none.
    pub text: Arc<str>,
    /// The provider's opaque signature; must go back unchanged.
    pub signature: Option<Arc<str>>,
    /// Whether the words were withheld by the provider (the signature then holds them sealed).
    pub redacted: bool,
    /// The provider's own block, when it says more than the fields above.
    pub raw: Option<Json>,
}

/// A request to run a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Ours, unique in the run.
    pub call: CallId,
    /// The provider's; may be empty or repeat.
    pub provider_id: Arc<str>,
    /// The tool.
    pub name: Arc<str>,
    /// What to run it with.
    pub arguments: Arguments,
}

/// The arguments of a tool call as the model wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// A JSON value (an object, if the model kept to the schema).
    Json(Json),
    /// Not JSON: shown to the model as its mistake, never handed to a function.
    Malformed(Arc<str>),
}

impl Arguments {
    /// Keeps `text` as JSON when it is JSON. No text at all means no arguments.
    pub fn from_text(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Json(Json::empty_object());
        }
        Json::parse(text).map_or_else(|_| Self::Malformed(text.into()), Self::Json)
    }

    /// The text as the model wrote it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Json(json) => json.as_str(),
            Self::Malformed(text) => text,
        }
    }
}

/// What a tool returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// The call that this answers.
    pub call: CallId,
    /// The provider's id of that call.
    pub provider_id: Arc<str>,
    /// The tool.
    pub name: Arc<str>,
    /// What the model reads.
    pub text: Arc<str>,
    /// Media beside the text.
    pub media: Vec<Media>,
    /// Whether the call failed, was refused or never ran.
    pub is_error: bool,
    /// A handle to the whole result where `text` is only its head and tail.
    pub handle: Option<Arc<str>>,
}

/// An image, a sound, a film or a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// What it shows or plays.
    pub kind: MediaKind,
    /// Media type, e.g. `image/png`.
    pub mime: Arc<str>,
    /// Where its bytes are.
    pub source: MediaSource,
    /// File name, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
}

/// What a medium shows or plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// A document such as a PDF.
    Document,
}

/// Where the bytes of a medium are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Here, in base64 (standard alphabet, padded).
    Base64(Arc<str>),
    /// At an address that the provider fetches.
    Url(Arc<str>),
    /// Uploaded to the provider before, under this id.
    ProviderFile(Arc<str>),
    /// In the blob store, by content hash.
    Blob(crate::hash::Hash),
}

/// A reference that supports the text before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// File path or address.
    pub source: Arc<str>,
    /// Heading or title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Arc<str>>,
    /// First and last line of the source, 1-based, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<(u32, u32)>,
    /// The words of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Arc<str>>,
    /// The provider's own annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Json>,
}

impl Part {
    /// A part that is only its body.
    pub const fn new(id: PartId, label: Label, body: Body) -> Self {
        Self { id, label, body, native: None }
    }

    /// A text part.
    pub fn text(id: PartId, label: Label, text: impl Into<Arc<str>>) -> Self {
        Self::new(id, label, Body::Text(text.into()))
    }

    /// The words of a text part.
    pub fn as_text(&self) -> Option<&str> {
        match &self.body {
            Body::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The tool call, if it is one.
    pub fn as_tool_call(&self) -> Option<&ToolCall> {
        match &self.body {
            Body::ToolCall(call) => Some(call),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
