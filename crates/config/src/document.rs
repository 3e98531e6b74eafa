//! Documents that an agent's file names and somebody else has written: JSON or YAML, bounded, and with
//! the lines that errors about them need.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use largestack_types::json::Json;
use serde_json::Value;

use crate::node::{self, Node};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::yaml;

/// Bytes of a document.
pub(crate) const MAX_BYTES: u64 = 8 << 20;
/// Lists and groups inside each other, at most.
const MAX_DEPTH: usize = 100;

/// A document as JSON.
pub(crate) fn read(path: &Path) -> Result<Json, Wrong> {
    let size = fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if size > MAX_BYTES {
        let detail = format!("{} has more than {MAX_BYTES} bytes", path.display());
        return Err(Wrong::value(detail));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let at = |line: u64, column: u64, why: &str| {
        Wrong::value(format!("{}:{line}:{column}: {why}", path.display()))
    };
    let value: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| {
            let place = (error.line() as u64, error.column() as u64);
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default();
            at(place.0, place.1, why)
        })?
    } else {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
            strict_booleans: true,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
            let place = error.location().map_or((0, 0), |at| (at.line(), at.column()));
            at(place.0, place.1, &yaml::words(&error))
        })?
    };
    Json::of(&value).map_err(|error| Wrong::value(error.to_string()))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Wrong {
    Wrong::value(format!("{} cannot be read: {error}", path.display()))
}

/// The line at which a JSON pointer (RFC 6901) leads into a document, from 1: that of the deepest
/// place on the way that is there. `None` where the document cannot be read any more.
pub fn line_in_document(path: &Path, pointer: &str) -> Option<u32> {
    let text = fs::read_to_string(path).ok()?;
    let mut node = yaml::parse_within(&Arc::from(path), &text, MAX_DEPTH, &mut Vec::new()).ok()?;
    for token in pointer.split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        match inner(&node, &key) {
            Some(next) => node = next,
            None => break,
        }
    }
    match node.source {
        Source::File { line, .. } => Some(line),
        _ => None,
    }
}

fn inner(node: &Node, key: &str) -> Option<Node> {
    match &node.value {
        node::Value::Map(entries) => {
            let entry = entries.iter().find(|entry| entry.key == key)?;
            // Where the key stands: its value may begin lines below.
            Some(Node { value: entry.node.value.clone(), source: entry.source.clone() })
        }
        node::Value::List(items) => items.get(key.parse::<usize>().ok()?).cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_are_the_same_document_and_know_their_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let yaml = file(
            "a.yaml",
            "openapi: 3.1.0\npaths:\n  /pets/{id}:\n    get:\n      responses: {200: {}}\n",
        );
        let json = file(
            "a.json",
            "{\"openapi\": \"3.1.0\",\n \"paths\": {\n  \"/pets/{id}\": {\"get\":\n   {\"responses\": {\"200\": {}}}}}}",
        );
        assert_eq!(read(&yaml).unwrap(), read(&json).unwrap());
        assert_eq!(line_in_document(&yaml, "/paths/~1pets~1{id}/get"), Some(4));
        assert_eq!(line_in_document(&json, "/paths/~1pets~1{id}/get"), Some(3));
        assert_eq!(line_in_document(&yaml, "/paths/~1pets~1{id}/put/x"), Some(3));
        assert_eq!(line_in_document(folder.path(), "/a"), None);
    }

    #[test]
    fn bare_words_are_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "a: [n, yes, off, true, 1]\n").unwrap();
        assert_eq!(read(&path).unwrap().as_str(), r#"{"a":["n","yes","off",true,1]}"#);
    }

    #[test]
    fn what_is_no_document_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = |text: &str| {
            let path = folder.path().join("a");
            fs::write(&path, text).unwrap();
            match read(&path).unwrap_err() {
                Wrong::Value { detail, .. } => detail,
                other => panic!("{other:?}"),
            }
        };
        assert!(
            wrong("{\n \"a\": }").contains("a:2:7: expected value"),
            "{}",
            wrong("{\n \"a\": }")
        );
        assert!(wrong("a: 1\nb: [\n").contains("a:"), "{}", wrong("a: 1\nb: [\n"));
        assert!(wrong(&" ".repeat(usize::try_from(MAX_BYTES).unwrap() + 1)).contains("more than"));
        assert!(matches!(read(&folder.path().join("none")), Err(Wrong::Value { .. })));
    }
}
