//! The inverse of the request: messages, tools and settings out of a body.

use largestack_types::call::{Call, OutputSchema, Settings, ToolChoice};
use largestack_types::message::{Message, Role};
use largestack_types::part::{
    Arguments, Body, Media, MediaKind, MediaSource, Part, Reasoning, ToolCall, ToolResult,
};
use largestack_types::tool::ToolSpec;
use serde_json::Value;

use super::content::PLAN;
use super::{NAME, result};
use crate::body::{
    Maker, Map, asked, call, json, malformed, native, native_if_any, object, server_tool,
    take_bool, take_f64, take_i64, take_list, take_map, take_text, take_texts, take_u32, tool,
};
use crate::error::ReadError;
use crate::model::Target;

pub(super) fn read(body: &[u8], target: &Target) -> Result<Call, ReadError> {
    let mut body = object(body)?;
    let mut maker = Maker::new();
    let mut messages = Vec::new();
    let list =
        take_list(&mut body, "messages").ok_or_else(|| malformed("`messages` is no list"))?;
    for (index, said) in list.into_iter().enumerate() {
        let message = message(said, &messages, &mut maker);
        messages.push(message.ok_or_else(|| malformed(&format!("message {index} is none")))?);
    }
    let model = take_text(&mut body, "model").map_or_else(|| target.model.clone(), Into::into);
    let stream = take_bool(&mut body, "stream").unwrap_or_default();
    let tools = tools(&mut body);
    let choice = match body.get("tool_choice").and_then(Value::as_str) {
        Some("REQUIRED") => Some(ToolChoice::Required),
        Some("NONE") => Some(ToolChoice::None),
        _ => None,
    };
    if choice.is_some() {
        body.remove("tool_choice");
    }
    let settings = settings(&mut body);
    Ok(call(model, messages, (tools, choice.unwrap_or_default()), (settings, body), stream))
}

fn message(said: Value, before: &[Message], maker: &mut Maker) -> Option<Message> {
    let Value::Object(mut said) = said else { return None };
    let role = match take_text(&mut said, "role")?.as_str() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => return None,
    };
    maker.speak(role);
    let parts = match role {
        Role::Tool => vec![tool_result(&mut said, before, maker)?],
        Role::Assistant => assistant(&mut said, maker)?,
        _ => content(said.remove("content")?, maker)?,
    };
    let empty = parts.is_empty();
    Some(Message { role, parts, native: (empty || !said.is_empty()).then(|| native(NAME, said)) })
}

fn content(content: Value, maker: &mut Maker) -> Option<Vec<Part>> {
    match content {
        Value::String(text) => Some(vec![maker.part(Body::Text(text.into()), None)]),
        Value::Array(blocks) => Some(blocks.iter().map(|raw| block(raw, maker)).collect()),
        _ => None,
    }
}

fn block(raw: &Value, maker: &mut Maker) -> Part {
    known(raw, maker)
        .unwrap_or_else(|| maker.part(Body::Unknown(json(raw)), Some(native(NAME, Map::new()))))
}

fn known(raw: &Value, maker: &mut Maker) -> Option<Part> {
    let mut fields = raw.as_object()?.clone();
    let body = match take_text(&mut fields, "type")?.as_str() {
        "text" => Body::Text(take_text(&mut fields, "text")?.into()),
        "thinking" => {
            let text = take_text(&mut fields, "thinking").filter(|_| fields.is_empty())?.into();
            Body::Reasoning(Reasoning { text, ..Reasoning::default() })
        }
        "image_url" => {
            let mut image = take_map(&mut fields, "image_url").filter(|_| fields.is_empty())?;
            let medium = image_at(&take_text(&mut image, "url")?);
            return Some(maker.part(Body::Media(medium), native_if_any(NAME, image)));
        }
        _ => return None,
    };
    Some(maker.part(body, Some(native(NAME, fields))))
}

fn image_at(url: &str) -> Media {
    let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let (mime, source) = match data {
        Some((mime, data)) => (mime, MediaSource::Base64(data.into())),
        None => ("image/*", MediaSource::Url(url.into())),
    };
    Media { kind: MediaKind::Image, mime: mime.into(), source, name: None }
}

