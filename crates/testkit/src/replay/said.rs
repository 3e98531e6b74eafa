//! Everything that the provider said in one reply, leaf by leaf, taken from the JSON of its body
//! and never from what was decoded of it: a loss or an invention of a decoder cannot excuse itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::json::equal;

/// Fields that tell one thing that is streamed from another beside it.
const TELLS_APART: &[&str] = &[
    "type",
    "index",
    "output_index",
    "content_index",
    "summary_index",
    "annotation_index",
    "contentBlockIndex",
    "item_id",
    "thought",
];

/// What a provider said: each leaf, and the pieces of texts that came in pieces.
#[derive(Debug, Default)]
pub(super) struct Said {
    leaves: BTreeMap<String, Leaf>,
    objects: Vec<Map<String, Value>>,
}

#[derive(Debug, Default)]
struct Leaf {
    key: String,
    pieces: Vec<Value>,
}

impl Said {
    /// Of the JSON values of a body, in order.
    pub(super) fn of(values: &[Value]) -> Self {
        let mut said = Self::default();
        for value in values {
            said.learn(value, "", "");
        }
        said
    }

    fn learn(&mut self, value: &Value, path: &str, key: &str) {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    // A piece of something that has a number of its own stands anywhere.
                    let numbered = item.get("index").is_some();
                    let index = if numbered { String::new() } else { index.to_string() };
                    self.learn(item, &format!("{path}/{index}"), key);
                }
            }
            Value::Object(fields) => {
                self.objects.push(fields.clone());
                let apart = TELLS_APART.iter().filter_map(|name| Some((name, fields.get(*name)?)));
                let mut place = path.to_owned();
                for (name, value) in apart {
                    let _ = write!(place, "?{name}={value}");
                }
                for (name, field) in fields {
                    self.learn(field, &format!("{place}/{name}"), name);
                }
            }
            leaf => {
                let held = self.leaves.entry(path.to_owned()).or_default();
                key.clone_into(&mut held.key);
                held.pieces.push(leaf.clone());
            }
        }
    }

    /// Whether a leaf was said under this key: whole, or in pieces that follow one another.
    pub(super) fn has(&self, key: &str, leaf: &Value) -> bool {
        let named = |held: &&Leaf| alike(&held.key, key);
        self.leaves.values().filter(named).any(|held| held.says(leaf))
    }

    /// Whether any object has a field of this name.
    pub(super) fn has_field(&self, key: &str) -> bool {
        self.objects.iter().any(|said| said.keys().any(|other| same_key(other, key)))
    }

    /// Whether this object was said just so, with all of its fields and no other.
    pub(super) fn has_object(&self, object: &Value) -> bool {
        let Value::Object(own) = object else { return false };
        let holds = |said: &Map<String, Value>, key: &str, value: &Value| {
            said.iter().any(|(other, said)| same_key(other, key) && equal(said, value))
        };
        self.objects.iter().any(|said| {
            said.len() == own.len() && own.iter().all(|(key, value)| holds(said, key, value))
        })
    }

    /// Whether a function was called without an id, so that whoever writes the call makes one.
    pub(super) fn calls_without_id(&self) -> bool {
        let calls = self.leaves.keys().filter_map(|path| path.strip_suffix("/function/name"));
        calls
            .map(|call| self.leaves.get(&format!("{call}/id")))
            .any(|id| id.is_none_or(|id| id.pieces.iter().all(|piece| piece.as_str() == Some(""))))
    }
}

impl Leaf {
    fn says(&self, leaf: &Value) -> bool {
        let same = |piece: &Value| match (piece, leaf) {
            (Value::String(piece), Value::String(leaf)) => {
                piece == leaf || same_base64(piece, leaf)
            }
            _ => equal(piece, leaf),
        };
        if self.pieces.iter().any(same) {
            return true;
        }
        let Value::String(text) = leaf else {
            return self.parsed().is_some_and(|whole| holds(&whole, leaf));
        };
        let run = |from: usize| {
            let mut rest = text.as_str();
            for piece in self.pieces.iter().skip(from).filter_map(Value::as_str) {
                let Some(more) = rest.strip_prefix(piece) else { return false };
                rest = more;
                if rest.is_empty() {
                    return true;
                }
            }
            false
        };
        !text.is_empty() && ((0..self.pieces.len()).any(run) || self.means(text))
    }

