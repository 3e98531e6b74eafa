//! The tail of a request: everything but model, limit and conversation. What a model lacks is
//! left out and reported, or refused where the call would mean something else without it.

use std::borrow::Cow;

use largestack_types::call::{Call, Settings, ToolChoice};
use serde::Serialize;
use serde_json::value::RawValue;

use super::betas;
use super::host::Host;
use super::native::Beside;
use super::thinking::{self, Plan};
use super::tools;
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::extra::no_key_twice;
use crate::json::write;
use crate::model::Target;
use crate::profile::Structured;
use crate::session::Tail;

/// Fields that `extra` may not set, because something else accounts for them.
const RESERVED: &[&str] = &["model", "messages", "system", "stream", "max_tokens", "tools"];

/// A tail under way.
struct Writer<'a> {
    target: &'a Target,
    extra: Beside<'a>,
    text: Vec<u8>,
    dropped: Vec<&'static str>,
}

pub(super) fn tail(host: Host, call: &Call, target: &Target) -> Result<Tail, EncodeError> {
    let settings = &*call.settings;
    let extra = extra(call)?;
    let mut writer = Writer { target, extra, text: Vec::new(), dropped: Vec::new() };
    if let Some(version) = host.version() {
        writer.field("anthropic_version", version);
    }
    writer.tools(call)?;
    let limit = target.profile.output_limit(settings.max_output_tokens);
    if settings.max_output_tokens.is_some_and(|asked| asked > limit) {
        writer.dropped.push("max_output_tokens");
    }
    let forced = matches!(call.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
    let plan = thinking::plan(settings, &target.profile, limit, forced);
    if let Some(json) = &plan.thinking {
        writer.raw("thinking", json);
    }
    writer.output_config(settings, &plan)?;
    writer.sampling(settings, &plan)?;
    writer.rest(settings);
    writer.dropped.extend(&plan.dropped);
    if call.stream && host.says_stream() {
        writer.put("stream", &true);
    }
    for (key, value) in std::mem::take(&mut writer.extra.0) {
        if key != betas::FIELD || !host.betas_in_header() {
            writer.put(&key, value);
        }
    }
    Ok(Tail::new(call, writer.text, writer.dropped))
}

fn extra(call: &Call) -> Result<Beside<'_>, EncodeError> {
    let Some(extra) = &call.settings.extra else { return Ok(Beside::default()) };
    if !extra.as_str().trim_start().starts_with('{') {
        return Err(EncodeError::ExtraNotAnObject);
    }
    let extra = Beside::read(extra.as_str());
    no_key_twice(extra.0.iter().map(|(key, _)| key))?;
    // How to choose is the call's to say, unless it says nothing.
    let chosen = tools::choice(call).is_some();
    let reserved = |key: &str| RESERVED.contains(&key) || (key == "tool_choice" && chosen);
    match extra.0.iter().find(|(key, _)| reserved(key)) {
        Some((key, _)) => Err(EncodeError::ExtraReserved { key: key.to_string() }),
        None => Ok(extra),
    }
}

