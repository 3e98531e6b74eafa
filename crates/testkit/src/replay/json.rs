//! JSON beside JSON: what differs, and where.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

/// A place where two values differ, as a JSON pointer, with what stands there.
#[derive(Debug)]
pub(super) struct Difference<'v> {
    pub(super) path: String,
    pub(super) ours: Option<&'v Value>,
    pub(super) theirs: Option<&'v Value>,
}

/// Where two values differ. Numbers are compared by value, objects without regard to order.
pub(super) fn differences<'v>(ours: &'v Value, theirs: &'v Value) -> Vec<Difference<'v>> {
    let mut found = Vec::new();
    walk(&mut String::new(), Some(ours), Some(theirs), &mut found);
    found
}

fn walk<'v>(
    path: &mut String,
    ours: Option<&'v Value>,
    theirs: Option<&'v Value>,
    found: &mut Vec<Difference<'v>>,
) {
    let length = path.len();
    match (ours, theirs) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                path.push('/');
                path.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(path, a.get(key), b.get(key), found);
                path.truncate(length);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                let _ = write!(path, "/{index}");
                walk(path, a.get(index), b.get(index), found);
                path.truncate(length);
            }
        }
        (Some(a), Some(b)) if same(a, b) => {}
        (None, None) => {}
        _ => found.push(Difference { path: path.clone(), ours, theirs }),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// Whether two values are equal, as [`differences`] compares.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    differences(a, b).is_empty()
}

/// A value for a report, cut after 160 characters.
pub(super) fn show(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    let mut short: String = text.chars().take(160).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

/// The first of several pointers at which something other than null stands.
pub(super) fn at<'v>(value: &'v Value, pointers: &[&str]) -> Option<&'v Value> {
    pointers.iter().find_map(|p| value.pointer(p).filter(|found| !found.is_null()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_name_their_place() {
        let (a, b) = (json!({"x": [1, {"y/z": "a"}], "n": 1.0}), json!({"x": [1, {}, 3], "n": 1}));
        let places: Vec<_> = differences(&a, &b).into_iter().map(|d| d.path).collect();
        assert_eq!(places, ["/x/1/y~1z", "/x/2"]);
        assert!(equal(&a, &a));
    }
}
