//! The tail of a request: everything but messages and instructions. What the protocol or the
//! model's maker lacks is left out and reported, or refused where the call would mean something
//! else without it.

use largestack_types::call::{Call, PromptCache, ReasoningEffort, Settings, ToolChoice};

use super::family::Family;
use super::{NAME, request, tools};
use crate::error::EncodeError;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;
use crate::profile::Structured;
use crate::session::Tail;

/// Fields that `extra` may not set, because something else accounts for them.
const RESERVED: &[&str] = &["messages", "system", "modelId"];
/// Fields of `inferenceConfig` that settings govern.
const LIMITS: &[&str] = &["maxTokens"];
/// The least a thinking budget may be (Anthropic's documentation of extended thinking).
const LEAST_BUDGET: u32 = 1_024;

/// A tail under way.
struct Tailor<'a> {
    target: &'a Target,
    family: Family,
    extra: FieldList<'a>,
    /// What goes into `additionalModelRequestFields`, as names and JSON.
    additional: Vec<(&'static str, String)>,
    dropped: Vec<&'static str>,
}

pub(super) fn tail(call: &Call, target: &Target) -> Result<Tail, EncodeError> {
    let settings = &*call.settings;
    let mut tailor = Tailor {
        target,
        family: Family::of(&target.model),
        extra: FieldList::extra(settings.extra.as_ref(), RESERVED)?,
        additional: Vec::new(),
        dropped: Vec::new(),
    };
    let mut text = Vec::new();
    let mut out = Writer::more(&mut text);
    let thinks = tailor.reasoning(call);
    tailor.inference(&mut out, settings, thinks)?;
    tailor.tools(&mut out, call)?;
    tailor.sampling(settings, thinks);
    tailor.output(&mut out, settings)?;
    tailor.rest(&mut out, settings)?;
    let dropped = tailor.dropped;
    Ok(Tail::new(call, text, dropped))
}

