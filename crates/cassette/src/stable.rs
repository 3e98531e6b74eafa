//! What happened, in a form that is the same at every run: for snapshots.

use serde::Serialize;
use serde_json::Value;

use crate::asked::{Ids, named};

/// Properties that say when, or how long.
const TIMES: &[&str] = &["at", "started", "updated", "expires", "duration_us", "first_byte_us"];

/// A value as JSON in which what differs from run to run does not: ids and placeholders are called by
/// their kind and number (`{{run_1}}`), hashes by their number, and times are 0. What is the same
/// within the value stays the same.
///
/// ```
/// let seen = serde_json::json!({
///     "at": 1_764_000_000_000_000_i64,
///     "said": "run_018bcfe5680070070707070707070707 is over",
/// });
/// assert_eq!(
///     largestack_cassette::stable(&seen),
///     serde_json::json!({"at": 0, "said": "{{run_1}} is over"})
/// );
/// ```
pub fn stable(value: &impl Serialize) -> Value {
    let value = serde_json::to_value(value).unwrap_or_default();
    settled(value, &mut Ids::new(), &mut Vec::new())
}

fn settled(value: Value, ids: &mut Ids, hashes: &mut Vec<String>) -> Value {
    match value {
        Value::Object(properties) => {
            let settle = |(name, value): (String, Value)| {
                let value = match value {
                    Value::Number(_) if TIMES.contains(&name.as_str()) => Value::from(0),
                    value => settled(value, ids, hashes),
                };
                (name, value)
            };
            Value::Object(properties.into_iter().map(settle).collect())
        }
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| settled(item, ids, hashes)).collect())
        }
        Value::String(text) if is_hash(&text) => Value::String(hash_name(text, hashes)),
        Value::String(text) => Value::String(named(&text, ids)),
        other => other,
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn hash_name(hash: String, hashes: &mut Vec<String>) -> String {
    let known = hashes.iter().position(|known| *known == hash);
    let number = known.unwrap_or(hashes.len()) + 1;
    if known.is_none() {
        hashes.push(hash);
    }
    format!("{{{{hash_{number}}}}}")
}

#[cfg(test)]
mod tests {
    use largestack_types::id::RunId;
    use serde_json::json;

    use super::*;

    #[test]
    fn two_runs_that_did_the_same_look_the_same_and_two_that_did_not_do_not() {
        let seen = |run: u128, hash: &str, at: i64, said: &str| {
            let (run, hash) = (RunId::from_u128(run), hash.repeat(64));
            stable(&json!({"run": run, "root": run, "definition": hash, "again": [hash],
                "at": at, "data": {"duration_us": at, "text": said}}))
        };
        let one = seen(1, "a", 5, "<CARD_1:k7q> of 5");
        assert_eq!(one, seen(2, "b", 9, "<CARD_1:zz9> of 5"));
        assert_ne!(one, seen(1, "a", 5, "<CARD_1:k7q> of 6"));
        assert_eq!(one["root"], "{{run_1}}");
        assert_eq!(one["again"][0], "{{hash_1}}");
    }
}
