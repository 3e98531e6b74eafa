//! The scenes: runs of every kind that a process may die in.

use std::time::Duration;

use largestack::approvals::ApprovalRule;
use largestack::errors::ProviderError;
use largestack::flow::{Edge, Function, OnFailure, Retry, Workflow, WorkflowBuilder};
use largestack::signals::Until;
use largestack::{Limits, Memory, Money, ToolFailure, ToolOutput};
use largestack_engine::graph::GraphLimits;
use largestack_testkit::Turn;
use largestack_tools::{DynamicTool, wait};
use largestack_types::call::Call;
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::message::Role;
use serde_json::json;

use super::drive::Subject;
use super::world::{Script, World, answered};

/// Runs, and the models that they ask.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) models: &'static [(&'static str, Script)],
    pub(super) subjects: fn(&World) -> Vec<Subject>,
}

pub(super) const RUN: RunId = RunId::from_u128((7 << 80) + 77);

pub(super) const SCENES: &[Scene] = &[
    Scene { name: "tools", models: &[("worker", four_calls)], subjects: tools },
    Scene { name: "approval", models: &[("worker", four_calls)], subjects: approval },
    Scene { name: "parallel", models: &[("worker", four_at_once)], subjects: tools },
    Scene {
        name: "tree",
        models: &[("top", delegates), ("middle", delegates), ("bottom", one_of_each)],
        subjects: tree,
    },
    Scene {
        name: "fallback",
        models: &[("first", works_then_fails), ("second", one_of_each)],
        subjects: fallback,
    },
    Scene { name: "budget", models: &[("worker", without_end)], subjects: budget },
    Scene { name: "session", models: &[("worker", remembers)], subjects: session },
    Scene { name: "branches", models: &[("worker", one_of_each)], subjects: branches },
    Scene { name: "map", models: &[("worker", says_done)], subjects: map },
    Scene { name: "retries", models: &[], subjects: retries },
    Scene { name: "saga", models: &[("worker", one_of_each)], subjects: saga },
    Scene { name: "waits", models: &[], subjects: waits },
    Scene { name: "listens", models: &[("worker", waits_twice)], subjects: listens },
    Scene { name: "nested", models: &[("worker", one_of_each)], subjects: nested },
    Scene { name: "stream", models: &[("worker", four_calls)], subjects: tools },
];

/// Fifty runs of several kinds at once.
pub(super) const CROWD: Scene = Scene {
    name: "crowd",
    models: &[
        ("worker", four_calls),
        ("top", delegates),
        ("middle", delegates),
        ("bottom", one_of_each),
        ("first", works_then_fails),
        ("second", one_of_each),
    ],
    subjects: crowd,
};

fn crowd(world: &World) -> Vec<Subject> {
    let kinds = [tools, approval, tree, fallback, branches, map, retries, saga];
    let mut all = Vec::new();
    for (number, kind) in (0..50).zip(kinds.iter().cycle()) {
        for subject in kind(world) {
            all.push(Subject { run: RunId::from_u128((9 << 80) + number), ..subject });
        }
    }
    all
}

pub(super) fn scene(name: &str) -> &'static Scene {
    SCENES.iter().chain([&CROWD]).find(|scene| scene.name == name).unwrap()
}

