//! Many at one table: a debate with a judge.

use std::fmt::Write as _;
use std::sync::Arc;

use largestack_agent::{AgentBuilder, Runtime};
use largestack_engine::graph::{GraphLimits, Join, Node, Reducer, Work};
use largestack_types::errors::Result;

use super::{Member, object, one_of, text, typed};
use crate::builder::WorkflowBuilder;
use crate::function::{Function, NodeOutput};
use crate::workflow::Workflow;

/// What a judge says that wants another round, and that has heard enough.
const AGAIN: &str = "again";
const SETTLED: &str = "settled";

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

/// A field of what a node said.
pub(super) fn field(node: &'static str, field: &'static str) -> Function {
    Function::new(move |context| {
        let value = context.state.get(node).and_then(|said| said.get(field)).cloned();
        async move { Ok(NodeOutput::from(value.unwrap_or_default())) }
    })
}
