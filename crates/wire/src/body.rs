//! Request bodies taken apart: what a wire's `read` needs to turn JSON that somebody else wrote into
//! messages. Not a hot path, so values are trees here.

use std::sync::Arc;

use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::id::{CallId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Native, Part, PartId};
use largestack_types::tool::ToolSpec;
use serde_json::Value;

use crate::error::ReadError;

/// An object.
pub(crate) type Map = serde_json::Map<String, Value>;

/// A body that is an object.
pub(crate) fn object(body: &[u8]) -> Result<Map, ReadError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(malformed("the body is no object")),
        Err(error) => Err(malformed(&error.to_string())),
    }
}

/// A body that is not of the protocol's shape.
pub(crate) fn malformed(detail: &str) -> ReadError {
    ReadError::Malformed { detail: detail.to_owned() }
}

/// Takes a string; anything else stays where it is.
pub(crate) fn take_text(map: &mut Map, key: &str) -> Option<String> {
    match map.remove(key)? {
        Value::String(text) => Some(text),
        other => keep(map, key, other),
    }
}

/// Takes a list; anything else stays where it is.
pub(crate) fn take_list(map: &mut Map, key: &str) -> Option<Vec<Value>> {
    match map.remove(key)? {
        Value::Array(list) => Some(list),
        other => keep(map, key, other),
    }
}

/// Takes an object; anything else stays where it is.
pub(crate) fn take_map(map: &mut Map, key: &str) -> Option<Map> {
    match map.remove(key)? {
        Value::Object(inner) => Some(inner),
        other => keep(map, key, other),
    }
}

/// Takes a flag; anything else stays where it is.
pub(crate) fn take_bool(map: &mut Map, key: &str) -> Option<bool> {
    match map.remove(key)? {
        Value::Bool(flag) => Some(flag),
        other => keep(map, key, other),
    }
}

/// Takes a number; anything else stays where it is.
pub(crate) fn take_f64(map: &mut Map, key: &str) -> Option<f64> {
    let value = map.remove(key)?;
    value.as_f64().or_else(|| keep(map, key, value))
}

/// Takes a count; anything else stays where it is.
pub(crate) fn take_u32(map: &mut Map, key: &str) -> Option<u32> {
    let value = map.remove(key)?;
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.or_else(|| keep(map, key, value))
}

/// Takes a whole number; anything else stays where it is.
pub(crate) fn take_i64(map: &mut Map, key: &str) -> Option<i64> {
    let value = map.remove(key)?;
    value.as_i64().or_else(|| keep(map, key, value))
}

/// Takes a list of strings; anything else stays where it is.
pub(crate) fn take_texts(map: &mut Map, key: &str) -> Option<Vec<String>> {
    let value = map.remove(key)?;
    let texts = value.as_array().and_then(|list| {
        list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    texts.or_else(|| keep(map, key, value))
}

fn keep<T>(map: &mut Map, key: &str, value: Value) -> Option<T> {
    map.insert(key.to_owned(), value);
    None
}

/// A tree as text.
pub(crate) fn json(value: &Value) -> Json {
    Json::of(value).unwrap_or_else(|_| Json::empty_object())
}

/// An object as text.
pub(crate) fn json_of(map: Map) -> Json {
    json(&Value::Object(map))
}

/// What a wire says beside a body.
pub(crate) fn native(wire: &'static str, fields: Map) -> Native {
    Native { wire: wire.into(), fields: json_of(fields) }
}

/// What a wire says beside a body, where it says anything.
pub(crate) fn native_if_any(wire: &'static str, fields: Map) -> Option<Native> {
    (!fields.is_empty()).then(|| native(wire, fields))
}

/// Makes parts, and numbers them and the calls among them.
#[derive(Debug)]
pub(crate) struct Maker {
    parts: u32,
    calls: u32,
    label: Label,
}

impl Maker {
    /// A maker that has made nothing.
    pub(crate) const fn new() -> Self {
        Self { parts: 0, calls: 0, label: Label::from_origin(Origin::User) }
    }

    /// From here on parts are of a message of this role.
    pub(crate) const fn speak(&mut self, role: Role) {
        self.label = Label::from_origin(match role {
            Role::System => Origin::Operator,
            Role::User => Origin::User,
            Role::Assistant => Origin::Agent,
            Role::Tool => Origin::Tool,
        });
    }

    /// A part.
    pub(crate) fn part(&mut self, body: Body, native: Option<Native>) -> Part {
        let id = PartId::new(0, self.parts);
        self.parts += 1;
        let label = match body {
            Body::ToolResult(_) => Label::from_origin(Origin::Tool),
            _ => self.label,
        };
        Part { id, label, body, native }
    }

    /// The id of the next tool call.
    pub(crate) fn call(&mut self) -> CallId {
        self.calls += 1;
        CallId::of(EffectId::new(self.calls))
    }
}

/// The call that `id` is the provider's id of, and the tool's name: the last one that was made
/// before, as results follow their calls.
pub(crate) fn asked(messages: &[Message], id: &str) -> Option<(CallId, Arc<str>)> {
    let calls = messages.iter().flat_map(Message::tool_calls);
    calls.filter(|call| *call.provider_id == *id).last().map(|call| (call.call, call.name.clone()))
}

/// A call of what was read.
pub(crate) fn call(
    model: Arc<str>,
    messages: Vec<Message>,
    (tools, tool_choice): (Vec<ToolSpec>, ToolChoice),
    (mut settings, rest): (Settings, Map),
    stream: bool,
) -> Call {
    settings.extra = (!rest.is_empty()).then(|| json_of(rest));
    Call {
        model,
        messages: Arc::new(messages.into_iter().map(Arc::new).collect()),
        tools: tools.into(),
        tool_choice,
        settings: Arc::new(settings),
        stream,
    }
}

/// A tool as a body declares it.
pub(crate) fn tool(name: String, description: String, parameters: &Value) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: description.into(),
        parameters: json(parameters),
        idempotent: false,
        origin: Origin::Tool,
        native: None,
        server: false,
    }
}

/// A tool that the provider runs itself.
pub(crate) fn server_tool(wire: &'static str, name: &str, declaration: Map) -> ToolSpec {
    ToolSpec {
        native: Some(native(wire, declaration)),
        server: true,
        ..tool(name.to_owned(), String::new(), &Value::Object(Map::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_type_stays_in_the_body() {
        let mut map = object(br#"{"a": 1, "b": ["x"], "c": [1], "d": -1}"#).unwrap();
        assert_eq!(take_text(&mut map, "a"), None);
        assert_eq!(take_u32(&mut map, "a"), Some(1));
        assert_eq!(take_texts(&mut map, "b"), Some(vec!["x".to_owned()]));
        assert_eq!(take_texts(&mut map, "c"), None);
        assert_eq!(take_u32(&mut map, "d"), None);
        assert_eq!(Value::Object(map), serde_json::json!({"c": [1], "d": -1}));
        assert!(object(b"[]").is_err() && object(b"{").is_err());
    }
}
