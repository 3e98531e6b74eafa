//! A tree of lines, with branches drawn.

use super::style::{FAINT, painted};

/// A line with lines under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// The line; further lines are set under the first.
    pub(crate) text: String,
    /// What is under it.
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// A line with nothing under it.
    pub(crate) fn leaf(text: impl Into<String>) -> Self {
        Self { text: text.into(), children: Vec::new() }
    }

    /// A line with these under it.
    pub(crate) fn with(text: impl Into<String>, children: Vec<Self>) -> Self {
        Self { text: text.into(), children }
    }
}

/// The tree as lines, without the root's own.
pub(crate) fn lines(nodes: &[Node]) -> String {
    let mut text = String::new();
    draw(nodes, "", &mut text);
    text
}

fn draw(nodes: &[Node], indent: &str, out: &mut String) {
    let last = nodes.len().saturating_sub(1);
    for (index, node) in nodes.iter().enumerate() {
        let (branch, below) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let inner = format!("{indent}{below}");
        for (number, line) in node.text.lines().enumerate() {
            let lead = if number == 0 { format!("{indent}{branch}") } else { inner.clone() };
            out.push_str(&painted(FAINT, lead));
            out.push_str(line);
            out.push('\n');
        }
        draw(&node.children, &inner, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_join_what_belongs_together() {
        let inner = vec![Node::leaf("b1\nand more"), Node::leaf("b2")];
        let tree =
            [Node::leaf("a"), Node::with("b", inner), Node::with("c", vec![Node::leaf("d")])];
        let plain = anstream::adapter::strip_str(&lines(&tree)).to_string();
        let wanted = "├─ a\n├─ b\n│  ├─ b1\n│  │  and more\n│  └─ b2\n└─ c\n   └─ d\n";
        assert_eq!(plain, wanted);
    }
}
