//! A graph as data: what a run of it is started with, and what its hash is taken of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use largestack_types::hash::Hash;
use largestack_types::json::Json;
use largestack_types::money::Money;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::state::Reducer;
use super::supervise::Supervision;

/// Where an edge leads that ends its branch. No node has this name.
pub const END: &str = "end";

/// When an edge is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Whenever its node has finished, or was skipped.
    #[default]
    Always,
    /// When its node has chosen this.
    Choice(Arc<str>),
    /// When its node has failed for good.
    Failed,
}

/// What leads from one node to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The node it leaves.
    pub from: Arc<str>,
    /// The node it leads to, or [`END`].
    pub to: Arc<str>,
    /// When it is taken.
    #[serde(default)]
    pub when: When,
}

impl Edge {
    /// An edge that is always taken.
    pub fn new(from: impl Into<Arc<str>>, to: impl Into<Arc<str>>) -> Self {
        Self { from: from.into(), to: to.into(), when: When::Always }
    }

    /// The same, taken only when the node has chosen this.
    #[must_use]
    pub fn on(mut self, choice: impl Into<Arc<str>>) -> Self {
        self.when = When::Choice(choice.into());
        self
    }

    /// The same, taken only when the node has failed for good.
    #[must_use]
    pub fn on_failure(mut self) -> Self {
        self.when = When::Failed;
        self
    }
}

/// Limits of one run of a graph. `None` means no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GraphLimits {
    /// How often one node may be visited: the bound of a loop.
    pub max_visits: u32,
    /// Tasks in flight at once.
    pub max_parallel: u32,
    /// Active time: waiting for a person does not count.
    pub wall_clock: Option<Duration>,
    /// What the run and everything under it may cost.
    pub budget: Option<Money>,
}

impl Default for GraphLimits {
    fn default() -> Self {
        Self { max_visits: 50, max_parallel: 16, wall_clock: None, budget: None }
    }
}

/// Nodes, and what leads from one to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Its name.
    pub name: Arc<str>,
    /// Keys of the state that a run is given.
    #[serde(default)]
    pub inputs: Vec<Arc<str>>,
    /// How writes to a key are brought together; a key without one is replaced.
    #[serde(default)]
    pub channels: BTreeMap<Arc<str>, Reducer>,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Its edges.
    pub edges: Vec<Edge>,
    /// Where it begins; empty for every node that no edge leads to.
    #[serde(default)]
    pub start: Vec<Arc<str>>,
    /// The key whose value is the answer; `None` for the only one that its last node writes, else
    /// the whole state.
    #[serde(default)]
    pub output: Option<Arc<str>>,
    /// Whether a cycle is a mistake.
    #[serde(default)]
    pub acyclic: bool,
    /// Nodes that are watched together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supervised: Vec<Supervision>,
    /// Limits of a run.
    #[serde(default)]
    pub limits: GraphLimits,
}

impl Graph {
    /// Whether the state has this key: a run is given it, or a node may write it.
    pub fn has_key(&self, key: &str) -> bool {
        let written = self.nodes.iter().flat_map(|node| node.writes.keys());
        self.inputs.iter().chain(written).any(|known| **known == *key)
    }

    /// A graph without nodes.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            inputs: Vec::new(),
            channels: BTreeMap::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            start: Vec::new(),
            output: None,
            acyclic: false,
            supervised: Vec::new(),
            limits: GraphLimits::default(),
        }
    }

    /// With a key that a run is given.
    #[must_use]
    pub fn input(mut self, key: impl Into<Arc<str>>) -> Self {
        self.inputs.push(key.into());
        self
    }

    /// With a rule for writes to a key.
    #[must_use]
    pub fn channel(mut self, key: impl Into<Arc<str>>, reducer: Reducer) -> Self {
        self.channels.insert(key.into(), reducer);
        self
    }

    /// With a node.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        self.nodes.push(node);
        self
    }

    /// With an edge.
    #[must_use]
    pub fn edge(mut self, edge: Edge) -> Self {
        self.edges.push(edge);
        self
    }

    /// Beginning here, beside where else it begins.
    #[must_use]
    pub fn starting(mut self, node: impl Into<Arc<str>>) -> Self {
        self.start.push(node.into());
        self
    }

    /// Answering with the value of this key.
    #[must_use]
    pub fn answering(mut self, key: impl Into<Arc<str>>) -> Self {
        self.output = Some(key.into());
        self
    }

    /// With a cycle being a mistake.
    #[must_use]
    pub fn acyclic(mut self) -> Self {
        self.acyclic = true;
        self
    }

    /// With nodes that are watched together.
    #[must_use]
    pub fn supervised(mut self, group: Supervision) -> Self {
        self.supervised.push(group);
        self
    }

    /// The node with this name.
    pub fn find(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| &*node.name == name)
    }

    /// The graph as it is kept, and its hash.
    pub fn sealed(&self) -> Result<(Json, Hash), serde_json::Error> {
        let json = Json::of(self)?;
        let hash = Hash::of(json.as_str().as_bytes());
        Ok((json, hash))
    }
}