fn four_calls(call: &Call) -> Turn {
    match answered(call) {
        0 => Turn::tool("again", r#"{"n":1}"#).and_tool("again", r#"{"n":2}"#),
        1 => Turn::tool("once", r#"{"n":3}"#),
        2 => Turn::tool("again", r#"{"n":4}"#),
        _ => Turn::text("All four are done.").pieces(3),
    }
}

fn four_at_once(call: &Call) -> Turn {
    match answered(call) {
        0 => Turn::tool("again", r#"{"n":1}"#)
            .and_tool("once", r#"{"n":2}"#)
            .and_tool("again", r#"{"n":3}"#)
            .and_tool("once", r#"{"n":4}"#),
        _ => Turn::text("All four are done."),
    }
}

fn one_of_each(call: &Call) -> Turn {
    match answered(call) {
        0 => Turn::tool("again", "{}"),
        1 => Turn::tool("once", "{}"),
        _ => Turn::text("Both are done."),
    }
}

fn delegates(call: &Call) -> Turn {
    match answered(call) {
        0 => Turn::tool("below", r#"{"task":"one"}"#),
        1 => Turn::tool("once", "{}").and_tool("below", r#"{"task":"two"}"#),
        _ => Turn::text("Those below me have answered."),
    }
}

fn works_then_fails(call: &Call) -> Turn {
    match answered(call) {
        0 => Turn::tool("once", "{}"),
        _ => Turn::error(ProviderError {
            provider: "test".into(),
            status: Some(400),
            detail: "no".into(),
            provider_code: None,
            request_id: None,
            transient: false,
        }),
    }
}

fn without_end(call: &Call) -> Turn {
    Turn::tool("again", &format!(r#"{{"n":{}}}"#, answered(call))).usage(10, 300)
}

fn remembers(call: &Call) -> Turn {
    if answered(call) == 0 {
        return Turn::tool("once", "{}");
    }
    let asked = call.messages.iter().filter(|message| message.role == Role::User);
    Turn::text(format!("{} questions", asked.count()))
}

/// An event and a moment side by side, another event, and what must happen once.
fn waits_twice(call: &Call) -> Turn {
    match answered(call) {
        0 => Turn::tool("wait_for_event", r#"{"name":"paid"}"#).and_tool("rest", "{}"),
        1 => Turn::tool("wait_for_event", r#"{"name":"paid","timeout":600}"#),
        2 => Turn::tool("once", "{}"),
        _ => Turn::text("Both have come."),
    }
}

fn says_done(_: &Call) -> Turn {
    Turn::text("done")
}

fn tools(world: &World) -> Vec<Subject> {
    let agent = world.agent("worker").build(world.runtime.clone()).unwrap();
    vec![Subject::agent(RUN, &agent, "Do all four.")]
}

fn approval(world: &World) -> Vec<Subject> {
    let agent = world.agent("worker");
    let agent =
        agent.tool_options("once", |options| options.access.approval = ApprovalRule::Required);
    vec![Subject::agent(RUN, &agent.build(world.runtime.clone()).unwrap(), "Do all four.")]
}

/// Three agents, each above the next.
fn tree(world: &World) -> Vec<Subject> {
    let bottom = world.agent("bottom").build(world.runtime.clone()).unwrap();
    let below = bottom.as_tool("below", "Does it.");
    let middle = world.agent("middle").tool(below).build(world.runtime.clone()).unwrap();
    let below = middle.as_tool("below", "Has it done.");
    let top = world.agent("top").tool(below).build(world.runtime.clone()).unwrap();
    vec![Subject::agent(RUN, &top, "Have it done.")]
}

fn fallback(world: &World) -> Vec<Subject> {
    let second = world.agent("second").build(world.runtime.clone()).unwrap();
    let first = world.agent("first").fallback(second).build(world.runtime.clone()).unwrap();
    vec![Subject::agent(RUN, &first, "Do both.")]
}

/// What would go on for ever is ended by what it may cost.
fn budget(world: &World) -> Vec<Subject> {
    let budget = Some(Money::from_nanos(6_500_000));
    let limits = Limits { budget, ..Limits::default() };
    let agent = world.agent("worker").limits(limits).build(world.runtime.clone()).unwrap();
    vec![Subject::agent(RUN, &agent, "Go on.")]
}

/// Two runs of one conversation.
fn session(world: &World) -> Vec<Subject> {
    let agent = world.agent("worker").memory(Memory::window(9)).build(world.runtime.clone());
    let agent = agent.unwrap();
    let second = RunId::from_u128((8 << 80) + 78);
    vec![
        Subject::agent(RUN, &agent, "What is first?").talking("talk"),
        Subject::agent(second, &agent, "What is second?").talking("talk"),
    ]
}

fn flow(world: &World, builder: WorkflowBuilder, input: serde_json::Value) -> Vec<Subject> {
    vec![Subject::flow(RUN, &builder.build(world.runtime.clone()).unwrap(), input)]
}

/// Three branches side by side and what joins them. What nobody knows of is skipped.
fn branches(world: &World) -> Vec<Subject> {
    let agent = world.agent("worker").build(world.runtime.clone()).unwrap();
    let builder = Workflow::builder("branches")
        .function("start", world.again("start"))
        .function("left", world.again("left"))
        .function("right", world.once("right"))
        .agent("ask", &agent, "Do both.")
        .function("join", world.again("join"))
        .change("right", |node| node.on_failure = OnFailure::Skip)
        .then("start", "left")
        .then("start", "right")
        .then("start", "ask")
        .then("left", "join")
        .then("right", "join")
        .then("ask", "join")
        .answer("join");
    flow(world, builder, json!(null))
}

fn map(world: &World) -> Vec<Subject> {
    let agent = world.agent("worker").build(world.runtime.clone()).unwrap();
    let builder = Workflow::builder("map")
        .input("items")
        .function_with("each", world.again("seen"), |node| node.over("items"))
        .agent_with("ask", &agent, "About {{ item }}.", |node| node.over("items"))
        .function("sum", world.again("sum"))
        .then("each", "sum")
        .then("ask", "sum")
        .answer("each");
    flow(world, builder, json!([1, 2, 3, 4, 5]))
}

fn retries(world: &World) -> Vec<Subject> {
    let retry = Retry { tries: 4, pause: Duration::from_millis(2), whatever: false };
    let builder = Workflow::builder("retries")
        .function_with("late", world.failing_until(3), |node| node.with(|node| node.retry = retry))
        .function_with("never", world.failing_until(9), |node| {
            node.with(|node| {
                node.retry = Retry { tries: 2, ..retry };
                node.on_failure = OnFailure::Route;
            })
        })
        .function("instead", world.again("instead"))
        .then("late", "never")
        .edge(Edge::new("never", "instead").on_failure());
    flow(world, builder, json!(null))
}

/// Steps that are undone, last first, when the last one fails.
fn saga(world: &World) -> Vec<Subject> {
    let agent = world.agent("worker").build(world.runtime.clone()).unwrap();
    let refused = |_| async { Err(ToolFailure::new("the card is refused")) };
    let builder = Workflow::builder("saga")
        .function("flight", world.again("flight"))
        .undo("flight", world.again("undo-flight"))
        .agent("ask", &agent, "Do both.")
        .undo("ask", world.again("undo-ask"))
        .function("hotel", world.once("hotel"))
        .undo("hotel", world.once("undo-hotel"))
        .function("pay", Function::new(refused))
        .then("flight", "ask")
        .then("ask", "hotel")
        .then("hotel", "pay")
        .change("hotel", |node| node.on_failure = OnFailure::Skip);
    flow(world, builder, json!(null))
}

/// A person, time and something from outside, one after the other.
fn waits(world: &World) -> Vec<Subject> {
    let builder = Workflow::builder("waits")
        .question("sure", "Really?", ["yes", "no"])
        .sleep("rest", Duration::from_millis(20))
        .event("paid", "payment")
        .function("send", world.once("sent"))
        .change("send", |node| {
            node.approval = Some("it costs".into());
            node.on_failure = OnFailure::Skip;
        })
        .when("sure", "yes", "rest")
        .when("sure", "no", "end")
        .then("rest", "paid")
        .then("paid", "send")
        .answer("paid");
    flow(world, builder, json!(null))
}

/// An agent that waits for what is sent to it, and for a moment.
fn listens(world: &World) -> Vec<Subject> {
    let rest = DynamicTool::new("rest", "Rests.", Json::empty_object(), |_, _| async {
        Ok(ToolOutput::sleep(Until::After(Duration::from_millis(20))))
    });
    let agent = world.agent("worker").tool(wait::event()).tool(rest.idempotent(true));
    let agent = agent.build(world.runtime.clone()).unwrap();
    vec![Subject::agent(RUN, &agent, "Wait for both.")]
}

/// A workflow in a workflow, with an agent that has an approval to wait for, under one budget.
fn nested(world: &World) -> Vec<Subject> {
    let agent = world.agent("worker");
    let agent =
        agent.tool_options("once", |options| options.access.approval = ApprovalRule::Required);
    let agent = agent.build(world.runtime.clone()).unwrap();
    let inner = Workflow::builder("inner")
        .input("task")
        .agent("ask", &agent, "{{ task }}")
        .function("file", world.again("filed"))
        .then("ask", "file")
        .build(world.runtime.clone())
        .unwrap();
    let builder = Workflow::builder("outer")
        .input("title")
        .workflow("inner", &inner, [("task", "title")])
        .function("beside", world.again("beside"))
        .limits(GraphLimits {
            budget: Some(Money::from_nanos(1_000_000_000)),
            ..GraphLimits::default()
        });
    flow(world, builder, json!("Do both."))
}
