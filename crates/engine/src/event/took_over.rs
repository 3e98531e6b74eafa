//! An agent that takes over where the one before it has failed.

use std::sync::Arc;

use largestack_types::message::Message;
use serde::{Deserialize, Serialize};

/// Data of [`Event::TookOver`](super::Event::TookOver). Why the one before failed is in the events
/// before. Messages are here only where this agent's guards have changed them: otherwise it is told
/// what the one before was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TookOver {
    /// Who goes on: the first of [`Definition::fallbacks`](crate::Definition::fallbacks).
    pub agent: Arc<str>,
    /// What is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Arc<Message>>,
    /// Earlier messages of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Arc<Message>>>,
    /// The further instructions of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Arc<Message>>,
}
