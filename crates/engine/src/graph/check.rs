//! Whether a graph holds together: looked at as a whole before anything runs, with every problem
//! said at once and by the node that has it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use largestack_types::error::{Code, Coded};

use super::define::{END, Graph, When};
use super::expression::Expression;
use super::node::{Node, OnFailure, Retry, Work, Writes};
use super::plan::Checked;
use super::state::{Reducer, Reducers};
use super::template::{ITEM, Template};

mod groups;
mod paths;

/// Something that is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The node that has it; `None` where it is the graph's.
    pub node: Option<Arc<str>>,
    /// What it is, and what to do.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "node `{node}`: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// A graph that cannot be run, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The graph.
    pub graph: Arc<str>,
    /// In the order in which they were found.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        write!(f, "the workflow `{}` cannot run: {}", self.graph, said.join("; "))
    }
}

impl std::error::Error for Invalid {}

impl Coded for Invalid {
    fn code(&self) -> Code {
        Code::Config
    }

    fn message(&self) -> String {
        self.to_string()
    }
}

/// The problems so far.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn of_graph(&mut self, why: impl Into<String>) {
        self.0.push(Problem { node: None, why: why.into() });
    }

    pub(super) fn of(&mut self, node: &Node, why: impl Into<String>) {
        self.0.push(Problem { node: Some(Arc::clone(&node.name)), why: why.into() });
    }
}

impl Graph {
    /// Looks at it as a whole.
    pub fn check(self, reducers: Reducers) -> Result<Checked, Invalid> {
        let mut problems = Problems::default();
        let plan = Checked::of(self, reducers);
        names(plan.graph(), &mut problems);
        for node in &plan.graph().nodes {
            settings(node, &mut problems);
            choices(plan.graph(), node, &mut problems);
            failures(plan.graph(), node, &mut problems);
        }
        channels(&plan, &mut problems);
        groups::look(plan.graph(), &mut problems);
        // What follows looks along edges, and they must lead somewhere first.
        if problems.0.is_empty() {
            paths::look(&plan, &mut problems);
        }
        let graph = Arc::clone(&plan.graph().name);
        let problems = problems.0;
        if problems.is_empty() { Ok(plan) } else { Err(Invalid { graph, problems }) }
    }
}

fn names(graph: &Graph, problems: &mut Problems) {
    if graph.nodes.is_empty() {
        problems.of_graph("there is no node");
    }
    let mut known = BTreeSet::new();
    for node in &graph.nodes {
        if !is_name(&node.name) {
            problems.of(node, "a name is made of letters, digits, `-` and `_`");
        }
        if &*node.name == END {
            problems.of(node, "`end` is where branches end, and no node's name");
        }
        if !known.insert(&node.name) {
            problems.of(node, "there are two of this name");
        }
    }
    for edge in &graph.edges {
        let unknown = |name: &str| graph.find(name).is_none();
        if unknown(&edge.from) {
            let hint = nearest(graph, &edge.from);
            problems.of_graph(format!(
                "an edge leaves `{}`, and there is no such node{hint}",
                edge.from
            ));
        }
        if unknown(&edge.to) && &*edge.to != END {
            let hint = nearest(graph, &edge.to);
            let why = format!("an edge leads from here to `{}`, which is no node{hint}", edge.to);
            match graph.find(&edge.from) {
                Some(node) => problems.of(node, why),
                None => problems.of_graph(why),
            }
        }
    }
    for name in graph.start.iter().filter(|name| graph.find(name).is_none()) {
        let hint = nearest(graph, name);
        problems.of_graph(format!("it starts at `{name}`, and there is no such node{hint}"));
    }
}

