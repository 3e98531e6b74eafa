//! What can be seen of a graph as a whole, said at the node that has it: what the engine refuses, loops
//! that nothing ends, values that are not what is wanted, and words that an answer can never say.

use std::collections::BTreeMap;

use largestack_engine::graph::{Graph, Reducer, Reducers, When, Work, Writes};
use serde_json::Value;

use super::kinds::Kind;
use super::nodes::{About, Draft};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::Report;

/// Looks at a graph whose names are in order.
pub(super) fn whole(
    graph: &Graph,
    drafts: &[Draft],
    (about, source): (&About<'_>, &Source),
    report: &mut Report,
) {
    let place = |node: &str| drafts.iter().find(|draft| *draft.node.name == *node);
    if let Err(invalid) = graph.clone().check(Reducers::default()) {
        for problem in invalid.problems {
            let wrong = Wrong::value(problem.why);
            match problem.node.as_deref().and_then(place) {
                Some(draft) => {
                    report.wrong(&draft.source, &format!("nodes.{}", draft.node.name), wrong);
                }
                None => report.wrong(source, "nodes", wrong),
            }
        }
    }
    if !about.bounded
        && let Some(draft) = endless(graph).and_then(place)
    {
        let wrong = Wrong::Value {
            detail: "it comes back to itself, and nothing on the way decides to go on".to_owned(),
            advice: Some(
                "Let a node on the way choose (`then: {WORD: NODE}` or `switch`), or say how often \
                 it may come round: `limits: {max_visits: N}`"
                    .to_owned(),
            ),
        };
        report.wrong(&draft.source, &format!("nodes.{}", draft.node.name), wrong);
    }
    kinds(graph, drafts, about, report);
    for draft in drafts {
        words(draft, about, report);
    }
}

/// A node on a way that comes back to it by edges that are always taken: one search in depth, each
/// edge followed once.
fn endless(graph: &Graph) -> Option<&str> {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in graph.edges.iter().filter(|edge| edge.when == When::Always) {
        next.entry(&edge.from).or_default().push(&edge.to);
    }
    let after = |name: &str| next.get(name).map(Vec::as_slice).unwrap_or_default().iter();
    // Whether what was reached is on the way to where the search is.
    let mut reached: BTreeMap<&str, bool> = BTreeMap::new();
    for start in graph.nodes.iter().map(|node| &*node.name) {
        if reached.contains_key(start) {
            continue;
        }
        reached.insert(start, true);
        let mut way = vec![(start, after(start))];
        while let Some((name, rest)) = way.last_mut() {
            let Some(to) = rest.next() else {
                reached.insert(name, false);
                way.pop();
                continue;
            };
            match reached.get(to) {
                Some(true) => return Some(to),
                Some(false) => {}
                None => {
                    reached.insert(to, true);
                    way.push((to, after(to)));
                }
            }
        }
    }
    None
}

/// What stands under a key, as far as that is known, and because of whom.
struct Known<'d> {
    kind: Kind,
    by: Option<&'d Draft>,
}

fn kinds(graph: &Graph, drafts: &[Draft], about: &About<'_>, report: &mut Report) {
    let mut known: BTreeMap<&str, Known<'_>> = BTreeMap::new();
    for (key, kind) in about.inputs {
        known.insert(key, Known { kind: *kind, by: None });
    }
    for draft in drafts {
        let Writes::Key(key) = &draft.node.writes else { continue };
        let said = said(draft, about);
        let reducer = graph.channels.get(key).unwrap_or(&Reducer::Replace);
        if let Some(why) = unfit(reducer, said) {
            let path = format!("nodes.{}", draft.node.name);
            let wrong = Wrong::value(format!("it writes {} to `{key}`, {why}", with_article(said)));
            report.wrong(&draft.source, &path, wrong);
        }
        let kind = match reducer {
            Reducer::Append | Reducer::Extend => Kind::List,
            Reducer::Add => Kind::Number,
            Reducer::Merge => Kind::Object,
            _ => said,
        };
        let other = known.get(&**key).filter(|other| other.kind != kind);
        let kind = if other.is_some() { Kind::Any } else { kind };
        known.insert(key, Known { kind, by: Some(draft) });
    }
    for channel in &about.state {
        let Some(found) = known.get_mut(&*channel.key) else { continue };
        if !found.kind.fits(channel.kind) {
            let by = found.by.map_or_else(
                || "it is given".to_owned(),
                |draft| format!("`{}` writes", draft.node.name),
            );
            let wrong = Wrong::value(format!(
                "is said to be {}, and {by} {}",
                with_article(channel.kind),
                with_article(found.kind)
            ));
            report.wrong(&channel.source, &format!("state.{}", channel.key), wrong);
        } else if channel.kind != Kind::Any {
            found.kind = channel.kind;
        }
    }
    for draft in drafts {
        wanted(draft, &known, report);
    }
}

/// Values that a node reads and that are something else.
fn wanted(draft: &Draft, known: &BTreeMap<&str, Known<'_>>, report: &mut Report) {
    let path = format!("nodes.{}", draft.node.name);
    let mut wrong = |key: &str, wanted: Kind, what: &str| {
        let Some(found) = known.get(key).filter(|found| !found.kind.fits(wanted)) else { return };
        let by = found.by.map_or_else(
            || "which it is given as one".to_owned(),
            |draft| format!("which `{}` writes", draft.node.name),
        );
        let detail = format!("{what} `{key}`, {by}: it is {}", with_article(found.kind));
        report.wrong(&draft.source, &path, Wrong::value(detail));
    };
    if let Some(map) = &draft.node.map {
        wrong(&map.over, Kind::List, "it works on each element of");
    }
    let is_list = |key: &str| known.get(key).is_some_and(|found| found.kind == Kind::List);
    if let Work::Switch { cases } = &draft.node.work {
        for (place, test) in cases.iter().flat_map(|case| &case.when) {
            match place.split_once('.') {
                None if test.is_numeric() => wrong(place, Kind::Number, "it compares numbers with"),
                // A number is a place in a list, or the name of a field.
                Some((root, rest)) if is_place(rest) && is_list(root) => {}
                Some((root, _)) => wrong(root, Kind::Object, "it looks into"),
                None => {}
            }
        }
    }
}

