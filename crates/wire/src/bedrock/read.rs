//! The inverse of the request: messages, instructions, tools and settings out of a body.

use largestack_types::call::{Call, OutputSchema, Settings};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, Reasoning, ToolCall, ToolResult};
use serde_json::Value;

use super::{NAME, media, result, tools};
use crate::body::{
    Maker, Map, asked, call, json, malformed, native, native_if_any, object, take_f64, take_list,
    take_map, take_text, take_texts, take_u32,
};
use crate::error::ReadError;
use crate::model::Target;

pub(super) fn read(body: &[u8], target: &Target) -> Result<Call, ReadError> {
    let mut body = object(body)?;
    let mut maker = Maker::new();
    let mut messages = Vec::new();
    if let Some(blocks) = take_list(&mut body, "system") {
        maker.speak(Role::System);
        let mut parts = Vec::new();
        for block in blocks {
            take_block(&block, &mut parts, &[], &mut maker);
        }
        messages.push(Message::new(Role::System, parts));
    }
    let list =
        take_list(&mut body, "messages").ok_or_else(|| malformed("`messages` is no list"))?;
    for (index, said) in list.into_iter().enumerate() {
        let message = message(said, &messages, &mut maker);
        messages.push(message.ok_or_else(|| malformed(&format!("message {index} is none")))?);
    }
    let mut config = take_map(&mut body, "toolConfig").unwrap_or_default();
    let tools = tools::read(&mut config);
    if !config.is_empty() {
        body.insert("toolConfig".into(), Value::Object(config));
    }
    let settings = settings(&mut body);
    Ok(call(target.model.clone(), messages, tools, (settings, body), false))
}

fn message(said: Value, before: &[Message], maker: &mut Maker) -> Option<Message> {
    let Value::Object(mut said) = said else { return None };
    let voice = take_text(&mut said, "role")?;
    let blocks = take_list(&mut said, "content")?;
    let is_result = |block: &Value| {
        block
            .as_object()
            .is_some_and(|b| b.contains_key("toolResult") || b.contains_key("cachePoint"))
    };
    let role = match voice.as_str() {
        "assistant" => Role::Assistant,
        "user" if !blocks.is_empty() && blocks.iter().all(is_result) => Role::Tool,
        "user" => Role::User,
        _ => return None,
    };
    maker.speak(role);
    let mut parts = Vec::new();
    for block in blocks {
        take_block(&block, &mut parts, before, maker);
    }
    // Two messages of one voice in a row would else become one, and nothing would become none.
    let again = before.iter().rev().find(|m| m.role != Role::System);
    let again = again.is_some_and(|m| (m.role == Role::Assistant) == (role == Role::Assistant));
    let native = (again || parts.is_empty() || !said.is_empty()).then(|| native(NAME, said));
    Some(Message { role, parts, native })
}

/// Appends the part of a block, or notes a mark behind the last one.
fn take_block(block: &Value, parts: &mut Vec<Part>, before: &[Message], maker: &mut Maker) {
    let only = block.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
    if let Some((key, mark)) = only
        && key == "cachePoint"
        && let Some(last) = parts.last_mut()
        && marked(last, mark)
    {
        return;
    }
    let found = only.and_then(|(key, inner)| part(key, inner, before, maker));
    parts.push(found.unwrap_or_else(|| {
        let body = Body::Unknown(json(block));
        maker.part(body, Some(native(NAME, Map::new())))
    }));
}

/// Notes a mark behind a part, unless there is one already.
fn marked(part: &mut Part, mark: &Value) -> bool {
    let fields = part.native.as_ref().map(|native| native.fields.to::<Map>());
    let mut fields = fields.and_then(Result::ok).unwrap_or_default();
    let raw = matches!(part.body, Body::Unknown(_) | Body::ServerTool(_));
    let free = !fields.contains_key("cachePoint") && !raw;
    if free {
        fields.insert("cachePoint".into(), mark.clone());
        part.native = Some(native(NAME, fields));
    }
    free
}

fn part(key: &str, inner: &Value, before: &[Message], maker: &mut Maker) -> Option<Part> {
    let fields = || inner.as_object().cloned();
    Some(match key {
        "text" => {
            let text = inner.as_str()?;
            maker.part(Body::Text(text.into()), text.is_empty().then(|| native(NAME, Map::new())))
        }
        "reasoningContent" => reasoning(fields()?, inner, maker)?,
        "toolUse" => tool_use(fields()?, inner, maker)?,
        "toolResult" => tool_result(fields()?, inner, before, maker)?,
        "citationsContent" => cited(fields()?, maker)?,
        "guardContent" => guarded(fields()?, maker)?,
        other => {
            let (medium, beside) = media::read(media::kind_of(other)?, fields()?)?;
            maker.part(Body::Media(medium), native_if_any(NAME, beside))
        }
    })
}

fn reasoning(mut fields: Map, inner: &Value, maker: &mut Maker) -> Option<Part> {
    let mut thought = Reasoning::default();
    if let Some(sealed) = take_text(&mut fields, "redactedContent") {
        thought.signature = Some(sealed.into());
        thought.redacted = true;
    } else {
        let mut words = take_map(&mut fields, "reasoningText")?;
        thought.text = take_text(&mut words, "text")?.into();
        thought.signature = take_text(&mut words, "signature").map(Into::into);
        fields.append(&mut words);
    }
    if !fields.is_empty() {
        thought.raw = Some(wrapped("reasoningContent", inner));
    }
    Some(maker.part(Body::Reasoning(thought), Some(native(NAME, Map::new()))))
}

