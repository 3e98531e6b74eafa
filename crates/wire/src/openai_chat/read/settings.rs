//! Everything of a request but its messages: settings that calls know by their names, all others
//! into `extra`.

use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, Settings, ToolChoice};
use largestack_types::label::Origin;
use largestack_types::message::Message;
use largestack_types::tool::ToolSpec;
use serde_json::{Value, json};

use super::super::NAME;
use super::super::settings::word;
use crate::overlay::ABSENT;
use crate::reading::{self, Fields, leftover, native, take_list, take_text};

pub(super) fn call(mut fields: Fields, messages: Vec<Arc<Message>>) -> Call {
    let model = take_text(&mut fields, "model").unwrap_or_default();
    let stream = fields.shift_remove("stream").is_some_and(|value| value == true);
    if stream && fields.get("stream_options") == Some(&json!({"include_usage": true})) {
        fields.shift_remove("stream_options");
    }
    let tools: Vec<ToolSpec> = match fields.get("tools").and_then(Value::as_array) {
        Some(listed) if !listed.is_empty() => {
            take_list(&mut fields, "tools").unwrap_or_default().into_iter().map(tool).collect()
        }
        _ => Vec::new(),
    };
    if fields.get("tools").is_some_and(Value::is_null) {
        fields.shift_remove("tools");
    }
    let tool_choice = tool_choice(&mut fields);
    let mut settings = numbers(&mut fields);
    settings.stop = stop(&mut fields);
    settings.parallel_tool_calls = take(&mut fields, "parallel_tool_calls", Value::as_bool);
    settings.reasoning_effort = take(&mut fields, "reasoning_effort", effort);
    settings.output_schema = schema(&mut fields);
    if let Some(Value::Object(words)) = fields.get("metadata")
        && !words.is_empty()
        && let Ok(metadata) = serde_json::from_value(Value::Object(words.clone()))
    {
        settings.metadata = metadata;
        fields.shift_remove("metadata");
    }
    settings.extra = (!fields.is_empty()).then(|| reading::json(&Value::Object(fields)));
    Call {
        model: model.into(),
        messages: Arc::new(messages),
        tools: tools.into(),
        tool_choice,
        settings: Arc::new(settings),
        stream,
    }
}

/// Takes a field out if it can be read; else it stays.
fn take<T>(fields: &mut Fields, key: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
    let value = fields.get(key).and_then(read)?;
    fields.shift_remove(key);
    Some(value)
}

fn numbers(fields: &mut Fields) -> Settings {
    let small = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
    let limit = take(fields, "max_completion_tokens", small);
    let old = take(fields, "max_tokens", small);
    let seed = take(fields, "random_seed", Value::as_i64);
    // A limit of another type must not come back as `extra`: the encoder always sends one.
    for key in ["max_tokens", "max_completion_tokens"] {
        fields.shift_remove(key);
    }
    Settings {
        max_output_tokens: limit.or(old),
        temperature: take(fields, "temperature", Value::as_f64),
        top_p: take(fields, "top_p", Value::as_f64),
        top_k: take(fields, "top_k", small),
        frequency_penalty: take(fields, "frequency_penalty", Value::as_f64),
        presence_penalty: take(fields, "presence_penalty", Value::as_f64),
        seed: take(fields, "seed", Value::as_i64).or(seed),
        ..Settings::default()
    }
}

fn stop(fields: &mut Fields) -> Vec<String> {
    let read = |value: &Value| match value {
        Value::Array(words) if !words.is_empty() => {
            words.iter().map(|word| word.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    };
    take(fields, "stop", read).unwrap_or_default()
}

/// The effort of this name; one that would go out under another stays the caller's own word.
fn effort(value: &Value) -> Option<ReasoningEffort> {
    let effort = serde_json::from_value(value.clone()).ok()?;
    (*value == word(effort)).then_some(effort)
}

fn tool_choice(fields: &mut Fields) -> ToolChoice {
    let read = |value: &Value| match value {
        Value::String(word) => match &**word {
            "none" => Some(ToolChoice::None),
            "required" | "any" => Some(ToolChoice::Required),
            _ => None,
        },
        Value::Object(choice) => {
            let name = choice.get("function")?.get("name")?.as_str()?;
            Some(ToolChoice::Tool(name.into()))
        }
        _ => None,
    };
    take(fields, "tool_choice", read).unwrap_or_default()
}

/// The schema of a structured answer, where it is the strict one that the encoder writes.
fn schema(fields: &mut Fields) -> Option<OutputSchema> {
    let read = |value: &Value| {
        let format = value.as_object().filter(|format| format.len() == 2)?;
        let inner = format.get("json_schema")?.as_object().filter(|inner| inner.len() == 3)?;
        let name = inner.get("name")?.as_str()?.into();
        let schema = reading::json(inner.get("schema")?);
        let strict = inner.get("strict") == Some(&Value::Bool(true));
        (format.get("type")? == "json_schema" && strict).then_some(OutputSchema { name, schema })
    };
    take(fields, "response_format", read)
}

fn tool(value: Value) -> ToolSpec {
    let spec = |name: &str| ToolSpec {
        name: name.into(),
        description: "".into(),
        parameters: reading::json(&json!({})),
        idempotent: false,
        origin: Origin::Tool,
        native: None,
        server: false,
    };
    let Value::Object(mut fields) = value else { return spec("") };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or("function").to_owned();
    let function = fields.get("function").and_then(Value::as_object).cloned();
    let (Some(mut function), "function") = (function, &*kind) else {
        return ToolSpec { server: true, native: Some(native(NAME, fields)), ..spec(&kind) };
    };
    let mut absent = Vec::new();
    if fields.shift_remove("type").is_none() {
        absent.push("type");
    }
    let name = take_text(&mut function, "name").unwrap_or_default();
    let description = take_text(&mut function, "description");
    if description.is_none() && !function.contains_key("description") {
        absent.push("function.description");
    }
    let parameters = function.shift_remove("parameters");
    if parameters.is_none() {
        absent.push("function.parameters");
    }
    fields.shift_remove("function");
    if !function.is_empty() {
        fields.insert("function".into(), function.into());
    }
    if !absent.is_empty() {
        fields.insert(ABSENT.into(), absent.into());
    }
    ToolSpec {
        description: description.unwrap_or_default().into(),
        parameters: reading::json(&parameters.unwrap_or_else(|| json!({}))),
        native: leftover(NAME, fields),
        ..spec(&name)
    }
}
