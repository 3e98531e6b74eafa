//! `inputs` and `state`: the keys there are, what they hold, and how writes to one come together.

use std::sync::Arc;

use largestack_engine::graph::Reducer;

use super::kinds::{self, Kind};
use crate::node::{Node, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::{Fields, Report};
use crate::show::Show;
use crate::value;

/// The key that a workflow is given which names none.
pub(super) const TASK: &str = "task";

/// A key of the state, as the file speaks of it.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) key: Arc<str>,
    pub(super) kind: Kind,
    /// How writes come together; `None` where the file does not say.
    pub(super) reduce: Option<Reducer>,
    pub(super) source: Source,
}

const REDUCERS: &[(&str, Rule)] = &[
    ("replace", Rule::Replace),
    ("append", Rule::Append),
    ("extend", Rule::Extend),
    ("add", Rule::Add),
    ("merge", Rule::Merge),
];

/// A reducer that a file can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Replace,
    Append,
    Extend,
    Add,
    Merge,
}

impl Rule {
    const fn reducer(self) -> Reducer {
        match self {
            Self::Replace => Reducer::Replace,
            Self::Append => Reducer::Append,
            Self::Extend => Reducer::Extend,
            Self::Add => Reducer::Add,
            Self::Merge => Reducer::Merge,
        }
    }
}

impl Show for Rule {
    fn show(&self) -> String {
        let known = REDUCERS.iter().find(|(_, rule)| rule == self);
        known.map_or("", |(name, _)| name).to_owned()
    }
}

/// Whether a name may be a key or a node.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

pub(super) fn key(node: &Node) -> Result<Arc<str>, Wrong> {
    let name = value::some_text(node)?;
    if is_name(&name) {
        Ok(name)
    } else {
        Err(Wrong::value(format!("`{name}` is no name: letters, digits, `-` and `_`")))
    }
}

/// The keys that a run is given: a list of names, or names with what they take.
pub(super) fn inputs(given: Option<Node>, report: &mut Report) -> Vec<(Arc<str>, Kind)> {
    let path = "inputs";
    let Some(node) = given else {
        report.origin(path, format!("[{TASK}]"), &Source::Default);
        return vec![(TASK.into(), Kind::Any)];
    };
    let mut inputs: Vec<(Arc<str>, Kind)> = Vec::new();
    let mut add =
        |name: Result<(Arc<str>, Kind), Wrong>, source: &Source, report: &mut Report| match name {
            Ok((name, _)) if inputs.iter().any(|(known, _)| *known == name) => {
                report.wrong(source, path, Wrong::value(format!("`{name}` stands twice")));
            }
            Ok(input) => inputs.push(input),
            Err(wrong) => report.wrong(source, path, wrong),
        };
    if let Value::Map(entries) = &node.value {
        for entry in entries {
            let named = key(&Node::untyped(&*entry.key, entry.source.clone()));
            let input = named.and_then(|name| Ok((name, kinds::read(&entry.node)?)));
            add(input, &entry.node.source, report);
        }
    } else {
        match value::items(&node) {
            Ok(items) => {
                for item in &items {
                    add(key(item).map(|name| (name, Kind::Any)), &item.source, report);
                }
            }
            Err(wrong) => report.wrong(&node.source, path, wrong),
        }
    }
    let shown: Vec<&str> = inputs.iter().map(|(name, _)| &**name).collect();
    report.origin(path, format!("[{}]", shown.join(", ")), &node.source);
    inputs
}

/// `state`: each key with what it holds and how writes come together; a word alone is the latter.
pub(super) fn read(section: Fields<'_>) -> Vec<Channel> {
    let prefix = section.key("");
    let (entries, report) = section.rest();
    let mut channels = Vec::new();
    for entry in entries {
        let path = format!("{prefix}{}", entry.key);
        let name: Arc<str> = entry.key.as_str().into();
        if !is_name(&name) {
            let wrong = Wrong::value("a key is made of letters, digits, `-` and `_`");
            report.wrong(&entry.source, &path, wrong);
        }
        let (mut kind, mut reduce) = (Kind::Any, None);
        if matches!(entry.node.value, Value::Scalar(_)) {
            match value::choice(REDUCERS)(&entry.node) {
                Ok(rule) => {
                    report.origin(&format!("{path}.reduce"), rule.show(), &entry.node.source);
                    reduce = Some(rule.reducer());
                }
                Err(wrong) => report.wrong(&entry.node.source, &path, wrong),
            }
        } else {
            let mut fields = Fields::of(entry.node, &path, report);
            kind = fields.get("type", Kind::Any, kinds::read).value;
            reduce = fields.optional("reduce", value::choice(REDUCERS)).map(Rule::reducer);
            fields.finish();
        }
        channels.push(Channel { key: name, kind, reduce, source: entry.source });
    }
    channels
}

/// Says that keys are spoken of where no node can write them.
pub(super) fn unused(channels: Vec<Channel>, report: &mut Report) {
    for channel in channels {
        let wrong = Wrong::value("is for `nodes`; a pattern has keys of its own");
        report.wrong(&channel.source, &format!("state.{}", channel.key), wrong);
    }
}
