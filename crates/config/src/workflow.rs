//! `workflow.yaml`: work of several agents. What stands there becomes a graph of the engine, so that
//! a file can say nothing that a run would understand in another way, and is looked at as a whole
//! before anything runs; or it names a pattern and who has which part in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use largestack_engine::graph::{Graph, GraphLimits};
use largestack_guard::Policy;
use largestack_ports::approvals::Terms;

use crate::agent::{self, Agent};
use crate::node::{Entry, Node, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::{Fields, Report};
use crate::show::Show;
use crate::tools::ToolUse;
use crate::value;

mod edges;
mod kinds;
mod listen;
mod look;
mod members;
mod nodes;
mod pattern;
mod patterns;
mod state;
mod tests_of_state;
mod tools;
mod undo;
mod watch;
mod work;

pub use kinds::Kind;
pub use members::OnMember;
pub use pattern::PatternUse;
pub use patterns::{Failures, Otherwise, PATTERNS, Pattern, Role};

/// A workflow as its file says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// Its file.
    pub file: PathBuf,
    /// The folder that holds it.
    pub folder: PathBuf,
    /// Its name.
    pub name: Arc<str>,
    /// What it is for, for people.
    pub description: Arc<str>,
    /// Its agents, by the names that the file has for them, in its order. The file of one that is
    /// written out in the workflow's own is that file's path with `#NAME` behind it.
    pub agents: Vec<(Arc<str>, Agent)>,
    /// The keys that a run is given, with what they take.
    pub inputs: Vec<(Arc<str>, Kind)>,
    /// The tools that nodes call.
    pub tools: Vec<ToolUse>,
    /// What happens.
    pub shape: Shape,
    /// Limits of a run. Of a pattern `max_visits` is its own.
    pub limits: GraphLimits,
    /// On which terms people are asked.
    pub terms: Terms,
    /// What the guards do about what they find in the state.
    pub guardrails: Policy,
}

/// What happens in a workflow.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// What its nodes say.
    Nodes(Box<Nodes>),
    /// What a pattern does.
    Pattern(Box<PatternUse>),
}

/// A graph, and what its nodes name.
#[derive(Clone, Debug, PartialEq)]
pub struct Nodes {
    /// The graph, which has been looked at as a whole.
    pub graph: Graph,
    /// By node: the agent that is asked.
    pub asked: BTreeMap<Arc<str>, Asked>,
    /// By node: the workflow that runs.
    pub workflows: BTreeMap<Arc<str>, Workflow>,
}

/// Which agent a node asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its name in the file.
    pub agent: Arc<str>,
    /// Whether its answer is one of the node's choices, with a reason, because it has no shape of its
    /// own.
    pub decides: bool,
}

impl Workflow {
    /// The agent of this name.
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.iter().find(|(known, _)| **known == *name).map(|(_, agent)| agent)
    }

    /// Its agents and those of the workflows in it, each file once.
    pub fn all_agents(&self) -> Vec<&Agent> {
        let mut all: Vec<&Agent> = self.agents.iter().map(|(_, agent)| agent).collect();
        if let Shape::Nodes(nodes) = &self.shape {
            all.extend(nodes.workflows.values().flat_map(Self::all_agents));
        }
        let mut known = Vec::new();
        all.retain(|agent| {
            let is_new = !known.contains(&&agent.file);
            known.push(&agent.file);
            is_new
        });
        all
    }
}

/// Where what a workflow's file names is found.
pub(crate) trait Others {
    /// An agent that is named or written out.
    fn agent(&self, written: Entry, key: &str, report: &mut Report) -> Option<Agent>;
    /// The tools that a workflow describes, and the name of the one that only agents have.
    fn tools(&self, written: &Node, report: &mut Report) -> (Vec<ToolUse>, String);
    /// Another workflow, named at this place.
    fn workflow(&self, named: &Node, key: &str, report: &mut Report) -> Option<Workflow>;
}

