//! Objects taken apart into their fields, byte for byte: a call's `extra`, and what a protocol says
//! of a part beside its body.

use std::borrow::Cow;

use largestack_types::call::{Call, ToolChoice};
use largestack_types::json::Json;
use largestack_types::part::Native;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::error::EncodeError;
use crate::json::{Fields, Object, lenient};

/// The fields of an object in their order.
#[derive(Debug, Default)]
pub(crate) struct FieldList<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Fields<'de> for FieldList<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.0.push((key, map.next_value()?));
        Ok(())
    }
}

impl<'a> FieldList<'a> {
    /// The fields of a text; none where it is no object.
    pub(crate) fn of(text: &'a str) -> Self {
        lenient::<Object<Self>>(text).0
    }

    /// What this wire says of a part, message or tool; `None` where another wire or nobody does.
    pub(crate) fn native(native: Option<&'a Native>, wire: &str) -> Option<Self> {
        Native::of(native, wire).map(|fields| Self::of(fields.as_str()))
    }

    /// The fields of a call's `extra`, none of which may be `reserved`.
    pub(crate) fn extra(json: Option<&'a Json>, reserved: &[&str]) -> Result<Self, EncodeError> {
        Self::unless(json, |key, _| reserved.contains(&key))
    }

    /// The same for OpenAI's protocols, which take a choice that `ToolChoice` has no word for and a
    /// list of tools that is there but empty, where the call itself says nothing of them.
    pub(crate) fn extra_of(call: &'a Call, reserved: &[&str]) -> Result<Self, EncodeError> {
        Self::unless(call.settings.extra.as_ref(), |key, value| match key {
            "tool_choice" => {
                call.tool_choice != ToolChoice::Auto || !value.get().starts_with(['{', '"'])
            }
            "tools" => !call.tools.is_empty() || value.get() != "[]",
            _ => reserved.contains(&key),
        })
    }

    fn unless(
        json: Option<&'a Json>,
        is_reserved: impl Fn(&str, &RawValue) -> bool,
    ) -> Result<Self, EncodeError> {
        let Some(text) = json.map(Json::as_str) else { return Ok(Self::default()) };
        if !text.trim_start().starts_with('{') {
            return Err(EncodeError::ExtraNotAnObject);
        }
        let Object(fields) = serde_json::from_str::<Object<Self>>(text)
            .map_err(|_| EncodeError::ExtraNotAnObject)?;
        no_key_twice(fields.iter().map(|(key, _)| key))?;
        match fields.0.iter().find(|(key, value)| is_reserved(key, value)) {
            Some((key, _)) => Err(EncodeError::ExtraReserved { key: key.to_string() }),
            None => Ok(fields),
        }
    }

    /// A group of settings inside of a call's `extra`.
    pub(crate) fn group(text: &'a str) -> Result<Self, EncodeError> {
        let fields = Self::of(text);
        no_key_twice(fields.iter().map(|(key, _)| key))?;
        Ok(fields)
    }

    /// The value of a field, as text.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, raw)| raw.get())
    }

    /// Takes a field out.
    pub(crate) fn take(&mut self, key: &str) -> Option<&'a str> {
        let place = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(place).1.get())
    }

    /// The names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, raw)| (&**key, raw.get()))
    }
}

/// A key that stands there twice could say one thing to us and another to the provider.
pub(crate) fn no_key_twice<K: Ord + AsRef<str>>(
    keys: impl Iterator<Item = K>,
) -> Result<(), EncodeError> {
    let mut keys: Vec<K> = keys.collect();
    keys.sort_unstable();
    let twice = keys.iter().zip(keys.iter().skip(1)).find(|(one, next)| one == next);
    twice.map_or(Ok(()), |(key, _)| Err(EncodeError::ExtraTwice { key: key.as_ref().to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_is_an_object_without_reserved_keys() {
        let of = |text: &str| {
            let json = Json::parse(text).unwrap();
            FieldList::extra(Some(&json), &["model"]).map(|fields| fields.0.len())
        };
        assert_eq!(of(r#"{"a": 1, "b": {}}"#), Ok(2));
        assert_eq!(of("[1]"), Err(EncodeError::ExtraNotAnObject));
        let reserved = EncodeError::ExtraReserved { key: "model".into() };
        assert_eq!(of(r#"{"model": "x"}"#), Err(reserved));
        let twice = EncodeError::ExtraTwice { key: "b".into() };
        assert_eq!(of(r#"{"b": 1, "a": 2, "\u0062": 3}"#), Err(twice));
        assert!(FieldList::extra(None, &[]).unwrap().0.is_empty());
    }
}