impl Tailor<'_> {
    fn unsupported(&self, what: &'static str) -> EncodeError {
        EncodeError::Unsupported {
            what: what.into(),
            provider: self.target.provider.name.clone(),
            model: self.target.model.clone(),
        }
    }

    fn limit(&mut self, settings: &Settings) -> u32 {
        let limit = self.target.profile.output_limit(settings.max_output_tokens);
        if settings.max_output_tokens.is_some_and(|asked| asked > limit) {
            self.dropped.push("max_output_tokens");
        }
        limit
    }

    /// `inferenceConfig`, with what `extra` has for it. Returns nothing half done: a number that is
    /// none is refused.
    fn inference(
        &mut self,
        out: &mut Writer<'_>,
        settings: &Settings,
        thinks: bool,
    ) -> Result<(), EncodeError> {
        let limit = self.limit(settings);
        let own = self
            .extra
            .take("inferenceConfig")
            .map(FieldList::group)
            .transpose()?
            .unwrap_or_default();
        if let Some(key) = LIMITS.iter().find(|key| own.get(key).is_some()) {
            return Err(EncodeError::ExtraReserved { key: format!("inferenceConfig.{key}") });
        }
        let mut config = out.inner("inferenceConfig");
        config.value("maxTokens", &limit);
        let samples = self.target.profile.sampling && !thinks;
        let numbers = [
            ("temperature", "temperature", settings.temperature),
            ("topP", "top_p", settings.top_p),
        ];
        for (key, setting, value) in numbers {
            let Some(value) = value else { continue };
            if !value.is_finite() {
                return Err(EncodeError::NotFinite { setting });
            }
            if !samples {
                self.dropped.push(setting);
            } else if own.get(key).is_none() {
                config.value(key, &value);
            }
        }
        if !settings.stop.is_empty() && own.get("stopSequences").is_none() {
            config.value("stopSequences", &settings.stop);
        }
        for (key, raw) in own.iter() {
            config.raw(key, raw);
        }
        config.end();
        for (setting, value) in [
            ("frequency_penalty", settings.frequency_penalty),
            ("presence_penalty", settings.presence_penalty),
        ] {
            if value.is_some() {
                self.dropped.push(setting);
            }
        }
        Ok(())
    }

    fn tools(&mut self, out: &mut Writer<'_>, call: &Call) -> Result<(), EncodeError> {
        let settings = &*call.settings;
        let insists = matches!(call.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
        if call.tools.is_empty() && insists {
            return Err(self.unsupported("a tool choice without tools"));
        }
        let foreign = call.tools.iter().any(|tool| {
            tool.server && tool.native.as_ref().is_none_or(|native| *native.wire != *NAME)
        });
        if foreign {
            return Err(self.unsupported("a tool that another provider runs"));
        }
        if tools::offers(call) {
            if !self.target.profile.tools {
                return Err(self.unsupported("tools"));
            }
            // Nova keeps instructions and messages, but no tools.
            let mark = request::mark(call, self.target).filter(|_| self.family.is_claude());
            let more = self
                .extra
                .take("toolConfig")
                .map(FieldList::group)
                .transpose()?
                .unwrap_or_default();
            if more.get("tools").is_some() {
                return Err(EncodeError::ExtraReserved { key: "toolConfig.tools".to_owned() });
            }
            out.raw("toolConfig", tools::config(call, mark, &more).as_str());
        } else if self.extra.take("toolConfig").is_some() {
            return Err(EncodeError::ExtraReserved { key: "toolConfig".to_owned() });
        }
        if !call.tools.is_empty() && settings.parallel_tool_calls == Some(false) {
            self.dropped.push("parallel_tool_calls");
        }
        match settings.prompt_cache {
            Some(_) if !self.family.caches() => self.dropped.push("prompt_cache"),
            // Marks of this maker last five minutes.
            Some(PromptCache::OneHour) if !self.family.is_claude() => {
                self.dropped.push("prompt_cache.1h");
            }
            _ => {}
        }
        Ok(())
    }

    /// How hard to think, in the words of the model's maker. Returns whether the model thinks in
    /// a way that forbids sampling.
    fn reasoning(&mut self, call: &Call) -> bool {
        let settings = &*call.settings;
        let (effort, budget) = (settings.reasoning_effort, settings.reasoning_budget_tokens);
        if self.family.is_claude() {
            return self.thinking(call);
        }
        if budget.is_some() {
            self.dropped.push("reasoning_budget_tokens");
        }
        let Some(effort) = effort else { return false };
        let fits = self.target.profile.reasoning;
        match self.family {
            Family::GptOss | Family::Qwen if fits && effort != ReasoningEffort::None => {
                let key = if self.family == Family::Qwen {
                    "reasoning_config"
                } else {
                    "reasoning_effort"
                };
                self.additional.push((key, format!("\"{}\"", three(effort))));
            }
            Family::Nova2 if fits && effort == ReasoningEffort::None => {
                self.additional.push(("reasoningConfig", r#"{"type":"disabled"}"#.to_owned()));
            }
            Family::Nova2 if fits => {
                // With `high` no output limit may be sent, and one always is.
                let word = if three(effort) == "high" { "medium" } else { three(effort) };
                if three(effort) == "high" {
                    self.dropped.push("reasoning_effort");
                }
                let config = format!(r#"{{"type":"enabled","maxReasoningEffort":"{word}"}}"#);
                self.additional.push(("reasoningConfig", config));
            }
            _ => self.dropped.push("reasoning_effort"),
        }
        false
    }

    /// Anthropic's thinking: a budget within the output limit, or its own judgement with an
    /// effort. With thinking, no tool can be insisted on and nothing sampled.
    fn thinking(&mut self, call: &Call) -> bool {
        let settings = &*call.settings;
        let (effort, budget) = (settings.reasoning_effort, settings.reasoning_budget_tokens);
        let asked = match (effort, budget) {
            (None, None) | (Some(ReasoningEffort::None), _) => return false,
            (Some(_), _) => "reasoning_effort",
            (None, Some(_)) => "reasoning_budget_tokens",
        };
        let insists = matches!(call.tool_choice, ToolChoice::Required | ToolChoice::Tool(_));
        if insists || !self.target.profile.reasoning {
            self.dropped.push(asked);
            return false;
        }
        if self.family == Family::ClaudeAdaptive && budget.is_none() {
            self.additional.push(("thinking", r#"{"type":"adaptive"}"#.to_owned()));
            let word = effort.map_or("medium", four);
            self.additional.push(("output_config", format!(r#"{{"effort":"{word}"}}"#)));
            return true;
        }
        let limit = self.target.profile.output_limit(settings.max_output_tokens);
        let budget = budget.unwrap_or_else(|| share(limit, effort));
        if budget < LEAST_BUDGET || budget >= limit {
            self.dropped.push(asked);
            return false;
        }
        let config = format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#);
        self.additional.push(("thinking", config));
        true
    }

    fn sampling(&mut self, settings: &Settings, thinks: bool) {
        if let Some(most) = settings.top_k {
            match self.family {
                _ if thinks => self.dropped.push("top_k"),
                Family::Claude | Family::ClaudeAdaptive => {
                    self.additional.push(("top_k", most.to_string()));
                }
                Family::Nova | Family::Nova2 => {
                    self.additional.push(("inferenceConfig", format!(r#"{{"topK":{most}}}"#)));
                }
                _ => self.dropped.push("top_k"),
            }
        }
        if settings.seed.is_some() {
            self.dropped.push("seed");
        }
    }

    fn output(&mut self, out: &mut Writer<'_>, settings: &Settings) -> Result<(), EncodeError> {
        let Some(output) = &settings.output_schema else { return Ok(()) };
        if self.target.profile.structured != Structured::Schema {
            return Err(self.unsupported("a schema for the answer"));
        }
        if self.extra.get("outputConfig").is_none() {
            let mut config = out.inner("outputConfig");
            let mut format = config.inner("textFormat");
            format.text("type", "json_schema");
            let mut structure = format.inner("structure");
            let mut schema = structure.inner("jsonSchema");
            schema.text("name", &output.name);
            // The schema is a string of JSON.
            schema.text("schema", output.schema.as_str());
            schema.end();
            structure.end();
            format.end();
            config.end();
        }
        Ok(())
    }

    /// Metadata, the additional fields and whatever else `extra` says: the caller's own word goes
    /// last.
    fn rest(&mut self, out: &mut Writer<'_>, settings: &Settings) -> Result<(), EncodeError> {
        if !settings.metadata.is_empty() && self.extra.get("requestMetadata").is_none() {
            out.value("requestMetadata", &settings.metadata);
        }
        let own = self.extra.take("additionalModelRequestFields").map(FieldList::group);
        let own = own.transpose()?;
        if own.is_some() || !self.additional.is_empty() {
            let own = own.unwrap_or_default();
            let mut fields = out.inner("additionalModelRequestFields");
            for (key, raw) in self.additional.iter().filter(|(key, _)| own.get(key).is_none()) {
                fields.raw(key, raw);
            }
            for (key, raw) in own.iter() {
                fields.raw(key, raw);
            }
            fields.end();
        }
        for (key, raw) in self.extra.iter() {
            out.raw(key, raw);
        }
        Ok(())
    }
}

/// An effort in three steps.
const fn three(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High | ReasoningEffort::Xhigh | ReasoningEffort::Max => "high",
    }
}

/// An effort in the four steps of Anthropic's `output_config`.
const fn four(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::Max => "max",
        other => three(other),
    }
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
    (limit / 10).saturating_mul(tenths).max(LEAST_BUDGET)
}
