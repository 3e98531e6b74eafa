//! Items: what the model said, and what its tools returned.

use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, Reasoning, ToolCall, ToolResult};
use serde_json::{Value, json};

use super::super::items::is_server_tool;
use super::super::{BETWEEN, NAME, beside};
use super::spoken;
use crate::overlay::ABSENT;
use crate::reading::{self, Fields, Ids, leftover, native, take_list, take_text};

/// Items that a client says besides messages and results of its own tools.
pub(super) fn is_clients(kind: &str) -> bool {
    matches!(kind, "item_reference" | "mcp_approval_response" | "compaction_trigger")
        || (kind.ends_with("_call_output") && kind != "function_call_output")
}

/// An item that goes back as it came.
pub(super) fn whole(value: &Value, role: Role, ids: &mut Ids) -> Part {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let raw = reading::json(value);
    let body = if is_server_tool(kind) { Body::ServerTool(raw) } else { Body::Unknown(raw) };
    ids.part(role, body, Some(native(NAME, Fields::new())))
}

/// An item that the model said and that is no message.
pub(super) fn said(fields: Fields, kind: &str, ids: &mut Ids) -> Vec<Part> {
    let part = match kind {
        "reasoning" => reasoning(fields.clone(), ids),
        "function_call" | "custom_tool_call" => Some(tool_call(fields.clone(), kind, ids)),
        _ => None,
    };
    vec![part.unwrap_or_else(|| whole(&Value::Object(fields), Role::Assistant, ids))]
}

/// Words of the model: bare, or in blocks.
pub(super) fn message(mut fields: Fields, ids: &mut Ids) -> Vec<Part> {
    let original = fields.clone();
    fields.shift_remove("role");
    if let Some(text) = take_text(&mut fields, "content") {
        let long = !fields.is_empty() || text.is_empty();
        fields.insert(beside::BARE.into(), true.into());
        let beside = long.then(|| native(NAME, fields));
        return vec![ids.part(Role::Assistant, Body::Text(text.into()), beside)];
    }
    let list = take_list(&mut fields, "content").unwrap_or_default();
    if list.is_empty() {
        return vec![whole(&Value::Object(original), Role::Assistant, ids)];
    }
    if fields.shift_remove("type").is_none() {
        fields.insert(ABSENT.into(), json!(["type"]));
    }
    let mut parts = Vec::new();
    for value in &list {
        let (body, inner) = block(value);
        fields.insert(beside::BLOCK.into(), inner.into());
        let beside = native(NAME, std::mem::take(&mut fields));
        parts.push(ids.part(Role::Assistant, body, Some(beside)));
        fields.insert(beside::WITH.into(), true.into());
    }
    parts
}

/// One block of the model's words, and the fields beside.
fn block(value: &Value) -> (Body, Fields) {
    let unknown = || (Body::Unknown(reading::json(value)), Fields::new());
    let Some(mut fields) = value.as_object().cloned() else { return unknown() };
    match take_text(&mut fields, "type").as_deref() {
        Some("output_text") => {
            let Some(text) = take_text(&mut fields, "text") else { return unknown() };
            match fields.get("annotations") {
                Some(Value::Array(list)) if list.is_empty() => {
                    fields.shift_remove("annotations");
                }
                None => {
                    fields.insert(ABSENT.into(), json!(["annotations"]));
                }
                Some(_) => {}
            }
            (Body::Text(text.into()), fields)
        }
        Some("refusal") => match take_text(&mut fields, "refusal") {
            Some(text) => (Body::Refusal(text.into()), fields),
            None => unknown(),
        },
        _ => unknown(),
    }
}