/// Whether the first level of a path is a place in a list.
fn is_place(path: &str) -> bool {
    path.split('.').next().is_some_and(|level| level.parse::<usize>().is_ok())
}

/// What a node says.
fn said(draft: &Draft, about: &About<'_>) -> Kind {
    if draft.node.map.is_some() {
        return Kind::List;
    }
    match &draft.node.work {
        Work::Agent { agent, .. } => {
            let agent = about.agents.iter().find(|(name, _)| name == agent);
            match agent.map(|(_, agent)| agent.output.as_ref()) {
                Some(Some(output)) => {
                    output.schema.schema.to().map_or(Kind::Any, |schema| Kind::of_schema(&schema))
                }
                Some(None) if draft.node.choices.is_empty() => Kind::Text,
                Some(None) => Kind::Object,
                None => Kind::Any,
            }
        }
        Work::Set { value } => match value.written() {
            Value::String(text) if text.contains("{{") => Kind::Any,
            other => Kind::of(other),
        },
        Work::Question { .. } => Kind::Object,
        _ => Kind::Any,
    }
}

/// Why what is written does not go with how it is brought together.
fn unfit(reducer: &Reducer, said: Kind) -> Option<&'static str> {
    match reducer {
        Reducer::Extend if !said.fits(Kind::List) => Some("which is extended by lists"),
        Reducer::Add if !said.fits(Kind::Number) => Some("where numbers are added up"),
        Reducer::Merge if !said.fits(Kind::Object) => Some("where objects are merged"),
        _ => None,
    }
}

const fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "anything",
        Kind::Text => "a text",
        Kind::Number => "a number",
        Kind::Boolean => "a truth value",
        Kind::List => "a list",
        Kind::Object => "an object",
    }
}

/// Choices that an agent's answer can never say, and answers that no choice is for.
fn words(draft: &Draft, about: &About<'_>, report: &mut Report) {
    let (node, Some(asked)) = (&draft.node, &draft.done.asked) else { return };
    let agent = about.agents.iter().find(|(name, _)| *name == asked.agent);
    let output = agent.and_then(|(_, agent)| agent.output.as_ref());
    let schema = output.and_then(|output| output.schema.schema.to::<Value>().ok());
    let (Some(place), Some(schema)) = (&node.choose, schema) else { return };
    let mut wrong = |detail: String| {
        report.wrong(&draft.source, &format!("nodes.{}", node.name), Wrong::value(detail));
    };
    let mut at = Some(&schema);
    for level in place.split('/').skip(1) {
        at = at.and_then(|at| at.get("properties")?.get(level));
    }
    let Some(at) = at else {
        let shown = place.trim_start_matches('/').replace('/', ".");
        return wrong(format!("`choose` names `{shown}`, which answers of `{}` lack", asked.agent));
    };
    let Some(Value::Array(words)) = at.get("enum") else { return };
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    for choice in node.choices.iter().filter(|choice| !words.contains(&&***choice)) {
        let near = crate::spelling::nearest(choice, words.iter().copied());
        let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        wrong(format!("`{}` can never choose `{choice}`{hint}", asked.agent));
    }
    for word in words.iter().filter(|word| !node.choices.iter().any(|c| **c == ***word)) {
        wrong(format!(
            "`{}` can choose `{word}`, and nothing says what follows: add `{word}: NODE` to `then`",
            asked.agent
        ));
    }
}

#[cfg(test)]
mod tests {
    use largestack_engine::graph::{Edge, Node};
    use proptest::prelude::*;

    use super::*;

    /// Nodes 0 to `count`, and edges that are always taken.
    fn graph(count: usize, edges: &[(usize, usize)]) -> Graph {
        let nodes = (0..count).map(|node| Node::new(node.to_string(), Work::Pass));
        let graph = nodes.fold(Graph::new("g"), Graph::node);
        let edges = edges.iter().map(|(from, to)| Edge::new(from.to_string(), to.to_string()));
        edges.fold(graph, Graph::edge)
    }

    #[test]
    fn a_long_graph_is_looked_at_once() {
        const LONG: usize = 20_000;
        let mut edges: Vec<(usize, usize)> = (1..LONG).map(|node| (node - 1, node)).collect();
        assert_eq!(endless(&graph(LONG, &edges)), None);
        edges.push((LONG - 1, LONG - 2));
        assert_eq!(endless(&graph(LONG, &edges)), Some("19998"));
    }

    proptest! {
        #[test]
        fn a_loop_is_found_where_there_is_one(
            edges in prop::collection::vec((0_usize..7, 0_usize..7), 0..12),
        ) {
            let mut reaches = [[false; 7]; 7];
            for (from, to) in &edges {
                reaches[*from][*to] = true;
            }
            for by in 0..7 {
                for from in 0..7 {
                    for to in 0..7 {
                        reaches[from][to] |= reaches[from][by] && reaches[by][to];
                    }
                }
            }
            let graph = graph(7, &edges);
            match endless(&graph) {
                Some(name) => {
                    let node: usize = name.parse().unwrap();
                    prop_assert!(reaches[node][node]);
                }
                None => prop_assert!((0..7).all(|node| !reaches[node][node])),
            }
        }
    }
}
