//! Requests read back: what everybody says goes into messages, tools and settings, what only this
//! protocol says into their native fields, so that the request is written again as it was.

mod contents;
mod parts;
mod settings;
mod tools;

use std::sync::Arc;

use largestack_types::call::Call;
use serde_json::value::RawValue;

use super::contents::SYSTEM;
use super::object::Entries;
use crate::error::ReadError;
use crate::model::Target;

/// The call that a request means. The model stands in the address, not in the body.
pub(super) fn call(body: &[u8], target: &Target) -> Result<Call, ReadError> {
    let text = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    if !raw.get().starts_with('{') {
        return Err(malformed(&"the body is not an object"));
    }
    let mut fields = Entries::of(raw.get());
    let mut conversation = contents::Conversation::new(target);
    if let Some((key, raw)) = fields.take(SYSTEM) {
        conversation.system(&key, raw)?;
    }
    if let Some((_, raw)) = fields.take(["contents", "contents"]) {
        conversation.contents(raw)?;
    }
    let tools = match fields.take(["tools", "tools"]) {
        Some((_, raw)) => tools::read(raw)?,
        None => Vec::new(),
    };
    let call = Call {
        model: target.model.clone(),
        messages: Arc::new(conversation.messages.into_iter().map(Arc::new).collect()),
        tools: tools.into(),
        tool_choice: largestack_types::call::ToolChoice::Auto,
        settings: Arc::default(),
        stream: false,
    };
    Ok(settings::read(fields, call, target))
}

fn malformed(what: &dyn std::fmt::Display) -> ReadError {
    ReadError::Malformed { detail: what.to_string() }
}
