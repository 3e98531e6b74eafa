//! An agent's file written out: what it includes is put in, relative paths are made right for the
//! folder that it is written for, and `${VARIABLES}` stay as they are written, so that nothing they
//! hold is in it. Whether it loads to the same agent is looked at before anybody gets it.

use std::path::{Path, PathBuf};

use crate::agent::{self, Agent};
use crate::declared::Declared;
use crate::error::Error;
use crate::include;
use crate::locate::AGENT_FILE;
use crate::node::{Entry, Kind, Node, Scalar, Value};
use crate::origin::Source;
use crate::problem::{Problem, Wrong};
use crate::read::Report;
use crate::settings::Inputs;
use crate::tools;

mod paths;
mod text;

use paths::Move;

impl Inputs<'_> {
    /// The file of an agent as it would stand in `folder`, in one piece. Reading it there gives the
    /// same agent, for as long as the environment says the same; where that cannot be said, an error
    /// names what is in the way. Variables beside those that the file names, and flags, are no part
    /// of it; nor is the project, whose providers and model are those of wherever it is read.
    pub fn export(&self, path: &Path, folder: &Path) -> Result<String, Error> {
        let settings = self.agent(path)?;
        let (mut report, file) = (Report::default(), &settings.agent.file);
        let mut tree = include::tree(file, self.environment, shaped, &mut report)?;
        let moved =
            Move { to: folder, working: self.working_folder, environment: self.environment };
        moved.tree(&mut tree);
        let text = text::document(&tree);
        let there = (folder.join(AGENT_FILE), Some(&*text));
        let again = self.agent_of(there, settings.project.file.as_deref());
        let again =
            again.map_err(|error| cannot(&tree.source, &format!("is not read: {error}")))?;
        let (one, other) = (located(settings.agent), located(again.agent));
        match difference(&one, &other) {
            None => Ok(text),
            Some(key) => {
                let why = "means something else in another folder or file: write it out by hand";
                Err(cannot_at(&tree.source, &key, why))
            }
        }
    }
}

/// A file of these keys and values, as an agent in Rust says them of itself. What looks like a
/// variable in them is a text.
pub fn agent_file(described: &serde_json::Value) -> String {
    text::document(&node(described))
}

fn node(value: &serde_json::Value) -> Node {
    use serde_json::Value as Json;
    let scalar = |text: String, kind| Value::Scalar(Scalar { text, kind, written: None });
    let value = match value {
        Json::Null => Value::Null,
        Json::Bool(bool) => scalar(bool.to_string(), Kind::Bool),
        Json::Number(number) => scalar(number.to_string(), Kind::Number),
        Json::String(text) => scalar(text.replace("${", "$${"), Kind::Plain),
        Json::Array(items) => Value::List(items.iter().map(node).collect()),
        Json::Object(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| Entry {
                    key: key.clone(),
                    source: Source::Default,
                    node: node(value),
                })
                .collect(),
        ),
    };
    Node { value, source: Source::Default }
}

fn cannot(source: &Source, why: &str) -> Error {
    cannot_at(source, "", &format!("what would be written {why}"))
}

fn cannot_at(source: &Source, key: &str, why: &str) -> Error {
    let kind = Wrong::value(why.to_owned());
    Error::Invalid(vec![Problem { source: source.clone(), key: key.to_owned(), kind }])
}

/// Short forms written out. A list of tools that a variable names stays one: a key names none.
fn shaped(tree: Node) -> Node {
    let tree = agent::expanded(tree);
    let Value::Map(entries) = &tree.value else { return tree };
    let named = |node: &Node| match &node.value {
        Value::List(items) => items.iter().any(Node::is_filled),
        _ => node.is_filled(),
    };
    if entries.iter().any(|entry| entry.key == "tools" && named(&entry.node)) {
        return tree;
    }
    tools::expanded(tree)
}

/// An agent without where it stands, and with paths that are the same where their files are.
fn located(mut agent: Agent) -> Agent {
    (agent.file, agent.folder) = Default::default();
    let whole = |path: &mut PathBuf| {
        if let Ok(whole) = path.canonicalize() {
            *path = whole;
        }
    };
    agent.knowledge.iter_mut().for_each(|knowledge| whole(&mut knowledge.folder));
    agent.media.folders.iter_mut().flatten().for_each(whole);
    agent.policies.iter_mut().for_each(whole);
    agent.fallback.agents.iter_mut().for_each(whole);
    for tool in &mut agent.tools {
        tool.own.root.iter_mut().chain(&mut tool.own.database).for_each(whole);
        tool.own.allow.iter_mut().for_each(|(program, _)| whole(program));
        tool.own.sandbox.paths().for_each(whole);
        match &mut tool.declared {
            Some(Declared::Command(command)) => {
                whole(&mut command.program);
                whole(&mut command.folder);
                command.sandbox.paths().for_each(whole);
            }
            Some(Declared::OpenApi(service)) => whole(&mut service.file),
            Some(Declared::Agent(agent)) => whole(&mut agent.file),
            Some(Declared::Http(_)) | None => {}
        }
    }
    agent
}

/// The key by which two agents differ.
fn difference(one: &Agent, other: &Agent) -> Option<String> {
    if one == other {
        return None;
    }
    let tools = one.tools.iter().zip(&other.tools);
    let tool = tools.into_iter().find(|(one, other)| one != other).map(|(one, _)| &one.name);
    Some(match tool {
        Some(name) => format!("tools.{name}"),
        None if one.tools.len() != other.tools.len() => "tools".to_owned(),
        None if one.knowledge != other.knowledge => "knowledge".to_owned(),
        None if one.media != other.media => "media".to_owned(),
        None => String::new(),
    })
}
