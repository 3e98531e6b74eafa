//! What a listener hears of a workflow while it happens.

use std::sync::Arc;

use largestack_agent::RunEvent;
use largestack_engine::Recorded;
use largestack_types::id::{EffectId, RunId};

/// Something a listener hears.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowEvent {
    /// A fact of the workflow, as its journal holds it: placeholders in place of sensitive values.
    Fact(Recorded),
    /// Something in the run of an agent that a node asks.
    Agent {
        /// The node.
        node: Arc<str>,
        /// Its task.
        effect: EffectId,
        /// The agent's run.
        run: RunId,
        /// What it is.
        event: RunEvent,
    },
    /// Something in a workflow that a node runs.
    Below {
        /// The node.
        node: Arc<str>,
        /// Its task.
        effect: EffectId,
        /// The workflow's run.
        run: RunId,
        /// What it is.
        event: Box<Self>,
    },
}
