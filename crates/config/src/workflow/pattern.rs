//! `pattern`: one of the known ways for agents to work together, and who has which part in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_engine::graph::Supervision;

use super::members::{self as mishaps, OnMember};
use super::patterns::{Failures, MEMBERS, Otherwise, PATTERNS, Pattern, Role};
use super::{Others, names, watch};
use crate::agent::Agent;
use crate::node::{Entry, Kind as Written, Node, Scalar, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// A pattern with who has which part in it. Agents by their names in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternUse {
    /// Which.
    pub pattern: &'static Pattern,
    /// Who works side by side or in turn.
    pub members: Vec<Arc<str>>,
    /// Who has which role.
    pub roles: BTreeMap<&'static str, Arc<str>>,
    /// Who may hand on to whom.
    pub hands: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// Its bounds.
    pub numbers: BTreeMap<&'static str, u32>,
    /// Its texts, and the words that it chooses between.
    pub texts: BTreeMap<&'static str, Arc<str>>,
    /// Its lists of words.
    pub words: BTreeMap<&'static str, Vec<Arc<str>>>,
    /// How its members are watched, where they are; no names stand there.
    pub watch: Option<Supervision>,
    /// What becomes of it when a member fails.
    pub on_error: OnMember,
    /// Who is asked in the place of a member that has failed.
    pub instead: BTreeMap<Arc<str>, Arc<str>>,
}

/// What stands in a file beside its nodes.
pub(super) struct Parts {
    pub(super) agents: Vec<(Arc<str>, Agent)>,
    /// The names of all agents, those that cannot be read included.
    pub(super) named: Vec<Arc<str>>,
    pub(super) used: PatternUse,
}

/// The pattern that a file names; `Err` where there is none of this name.
pub(super) fn named(fields: &mut Fields<'_>) -> Result<Option<&'static Pattern>, ()> {
    let path = fields.key("pattern");
    let Some(node) = fields.take("pattern") else { return Ok(None) };
    let read = value::some_text(&node).and_then(|name| {
        let folded = name.replace('-', "_");
        PATTERNS.iter().find(|pattern| pattern.name == folded).ok_or_else(|| {
            Wrong::unknown_name("pattern", &name, PATTERNS.iter().map(|pattern| pattern.name))
        })
    });
    match read {
        Ok(pattern) => {
            fields.report.origin(&path, pattern.name.to_owned(), &node.source);
            Ok(Some(pattern))
        }
        Err(wrong) => {
            fields.report.wrong(&node.source, &path, wrong);
            Err(())
        }
    }
}

/// What to do where a file says neither.
pub(super) fn advice() -> String {
    let names: Vec<String> = PATTERNS.iter().map(|row| format!("`{}`", row.name)).collect();
    format!("Add `nodes:`, or `pattern:` with one of {}", names.join(", "))
}

/// Reads the agents, and who has which part.
pub(super) fn parts(
    fields: &mut Fields<'_>,
    named: Result<Option<&'static Pattern>, ()>,
    others: &dyn Others,
) -> Parts {
    let (pattern, source) = (named.ok().flatten(), fields.source().clone());
    let mut declared = declared(fields);
    let row = pattern.unwrap_or(&MEMBERS);
    let mut roles = BTreeMap::new();
    for role in pattern.map_or(&[][..], |row| row.roles) {
        if let Some(name) = role_of(fields, role, &mut declared, &source) {
            roles.insert(role.key, name);
        }
    }
    let all: Vec<Arc<str>> = declared.iter().map(|entry| entry.key.as_str().into()).collect();
    let (mut on_error, mut instead) = (OnMember::default(), BTreeMap::new());
    if row.failures == Failures::Said {
        on_error = mishaps::on_error(fields);
        instead = mishaps::instead(fields, &all);
    }
    let members = match pattern.filter(|row| row.members.is_some()) {
        Some(row) => {
            let taken: Vec<&Arc<str>> = roles.values().chain(instead.values()).collect();
            members(fields, row, (&all, &taken))
        }
        None => Vec::new(),
    };
    mishaps::members_only(&instead, &members, fields);
    let watch = (row.failures == Failures::Watched).then(|| watch::members(fields));
    let hands = if row.hands { hands(fields, &members) } else { BTreeMap::new() };
    let numbers = row.numbers.iter().map(|(key, default)| {
        let read = fields.get(key, *default, value::whole(1, 10_000));
        (*key, read.value)
    });
    let numbers = numbers.collect();
    let texts = row.texts.iter().map(|(key, default)| {
        let read = fields.get(key, Arc::from(*default), value::some_text);
        (*key, read.value)
    });
    let mut texts: BTreeMap<_, _> = texts.collect();
    for (key, all) in row.choices {
        texts.insert(*key, one_of(fields, key, all));
    }
    let words = row.words.iter().map(|(key, least)| (*key, said(fields, (key, *least), &source)));
    let words = words.collect();
    let mut agents: Vec<(Arc<str>, Agent)> = Vec::new();
    for entry in declared {
        let (name, at) = (Arc::from(entry.key.as_str()), entry.source.clone());
        let key = format!("agents.{name}");
        if !super::state::is_name(&name) {
            let wrong = Wrong::value("a name is made of letters, digits, `-` and `_`");
            fields.report.wrong(&at, &key, wrong);
        }
        let Some(agent) = others.agent(entry, &key, fields.report) else { continue };
        let same = agents.iter().find(|(_, known)| known.name == agent.name && *known != agent);
        if let Some((other, _)) = same {
            let detail = format!(
                "another agent (`{other}`) has its name `{}`, by which fallbacks and budgets go",
                agent.name
            );
            fields.report.wrong(&at, &key, Wrong::value(detail));
        }
        agents.push((name, agent));
    }
    let used = PatternUse {
        pattern: row,
        members,
        roles,
        hands,
        numbers,
        texts,
        words,
        watch,
        on_error,
        instead,
    };
    Parts { agents, named: all, used }
}

/// One of some words; the first where nobody says.
fn one_of(fields: &mut Fields<'_>, key: &'static str, all: &'static [&'static str]) -> Arc<str> {
    let read = |node: &Node| {
        let word = value::some_text(node)?;
        if all.contains(&&*word) {
            return Ok(word);
        }
        Err(Wrong::unknown_name("word", &word, all.iter().copied()))
    };
    fields.get(key, Arc::from(*all.first().unwrap_or(&"")), read).value
}