fn reasoning(mut fields: Fields, ids: &mut Ids) -> Option<Part> {
    fields.shift_remove("type");
    let (mut text, mut blocks) = (String::new(), Vec::new());
    for key in ["content", "summary"] {
        match fields.get(key) {
            Some(Value::Array(list)) if list.is_empty() && key == "summary" => {
                fields.shift_remove(key);
            }
            Some(Value::Array(list)) if !list.is_empty() => {
                for value in take_list(&mut fields, key)? {
                    let usual = if key == "summary" { "summary_text" } else { "reasoning_text" };
                    blocks.push(thought(value, usual, &mut text, blocks.is_empty())?);
                }
            }
            None if key == "summary" => {
                fields.insert(ABSENT.into(), json!(["summary"]));
            }
            _ => {}
        }
    }
    let signature = take_text(&mut fields, "encrypted_content");
    let redacted = blocks.is_empty() && signature.is_some();
    if !blocks.is_empty() {
        fields.insert(beside::BLOCKS.into(), blocks.into());
    }
    let signature = signature.map(Into::into);
    let body = Reasoning { text: text.into(), signature, redacted, raw: None };
    Some(ids.part(Role::Assistant, Body::Reasoning(body), Some(native(NAME, fields))))
}

/// A block of reasoning: its words join the text, its length and other fields stay.
fn thought(value: Value, usual: &str, text: &mut String, first: bool) -> Option<Value> {
    let Value::Object(mut fields) = value else { return None };
    // A block of another list's type would come back in that list.
    if fields.get("type").and_then(Value::as_str) != Some(usual) {
        return None;
    }
    let words = take_text(&mut fields, "text")?;
    if !first {
        text.push_str(BETWEEN);
    }
    text.push_str(&words);
    fields.insert(beside::BYTES.into(), words.len().into());
    Some(Value::Object(fields))
}

fn tool_call(mut fields: Fields, kind: &str, ids: &mut Ids) -> Part {
    let custom = kind == "custom_tool_call";
    if !custom {
        fields.shift_remove("type");
    }
    let provider_id = take_text(&mut fields, "call_id").unwrap_or_default();
    if provider_id.is_empty() {
        fields.insert("call_id".into(), "".into());
    }
    let name = take_text(&mut fields, "name").unwrap_or_default();
    let key = if custom { "input" } else { "arguments" };
    let written = take_text(&mut fields, key).unwrap_or_default();
    let arguments = if custom {
        Arguments::Json(reading::json(&Value::String(written)))
    } else {
        let arguments = Arguments::from_text(&written);
        if arguments.as_str() != written {
            fields.insert(key.into(), written.into());
        }
        arguments
    };
    let call = ids.call(&provider_id, &name);
    let body = ToolCall { call, provider_id: provider_id.into(), name: name.into(), arguments };
    ids.part(Role::Assistant, Body::ToolCall(body), leftover(NAME, fields))
}

/// What a tool returned.
pub(super) fn result(mut fields: Fields, ids: &mut Ids) -> Message {
    if fields.get("type").is_some_and(|kind| kind == "function_call_output") {
        fields.shift_remove("type");
    }
    let provider_id = take_text(&mut fields, "call_id").unwrap_or_default();
    if provider_id.is_empty() {
        fields.insert("call_id".into(), "".into());
    }
    let (call, name) = ids.answered(&provider_id);
    let mut text = take_text(&mut fields, "output").unwrap_or_default();
    let mut media = Vec::new();
    if let Some(list) = take_list(&mut fields, "output") {
        let blocks: Vec<Value> = list
            .into_iter()
            .map(|value| returned(&value, &mut text, &mut media).unwrap_or(value))
            .collect();
        fields.insert(beside::BLOCKS.into(), blocks.into());
    }
    let body = ToolResult {
        call,
        provider_id: provider_id.into(),
        name,
        text: text.into(),
        media,
        is_error: false,
        handle: None,
    };
    let part = ids.part(Role::Tool, Body::ToolResult(body), leftover(NAME, fields));
    reading::message(Role::Tool, vec![part], None)
}

/// A block of a result without its words or medium; `None` where it has to stay as it is.
fn returned(
    value: &Value,
    text: &mut String,
    media: &mut Vec<largestack_types::part::Media>,
) -> Option<Value> {
    let mut fields = value.as_object()?.clone();
    let kind = take_text(&mut fields, "type")?;
    if kind == "input_text" {
        let words = take_text(&mut fields, "text")?;
        text.push_str(&words);
        fields.insert(beside::BYTES.into(), words.len().into());
    } else {
        media.push(spoken::media(&kind, &mut fields)?);
        fields.insert(beside::MEDIA.into(), true.into());
    }
    Some(Value::Object(fields))
}