fn assistant(said: &mut Map, maker: &mut Maker) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    if let Some(plan) = take_text(said, PLAN) {
        let thought = Reasoning { text: plan.into(), ..Reasoning::default() };
        let fields = Map::from_iter([(PLAN.to_owned(), Value::Bool(true))]);
        parts.push(maker.part(Body::Reasoning(thought), Some(native(NAME, fields))));
    }
    // Nothing said in so many words stays as it is written.
    if said.get("content").is_some_and(|content| !content.is_null() && content != "") {
        parts.extend(content(said.remove("content")?, maker)?);
    }
    for raw in take_list(said, "tool_calls").unwrap_or_default() {
        parts.push(tool_call(&raw, maker)?);
    }
    let words = parts.iter_mut().rev().find(|part| part.as_text().is_some());
    if let (Some(part), Some(cited)) = (words, said.get("citations").filter(|c| c.is_array()))
        && let Some(held) = &part.native
    {
        let mut fields = held.fields.to::<Map>().unwrap_or_default();
        fields.insert("citations".into(), cited.clone());
        part.native = Some(native(NAME, fields));
        said.remove("citations");
    }
    Some(parts)
}

fn tool_call(raw: &Value, maker: &mut Maker) -> Option<Part> {
    let mut fields = raw.as_object()?.clone();
    let mut function = take_map(&mut fields, "function")?;
    fields.remove("type");
    let call = ToolCall {
        call: maker.call(),
        provider_id: take_text(&mut fields, "id")?.into(),
        name: take_text(&mut function, "name")?.into(),
        arguments: Arguments::from_text(&take_text(&mut function, "arguments")?),
    };
    Some(maker.part(Body::ToolCall(call), native_if_any(NAME, fields)))
}

fn tool_result(said: &mut Map, before: &[Message], maker: &mut Maker) -> Option<Part> {
    let id = take_text(said, "tool_call_id")?;
    let (text, shape) = result::read(said.remove("content")?)?;
    let (call, name) = asked(before, &id).unwrap_or_else(|| (maker.call(), "".into()));
    let result = ToolResult {
        call,
        provider_id: id.into(),
        name,
        text: text.into(),
        media: Vec::new(),
        is_error: false,
        handle: None,
    };
    let fields = shape.map(|shape| ("content".to_owned(), shape)).into_iter().collect();
    Some(maker.part(Body::ToolResult(result), native_if_any(NAME, fields)))
}

fn tools(body: &mut Map) -> Vec<ToolSpec> {
    let list = take_list(body, "tools").unwrap_or_default();
    let specs = list.into_iter().filter_map(|entry| {
        let Value::Object(entry) = entry else { return None };
        Some(spec(&entry).unwrap_or_else(|| server_tool(NAME, "", entry)))
    });
    specs.collect()
}

fn spec(entry: &Map) -> Option<ToolSpec> {
    let fits = entry.len() == 2 && entry.get("type").is_some_and(|kind| kind == "function");
    let mut function = entry.get("function").filter(|_| fits)?.as_object()?.clone();
    let parameters = function.remove("parameters")?;
    let name = take_text(&mut function, "name")?;
    let description = take_text(&mut function, "description").unwrap_or_default();
    Some(ToolSpec { native: native_if_any(NAME, function), ..tool(name, description, &parameters) })
}

fn settings(body: &mut Map) -> Settings {
    Settings {
        max_output_tokens: take_u32(body, "max_tokens"),
        temperature: take_f64(body, "temperature"),
        top_p: take_f64(body, "p"),
        top_k: take_u32(body, "k"),
        frequency_penalty: take_f64(body, "frequency_penalty"),
        presence_penalty: take_f64(body, "presence_penalty"),
        stop: take_texts(body, "stop_sequences").unwrap_or_default(),
        seed: take_i64(body, "seed"),
        output_schema: output(body),
        ..Settings::default()
    }
}

/// The schema of the answer, where `response_format` says nothing else.
fn output(body: &mut Map) -> Option<OutputSchema> {
    let format = body.get("response_format")?.as_object()?;
    let fits = format.len() == 2 && format.get("type").is_some_and(|kind| kind == "json_object");
    let schema = format.get("json_schema").filter(|_| fits && !body.contains_key("tools"))?;
    let found = OutputSchema { name: "answer".into(), schema: json(schema) };
    body.remove("response_format");
    Some(found)
}
