//! An agent's file written out: what it includes put in, variables filled in, short forms long, and
//! paths absolute, so that it means the same wherever it lies. Reading it gives the same agent.

use std::fmt::Write as _;
use std::path::Path;

use crate::agent;
use crate::error::Error;
use crate::include;
use crate::keys::{KEYS, Place};
use crate::locate;
use crate::node::{Entry, Kind, Node, Scalar, Value};
use crate::read::Report;
use crate::settings::Inputs;
use crate::tools;

/// Keys that hold a path, and those that hold several.
fn holds_a_path(path: &[String]) -> bool {
    let named = |key: &&crate::keys::Key| {
        key.place == Place::Agent && (key.takes == "path" || key.path == "media.folders")
    };
    KEYS.iter().filter(named).any(|key| {
        let levels: Vec<&str> = key.path.split('.').collect();
        levels.len() == path.len()
            && levels.iter().zip(path).all(|(level, at)| *level == "*" || level == at)
    })
}

impl Inputs<'_> {
    /// The file of an agent, written out. The environment and flags are no part of it, but for the
    /// variables that it names. An agent that is wrong is not written.
    pub fn export(&self, path: &Path) -> Result<String, Error> {
        self.agent(path)?;
        let mut report = Report::default();
        let file = locate::agent_file(&self.working_folder.join(path))?;
        let written_out = |tree| tools::expanded(agent::expanded(tree));
        let tree = include::tree(&file, self.environment, written_out, &mut report)?;
        let mut text = String::new();
        write_map(&tree, 0, &mut Vec::new(), self.working_folder, &mut text);
        Ok(text)
    }
}

fn entries(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        _ => &[],
    }
}

fn write_map(node: &Node, depth: usize, at: &mut Vec<String>, folder: &Path, out: &mut String) {
    for entry in entries(node) {
        let _ = write!(out, "{:width$}{}:", "", quoted(&entry.key), width = depth * 2);
        at.push(entry.key.clone());
        write_value(&entry.node, depth, at, folder, out);
        at.pop();
    }
}

fn write_value(node: &Node, depth: usize, at: &mut Vec<String>, folder: &Path, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str(" null\n"),
        Value::Scalar(scalar) => {
            let _ = writeln!(out, " {}", word(scalar, node, at, folder));
        }
        Value::Map(inner) if inner.is_empty() => out.push_str(" {}\n"),
        Value::Map(_) => {
            out.push('\n');
            write_map(node, depth + 1, at, folder, out);
        }
        Value::List(items) => {
            let flow: Vec<String> = items.iter().map(|item| flow(item, at, folder)).collect();
            let _ = writeln!(out, " [{}]", flow.join(", "));
        }
    }
}

/// A value on one line.
fn flow(node: &Node, at: &mut Vec<String>, folder: &Path) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Scalar(scalar) => word(scalar, node, at, folder),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(|item| flow(item, at, folder)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(inner) => {
            let mut pairs = Vec::with_capacity(inner.len());
            for entry in inner {
                at.push(entry.key.clone());
                pairs.push(format!("{}: {}", quoted(&entry.key), flow(&entry.node, at, folder)));
                at.pop();
            }
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn word(scalar: &Scalar, node: &Node, at: &[String], folder: &Path) -> String {
    if holds_a_path(at) {
        let path = node.source.folder(folder).join(&scalar.text);
        let path = std::path::absolute(&path).unwrap_or(path);
        return quoted(&path.to_string_lossy());
    }
    match scalar.kind {
        Kind::Bool | Kind::Number => scalar.text.clone(),
        // What a variable filled in has no type: it is written as what it looks like.
        Kind::Untyped if looks_typed(&scalar.text) => scalar.text.clone(),
        Kind::Untyped | Kind::Plain | Kind::Quoted => quoted(&scalar.text),
    }
}

fn looks_typed(text: &str) -> bool {
    matches!(text, "true" | "false") || text.parse::<f64>().is_ok()
}

/// A text in quotes, as JSON and YAML both read it; what would be a variable stays a text.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text.replace("${", "$${")).to_string()
}
