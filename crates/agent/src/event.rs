//! What a listener hears of a run while it happens: its facts, and the deltas between them.

use std::sync::Arc;

use largestack_engine::Recorded;
use largestack_types::delta::Delta;
use largestack_types::id::{EffectId, RunId};

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
    /// The reply broke off and another model goes on: the text so far stands, tool calls that had
    /// begun are void and are counted from 0 again.
    Continued {
        /// The model call.
        effect: EffectId,
        /// Who goes on.
        model: Arc<str>,
    },
    /// What a run says that this one has started. Its facts are in its own journal, and its words
    /// are none of this run's answer.
    Below(Box<Below>),
}

/// What a run says that another one has started.
#[derive(Clone, Debug, PartialEq)]
pub struct Below {
    /// The call that started it.
    pub call: EffectId,
    /// The run.
    pub run: RunId,
    /// Its agent.
    pub agent: Arc<str>,
    /// What it says: of runs further down, again a [`RunEvent::Below`].
    pub event: RunEvent,
}

impl RunEvent {
    /// The event without the runs it was handed up by, and those runs from the highest down; none
    /// for what the run itself says.
    pub fn innermost(&self) -> (Vec<&Below>, &Self) {
        let (mut path, mut event) = (Vec::new(), self);
        while let Self::Below(below) = event {
            path.push(&**below);
            event = &below.event;
        }
        (path, event)
    }
}
