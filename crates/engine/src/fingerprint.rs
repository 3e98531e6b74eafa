//! A fingerprint of tool calls that ignores the order of calls, of object keys and of white space,
//! computed while reading the arguments once, without building a value.

use std::fmt;

use largestack_types::part::{Arguments, ToolCall};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// FNV-1a, 64 bit: stable over builds, so that a snapshot of a run stays valid.
fn mix(mut hash: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// The fingerprint of a turn's calls: equal for equal sets of calls.
pub(crate) fn of_calls<'a>(calls: impl Iterator<Item = &'a ToolCall>) -> u64 {
    calls.fold(0, |sum: u64, call| sum.wrapping_add(of_call(call)))
}

fn of_call(call: &ToolCall) -> u64 {
    let arguments = match &call.arguments {
        Arguments::Json(json) => {
            let mut reader = serde_json::Deserializer::from_str(json.as_str());
            Shape.deserialize(&mut reader).unwrap_or_else(|_| mix(SEED, json.as_str().as_bytes()))
        }
        Arguments::Malformed(text) => mix(SEED ^ 1, text.as_bytes()),
    };
    mix(mix(SEED, call.name.as_bytes()), &arguments.to_le_bytes())
}

struct Shape;

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<u64, E> {
        Ok(mix(SEED, if value { b"true" } else { b"false" }))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<u64, E> {
        Ok(mix(SEED ^ 2, &value.to_le_bytes()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<u64, E> {
        // Small numbers arrive as either sign; both must agree.
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Ok(mix(SEED ^ 3, &value.to_le_bytes())),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<u64, E> {
        Ok(mix(SEED ^ 4, &value.to_bits().to_le_bytes()))
    }

    fn visit_str<E>(self, value: &str) -> Result<u64, E> {
        Ok(mix(SEED ^ 5, value.as_bytes()))
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(mix(SEED, b"null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let mut hash = SEED ^ 6;
        while let Some(item) = items.next_element_seed(Shape)? {
            hash = mix(hash, &item.to_le_bytes());
        }
        Ok(hash)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<u64, A::Error> {
        let mut sum = SEED ^ 7;
        while let Some(key) = entries.next_key_seed(Shape)? {
            let value = entries.next_value_seed(Shape)?;
            sum = sum.wrapping_add(mix(key, &value.to_le_bytes()));
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            call: largestack_types::id::CallId::default(),
            provider_id: "x".into(),
            name: name.into(),
            arguments: Arguments::from_text(arguments),
        }
    }

    fn print(calls: &[ToolCall]) -> u64 {
        of_calls(calls.iter())
    }

    #[test]
    fn order_of_calls_and_keys_and_white_space_do_not_matter() {
        let a = [call("a", r#"{"x":1,"y":[1,"2"]}"#), call("b", "{}")];
        let b = [call("b", "{ }"), call("a", r#"{ "y": [1, "2"], "x": 1 }"#)];
        assert_eq!(print(&a), print(&b));
    }

    #[test]
    fn names_values_and_the_order_of_lists_matter() {
        let base = print(&[call("a", r#"{"x":[1,2]}"#)]);
        for (name, arguments) in [
            ("b", r#"{"x":[1,2]}"#),
            ("a", r#"{"x":[2,1]}"#),
            ("a", r#"{"x":["1",2]}"#),
            ("a", r#"{"y":[1,2]}"#),
            ("a", r#"{"x":[1,2]"#),
        ] {
            assert_ne!(base, print(&[call(name, arguments)]), "{name} {arguments}");
        }
        assert_ne!(base, print(&[call("a", r#"{"x":[1,2]}"#), call("a", r#"{"x":[1,2]}"#)]));
    }
}
