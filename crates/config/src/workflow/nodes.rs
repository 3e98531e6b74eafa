//! `nodes`: the graph. Each node says what happens there and what follows; names are looked up where
//! they stand, so that whatever is wrong has its line.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_engine::graph::{
    END, Graph, GraphLimits, Join, Map, Node as GraphNode, Retry, Work, Writes,
};

use super::edges::{self, Then};
use super::kinds::Kind;
use super::listen;
use super::state::Channel;
use super::work::{self, Done};
use super::{Asked, Nodes, Others, look, names, undo, watch};
use crate::agent::Agent;
use crate::node::{Kind as Written, Node, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::{Fields, Report};
use crate::show::Show;
use crate::tools::ToolUse;
use crate::value;

/// What the rest of the file says that nodes need.
pub(super) struct About<'a> {
    pub(super) name: &'a Arc<str>,
    pub(super) inputs: &'a [(Arc<str>, Kind)],
    pub(super) state: Vec<Channel>,
    pub(super) limits: &'a GraphLimits,
    /// Whether the file says how often a node may be visited.
    pub(super) bounded: bool,
    pub(super) agents: &'a [(Arc<str>, Agent)],
    /// The names of all agents, those that cannot be read included.
    pub(super) named: &'a [Arc<str>],
    /// The tools that nodes may call.
    pub(super) tools: &'a [ToolUse],
}

/// A node as it is written.
pub(super) struct Draft {
    pub(super) node: GraphNode,
    pub(super) source: Source,
    pub(super) done: Done,
}

/// Reads the graph and looks at it as a whole.
pub(super) fn read(
    node: Node,
    about: &About<'_>,
    (fields, others): (&mut Fields<'_>, &dyn Others),
) -> Nodes {
    let start = start(fields);
    let answer = fields.optional("answer", super::state::key);
    let acyclic = fields.get("acyclic", false, value::boolean).value;
    let path = fields.key("nodes");
    let source = node.source.clone();
    let keys = match &node.value {
        Value::Map(entries) => entries.iter().map(|entry| entry.key.as_str().into()).collect(),
        _ => Vec::new(),
    };
    let mut known: Vec<Arc<str>> = keys;
    let supervised = watch::groups(fields, &known);
    let (entries, report) = Fields::of(node, &path, fields.report).rest();
    let before = report.problems.len();
    let words = listen::words(entries.iter().map(|entry| &entry.node));
    let (mut drafts, mut written) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = format!("{path}.{}", entry.key);
        listen::reserved(&entry.key, &entry.source, report);
        let fields = Fields::of(entry.node, &at, report);
        let heard = words.get(&*entry.key).map(Vec::as_slice).unwrap_or_default();
        let (made, edges) = draft((&entry.key, entry.source), fields, (about, others, heard));
        known.extend(made.iter().skip(1).map(|draft| Arc::clone(&draft.node.name)));
        drafts.extend(made);
        written.extend(edges);
    }
    named(&written, &known, report);
    if drafts.is_empty() {
        report.wrong(&source, &path, Wrong::value("there is no node"));
    }
    let whole = report.problems.len() == before;
    let mut graph = Graph::new(Arc::clone(about.name));
    graph.inputs = about.inputs.iter().map(|(key, _)| Arc::clone(key)).collect();
    let channels = about.state.iter();
    graph.channels = channels
        .filter_map(|channel| Some((Arc::clone(&channel.key), channel.reduce.clone()?)))
        .collect();
    graph.nodes = drafts.iter().map(|draft| draft.node.clone()).collect();
    graph.edges = written.iter().map(|written| written.edge.clone()).collect();
    graph.start = start.iter().map(|(name, _)| Arc::clone(name)).collect();
    graph.output = answer;
    graph.acyclic = acyclic;
    graph.limits = about.limits.clone();
    graph.supervised = supervised;
    for (name, at) in start.iter().filter(|(name, _)| !known.contains(name)) {
        let wrong = Wrong::unknown_name("node", name, known.iter().map(|name| &**name));
        report.wrong(at, "start", wrong);
    }
    // What follows looks along edges, and they must lead somewhere first.
    if whole {
        look::whole(&graph, &drafts, (about, &source), report);
    }
    let mut nodes = Nodes { graph, asked: BTreeMap::new(), workflows: BTreeMap::new() };
    for Draft { node, done, .. } in drafts {
        if let Some(asked) = done.asked {
            let decides = node.choose.as_deref() == Some(DECISION);
            nodes.asked.insert(Arc::clone(&node.name), Asked { decides, ..asked });
        }
        if let Some(workflow) = done.workflow {
            nodes.workflows.insert(node.name, workflow);
        }
    }
    nodes
}

