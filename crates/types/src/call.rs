//! A model call as the engine asks for it, before any wire spells it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::message::Message;
use crate::tool::ToolSpec;

/// One request to a model: a pure function of the run.
#[derive(Clone, Debug)]
pub struct Call {
    /// The model as the agent names it, e.g. `openai/gpt-4o-mini`.
    pub model: Arc<str>,
    /// The conversation, instructions first. Shared with the run's history.
    pub messages: Arc<Vec<Arc<Message>>>,
    /// The tools on offer.
    pub tools: Arc<[ToolSpec]>,
    /// Whether the model may, must or must not call tools.
    pub tool_choice: ToolChoice,
    /// Sampling and the like.
    pub settings: Arc<Settings>,
    /// Whether somebody listens to the deltas; else one whole body is asked for.
    pub stream: bool,
}

/// Whether a model may call tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// At least one.
    Required,
    /// This one.
    Tool(Arc<str>),
}

/// How hard a reasoning model should think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningEffort {
    /// Not at all.
    None,
    /// As little as the model allows.
    Minimal,
    /// A little.
    Low,
    /// The usual.
    Medium,
    /// A lot.
    High,
    /// More than a lot, where the model has such a step.
    Xhigh,
    /// As much as the model can.
    Max,
}

/// How long a provider keeps the stable beginning of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromptCache {
    /// Five minutes from its last use.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// An hour from its last use.
    #[serde(rename = "1h")]
    OneHour,
}

/// How an answer is brought into its shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputMode {
    /// As fits the model best.
    #[default]
    Auto,
    /// The provider enforces the schema.
    Native,
    /// The answer is the arguments of a tool.
    Tool,
    /// The schema stands in the instructions.
    Prompt,
}

impl OutputMode {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    const fn is_auto(&self) -> bool {
        matches!(self, Self::Auto)
    }
}

/// What becomes of a call of which something would be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// It is made, and says what was left out.
    #[default]
    Report,
    /// It is refused.
    Refuse,
}

impl OnLoss {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    const fn is_report(&self) -> bool {
        matches!(self, Self::Report)
    }
}

/// Sampling and limits of a call. Absent means the provider's default; a setting the provider
/// does not have is refused or reported as dropped, never silently ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Upper bound of generated tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Sampling temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Sampling among this many of the likeliest tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Penalty on tokens by how often they were said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Penalty on tokens that were said at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// Stop sequences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Seed of the provider's sampler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Whether the model may ask for several tools at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// How hard a reasoning model should think.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Upper bound of the tokens spent on reasoning, where the model counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_budget_tokens: Option<u32>,
    /// How long the provider should keep the prompt's stable beginning, where that has to be
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_cache: Option<PromptCache>,
    /// Words for the provider's own records, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// JSON Schema that the answer must fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<OutputSchema>,
    /// How the answer is brought into that shape.
    #[serde(skip_serializing_if = "OutputMode::is_auto")]
    pub output_mode: OutputMode,
    /// What becomes of a call with a setting that its provider or model does not have.
    #[serde(skip_serializing_if = "OnLoss::is_report")]
    pub on_unsupported: OnLoss,
    /// What becomes of a call with a schema of which its provider cannot be told everything. What
    /// a provider is not told is checked here all the same.
    #[serde(skip_serializing_if = "OnLoss::is_report")]
    pub on_lossy_schema: OnLoss,
    /// Provider fields passed through as they are (an object).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Json>,
}

/// The schema of a structured answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputSchema {
    /// A name for the provider: letters, digits, `_` and `-`.
    pub name: Arc<str>,
    /// JSON Schema (2020-12).
    pub schema: Json,
}
