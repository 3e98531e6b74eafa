//! The inverse of the request: messages, tools and settings out of a body.

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, Settings, ToolChoice};
use largestack_types::message::{Message, Role};
use largestack_types::part::{
    Arguments, Body, Media, MediaKind, MediaSource, Part, Reasoning, ToolCall, ToolResult,
};
use largestack_types::tool::ToolSpec;
use serde_json::Value;

use super::NAME;
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
    let stream = take_bool(&mut body, "stream").unwrap_or(true);
    let tools = tools(&mut body);
    let settings = settings(&mut body);
    Ok(call(model, messages, (tools, ToolChoice::Auto), (settings, body), stream))
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
    let images = take_texts(&mut said, "images").unwrap_or_default();
    let media = images.into_iter().map(|data| Media {
        kind: MediaKind::Image,
        mime: "image/*".into(),
        source: MediaSource::Base64(data.into()),
        name: None,
    });
    let mut parts = Vec::new();
    if role == Role::Tool {
        parts.push(tool_result(&mut said, media.collect(), before, maker)?);
    } else {
        if let Some(text) = take_text(&mut said, "thinking") {
            let thought = Reasoning { text: text.into(), ..Reasoning::default() };
            parts.push(maker.part(Body::Reasoning(thought), Some(native(NAME, Map::new()))));
        }
        if let Some(text) = take_text(&mut said, "content") {
            parts.push(maker.part(Body::Text(text.into()), None));
        } else if !said.contains_key("content") {
            // No field for words is not the same as no words.
            said.insert("content".into(), Value::Bool(false));
        }
        parts.extend(media.map(|medium| maker.part(Body::Media(medium), None)));
        for raw in take_list(&mut said, "tool_calls").unwrap_or_default() {
            parts.push(tool_call(&raw, maker)?);
        }
    }
    Some(Message { role, parts, native: native_if_any(NAME, said) })
}

fn tool_call(raw: &Value, maker: &mut Maker) -> Option<Part> {
    let mut fields = raw.as_object()?.clone();
    let mut function = take_map(&mut fields, "function")?;
    let arguments = take_map(&mut function, "arguments")?;
    let call = ToolCall {
        call: maker.call(),
        provider_id: take_text(&mut fields, "id").unwrap_or_default().into(),
        name: take_text(&mut function, "name")?.into(),
        arguments: Arguments::Json(json(&Value::Object(arguments))),
    };
    if !function.is_empty() {
        fields.insert("function".into(), Value::Object(function));
    }
    Some(maker.part(Body::ToolCall(call), native_if_any(NAME, fields)))
}

fn tool_result(
    said: &mut Map,
    media: Vec<Media>,
    before: &[Message],
    maker: &mut Maker,
) -> Option<Part> {
    let text = take_text(said, "content")?;
    let (name, id) = (take_text(said, "tool_name"), take_text(said, "tool_call_id"));
    let mut fields = Map::new();
    for (key, told) in [("name", &name), ("id", &id)] {
        if told.is_some() {
            fields.insert(key.into(), Value::Bool(true));
        }
    }
    let known = id.as_deref().and_then(|id| asked(before, id));
    let (call, known) = known.unwrap_or_else(|| (maker.call(), "".into()));
    let result = ToolResult {
        call,
        provider_id: id.unwrap_or_default().into(),
        name: name.map_or(known, Into::into),
        text: text.into(),
        media,
        is_error: false,
        handle: None,
    };
    Some(maker.part(Body::ToolResult(result), Some(native(NAME, fields))))
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
    let mut options = take_map(body, "options").unwrap_or_default();
    let format = body.get("format").filter(|format| format.is_object()).map(json);
    let settings = Settings {
        max_output_tokens: take_u32(&mut options, "num_predict"),
        temperature: take_f64(&mut options, "temperature"),
        top_p: take_f64(&mut options, "top_p"),
        top_k: take_u32(&mut options, "top_k"),
        frequency_penalty: take_f64(&mut options, "frequency_penalty"),
        presence_penalty: take_f64(&mut options, "presence_penalty"),
        stop: take_texts(&mut options, "stop").unwrap_or_default(),
        seed: take_i64(&mut options, "seed"),
        reasoning_effort: (body.get("think") == Some(&Value::Bool(false)))
            .then_some(ReasoningEffort::None),
        output_schema: format.map(|schema| OutputSchema { name: "answer".into(), schema }),
        ..Settings::default()
    };
    for (key, known) in [
        ("format", settings.output_schema.is_some()),
        ("think", settings.reasoning_effort.is_some()),
    ] {
        if known {
            body.remove(key);
        }
    }
    // A limit below zero means none, which nobody can account for.
    options.remove("num_predict");
    if !options.is_empty() {
        body.insert("options".into(), Value::Object(options));
    }
    settings
}
