//! Patterns of several agents, each a builder of a graph and nothing more: whatever one of them does
//! is durable, is told while it happens and is paid from one budget because every graph is. Decisions
//! (where to, who next, enough?) are values of a schema that the model's answer has to fit; no words
//! are searched for in what it says.
//!
//! What a pattern returns is a [`WorkflowBuilder`](crate::WorkflowBuilder): retries, limits and more
//! nodes can be said of it like of any other.

mod chat;
mod handoff;
mod loops;
mod rounds;
mod routes;
mod saga;
mod straight;
mod votes;
mod watched;

use std::sync::Arc;

use largestack_agent::{Agent, AgentBuilder, Output, Runtime};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use serde_json::{Value, json};

pub use chat::{Action, structured_chat};
pub use handoff::{SwarmMember, swarm};
pub use loops::{plan_and_execute, reflexion};
pub use rounds::debate;
pub use routes::{router, supervisor};
pub use saga::{Step, saga};
pub use straight::{map_reduce, parallel, sequential};
pub use votes::{Majority, best, vote};
pub use watched::supervised;

/// An agent with the name of its node, and what others are told it is for.
#[derive(Clone)]
pub struct Member {
    pub(crate) name: Arc<str>,
    pub(crate) agent: Agent,
    pub(crate) about: Arc<str>,
}

impl Member {
    /// An agent under its own name.
    pub fn new(agent: &Agent) -> Self {
        let name = Arc::clone(&agent.definition().agent);
        Self { name, agent: agent.clone(), about: "".into() }
    }

    /// Under this name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// With what it is for, as whoever picks it is told.
    #[must_use]
    pub fn about(mut self, about: impl Into<Arc<str>>) -> Self {
        self.about = about.into();
        self
    }
}

impl From<&Agent> for Member {
    fn from(agent: &Agent) -> Self {
        Self::new(agent)
    }
}

/// An agent whose answer is one of these words, as `/choice`, with the reason before it.
pub fn deciding<'a>(
    agent: AgentBuilder,
    words: impl IntoIterator<Item = &'a str>,
    runtime: &Runtime,
) -> Result<Agent> {
    let schema = object(&[("reason", text("Why.")), ("choice", one_of(words))]);
    typed(agent, "decision", &schema, runtime)
}

/// An agent whose answers fit this schema.
pub(crate) fn typed(
    agent: AgentBuilder,
    name: &str,
    schema: &Value,
    runtime: &Runtime,
) -> Result<Agent> {
    let schema = Json::of(schema).map_err(|error| {
        LargestackError::other(Code::Unknown, format!("a schema is no JSON: {error}"))
    })?;
    agent.output(Output::of(schema).named(name)).build(runtime.clone())
}

/// An object of these fields, all of which have to be there.
pub(crate) fn object(fields: &[(&str, Value)]) -> Value {
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// One of these words.
pub(crate) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    let words: Vec<&str> = words.into_iter().collect();
    json!({ "type": "string", "enum": words })
}

pub(crate) fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

/// Who there is, a line each.
fn listed(members: &[Member]) -> String {
    let line = |member: &Member| {
        let about = if member.about.is_empty() { "" } else { ": " };
        format!("- {}{about}{}", member.name, member.about)
    };
    members.iter().map(line).collect::<Vec<_>>().join("\n")
}
