//! The tail of a request: everything but model, instructions and input. What the protocol, the
//! provider or the model lacks is left out and reported, or refused where the call would mean
//! something else without it.

use std::borrow::Cow;

use largestack_types::call::{Call, ReasoningEffort, Settings, ToolChoice};
use serde::Serialize;
use serde_json::value::RawValue;

use super::tools;
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::extra::FieldList;
use crate::json::{Object, lenient, write};
use crate::model::Target;
use crate::overlay::{Overlay, Writer as ObjectWriter};
use crate::profile::Structured;
use crate::quirk::{Field, Quirk};
use crate::session::Tail;

/// Fields that `extra` may not set, because something else accounts for them.
const RESERVED: &[&str] = &["model", "input", "instructions", "stream", "max_output_tokens"];

/// Fields with which the provider keeps the conversation, so that it must be allowed to.
const KEPT_THERE: &[&str] = &["store", "background", "conversation", "previous_response_id"];

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
        text: Vec::new(),
        dropped: Vec::new(),
    };
    writer.tools(call)?;
    writer.limit(settings);
    writer.sampling(settings)?;
    writer.lacking(settings);
    writer.reasoning(settings);
    writer.output(settings)?;
    writer.kept(call.stream);
    let extra = std::mem::take(&mut writer.extra);
    for (key, value) in extra {
        writer.put(&key, value);
    }
    Ok(Tail::new(call, writer.text, writer.dropped))
}

impl<'a> Writer<'a> {
    fn key(&mut self, key: &str) {
        self.text.push(b',');
        write_str(&mut self.text, key);
        self.text.push(b':');
    }

    fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.key(key);
        write(&mut self.text, value);
    }

    /// Whether the caller sets a field in his own words.
    fn sets(&self, key: &str) -> bool {
        self.extra.iter().any(|(set, _)| set == key)
    }

    /// Writes a field unless `extra` sets it: the caller's own word goes last.
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        if !self.sets(key) {
            self.put(key, value);
        }
    }

    /// The caller's own words inside of a field that holds an object, taken out.
    fn inner(&mut self, key: &str) -> Overlay<'a> {
        let at = self.extra.iter().position(|(set, raw)| set == key && raw.get().starts_with('{'));
        let raw = at.map_or("", |at| self.extra.remove(at).1.get());
        lenient::<Object<Overlay<'a>>>(raw).0
    }

    fn unsupported(&self, what: &'static str) -> EncodeError {
        EncodeError::Unsupported {
            what: what.into(),
            provider: self.target.provider.name.clone(),
            model: self.target.model.clone(),
        }
    }

    fn tools(&mut self, call: &Call) -> Result<(), EncodeError> {
        if call.tools.is_empty() {
            // Without tools there is nothing to choose, unless the call insists on one.
            let insists = matches!(call.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
            return if insists {
                Err(self.unsupported("a tool choice without tools"))
            } else {
                Ok(())
            };
        }
        if self.target.provider.lacks(Field::Tools) || !self.target.profile.tools {
            return Err(self.unsupported("tools"));
        }
        if tools::any_foreign(call) {
            return Err(self.unsupported("a tool that another provider runs"));
        }
        self.key("tools");
        tools::list(&mut self.text, &call.tools);
        if let Some(choice) = tools::choice(&call.tool_choice) {
            self.key("tool_choice");
            self.text.extend_from_slice(&choice);
        }
        if let Some(parallel) = call.settings.parallel_tool_calls {
            if self.target.provider.lacks(Field::ParallelToolCalls) {
                self.dropped.push("parallel_tool_calls");
            } else {
                self.field("parallel_tool_calls", &parallel);
            }
        }
        Ok(())
    }

    fn limit(&mut self, settings: &Settings) {
        let limit = self.target.profile.output_limit(settings.max_output_tokens);
        if settings.max_output_tokens.is_some_and(|asked| asked > limit) {
            self.dropped.push("max_output_tokens");
        }
        self.put("max_output_tokens", &limit);
    }

    fn sampling(&mut self, settings: &Settings) -> Result<(), EncodeError> {
        for (key, value) in [("temperature", settings.temperature), ("top_p", settings.top_p)] {
            let Some(value) = value else { continue };
            if !value.is_finite() {
                return Err(EncodeError::NotFinite { setting: key });
            }
            if self.target.profile.sampling {
                self.field(key, &value);
            } else {
                self.dropped.push(key);
            }
        }
        if let Some(most) = settings.top_k {
            if self.target.provider.has(Quirk::TopK) {
                self.field("top_k", &most);
            } else {
                self.dropped.push("top_k");
            }
        }
        if !settings.metadata.is_empty() {
            if self.target.provider.lacks(Field::Metadata) {
                self.dropped.push("metadata");
            } else {
                self.field("metadata", &settings.metadata);
            }
        }
        Ok(())
    }

    /// Settings for which the protocol has no field.
    fn lacking(&mut self, settings: &Settings) {
        let asked = [
            ("frequency_penalty", settings.frequency_penalty.is_some()),
            ("presence_penalty", settings.presence_penalty.is_some()),
            ("stop", !settings.stop.is_empty()),
            ("seed", settings.seed.is_some()),
            ("reasoning_budget_tokens", settings.reasoning_budget_tokens.is_some()),
            // Every prompt's beginning is kept without being asked.
            ("prompt_cache", settings.prompt_cache.is_some()),
        ];
        self.dropped.extend(asked.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name));
    }

    fn reasoning(&mut self, settings: &Settings) {
        let Some(effort) = settings.reasoning_effort else { return };
        if !self.target.profile.reasoning || self.target.provider.lacks(Field::ReasoningEffort) {
            self.dropped.push("reasoning_effort");
            return;
        }
        let inner = self.inner("reasoning");
        self.key("reasoning");
        let mut object = ObjectWriter::begin(&mut self.text, inner);
        object.text("effort", word(effort));
        object.end();
    }

    fn output(&mut self, settings: &Settings) -> Result<(), EncodeError> {
        let Some(output) = &settings.output_schema else { return Ok(()) };
        let structured = self.target.profile.structured;
        if self.target.provider.lacks(Field::OutputSchema) || !structured.is_native() {
            return Err(self.unsupported("a schema for the answer"));
        }
        let schema =
            structured == Structured::Schema && !self.target.provider.has(Quirk::JsonObjectOnly);
        if !schema {
            // JSON is enforced, its shape is not: the caller has to say the shape in words.
            self.dropped.push("output_schema.schema");
        }
        let inner = self.inner("text");
        self.key("text");
        let mut text = ObjectWriter::begin(&mut self.text, inner);
        text.object("format", |format| {
            if schema {
                format.text("type", "json_schema");
                format.text("name", &output.name);
                format.field("schema", |out| {
                    out.extend_from_slice(output.schema.as_str().as_bytes());
                });
                format.field("strict", |out| out.extend_from_slice(b"true"));
            } else {
                format.text("type", "json_object");
            }
        });
        text.end();
        Ok(())
    }

    /// What the provider keeps, and what it has to hand out because it keeps nothing.
    fn kept(&mut self, stream: bool) {
        if stream {
            self.put("stream", &true);
        }
        if !KEPT_THERE.iter().any(|key| self.sets(key)) {
            self.put("store", &false);
        }
        if self.target.profile.reasoning {
            self.field("include", &["reasoning.encrypted_content"]);
        }
        self.extra.retain(|(key, value)| {
            !(matches!(&**key, "store" | "include") && value.get() == "null")
        });
    }
}

pub(super) const fn word(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None => "none",
        ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::Xhigh | ReasoningEffort::Max => "xhigh",
    }
}
