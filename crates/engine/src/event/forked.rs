//! The place in a journal at which a run leaves the run whose beginning it shares.

use std::sync::Arc;

use largestack_types::id::RunId;
use largestack_types::label::Label;
use largestack_types::message::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Adjusted;

/// Data of [`Event::Forked`](super::Event::Forked). The events before it are those of the run that
/// was forked, under the same numbers; what they cost was paid there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forked {
    /// The run that was forked.
    pub of: RunId,
    /// Its last event that both have.
    pub at: u64,
    /// Who forked it.
    pub by: Arc<str>,
    /// What is asked instead, where nothing had been answered yet; else what is asked next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Arc<Message>>,
    /// What differs from here on. Instructions take the place of the agent's own and of all before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<Box<Adjusted>>,
    /// Trees under which the vault keeps what placeholders of the shared events stand for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<RunId>,
    /// What stands in the state of a workflow's run from here on, in the place of what stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Box<Written>>,
}

/// Values of a workflow's state that somebody has put there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// By key.
    pub values: Map<String, Value>,
    /// Where they came from.
    pub label: Label,
}
