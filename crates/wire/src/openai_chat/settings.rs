//! The tail of a request: everything but model and messages. What a provider or model lacks is
//! left out and reported, or refused where the call would mean something else without it.

use std::borrow::Cow;

use largestack_types::call::{Call, ReasoningEffort, Settings, ToolChoice};
use largestack_types::part::Native;
use largestack_types::tool::ToolSpec;
use serde::Serialize;
use serde_json::value::RawValue;

use super::NAME;
use crate::error::EncodeError;
use crate::extra::FieldList;
use crate::json::write;
use crate::model::Target;
use crate::overlay::{self, Overlay};
use crate::profile::Structured;
use crate::quirk::{Field, Quirk};
use crate::session::Tail;

/// Fields that `extra` may not set, because something else accounts for them.
const RESERVED: &[&str] =
    &["model", "messages", "stream", "max_tokens", "max_completion_tokens", "tools", "tool_choice"];

/// Bytes of a tail that says little: room for it from the start.
const SHORT: usize = 64;

/// A tail under way.
struct Writer<'a> {
    target: &'a Target,
    extra: Vec<(Cow<'a, str>, &'a RawValue)>,
    text: Vec<u8>,
    dropped: Vec<&'static str>,
}

pub(super) fn tail(call: &Call, target: &Target) -> Result<Tail, EncodeError> {
    let settings = &*call.settings;
    let mut writer = Writer {
        target,
        extra: FieldList::extra_of(call, RESERVED)?.0,
        text: Vec::with_capacity(SHORT),
        dropped: Vec::new(),
    };
    writer.tools(call)?;
    writer.limits(settings);
    writer.sampling(settings)?;
    writer.output(settings)?;
    writer.stream(call.stream);
    let extra = std::mem::take(&mut writer.extra);
    for (key, value) in extra {
        writer.put(&key, value);
    }
    Ok(Tail::new(call, writer.text, writer.dropped))
}

