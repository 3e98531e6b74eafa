//! Workflows: agents, functions and questions to people as the nodes of one durable run. What comes
//! next is decided by the engine's fold ([`largestack_engine::graph`]); here it is performed, recorded
//! and told. Every pattern is a builder of such a graph. What an agent does inside its node belongs to
//! the agent; where the facts are kept belongs to the journal.

pub mod builder;
mod control;
pub mod draw;
mod drive;
pub mod event;
pub mod fork;
pub mod function;
pub mod listen;
pub mod options;
pub mod orchestrator;
pub mod patterns;
pub mod report;
pub mod runs;
mod stream;
pub mod team;
pub mod tool;
pub mod worker;
pub mod workflow;

pub use builder::WorkflowBuilder;
pub use drive::NO_MODEL;
pub use event::FlowEvent;
pub use fork::FlowFork;
pub use function::{Function, NodeContext, NodeOutput};
pub use listen::{Flow, Trigger};
pub use options::{FlowOptions, FlowResume};
pub use orchestrator::{Orchestrator, Strategy};
pub use report::{FlowReport, NodeReport};
pub use runs::{FlowFollower, FlowHandle, Flows};
pub use stream::FlowStream;
pub use team::{OnError, Seat, Team};
pub use tool::NodeTool;
pub use worker::{Worker, WorkerBuilder, WorkerEvent};
pub use workflow::Workflow;
