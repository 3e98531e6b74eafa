//! Messages of a conversation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::label::{Label, Origin};
use crate::part::{Body, Native, Part, PartId, ToolCall};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator: instructions.
    System,
    /// The person or system that asks.
    User,
    /// The model.
    Assistant,
    /// Results of tool calls.
    Tool,
}

/// One message. History, events and the in-memory journal share it as `Arc<Message>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// What the protocol that it came from says of it as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Native>,
}

impl Message {
    /// A user's text.
    pub fn user(id: PartId, text: impl Into<Arc<str>>) -> Self {
        Self::of_text(Role::User, id, Label::from_origin(Origin::User), text)
    }

    /// The operator's instructions.
    pub fn system(id: PartId, text: impl Into<Arc<str>>) -> Self {
        Self::of_text(Role::System, id, Label::from_origin(Origin::Operator), text)
    }

    /// A message that is only its parts.
    pub const fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, native: None }
    }

    /// One part of text.
    pub fn of_text(role: Role, id: PartId, label: Label, text: impl Into<Arc<str>>) -> Self {
        Self::new(role, vec![Part::text(id, label, text)])
    }

    /// All text parts, joined without a separator.
    pub fn text(&self) -> String {
        self.parts.iter().filter_map(Part::as_text).collect()
    }

    /// The tool calls, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(Part::as_tool_call)
    }

    /// The join of its parts' labels; `None` for a message without parts.
    pub fn label(&self) -> Option<Label> {
        self.parts.iter().map(|part| part.label).reduce(Label::join)
    }

    /// Whether it has any text, refusal or media to show.
    pub fn says_something(&self) -> bool {
        self.parts.iter().any(|part| match &part.body {
            Body::Text(text) | Body::Refusal(text) => !text.trim().is_empty(),
            Body::Media(_) => true,
            _ => false,
        })
    }
}
