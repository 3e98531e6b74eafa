//! The resolved definition of an agent, as data: what a run was started with. Its hash goes into
//! the run's first event, so that a resume notices when it changed.

use std::sync::Arc;

use largestack_types::call::Settings;
use largestack_types::hash::Hash;
use largestack_types::json::Json;
use largestack_types::limits::Limits;
use largestack_types::tool::ToolSpec;
use serde::{Deserialize, Serialize};

use crate::event::Hooks;

/// What to do with a tool call that was cut off and is not idempotent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InDoubt {
    /// Suspend the run until a person decides.
    #[default]
    Ask,
    /// Tell the model that nobody knows whether it happened.
    TellModel,
    /// Fail the run with `LARGESTACK_IN_DOUBT`.
    Fail,
}

/// What is done about an answer with a schema ([`Settings::output_schema`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRule {
    /// How often an answer that does not fit is sent back.
    pub retries: u32,
    /// Whether the answer stands under [`crate::output::ROOT_KEY`] of an object, because it is no
    /// object itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wrapped: bool,
}

/// Everything a run depends on that is not in its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The agent's name.
    pub agent: Arc<str>,
    /// What the operator tells the model; empty for none.
    pub instructions: Arc<str>,
    /// The model, e.g. `openai/gpt-4o-mini`.
    pub model: Arc<str>,
    /// The tools on offer, in the order the model sees them.
    pub tools: Arc<[ToolSpec]>,
    /// Names of those that are offered only when a search has found them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<Arc<str>>,
    /// Sampling and the like.
    pub settings: Arc<Settings>,
    /// Limits of a run.
    pub limits: Limits,
    /// What is done about an answer with a schema; `None` for an answer in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputRule>,
    /// How often a run goes on after a failure that may pass.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// What to do with a call in doubt.
    #[serde(default)]
    pub in_doubt: InDoubt,
    /// The guard policy, as its own crate writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Json>,
    /// What untrusted text in a run leaves of its tools, as its own crate writes it; `None` for what
    /// holds unless something is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taint: Option<Json>,
    /// The hash of the operator's own policies about calls; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Hash>,
    /// Where hooks stand that the run waits for.
    #[serde(default, skip_serializing_if = "Hooks::is_none")]
    pub hooks: Hooks,
    /// The names of the stages, in order, and the version of the price book.
    #[serde(default)]
    pub pipeline: Vec<Arc<str>>,
    /// Agents that take over, in order, where this one fails. Those of theirs are not asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Arc<Definition>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_zero(retries: &u32) -> bool {
    *retries == 0
}

impl Definition {
    /// A definition with a name, instructions and a model; no tools, default limits.
    pub fn new(
        agent: impl Into<Arc<str>>,
        instructions: impl Into<Arc<str>>,
        model: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            agent: agent.into(),
            instructions: instructions.into(),
            model: model.into(),
            tools: Arc::new([]),
            deferred: Vec::new(),
            settings: Arc::default(),
            limits: Limits::default(),
            output: None,
            retries: 0,
            in_doubt: InDoubt::default(),
            policy: None,
            taint: None,
            policies: None,
            hooks: Hooks::default(),
            pipeline: Vec::new(),
            fallbacks: Vec::new(),
        }
    }

    /// The definition as it is kept, and its hash.
    pub fn sealed(&self) -> Result<(Json, Hash), serde_json::Error> {
        let json = Json::of(self)?;
        let hash = Hash::of(json.as_str().as_bytes());
        Ok((json, hash))
    }

    /// The tool with this name.
    pub fn tool(&self, name: &str) -> Option<&ToolSpec> {
        self.tools.iter().find(|tool| &*tool.name == name)
    }
}
