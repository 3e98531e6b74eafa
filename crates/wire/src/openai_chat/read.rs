//! A request read back: the inverse of the encoder. What everybody says becomes parts; the form it
//! had, where it is not the form that the encoder would choose, stays beside in `native`.

mod blocks;
mod settings;

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, Reasoning, ToolCall, ToolResult};
use serde_json::{Value, json};

use super::{NAME, assistant, content, request};
use crate::error::ReadError;
use crate::model::Target;
use crate::overlay::ABSENT;
use crate::reading::{
    Fields, Ids, json as text_of, leftover, malformed, message, native, object, take_list,
    take_text,
};

pub(super) fn call(body: &[u8], target: &Target) -> Result<Call, ReadError> {
    let mut fields = object(body)?;
    let listed = take_list(&mut fields, "messages").ok_or_else(|| malformed("no `messages`"))?;
    let mut ids = Ids::default();
    let messages = listed.into_iter().map(|value| match value {
        Value::Object(fields) => one(fields, &mut ids, target).map(Arc::new),
        _ => Err(malformed("a message is not an object")),
    });
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    Ok(settings::call(fields, messages))
}

fn one(mut fields: Fields, ids: &mut Ids, target: &Target) -> Result<Message, ReadError> {
    let role = take_text(&mut fields, "role").ok_or_else(|| malformed("no `role`"))?;
    match &*role {
        "system" | "developer" => {
            if role != request::system_role(target) {
                fields.insert("role".into(), role.into());
            }
            Ok(spoken(Role::System, fields, ids))
        }
        "user" => Ok(spoken(Role::User, fields, ids)),
        "assistant" => Ok(said(fields, ids, target)),
        "tool" => Ok(result(fields, ids)),
        // A role of one provider's own, e.g. the tools' before there were several.
        _ => {
            fields.insert("role".into(), role.into());
            Ok(spoken(Role::User, fields, ids))
        }
    }
}

/// Instructions or a user's words.
fn spoken(role: Role, mut fields: Fields, ids: &mut Ids) -> Message {
    let mut parts = Vec::new();
    if let Some(text) = take_text(&mut fields, "content") {
        parts.push(ids.part(role, Body::Text(text.into()), None));
    } else if let Some(list) = non_empty(&mut fields, "content") {
        parts.extend(list.iter().map(|block| blocks::part(block, role, ids)));
    } else if !fields.contains_key("content") {
        fields.insert(ABSENT.into(), json!(["content"]));
    }
    message(role, parts, leftover(NAME, fields))
}

/// A list with something in it. An empty one stays where it is: nothing is said in it.
fn non_empty(fields: &mut Fields, key: &str) -> Option<Vec<Value>> {
    match fields.get(key) {
        Some(Value::Array(items)) if !items.is_empty() => take_list(fields, key),
        _ => None,
    }
}

fn said(mut fields: Fields, ids: &mut Ids, target: &Target) -> Message {
    let mut parts = thoughts(&mut fields, ids, target);
    let calls = fields.get("tool_calls").and_then(Value::as_array).is_some_and(|c| !c.is_empty());
    if let Some(list) = non_empty(&mut fields, "content") {
        parts.extend(list.iter().map(|block| blocks::part(block, Role::Assistant, ids)));
    } else {
        words(&mut fields, calls, &mut parts, ids);
    }
    if let Some(text) = take_text(&mut fields, "refusal") {
        let beside = Some(native(NAME, field("refusal")));
        parts.push(ids.part(Role::Assistant, Body::Refusal(text.into()), beside));
    }
    for value in non_empty(&mut fields, "tool_calls").unwrap_or_default() {
        parts.push(tool_call(value, ids));
    }
    message(Role::Assistant, parts, leftover(NAME, fields))
}

/// A content that is no list: words, or one of the ways to say none. The encoder's own way is null
/// beside tool calls, else an empty string.
fn words(fields: &mut Fields, calls: bool, parts: &mut Vec<Part>, ids: &mut Ids) {
    match fields.get("content") {
        None => {
            fields.insert(ABSENT.into(), json!(["content"]));
        }
        Some(Value::Null) if calls => {
            fields.shift_remove("content");
        }
        Some(Value::String(text)) if !text.is_empty() => {
            let text = take_text(fields, "content").unwrap_or_default();
            parts.push(ids.part(Role::Assistant, Body::Text(text.into()), None));
        }
        Some(Value::String(_)) if !calls => {
            fields.shift_remove("content");
        }
        Some(_) => {}
    }
}

