//! The strings, numbers and other ends of a JSON text, with where they stand in it: so that a value
//! can be taken out and everything around it stays byte for byte.

use std::fmt::Write as _;
use std::ops::Range;

use serde::de::IgnoredAny;

/// One end of a JSON document.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// Where it hangs, e.g. `.choices[0].delta.content`.
    pub(crate) path: String,
    /// The length of the path of what holds it.
    pub(crate) parent: usize,
    /// The property it is the value of; empty in an array.
    pub(crate) name: String,
    /// How many objects and arrays it is in.
    pub(crate) depth: usize,
    /// Its bytes, without quotes.
    pub(crate) range: Range<usize>,
    /// Whether it stands in quotes.
    pub(crate) quoted: bool,
}

/// The ends of a text that is one JSON document; `None` where it is not.
pub(crate) fn leaves(text: &str, offset: usize) -> Option<Vec<Leaf>> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut scan = Scan { text, at: 0, offset, path: String::new(), depth: 0, leaves: Vec::new() };
    scan.value(0, "");
    Some(scan.leaves)
}

/// A walk through a text that is known to be JSON.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    offset: usize,
    path: String,
    depth: usize,
    leaves: Vec<Leaf>,
}

impl<'t> Scan<'t> {
    fn peek(&mut self) -> u8 {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    /// The inside of a string that begins here.
    fn string(&mut self) -> &'t str {
        let begins = self.at + 1;
        let rest = self.text.as_bytes().get(begins..).unwrap_or_default();
        let mut length = 0;
        while let Some(byte) = rest.get(length) {
            match byte {
                b'"' => break,
                b'\\' => length += 2,
                _ => length += 1,
            }
        }
        self.at = begins + length + 1;
        self.text.get(begins..begins + length).unwrap_or_default()
    }

    fn value(&mut self, parent: usize, name: &str) {
        match self.peek() {
            b'{' => self.members(b'}'),
            b'[' => self.members(b']'),
            b'"' => {
                let begins = self.at + 1;
                let length = self.string().len();
                self.leaf(parent, name, begins..begins + length, true);
            }
            _ => {
                let begins = self.at;
                let rest = self.text.as_bytes().get(begins..).unwrap_or_default();
                let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b'}' | b']');
                self.at += rest.iter().take_while(|byte| !ends(byte)).count().max(1);
                self.leaf(parent, name, begins..self.at, false);
            }
        }
    }

    fn leaf(&mut self, parent: usize, name: &str, range: Range<usize>, quoted: bool) {
        let range = range.start + self.offset..range.end + self.offset;
        let (path, name, depth) = (self.path.clone(), name.to_owned(), self.depth);
        self.leaves.push(Leaf { path, parent, name, depth, range, quoted });
    }

    fn members(&mut self, close: u8) {
        self.at += 1;
        self.depth += 1;
        let parent = self.path.len();
        let mut number = 0;
        loop {
            match self.peek() {
                byte if byte == close || byte == 0 => break,
                b',' => self.at += 1,
                b'"' if close == b'}' => {
                    let name = self.string();
                    self.path.push('.');
                    self.path.push_str(name);
                    self.peek(); // the colon
                    self.at += 1;
                    self.value(parent, name);
                    self.path.truncate(parent);
                }
                _ => {
                    // Writing into a string cannot fail.
                    let _ = write!(self.path, "[{number}]");
                    number += 1;
                    self.value(parent, "");
                    self.path.truncate(parent);
                }
            }
        }
        self.at += 1;
        self.depth -= 1;
    }
}

/// A JSON text without the space between its tokens; numbers and strings as they are.
pub(crate) fn dense(text: &str) -> String {
    let mut dense = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for letter in text.chars() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
        } else if letter.is_ascii_whitespace() {
            continue;
        } else {
            quoted = letter == '"';
        }
        dense.push(letter);
    }
    dense
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_leaf_knows_its_place_and_its_bytes() {
        let text = r#" {"a": [1, {"b\"": "x\\"}], "c": null , "d": {} } "#;
        let found: Vec<(String, &str)> = leaves(text, 0)
            .unwrap()
            .into_iter()
            .map(|leaf| (leaf.path, &text[leaf.range]))
            .collect();
        let expected =
            [(".a[0]", "1"), (r#".a[1].b\""#, r"x\\"), (".c", "null")].map(|(a, b)| (a.into(), b));
        assert_eq!(found, expected);
        assert!(leaves("{", 0).is_none() && leaves("", 0).is_none());
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i64>().prop_map(Into::into),
            ".{0,12}".prop_map(serde_json::Value::String),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
                prop::collection::vec((".{0,6}", inner), 0..4)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    /// How many values of a document hold no others.
    fn count(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(items) => items.iter().map(count).sum(),
            serde_json::Value::Object(items) => items.values().map(count).sum(),
            _ => 1,
        }
    }

    proptest! {
        #[test]
        fn every_leaf_is_found_as_it_stands(value in json(), pretty: bool) {
            let text =
                if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.unwrap();
            let found = leaves(&text, 0).unwrap();
            prop_assert_eq!(found.len(), count(&value));
            for leaf in found {
                let raw = &text[leaf.range.clone()];
                let raw = if leaf.quoted { format!("\"{raw}\"") } else { raw.to_owned() };
                prop_assert!(serde_json::from_str::<serde_json::Value>(&raw).is_ok(), "{}", raw);
            }
            prop_assert_eq!(dense(&text), serde_json::to_string(&value).unwrap());
        }
    }
}