impl Writer<'_> {
    fn key(&mut self, key: &str) {
        self.text.push(b',');
        write(&mut self.text, key);
        self.text.push(b':');
    }

    /// Writes a field, whatever `extra` says.
    fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.key(key);
        write(&mut self.text, value);
    }

    /// Writes a field unless `extra` sets it: the caller's own word goes last.
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        if !self.extra.iter().any(|(set, _)| set == key) {
            self.put(key, value);
        }
    }

    fn lacks(&self, field: Field) -> bool {
        self.target.provider.lacks(field)
    }

    fn unsupported(&self, what: &'static str) -> EncodeError {
        EncodeError::Unsupported {
            what: what.into(),
            provider: self.target.provider.name.clone(),
            model: self.target.model.clone(),
        }
    }

    fn tools(&mut self, call: &Call) -> Result<(), EncodeError> {
        let settings = &*call.settings;
        if call.tools.is_empty() {
            // Without tools there is nothing to choose, unless the call insists on one.
            let insists = matches!(call.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
            return if insists {
                Err(self.unsupported("a tool choice without tools"))
            } else {
                Ok(())
            };
        }
        if self.lacks(Field::Tools) || !self.target.profile.tools {
            return Err(self.unsupported("tools"));
        }
        let foreign =
            |tool: &&ToolSpec| tool.server && Native::of(tool.native.as_ref(), NAME).is_none();
        if call.tools.iter().any(|tool| foreign(&tool)) {
            return Err(self.unsupported("a tool that another provider runs"));
        }
        self.key("tools");
        for (index, tool) in call.tools.iter().enumerate() {
            self.text.push(if index == 0 { b'[' } else { b',' });
            tool_spec(&mut self.text, tool);
        }
        self.text.push(b']');
        match &call.tool_choice {
            ToolChoice::Auto => {}
            ToolChoice::None => self.put("tool_choice", "none"),
            ToolChoice::Required if self.target.provider.has(Quirk::NineCharCallIds) => {
                self.put("tool_choice", "any");
            }
            ToolChoice::Required => self.put("tool_choice", "required"),
            ToolChoice::Tool(name) => {
                self.key("tool_choice");
                self.text.extend_from_slice(b"{\"type\":\"function\",\"function\":{\"name\":");
                write(&mut self.text, &**name);
                self.text.extend_from_slice(b"}}");
            }
        }
        if let Some(parallel) = settings.parallel_tool_calls {
            if self.lacks(Field::ParallelToolCalls) {
                self.dropped.push("parallel_tool_calls");
            } else {
                self.field("parallel_tool_calls", &parallel);
            }
        }
        Ok(())
    }

    fn limits(&mut self, settings: &Settings) {
        let new = self.target.provider.has(Quirk::MaxCompletionTokens);
        let key = if new { "max_completion_tokens" } else { "max_tokens" };
        let limit = self.target.profile.output_limit(settings.max_output_tokens);
        if settings.max_output_tokens.is_some_and(|asked| asked > limit) {
            self.dropped.push("max_output_tokens");
        }
        self.put(key, &limit);
    }

    fn sampling(&mut self, settings: &Settings) -> Result<(), EncodeError> {
        let samples = self.target.profile.sampling;
        let continuous = [
            ("temperature", settings.temperature),
            ("top_p", settings.top_p),
            ("frequency_penalty", settings.frequency_penalty),
            ("presence_penalty", settings.presence_penalty),
        ];
        for (key, value) in continuous {
            let Some(value) = value else { continue };
            if !value.is_finite() {
                return Err(EncodeError::NotFinite { setting: key });
            }
            if samples {
                self.field(key, &value);
            } else {
                self.dropped.push(key);
            }
        }
        if !settings.stop.is_empty() {
            if samples && !self.lacks(Field::Stop) {
                self.field("stop", &settings.stop);
            } else {
                self.dropped.push("stop");
            }
        }
        if let Some(most) = settings.top_k {
            if self.target.provider.has(Quirk::TopK) {
                self.field("top_k", &most);
            } else {
                self.dropped.push("top_k");
            }
        }
        if settings.reasoning_budget_tokens.is_some() {
            self.dropped.push("reasoning_budget_tokens");
        }
        if settings.prompt_cache.is_some() {
            // These providers keep every prompt's beginning without being asked.
            self.dropped.push("prompt_cache");
        }
        if !settings.metadata.is_empty() {
            if self.lacks(Field::Metadata) {
                self.dropped.push("metadata");
            } else {
                self.field("metadata", &settings.metadata);
            }
        }
        if let Some(seed) = settings.seed {
            if self.lacks(Field::Seed) {
                self.dropped.push("seed");
            } else {
                let random = self.target.provider.has(Quirk::RandomSeed);
                self.field(if random { "random_seed" } else { "seed" }, &seed);
            }
        }
        if let Some(effort) = settings.reasoning_effort {
            if self.target.profile.reasoning && !self.lacks(Field::ReasoningEffort) {
                // OpenAI's own scale ends one step before that of others.
                let openai = self.target.provider.has(Quirk::DeveloperRole);
                let most = openai && effort == ReasoningEffort::Max;
                let effort = if most { ReasoningEffort::Xhigh } else { effort };
                self.field("reasoning_effort", word(effort));
            } else {
                self.dropped.push("reasoning_effort");
            }
        }
        Ok(())
    }

    fn output(&mut self, settings: &Settings) -> Result<(), EncodeError> {
        let Some(output) = &settings.output_schema else { return Ok(()) };
        let structured = self.target.profile.structured;
        if self.lacks(Field::OutputSchema) || !structured.is_native() {
            return Err(self.unsupported("a schema for the answer"));
        }
        if self.target.provider.has(Quirk::JsonObjectOnly) || structured == Structured::JsonObject {
            // JSON is enforced, its shape is not: the caller has to say the shape in words.
            self.dropped.push("output_schema.schema");
            if !self.extra.iter().any(|(set, _)| set == "response_format") {
                self.key("response_format");
                self.text.extend_from_slice(b"{\"type\":\"json_object\"}");
            }
            return Ok(());
        }
        if !self.extra.iter().any(|(set, _)| set == "response_format") {
            self.key("response_format");
            self.text.extend_from_slice(b"{\"type\":\"json_schema\",\"json_schema\":{\"name\":");
            write(&mut self.text, &*output.name);
            self.text.extend_from_slice(b",\"schema\":");
            self.text.extend_from_slice(output.schema.as_str().as_bytes());
            self.text.extend_from_slice(b",\"strict\":true}}");
        }
        Ok(())
    }

    fn stream(&mut self, stream: bool) {
        if !stream {
            return;
        }
        self.put("stream", &true);
        let set = self.extra.iter().any(|(set, _)| set == "stream_options");
        if !set && !self.lacks(Field::StreamOptions) {
            self.key("stream_options");
            self.text.extend_from_slice(b"{\"include_usage\":true}");
        }
    }
}

/// A tool. One that the provider runs itself is its whole declaration.
fn tool_spec(out: &mut Vec<u8>, tool: &ToolSpec) {
    let overlay = Overlay::of(tool.native.as_ref(), NAME);
    let mut object = overlay::Writer::begin(out, overlay);
    if !tool.server {
        object.text("type", "function");
        object.object("function", |function| {
            function.text("name", &tool.name);
            function.text("description", &tool.description);
            function.field("parameters", |out| {
                out.extend_from_slice(tool.parameters.as_str().as_bytes());
            });
        });
    }
    object.end();
}

pub(super) const fn word(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None => "none",
        ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::Xhigh => "xhigh",
        ReasoningEffort::Max => "max",
    }
}
