//! JSON written by hand, field by field: commas in the right places, values as they come. The same
//! call gives the same bytes, and no tree is built.

use largestack_types::json::Json;
use serde::Serialize;

use crate::escape::write_str;
use crate::json::write;

/// An object or a list under way. What was begun has to be ended.
#[derive(Debug)]
#[must_use]
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
    close: u8,
}

impl<'o> Writer<'o> {
    /// Begins an object.
    pub(crate) fn object(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true, close: b'}' }
    }

    /// Begins a list.
    pub(crate) fn list(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, empty: true, close: b']' }
    }

    /// Goes on in an object that holds fields already, and is ended by somebody else.
    pub(crate) const fn more(out: &'o mut Vec<u8>) -> Self {
        Self { out, empty: false, close: b' ' }
    }

    /// Begins an item of a list.
    pub(crate) fn item(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out
    }

    /// Begins a field.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        let out = self.item();
        write_str(out, key);
        out.push(b':');
        out
    }

    /// A field that is a string.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        write_str(self.key(key), text);
    }

    /// A field that is JSON already.
    pub(crate) fn raw(&mut self, key: &str, json: &str) {
        self.key(key).extend_from_slice(json.as_bytes());
    }

    /// A field that is a number, a flag or a list of such.
    pub(crate) fn value<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        write(self.key(key), value);
    }

    /// An item that is JSON already.
    pub(crate) fn raw_item(&mut self, json: &str) {
        self.item().extend_from_slice(json.as_bytes());
    }

    /// A field that is an object, left open.
    pub(crate) fn inner(&mut self, key: &str) -> Writer<'_> {
        Writer::object(self.key(key))
    }

    /// A field that is a list, left open.
    pub(crate) fn inner_list(&mut self, key: &str) -> Writer<'_> {
        Writer::list(self.key(key))
    }

    /// Whether nothing was written.
    pub(crate) const fn is_empty(&self) -> bool {
        self.empty
    }

    /// Ends it.
    pub(crate) fn end(self) {
        self.out.push(self.close);
    }
}

/// A value written by `fill`, as JSON. `fill` writes one whole value.
pub(crate) fn json(fill: impl FnOnce(&mut Vec<u8>)) -> Json {
    let mut out = Vec::new();
    fill(&mut out);
    let text = String::from_utf8(out).unwrap_or_default();
    Json::parse(text).unwrap_or_else(|_| Json::empty_object())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_between_fields_and_items_and_nowhere_else() {
        let made = json(|out| {
            let mut object = Writer::object(out);
            object.text("a", "x\"");
            object.inner("b").end();
            let mut list = object.inner_list("c");
            list.raw_item("1");
            list.raw_item("{}");
            list.end();
            object.value("d", &true);
            object.end();
        });
        assert_eq!(made.as_str(), r#"{"a":"x\"","b":{},"c":[1,{}],"d":true}"#);
    }
}
