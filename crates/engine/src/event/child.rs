//! What a run holds of those that it has started: never their events, only what they came to.

use largestack_types::id::{EffectId, RunId};
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use serde::{Deserialize, Serialize};

/// A run that another one has started, with everything under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildRun {
    /// The run.
    pub run: RunId,
    /// Tokens.
    pub usage: Usage,
    /// Cost.
    pub cost: Money,
}

/// Data of [`Event::ChildWaits`](super::Event::ChildWaits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildWaits {
    /// The call.
    pub effect: EffectId,
    /// The run that it started.
    pub child: RunId,
}