    /// What it says when all of it is put together and that is JSON: arguments of a tool.
    fn parsed(&self) -> Option<Value> {
        let text: String = self.pieces.iter().filter_map(Value::as_str).collect();
        let begins = text.trim_start().starts_with(['{', '[']);
        begins.then(|| serde_json::from_str(&text).ok()).flatten()
    }

    /// Whether a text is the same JSON in another spelling, or a text inside of it.
    fn means(&self, text: &str) -> bool {
        let Some(whole) = self.parsed() else { return false };
        let same = serde_json::from_str::<Value>(text).is_ok_and(|value| equal(&value, &whole));
        same || holds(&whole, &Value::from(text))
    }
}

/// Whether a value has this leaf somewhere.
fn holds(whole: &Value, leaf: &Value) -> bool {
    match whole {
        Value::Array(items) => items.iter().any(|item| holds(item, leaf)),
        Value::Object(fields) => fields.values().any(|field| holds(field, leaf)),
        other => equal(other, leaf),
    }
}

/// Whether what was said under one key may go back under another: the same, or that of a piece,
/// which says only that it is one.
fn alike(held: &str, key: &str) -> bool {
    same_key(held, key) || matches!(held, "delta" | "partial_json")
}

/// Whether two keys are one in two spellings (`thoughtSignature`, `thought_signature`).
pub(super) fn same_key(a: &str, b: &str) -> bool {
    a == b || plain_key(a) == plain_key(b)
}

/// A key without what its spellings differ in.
fn plain_key(key: &str) -> String {
    key.replace('_', "").to_ascii_lowercase()
}

/// Whether two texts are the same bytes in base64 and in its form for addresses.
pub(super) fn same_base64(own: &str, sent: &str) -> bool {
    let plain = |text: &str| text.replace('-', "+").replace('_', "/");
    let packed = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let (own, sent) = (plain(own), plain(sent));
    own.len() > 16
        && own.chars().all(packed)
        && own.trim_end_matches('=') == sent.trim_end_matches('=')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn streamed() -> Said {
        let piece = |index: u32, text: &str| json!({"choices": [{"delta": {"tool_calls": [{"index": index, "arguments": text}]}}]});
        Said::of(&[piece(0, "{\"a\":"), piece(1, "{}"), piece(0, " [1,"), piece(0, "2]}")])
    }

    #[test]
    fn pieces_that_follow_one_another_were_said_and_nothing_else_was() {
        let said = streamed();
        assert!(said.has("arguments", &json!("{\"a\": [1,2]}")));
        assert!(said.has("arguments", &json!("{ \"a\":[1, 2] }")), "the same in another spelling");
        assert!(said.has("arguments", &json!("{}")));
        for never in ["{\"a\": [1,2]}{}", "{\"a\": [1,2]}{\"a\": [1,2]}", "[1", ""] {
            assert!(!said.has("arguments", &json!(never)), "{never}");
        }
        assert!(!said.has("name", &json!("{}")));
    }

    #[test]
    fn keys_are_compared_without_regard_to_their_spelling() {
        let said = Said::of(&[json!({"thoughtSignature": "c2Vhb", "n": 1})]);
        assert!(said.has("thought_signature", &json!("c2Vhb")) && said.has("n", &json!(1.0)));
        assert!(!said.has("n", &json!(true)));
    }

    #[test]
    fn a_call_has_no_id_only_where_the_provider_gave_it_none() {
        let call = |id: Value| json!({"tool_calls": [{"id": id, "function": {"name": "f"}}]});
        assert!(!Said::of(&[call(json!("call_1"))]).calls_without_id());
        let more = json!({"tool_calls": [{"function": {"arguments": "{}"}}]});
        assert!(!Said::of(&[call(json!("call_1")), more]).calls_without_id());
        for none in [json!(""), Value::Null] {
            assert!(Said::of(&[call(none)]).calls_without_id());
        }
    }
}