/// Where an agent's choice stands that has no answers of its own shape.
const DECISION: &str = "/choice";

fn start(fields: &mut Fields<'_>) -> Vec<(Arc<str>, Source)> {
    let path = fields.key("start");
    let Some(node) = fields.take("start") else { return Vec::new() };
    let read = names(&node).and_then(|items| {
        items.iter().map(|item| Ok((value::some_text(item)?, item.source.clone()))).collect()
    });
    match read {
        Ok(start) => {
            let start: Vec<(Arc<str>, Source)> = start;
            let shown: Vec<Arc<str>> = start.iter().map(|(name, _)| Arc::clone(name)).collect();
            fields.report.origin(&path, shown.show(), &node.source);
            start
        }
        Err(wrong) => {
            fields.report.wrong(&node.source, &path, wrong);
            Vec::new()
        }
    }
}

/// Says which names of edges are no nodes.
fn named(written: &[edges::Written], known: &[Arc<str>], report: &mut Report) {
    for edge in written {
        let leads_to_end = edges::is_end(&edge.name) && *edge.edge.to == *edge.name;
        if known.contains(&edge.name) || leads_to_end {
            continue;
        }
        let from = &edge.edge.from;
        let words = known.iter().map(|name| &**name).chain([END]);
        let wrong = Wrong::unknown_name("node", &edge.name, words);
        report.wrong(&edge.source, &format!("nodes.{from}"), wrong);
    }
}

