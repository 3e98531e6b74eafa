//! What can happen in a run of a graph and in no run of an agent. What happens in both (a question to
//! a person, a cancellation, the end) is the same event in both.

use std::sync::Arc;

use largestack_types::errors::LargestackError;
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::Label;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::ChildRun;
use crate::status::EndReason;

macro_rules! facts {
    ($($(#[$doc:meta])* $variant:ident($data:ty) = $kind:literal,)+) => {
        /// What happened in a run of a graph.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Fact {
            $($(#[$doc])* $variant($data),)+
        }

        impl Fact {
            /// The name of the kind.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)+ }
            }

            /// The data as JSON, without the kind.
            pub fn data(&self) -> Result<String, serde_json::Error> {
                match self { $(Self::$variant(data) => serde_json::to_string(data),)+ }
            }

            /// The fact of this kind with this data; `None` for a kind that is none of these.
            pub fn read(kind: &str, data: &str) -> Option<Result<Self, serde_json::Error>> {
                match kind {
                    $($kind => Some(serde_json::from_str(data).map(Self::$variant)),)+
                    _ => None,
                }
            }

            /// Every kind, in the order of the enum.
            pub const KINDS: &'static [&'static str] = &[$($kind,)+];
        }

        $(impl From<$data> for crate::event::Event {
            fn from(data: $data) -> Self {
                Self::Graph(Fact::$variant(data))
            }
        })+
    };
}

facts! {
    /// The run began.
    Started(GraphStarted) = "graph_started",
    /// A task is about to happen.
    NodeStarted(NodeStarted) = "node_started",
    /// A task has its output.
    NodeFinished(NodeFinished) = "node_finished",
    /// A try of a task failed.
    NodeFailed(NodeFailed) = "node_failed",
    /// A task waits for a moment.
    NodeSleeps(NodeSleeps) = "node_sleeps",
    /// That moment has come.
    NodeWoke(NodeWoke) = "node_woke",
    /// A task waits for something from outside.
    NodeListens(NodeListens) = "node_listens",
    /// Something came from outside.
    EventReceived(EventReceived) = "event_received",
}

/// Data of [`Fact::Started`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphStarted {
    /// The graph's name.
    pub graph: Arc<str>,
    /// Hash of the graph, which is kept as a blob.
    pub definition: Hash,
    /// The first values of the state.
    pub input: Map<String, Value>,
    /// Where they came from.
    pub label: Label,
    /// Who asks.
    pub principal: Arc<str>,
    /// The run and task that started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<(RunId, EffectId)>,
    /// The run at the top of the tree; itself when it has no parent.
    pub root: RunId,
}

/// Data of [`Fact::NodeStarted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStarted {
    /// The task.
    pub effect: EffectId,
    /// Its node.
    pub node: Arc<str>,
    /// Which try it is, from 1. One that a crash cut off is the same try.
    pub attempt: u32,
}

/// Data of [`Fact::NodeFinished`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeFinished {
    /// The task.
    pub effect: EffectId,
    /// What came of it, placeholders in place of sensitive values.
    #[serde(default)]
    pub output: Arc<Value>,
    /// What it chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Arc<str>>,
    /// Where the output came from.
    pub label: Label,
    /// The run that did it, with what it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<ChildRun>,
    /// Why what was said is not all that would have been, where the run that did it was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<EndReason>,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
}

/// How a try ended that has no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// It said so.
    Failed,
    /// It did not end in time.
    TimedOut,
    /// It was cut off because the run ends.
    Cancelled,
}

/// Data of [`Fact::NodeFailed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeFailed {
    /// The task.
    pub effect: EffectId,
    /// How it ended.
    pub how: How,
    /// Why.
    pub error: LargestackError,
    /// When it is tried again, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// Whether it is tried again because it is watched: with it those that are done and begin again
    /// with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restarts: bool,
    /// The run that tried, with what it cost all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<ChildRun>,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
}

/// Data of [`Fact::NodeSleeps`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSleeps {
    /// The task.
    pub effect: EffectId,
    /// Until when.
    pub until: Timestamp,
}

/// Data of [`Fact::NodeWoke`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeWoke {
    /// The task.
    pub effect: EffectId,
}

/// Data of [`Fact::NodeListens`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeListens {
    /// The task.
    pub effect: EffectId,
    /// For what, by its name.
    pub event: Arc<str>,
}

/// Data of [`Fact::EventReceived`]: the first task that listens for it has it, or the first that
/// will.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventReceived {
    /// Its name.
    pub event: Arc<str>,
    /// What it brings.
    #[serde(default)]
    pub data: Value,
    /// Who sent it.
    pub by: Arc<str>,
    /// Where what it brings came from.
    #[serde(default)]
    pub label: Label,
}
