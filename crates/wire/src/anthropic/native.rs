//! What the protocol says of a part, message or tool beside what everybody says: read from
//! `native`, written back behind our own fields.

use std::borrow::Cow;

use largestack_types::part::Native;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::NAME;
use crate::escape::write_str;
use crate::json::{Fields, Object, Str, lenient};

/// Fields in their order.
#[derive(Debug, Default)]
pub(super) struct Beside<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Fields<'de> for Beside<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.0.push((key, map.next_value()?));
        Ok(())
    }
}

/// Whether it came over this wire.
pub(super) fn is_ours(native: Option<&Native>) -> bool {
    Native::of(native, NAME).is_some()
}

impl<'a> Beside<'a> {
    /// The fields of this wire; none where another or no protocol said something.
    pub(super) fn of(native: Option<&'a Native>) -> Self {
        Native::of(native, NAME).map(|fields| Self::read(fields.as_str())).unwrap_or_default()
    }

    /// The fields of an object.
    pub(super) fn read(text: &'a str) -> Self {
        lenient::<Object<Self>>(text).0
    }

    /// The value of a field.
    pub(super) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, raw)| *raw)
    }

    /// The characters of a field that holds a string.
    pub(super) fn word(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(|raw| lenient::<Str<'_>>(raw.get()).0)
    }

    /// Writes every field but these, each behind a comma. Where the call says how prompts are
    /// cached (`marks` is false), the parts' own marks give way.
    pub(super) fn write(&self, out: &mut Vec<u8>, but: &[&str], marks: bool) {
        for (key, raw) in &self.0 {
            if but.contains(&&**key) || (!marks && key == CACHE_CONTROL) {
                continue;
            }
            out.push(b',');
            write_str(out, key);
            out.push(b':');
            out.extend_from_slice(raw.get().as_bytes());
        }
    }
}

/// The field that marks the end of a prefix to keep.
pub(super) const CACHE_CONTROL: &str = "cache_control";
