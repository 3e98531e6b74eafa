//! A workflow as a picture, with where each node of a run stands where there is one: text that Mermaid
//! draws, or a whole SVG document.

mod layers;
mod letters;
mod svg;

use std::fmt::Write as _;

use largestack_engine::graph::{END, Graph, GraphRun, NodeState, When, Work};

pub use svg::svg;

/// The workflow as a Mermaid flowchart; of a run, each node with where it stands.
///
/// The syntax: <https://mermaid.js.org/syntax/flowchart.html>.
pub fn mermaid(graph: &Graph, run: Option<&GraphRun>) -> String {
    let mut text = "flowchart TD\n".to_owned();
    let states: Vec<NodeState> =
        run.map_or_else(Vec::new, |run| run.nodes().map(|view| view.state).collect());
    for (at, node) in graph.nodes.iter().enumerate() {
        let kind = node.work.name();
        let each = if node.map.is_some() { " for each" } else { "" };
        let state = states.get(at).copied();
        let stands = state.map_or(String::new(), |state| format!("<br/>{}", state.name()));
        let (open, close) = shape(&node.work);
        let class = state.map_or(String::new(), |state| format!(":::{}", state.name()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "    n{at}{open}\"{}<br/><i>{kind}{each}</i>{stands}\"{close}{class}",
            node.name
        );
    }
    edges(graph, &mut text);
    if run.is_some() {
        for (state, colour) in COLOURS {
            let _ = writeln!(text, "    classDef {} fill:{colour},color:#111", state.name());
        }
    }
    text
}

const COLOURS: [(NodeState, &str); 11] = [
    (NodeState::Idle, "#eeeeee"),
    (NodeState::Ready, "#dbe9ff"),
    (NodeState::Running, "#9cc4ff"),
    (NodeState::Sleeping, "#e3d9ff"),
    (NodeState::Waiting, "#ffe9a8"),
    (NodeState::InDoubt, "#ffc36b"),
    (NodeState::Completed, "#b8e6b8"),
    (NodeState::Skipped, "#d8d2b0"),
    (NodeState::Failed, "#ff9a8f"),
    (NodeState::Cancelled, "#c9c9c9"),
    (NodeState::Undone, "#e6c9e6"),
];

const fn shape(work: &Work) -> (&'static str, &'static str) {
    match work {
        Work::Agent { .. } => ("(", ")"),
        Work::Graph { .. } => ("[[", "]]"),
        Work::Question { .. } | Work::Switch { .. } => ("{{", "}}"),
        Work::Event { .. } | Work::Sleep { .. } => ("([", "])"),
        _ => ("[", "]"),
    }
}

fn edges(graph: &Graph, text: &mut String) {
    let at = |name: &str| graph.nodes.iter().position(|node| &*node.name == name);
    for (number, edge) in graph.edges.iter().enumerate() {
        let Some(from) = at(&edge.from) else { continue };
        let to = at(&edge.to).map_or_else(|| format!("e{number}((end))"), |to| format!("n{to}"));
        debug_assert!(
            at(&edge.to).is_some() || &*edge.to == END,
            "a checked graph leads somewhere"
        );
        let _ = match &edge.when {
            When::Always => writeln!(text, "    n{from} --> {to}"),
            When::Choice(choice) => writeln!(text, "    n{from} -->|\"{}\"| {to}", plain(choice)),
            When::Failed => writeln!(text, "    n{from} -.->|\"on failure\"| {to}"),
        };
    }
}

/// A word that cannot end the quotes it stands in, nor begin a tag.
fn plain(word: &str) -> String {
    word.replace(['"', '<', '>'], "'")
}

#[cfg(test)]
mod tests {
    use largestack_engine::graph::{Edge, Node};

    use super::*;

    #[test]
    fn nodes_stand_in_their_shapes_and_edges_carry_their_words() {
        let graph = Graph::new("g")
            .node(Node::new("ask", Work::function("ask")).choosing(["yes\"", "no"]))
            .node(Node::new("wait", Work::Event { event: "paid".into() }))
            .edge(Edge::new("ask", "wait").on("yes\""))
            .edge(Edge::new("ask", "end").on("no"));
        assert_eq!(
            mermaid(&graph, None),
            "flowchart TD\n    n0[\"ask<br/><i>function</i>\"]\n    \
             n1([\"wait<br/><i>event</i>\"])\n    n0 -->|\"yes'\"| n1\n    \
             n0 -->|\"no\"| e1((end))\n"
        );
    }
}
