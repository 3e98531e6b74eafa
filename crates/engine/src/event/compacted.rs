//! What stands in a journal in the place of events that were given up: the run as they left it.

use largestack_types::hash::Hash;
use serde::{Deserialize, Serialize};

use crate::Run;

/// Data of [`Event::Compacted`](super::Event::Compacted), made by [`Run::compacted`]. It stands behind
/// the first event, under the number of the last one that it replaces; the fold of both is that of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compacted {
    /// How many events it replaces: those from the second up to its own number.
    pub events: u64,
    /// Large parts that only those events named. They go when the run goes, not before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Hash>,
    /// So many messages are those that the first event begins with, and not repeated.
    pub(crate) told: u32,
    /// Whether the definition is still the one that the first event leads to, and not repeated.
    pub(crate) as_begun: bool,
    /// The run, without what is not repeated.
    pub(crate) run: Box<Run>,
}
