//! What hooks decided, as facts: a run that is taken up does the same without asking them again.

use std::sync::Arc;

use largestack_types::call::Settings;
use largestack_types::errors::LargestackError;
use largestack_types::id::EffectId;
use largestack_types::json::Json;
use largestack_types::message::Message;
use serde::{Deserialize, Serialize};

/// Where a hook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookPoint {
    /// Before the model is asked.
    BeforeModel,
    /// After its reply was recorded.
    AfterModel,
    /// Before a tool runs.
    BeforeTool,
    /// After it returned.
    AfterTool,
    /// Before the answer counts as one.
    OnFinal,
    /// Before the run fails.
    OnError,
}

impl HookPoint {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeModel => "before_model",
            Self::AfterModel => "after_model",
            Self::BeforeTool => "before_tool",
            Self::AfterTool => "after_tool",
            Self::OnFinal => "on_final",
            Self::OnError => "on_error",
        }
    }
}

/// Data of [`crate::Event::Hooked`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hooked {
    /// The effect: a tool's own, else the hook's.
    pub effect: EffectId,
    /// Where.
    pub at: HookPoint,
    /// The hook that decided, or the last one that changed something; empty for none.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub hook: Arc<str>,
    /// What was changed before it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Box<Changed>>,
    /// What was decided.
    pub verdict: HookVerdict,
}

/// What hooks decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookVerdict {
    /// Go on.
    Proceeded,
    /// The model reads this and is asked (again). Without a message the tool's result says it.
    Guided(Option<Arc<Message>>),
    /// What is at hand is thrown away; the model reads this where there is something to read.
    Discarded(Option<Arc<Message>>),
    /// The run ends with this answer.
    Interrupted(Arc<Message>),
    /// A person is asked; the question follows.
    Paused,
    /// The hook failed, or says that the run does.
    Failed(LargestackError),
    /// The hook was cut off before it decided.
    CutOff,
}

/// What a hook changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Changed {
    /// The request of this one call.
    Call(CallChange),
    /// What the model said, in place of what it did say.
    Reply(Arc<Message>),
    /// What the tool is called with.
    Arguments(Json),
    /// What the tool returned, before it was recorded.
    Result,
    /// What the run fails with.
    Error(LargestackError),
}

/// How the request of one call differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallChange {
    /// Another model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// Other settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Arc<Settings>>,
    /// The only tools on offer, of those that the agent has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Arc<str>>>,
}

/// Which hooks an agent has beside those of tools: where one stands, the run waits for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "four places, each with hooks or without")]
pub struct Hooks {
    /// Before the model.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_model: bool,
    /// After the model.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_model: bool,
    /// On the answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_final: bool,
    /// On a failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_error: bool,
}

impl Hooks {
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