impl Writer<'_> {
    fn key(&mut self, key: &str) {
        self.text.push(b',');
        write_str(&mut self.text, key);
        self.text.push(b':');
    }

    /// Writes a field, whatever `extra` says.
    fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.key(key);
        write(&mut self.text, value);
    }

    /// Writes a field unless `extra` sets it: the caller's own word goes last.
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        if self.extra.get(key).is_none() {
            self.put(key, value);
        }
    }

    /// The same for JSON text.
    fn raw(&mut self, key: &str, json: &str) {
        if self.extra.get(key).is_none() {
            self.key(key);
            self.text.extend_from_slice(json.as_bytes());
        }
    }

    fn unsupported(&self, what: impl Into<Cow<'static, str>>) -> EncodeError {
        EncodeError::Unsupported {
            what: what.into(),
            provider: self.target.provider.name.clone(),
            model: self.target.model.clone(),
        }
    }

    fn tools(&mut self, call: &Call) -> Result<(), EncodeError> {
        let insists = matches!(call.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
        if call.tools.is_empty() {
            // Tools of remote servers are named elsewhere in the body.
            if insists && self.extra.get("mcp_servers").is_none() {
                return Err(self.unsupported("a tool choice without tools"));
            }
        } else {
            if !self.target.profile.tools {
                return Err(self.unsupported("tools"));
            }
            if let Some(tool) = call.tools.iter().find(|t| t.server && !tools::is_defined(t)) {
                return Err(
                    self.unsupported(format!("the tool `{}` of another provider", tool.name))
                );
            }
            self.key("tools");
            tools::write(&mut self.text, &call.tools, call.settings.prompt_cache);
        }
        let some = !call.tools.is_empty() || insists;
        if let Some(choice) = tools::choice(call).filter(|_| some) {
            self.raw("tool_choice", &choice);
        }
        Ok(())
    }

    /// Effort and schema, completed by what `extra` says of the same object.
    fn output_config(&mut self, settings: &Settings, plan: &Plan) -> Result<(), EncodeError> {
        let own = self.extra.0.iter().position(|(key, _)| key == "output_config");
        let own = own.map(|at| self.extra.0.remove(at).1);
        let beside = Beside::read(own.map_or("", RawValue::get));
        no_key_twice(beside.0.iter().map(|(key, _)| key))?;
        let mut inner = Vec::new();
        if let Some(effort) = plan.effort.filter(|_| beside.get("effort").is_none()) {
            inner.extend_from_slice(format!(",\"effort\":\"{effort}\"").as_bytes());
        }
        if let Some(output) = &settings.output_schema {
            if self.target.profile.structured != Structured::Schema {
                return Err(self.unsupported("a schema for the answer"));
            }
            if beside.get("format").is_none() {
                inner.extend_from_slice(b",\"format\":{\"type\":\"json_schema\",\"schema\":");
                inner.extend_from_slice(output.schema.as_str().as_bytes());
                inner.push(b'}');
            }
        }
        beside.write(&mut inner, &[], true);
        match (inner.strip_prefix(b","), own) {
            (Some(fields), _) => {
                self.key("output_config");
                self.text.push(b'{');
                self.text.extend_from_slice(fields);
                self.text.push(b'}');
            }
            // Not an object, or an empty one: the provider will say what it thinks of it.
            (None, Some(raw)) => self.put("output_config", raw),
            (None, None) => {}
        }
        Ok(())
    }

    fn sampling(&mut self, settings: &Settings, plan: &Plan) -> Result<(), EncodeError> {
        let samples = self.target.profile.sampling;
        let thinks = plan.thinks();
        for (key, value, fits) in [
            ("temperature", settings.temperature, !thinks || settings.temperature == Some(1.0)),
            ("top_p", settings.top_p, !thinks || settings.top_p.is_some_and(|p| p >= 0.95)),
        ] {
            let Some(value) = value else { continue };
            if !value.is_finite() {
                return Err(EncodeError::NotFinite { setting: key });
            }
            if samples && fits {
                self.field(key, &value);
            } else {
                self.dropped.push(key);
            }
        }
        if let Some(most) = settings.top_k {
            if samples && !thinks {
                self.field("top_k", &most);
            } else {
                self.dropped.push("top_k");
            }
        }
        for (key, value) in [
            ("frequency_penalty", settings.frequency_penalty),
            ("presence_penalty", settings.presence_penalty),
        ] {
            if value.is_some_and(|value| !value.is_finite()) {
                return Err(EncodeError::NotFinite { setting: key });
            }
            self.dropped.extend(value.map(|_| key));
        }
        self.dropped.extend(settings.seed.map(|_| "seed"));
        Ok(())
    }

    fn rest(&mut self, settings: &Settings) {
        if !settings.stop.is_empty() {
            self.field("stop_sequences", &settings.stop);
        }
        // The API knows one name and refuses any other.
        if let Some(user) = settings.metadata.get("user_id") {
            let mut json = b"{\"user_id\":".to_vec();
            write_str(&mut json, user);
            json.push(b'}');
            self.raw("metadata", &String::from_utf8_lossy(&json));
        }
        if settings.metadata.keys().any(|name| name != "user_id") {
            self.dropped.push("metadata");
        }
    }
}
