//! The tail of a request: everything but contents and instructions. What a provider or model lacks
//! is left out and reported, or refused where the call would mean something else without it.

use largestack_types::call::{Call, ReasoningEffort, Settings, ToolChoice};
use largestack_types::json::Json;

use super::object::{Entries, Writer};
use super::tools;
use crate::error::EncodeError;
use crate::extra::no_key_twice;
use crate::json::write;
use crate::model::Target;
use crate::profile::Structured;
use crate::quirk::Field;
use crate::schema::{self, Dialect};
use crate::session::Tail;

/// Fields that `extra` may not set, because something else accounts for them.
const RESERVED: &[&str] = &["contents", "tools", "systemInstruction", "system_instruction"];
/// The group of the sampler's settings, and of what tools may be called.
pub(super) const CONFIG: [&str; 2] = ["generationConfig", "generation_config"];
pub(super) const CHOICE: [&str; 2] = ["toolConfig", "tool_config"];
/// The limit of generated tokens.
pub(super) const LIMIT: [&str; 2] = ["maxOutputTokens", "max_output_tokens"];

pub(super) fn tail(call: &Call, target: &Target) -> Result<Tail, EncodeError> {
    let settings = &*call.settings;
    let mut extra = extra(settings.extra.as_ref())?;
    let mut dropped = Vec::new();
    // The first field, the contents, stands before: each of these begins with a comma.
    let mut text = Vec::new();
    let mut object = Writer::begin(&mut text);
    if !call.tools.is_empty() {
        let lowered = tools::write(object.key("tools"), &call.tools, target)?;
        dropped.extend(lowered);
    }
    choice(&mut object, call, &mut extra, target)?;
    if settings.parallel_tool_calls == Some(false) {
        dropped.push("parallel_tool_calls");
    }
    let said = extra.take(CONFIG);
    let key = said.as_ref().map_or(CONFIG[0], |(key, _)| key);
    let mut config = Config {
        said: said.as_ref().map(|(_, raw)| group(raw.get())).transpose()?.unwrap_or_default(),
        object: Writer::begin(object.key(key)),
        dropped: &mut dropped,
        target,
    };
    config.limit(settings)?;
    config.sampling(settings)?;
    config.thinking(settings);
    config.output(settings)?;
    config.object.rest(&config.said);
    config.object.end();
    if !settings.metadata.is_empty() {
        if target.provider.lacks(Field::Metadata) {
            dropped.push("metadata");
        } else if extra.get(["labels", "labels"]).is_none() {
            write(object.key("labels"), &settings.metadata);
        }
    }
    if settings.prompt_cache.is_some() {
        // The beginning of a prompt is kept without being asked, or by a resource of its own.
        dropped.push("prompt_cache");
    }
    object.rest(&extra);
    if let Some(first) = text.first_mut() {
        *first = b',';
    }
    Ok(Tail::new(call, text, dropped))
}

fn extra(json: Option<&Json>) -> Result<Entries<'_>, EncodeError> {
    let Some(text) = json.map(Json::as_str) else { return Ok(Entries::default()) };
    if !text.trim_start().starts_with('{') {
        return Err(EncodeError::ExtraNotAnObject);
    }
    let fields = group(text)?;
    match fields.0.iter().find(|(key, _)| RESERVED.contains(&&**key)) {
        Some((key, _)) => Err(EncodeError::ExtraReserved { key: key.to_string() }),
        None => Ok(fields),
    }
}

/// Fields of which none is said twice, in either of its spellings: `topP` is `top_p`.
fn group(text: &str) -> Result<Entries<'_>, EncodeError> {
    let fields = Entries::of(text);
    no_key_twice(fields.0.iter().map(|(key, _)| camel(key)))?;
    Ok(fields)
}

/// A name as protobuf's JSON mapping spells it, of either spelling that it reads.
fn camel(name: &str) -> String {
    let mut after = false;
    let letter = |letter: char| match std::mem::replace(&mut after, letter == '_') {
        _ if letter == '_' => None,
        true => Some(letter.to_ascii_uppercase()),
        false => Some(letter),
    };
    name.chars().filter_map(letter).collect()
}

