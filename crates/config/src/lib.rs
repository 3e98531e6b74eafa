//! Settings: `agent.yaml`, `workflow.yaml` and `largestack.yaml`, the environment and flags, read in this one
//! crate, put over each other in that order and resolved once, each value with where it comes
//! from. All problems are reported together, with file, line, column and the nearest known word.
//! Nothing is left open afterwards, and nothing here acts on a setting: that is the program's.
//!
//! ```
//! use largestack_config::{Environment, Flags, Inputs, Offer};
//!
//! # let folder = tempfile::tempdir()?;
//! std::fs::write(
//!     folder.path().join("agent.yaml"),
//!     "name: greeter\ninstructions: Greet people.\nbudget: 0.50\n",
//! )?;
//! let settings = Inputs {
//!     working_folder: folder.path(),
//!     environment: &Environment::of([("HOME", "/home/ada"), ("LARGESTACK_LIMITS__MAX_TURNS", "3")]),
//!     flags: &Flags::new().set("model", "--model", "openai/gpt-4o-mini"),
//!     offer: &Offer {
//!         tools: &["search_knowledge"],
//!         knowledge_tool: "search_knowledge",
//!         models: &["offline/extractive"],
//!         offline_model: "offline/extractive",
//!     },
//! }
//! .agent("agent.yaml".as_ref())?;
//!
//! assert_eq!(&*settings.agent.model, "openai/gpt-4o-mini");
//! assert_eq!(settings.agent.limits.max_turns, 3);
//! assert_eq!(settings.agent.limits.budget.unwrap().to_string(), "$0.50");
//! let budget = settings.origins.iter().find(|origin| origin.key == "budget").unwrap();
//! assert!(budget.source.to_string().ends_with("agent.yaml:3:9"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - `settings`: the layers and their resolution; `agent`, `project`: what the files hold.
//! - `prices`: what calls cost here; `routing`: who answers in whose place, and what is answered without anybody.
//! - `keys`, `environment`: the two tables of all there is; `reference`: pages made from them.
//! - `error`, `problem`, `origin`: what is wrong, where, and where values come from.
//! - `yaml`, `node`, `read`, `value`: from text to typed values; `substitute`: variables in them;
//!   `locate`, `include`: files and folders.
//! - `memory`: what a run is told of its session.
//! - `approvals`: which calls a person has to agree to; `license`: what an operator asks for.
//! - `tools`, `built_in`, `declared`: an agent's tools, and those that its file makes; `document`:
//!   what they are made from; `secret`: texts
//!   whose variables nobody reads.
//! - `workflow`: agents that work together, as a graph or under a pattern.
//! - `export`: an agent's file in one piece, for another folder.
//! - `cases`, `policy_cases`: what an agent is tested with; `schema`: what editors are told of the files.

mod agent;
mod approvals;
mod built_in;
mod cases;
mod catalogue;
mod content;
mod declared;
mod document;
mod environment;
mod error;
mod export;
mod flags;
mod guardrails;
mod include;
pub mod keys;
mod license;
mod locate;
mod memory;
mod network;
mod node;
mod origin;
mod policies;
mod policy_cases;
mod prices;
mod problem;
mod project;
mod provider_policy;
mod quotas;
mod read;
pub mod reference;
mod retention;
mod routing;
mod sandbox;
pub mod schema;
mod secret;
mod settings;
mod show;
mod signals;
mod spelling;
mod substitute;
mod taint;
mod tools;
mod value;
mod worker;
mod workflow;
mod yaml;

pub use agent::{
    Agent, DEFAULT_TOP_K, Knowledge, MAX_TOP_K, Media, OnRerankerFailure, Permissions,
};
pub use approvals::Approvals;
pub use built_in::ToolOwn;
pub use cases::{CASES_FILE, Case, Expect, Said, cases};
pub use catalogue::Offer;
pub use declared::{AgentUse, CommandUse, Declared, HttpUse, OpenApiUse};
pub use document::line_in_document;
pub use environment::{Credential, ENV, Environment, Variable, own_key_variable};
pub use error::{Error, MAX_FILE_BYTES};
pub use export::agent_file;
pub use flags::Flags;
pub use license::{Claims, Issuer, License, Licensed};
pub use locate::{AGENT_FILE, Named, PROJECT_FILE, STATE_FOLDER, WORKFLOW_FILE, named};
pub use memory::{Memory, Recall};
pub use network::Network;
pub use origin::{Origin, Source};
pub use policy_cases::{POLICY_CASES_FILE, PolicyCase, PolicyRead, ReadBy, policy_cases};
pub use problem::{Problem, Wrong};
pub use project::Project;
pub use provider_policy::ProviderRule;
pub use quotas::{Budgets, PerMinute, RateLimits, WhenReached, Windows};
pub use retention::Retention;
pub use routing::{BadContent, Choose, Fallback, OnBreak, Pool, ReplyCache};
pub use sandbox::SandboxUse;
pub use secret::{SecretText, SecretTexts};
pub use settings::{Inputs, Settings};
pub use signals::Signals;
pub use tools::{SearchTools, ToolSettings, ToolUse};
pub use worker::{Engine, Restate, Workers};
pub use workflow::{
    Asked, Failures, Kind, Nodes, OnMember, Otherwise, PATTERNS, Pattern, PatternUse, Role, Shape,
    Workflow,
};
