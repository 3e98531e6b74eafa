//! Many at one table: a debate with a judge, and agents that hand a task on to each other.

use std::fmt::Write as _;
use std::sync::Arc;

use largestack_agent::{AgentBuilder, Runtime};
use largestack_engine::graph::{GraphLimits, Join, Node, Reducer, Work, Writes};
use largestack_types::errors::Result;

use super::{Member, object, one_of, text, typed};
use crate::builder::WorkflowBuilder;
use crate::function::{Function, NodeOutput};
use crate::workflow::Workflow;

/// What a judge says that wants another round, and that has heard enough.
const AGAIN: &str = "again";
const SETTLED: &str = "settled";
/// What a member of a swarm says that answers itself.
const NOBODY: &str = "nobody";

/// Members argue about the `task` in rounds, side by side, each told what all have said; after each
/// round a judge says whether it is settled, and the answer. Past `rounds` rounds without that the
/// run is `incomplete`.
pub fn debate(
    name: impl Into<Arc<str>>,
    members: Vec<Member>,
    judge: AgentBuilder,
    (rounds, runtime): (u32, &Runtime),
) -> Result<WorkflowBuilder> {
    let schema = object(&[
        ("verdict", one_of([SETTLED, AGAIN])),
        ("answer", text("The answer that the arguments lead to.")),
    ]);
    let judge = typed(judge, "judgement", &schema, runtime)?;
    let mut said = String::new();
    for member in &members {
        let name = &member.name;
        // Writing to a string cannot fail.
        let _ = write!(said, "\n\n{name} has said:\n{{{{ {name} }}}}");
    }
    let open = Node::new("round", Work::Pass).with(|node| node.join = Join::Any);
    let prompt = format!(
        "{{{{ task }}}}\n\nSay `{SETTLED}` where the arguments suffice for an answer.{said}"
    );
    let mut builder = Workflow::builder(name).input("task").node(open).start("round").agent_with(
        "judge",
        &judge,
        prompt,
        |node| node.choosing([SETTLED, AGAIN]).with(|node| node.choose = Some("/verdict".into())),
    );
    for member in members {
        let name = Arc::clone(&member.name);
        builder = builder
            .agent(Arc::clone(&name), &member.agent, format!("{{{{ task }}}}{said}"))
            .channel(Arc::clone(&name), Reducer::Append)
            .then("round", Arc::clone(&name))
            .then(name, "judge");
    }
    let limits = GraphLimits { max_visits: rounds, ..GraphLimits::default() };
    Ok(builder
        .function("answer", field("judge", "answer"))
        .when("judge", AGAIN, "round")
        .when("judge", SETTLED, "answer")
        .limits(limits))
}

/// Agents that hand the `task` on to each other: each answers itself or names one of those it may
/// hand it to, which is a word of its schema and nobody else's. The first one begins. After
/// `handoffs` visits of one of them the run is `incomplete`.
pub fn swarm<N: Into<Arc<str>>>(
    name: impl Into<Arc<str>>,
    members: Vec<(N, AgentBuilder, Vec<&str>)>,
    (handoffs, runtime): (u32, &Runtime),
) -> Result<WorkflowBuilder> {
    let mut builder = Workflow::builder(name)
        .input("task")
        .channel("said", Reducer::Append)
        .function("answer", last_message());
    for (at, (name, agent, may)) in members.into_iter().enumerate() {
        let name: Arc<str> = name.into();
        let words = || may.iter().copied().chain([NOBODY]);
        let schema = object(&[
            ("to", one_of(words())),
            ("message", text("The answer, or what whoever is next has to know.")),
        ]);
        let agent = typed(agent, "handoff", &schema, runtime)?;
        let prompt = format!(
            "{{{{ task }}}}\n\nAnswer yourself (`to` is `{NOBODY}`), or hand it on to one of: \
             {}.\n\nSaid so far: {{{{ said }}}}",
            may.join(", ")
        );
        let choices: Vec<Arc<str>> = words().map(Arc::from).collect();
        builder = builder.agent_with(Arc::clone(&name), &agent, prompt, |node| {
            node.choosing(choices).with(|node| {
                node.choose = Some("/to".into());
                node.join = Join::Any;
                node.writes = Writes::Key("said".into());
            })
        });
        if at == 0 {
            builder = builder.start(Arc::clone(&name));
        }
        for to in may {
            builder = builder.when(Arc::clone(&name), to, to);
        }
        builder = builder.when(name, NOBODY, "answer");
    }
    let limits = GraphLimits { max_visits: handoffs, ..GraphLimits::default() };
    Ok(builder.change("answer", |node| node.join = Join::First).limits(limits).answer("answer"))
}

/// A field of what a node said.
pub(super) fn field(node: &'static str, field: &'static str) -> Function {
    Function::new(move |context| {
        let value = context.state.get(node).and_then(|said| said.get(field)).cloned();
        async move { Ok(NodeOutput::from(value.unwrap_or_default())) }
    })
}

fn last_message() -> Function {
    Function::new(|context| {
        let said = context.state.get("said").and_then(|said| said.as_array()).cloned();
        let last = said.and_then(|mut said| said.pop());
        let message = last.and_then(|last| last.get("message").cloned());
        async move { Ok(NodeOutput::from(message.unwrap_or_default())) }
    })
}