fn field(name: &str) -> Fields {
    Fields::from_iter([(assistant::FIELD.to_owned(), Value::from(name))])
}

/// Reasoning beside the content: a list of typed blocks, a text under one of two names, or both,
/// of which the text then only repeats the blocks.
fn thoughts(fields: &mut Fields, ids: &mut Ids, target: &Target) -> Vec<Part> {
    let mut parts = Vec::new();
    for block in non_empty(fields, assistant::DETAILS).unwrap_or_default() {
        let text = |key: &str| block.get(key).and_then(Value::as_str);
        let thought = Reasoning {
            text: text("text").or_else(|| text("summary")).unwrap_or_default().into(),
            signature: text("signature").or_else(|| text("data")).map(Into::into),
            redacted: block.get("data").is_some(),
            raw: Some(text_of(&block)),
        };
        let beside = Some(native(NAME, field(assistant::DETAILS)));
        parts.push(ids.part(Role::Assistant, Body::Reasoning(thought), beside));
    }
    if !parts.is_empty() {
        return parts;
    }
    for name in ["reasoning_content", "reasoning"] {
        let is_said = fields.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if is_said && let Some(text) = take_text(fields, name) {
            let own = assistant::row_field(target) == Some(name);
            let thought = Reasoning { text: text.into(), ..Reasoning::default() };
            let beside = (!own).then(|| native(NAME, field(name)));
            parts.push(ids.part(Role::Assistant, Body::Reasoning(thought), beside));
            break;
        }
    }
    parts
}

fn tool_call(value: Value, ids: &mut Ids) -> Part {
    let Value::Object(mut fields) = value else {
        return blocks::unknown(&value, Role::Assistant, ids);
    };
    let custom = fields.get("type").is_some_and(|kind| kind == "custom");
    let (kind, input) = if custom { ("custom", "input") } else { ("function", "arguments") };
    match fields.get("type") {
        Some(given) if given == "function" => drop(fields.shift_remove("type")),
        Some(_) => {}
        None => drop(fields.insert(ABSENT.into(), json!(["type"]))),
    }
    let provider_id = take_text(&mut fields, "id").unwrap_or_default();
    if provider_id.is_empty() {
        fields.insert("id".into(), "".into());
    }
    let mut inner = match fields.shift_remove(kind) {
        Some(Value::Object(inner)) => inner,
        _ => Fields::new(),
    };
    let name = take_text(&mut inner, "name").unwrap_or_default();
    let written = take_text(&mut inner, input).unwrap_or_default();
    let arguments = if custom {
        Arguments::Malformed(written.as_str().into())
    } else {
        Arguments::from_text(&written)
    };
    if arguments.as_str() != written {
        inner.insert(input.into(), written.into());
    }
    if !inner.is_empty() {
        fields.insert(kind.into(), inner.into());
    }
    let call = ids.call(&provider_id, &name);
    let body = ToolCall { call, provider_id: provider_id.into(), name: name.into(), arguments };
    ids.part(Role::Assistant, Body::ToolCall(body), leftover(NAME, fields))
}

fn result(mut fields: Fields, ids: &mut Ids) -> Message {
    let provider_id = take_text(&mut fields, "tool_call_id").unwrap_or_default();
    let (call, name) = ids.answered(&provider_id);
    if provider_id.is_empty() {
        fields.insert("tool_call_id".into(), "".into());
    }
    let mut text = take_text(&mut fields, "content").unwrap_or_default();
    if let Some(list) = take_list(&mut fields, "content") {
        let cut: Vec<Value> = list.into_iter().map(|block| length(block, &mut text)).collect();
        fields.insert(content::BLOCKS.into(), cut.into());
    }
    let body = ToolResult {
        call,
        provider_id: provider_id.into(),
        name: fields.get("name").and_then(Value::as_str).map_or(name, Into::into),
        text: text.into(),
        media: Vec::new(),
        is_error: false,
        handle: None,
    };
    let part = ids.part(Role::Tool, Body::ToolResult(body), leftover(NAME, fields));
    message(Role::Tool, vec![part], None)
}

/// A text block of a result: its words join the text, its length and other fields stay.
fn length(block: Value, text: &mut String) -> Value {
    let Value::Object(mut fields) = block else { return block };
    if fields.get("type").is_none_or(|kind| kind != "text")
        || !fields.get("text").is_some_and(Value::is_string)
    {
        return Value::Object(fields);
    }
    fields.shift_remove("type");
    let words = take_text(&mut fields, "text").unwrap_or_default();
    text.push_str(&words);
    fields.insert(content::BYTES.into(), words.len().into());
    Value::Object(fields)
}
