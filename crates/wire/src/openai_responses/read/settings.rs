//! Everything of a request but its conversation: settings that calls know by their names, all
//! others into `extra`.

use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, Settings, ToolChoice};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::message::Message;
use largestack_types::tool::ToolSpec;
use serde_json::{Value, json};

use super::super::NAME;
use super::super::settings::word;
use crate::model::Target;
use crate::overlay::ABSENT;
use crate::reading::{self, Fields, leftover, native, take_list, take_text};

pub(super) fn call(mut fields: Fields, messages: Vec<Arc<Message>>, target: &Target) -> Call {
    let model = take_text(&mut fields, "model").unwrap_or_default();
    let stream = fields.shift_remove("stream").is_some_and(|value| value == true);
    let tools: Vec<ToolSpec> = match fields.get("tools").and_then(Value::as_array) {
        Some(listed) if !listed.is_empty() => {
            take_list(&mut fields, "tools").unwrap_or_default().into_iter().map(tool).collect()
        }
        _ => Vec::new(),
    };
    let tool_choice = tool_choice(&mut fields, tools.is_empty());
    let small = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
    let mut settings = Settings {
        max_output_tokens: take(&mut fields, "max_output_tokens", small),
        temperature: sampled(&mut fields, "temperature", target),
        top_p: sampled(&mut fields, "top_p", target),
        parallel_tool_calls: (!tools.is_empty())
            .then(|| take(&mut fields, "parallel_tool_calls", Value::as_bool))
            .flatten(),
        ..Settings::default()
    };
    // A limit of another type must not come back as `extra`: one is always sent.
    fields.shift_remove("max_output_tokens");
    if target.profile.reasoning {
        settings.reasoning_effort =
            within(&mut fields, "reasoning", |inner| take(inner, "effort", effort));
    }
    settings.output_schema = within(&mut fields, "text", schema);
    if let Some(Value::Object(words)) = fields.get("metadata")
        && !words.is_empty()
        && let Ok(metadata) = serde_json::from_value(Value::Object(words.clone()))
    {
        settings.metadata = metadata;
        fields.shift_remove("metadata");
    }
    // What the encoder would add by itself is said to be left to the provider.
    for key in ["store", "include"] {
        fields.entry(key).or_insert(Value::Null);
    }
    settings.extra = Some(reading::json(&Value::Object(fields)));
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

/// The effort of this name; one that would go out under another stays the caller's own word.
fn effort(value: &Value) -> Option<ReasoningEffort> {
    let effort = serde_json::from_value(value.clone()).ok()?;
    (*value == word(effort)).then_some(effort)
}

/// A number for the sampler. One that this model would not be sent stays the caller's own word.
fn sampled(fields: &mut Fields, key: &str, target: &Target) -> Option<f64> {
    target.profile.sampling.then(|| take(fields, key, Value::as_f64)).flatten()
}

/// Takes something out of an inner object, and the object when nothing is left of it.
fn within<T>(
    fields: &mut Fields,
    key: &str,
    read: impl FnOnce(&mut Fields) -> Option<T>,
) -> Option<T> {
    let Some(Value::Object(inner)) = fields.get_mut(key) else { return None };
    let found = read(inner)?;
    if inner.is_empty() {
        fields.shift_remove(key);
    }
    Some(found)
}

/// The schema of a structured answer, where it is the strict one that the encoder writes.
fn schema(text: &mut Fields) -> Option<OutputSchema> {
    let format = text.get("format")?.as_object()?;
    let name = format.get("name")?.as_str()?.into();
    let schema = reading::json(format.get("schema")?);
    let strict = format.get("strict") == Some(&Value::Bool(true));
    let plain = format.get("type")? == "json_schema" && strict && format.len() == 4;
    plain.then(|| text.shift_remove("format"))?;
    Some(OutputSchema { name, schema })
}

/// The choice among tools. The default, where it is said, and choices without a word of ours stay.
fn tool_choice(fields: &mut Fields, without_tools: bool) -> ToolChoice {
    let read = |value: &Value| match value {
        Value::String(word) if !without_tools => match &**word {
            "none" => Some(ToolChoice::None),
            "required" => Some(ToolChoice::Required),
            _ => None,
        },
        Value::Object(choice) if choice.len() == 2 && !without_tools => {
            let name = choice.get("name")?.as_str()?;
            (choice.get("type")? == "function").then(|| ToolChoice::Tool(name.into()))
        }
        _ => None,
    };
    let choice = take(fields, "tool_choice", read).unwrap_or_default();
    if fields.get("tool_choice").is_some_and(Value::is_null) {
        fields.shift_remove("tool_choice");
    }
    choice
}

fn tool(value: Value) -> ToolSpec {
    let spec = |name: &str| ToolSpec {
        name: name.into(),
        description: "".into(),
        parameters: Json::empty_object(),
        idempotent: false,
        origin: Origin::Tool,
        native: None,
        server: false,
    };
    let Value::Object(mut fields) = value else { return spec("") };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !matches!(&*kind, "function" | "custom") {
        return ToolSpec { server: true, native: Some(native(NAME, fields)), ..spec(&kind) };
    }
    let custom = kind == "custom";
    let mut absent = Vec::new();
    if !custom {
        fields.shift_remove("type");
    }
    let name = take_text(&mut fields, "name").unwrap_or_default();
    let description = take_text(&mut fields, "description");
    if description.is_none() && !fields.contains_key("description") {
        absent.push("description");
    }
    let mut parameters = json!({"type": "string"});
    if !custom {
        match fields.shift_remove("parameters") {
            Some(given) => parameters = given,
            None => absent.push("parameters"),
        }
        match fields.get("strict") {
            None => absent.push("strict"),
            Some(Value::Bool(false)) => drop(fields.shift_remove("strict")),
            Some(_) => {}
        }
    }
    if !absent.is_empty() {
        fields.insert(ABSENT.into(), absent.into());
    }
    ToolSpec {
        description: description.unwrap_or_default().into(),
        parameters: reading::json(&parameters),
        native: leftover(NAME, fields),
        ..spec(&name)
    }
}
