//! SARIF 2.1.0: findings as tools that show them beside code read them.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};

/// A whole report of one tool.
pub(crate) fn report(tool: &str, rules: &[Value], results: &[Value]) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": tool,
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A rule, by the name that results call it.
pub(crate) fn rule(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "shortDescription": {"text": name}})
}

/// A file, and where it is known, the stretch of it.
pub(crate) fn location(file: &str, region: Option<Value>) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": file}});
    if let (Some(region), Some(physical)) = (region, physical.as_object_mut()) {
        physical.insert("region".to_owned(), region);
    }
    json!({"physicalLocation": physical})
}

/// A path as a reference: every byte that could mean something else is escaped.
pub(crate) fn uri(path: &Path) -> String {
    let path = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// Where lines begin, so that many places of one text are told without counting anew.
pub(crate) struct Lines<'t> {
    text: &'t str,
    begins: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let begins = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { text, begins: [0].into_iter().chain(begins.map(|(at, _)| at + 1)).collect() }
    }

    /// A stretch of the text, by bytes and as people count: from 1, a column is a character.
    pub(crate) fn region(&self, span: Range<usize>) -> Value {
        let (start_line, start_column) = self.place(span.start);
        let (end_line, end_column) = self.place(span.end);
        json!({
            "startLine": start_line,
            "startColumn": start_column,
            "endLine": end_line,
            "endColumn": end_column,
            "byteOffset": span.start,
            "byteLength": span.len(),
        })
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let line = self.begins.partition_point(|begin| *begin <= at);
        let begin = line.checked_sub(1).and_then(|line| self.begins.get(line)).copied();
        let before = self.text.get(begin.unwrap_or_default()..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_lines_and_characters_and_by_bytes() {
        let lines = Lines::of("één\nzwölf Aß\n");
        let region = lines.region(5..17);
        assert_eq!((&region["startLine"], &region["startColumn"]), (&json!(1), &json!(4)));
        let region = lines.region(13..16);
        assert_eq!((&region["startLine"], &region["startColumn"]), (&json!(2), &json!(7)));
        assert_eq!((&region["endLine"], &region["endColumn"]), (&json!(2), &json!(9)));
        assert_eq!((&region["byteOffset"], &region["byteLength"]), (&json!(13), &json!(3)));
    }

    #[test]
    fn a_path_is_escaped_as_a_reference() {
        assert_eq!(uri(Path::new("my notes/a#1.txt")), "my%20notes/a%231.txt");
        assert_eq!(uri(Path::new("/x/é")), "file:///x/%C3%A9");
    }
}
