//! A model call as the engine asks for it, before any wire spells it.

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
    /// As little as the model allows.
    Minimal,
    /// A little.
    Low,
    /// The usual.
    Medium,
    /// A lot.
    High,
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
    /// JSON Schema that the answer must fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<OutputSchema>,
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
