//! What an answer that is still being written says so far. Nothing is invented: a string, a list
//! and an object grow; a number and a word count when something stands behind them, a property
//! when its value has begun.

use serde_json::{Map, Value};

/// How deep values may stand in each other.
const MOST_DEEP: usize = 128;

/// The value so far; `None` before one has begun. Words or a fence before it are passed over.
pub fn partial(text: &str) -> Option<Value> {
    let begin = text.find(['{', '[', '"'])?;
    let mut reader = Reader { text: text.get(begin..)?, at: 0 };
    reader.value(0).0
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// A value as far as it goes, and whether it is complete.
type Piece = (Option<Value>, bool);

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Passes over a byte if it is the next one.
    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn value(&mut self, deep: usize) -> Piece {
        self.space();
        match self.peek() {
            _ if deep > MOST_DEEP => (None, false),
            Some(b'{') => self.object(deep),
            Some(b'[') => self.list(deep),
            Some(b'"') => {
                let (text, whole) = self.string();
                (text.map(Value::String), whole)
            }
            Some(_) => self.word(),
            None => (None, false),
        }
    }

    fn object(&mut self, deep: usize) -> Piece {
        self.at += 1;
        let mut fields = Map::new();
        loop {
            if self.eat(b'}') {
                return (Some(Value::Object(fields)), true);
            }
            self.space();
            if self.peek() != Some(b'"') {
                break;
            }
            let (Some(name), true) = self.string() else { break };
            if !self.eat(b':') {
                break;
            }
            let (value, whole) = self.value(deep + 1);
            if let Some(value) = value {
                fields.insert(name, value);
            }
            if !whole || !(self.eat(b',') || self.closes(b'}')) {
                break;
            }
        }
        (Some(Value::Object(fields)), false)
    }

    fn list(&mut self, deep: usize) -> Piece {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            if self.eat(b']') {
                return (Some(Value::Array(items)), true);
            }
            let (value, whole) = self.value(deep + 1);
            items.extend(value);
            if !whole || !(self.eat(b',') || self.closes(b']')) {
                break;
            }
        }
        (Some(Value::Array(items)), false)
    }

    fn closes(&mut self, byte: u8) -> bool {
        self.space();
        self.peek() == Some(byte)
    }

    /// A string, up to its last complete character.
    fn string(&mut self) -> (Option<String>, bool) {
        let begin = self.at;
        self.at += 1;
        // Where the last complete character ends.
        let mut safe = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    let whole = self.text.get(begin..self.at);
                    return (whole.and_then(|text| serde_json::from_str(text).ok()), true);
                }
                b'\\' => {
                    let unicode = self.text.as_bytes().get(self.at + 1) == Some(&b'u');
                    let length = if unicode { 6 } else { 2 };
                    if self.at + length > self.text.len() {
                        break;
                    }
                    self.at += length;
                    // Half of a surrogate pair is no character yet.
                    let half = self.text.get(self.at - length + 2..self.at - length + 3);
                    let high = unicode && half.is_some_and(|digit| matches!(digit, "d" | "D"));
                    if !high || decodes(self.text, begin, self.at) {
                        safe = self.at;
                    }
                }
                _ => {
                    self.at += 1;
                    if self.text.is_char_boundary(self.at) {
                        safe = self.at;
                    }
                }
            }
        }
        self.at = self.text.len();
        let so_far = self.text.get(begin..safe).map(|text| format!("{text}\""));
        (so_far.and_then(|text| serde_json::from_str(&text).ok()), false)
    }

    /// A number, or `true`, `false`, `null`: complete only before something else.
    fn word(&mut self) -> Piece {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find([',', '}', ']', ' ', '\n', '\r', '\t']);
        let Some(end) = end else {
            self.at = self.text.len();
            return (None, false);
        };
        let value = rest.get(..end).and_then(|word| serde_json::from_str(word).ok());
        self.at += end;
        let whole = value.is_some();
        (value, whole)
    }
}

fn decodes(text: &str, begin: usize, end: usize) -> bool {
    let closed = text.get(begin..end).map(|text| format!("{text}\""));
    closed.is_some_and(|text| serde_json::from_str::<String>(&text).is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_lists_and_objects_grow_and_numbers_wait_for_their_end() {
        assert_eq!(partial(""), None);
        assert_eq!(partial("Here: "), None);
        assert_eq!(partial("{"), Some(json!({})));
        assert_eq!(partial(r#"{"na"#), Some(json!({})));
        assert_eq!(partial(r#"{"name":"#), Some(json!({})));
        assert_eq!(partial(r#"{"name": "A"#), Some(json!({"name": "A"})));
        assert_eq!(partial(r#"{"age": 12"#), Some(json!({})));
        assert_eq!(partial(r#"{"age": 12,"#), Some(json!({"age": 12})));
        assert_eq!(partial(r#"{"ok": tru"#), Some(json!({})));
        assert_eq!(partial(r#"[1, 2, {"a": "x\"#), Some(json!([1, 2, {"a": "x"}])));
        assert_eq!(partial("```json\n{\"a\": [\"b"), Some(json!({"a": ["b"]})));
        assert_eq!(partial(r#"{"a": "\ud83d"#), Some(json!({"a": ""})));
        assert_eq!(partial(r#"{"a": "\ud83d\ude00"#), Some(json!({"a": "\u{1F600}"})));
    }

    /// Whether everything in `part` is in `whole`, at the same place.
    fn within(part: &Value, whole: &Value) -> bool {
        match (part, whole) {
            (Value::Object(part), Value::Object(whole)) => part
                .iter()
                .all(|(name, part)| whole.get(name).is_some_and(|whole| within(part, whole))),
            (Value::Array(part), Value::Array(whole)) => {
                part.len() <= whole.len() && part.iter().zip(whole).all(|(p, w)| within(p, w))
            }
            (Value::String(part), Value::String(whole)) => whole.starts_with(part.as_str()),
            _ => part == whole,
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("\\PC{0,3}", inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_partial_value_never_says_what_the_whole_does_not(value in any_json(), cut in 0.0..1.0) {
            let whole = json!({"answer": value});
            let text = whole.to_string();
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short text")]
            let mut at = (text.len() as f64 * cut) as usize;
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            if let Some(part) = partial(&text[..at]) {
                prop_assert!(within(&part, &whole), "{part} of {text}");
            }
            prop_assert_eq!(partial(&text), Some(whole));
        }

        #[test]
        fn no_text_at_all_makes_it_fall(text in "\\PC{0,60}") {
            let _ = partial(&text);
            let _ = partial(&format!("{{\"a\":{text}"));
        }
    }
}
