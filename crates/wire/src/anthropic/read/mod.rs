//! Requests of the protocol, read into calls: the inverse of encoding. What no setting says the
//! same way goes into `extra`, as it is.

mod blocks;
mod results;
mod settings;
mod tools;

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Native, Part};
use serde_json::Value;

use super::NAME;
use super::content::Side;
use super::host::Host;
use crate::error::ReadError;
use crate::model::Target;
use crate::reading::{self, Fields, Ids, malformed};

/// The call that a request body means.
pub(super) fn call(host: Host, body: &[u8], target: &Target) -> Result<Call, ReadError> {
    let mut fields = reading::object(body)?;
    let model = match fields.shift_remove("model") {
        Some(Value::String(model)) => model.into(),
        Some(_) => return Err(malformed("`model` is not a string")),
        None => target.model.clone(),
    };
    let mut messages = Vec::new();
    let mut ids = Ids::default();
    if let Some(system) = fields.shift_remove("system").filter(|system| !system.is_null()) {
        messages.push(Arc::new(instructions(system, &mut ids)?));
    }
    let Some(Value::Array(turns)) = fields.shift_remove("messages") else {
        return Err(malformed("`messages` is not a list"));
    };
    let mut before = None;
    for turn in turns {
        let (side, message) = turn_of(turn, before, &mut ids)?;
        messages.push(Arc::new(message));
        before = Some(side);
    }
    let tools = match fields.shift_remove("tools") {
        None | Some(Value::Null) => Arc::default(),
        Some(Value::Array(list)) => {
            list.into_iter().map(tools::tool).collect::<Result<Arc<[_]>, _>>()?
        }
        Some(_) => return Err(malformed("`tools` is not a list")),
    };
    let said = settings::read(host, fields, target)?;
    Ok(Call {
        model,
        messages: Arc::new(messages),
        tools,
        tool_choice: said.tool_choice,
        settings: Arc::new(said.settings),
        stream: said.stream,
    })
}

/// The field `system`.
fn instructions(system: Value, ids: &mut Ids) -> Result<Message, ReadError> {
    let (parts, bare) = content(system, Side::System, ids)?;
    let mut message = Message::new(Role::System, parts);
    if bare {
        message.native = Some(native(Fields::from_iter([bare_text()])));
    } else if message.parts.is_empty() {
        message.native = Some(native(Fields::new()));
    }
    Ok(message)
}

/// A message, behind one of this side.
fn turn_of(turn: Value, before: Option<Side>, ids: &mut Ids) -> Result<(Side, Message), ReadError> {
    let Value::Object(mut fields) = turn else {
        return Err(malformed("a message is not an object"));
    };
    let side = match fields.shift_remove("role").as_ref().and_then(Value::as_str) {
        Some("user") => Side::User,
        Some("assistant") => Side::Assistant,
        Some("system") => Side::System,
        other => return Err(malformed(&format!("the role {other:?} of a message"))),
    };
    let said = fields.shift_remove("content").unwrap_or_default();
    let (parts, bare) = content(said, side, ids)?;
    let results = parts.iter().all(|part| matches!(part.body, Body::ToolResult(_)));
    let role = match side {
        Side::User if results && !parts.is_empty() => Role::Tool,
        Side::User => Role::User,
        Side::Assistant => Role::Assistant,
        Side::System => Role::System,
    };
    // Messages of one side in a row would become one, and one without blocks none at all.
    let own = before == Some(side) || parts.is_empty();
    if bare {
        fields.extend([bare_text()]);
    }
    if side == Side::System {
        fields.insert("role".to_owned(), "system".into());
    }
    let native = (own || !fields.is_empty()).then(|| native(fields));
    Ok((side, Message { role, parts, native }))
}

/// What says that a content was a string and not a list.
fn bare_text() -> (String, Value) {
    ("content".to_owned(), "text".into())
}

/// The parts of a content, and whether it was a string.
fn content(content: Value, side: Side, ids: &mut Ids) -> Result<(Vec<Part>, bool), ReadError> {
    match content {
        Value::String(text) => Ok((vec![blocks::words(text, side, ids)], true)),
        Value::Array(list) => {
            let parts = list.into_iter().map(|block| blocks::block(block, side, ids));
            Ok((parts.collect::<Result<_, _>>()?, false))
        }
        _ => Err(malformed("a content is neither a string nor a list")),
    }
}

fn native(fields: Fields) -> Native {
    reading::native(NAME, fields)
}
