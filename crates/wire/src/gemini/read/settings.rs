//! Settings read back. A field is understood as far as a setting can say it; one that would not be
//! written again exactly as it was stays in `extra`, which goes before the settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, Settings, ToolChoice};
use largestack_types::json::{Json, canonical};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::object::{Entries, Writer, json};
use super::super::settings::{CHOICE, CONFIG, LIMIT, SCHEMAS, tail};
use crate::json::{Count, List, Str, lenient};
use crate::model::Target;
use crate::schema;

/// The call with what the rest of its request says.
pub(super) fn read(mut fields: Entries<'_>, mut call: Call, target: &Target) -> Call {
    let mut settings = Settings::default();
    let config = fields.take(CONFIG);
    let choice = fields.take(CHOICE);
    let mut sampler = config.as_ref().map(|(_, raw)| Entries::of(raw.get())).unwrap_or_default();
    let limit = sampler.take(LIMIT).and_then(|(_, raw)| lenient::<Count>(raw.get()).0);
    settings.max_output_tokens = limit.and_then(|limit| u32::try_from(limit).ok());
    sampling(&sampler, &mut settings);
    thinking(&sampler, &mut settings);
    settings.output_schema = output(&sampler);
    let labels = fields.get(["labels", "labels"]);
    settings.metadata = labels
        .and_then(|raw| serde_json::from_str::<BTreeMap<String, String>>(raw.get()).ok())
        .unwrap_or_default();
    if let Some((_, raw)) = &choice
        && call.tools.iter().any(|tool| !tool.server)
    {
        call.tool_choice = chosen(raw);
    }
    call.settings = Arc::new(settings);
    let again = again(&mut call, target);
    let again = Entries::of(&again);
    let ours = again.get(CONFIG).map(|raw| Entries::of(raw.get())).unwrap_or_default();
    sampler.0.retain(|(key, raw)| !same(ours.get([key, key]), raw));
    fields.0.retain(|(key, raw)| !same(again.get([key, key]), raw));
    let mut out = Vec::new();
    let mut object = Writer::begin(&mut out);
    object.rest(&fields);
    if let Some((key, _)) = config.filter(|(key, _)| !sampler.is_empty() || key != CONFIG[0]) {
        object.raw(&key, sampler.to_json().as_str());
    }
    if let Some((key, raw)) = choice.filter(|(key, raw)| !same(again.get([key, key]), raw)) {
        object.raw(&key, raw.get());
    }
    object.end();
    if out != b"{}" {
        let settings = Settings::clone(&call.settings);
        call.settings = Arc::new(Settings { extra: Some(json(out)), ..settings });
    }
    call
}

/// What the settings alone would write.
fn again(call: &mut Call, target: &Target) -> String {
    let mut written = tail(call, target);
    if written.is_err() {
        // The model cannot be held to a schema; the request says it all the same.
        let settings = Settings::clone(&call.settings);
        call.settings = Arc::new(Settings { output_schema: None, ..settings });
        written = tail(call, target);
    }
    let mut text = written.map(|tail| tail.text).unwrap_or_default();
    if let Some(first) = text.first_mut() {
        *first = b'{';
    }
    text.push(b'}');
    String::from_utf8(text).unwrap_or_default()
}

fn same(ours: Option<&RawValue>, theirs: &RawValue) -> bool {
    let value = |raw: &RawValue| canonical(raw.get()).ok();
    ours.is_some_and(|ours| value(ours).is_some() && value(ours) == value(theirs))
}

fn one<'a, T: Deserialize<'a>>(fields: &Entries<'a>, name: &str) -> Option<T> {
    serde_json::from_str(fields.get([name, name])?.get()).ok()
}

fn sampling(fields: &Entries<'_>, settings: &mut Settings) {
    settings.temperature = one(fields, "temperature");
    settings.top_p = one(fields, "topP");
    let top_k = fields.get(["topK", "topK"]).and_then(|raw| lenient::<Count>(raw.get()).0);
    settings.top_k = top_k.and_then(|most| u32::try_from(most).ok());
    settings.presence_penalty = one(fields, "presencePenalty");
    settings.frequency_penalty = one(fields, "frequencyPenalty");
    settings.stop = one(fields, "stopSequences").unwrap_or_default();
    settings.seed = one::<i32>(fields, "seed").map(i64::from);
}

fn thinking(fields: &Entries<'_>, settings: &mut Settings) {
    let Some(raw) = fields.get(["thinkingConfig", "thinking_config"]) else { return };
    let config = Entries::of(raw.get());
    let budget = config.get(["thinkingBudget", "thinking_budget"]);
    let budget = budget.and_then(|raw| lenient::<Count>(raw.get()).0);
    settings.reasoning_budget_tokens = budget.and_then(|tokens| u32::try_from(tokens).ok());
    let level = config.get(["thinkingLevel", "thinking_level"]);
    let level = level.and_then(|raw| lenient::<Str<'_>>(raw.get()).0).unwrap_or_default();
    settings.reasoning_effort = match &*level.to_ascii_lowercase() {
        "minimal" => Some(ReasoningEffort::Minimal),
        "low" => Some(ReasoningEffort::Low),
        "medium" => Some(ReasoningEffort::Medium),
        "high" => Some(ReasoningEffort::High),
        _ => None,
    };
}

fn output(fields: &Entries<'_>) -> Option<OutputSchema> {
    let (place, raw) =
        SCHEMAS.iter().enumerate().find_map(|(place, names)| Some((place, fields.get(*names)?)))?;
    let schema = Json::from(raw.to_owned());
    let schema = if place == 0 { schema::of_open_api(&schema) } else { schema };
    Some(OutputSchema { name: "response".into(), schema })
}

/// What a `toolConfig` asks for, as far as there is a word for it.
fn chosen(raw: &RawValue) -> ToolChoice {
    let config = Entries::of(raw.get());
    let config = config.get(["functionCallingConfig", "function_calling_config"]);
    let config = config.map(|raw| Entries::of(raw.get())).unwrap_or_default();
    let mode = config.get(["mode", "mode"]).and_then(|raw| lenient::<Str<'_>>(raw.get()).0);
    let allowed = config.get(["allowedFunctionNames", "allowed_function_names"]);
    let allowed = allowed.map(|raw| lenient::<List<String>>(raw.get()).0).unwrap_or_default();
    match (mode.as_deref(), &allowed[..]) {
        (Some("NONE"), _) => ToolChoice::None,
        (Some("ANY"), [only]) => ToolChoice::Tool(only.as_str().into()),
        (Some("ANY"), _) => ToolChoice::Required,
        _ => ToolChoice::Auto,
    }
}
