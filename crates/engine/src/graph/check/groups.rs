//! Whether nodes that are watched together can begin again without anything being lost or done twice
//! in silence.

use std::collections::BTreeSet;

use super::Problems;
use crate::graph::define::{Graph, When};
use crate::graph::node::{Join, Node, Work};
use crate::graph::supervise::{Restarts, Supervision};

pub(super) fn look(graph: &Graph, problems: &mut Problems) {
    let mut known = BTreeSet::new();
    for group in &graph.supervised {
        if group.nodes.is_empty() {
            problems.of_graph("nodes are to be watched together, and none is named");
        }
        for name in &group.nodes {
            let Some(node) = graph.find(name) else {
                problems.of_graph(format!("`{name}` is to be watched, and there is no such node"));
                continue;
            };
            if !known.insert(name) {
                problems.of(node, "it is watched twice");
            }
            member(node, problems);
            if group.restarts != Restarts::OneForOne {
                together(graph, (group, node), problems);
            }
        }
    }
}

fn member(node: &Node, problems: &mut Problems) {
    let begins =
        matches!(node.work, Work::Agent { .. } | Work::Function { .. } | Work::Graph { .. });
    if !begins || node.map.is_some() {
        problems.of(node, "it is watched, and only one agent, function or workflow can be");
    }
    if !node.work.is_idempotent() {
        problems.of(
            node,
            "it is watched, and would be called again although it has side effects: let it hand \
             its key on and say that it may be called again",
        );
    }
}

/// Those that begin again although they were done have done nothing yet that others went on with.
fn together(graph: &Graph, (group, node): (&Supervision, &Node), problems: &mut Problems) {
    if node.writes.keys().iter().any(|key| graph.channels.contains_key(key)) {
        problems
            .of(node, "it may begin again when it is done, and what it wrote would stand twice");
    }
    let target = |name: &str| {
        let mut to = graph.edges.iter().filter(move |edge| &*edge.from == name);
        (to.next(), to.next())
    };
    let leads = |name: &str| match target(name) {
        (None, _) => Some(None),
        (Some(edge), None) if edge.when == When::Always => Some(Some(&edge.to)),
        _ => None,
    };
    let to = leads(&node.name);
    let first = group.nodes.first().and_then(|first| leads(first));
    let waits =
        |to: &str| graph.find(to).is_none_or(|node| matches!(node.join, Join::All | Join::Every));
    if to.is_none() || to != first || to.flatten().is_some_and(|to| !waits(to)) {
        problems.of(
            node,
            "it may begin again when it is done: all that are watched with it must lead to one node \
             and no other, which waits for all of them",
        );
    }
}
