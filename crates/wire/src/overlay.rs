//! Objects as a protocol had them: the fields that we write, changed and completed by what the
//! protocol said of the same thing beside (see `largestack_types::part::Native`).

use std::borrow::Cow;

use largestack_types::part::Native;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::escape::write_str;
use crate::json::{Fields, List, Object, Str, lenient};

/// The name under which a native object lists fields that were absent although we would write them
/// (`function.strict` for one inside of an inner object).
pub(crate) const ABSENT: &str = "absent";

/// The name under which a native object keeps fields that a provider adds to what it says and does
/// not want back: what became of an item, log probabilities.
pub(crate) const SAID: &str = "said";

/// Fields as they were.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    absent: Vec<Cow<'a, str>>,
}

impl<'de> Fields<'de> for Overlay<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            ABSENT => {
                let List(names) = lenient::<List<Str<'_>>>(raw.get());
                self.absent = names.into_iter().filter_map(Str::non_empty).collect();
            }
            SAID => {}
            _ => self.fields.push((key, raw)),
        }
        Ok(())
    }
}

impl<'a> Overlay<'a> {
    /// What this wire said of a part, message or tool; empty where another wire or nobody did.
    pub(crate) fn of(native: Option<&'a Native>, wire: &str) -> Self {
        let Some(fields) = Native::of(native, wire) else { return Self::default() };
        lenient::<Object<Self>>(fields.as_str()).0
    }

    /// The field of this name.
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, raw)| *raw)
    }

    /// The text of the field of this name.
    pub(crate) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(|raw| lenient::<Str<'_>>(raw.get()).0)
    }

    /// Takes a field out.
    pub(crate) fn take(&mut self, key: &str) -> Option<&'a RawValue> {
        let at = self.fields.iter().position(|(name, _)| name == key)?;
        Some(self.fields.remove(at).1)
    }

    /// Takes the fields of an inner object out.
    pub(crate) fn inner(&mut self, key: &str) -> Self {
        let raw = self.take(key).map_or("", RawValue::get);
        let mut inner = lenient::<Object<Self>>(raw).0;
        let within = |name: &Cow<'a, str>| {
            let (outer, name) = name.split_once('.')?;
            (outer == key).then(|| Cow::Owned(name.to_owned()))
        };
        inner.absent.extend(self.absent.iter().filter_map(within));
        inner
    }
}

/// An object being written.
#[derive(Debug)]
pub(crate) struct Writer<'o, 'a> {
    pub(crate) out: &'o mut Vec<u8>,
    overlay: Overlay<'a>,
    empty: bool,
}

impl<'o, 'a> Writer<'o, 'a> {
    /// Opens an object.
    pub(crate) fn begin(out: &'o mut Vec<u8>, overlay: Overlay<'a>) -> Self {
        out.push(b'{');
        Self { out, overlay, empty: true }
    }

    /// Writes a field, or what the overlay has in its place.
    pub(crate) fn field(&mut self, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
        if self.overlay.absent.iter().any(|name| name == key) {
            return;
        }
        let held = self.overlay.take(key);
        self.key(key);
        match held {
            Some(raw) => self.out.extend_from_slice(raw.get().as_bytes()),
            None => value(self.out),
        }
    }

    /// Writes a field with a text.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.field(key, |out| write_str(out, text));
    }

    /// Writes a field that holds an object, completed by the inner object of the overlay.
    pub(crate) fn object(&mut self, key: &str, write: impl FnOnce(&mut Writer<'_, '_>)) {
        let inner = self.overlay.inner(key);
        self.key(key);
        let mut object = Writer::begin(self.out, inner);
        write(&mut object);
        object.end();
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        write_str(self.out, key);
        self.out.push(b':');
    }

    /// Writes what the overlay has besides, and closes the object.
    pub(crate) fn end(mut self) {
        for (key, raw) in std::mem::take(&mut self.overlay.fields) {
            self.key(&key);
            self.out.extend_from_slice(raw.get().as_bytes());
        }
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use largestack_types::json::Json;

    use super::*;

    fn written(fields: &str) -> String {
        let native = Native { wire: "w".into(), fields: Json::parse(fields).unwrap() };
        let mut out = Vec::new();
        let mut object = Writer::begin(&mut out, Overlay::of(Some(&native), "w"));
        object.text("role", "user");
        object.object("inner", |inner| inner.text("name", "n"));
        object.end();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_are_changed_left_out_and_added_as_the_protocol_said() {
        assert_eq!(written("{}"), r#"{"role":"user","inner":{"name":"n"}}"#);
        assert_eq!(
            written(r#"{"role":"dev", "inner": {"strict": true}, "x": [1, 2], "said": {"y": 1}}"#),
            r#"{"role":"dev","inner":{"name":"n","strict":true},"x":[1, 2]}"#
        );
        assert_eq!(written(r#"{"absent": ["role", "inner.name"]}"#), r#"{"inner":{}}"#);
    }

    #[test]
    fn what_another_wire_said_changes_nothing() {
        let native = Native { wire: "v".into(), fields: Json::parse(r#"{"a":1}"#).unwrap() };
        assert!(Overlay::of(Some(&native), "w").get("a").is_none());
    }
}