/// A name that may have been meant.
fn nearest(graph: &Graph, name: &str) -> String {
    let wanted = name.to_lowercase();
    let near = |other: &str| {
        let other = other.to_lowercase();
        other == wanted || other.starts_with(&wanted) || wanted.starts_with(&other)
    };
    match graph.nodes.iter().find(|node| near(&node.name)) {
        Some(node) => format!(" (did you mean `{}`?)", node.name),
        None => String::new(),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

/// Of a node at which nothing is done that could take too long or be tried again.
const WAITS: &str = "this node only waits: leave it out";

fn settings(node: &Node, problems: &mut Problems) {
    if node.retry.tries == 0 {
        problems.of(node, "`tries` must be at least 1: the first one counts");
    }
    if node.timeout.is_some_and(|timeout| timeout.is_zero()) {
        problems.of(node, "a timeout must be longer than nothing");
    }
    if matches!(node.work, Work::Question { .. } | Work::Event { .. } | Work::Sleep { .. }) {
        let kind = node.work.name();
        if node.timeout.is_some() {
            problems.of(node, format!("`timeout` is for work that is done, and {WAITS} ({kind})"));
        }
        if node.retry != Retry::default() && node.retry.tries > 0 {
            problems.of(node, format!("`retry` is for work that is done, and {WAITS} ({kind})"));
        }
    }
    if node.undo.as_ref().is_some_and(|undo| undo.retry.tries == 0) {
        problems.of(node, "`tries` of what undoes it must be at least 1");
    }
    if let Some(map) = &node.map {
        if map.max_parallel == Some(0) {
            problems.of(node, "`max_parallel` must be at least 1");
        }
        if !node.choices.is_empty() {
            problems.of(node, "it works on each element of a list, so there is no one choice");
        }
        if matches!(node.writes, Writes::Keys(_)) {
            problems.of(node, "it works on each element of a list, so it writes one key or none");
        }
        if matches!(node.on_failure, OnFailure::Route | OnFailure::EndBranch) {
            problems.of(node, "of an element, a failure can only fail the run or be skipped");
        }
        if matches!(node.work, Work::Pass) {
            problems.of(node, "it does nothing, so there is nothing to do for each element");
        }
    }
    if let Work::Switch { cases } = &node.work {
        if cases.last().is_none_or(|last| !last.when.is_empty()) {
            problems.of(node, "its last case has to hold always, so that there is a way on");
        }
        if let Some(case) = cases.iter().find(|case| !node.choices.contains(&case.choice)) {
            problems.of(node, format!("a case chooses `{}`, which is no choice", case.choice));
        }
    }
}

fn choices(graph: &Graph, node: &Node, problems: &mut Problems) {
    let mut known = BTreeSet::new();
    for choice in &node.choices {
        if choice.is_empty() || !known.insert(choice) {
            problems.of(node, format!("the choice `{choice}` has no name or stands twice"));
        }
    }
    let edges = || graph.edges.iter().filter(|edge| edge.from == node.name);
    let led: BTreeSet<&Arc<str>> = edges()
        .filter_map(|edge| match &edge.when {
            When::Choice(choice) => Some(choice),
            _ => None,
        })
        .collect();
    let always = edges().any(|edge| edge.when == When::Always);
    for choice in node.choices.iter().filter(|choice| !always && !led.contains(choice)) {
        problems.of(
            node,
            format!("no edge says what follows the choice `{choice}`: add one, if only to `{END}`"),
        );
    }
    for choice in led.iter().filter(|choice| !known.contains(**choice)) {
        let why = if node.choices.is_empty() {
            "the node chooses nothing".to_owned()
        } else {
            format!("it can choose {}", listed(&node.choices))
        };
        problems.of(node, format!("an edge leaves on the choice `{choice}`, and {why}"));
    }
    if node.choices.is_empty() {
        if node.choose.is_some() {
            problems.of(node, "it says where its choice stands, and there are no choices");
        }
        return;
    }
    if matches!(node.work, Work::Pass | Work::Sleep { .. }) {
        problems.of(node, "it has choices, and nothing that could choose");
    }
    let says = node.choose.as_ref();
    if says.is_some_and(|place| !place.is_empty() && !place.starts_with('/')) {
        problems.of(node, "the place of the choice is a JSON pointer and begins with `/`");
    }
    let decides =
        matches!(node.work, Work::Function { .. } | Work::Question { .. } | Work::Switch { .. });
    if says.is_none() && !decides {
        problems.of(node, "it has choices, and does not say where in its output the choice stands");
    }
}

fn failures(graph: &Graph, node: &Node, problems: &mut Problems) {
    let mut edges = graph.edges.iter().filter(|edge| edge.from == node.name);
    let routed = edges.any(|edge| edge.when == When::Failed);
    match (node.on_failure, routed) {
        (OnFailure::Route, false) => {
            problems.of(node, "its failures are to take an edge, and none leaves on failure");
        }
        (OnFailure::Fail | OnFailure::Skip | OnFailure::EndBranch, true) => problems
            .of(node, "an edge leaves on failure, and its failures are not to take it (`route`)"),
        _ => {}
    }
    if node.on_failure == OnFailure::Skip && !node.choices.is_empty() {
        problems
            .of(node, "it cannot be skipped, because nobody else makes its choice: use `route`");
    }
}

fn channels(plan: &Checked, problems: &mut Problems) {
    let graph = plan.graph();
    let written = |key: &Arc<str>| graph.nodes.iter().any(|node| node.writes.keys().contains(key));
    for (key, reducer) in &graph.channels {
        if let Reducer::Custom(name) = reducer
            && !plan.reducers().knows(name)
        {
            problems.of_graph(format!("`{key}` is brought together by `{name}`, which is missing"));
        }
        if !written(key) && !graph.inputs.contains(key) {
            problems.of_graph(format!("there is a rule for `{key}`, and nobody writes it"));
        }
    }
    for node in &graph.nodes {
        for key in node.writes.keys() {
            let reducer = graph.channels.get(key);
            if !is_name(key) {
                problems.of(node, format!("`{key}` cannot be a key: letters, digits, `-`, `_`"));
            }
            if node.map.is_some() && matches!(reducer, Some(Reducer::Add | Reducer::Merge)) {
                problems.of(node, format!("it writes a list to `{key}`, which takes none"));
            }
        }
    }
    if let Some(key) = graph.output.as_ref().filter(|key| !written(key))
        && !graph.inputs.contains(key)
    {
        problems.of_graph(format!("the answer is `{key}`, and nobody writes it"));
    }
}

/// The keys that a node reads by name, with what reads them.
pub(super) fn reads(node: &Node) -> Vec<(String, &'static str)> {
    let mut reads: Vec<(String, &'static str)> = Vec::new();
    match &node.work {
        Work::Agent { prompt, .. } => {
            reads.extend(roots(prompt).map(|key| (key.to_owned(), "its prompt")));
        }
        Work::Question { question } => {
            reads.extend(roots(question).map(|key| (key.to_owned(), "its question")));
        }
        Work::Graph { inputs, .. } => {
            reads.extend(inputs.iter().map(|(_, ours)| (ours.to_string(), "one of its inputs")));
        }
        Work::Set { value } => {
            reads.extend(value.paths().iter().map(|path| (root(path).to_owned(), "its value")));
        }
        Work::Switch { cases } => {
            let tests = cases.iter().flat_map(|case| &case.when);
            reads.extend(tests.map(|(path, _)| (root(path).to_owned(), "one of its cases")));
        }
        Work::Function { with: Some(with), .. } => {
            reads.extend(with.paths().iter().map(|path| (root(path).to_owned(), "its arguments")));
        }
        _ => {}
    }
    // What undoes a node reads what the node wrote, too.
    let undoing = node.undo.iter().filter_map(|undo| undo.with.as_ref());
    let undoing = undoing.flat_map(Expression::paths);
    let others = undoing.map(|path| (root(&path).to_owned(), "what undoes it"));
    reads.extend(others.filter(|(key, _)| !node.writes.keys().iter().any(|own| **own == **key)));
    if node.map.is_some() {
        reads.retain(|(key, _)| key != ITEM);
    }
    if let Some(map) = &node.map {
        reads.push((map.over.to_string(), "its list"));
    }
    reads
}

fn roots(template: &Template) -> impl Iterator<Item = &str> {
    template.paths().map(root)
}

/// The key that a path begins with.
fn root(path: &str) -> &str {
    path.split_once('.').map_or(path, |(root, _)| root)
}

/// Names, for a message.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a Arc<str>>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
