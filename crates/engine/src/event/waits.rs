//! A call that waits for something from outside, or for a moment, and for nobody in particular.

use std::sync::Arc;

use largestack_types::id::EffectId;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Data of [`Event::CallWaits`](super::Event::CallWaits). The moment stands here and is never counted
/// anew: whoever takes the run up later, in whatever process, finds the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallWaits {
    /// The call.
    pub effect: EffectId,
    /// The name of what it waits for; absent where it waits for the moment only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Arc<str>>,
    /// When it waits no longer; absent where it waits for the event however long that takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}
