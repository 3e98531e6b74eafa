//! Objects under way, and objects taken apart field by field: what a part's native fields say goes
//! into the request in the spelling in which it came (the JSON form of protocol buffers reads
//! `inlineData` and `inline_data` alike).

use std::borrow::Cow;

use largestack_types::json::Json;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::escape::write_str;
use crate::json::{Fields, Object, lenient};

/// A field and its value.
pub(super) type Field<'a> = (Cow<'a, str>, &'a RawValue);

/// The fields of an object, in order, values as they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries<'a>(pub(super) Vec<Field<'a>>);

impl<'de> Fields<'de> for Entries<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.0.push((key, map.next_value()?));
        Ok(())
    }
}

impl<'a> Entries<'a> {
    /// The fields of an object; none where it is something else.
    pub(super) fn of(text: &'a str) -> Self {
        lenient::<Object<Self>>(text).0
    }

    /// Takes out the field that has one of these names.
    pub(super) fn take(&mut self, names: [&str; 2]) -> Option<Field<'a>> {
        let place = self.0.iter().position(|(key, _)| names.contains(&&**key))?;
        Some(self.0.remove(place))
    }

    /// The field that has one of these names.
    pub(super) fn get(&self, names: [&str; 2]) -> Option<&'a RawValue> {
        self.0.iter().find(|(key, _)| names.contains(&&**key)).map(|(_, value)| *value)
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields as an object again.
    pub(super) fn to_json(&self) -> Json {
        let mut out = Vec::new();
        let mut object = Writer::begin(&mut out);
        object.rest(self);
        object.end();
        json(out)
    }
}

/// Text that was written by a [`Writer`].
pub(super) fn json(text: Vec<u8>) -> Json {
    let text = String::from_utf8(text).unwrap_or_default();
    Json::parse(text).unwrap_or_else(|_| Json::empty_object())
}

/// An object under way.
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Writer<'o> {
    /// Opens it.
    pub(super) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// A field's name; its value is to be appended to what is returned.
    pub(super) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        write_str(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// A field with a string.
    pub(super) fn str(&mut self, key: &str, value: &str) {
        write_str(self.key(key), value);
    }

    /// A field with JSON as it is.
    pub(super) fn raw(&mut self, key: &str, value: &str) {
        self.key(key).extend_from_slice(value.as_bytes());
    }

    /// A field that `said` may hold in one of its spellings: then it is taken from there, and left
    /// out where it is null there. Says whether it still has to be written.
    pub(super) fn said(&mut self, said: &mut Entries<'_>, names: [&str; 2]) -> bool {
        let Some((key, value)) = said.take(names) else { return true };
        if value.get() != "null" {
            self.raw(&key, value.get());
        }
        false
    }

    /// A field with a string, unless `said` holds it.
    pub(super) fn str_unless(&mut self, said: &mut Entries<'_>, names: [&str; 2], value: &str) {
        if self.said(said, names) {
            self.str(names[0], value);
        }
    }

    /// What is left of the fields that came beside.
    pub(super) fn rest(&mut self, entries: &Entries<'_>) {
        for (key, value) in &entries.0 {
            self.raw(key, value.get());
        }
    }

    /// Closes it.
    pub(super) fn end(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_written_as_it_was_said_and_null_leaves_out() {
        let mut said = Entries::of(r#"{"mime_type": "a/b", "id": null, "more": [1, 2]}"#);
        let mut out = Vec::new();
        let mut object = Writer::begin(&mut out);
        object.str_unless(&mut said, ["mimeType", "mime_type"], "x/y");
        object.str_unless(&mut said, ["id", "id"], "7");
        object.str_unless(&mut said, ["data", "data"], "A\"");
        object.rest(&said);
        object.end();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#"{"mime_type":"a/b","data":"A\"","more":[1, 2]}"#);
        assert!(Entries::of("[1]").is_empty());
    }
}
