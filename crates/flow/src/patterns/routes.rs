//! A model that says who is asked: once, or again and again.

use std::fmt::Write as _;
use std::sync::Arc;

use largestack_agent::{AgentBuilder, Runtime};
use largestack_engine::graph::{GraphLimits, Join, Reducer, Writes};
use largestack_types::errors::Result;

use super::{Member, listed, object, one_of, text, typed};
use crate::builder::WorkflowBuilder;
use crate::function::{Function, NodeOutput};
use crate::workflow::Workflow;

/// What a model says that picks nobody.
const NOBODY: &str = "nobody";
/// What a manager says that is done.
const FINISH: &str = "finish";

/// A classifier that picks one of the members for the `task`, or nobody where none fits: then
/// `fallback` is asked, and without one the run ends with no answer. What it picks is a word of a
/// schema.
pub fn router(
    name: impl Into<Arc<str>>,
    classifier: AgentBuilder,
    (members, fallback): (Vec<Member>, Option<Member>),
    runtime: &Runtime,
) -> Result<WorkflowBuilder> {
    let words = || members.iter().map(|member| &*member.name).chain([NOBODY]);
    let schema = object(&[("reason", text("Why.")), ("route", one_of(words()))]);
    let classifier = typed(classifier, "route", &schema, runtime)?;
    let prompt = format!(
        "Who is to deal with this? Say `{NOBODY}` where none of them fits.\n\n{}\n\n{{{{ task }}}}",
        listed(&members)
    );
    let words: Vec<Arc<str>> = words().map(Arc::from).collect();
    let mut builder =
        Workflow::builder(name).input("task").agent_with("route", &classifier, prompt, |node| {
            node.choosing(words).with(|node| node.choose = Some("/route".into()))
        });
    let writes_answer = |node: largestack_engine::graph::Node| {
        node.with(|node| node.writes = Writes::Key("answer".into()))
    };
    for member in &members {
        let name = Arc::clone(&member.name);
        builder = builder
            .agent_with(Arc::clone(&name), &member.agent, "{{ task }}", writes_answer)
            .when("route", Arc::clone(&name), name);
    }
    builder = match fallback {
        Some(member) => builder
            .agent_with(Arc::clone(&member.name), &member.agent, "{{ task }}", writes_answer)
            .when("route", NOBODY, member.name),
        None => builder.when("route", NOBODY, "end"),
    };
    Ok(builder.acyclic().answer("answer"))
}

/// A manager that gives work to specialists, reads what they say and gives more, until it has the
/// answer to the `task`: at most `rounds` times, after which the run is `incomplete`. Whom it picks
/// is a word of a schema, and it is told everything that each has said.
pub fn supervisor(
    name: impl Into<Arc<str>>,
    manager: AgentBuilder,
    members: Vec<Member>,
    (rounds, runtime): (u32, &Runtime),
) -> Result<WorkflowBuilder> {
    let words = || members.iter().map(|member| &*member.name).chain([FINISH]);
    let schema = object(&[
        ("next", one_of(words())),
        ("work", text("What they are to do, with everything that they have to know.")),
        ("answer", text("The answer, where it is finished; else empty.")),
    ]);
    let manager = typed(manager, "decision", &schema, runtime)?;
    let mut prompt = format!(
        "{{{{ task }}}}\n\nGive work to one of these, or say `{FINISH}` with the answer:\n\n{}",
        listed(&members)
    );
    for member in &members {
        let name = &member.name;
        // Writing to a string cannot fail.
        let _ = write!(prompt, "\n\n{name} has said so far:\n{{{{ {name} }}}}");
    }
    let choices: Vec<Arc<str>> = words().map(Arc::from).collect();
    let mut builder =
        Workflow::builder(name).input("task").agent_with("manager", &manager, prompt, |node| {
            node.choosing(choices).with(|node| {
                node.choose = Some("/next".into());
                node.join = Join::Any;
            })
        });
    for member in members {
        let name = Arc::clone(&member.name);
        builder = builder
            .agent(Arc::clone(&name), &member.agent, "{{ manager.work }}")
            .channel(Arc::clone(&name), Reducer::Append)
            .when("manager", Arc::clone(&name), Arc::clone(&name))
            .then(name, "manager");
    }
    let answer = Function::new(|context| {
        let answer = context.state.pointer("/manager/answer").cloned().unwrap_or_default();
        async move { Ok(NodeOutput::from(answer)) }
    });
    let limits = GraphLimits { max_visits: rounds.saturating_add(1), ..GraphLimits::default() };
    Ok(builder
        .function("answer", answer)
        .when("manager", FINISH, "answer")
        .start("manager")
        .limits(limits))
}
