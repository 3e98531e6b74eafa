//! What values are, as far as a file says it: enough to see before a run that a list is wanted where a
//! text stands.

use serde_json::Value;

use crate::node::Node;
use crate::problem::Wrong;
use crate::value;

/// What a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    #[default]
    Any,
    /// A text.
    Text,
    /// A number.
    Number,
    /// A truth value.
    Boolean,
    /// A list.
    List,
    /// An object.
    Object,
}

/// The kinds, as a file names them.
const KINDS: &[(&str, Kind)] = &[
    ("any", Kind::Any),
    ("text", Kind::Text),
    ("number", Kind::Number),
    ("boolean", Kind::Boolean),
    ("list", Kind::List),
    ("object", Kind::Object),
];

impl Kind {
    /// Its name, as a file has it.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("any", |(name, _)| name)
    }

    /// Whether a value that is one may stand where the other is wanted.
    pub fn fits(self, wanted: Self) -> bool {
        self == wanted || self == Self::Any || wanted == Self::Any
    }

    /// What a value is.
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Any,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }

    /// What a JSON Schema lets through, where it names one type.
    pub(crate) fn of_schema(schema: &Value) -> Self {
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => Self::Text,
            Some("number" | "integer") => Self::Number,
            Some("boolean") => Self::Boolean,
            Some("array") => Self::List,
            Some("object") => Self::Object,
            _ => Self::Any,
        }
    }

    /// A value of this kind that was typed as text: one that is no text is JSON. Where anything may
    /// stand, only an object or a list is read as JSON; all else, numbers and quotes too, stays the
    /// text that was typed.
    pub fn typed(self, text: &str) -> Result<Value, String> {
        let kept = || Ok(Value::String(text.to_owned()));
        if self == Self::Text || (self == Self::Any && !text.trim_start().starts_with(['{', '['])) {
            return kept();
        }
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(_) if self == Self::Any => return kept(),
            Err(error) => {
                return Err(format!("a {} is JSON, and this is not: {error}", self.name()));
            }
        };
        if value.is_null() {
            Err(format!("a {} is wanted, and this is null", self.name()))
        } else if Self::of(&value).fits(self) {
            Ok(value)
        } else {
            Err(format!("a {} is wanted, and this is a {}", self.name(), Self::of(&value).name()))
        }
    }
}

pub(super) fn read(node: &Node) -> Result<Kind, Wrong> {
    value::choice(KINDS)(node)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_typed_becomes_what_is_wanted_or_is_refused() {
        assert_eq!(Kind::Text.typed("[1]").unwrap(), json!("[1]"));
        assert_eq!(Kind::Any.typed("two words").unwrap(), json!("two words"));
        assert_eq!(Kind::List.typed("[1, 2]").unwrap(), json!([1, 2]));
        assert_eq!(Kind::Number.typed("2.5").unwrap(), json!(2.5));
        assert!(Kind::List.typed("{}").unwrap_err().contains("a list is wanted"));
        assert!(Kind::Object.typed("words").unwrap_err().contains("JSON"));
        let refused = Kind::Boolean.typed("null").unwrap_err();
        assert_eq!(refused, "a boolean is wanted, and this is null");
    }

    #[test]
    fn where_anything_may_stand_what_is_typed_stays_as_it_was_typed() {
        let long = "123456789012345678901234567890";
        for text in ["1.10", "007", long, "\"quoted\"", "null", "true", "[a link", "{{ x }}", ""] {
            assert_eq!(Kind::Any.typed(text).unwrap(), json!(text));
        }
        assert_eq!(Kind::Any.typed(" [1, null]").unwrap(), json!([1, null]));
        assert_eq!(Kind::Any.typed("{\"a\": 1}").unwrap(), json!({"a": 1}));
    }
}
