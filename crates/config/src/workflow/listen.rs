//! `after`: what a node listens to. A node that is done, one that has chosen a word, and groups of
//! these: all of them, any of them, the first of them, one group inside the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_engine::graph::{Edge, Join, Node as GraphNode, Work};

use super::edges::Written;
use super::names;
use crate::node::{Node, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::{Fields, Report};
use crate::value;

/// The groups, with how what they hold comes together.
const GROUPS: &[(&str, Join)] = &[("all", Join::Every), ("any", Join::Any), ("first", Join::First)];

/// What a node listens to.
enum Trigger {
    /// A node that is done, or has chosen this word.
    Node(Arc<str>, Option<Arc<str>>, Source),
    /// A group.
    Group(Join, Vec<Trigger>),
}

/// What leads to a node because it listens.
#[derive(Default)]
pub(super) struct Listened {
    pub(super) edges: Vec<Written>,
    /// Where branches meet that a group inside another waits for, with where that is said.
    pub(super) meets: Vec<(GraphNode, Source)>,
    /// How what is listened to comes together, where a group says it.
    pub(super) join: Option<Join>,
}

/// Reads what a node listens to.
pub(super) fn after(fields: &mut Fields<'_>, to: &Arc<str>) -> Listened {
    let path = fields.key("after");
    let Some(node) = fields.take("after") else { return Listened::default() };
    let mut listened = Listened::default();
    match triggers(&node) {
        Ok(triggers) => {
            if let Some(Trigger::Group(join, _)) = triggers.first().filter(|_| triggers.len() == 1)
            {
                listened.join = Some(*join);
            }
            let own = match (triggers.len(), listened.join) {
                (1, Some(_)) => triggers.into_iter().flat_map(inside).collect(),
                _ => triggers,
            };
            lead(own, to, (&mut listened, &mut 0), &node.source);
        }
        Err((at, wrong)) => fields.report.wrong(&at, &path, wrong),
    }
    listened
}

fn inside(trigger: Trigger) -> Vec<Trigger> {
    match trigger {
        Trigger::Group(_, all) => all,
        alone @ Trigger::Node(..) => vec![alone],
    }
}

/// What leads to a node: a group inside another meets in a node at which nothing happens.
fn lead(
    triggers: Vec<Trigger>,
    to: &Arc<str>,
    (listened, inner): (&mut Listened, &mut usize),
    at: &Source,
) {
    for trigger in triggers {
        match trigger {
            Trigger::Node(from, word, source) => {
                let edge = Edge::new(Arc::clone(&from), Arc::clone(to));
                let edge = match word {
                    Some(word) => edge.on(word),
                    None => edge,
                };
                listened.edges.push(Written { edge, source, name: from });
            }
            Trigger::Group(join, all) => {
                *inner += 1;
                let meets: Arc<str> = format!("{to}-{inner}").into();
                let node = GraphNode::new(Arc::clone(&meets), Work::Pass);
                listened.meets.push((node.with(|node| node.join = join), at.clone()));
                lead(all, &meets, (listened, inner), at);
                let edge = Edge::new(Arc::clone(&meets), Arc::clone(to));
                listened.edges.push(Written { edge, source: at.clone(), name: meets });
            }
        }
    }
}

/// Says where `join` is said beside a group that says it already.
pub(super) fn join(fields: &mut Fields<'_>, said: Option<Join>, read: Join, at: &Source) -> Join {
    let Some(join) = said else { return read };
    if *at != Source::Default {
        let path = fields.key("join");
        let wrong = Wrong::value("`after` says how what is listened to comes together");
        fields.report.wrong(at, &path, wrong);
    }
    join
}

fn triggers(node: &Node) -> Result<Vec<Trigger>, (Source, Wrong)> {
    if matches!(node.value, Value::Map(_)) {
        return trigger(node).map(|trigger| vec![trigger]);
    }
    let items = names(node).map_err(|wrong| (node.source.clone(), wrong))?;
    items.iter().map(trigger).collect()
}

fn trigger(node: &Node) -> Result<Trigger, (Source, Wrong)> {
    let here = |wrong: Wrong| (node.source.clone(), wrong);
    let Value::Map(entries) = &node.value else {
        let name = value::some_text(node).map_err(here)?;
        return Ok(Trigger::Node(name, None, node.source.clone()));
    };
    let [entry] = entries.as_slice() else {
        return Err(here(Wrong::Value {
            detail: "one thing is listened to here".to_owned(),
            advice: Some(
                "Write `{NODE: WORD}`, or `{all: [..]}`, `{any: [..]}` or `{first: [..]}`"
                    .to_owned(),
            ),
        }));
    };
    if let Some((_, join)) = GROUPS.iter().find(|(name, _)| *name == entry.key) {
        let inner = triggers(&entry.node)?;
        if inner.is_empty() {
            return Err(here(Wrong::value("there is nothing to listen to")));
        }
        return Ok(Trigger::Group(*join, inner));
    }
    let word = value::some_text(&entry.node).map_err(here)?;
    Ok(Trigger::Node(entry.key.as_str().into(), Some(word), entry.source.clone()))
}

/// The words of nodes to which others listen, by the node that says them.
pub(super) fn words<'n>(
    nodes: impl Iterator<Item = &'n Node>,
) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
    let mut words: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    for node in nodes {
        let Value::Map(entries) = &node.value else { continue };
        let after = entries.iter().filter(|entry| entry.key == "after");
        // What cannot be read is reported where it is read.
        let mut open: Vec<Trigger> =
            after.filter_map(|entry| triggers(&entry.node).ok()).flatten().collect();
        while let Some(trigger) = open.pop() {
            match trigger {
                Trigger::Node(from, Some(word), _) => {
                    let known = words.entry(from).or_default();
                    if !known.contains(&word) {
                        known.push(word);
                    }
                }
                Trigger::Node(_, None, _) => {}
                Trigger::Group(_, all) => open.extend(all),
            }
        }
    }
    for words in words.values_mut() {
        words.sort();
    }
    words
}

/// Says of nodes that nobody may be called what a group is called.
pub(super) fn reserved(name: &str, source: &Source, report: &mut Report) {
    if GROUPS.iter().any(|(group, _)| *group == name) {
        let wrong =
            Wrong::value("`all`, `any` and `first` are groups of `after`, and no node's name");
        report.wrong(source, &format!("nodes.{name}"), wrong);
    }
}
