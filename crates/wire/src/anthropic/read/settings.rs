//! Everything but the conversation and the tools. A field that our settings would not write the
//! same way for this model goes into `extra`.

use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, Settings, ToolChoice};
use serde_json::{Value, json};

use crate::anthropic::host::Host;
use crate::anthropic::{thinking, tools};
use crate::error::ReadError;
use crate::model::Target;
use crate::profile::Structured;
use crate::reading::{Fields, json as text_of, malformed};

/// What a request says beside conversation and tools.
pub(super) struct Said {
    pub(super) settings: Settings,
    pub(super) tool_choice: ToolChoice,
    pub(super) stream: bool,
}

pub(super) fn read(host: Host, mut fields: Fields, target: &Target) -> Result<Said, ReadError> {
    let mut settings = Settings::default();
    let stream = fields.shift_remove("stream").as_ref().and_then(Value::as_bool);
    if let Some(limit) = fields.shift_remove("max_tokens") {
        let limit = limit.as_u64().and_then(|limit| u32::try_from(limit).ok());
        let limit = limit.ok_or_else(|| malformed("`max_tokens` is no output limit"))?;
        settings.max_output_tokens = Some(limit);
    }
    let spoken = fields.get("anthropic_version").and_then(Value::as_str);
    if spoken.is_some() && spoken == host.version() {
        fields.shift_remove("anthropic_version");
    }
    let tool_choice = choice(&mut fields, &mut settings);
    let forced = matches!(tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
    reasoning(&mut fields, &mut settings, target, forced);
    schema(&mut fields, &mut settings, target);
    sampling(&mut fields, &mut settings, target, forced);
    if !fields.is_empty() {
        settings.extra = Some(text_of(&Value::Object(fields)));
    }
    Ok(Said { settings, tool_choice, stream: stream == Some(true) })
}

fn choice(fields: &mut Fields, settings: &mut Settings) -> ToolChoice {
    let Some(given) = fields.get("tool_choice") else { return ToolChoice::Auto };
    let name = || given["name"].as_str().map(|name| ToolChoice::Tool(name.into()));
    let choice = match given["type"].as_str() {
        Some("none") => Some(ToolChoice::None),
        Some("any") => Some(ToolChoice::Required),
        Some("tool") => name(),
        _ => Some(ToolChoice::Auto),
    };
    let parallel = given["disable_parallel_tool_use"].as_bool().map(|disabled| !disabled);
    let tried = Call {
        model: "".into(),
        messages: Arc::default(),
        tools: Arc::default(),
        tool_choice: choice.unwrap_or_default(),
        settings: Arc::new(Settings { parallel_tool_calls: parallel, ..Settings::default() }),
        stream: false,
    };
    let written = tools::choice(&tried).and_then(|json| serde_json::from_str::<Value>(&json).ok());
    if written.as_ref() != Some(given) {
        return ToolChoice::Auto;
    }
    fields.shift_remove("tool_choice");
    settings.parallel_tool_calls = parallel;
    tried.tool_choice
}

const EFFORTS: &[ReasoningEffort] = &[
    ReasoningEffort::None,
    ReasoningEffort::Low,
    ReasoningEffort::Medium,
    ReasoningEffort::High,
    ReasoningEffort::Xhigh,
    ReasoningEffort::Max,
];

/// An effort or a budget that is written for this model as the request has it.
fn reasoning(fields: &mut Fields, settings: &mut Settings, target: &Target, forced: bool) {
    let given = fields.get("thinking");
    let effort = fields.get("output_config").and_then(|config| config.get("effort"));
    let budget = given.and_then(|thinking| thinking["budget_tokens"].as_u64());
    let budget = budget.and_then(|budget| u32::try_from(budget).ok());
    let limit = target.profile.output_limit(settings.max_output_tokens);
    let efforts = EFFORTS.iter().map(|effort| (Some(*effort), None));
    let fits = |tried: &(Option<ReasoningEffort>, Option<u32>)| {
        let settings = Settings {
            reasoning_effort: tried.0,
            reasoning_budget_tokens: tried.1,
            ..Settings::default()
        };
        let plan = thinking::plan(&settings, &target.profile, limit, forced);
        let json = plan.thinking.as_ref();
        let json = json.and_then(|json| serde_json::from_str::<Value>(json).ok());
        json.is_some()
            && json.as_ref() == given
            && plan.effort == effort.and_then(Value::as_str)
            && plan.dropped.is_empty()
    };
    let Some((effort, budget)) = [(None, budget)].into_iter().chain(efforts).find(fits) else {
        return;
    };
    settings.reasoning_effort = effort;
    settings.reasoning_budget_tokens = budget;
    fields.shift_remove("thinking");
    if effort.is_some() {
        take_config(fields, "effort");
    }
}

/// A schema for the answer. Its name is not said here.
fn schema(fields: &mut Fields, settings: &mut Settings, target: &Target) {
    let format = fields.get("output_config").and_then(|config| config.get("format"));
    let Some(schema) = format.and_then(|format| format.get("schema")) else { return };
    let same = format == Some(&json!({"type": "json_schema", "schema": schema}));
    if !same || target.profile.structured != Structured::Schema {
        return;
    }
    settings.output_schema = Some(OutputSchema { name: "answer".into(), schema: text_of(schema) });
    take_config(fields, "format");
}

fn take_config(fields: &mut Fields, key: &str) {
    let Some(Value::Object(config)) = fields.get_mut("output_config") else { return };
    config.shift_remove(key);
    if config.is_empty() {
        fields.shift_remove("output_config");
    }
}

/// Sampling that this model takes; what it refuses stays as it was asked.
fn sampling(fields: &mut Fields, settings: &mut Settings, target: &Target, forced: bool) {
    let limit = target.profile.output_limit(settings.max_output_tokens);
    let plan = thinking::plan(settings, &target.profile, limit, forced);
    let samples = target.profile.sampling && !plan.thinks() && !fields.contains_key("thinking");
    if samples {
        settings.temperature = take(fields, "temperature", Value::as_f64);
        settings.top_p = take(fields, "top_p", Value::as_f64);
        settings.top_k =
            take(fields, "top_k", |value| value.as_u64().and_then(|most| u32::try_from(most).ok()));
    }
    settings.stop = take(fields, "stop_sequences", |value| {
        let words = value.as_array().filter(|words| !words.is_empty())?;
        words.iter().map(|word| word.as_str().map(str::to_owned)).collect()
    })
    .unwrap_or_default();
    settings.metadata = take(fields, "metadata", |value| {
        let metadata = value.as_object().filter(|metadata| metadata.len() == 1)?;
        let user = metadata.get("user_id")?.as_str()?;
        Some([("user_id".to_owned(), user.to_owned())].into())
    })
    .unwrap_or_default();
}

/// Takes a field out of an object, where it reads as expected.
fn take<T>(fields: &mut Fields, key: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
    let value = fields.get(key).and_then(read)?;
    fields.shift_remove(key);
    Some(value)
}
