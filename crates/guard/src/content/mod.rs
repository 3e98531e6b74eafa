//! What an operator says about the content of texts, beside the values in them: what a model may
//! show, and which texts may pass. Plain data, made once into what judges.

mod action;
mod judge;
mod output;
mod rule;
mod self_harm;
mod topic;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::leak::LeakPolicy;
use crate::policy::{Mode, Policy};

pub use action::{OutputAction, RuleAction, SelfHarmAction, WholeAction};
pub use judge::{Content, Judged, Judgement, Refusal};
pub use output::{BadHost, Cleaned, Controls, Output, OutputFilter, OutputPolicy};
pub use rule::RulePolicy;
pub use self_harm::{SelfHarmPolicy, self_harm};
pub use topic::TopicPolicy;

/// What an operator says about the content of texts. The default says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContentPolicy {
    /// What a model may say.
    #[serde(skip_serializing_if = "is_default")]
    pub output: OutputPolicy,
    /// Rules of the operator's own by their names, which are the guard's type of what they block.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, RulePolicy>,
    /// What may be talked about.
    #[serde(skip_serializing_if = "is_default")]
    pub topics: TopicPolicy,
    /// How long texts may be.
    #[serde(skip_serializing_if = "is_default")]
    pub length: LengthPolicy,
    /// What becomes of a question of somebody who means to harm themselves.
    #[serde(skip_serializing_if = "is_default")]
    pub self_harm: SelfHarmPolicy,
    /// What becomes of the operator's instructions in what a model says.
    #[serde(skip_serializing_if = "is_default")]
    pub prompt_leak: LeakPolicy,
    /// Whether what nobody vouches for stands between marks of the run's own in what a model is sent.
    #[serde(skip_serializing_if = "is_default")]
    pub spotlight: bool,
}

impl ContentPolicy {
    /// What holds of it in a mode: one that only observes changes nothing and stops nothing.
    #[must_use]
    pub fn under(mut self, mode: Mode) -> Self {
        self.output.action = self.output.action.under(mode);
        self.rules.values_mut().for_each(|rule| rule.action = rule.action.under(mode));
        self.topics.action = self.topics.action.under(mode);
        self.length.action = self.length.action.under(mode);
        self.self_harm.action = self.self_harm.action.under(mode);
        self.prompt_leak = self.prompt_leak.under(mode);
        self.spotlight = spotlight(self.spotlight, mode);
        self
    }
}

/// Whether there is spotlighting in a mode, where it was said or not: one that observes sends what it would
/// send, and the strict one has it always.
pub const fn spotlight(said: bool, mode: Mode) -> bool {
    match mode {
        Mode::Observe => false,
        Mode::Warn | Mode::Protect => said,
        Mode::Strict => true,
    }
}

/// A kind of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// What is asked.
    Input,
    /// What the model says.
    Output,
    /// What a tool is given.
    ToolArguments,
    /// What a tool returned.
    ToolResult,
}

impl Place {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Input, Self::Output, Self::ToolArguments, Self::ToolResult];

    const fn words(self) -> &'static str {
        match self {
            Self::Input => "the question",
            Self::Output => "the answer",
            Self::ToolArguments => "what the tool is given",
            Self::ToolResult => "what the tool returned",
        }
    }
}

/// Most characters of a text; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LengthPolicy {
    /// Of what is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u32>,
    /// Of what the model says in one turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u32>,
    /// What is done about a longer one.
    #[serde(skip_serializing_if = "is_default")]
    pub action: WholeAction,
}

impl LengthPolicy {
    const fn of(self, place: Place) -> Option<u32> {
        match place {
            Place::Input => self.input,
            Place::Output => self.output,
            Place::ToolArguments | Place::ToolResult => None,
        }
    }
}

/// What of a policy cannot hold, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadContent(pub(crate) String);

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Both policies as the one section of an agent's file that says them.
#[derive(Clone, Debug, Serialize)]
pub struct Guardrails<'p> {
    #[serde(flatten)]
    values: &'p Policy,
    #[serde(flatten)]
    content: &'p ContentPolicy,
}

impl<'p> Guardrails<'p> {
    /// Both.
    pub const fn of(values: &'p Policy, content: &'p ContentPolicy) -> Self {
        Self { values, content }
    }
}

#[cfg(test)]
mod tests;