fn tool_use(mut fields: Map, inner: &Value, maker: &mut Maker) -> Option<Part> {
    if fields.get("type").is_some_and(|kind| kind == "server_tool_use") {
        let body = Body::ServerTool(wrapped("toolUse", inner));
        return Some(maker.part(body, Some(native(NAME, Map::new()))));
    }
    let id = take_text(&mut fields, "toolUseId").filter(|id| !id.is_empty())?;
    let name = take_text(&mut fields, "name")?;
    let input = fields.remove("input")?;
    let call = ToolCall {
        call: maker.call(),
        provider_id: id.into(),
        name: name.into(),
        arguments: Arguments::Json(json(&input)),
    };
    Some(maker.part(Body::ToolCall(call), native_if_any(NAME, beside("toolUse", fields))))
}

fn tool_result(
    mut fields: Map,
    inner: &Value,
    before: &[Message],
    maker: &mut Maker,
) -> Option<Part> {
    let id = take_text(&mut fields, "toolUseId").filter(|id| !id.is_empty())?;
    let known = asked(before, &id);
    if known.is_none() && fields.contains_key("type") {
        // The result of a tool that the provider ran.
        let body = Body::ServerTool(wrapped("toolResult", inner));
        return Some(maker.part(body, Some(native(NAME, Map::new()))));
    }
    let (text, media, shape) = result::read(take_list(&mut fields, "content")?);
    let is_error = fields.get("status").is_some_and(|status| status == "error");
    if is_error {
        fields.remove("status");
    }
    let mut native = beside("toolResult", fields);
    if let Some(shape) = shape {
        native.insert("content".into(), shape);
    }
    let (call, name) = known.unwrap_or_else(|| (maker.call(), "".into()));
    let result = ToolResult {
        call,
        provider_id: id.into(),
        name,
        text: text.into(),
        media,
        is_error,
        handle: None,
    };
    Some(maker.part(Body::ToolResult(result), native_if_any(NAME, native)))
}

fn cited(mut fields: Map, maker: &mut Maker) -> Option<Part> {
    let citations = fields.remove("citations")?;
    let content = take_list(&mut fields, "content").filter(|_| fields.is_empty())?;
    let words = content.iter().map(|block| block.get("text")?.as_str());
    let text = words.collect::<Option<String>>()?;
    let mut native = Map::from_iter([("citations".to_owned(), citations)]);
    if content.len() != 1 || content.first()?.as_object()?.len() != 1 {
        native.insert("content".into(), Value::Array(content));
    }
    Some(maker.part(Body::Text(text.into()), Some(crate::body::native(NAME, native))))
}

fn guarded(mut fields: Map, maker: &mut Maker) -> Option<Part> {
    if let Some(image) = take_map(&mut fields, "image").filter(|_| fields.is_empty()) {
        let (medium, mut native) = media::read(media::kind_of("image")?, image)?;
        native.insert("guardContent".into(), Value::Object(Map::new()));
        return Some(maker.part(Body::Media(medium), native_if_any(NAME, native)));
    }
    let mut words = take_map(&mut fields, "text").filter(|_| fields.is_empty())?;
    let text = take_text(&mut words, "text")?;
    let native = Map::from_iter([("guardContent".to_owned(), Value::Object(words))]);
    Some(maker.part(Body::Text(text.into()), native_if_any(NAME, native)))
}

fn beside(key: &str, fields: Map) -> Map {
    let some = (!fields.is_empty()).then(|| (key.to_owned(), Value::Object(fields)));
    some.into_iter().collect()
}

fn wrapped(key: &str, inner: &Value) -> Json {
    json(&Value::Object(Map::from_iter([(key.to_owned(), inner.clone())])))
}

fn settings(body: &mut Map) -> Settings {
    let mut settings = Settings::default();
    if let Some(mut config) = take_map(body, "inferenceConfig") {
        settings.max_output_tokens = take_u32(&mut config, "maxTokens");
        settings.temperature = take_f64(&mut config, "temperature");
        settings.top_p = take_f64(&mut config, "topP");
        settings.stop = take_texts(&mut config, "stopSequences").unwrap_or_default();
        if !config.is_empty() {
            body.insert("inferenceConfig".into(), Value::Object(config));
        }
    }
    let metadata = body.get("requestMetadata");
    if let Some(Ok(metadata)) = metadata.map(|value| serde_json::from_value(value.clone())) {
        settings.metadata = metadata;
        body.remove("requestMetadata");
    }
    settings.output_schema = output(body);
    settings
}

/// The schema of the answer, where `outputConfig` says nothing else.
fn output(body: &mut Map) -> Option<OutputSchema> {
    let config = body.get("outputConfig")?;
    let schema = config.pointer("/textFormat/structure/jsonSchema")?.as_object()?;
    let (name, text) = (schema.get("name")?.as_str()?, schema.get("schema")?.as_str()?);
    if schema.len() != 2 {
        return None;
    }
    let found = OutputSchema { name: name.into(), schema: Json::parse(text).ok()? };
    body.remove("outputConfig");
    Some(found)
}
