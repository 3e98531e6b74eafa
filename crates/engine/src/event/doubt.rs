//! Calls that were cut off and may have happened: what somebody decides about them.

use std::sync::Arc;

use largestack_types::id::EffectId;
use serde::{Deserialize, Serialize};

/// What becomes of a call in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoubtDecision {
    /// The model is told that nobody knows.
    TellModel,
    /// It is run again: a person has checked that it did not happen.
    Rerun,
    /// The run fails.
    Fail,
    /// It happened, and somebody knows what came of it. That is recorded behind it as what the call came
    /// to; until then the call stays in doubt.
    Happened,
}

/// Data of [`Event::DoubtSettled`](super::Event::DoubtSettled).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoubtSettled {
    /// The call.
    pub effect: EffectId,
    /// What becomes of it.
    pub decision: DoubtDecision,
    /// Who decided: `policy` or a principal.
    pub by: Arc<str>,
}
