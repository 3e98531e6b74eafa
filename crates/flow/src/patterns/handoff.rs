//! Agents that hand a task on to each other: to whom, and with what, fits a schema.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use largestack_agent::{AgentBuilder, Runtime};
use largestack_engine::graph::{GraphLimits, Join, Reducer, Writes};
use largestack_types::errors::Result;
use serde_json::{Value, json};

use super::{object, one_of, text, typed};
use crate::builder::WorkflowBuilder;
use crate::function::{Function, NodeOutput};
use crate::workflow::Workflow;

/// What a member of a swarm says that answers itself.
const NOBODY: &str = "nobody";

/// A member of a swarm.
pub struct SwarmMember {
    name: Arc<str>,
    agent: AgentBuilder,
    may: Vec<Arc<str>>,
    brief: Option<Value>,
}

impl SwarmMember {
    /// An agent that hands on to nobody.
    pub fn new(name: impl Into<Arc<str>>, agent: AgentBuilder) -> Self {
        Self { name: name.into(), agent, may: Vec::new(), brief: None }
    }

    /// Which may hand on to these, and to nobody else.
    #[must_use]
    pub fn may_hand_to<N: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.may.extend(names.into_iter().map(Into::into));
        self
    }

    /// Which has to be told what fits this JSON Schema by whoever hands on to it.
    #[must_use]
    pub fn briefed_with(mut self, schema: Value) -> Self {
        self.brief = Some(schema);
        self
    }
}

impl<N: Into<Arc<str>>> From<(N, AgentBuilder, Vec<&str>)> for SwarmMember {
    /// A name, an agent, and to whom it may hand on.
    fn from((name, agent, may): (N, AgentBuilder, Vec<&str>)) -> Self {
        Self::new(name, agent).may_hand_to(may)
    }
}

/// Agents that hand the `task` on to each other: each answers itself or names one of those it may
/// hand it to, which is a word of its schema and nobody else's, with what that one has to be told. The
/// first one begins. After `handoffs` visits of one of them the run is `incomplete`.
pub fn swarm<S: Into<SwarmMember>>(
    name: impl Into<Arc<str>>,
    members: Vec<S>,
    (handoffs, runtime): (u32, &Runtime),
) -> Result<WorkflowBuilder> {
    let seats: Vec<SwarmMember> = members.into_iter().map(Into::into).collect();
    let briefs: BTreeMap<Arc<str>, Value> = seats
        .iter()
        .filter_map(|seat| Some((Arc::clone(&seat.name), seat.brief.clone()?)))
        .collect();
    let heard: BTreeSet<Arc<str>> = seats.iter().flat_map(|seat| seat.may.clone()).collect();
    let mut builder = Workflow::builder(name)
        .input("task")
        .channel("said", Reducer::Append)
        .function("answer", last_message());
    for (at, SwarmMember { name, agent, may, .. }) in seats.into_iter().enumerate() {
        let agent = typed(agent, "handoff", &schema(&may, &briefs), runtime)?;
        let listed: Vec<&str> = may.iter().map(|name| &**name).collect();
        let said = if heard.contains(&name) { "\n\nSaid so far: {{ said }}" } else { "" };
        let prompt = format!(
            "{{{{ task }}}}\n\nAnswer yourself (`to` is `{NOBODY}`), or hand it on to one of: {}.{said}",
            listed.join(", ")
        );
        let choices: Vec<Arc<str>> = may.iter().cloned().chain([NOBODY.into()]).collect();
        let place = if briefed(&may, &briefs) { "/hand/to" } else { "/to" };
        builder = builder.agent_with(Arc::clone(&name), &agent, prompt, |node| {
            node.choosing(choices).with(|node| {
                node.choose = Some(place.into());
                node.join = Join::Any;
                node.writes = Writes::Key("said".into());
            })
        });
        if at == 0 {
            builder = builder.start(Arc::clone(&name));
        }
        for to in may {
            builder = builder.when(Arc::clone(&name), Arc::clone(&to), to);
        }
        builder = builder.when(name, NOBODY, "answer");
    }
    let limits = GraphLimits { max_visits: handoffs, ..GraphLimits::default() };
    Ok(builder.change("answer", |node| node.join = Join::First).limits(limits).answer("answer"))
}

fn briefed(may: &[Arc<str>], briefs: &BTreeMap<Arc<str>, Value>) -> bool {
    may.iter().any(|to| briefs.contains_key(to))
}

/// One of those it may hand on to with a message, or nobody with the answer; where somebody has to be
/// told something in particular, each way of handing on is a form of its own.
fn schema(may: &[Arc<str>], briefs: &BTreeMap<Arc<str>, Value>) -> Value {
    let message = || text("The answer, or what whoever is next has to know.");
    let words = may.iter().map(|name| &**name).chain([NOBODY]);
    if !briefed(may, briefs) {
        return object(&[("to", one_of(words)), ("message", message())]);
    }
    let hand = |to: &str| {
        let told = briefs.get(to).cloned().unwrap_or_else(message);
        object(&[("to", one_of([to])), ("message", told)])
    };
    let ways: Vec<Value> = words.map(hand).collect();
    object(&[("hand", json!({ "anyOf": ways }))])
}

fn last_message() -> Function {
    Function::new(|context| {
        let said = context.state.get("said").and_then(Value::as_array);
        let last = said.and_then(|said| said.last());
        let message = last.and_then(|l| l.pointer("/hand/message").or_else(|| l.get("message")));
        let message = message.cloned().unwrap_or_default();
        async move { Ok(NodeOutput::from(message)) }
    })
}
