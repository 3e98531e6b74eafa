//! Drives runs. [`Agent::run`] performs what the engine names ([`largestack_engine::Effect`]),
//! records what happened in the run's journal, and asks again; everything a model or tool says
//! passes the ordered stages of [`pipeline`]. There is one loop: streaming, resuming and plain
//! runs are the same driver. What a provider's wire looks like, how money is reserved and where
//! bytes are kept belongs to the ports.

pub mod agent;
mod approval;
mod below;
pub mod builder;
mod capture;
mod child;
pub mod compact;
mod described;
mod document;
mod drive;
pub mod event;
pub mod fork;
mod hooks;
mod leak;
mod lost;
mod media;
pub mod memory;
pub mod options;
pub mod output;
pub mod parent;
pub mod partial;
pub mod pipeline;
mod protect;
pub mod report;
pub mod runs;
pub mod runtime;
mod script;
pub mod sessions;
pub mod signals;
mod spotlight;
pub mod stage;
mod stages;
mod stream;
pub mod tools;
pub mod toolset;

pub use agent::Agent;
pub use approval::ApprovalPolicy;
pub use builder::AgentBuilder;
pub use capture::{Captured, CapturedRun, capture_run};
pub use child::{AgentTool, Instruct};
pub use event::{Below, RunEvent};
pub use fork::Fork;
pub use largestack_engine::event::Adjusted;
pub use largestack_engine::{Attempt, Branch};
pub use memory::Memory;
pub use options::{CancelHandle, Input, ResumeOptions, RunOptions};
pub use output::{Output, OutputTurn};
pub use partial::Partial;
pub use report::Report;
pub use runs::{Followed, Follower, Position, RunHandle, Runs};
pub use runtime::Runtime;
pub use sessions::Conversations;
pub use stream::RunStream;
pub use toolset::{Deferral, SEARCH_TOOLS, Toolset};
