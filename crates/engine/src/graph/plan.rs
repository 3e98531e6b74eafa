//! A graph that has been looked at: names resolved, edges by node. A run is folded over nothing else,
//! so that a fold never meets a name that it does not know.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::define::{END, Graph, When};
use super::node::{Node, Writes};
use super::state::Reducers;

/// A graph that holds together, with the reducers it names. Made by [`Graph::check`].
#[derive(Clone, Debug)]
pub struct Checked {
    graph: Arc<Graph>,
    reducers: Reducers,
    /// By node: the edges that leave it.
    out: Vec<Vec<usize>>,
    /// By node: the edges that lead to it.
    into: Vec<Vec<usize>>,
    /// By edge: where it leaves and where it leads; `None` for the end of a branch.
    ends: Vec<(usize, Option<usize>)>,
    start: Vec<usize>,
    /// By node: the group that it is watched with, and its place there.
    groups: Vec<Option<(usize, usize)>>,
    /// The key of the answer.
    answer: Option<Arc<str>>,
}

impl Checked {
    /// The graph.
    pub const fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The key whose value is the answer; `None` for the whole state.
    pub const fn answer(&self) -> Option<&Arc<str>> {
        self.answer.as_ref()
    }

    pub(super) const fn reducers(&self) -> &Reducers {
        &self.reducers
    }

    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        self.graph.nodes.get(index)
    }

    pub(super) fn leaving(&self, node: usize) -> &[usize] {
        self.out.get(node).map_or(&[], Vec::as_slice)
    }

    pub(super) fn leading(&self, node: usize) -> &[usize] {
        self.into.get(node).map_or(&[], Vec::as_slice)
    }

    pub(super) fn source(&self, edge: usize) -> Option<usize> {
        self.ends.get(edge).map(|(from, _)| *from)
    }

    pub(super) fn target(&self, edge: usize) -> Option<usize> {
        self.ends.get(edge).and_then(|(_, to)| *to)
    }

    pub(super) fn when(&self, edge: usize) -> Option<&When> {
        self.graph.edges.get(edge).map(|edge| &edge.when)
    }

    /// The group that a node is watched with, and its place there.
    pub(super) fn group_of(&self, node: usize) -> Option<(usize, usize)> {
        self.groups.get(node).copied().flatten()
    }

    /// The node of this name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.graph.nodes.iter().position(|node| &*node.name == name)
    }

    pub(super) fn starts(&self) -> &[usize] {
        &self.start
    }

    /// The nodes that can be reached from some, these included, by edges that `may` be taken.
    pub(super) fn reached(
        &self,
        from: impl IntoIterator<Item = usize>,
        may: impl Fn(usize) -> bool,
    ) -> Vec<bool> {
        let mut reached = vec![false; self.graph.nodes.len()];
        let mut queue: VecDeque<usize> = from.into_iter().collect();
        while let Some(node) = queue.pop_front() {
            match reached.get_mut(node) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let next = self.leaving(node).iter().filter(|edge| may(**edge));
            queue.extend(next.filter_map(|edge| self.target(*edge)));
        }
        reached
    }

    /// Resolves names; edges and starts that name nothing are left out, and have been reported.
    pub(super) fn of(graph: Graph, reducers: Reducers) -> Self {
        let mut index: HashMap<&str, usize> = HashMap::new();
        for (at, node) in graph.nodes.iter().enumerate() {
            index.entry(&node.name).or_insert(at);
        }
        let count = graph.nodes.len();
        let (mut out, mut into) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        let mut ends = Vec::with_capacity(graph.edges.len());
        for (at, edge) in graph.edges.iter().enumerate() {
            let from = index.get(&*edge.from).copied();
            let to = index.get(&*edge.to).copied();
            ends.push((from.unwrap_or(usize::MAX), to));
            if from.is_none() || (to.is_none() && &*edge.to != END) {
                continue;
            }
            if let Some(out) = from.and_then(|from| out.get_mut(from)) {
                out.push(at);
            }
            if let Some(into) = to.and_then(|to| into.get_mut(to)) {
                into.push(at);
            }
        }
        let named = graph.start.iter().filter_map(|name| index.get(&**name).copied());
        let mut start: Vec<usize> = named.collect();
        if graph.start.is_empty() {
            let free = into.iter().enumerate().filter(|(_, edges)| edges.is_empty());
            start = free.map(|(node, _)| node).collect();
        }
        let mut groups = vec![None; count];
        for (group, watched) in graph.supervised.iter().enumerate() {
            for (place, name) in watched.nodes.iter().enumerate() {
                if let Some(node) = index.get(&**name).and_then(|node| groups.get_mut(*node)) {
                    *node = Some((group, place));
                }
            }
        }
        let answer = answer(&graph, &out, &ends);
        Self { graph: Arc::new(graph), reducers, out, into, ends, start, groups, answer }
    }
}

/// The key of the answer: the stated one, else the only one that the only last node writes.
fn answer(graph: &Graph, out: &[Vec<usize>], ends: &[(usize, Option<usize>)]) -> Option<Arc<str>> {
    if graph.output.is_some() {
        return graph.output.clone();
    }
    let leads_on = |edges: &Vec<usize>| {
        edges.iter().any(|edge| ends.get(*edge).is_some_and(|(_, to)| to.is_some()))
    };
    let mut last = graph.nodes.iter().zip(out).filter(|(_, edges)| !leads_on(edges));
    match (last.next(), last.next()) {
        (Some((node, _)), None) => match &node.writes {
            Writes::Key(key) => Some(Arc::clone(key)),
            _ => None,
        },
        _ => None,
    }
}
