//! One after the other, side by side, and once for each element.

use std::fmt::Write as _;
use std::sync::Arc;

use largestack_engine::graph::OnFailure;
use serde_json::Value;

use super::Member;
use crate::builder::WorkflowBuilder;
use crate::function::{Function, NodeOutput};
use crate::workflow::Workflow;

/// Agents one after the other: each is told the `task` and everything that was said before it. The
/// answer is what the last one says.
pub fn sequential<M: Into<Member>>(
    name: impl Into<Arc<str>>,
    members: impl IntoIterator<Item = M>,
) -> WorkflowBuilder {
    let mut builder = Workflow::builder(name).input("task").acyclic();
    let mut before: Vec<Arc<str>> = Vec::new();
    for member in members {
        let Member { name, agent, .. } = member.into();
        let mut prompt = "{{ task }}".to_owned();
        for earlier in &before {
            // Writing to a string cannot fail.
            let _ = write!(prompt, "\n\n{earlier} said:\n{{{{ {earlier} }}}}");
        }
        builder = builder.agent(Arc::clone(&name), &agent, prompt);
        if let Some(last) = before.last() {
            builder = builder.then(Arc::clone(last), Arc::clone(&name));
        }
        before.push(name);
    }
    builder
}

/// Agents side by side, each told the `task`. The answer is an object of what each says, by name; one
/// whose failure is skipped is `null` there.
pub fn parallel<M: Into<Member>>(
    name: impl Into<Arc<str>>,
    members: impl IntoIterator<Item = M>,
) -> WorkflowBuilder {
    let members: Vec<Member> = members.into_iter().map(Into::into).collect();
    let mut builder = Workflow::builder(name).input("task").acyclic();
    for member in &members {
        builder = builder.agent(Arc::clone(&member.name), &member.agent, "{{ task }}");
    }
    let names: Vec<Arc<str>> = members.iter().map(|member| Arc::clone(&member.name)).collect();
    let gather = Function::new({
        let names = names.clone();
        move |context| {
            let said = names.iter().map(|name| {
                let said = context.state.get(&**name).cloned().unwrap_or(Value::Null);
                (name.to_string(), said)
            });
            let said = Value::Object(said.collect());
            async move { Ok(NodeOutput::from(said)) }
        }
    });
    let builder = builder.function("answers", gather);
    names.into_iter().fold(builder, |builder, name| builder.then(name, "answers"))
}

/// An agent for each of the `items`, and one that makes an answer of what they say. An item that
/// fails is `null` in the list, in its place, and the run is then `incomplete`.
pub fn map_reduce(
    name: impl Into<Arc<str>>,
    (mapper, ask): (impl Into<Member>, &str),
    (reducer, sum_up): (impl Into<Member>, &str),
    most_at_once: u32,
) -> WorkflowBuilder {
    let (mapper, reducer) = (mapper.into(), reducer.into());
    let prompt = format!("{ask}\n\n{{{{ item }}}}");
    let told = format!("{sum_up}\n\n{{{{ mapped }}}}");
    Workflow::builder(name)
        .input("items")
        .acyclic()
        .agent_with("mapped", &mapper.agent, prompt, |node| {
            node.over("items").with(|node| {
                node.on_failure = OnFailure::Skip;
                if let Some(map) = &mut node.map {
                    map.max_parallel = Some(most_at_once);
                }
            })
        })
        .agent("reduced", &reducer.agent, told)
        .then("mapped", "reduced")
}