/// A workflow; what was wrong is in the report of the fields.
pub(crate) fn read(mut fields: Fields<'_>, file: PathBuf, others: &dyn Others) -> Workflow {
    let name = agent::name(&mut fields);
    let description = fields.get("description", "".into(), value::text).value;
    let source = fields.source().clone();
    let given = fields.take("inputs");
    let state = state::read(fields.section("state"));
    let limits = limits(&mut fields);
    let guardrails = crate::guardrails::read_values(fields.section("guardrails"));
    let terms = terms(fields.section("approvals"));
    let nodes = fields.take("nodes");
    let tools = match fields.take("tools") {
        Some(written) => {
            tools::refuse(&written, fields.report);
            let (made, searches) = others.tools(&written, fields.report);
            tools::of_nodes((made, &written), &searches, fields.report)
        }
        None => Vec::new(),
    };
    let named = pattern::named(&mut fields);
    let parts = pattern::parts(&mut fields, named, others);
    let inputs = match named {
        Ok(Some(pattern)) => {
            if let Some(node) = given {
                let wrong = Wrong::value(format!(
                    "is for `nodes`; `{}` has `{}`",
                    pattern.name, pattern.input.0
                ));
                fields.report.wrong(&node.source, "inputs", wrong);
            }
            vec![(pattern.input.0.into(), pattern.input.1)]
        }
        _ => state::inputs(given, fields.report),
    };
    let shape = match (nodes, named) {
        (Some(nodes), Ok(None)) => {
            let about = nodes::About {
                name: &name,
                inputs: &inputs,
                state,
                limits: &limits.0,
                bounded: limits.1,
                agents: &parts.agents,
                named: &parts.named,
                tools: &tools,
            };
            let nodes = nodes::read(nodes, &about, (&mut fields, others));
            Shape::Nodes(Box::new(nodes))
        }
        (nodes, named) => {
            if matches!(named, Ok(Some(_))) && nodes.is_some() {
                let wrong = Wrong::Value {
                    detail: "a workflow says its `nodes`, or names a `pattern`".to_owned(),
                    advice: Some("Remove one of them".to_owned()),
                };
                fields.report.wrong(&source, "pattern", wrong);
            } else if named == Ok(None) {
                let wrong = Wrong::Value {
                    detail: "a workflow says its `nodes`, or names a `pattern`".to_owned(),
                    advice: Some(pattern::advice()),
                };
                fields.report.wrong(&source, "", wrong);
            }
            state::unused(state, fields.report);
            let acts = matches!(named, Ok(Some(pattern)) if pattern.acts);
            match tools.first() {
                Some(tool) if !acts => {
                    let wrong = Wrong::value("is for `nodes`, and for `structured_chat`");
                    fields.report.wrong(&source, &format!("tools.{}", tool.name), wrong);
                }
                None if acts => {
                    let wrong = Wrong::value("it acts by tools, and there is none: `tools: [..]`");
                    fields.report.wrong(&source, "tools", wrong);
                }
                _ => {}
            }
            for key in ["start", "answer"] {
                if let Some(node) = fields.take(key) {
                    let wrong = Wrong::value("is for `nodes`; a pattern knows it");
                    fields.report.wrong(&node.source, key, wrong);
                }
            }
            Shape::Pattern(Box::new(parts.used))
        }
    };
    fields.finish();
    let folder = crate::locate::folder_of(&file);
    let (agents, limits) = (parts.agents, limits.0);
    Workflow {
        file,
        folder,
        name,
        description,
        agents,
        inputs,
        tools,
        shape,
        limits,
        terms,
        guardrails,
    }
}

/// The limits, and whether the file says how often a node may be visited.
fn limits(fields: &mut Fields<'_>) -> (GraphLimits, bool) {
    let default = GraphLimits::default();
    let budget = fields.get("budget", default.budget, value::or_none(value::money)).value;
    let mut section = fields.section("limits");
    let count = || value::whole(1, 100_000);
    let visits = section.get("max_visits", default.max_visits, count());
    let (max_visits, bounded) = (visits.value, visits.source != Source::Default);
    let max_parallel = section.get("max_parallel", default.max_parallel, count()).value;
    let wall_clock = value::or_none(value::duration);
    let wall_clock = section.get("wall_clock", default.wall_clock, wall_clock).value;
    section.finish();
    (GraphLimits { max_visits, max_parallel, wall_clock, budget }, bounded)
}

fn terms(mut fields: Fields<'_>) -> Terms {
    let default = Terms::default();
    let source = fields.source().clone();
    let terms = Terms {
        approvers: fields.list("approvers", default.approvers.clone(), value::some_text).value,
        quorum: fields.get("quorum", default.quorum, value::whole(1, 1_000)).value,
        expires_after: fields.get("expires_after", default.expires_after, value::duration).value,
        ..default
    };
    if let Some(why) = terms.problem() {
        fields.report.wrong(&source, "approvals", Wrong::value(why));
    }
    fields.finish();
    terms
}

/// One text, or a list of them, with where each stands.
fn names(node: &Node) -> Result<Vec<Node>, Wrong> {
    match &node.value {
        Value::Scalar(_) => Ok(vec![node.clone()]),
        _ => value::items(node),
    }
}

impl Show for Kind {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}
