//! `then` and `on_failure`: what leads from one node to the next.

use std::sync::Arc;

use largestack_engine::graph::{END, Edge, OnFailure};

use super::names;
use crate::node::{Node, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::value;

/// A node that is led to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) to: Arc<str>,
    pub(super) source: Source,
}

/// What follows a node.
#[derive(Default)]
pub(super) struct Then {
    /// These, always.
    always: Vec<Target>,
    /// By the node's choice.
    choices: Vec<(Arc<str>, Vec<Target>)>,
}

/// An edge, with where it is said.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) edge: Edge,
    pub(super) source: Source,
    /// The name in it that has to be a node: where it leads, or where it leaves.
    pub(super) name: Arc<str>,
}

pub(super) fn target(node: &Node) -> Result<Target, Wrong> {
    Ok(Target { to: value::some_text(node)?, source: node.source.clone() })
}

fn targets(node: &Node) -> Result<Vec<Target>, Wrong> {
    names(node)?.iter().map(target).collect()
}

/// `then`: a node, several, or one for each choice.
pub(super) fn then(fields: &mut Fields<'_>) -> Then {
    let path = fields.key("then");
    let Some(node) = fields.take("then") else { return Then::default() };
    if let Value::Map(entries) = &node.value {
        let mut choices = Vec::new();
        for entry in entries {
            match targets(&entry.node) {
                Ok(to) => choices.push((entry.key.as_str().into(), to)),
                Err(wrong) => {
                    let path = format!("{path}.{}", entry.key);
                    fields.report.wrong(&entry.node.source, &path, wrong);
                }
            }
        }
        if entries.is_empty() {
            fields.report.wrong(&node.source, &path, Wrong::value("there is no choice"));
        }
        return Then { always: Vec::new(), choices };
    }
    let always = targets(&node).unwrap_or_else(|wrong| {
        fields.report.wrong(&node.source, &path, wrong);
        Vec::new()
    });
    Then { always, choices: Vec::new() }
}

impl Then {
    /// With words to which others listen among the choices.
    pub(super) fn heard(mut self, words: &[Arc<str>]) -> Self {
        for word in words {
            if !self.choices.iter().any(|(known, _)| known == word) {
                self.choices.push((Arc::clone(word), Vec::new()));
            }
        }
        self
    }

    /// Whether there is something to choose.
    pub(super) const fn chooses(&self) -> bool {
        !self.choices.is_empty()
    }

    /// The choices.
    pub(super) fn choices(&self) -> Vec<Arc<str>> {
        self.choices.iter().map(|(word, _)| Arc::clone(word)).collect()
    }

    /// The edges that leave a node.
    pub(super) fn edges(&self, from: &Arc<str>) -> Vec<Written> {
        let edge = |target: &Target, word: Option<&Arc<str>>| {
            let edge = Edge::new(Arc::clone(from), Arc::clone(&target.to));
            Written {
                edge: match word {
                    Some(word) => edge.on(Arc::clone(word)),
                    None => edge,
                },
                source: target.source.clone(),
                name: Arc::clone(&target.to),
            }
        };
        let always = self.always.iter().map(|target| edge(target, None));
        let choices = self.choices.iter();
        let chosen = choices.flat_map(|(word, to)| to.iter().map(move |to| edge(to, Some(word))));
        always.chain(chosen).collect()
    }
}

/// What becomes of a failure, as a word.
const WORDS: &[(&str, OnFailure)] =
    &[("fail", OnFailure::Fail), ("skip", OnFailure::Skip), ("end-branch", OnFailure::EndBranch)];

/// `on_failure`: a word, or `{to: NODE}` for the edge that a failure takes.
pub(super) fn on_failure(
    fields: &mut Fields<'_>,
    from: &Arc<str>,
    edges: &mut Vec<Written>,
) -> OnFailure {
    let path = fields.key("on_failure");
    let Some(node) = fields.take("on_failure") else { return OnFailure::default() };
    let failed = match &node.value {
        Value::Map(_) => {
            let source = node.source.clone();
            let mut group = Fields::of(node, &path, fields.report);
            let to = group.take("to");
            group.finish();
            match to.as_ref().map(targets) {
                Some(Ok(to)) => {
                    edges.extend(to.into_iter().map(|to| Written {
                        edge: Edge::new(Arc::clone(from), Arc::clone(&to.to)).on_failure(),
                        source: to.source,
                        name: to.to,
                    }));
                    return OnFailure::Route;
                }
                Some(Err(wrong)) => (source, wrong),
                None => (source, Wrong::Missing),
            }
        }
        _ => match value::choice(WORDS)(&node) {
            Ok(then) => return then,
            Err(Wrong::Value { detail, advice }) => {
                let advice = advice.or_else(|| {
                    Some("To lead a failure to a node write `on_failure: {to: NODE}`".to_owned())
                });
                (node.source, Wrong::Value { detail, advice })
            }
            Err(wrong) => (node.source, wrong),
        },
    };
    fields.report.wrong(&failed.0, &path, failed.1);
    OnFailure::default()
}

/// Whether a name stands for the end of a branch.
pub(super) fn is_end(name: &str) -> bool {
    name == END
}
