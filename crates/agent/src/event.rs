//! What a listener hears of a run while it happens: its facts, and the deltas between them.

use std::sync::Arc;

use largestack_engine::Recorded;
use largestack_types::delta::Delta;
use largestack_types::id::EffectId;

/// Something a listener hears.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// A fact, as the journal holds it: placeholders in place of sensitive values.
    Fact(Recorded),
    /// A piece of a model's reply, after the guards; superseded by the fact that ends its call.
    Delta {
        /// The model call.
        effect: EffectId,
        /// Number of the delta within its call, from 0.
        offset: u32,
        /// The piece, with the caller's own values back in place.
        delta: Delta,
    },
    /// The deltas of this call so far are void: it was begun again.
    AttemptAbandoned {
        /// The model call.
        effect: EffectId,
        /// Who begins it again.
        model: Arc<str>,
    },
    /// The agent failed and another takes over, in a run of its own: facts are those of another
    /// journal, numbered from 1 again.
    TookOver {
        /// Who takes over.
        agent: Arc<str>,
    },
    /// The reply broke off and another model goes on: the text so far stands, tool calls that had
    /// begun are void and are counted from 0 again.
    Continued {
        /// The model call.
        effect: EffectId,
        /// Who goes on.
        model: Arc<str>,
    },
}
