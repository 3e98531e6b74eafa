//! A tree as YAML 1.2: groups one key a line, lists on one line where they hold words alone.

use std::fmt::Write as _;

use crate::node::{Entry, Kind, Node, Scalar, Value};

/// Characters of a list that stands on one line.
const WIDTH: usize = 80;

/// A whole document.
pub(super) fn document(tree: &Node) -> String {
    let mut text = String::new();
    if let Value::Map(entries) = &tree.value {
        map(entries, 0, &mut text);
    }
    text
}

fn map(entries: &[Entry], depth: usize, out: &mut String) {
    for entry in entries {
        let _ = write!(out, "{:width$}{}:", "", key(&entry.key), width = depth * 2);
        value(&entry.node, depth + 1, out);
    }
}

/// What follows a colon or a dash, to the end of its last line.
fn value(node: &Node, depth: usize, out: &mut String) {
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            map(entries, depth, out);
        }
        Value::List(items) => match flow(items) {
            Some(line) => {
                let _ = writeln!(out, " {line}");
            }
            None => list(items, depth, out),
        },
        Value::Scalar(scalar) if block(scalar).is_some() => {
            let (head, text) = block(scalar).unwrap_or_default();
            let _ = writeln!(out, " {head}");
            for line in text.lines() {
                let width = if line.is_empty() { 0 } else { depth * 2 };
                let _ = writeln!(out, "{:width$}{line}", "");
            }
        }
        _ => {
            let _ = writeln!(out, " {}", word(node));
        }
    }
}

fn list(items: &[Node], depth: usize, out: &mut String) {
    out.push('\n');
    for item in items {
        let _ = write!(out, "{:width$}-", "", width = depth * 2);
        value(item, depth + 1, out);
    }
}

/// A list on one line, where it is one of words and fits.
fn flow(items: &[Node]) -> Option<String> {
    let plain = |item: &Node| match &item.value {
        Value::Map(entries) => entries.is_empty(),
        Value::List(items) => items.is_empty(),
        _ => true,
    };
    let words: Vec<_> = items.iter().filter(|item| plain(item)).map(word).collect();
    let line = format!("[{}]", words.join(", "));
    (words.len() == items.len() && (items.is_empty() || line.len() <= WIDTH)).then_some(line)
}

/// A value without anything in it.
fn word(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Map(_) => "{}".to_owned(),
        Value::List(_) => "[]".to_owned(),
        Value::Scalar(scalar) => match (&scalar.written, scalar.kind) {
            (Some(written), _) => quoted(written),
            (None, Kind::Bool | Kind::Number) => scalar.text.clone(),
            (None, Kind::Plain) if is_plain(&scalar.text) => scalar.text.clone(),
            (None, _) => quoted(&scalar.text),
        },
    }
}

fn key(key: &str) -> String {
    if is_plain(key) { key.to_owned() } else { quoted(key) }
}

/// Whether a word stands for itself without quotes, to every reader of YAML.
fn is_plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let meant = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(word)
        && !meant.iter().any(|meant| text.eq_ignore_ascii_case(meant))
}

/// How a text of several lines begins as a block, and its lines; `None` where quotes are needed.
fn block(scalar: &Scalar) -> Option<(&'static str, &str)> {
    if matches!(scalar.kind, Kind::Bool | Kind::Number) {
        return None;
    }
    let text = scalar.written.as_deref().unwrap_or(&scalar.text);
    let (head, lines) = match text.strip_suffix('\n') {
        Some(lines) => ("|", lines),
        None => ("|-", text),
    };
    let odd = |c: char| needs_escape(c) || c == '\t';
    let fits = lines.contains('\n')
        && !lines.starts_with([' ', '\n'])
        && !lines.ends_with('\n')
        && lines.split('\n').all(|line| !line.contains(odd) && !line.ends_with(' '));
    fits.then_some((head, lines))
}

/// A text in quotes: escapes of JSON are escapes of YAML.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        if needs_escape(c) {
            let _ = write!(quoted, "\\u{:04x}", u32::from(c));
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// Characters that YAML does not print, or takes for the end of a line.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
