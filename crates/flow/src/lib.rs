//! Workflows: agents, functions and questions to people as the nodes of one durable run. What comes
//! next is decided by the engine's fold ([`largestack_engine::graph`]); here it is performed, recorded
//! and told. Every pattern is a builder of such a graph. What an agent does inside its node belongs to
//! the agent; where the facts are kept belongs to the journal.

pub mod builder;
mod control;
pub mod draw;
mod drive;
pub mod event;
pub mod function;
pub mod options;
pub mod patterns;
pub mod report;
pub mod runs;
mod stream;
pub mod workflow;

pub use builder::WorkflowBuilder;
pub use event::FlowEvent;
pub use function::{Function, NodeContext, NodeOutput};
pub use options::{FlowOptions, FlowResume};
pub use report::{FlowReport, NodeReport};
pub use runs::{FlowFollower, FlowHandle, Flows};
pub use stream::FlowStream;
pub use workflow::Workflow;
