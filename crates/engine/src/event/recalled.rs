//! What a run was told of its session, and the summary that was made of the older part.

use std::sync::Arc;

use largestack_types::id::{EffectId, RunId};
use largestack_types::message::Message;
use serde::{Deserialize, Serialize};

use super::CallRecord;

/// What a run was told of its session: the first messages of its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    /// Messages that there were to tell.
    pub held: u32,
    /// Messages of these that it was told: the last ones.
    pub told: u32,
    /// Their tokens.
    pub tokens: u64,
    /// Who counted: `estimate`, or the name of an encoding.
    pub counted_by: Arc<str>,
    /// What is summed up before the first turn, where it is too much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summarise: Option<Older>,
}

/// The older part of what a run was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Older {
    /// So many of the first messages of the history.
    pub messages: u32,
    /// The last run of the session that had a part in it.
    pub through: RunId,
}

/// Data of [`crate::Event::Summarised`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summarised {
    /// The call.
    pub effect: EffectId,
    /// What takes the place of the older messages, with the labels of all of them.
    pub summary: Arc<Message>,
    /// What is known about the call beside the words.
    pub call: CallRecord,
}