/// The node, those at which what it listens to meets, and what leads to and from them.
fn draft(
    (name, source): (&str, Source),
    mut fields: Fields<'_>,
    (about, others, heard): (&About<'_>, &dyn Others, &[Arc<str>]),
) -> (Vec<Draft>, Vec<edges::Written>) {
    let name: Arc<str> = name.into();
    let done = work::read(&mut fields, about, others);
    let mut node = GraphNode::new(Arc::clone(&name), done.work.clone());
    let mut edges = if done.cases.is_empty() {
        let then = edges::then(&mut fields).heard(heard);
        node.choices = then.choices();
        choice(&mut fields, &mut node, (&done, about, &then));
        then.edges(&name)
    } else {
        cases(&mut node, &done)
    };
    let listened = listen::after(&mut fields, &name);
    edges.extend(listened.edges);
    let join = fields.get("join", Join::default(), value::choice(JOINS));
    node.join = listen::join(&mut fields, listened.join, join.value, &join.source);
    let over = fields.optional("over", super::state::key);
    let max_parallel = fields.optional("max_parallel", value::whole(1, 100_000));
    node.map = over.map(|over| Map { over, max_parallel });
    if node.map.is_none() && max_parallel.is_some() {
        let (at, key) = (fields.source().clone(), fields.key("max_parallel"));
        fields.report.wrong(&at, &key, Wrong::value("is for nodes with `over`"));
    }
    if let Some(writes) = writes(&mut fields) {
        node.writes = writes;
    }
    node.retry = retry(&mut fields);
    node.timeout = fields.optional("timeout", value::duration);
    node.on_failure = edges::on_failure(&mut fields, &name, &mut edges);
    node.approval = fields.optional("approval", value::some_text);
    node.undo = undo::read(&mut fields, about);
    fields.finish();
    let meets = listened.meets.into_iter().map(|(node, source)| {
        let done = Done::of(Work::Pass);
        Draft { node, source, done }
    });
    (std::iter::once(Draft { node, source, done }).chain(meets).collect(), edges)
}

/// The choices and edges of a node at which the state decides.
fn cases(node: &mut GraphNode, done: &Done) -> Vec<edges::Written> {
    let mut edges: Vec<edges::Written> = Vec::new();
    for case in &done.cases {
        if node.choices.contains(&case.case.choice) {
            continue;
        }
        node.choices.push(Arc::clone(&case.case.choice));
        let edge =
            largestack_engine::graph::Edge::new(Arc::clone(&node.name), Arc::clone(&case.to.to));
        edges.push(edges::Written {
            edge: edge.on(Arc::clone(&case.case.choice)),
            source: case.to.source.clone(),
            name: Arc::clone(&case.to.to),
        });
    }
    edges
}

/// `choose`: where in the node's output its choice stands.
fn choice(
    fields: &mut Fields<'_>,
    node: &mut GraphNode,
    (done, about, then): (&Done, &About<'_>, &Then),
) {
    let (at, key) = (fields.source().clone(), fields.key("choose"));
    let place = fields.optional("choose", place);
    if !then.chooses() {
        if place.is_some() {
            let wrong = Wrong::Value {
                detail: "there is nothing to choose".to_owned(),
                advice: Some("Say what follows each choice: `then: {WORD: NODE}`".to_owned()),
            };
            fields.report.wrong(&at, &key, wrong);
        }
        return;
    }
    let shape = |name: &Arc<str>| about.agents.iter().find(|(known, _)| known == name);
    node.choose = match (&node.work, place, &done.asked) {
        (_, Some(place), Some(of)) => {
            if shape(&of.agent).is_some_and(|(_, agent)| agent.output.is_none()) {
                let wrong = Wrong::Value {
                    detail: format!(
                        "`{}` has answers of no shape, so nothing stands there",
                        of.agent
                    ),
                    advice: Some("Leave it out: the agent is then made to choose".to_owned()),
                };
                fields.report.wrong(&at, &key, wrong);
            }
            Some(place)
        }
        (_, Some(place), None) => Some(place),
        (Work::Question { .. }, None, _) => None,
        (_, None, Some(asked)) => {
            let agent = about.agents.iter().find(|(name, _)| *name == asked.agent);
            if agent.is_some_and(|(_, agent)| agent.output.is_some()) {
                fields.report.wrong(&at, &key, Wrong::Missing);
            }
            Some(DECISION.into())
        }
        (Work::Pass | Work::Sleep { .. }, None, _) => {
            let wrong = Wrong::Value {
                detail: "nothing is chosen there".to_owned(),
                advice: Some("Name one node or several, or decide with `switch`".to_owned()),
            };
            let key = fields.key("then");
            fields.report.wrong(&at, &key, wrong);
            None
        }
        (_, None, None) => {
            fields.report.wrong(&at, &key, Wrong::Missing);
            None
        }
    };
}

/// A place in an output, `verdict` or `review.verdict`, as a JSON pointer.
fn place(node: &Node) -> Result<Arc<str>, Wrong> {
    let path = value::some_text(node)?;
    if path.starts_with('/') {
        return Ok(path);
    }
    let levels: Vec<String> =
        path.split('.').map(|level| level.replace('~', "~0").replace('/', "~1")).collect();
    Ok(format!("/{}", levels.join("/")).into())
}

const JOINS: &[(&str, Join)] =
    &[("all", Join::All), ("every", Join::Every), ("any", Join::Any), ("first", Join::First)];

impl Show for Join {
    fn show(&self) -> String {
        JOINS.iter().find(|(_, join)| join == self).map_or("", |(name, _)| name).to_owned()
    }
}

/// `writes`: a key, several, or `none`.
fn writes(fields: &mut Fields<'_>) -> Option<Writes> {
    let path = fields.key("writes");
    let node = fields.take("writes")?;
    let read = match &node.value {
        Value::Scalar(scalar) if scalar.text == "none" && scalar.kind == Written::Plain => {
            Ok(Writes::Nothing)
        }
        Value::Scalar(_) => super::state::key(&node).map(Writes::Key),
        _ => value::items(&node).and_then(|items| {
            let keys: Result<Vec<_>, Wrong> = items.iter().map(super::state::key).collect();
            keys.map(Writes::Keys)
        }),
    };
    match read {
        Ok(writes) => {
            let shown = match &writes {
                Writes::Nothing => "none".to_owned(),
                Writes::Key(key) => key.to_string(),
                Writes::Keys(keys) => keys.show(),
            };
            fields.report.origin(&path, shown, &node.source);
            Some(writes)
        }
        Err(wrong) => {
            fields.report.wrong(&node.source, &path, wrong);
            None
        }
    }
}

/// `retry`: how many tries, or more than that.
pub(super) fn retry(fields: &mut Fields<'_>) -> Retry {
    let default = Retry::default();
    let path = fields.key("retry");
    let tries = || value::whole(1, 1_000);
    let Some(node) = fields.take("retry") else { return default };
    if matches!(node.value, Value::Scalar(_)) {
        return match tries()(&node) {
            Ok(tries) => Retry { tries, ..default },
            Err(wrong) => {
                fields.report.wrong(&node.source, &path, wrong);
                default
            }
        };
    }
    let mut group = Fields::of(node, &path, fields.report);
    let retry = Retry {
        tries: group.get("tries", 2, tries()).value,
        pause: group.get("pause", default.pause, value::duration).value,
        whatever: group.get("whatever", default.whatever, value::boolean).value,
    };
    group.finish();
    retry
}
