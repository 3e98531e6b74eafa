//! How deep a value may be: what is deeper, one of those that read it would refuse without a word.

use serde_json::Value;

/// Levels of lists and objects in a value, of either language and either way.
pub(crate) const MOST_DEPTH: usize = 64;

#[cfg(any(feature = "python", feature = "javascript"))]
/// What is said of a value that has more levels.
pub(crate) fn too_deep() -> String {
    format!("a value has more than {MOST_DEPTH} levels")
}

/// Whether a value has more levels of lists and objects than it may.
pub(crate) fn is_deep(value: &Value) -> bool {
    deeper(value, MOST_DEPTH)
}

fn deeper(value: &Value, left: usize) -> bool {
    let below = |value: &Value| left == 0 || deeper(value, left - 1);
    match value {
        Value::Array(items) => left == 0 || items.iter().any(below),
        Value::Object(fields) => left == 0 || fields.values().any(below),
        _ => false,
    }
}