fn unsupported(target: &Target, what: &'static str) -> EncodeError {
    EncodeError::Unsupported {
        what: what.into(),
        provider: target.provider.name.clone(),
        model: target.model.clone(),
    }
}

/// `toolConfig`: whether functions may be called, and what `extra` says beside it.
fn choice(
    object: &mut Writer<'_>,
    call: &Call,
    extra: &mut Entries<'_>,
    target: &Target,
) -> Result<(), EncodeError> {
    let said = extra.take(CHOICE);
    let beside = said.as_ref().map(|(_, raw)| group(raw.get())).transpose()?.unwrap_or_default();
    let names = ["functionCallingConfig", "function_calling_config"];
    let insists = matches!(call.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
    let functions = call.tools.iter().any(|tool| !tool.server);
    if insists && !functions {
        return Err(unsupported(target, "a tool choice without tools"));
    }
    let ours = functions && call.tool_choice != ToolChoice::Auto && beside.get(names).is_none();
    if said.is_none() && !ours {
        return Ok(());
    }
    let key = said.as_ref().map_or(CHOICE[0], |(key, _)| key);
    let mut config = Writer::begin(object.key(key));
    if ours {
        mode(config.key(names[0]), &call.tool_choice);
    }
    config.rest(&beside);
    config.end();
    Ok(())
}

/// `FunctionCallingConfig`.
pub(super) fn mode(out: &mut Vec<u8>, choice: &ToolChoice) {
    let mut config = Writer::begin(out);
    let word = match choice {
        ToolChoice::Auto => "AUTO",
        ToolChoice::None => "NONE",
        ToolChoice::Required | ToolChoice::Tool(_) => "ANY",
    };
    config.str("mode", word);
    if let ToolChoice::Tool(name) = choice {
        write(config.key("allowedFunctionNames"), &[&**name]);
    }
    config.end();
}

/// `generationConfig` under way. What `extra` says of a field goes before what a setting says.
struct Config<'a, 'o> {
    said: Entries<'a>,
    object: Writer<'o>,
    dropped: &'o mut Vec<&'static str>,
    target: &'o Target,
}

impl Config<'_, '_> {
    /// Writes a field unless `extra` sets it.
    fn field<T: serde::Serialize + ?Sized>(&mut self, names: [&'static str; 2], value: &T) {
        if self.said.get(names).is_none() {
            write(self.object.key(names[0]), value);
        }
    }

    fn limit(&mut self, settings: &Settings) -> Result<(), EncodeError> {
        if self.said.get(LIMIT).is_some() {
            return Err(EncodeError::ExtraReserved {
                key: "generationConfig.maxOutputTokens".into(),
            });
        }
        let limit = self.target.profile.output_limit(settings.max_output_tokens);
        if settings.max_output_tokens.is_some_and(|asked| asked > limit) {
            self.dropped.push("max_output_tokens");
        }
        self.field(LIMIT, &limit);
        Ok(())
    }

    fn sampling(&mut self, settings: &Settings) -> Result<(), EncodeError> {
        let samples = self.target.profile.sampling;
        let continuous = [
            ("temperature", ["temperature", "temperature"], settings.temperature),
            ("top_p", ["topP", "top_p"], settings.top_p),
            (
                "frequency_penalty",
                ["frequencyPenalty", "frequency_penalty"],
                settings.frequency_penalty,
            ),
            (
                "presence_penalty",
                ["presencePenalty", "presence_penalty"],
                settings.presence_penalty,
            ),
        ];
        for (setting, names, value) in continuous {
            let Some(value) = value else { continue };
            if !value.is_finite() {
                return Err(EncodeError::NotFinite { setting });
            }
            if samples {
                self.field(names, &value);
            } else {
                self.dropped.push(setting);
            }
        }
        if let Some(most) = settings.top_k {
            if samples {
                self.field(["topK", "top_k"], &most);
            } else {
                self.dropped.push("top_k");
            }
        }
        if !settings.stop.is_empty() {
            if samples {
                self.field(["stopSequences", "stop_sequences"], &settings.stop);
            } else {
                self.dropped.push("stop");
            }
        }
        match settings.seed.map(i32::try_from) {
            Some(Ok(seed)) => self.field(["seed", "seed"], &seed),
            // The field has 32 bits.
            Some(Err(_)) => self.dropped.push("seed"),
            None => {}
        }
        Ok(())
    }

    /// `thinkingConfig`: a level for the models that have levels, else a budget. Whoever asks for
    /// thoughts is shown them.
    fn thinking(&mut self, settings: &Settings) {
        let names = ["thinkingConfig", "thinking_config"];
        let effort = settings.reasoning_effort;
        let budget = settings.reasoning_budget_tokens;
        if effort.is_none() && budget.is_none() {
            return;
        }
        if !self.target.profile.reasoning {
            self.dropped.extend(effort.map(|_| "reasoning_effort"));
            self.dropped.extend(budget.map(|_| "reasoning_budget_tokens"));
            return;
        }
        if self.said.get(names).is_some() {
            return;
        }
        let least = self.target.profile.least_reasoning_tokens;
        // A request with both is refused.
        if budget.is_some() && effort.is_some() {
            self.dropped.push("reasoning_effort");
        }
        let tokens = budget.or_else(|| least.zip(effort).map(|(least, e)| tokens(e).max(least)));
        let off = tokens == Some(0) || effort == Some(ReasoningEffort::None);
        if effort == Some(ReasoningEffort::None) && tokens != Some(0) && budget.is_none() {
            // It thinks as little as it can, which is not nothing.
            self.dropped.push("reasoning_effort");
        }
        let mut config = Writer::begin(self.object.key(names[0]));
        match (tokens, effort) {
            (Some(tokens), _) => write(config.key("thinkingBudget"), &tokens),
            (None, Some(effort)) => config.str("thinkingLevel", level(effort)),
            (None, None) => {}
        }
        if !off {
            config.raw("includeThoughts", "true");
        }
        config.end();
    }

    fn output(&mut self, settings: &Settings) -> Result<(), EncodeError> {
        let Some(output) = &settings.output_schema else { return Ok(()) };
        let structured = self.target.profile.structured;
        if self.target.provider.lacks(Field::OutputSchema) || !structured.is_native() {
            return Err(unsupported(self.target, "a schema for the answer"));
        }
        self.field(["responseMimeType", "response_mime_type"], "application/json");
        let said = SCHEMAS.iter().any(|names| self.said.get(*names).is_some());
        if structured == Structured::JsonObject {
            // JSON is enforced, its shape is not: the caller has to say the shape in words.
            self.dropped.push("output_schema.schema");
        } else if !said {
            let (schema, lost) = schema::down_level(&output.schema, Dialect::GeminiOpenApi);
            if lost.is_empty() {
                self.object.raw(SCHEMAS[0][0], schema.as_str());
            } else {
                // The newer field takes more of JSON Schema.
                let (schema, lost) = schema::down_level(&output.schema, Dialect::GeminiJson);
                self.object.raw(SCHEMAS[1][0], schema.as_str());
                self.dropped.extend(schema::dropped(schema::Of::Output, &lost));
            }
        }
        Ok(())
    }
}

/// The fields that can hold a schema of the answer.
pub(super) const SCHEMAS: [[&str; 2]; 3] = [
    ["responseSchema", "response_schema"],
    ["responseJsonSchema", "response_json_schema"],
    ["_responseJsonSchema", "_response_json_schema"],
];

/// The budgets that Google's own OpenAI-compatible endpoint gives for efforts
/// (ai.google.dev/gemini-api/docs/openai, "Thinking").
const fn tokens(effort: ReasoningEffort) -> u32 {
    match effort {
        ReasoningEffort::None => 0,
        ReasoningEffort::Minimal | ReasoningEffort::Low => 1_024,
        ReasoningEffort::Medium => 8_192,
        ReasoningEffort::High | ReasoningEffort::Xhigh | ReasoningEffort::Max => 24_576,
    }
}

const fn level(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High | ReasoningEffort::Xhigh | ReasoningEffort::Max => "high",
    }
}
