//! The tail of a request: everything but model and messages. What the provider or model lacks is
//! left out and reported, or refused where the call would mean something else without it.

use largestack_types::call::{Call, ReasoningEffort, Settings, ToolChoice};
use largestack_types::tool::ToolSpec;

use super::NAME;
use crate::error::EncodeError;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;
use crate::session::Tail;

/// Fields that `extra` may not set, because something else accounts for them.
const RESERVED: &[&str] = &["model", "messages", "stream", "max_tokens", "tools", "tool_choice"];

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
    tailor.tools(&mut out, call)?;
    tailor.limits(&mut out, settings);
    tailor.sampling(&mut out, settings)?;
    tailor.reasoning(&mut out, settings);
    tailor.output(&mut out, call)?;
    tailor.lacking(settings);
    if call.stream {
        out.value("stream", &true);
    }
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

    fn tools(&mut self, out: &mut Writer<'_>, call: &Call) -> Result<(), EncodeError> {
        // One tool cannot be named: it is the only one that is offered.
        let named = |tool: &&ToolSpec| match &call.tool_choice {
            ToolChoice::Tool(name) => tool.name == *name,
            _ => true,
        };
        let insists = matches!(call.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
        let tools: Vec<&ToolSpec> = call.tools.iter().filter(named).collect();
        if tools.is_empty() {
            let error = self.unsupported("a tool choice without tools");
            return if insists { Err(error) } else { Ok(()) };
        }
        if !self.target.profile.tools {
            return Err(self.unsupported("tools"));
        }
        if tools
            .iter()
            .any(|tool| tool.server && FieldList::native(tool.native.as_ref(), NAME).is_none())
        {
            return Err(self.unsupported("a tool that another provider runs"));
        }
        let mut list = out.inner_list("tools");
        for tool in tools {
            spec(&mut list, tool);
        }
        list.end();
        match call.tool_choice {
            ToolChoice::Auto => {}
            ToolChoice::None => out.text("tool_choice", "NONE"),
            ToolChoice::Required | ToolChoice::Tool(_) => out.text("tool_choice", "REQUIRED"),
        }
        if call.settings.parallel_tool_calls == Some(false) {
            self.dropped.push("parallel_tool_calls");
        }
        Ok(())
    }

    fn limits(&mut self, out: &mut Writer<'_>, settings: &Settings) {
        let limit = self.target.profile.output_limit(settings.max_output_tokens);
        if settings.max_output_tokens.is_some_and(|asked| asked > limit) {
            self.dropped.push("max_output_tokens");
        }
        out.value("max_tokens", &limit);
    }

    fn sampling(&mut self, out: &mut Writer<'_>, settings: &Settings) -> Result<(), EncodeError> {
        let samples = self.target.profile.sampling;
        for (key, setting, value) in [
            ("temperature", "temperature", settings.temperature),
            ("p", "top_p", settings.top_p),
            ("frequency_penalty", "frequency_penalty", settings.frequency_penalty),
            ("presence_penalty", "presence_penalty", settings.presence_penalty),
        ] {
            let Some(value) = value else { continue };
            if !value.is_finite() {
                return Err(EncodeError::NotFinite { setting });
            }
            if !samples {
                self.dropped.push(setting);
            } else if self.extra.get(key).is_none() {
                out.value(key, &value);
            }
        }
        if let Some(most) = settings.top_k.filter(|_| self.extra.get("k").is_none()) {
            out.value("k", &most);
        }
        if !settings.stop.is_empty() && self.extra.get("stop_sequences").is_none() {
            out.value("stop_sequences", &settings.stop);
        }
        if let Some(seed) = settings.seed.filter(|_| self.extra.get("seed").is_none()) {
            out.value("seed", &seed);
        }
        Ok(())
    }

    fn reasoning(&mut self, out: &mut Writer<'_>, settings: &Settings) {
        let (effort, budget) = (settings.reasoning_effort, settings.reasoning_budget_tokens);
        if effort.is_none() && budget.is_none() {
            return;
        }
        if !self.target.profile.reasoning {
            let asked =
                if effort.is_some() { "reasoning_effort" } else { "reasoning_budget_tokens" };
            self.dropped.push(asked);
            return;
        }
        if self.extra.get("thinking").is_some() {
            return;
        }
        let limit = self.target.profile.output_limit(settings.max_output_tokens);
        let mut thinking = out.inner("thinking");
        if effort == Some(ReasoningEffort::None) {
            thinking.text("type", "disabled");
        } else {
            thinking.text("type", "enabled");
            thinking.value("token_budget", &budget.unwrap_or_else(|| share(limit, effort)));
        }
        thinking.end();
    }

    fn output(&mut self, out: &mut Writer<'_>, call: &Call) -> Result<(), EncodeError> {
        let Some(output) = &call.settings.output_schema else { return Ok(()) };
        if !call.tools.is_empty() {
            return Err(self.unsupported("a schema for the answer beside tools"));
        }
        if !self.target.profile.structured.is_native() {
            return Err(self.unsupported("a schema for the answer"));
        }
        if self.extra.get("response_format").is_none() {
            let mut format = out.inner("response_format");
            format.text("type", "json_object");
            format.raw("json_schema", output.schema.as_str());
            format.end();
        }
        Ok(())
    }

    fn lacking(&mut self, settings: &Settings) {
        if settings.prompt_cache.is_some() {
            // Every prompt's beginning is kept without being asked.
            self.dropped.push("prompt_cache");
        }
        if !settings.metadata.is_empty() {
            self.dropped.push("metadata");
        }
    }
}

fn spec(list: &mut Writer<'_>, tool: &ToolSpec) {
    let native = FieldList::native(tool.native.as_ref(), NAME);
    if let Some(whole) = tool.native.as_ref().filter(|_| tool.server && native.is_some()) {
        list.raw_item(whole.fields.as_str());
        return;
    }
    let native = native.unwrap_or_default();
    let mut entry = Writer::object(list.item());
    entry.text("type", "function");
    let mut function = entry.inner("function");
    function.text("name", &tool.name);
    if !tool.description.is_empty() {
        function.text("description", &tool.description);
    }
    function.raw("parameters", tool.parameters.as_str());
    for (key, raw) in native.iter() {
        function.raw(key, raw);
    }
    function.end();
    entry.end();
}

/// An effort as a share of the output limit, in tokens: a tenth, a fifth, a half, four fifths, as
/// openrouter.ai/docs/use-cases/reasoning-tokens has it.
fn share(limit: u32, effort: Option<ReasoningEffort>) -> u32 {
    let tenths = match effort {
        Some(ReasoningEffort::None | ReasoningEffort::Minimal) => 1,
        Some(ReasoningEffort::Low) => 2,
        None | Some(ReasoningEffort::Medium) => 5,
        Some(ReasoningEffort::High) => 8,
        Some(ReasoningEffort::Xhigh | ReasoningEffort::Max) => 9,
    };
    (limit / 10).saturating_mul(tenths).max(1)
}
