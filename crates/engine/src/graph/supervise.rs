//! Nodes that are watched together: when one of them fails for good, some of them begin again, so
//! often and no more often.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Who begins again when one of several fails (the words are those of Erlang's supervisors).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restarts {
    /// The one that failed.
    #[default]
    OneForOne,
    /// All of them: those under way are cut off, those that are done begin again, too.
    OneForAll,
    /// It and those that stand behind it.
    RestForOne,
}

/// Nodes that are watched together. A failure counts once its node's own tries are used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervision {
    /// The nodes, in their order.
    pub nodes: Vec<Arc<str>>,
    /// Who begins again.
    #[serde(default)]
    pub restarts: Restarts,
    /// How often somebody may begin again; the failure after that is the node's.
    pub most: u32,
    /// Only what happened within this time counts; `None` for all of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// The pause before they begin again.
    #[serde(default)]
    pub pause: Duration,
}

impl Supervision {
    /// Of these nodes.
    pub fn new<N: Into<Arc<str>>>(
        nodes: impl IntoIterator<Item = N>,
        restarts: Restarts,
        most: u32,
    ) -> Self {
        let nodes = nodes.into_iter().map(Into::into).collect();
        Self { nodes, restarts, most, within: None, pause: Duration::ZERO }
    }

    /// The places of those that begin again when the one at this place has failed.
    pub(super) fn again(&self, failed: usize) -> std::ops::Range<usize> {
        match self.restarts {
            Restarts::OneForOne => failed..failed.saturating_add(1),
            Restarts::OneForAll => 0..self.nodes.len(),
            Restarts::RestForOne => failed..self.nodes.len(),
        }
    }
}
