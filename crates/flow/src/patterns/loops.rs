//! An author and a critic; a plan and its steps.

use std::sync::Arc;

use largestack_agent::{AgentBuilder, Runtime};
use largestack_engine::graph::{GraphLimits, Join};
use largestack_types::errors::Result;
use serde_json::json;

use super::rounds::field;
use super::{Member, object, one_of, text, typed};
use crate::builder::WorkflowBuilder;
use crate::workflow::Workflow;

/// What a critic says that is content, and that is not.
const APPROVE: &str = "approve";
const REVISE: &str = "revise";

/// An author whose draft a critic reads until it is content, at most `drafts` times: then the run is
/// `incomplete`, with the last draft as its answer. The verdict is a word of a schema.
pub fn reflexion(
    name: impl Into<Arc<str>>,
    author: impl Into<Member>,
    critic: AgentBuilder,
    (drafts, runtime): (u32, &Runtime),
) -> Result<WorkflowBuilder> {
    let schema = object(&[
        ("verdict", one_of([APPROVE, REVISE])),
        ("feedback", text("What is to be done better.")),
    ]);
    let critic = typed(critic, "review", &schema, runtime)?;
    let limits = GraphLimits { max_visits: drafts, ..GraphLimits::default() };
    Ok(Workflow::builder(name)
        .input("task")
        .agent_with(
            "draft",
            &author.into().agent,
            "{{ task }}\n\nYour last draft:\n{{ draft }}\n\nWhat was said of it:\n{{ review.feedback }}",
            |node| node.with(|node| node.join = Join::Any),
        )
        .agent_with("review", &critic, "{{ task }}\n\nThe draft:\n{{ draft }}", |node| {
            node.choosing([APPROVE, REVISE]).with(|node| node.choose = Some("/verdict".into()))
        })
        .then("draft", "review")
        .when("review", REVISE, "draft")
        .when("review", APPROVE, "end")
        .start("draft")
        .answer("draft")
        .limits(limits))
}

/// A planner that makes steps of the `task`, a worker for each of them, one at a time, and a closer
/// that makes the answer of what was done.
pub fn plan_and_execute(
    name: impl Into<Arc<str>>,
    planner: AgentBuilder,
    (worker, closer): (impl Into<Member>, impl Into<Member>),
    (most_steps, runtime): (u32, &Runtime),
) -> Result<WorkflowBuilder> {
    let steps = json!({
        "type": "array",
        "items": { "type": "string" },
        "minItems": 1,
        "maxItems": most_steps,
    });
    let planner = typed(planner, "plan", &object(&[("steps", steps)]), runtime)?;
    Ok(Workflow::builder(name)
        .input("task")
        .acyclic()
        .agent("plan", &planner, "Make steps of this: {{ task }}")
        .function("steps", field("plan", "steps"))
        .agent_with(
            "work",
            &worker.into().agent,
            "{{ task }}\n\nDo only this: {{ item }}",
            |node| {
                node.over("steps").with(|node| {
                    if let Some(map) = &mut node.map {
                        map.max_parallel = Some(1);
                    }
                })
            },
        )
        .agent(
            "close",
            &closer.into().agent,
            "{{ task }}\n\nThe steps: {{ steps }}\n\nWhat was done: {{ work }}",
        )
        .then("plan", "steps")
        .then("steps", "work")
        .then("work", "close"))
}
