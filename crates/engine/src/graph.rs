//! Work of several steps, as data and as a fold. A [`Graph`] says which nodes there are and what
//! leads from one to the next; [`GraphRun`] is the fold of what has happened in one run of it, in
//! the same manner as [`crate::Run`] is for an agent: `apply` is the only way it changes, `ready`
//! names what may start now. Every pattern (a sequence, a router, a debate, a saga) is a graph, so
//! there is one scheduler, one way to resume and one notion of what "completed" means.
//!
//! ```
//! use std::sync::Arc;
//! use largestack_engine::graph::{Edge, Graph, GraphRun, Node, Reducers, Work};
//! use largestack_types::id::RunId;
//!
//! let graph = Graph::new("greeting")
//!     .input("name")
//!     .node(Node::new("draft", Work::function("draft")))
//!     .node(Node::new("polish", Work::function("polish")))
//!     .edge(Edge::new("draft", "polish"));
//! let checked = Arc::new(graph.check(Reducers::default())?);
//! let run = GraphRun::new(RunId::from_u128(1), checked);
//! assert!(run.ready().is_empty(), "nothing happens before it is started");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod define;
mod expression;
mod fact;
mod node;
mod plan;
mod run;
mod state;
mod supervise;
mod template;
mod values;

pub use check::{Invalid, Problem};
pub use define::{END, Edge, Graph, GraphLimits, When};
pub use expression::{Case, Expression, Test, decide};
pub use fact::{
    EventReceived, Fact, GraphStarted, How, NodeFailed, NodeFinished, NodeListens, NodeSleeps,
    NodeStarted, NodeWoke,
};
pub use node::{Join, Map, Node, OnFailure, Retry, Undo, Work, Writes};
pub use plan::Checked;
pub use run::{Failure, GraphRun, MAY_START, NodeState, NodeView, Ready, Task};
pub use state::{Reduce, Reducer, Reducers, State};
pub use supervise::{Restarts, Supervision};
pub use template::Template;
