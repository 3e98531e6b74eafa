//! JSON kept as text: tool arguments, provider extras and schemas, shared without copying and
//! byte for byte as they arrived.

use std::fmt;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The name under which `serde_json`'s `RawValue` and its readers and writers agree to take text
/// as it stands. The tests would notice if they agreed on another.
pub const RAW: &str = "$serde_json::private::RawValue";

/// A valid JSON text, cheap to clone. Compared by its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Checks that `text` is JSON and keeps it as it is.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, serde_json::Error> {
        let text = text.into();
        // What stands around a value is not part of it.
        let value = serde_json::from_str::<&RawValue>(&text)?.get();
        Ok(if value.len() == text.len() { Self(text) } else { Self(value.into()) })
    }

    /// Keeps a text that its writer has put together from JSON values: it is not read again.
    pub fn vouched(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        debug_assert!(serde_json::from_str::<IgnoredAny>(&text).is_ok(), "not JSON: {text}");
        Self(text)
    }

    /// The JSON of a value.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// `{}`.
    pub fn empty_object() -> Self {
        Self("{}".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same text in memory: then what was found out about one holds for the
    /// other.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Parsed into a type.
    pub fn to<T: for<'de> Deserialize<'de>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&RawValue> for Json {
    fn from(raw: &RawValue) -> Self {
        Self(raw.get().into())
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Self {
        Self(Box::<str>::from(raw).into())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As a `RawValue` writes itself, without making one: the text is not read again.
        let mut raw = serializer.serialize_struct(RAW, 1)?;
        raw.serialize_field(RAW, &*self.0)?;
        raw.end()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// A canonical form of a JSON text: object keys sorted, no white space, numbers as `serde_json`
/// prints them. Two texts that mean the same arguments give the same form.
pub fn canonical(text: &str) -> Result<String, serde_json::Error> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    serde_json::to_string(&sorted(value))
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.into_iter().collect()
        }
        serde_json::Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_kept_byte_for_byte_inside_structures() {
        #[derive(Serialize, Deserialize)]
        struct Holder {
            inner: Json,
        }
        let text = r#"{"inner":{"b": 1.50,  "a":[]}}"#;
        let holder: Holder = serde_json::from_str(text).unwrap();
        assert_eq!(holder.inner.as_str(), r#"{"b": 1.50,  "a":[]}"#);
        assert_eq!(serde_json::to_string(&holder).unwrap(), text);
        assert!(Json::parse("{").is_err());
    }

    #[test]
    fn canonical_form_ignores_key_order_and_space() {
        let a = canonical(r#"{"b":{"y":1,"x":2},"a":[{"d":1,"c":2}]}"#).unwrap();
        let b = canonical(r#"{ "a":[{"c":2,"d":1}],"b":{"x":2,"y":1}}"#).unwrap();
        assert_eq!(a, b);
        assert_ne!(a, canonical(r#"{"a":[],"b":{"x":2,"y":1}}"#).unwrap());
    }

    #[test]
    fn the_empty_object_is_one() {
        assert_eq!(Json::empty_object().as_str(), "{}");
    }
}