/// A list of words, none of them twice.
fn said(
    fields: &mut Fields<'_>,
    (key, least): (&'static str, usize),
    file: &Source,
) -> Vec<Arc<str>> {
    let path = fields.key(key);
    let read = fields.list(key, Vec::new(), value::some_text);
    let source = if read.source == Source::Default { file } else { &read.source };
    if read.value.len() < least {
        let wrong = Wrong::value(format!("{least} or more words are wanted"));
        fields.report.wrong(source, &path, wrong);
    }
    let mut known: Vec<&Arc<str>> = Vec::new();
    for word in &read.value {
        if known.contains(&word) {
            fields.report.wrong(source, &path, Wrong::value(format!("`{word}` stands twice")));
        }
        known.push(word);
    }
    read.value
}

fn declared(fields: &mut Fields<'_>) -> Vec<Entry> {
    let path = fields.key("agents");
    match fields.take("agents") {
        None => Vec::new(),
        Some(Node { value: Value::Map(entries), .. }) => entries,
        Some(node) => {
            let wrong = Wrong::Type {
                expected: "names, each with an agent's file or its keys".to_owned(),
                found: node.found(),
            };
            fields.report.wrong(&node.source, &path, wrong);
            Vec::new()
        }
    }
}

/// Who has a role: whom the file names, else whoever is called like it, else one who is told.
fn role_of(
    fields: &mut Fields<'_>,
    role: &Role,
    declared: &mut Vec<Entry>,
    file: &Source,
) -> Option<Arc<str>> {
    let is_declared = |name: &str| declared.iter().any(|entry| entry.key == name);
    if let Some(node) = fields.take(role.key) {
        let path = fields.key(role.key);
        return match known(&node, declared) {
            Ok(name) => {
                fields.report.origin(&path, name.show(), &node.source);
                Some(name)
            }
            Err(wrong) => {
                fields.report.wrong(&node.source, &path, wrong);
                None
            }
        };
    }
    if is_declared(role.key) {
        return Some(role.key.into());
    }
    match role.otherwise {
        Otherwise::Nobody => None,
        Otherwise::Required => {
            fields.report.wrong(file, role.key, Wrong::Missing);
            None
        }
        Otherwise::Told(instructions) => {
            let scalar =
                Scalar { text: instructions.to_owned(), kind: Written::Quoted, written: None };
            let text = Node { value: Value::Scalar(scalar), source: Source::Default };
            let told =
                Entry { key: "instructions".to_owned(), source: Source::Default, node: text };
            let node = Node { value: Value::Map(vec![told]), source: Source::Default };
            let source = file.clone();
            declared.push(Entry { key: role.key.to_owned(), source, node });
            Some(role.key.into())
        }
    }
}

fn known(node: &Node, declared: &[Entry]) -> Result<Arc<str>, Wrong> {
    let name = value::some_text(node)?;
    if declared.iter().any(|entry| entry.key == *name) {
        return Ok(name);
    }
    Err(unknown_agent(&name, declared.iter().map(|entry| entry.key.as_str())))
}

/// The problem of an agent that `agents` does not have.
pub(super) fn unknown_agent<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Wrong {
    if known.clone().next().is_none() {
        return Wrong::Value {
            detail: format!("there is no agent `{name}`"),
            advice: Some(format!("Add it: `agents: {{{name}: PATH}}`, or its keys in its place")),
        };
    }
    Wrong::unknown_name("agent", name, known)
}

/// The members: those that are named, else everybody who has no role.
fn members(
    fields: &mut Fields<'_>,
    row: &Pattern,
    (declared, taken): (&[Arc<str>], &[&Arc<str>]),
) -> Vec<Arc<str>> {
    let path = fields.key("members");
    let free = |name: &&Arc<str>| !taken.contains(name);
    let (members, source) = match fields.take("members") {
        None => (declared.iter().filter(free).cloned().collect(), fields.source().clone()),
        Some(node) => {
            let mut members: Vec<Arc<str>> = Vec::new();
            for item in names(&node).unwrap_or_default() {
                let read = value::some_text(&item).and_then(|name| {
                    if members.contains(&name) {
                        return Err(Wrong::value(format!("`{name}` stands twice")));
                    }
                    let known = declared.iter().map(|name| &**name);
                    if known.clone().any(|known| known == &*name) {
                        Ok(name)
                    } else {
                        Err(unknown_agent(&name, known))
                    }
                });
                match read {
                    Ok(name) => members.push(name),
                    Err(wrong) => fields.report.wrong(&item.source, &path, wrong),
                }
            }
            (members, node.source)
        }
    };
    let least = row.members.unwrap_or(0);
    if members.len() < least {
        let wrong = Wrong::Value {
            detail: format!(
                "`{}` needs {least} or more agents, and there {}",
                row.name,
                match members.len() {
                    0 => "is none".to_owned(),
                    1 => "is one".to_owned(),
                    some => format!("are {some}"),
                }
            ),
            advice: Some("Add them to `agents`".to_owned()),
        };
        fields.report.wrong(&source, &path, wrong);
    }
    fields.report.origin(&path, members.show(), &source);
    members
}

/// Who may hand on to whom: everybody to everybody where nobody says.
fn hands(fields: &mut Fields<'_>, members: &[Arc<str>]) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
    let path = fields.key("hands_to");
    let Some(node) = fields.take("hands_to") else {
        let others = |name: &Arc<str>| members.iter().filter(|m| *m != name).cloned().collect();
        return members.iter().map(|name| (Arc::clone(name), others(name))).collect();
    };
    let mut hands: BTreeMap<Arc<str>, Vec<Arc<str>>> =
        members.iter().map(|name| (Arc::clone(name), Vec::new())).collect();
    let known = || members.iter().map(|name| &**name);
    let Value::Map(entries) = node.value else {
        let found = node.found();
        let wrong = Wrong::Type { expected: "names, each with a list of names".to_owned(), found };
        fields.report.wrong(&node.source, &path, wrong);
        return hands;
    };
    for entry in entries {
        let at = format!("{path}.{}", entry.key);
        let Some(may) = hands.get_mut(entry.key.as_str()) else {
            let wrong = Wrong::unknown_name("member", &entry.key, known());
            fields.report.wrong(&entry.source, &at, wrong);
            continue;
        };
        for item in names(&entry.node).unwrap_or_default() {
            match value::some_text(&item) {
                Ok(name) if *name == *entry.key => {
                    let wrong = Wrong::value("hands on to itself");
                    fields.report.wrong(&item.source, &at, wrong);
                }
                Ok(name) if members.contains(&name) => may.push(name),
                Ok(name) => {
                    let wrong = Wrong::unknown_name("member", &name, known());
                    fields.report.wrong(&item.source, &at, wrong);
                }
                Err(wrong) => fields.report.wrong(&item.source, &at, wrong),
            }
        }
    }
    hands
}
