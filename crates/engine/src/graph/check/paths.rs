//! What can be seen only along the edges: nodes that nothing reaches, cycles, joins that can never
//! come together, keys that are read before anybody writes them, writes that get lost.

use super::{Problems, listed, reads};
use crate::graph::define::When;
use crate::graph::node::{Join, OnFailure};
use crate::graph::plan::Checked;

/// Looks along the edges of a graph whose names are in order.
pub(super) fn look(plan: &Checked, problems: &mut Problems) {
    if plan.starts().is_empty() {
        problems.of_graph(
            "there is nowhere to begin: every node has an edge that leads to it (say where it starts)",
        );
        return;
    }
    let reached = plan.reached(plan.starts().iter().copied(), |_| true);
    let mut whole = true;
    for (node, _) in plan.graph().nodes.iter().zip(&reached).filter(|(_, reached)| !**reached) {
        whole = false;
        problems.of(node, "nothing leads here from where it begins");
    }
    let cycle = cycle(plan);
    if let Some(cycle) = cycle.as_ref().filter(|_| plan.graph().acyclic) {
        let names = cycle.iter().filter_map(|at| plan.node(*at)).map(|node| &*node.name);
        let path: Vec<&str> = names.collect();
        problems.of_graph(format!("there is a cycle where none may be: {}", path.join(" -> ")));
    }
    if !whole || (cycle.is_some() && plan.graph().acyclic) {
        return;
    }
    let below = Below::of(plan);
    keys(plan, &below, problems);
    let apart = Apart::of(plan, cycle.is_none());
    joins(plan, &apart, problems);
    lost(plan, (&below, &apart), problems);
}

/// A path that comes back to where it began, that node at both ends.
fn cycle(plan: &Checked) -> Option<Vec<usize>> {
    // 0: not seen, 1: on the path, 2: done.
    let mut seen = vec![0_u8; plan.graph().nodes.len()];
    for start in 0..seen.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        if seen.get(start).copied() != Some(0) {
            continue;
        }
        mark(&mut seen, start, 1);
        while let Some((node, at)) = path.pop() {
            let Some(edge) = plan.leaving(node).get(at) else {
                mark(&mut seen, node, 2);
                continue;
            };
            path.push((node, at + 1));
            let Some(next) = plan.target(*edge) else { continue };
            match seen.get(next).copied() {
                Some(0) => {
                    mark(&mut seen, next, 1);
                    path.push((next, 0));
                }
                Some(1) => {
                    let nodes = path.iter().map(|(node, _)| *node);
                    let round = nodes.skip_while(|node| *node != next);
                    return Some(round.chain([next]).collect());
                }
                _ => {}
            }
        }
    }
    None
}

fn mark(seen: &mut [u8], node: usize, as_what: u8) {
    if let Some(seen) = seen.get_mut(node) {
        *seen = as_what;
    }
}

/// By node: which nodes can come after it. Made only for those that are asked about.
struct Below<'p> {
    plan: &'p Checked,
}

impl<'p> Below<'p> {
    const fn of(plan: &'p Checked) -> Self {
        Self { plan }
    }

    /// The nodes that can come after this one; itself only where it can come again.
    fn after(&self, node: usize) -> Vec<bool> {
        let next = self.plan.leaving(node).iter().filter_map(|edge| self.plan.target(*edge));
        self.plan.reached(next, |_| true)
    }
}

/// Every key that a node reads is an input, or some node may have written it before.
fn keys(plan: &Checked, below: &Below<'_>, problems: &mut Problems) {
    let graph = plan.graph();
    for (at, node) in graph.nodes.iter().enumerate() {
        for (key, by) in reads(node) {
            if graph.inputs.iter().any(|input| **input == *key) {
                continue;
            }
            let wrote = |other: &usize| {
                let before = plan.node(*other);
                let writes =
                    before.is_some_and(|node| node.writes.keys().iter().any(|k| **k == *key));
                writes && below.after(*other).get(at) == Some(&true)
            };
            if !(0..graph.nodes.len()).any(|other| wrote(&other)) {
                let known = listed(&graph.inputs);
                let given = if known.is_empty() { "nothing".to_owned() } else { known };
                problems.of(
                    node,
                    format!(
                        "{by} reads `{key}`, which no node before it writes (it is given {given})"
                    ),
                );
            }
        }
    }
}

/// One way in which a node can be left where there are others.
struct Way<'p> {
    /// The node, and whether it is about its failure or about its choice.
    of: (usize, bool),
    word: &'p str,
}

