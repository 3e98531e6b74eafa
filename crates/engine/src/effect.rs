//! What a run wants to happen next.

use largestack_types::id::EffectId;

/// Something that may start now. Holds indices, never payloads: the driver reads those from the
/// run, so that nothing is cloned or borrowed to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Have the older messages summed up; [`crate::Run::digest_call`] is the request.
    Digest {
        /// Which effect.
        id: EffectId,
        /// From 1; more after a crash in the middle.
        attempt: u32,
    },
    /// Ask the model; [`crate::Run::call`] is the request.
    Model {
        /// Which effect.
        id: EffectId,
        /// From 1; more after a crash in the middle.
        attempt: u32,
    },
    /// See whether the answer fits; [`crate::Run::answer`] is what is looked at.
    Check {
        /// Which effect.
        id: EffectId,
        /// From 1; more after a crash in the middle.
        attempt: u32,
    },
    /// Ask the hooks that the run waits for; [`crate::Run::hook`] says where they stand.
    Hook {
        /// Which effect.
        id: EffectId,
        /// From 1; more after a crash in the middle.
        attempt: u32,
    },
    /// Run a tool; [`crate::Run::tool_call`] is the call.
    Tool {
        /// Which effect.
        id: EffectId,
        /// From 1; more after a crash in the middle.
        attempt: u32,
        /// Whether a person has approved it already.
        approved: bool,
    },
}

impl Effect {
    /// Which effect.
    pub const fn id(self) -> EffectId {
        match self {
            Self::Digest { id, .. }
            | Self::Model { id, .. }
            | Self::Check { id, .. }
            | Self::Hook { id, .. }
            | Self::Tool { id, .. } => id,
        }
    }
}
