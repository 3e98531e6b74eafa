//! The tail of a request: everything but model and messages. What the server lacks is left out and
//! reported, or refused where the call would mean something else without it.

use largestack_types::call::{Call, ReasoningEffort, Settings, ToolChoice};
use largestack_types::tool::ToolSpec;

use super::NAME;
use crate::error::EncodeError;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;
use crate::profile::Structured;
use crate::session::Tail;

/// Fields that `extra` may not set, because something else accounts for them.
const RESERVED: &[&str] = &["model", "messages", "stream", "tools"];
/// The option that is the output limit.
const LIMIT: &str = "num_predict";

/// A tail under way.
struct Tailor<'a> {
    target: &'a Target,
    extra: FieldList<'a>,
    dropped: Vec<&'static str>,
}

pub(super) fn tail(call: &Call, target: &Target) -> Result<Tail, EncodeError> {
    let settings = &*call.settings;
    let extra = FieldList::extra(settings.extra.as_ref(), RESERVED)?;
    let mut tailor = Tailor { target, extra, dropped: Vec::new() };
    let mut text = Vec::new();
    let mut out = Writer::more(&mut text);
    // Streaming is this server's default.
    out.value("stream", &call.stream);
    tailor.tools(&mut out, call)?;
    tailor.options(&mut out, settings)?;
    tailor.reasoning(&mut out, settings);
    tailor.output(&mut out, settings)?;
    for (key, raw) in tailor.extra.iter() {
        out.raw(key, raw);
    }
    Ok(Tail::new(call, text, tailor.dropped))
}

impl Tailor<'_> {
    fn unsupported(&self, what: &'static str) -> EncodeError {
        EncodeError::Unsupported {
            what: what.into(),
            provider: self.target.provider.name.clone(),
            model: self.target.model.clone(),
        }
    }

    /// Tools, of which the model may choose none: nothing makes it call one, and not to offer them
    /// is how to forbid them.
    fn tools(&mut self, out: &mut Writer<'_>, call: &Call) -> Result<(), EncodeError> {
        match call.tool_choice {
            ToolChoice::Required | ToolChoice::Tool(_) => {
                return Err(self.unsupported("a tool that has to be called"));
            }
            ToolChoice::None => return Ok(()),
            ToolChoice::Auto if call.tools.is_empty() => return Ok(()),
            ToolChoice::Auto => {}
        }
        if !self.target.profile.tools {
            return Err(self.unsupported("tools"));
        }
        let foreign = |tool: &ToolSpec| {
            tool.server && FieldList::native(tool.native.as_ref(), NAME).is_none()
        };
        if call.tools.iter().any(foreign) {
            return Err(self.unsupported("a tool that another provider runs"));
        }
        let mut list = out.inner_list("tools");
        for tool in &*call.tools {
            spec(&mut list, tool);
        }
        list.end();
        if call.settings.parallel_tool_calls == Some(false) {
            self.dropped.push("parallel_tool_calls");
        }
        Ok(())
    }

    /// `options`, with what `extra` has for it.
    fn options(&mut self, out: &mut Writer<'_>, settings: &Settings) -> Result<(), EncodeError> {
        let own = self.extra.take("options").map(FieldList::group).transpose()?.unwrap_or_default();
        if own.get(LIMIT).is_some() {
            return Err(EncodeError::ExtraReserved { key: format!("options.{LIMIT}") });
        }
        let limit = self.target.profile.output_limit(settings.max_output_tokens);
        if settings.max_output_tokens.is_some_and(|asked| asked > limit) {
            self.dropped.push("max_output_tokens");
        }
        let mut options = out.inner("options");
        options.value(LIMIT, &limit);
        let samples = self.target.profile.sampling;
        for (key, value) in [
            ("temperature", settings.temperature),
            ("top_p", settings.top_p),
            ("frequency_penalty", settings.frequency_penalty),
            ("presence_penalty", settings.presence_penalty),
        ] {
            let Some(value) = value else { continue };
            if !value.is_finite() {
                return Err(EncodeError::NotFinite { setting: key });
            }
            if !samples {
                self.dropped.push(key);
            } else if own.get(key).is_none() {
                options.value(key, &value);
            }
        }
        if let Some(most) = settings.top_k.filter(|_| own.get("top_k").is_none()) {
            options.value("top_k", &most);
        }
        if let Some(seed) = settings.seed.filter(|_| own.get("seed").is_none()) {
            options.value("seed", &seed);
        }
        if !settings.stop.is_empty() && own.get("stop").is_none() {
            options.value("stop", &settings.stop);
        }
        for (key, raw) in own.iter() {
            options.raw(key, raw);
        }
        options.end();
        Ok(())
    }

    /// `think`: yes or no, or for the models that know steps, one of three.
    fn reasoning(&mut self, out: &mut Writer<'_>, settings: &Settings) {
        if settings.reasoning_budget_tokens.is_some() {
            self.dropped.push("reasoning_budget_tokens");
        }
        if !settings.metadata.is_empty() {
            self.dropped.push("metadata");
        }
        if settings.prompt_cache.is_some() {
            // The server keeps the last prompt in memory without being asked.
            self.dropped.push("prompt_cache");
        }
        let Some(effort) = settings.reasoning_effort else { return };
        if !self.target.profile.reasoning {
            self.dropped.push("reasoning_effort");
        } else if self.extra.get("think").is_none() {
            let stepped = self.target.model.contains("gpt-oss");
            match (effort, stepped) {
                (ReasoningEffort::None, _) => out.value("think", &false),
                (_, false) => out.value("think", &true),
                (ReasoningEffort::Minimal | ReasoningEffort::Low, true) => out.text("think", "low"),
                (ReasoningEffort::Medium, true) => out.text("think", "medium"),
                (_, true) => out.text("think", "high"),
            }
        }
    }

    fn output(&mut self, out: &mut Writer<'_>, settings: &Settings) -> Result<(), EncodeError> {
        let Some(output) = &settings.output_schema else { return Ok(()) };
        match self.target.profile.structured {
            Structured::Tool | Structured::Prompt => {
                return Err(self.unsupported("a schema for the answer"));
            }
            _ if self.extra.get("format").is_some() => {}
            Structured::Schema => out.raw("format", output.schema.as_str()),
            Structured::JsonObject => {
                self.dropped.push("output_schema.schema");
                out.text("format", "json");
            }
        }
        Ok(())
    }
}

fn spec(list: &mut Writer<'_>, tool: &ToolSpec) {
    let native = FieldList::native(tool.native.as_ref(), NAME);
    if let Some(whole) = tool.native.as_ref().filter(|_| tool.server && native.is_some()) {
        list.raw_item(whole.fields.as_str());
        return;
    }
    let mut entry = Writer::object(list.item());
    entry.text("type", "function");
    let mut function = entry.inner("function");
    function.text("name", &tool.name);
    if !tool.description.is_empty() {
        function.text("description", &tool.description);
    }
    function.raw("parameters", tool.parameters.as_str());
    for (key, raw) in native.unwrap_or_default().iter() {
        function.raw(key, raw);
    }
    function.end();
    entry.end();
}