/// By edge: the ways of leaving nodes without which it is never taken.
struct Apart<'p> {
    plan: &'p Checked,
    needs: Vec<Vec<((usize, bool), &'p str)>>,
}

impl<'p> Apart<'p> {
    fn of(plan: &'p Checked, acyclic: bool) -> Self {
        let mut apart = Self { plan, needs: vec![Vec::new(); plan.graph().edges.len()] };
        // In a loop one choice may follow another: nothing is apart.
        for (at, node) in plan.graph().nodes.iter().enumerate().filter(|_| acyclic) {
            let always = plan.leaving(at).iter().any(|e| plan.when(*e) == Some(&When::Always));
            for choice in node.choices.iter().filter(|_| !always) {
                apart.without(
                    &Way { of: (at, false), word: choice },
                    |when| matches!(when, When::Choice(c) if c == choice),
                );
            }
            if node.on_failure == OnFailure::Route {
                let failed = |when: &When| *when == When::Failed;
                apart.without(&Way { of: (at, true), word: "fail" }, failed);
                apart.without(&Way { of: (at, true), word: "succeed" }, |when| !failed(when));
            }
        }
        apart
    }

    /// Notes which edges need this way.
    fn without(&mut self, way: &Way<'p>, is_it: impl Fn(&When) -> bool) {
        let plan = self.plan;
        let of_it = |edge: usize| {
            plan.source(edge) == Some(way.of.0) && plan.when(edge).is_some_and(&is_it)
        };
        let without = plan.reached(plan.starts().iter().copied(), |edge| !of_it(edge));
        for (edge, needs) in self.needs.iter_mut().enumerate() {
            let from = plan.source(edge).unwrap_or(usize::MAX);
            if of_it(edge) || without.get(from) == Some(&false) {
                needs.push((way.of, way.word));
            }
        }
    }

    /// Why two edges can never both be taken: the node, and what it would have to do for each.
    fn edges(&self, one: usize, other: usize) -> Option<(usize, &'p str, &'p str)> {
        let (one, other) = (self.needs.get(one)?, self.needs.get(other)?);
        one.iter().find_map(|(of, word)| {
            let against = other.iter().find(|(at, other)| at == of && other != word);
            against.map(|(_, other)| (of.0, *word, *other))
        })
    }

    /// Whether two nodes can never both be visited.
    fn nodes(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.plan.leading(one), self.plan.leading(other));
        !one.is_empty()
            && !other.is_empty()
            && one.iter().all(|one| other.iter().all(|other| self.edges(*one, *other).is_some()))
    }
}

/// A join that needs every edge needs no two that exclude each other.
fn joins(plan: &Checked, apart: &Apart<'_>, problems: &mut Problems) {
    for (at, node) in plan.graph().nodes.iter().enumerate() {
        if node.join != Join::Every {
            continue;
        }
        let into = plan.leading(at);
        let pairs = into.iter().enumerate();
        let mut pairs =
            pairs.flat_map(|(n, one)| into.iter().skip(n + 1).map(move |other| (*one, *other)));
        let excluded = pairs.find_map(|(one, other)| apart.edges(one, other));
        if let Some((chooser, one, other)) = excluded {
            let chooser = plan.node(chooser).map_or("", |node| &*node.name);
            problems.of(
                node,
                format!(
                    "it waits for every edge, and one needs `{chooser}` to say `{one}`, another \
                     `{other}`: it can never be visited (use the join `all` or `any`)"
                ),
            );
        }
    }
}

/// Two nodes that may be under way at once write the same key only where somebody has said how the
/// two come together.
fn lost(plan: &Checked, (below, apart): (&Below<'_>, &Apart<'_>), problems: &mut Problems) {
    let graph = plan.graph();
    let writers: Vec<(usize, &std::sync::Arc<str>)> = graph
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(at, node)| node.writes.keys().iter().map(move |key| (at, key)))
        .filter(|(_, key)| !graph.channels.contains_key(*key))
        .collect();
    for (n, (one, key)) in writers.iter().enumerate() {
        let others = writers.iter().skip(n + 1).filter(|(at, other)| at != one && other == key);
        for (other, _) in others {
            let in_order = below.after(*one).get(*other) == Some(&true)
                || below.after(*other).get(*one) == Some(&true);
            if in_order || apart.nodes(*one, *other) {
                continue;
            }
            let (Some(one), Some(other)) = (plan.node(*one), plan.node(*other)) else { continue };
            problems.of(
                other,
                format!(
                    "it writes `{key}` while `{}` may write it too, and one would be lost: say how \
                     `{key}` is brought together (append, add, merge, ...)",
                    one.name
                ),
            );
        }
    }
}
