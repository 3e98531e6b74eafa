//! Fields that a wire does not interpret, collected over all frames of a reply.

use std::ops::Range;

use largestack_types::json::Json;
use serde_json::value::RawValue;

use crate::escape::write_str;
use crate::event::Place;

/// Uninterpreted fields. A field that says the same in every frame is kept once; one whose value
/// changes is kept as the list of its values; a null counts only when nothing else was said. Of
/// more than [`MAX_FIELDS`] different names only the first are kept: nobody's protocol has as many.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    fields: Vec<Field>,
    /// Every name and value, one behind the other.
    text: String,
}

const MAX_FIELDS: usize = 256;
/// Bytes of the uninterpreted fields of an ordinary reply.
const USUAL: usize = 256;

#[derive(Debug)]
struct Field {
    place: Place,
    key: Range<usize>,
    value: Range<usize>,
    /// What came after the first value, where it was not always the same.
    later: Vec<Range<usize>>,
}

impl Extras {
    pub(crate) fn add(&mut self, place: Place, key: &str, value: &RawValue) {
        let Self { fields, text, .. } = self;
        let full = fields.len() >= MAX_FIELDS;
        let said = |span: &Range<usize>| text.get(span.clone()).unwrap_or_default();
        let known = fields.iter_mut().find(|field| field.place == place && said(&field.key) == key);
        let Some(field) = known else {
            if !full {
                if fields.is_empty() {
                    text.reserve(USUAL);
                }
                let (key, value) = (kept(text, key), kept(text, value.get()));
                fields.push(Field { place, key, value, later: Vec::new() });
            }
            return;
        };
        let last = said(field.later.last().unwrap_or(&field.value));
        if last == "null" {
            field.value = kept(text, value.get());
        } else if value.get() != last && value.get() != "null" {
            field.later.push(kept(text, value.get()));
        }
    }

    /// One object: what was at the top as it was named, the rest in an object for its place.
    pub(crate) fn into_json(self) -> Option<Json> {
        if self.fields.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(self.text.len() + 8 * self.fields.len() + 32);
        out.push(b'{');
        self.write_fields(&mut out, Place::Top);
        for place in [Place::Choice, Place::Message, Place::ToolCall] {
            if let Some(name) = place.key().filter(|_| self.at(place).next().is_some()) {
                begin_field(&mut out, name);
                out.push(b'{');
                self.write_fields(&mut out, place);
                out.push(b'}');
            }
        }
        out.push(b'}');
        // Names are written as JSON strings, and values were read as JSON.
        Some(Json::vouched(String::from_utf8(out).ok()?))
    }

    fn at(&self, place: Place) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.place == place)
    }

    fn write_fields(&self, out: &mut Vec<u8>, place: Place) {
        let said = |span: &Range<usize>| self.text.get(span.clone()).unwrap_or_default();
        for field in self.at(place) {
            begin_field(out, said(&field.key));
            if field.later.is_empty() {
                out.extend_from_slice(said(&field.value).as_bytes());
                continue;
            }
            let values = std::iter::once(&field.value).chain(&field.later);
            for (value, before) in values.zip(std::iter::once(b'[').chain(std::iter::repeat(b',')))
            {
                out.push(before);
                out.extend_from_slice(said(value).as_bytes());
            }
            out.push(b']');
        }
    }
}

fn kept(text: &mut String, new: &str) -> Range<usize> {
    let start = text.len();
    text.push_str(new);
    start..text.len()
}

/// A comma, unless this is the first field, the name and the colon.
fn begin_field(out: &mut Vec<u8>, name: &str) {
    if !out.ends_with(b"{") {
        out.push(b',');
    }
    write_str(out, name);
    out.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(Place, &str, &str)]) -> String {
        let mut extras = Extras::default();
        for (place, key, value) in fields {
            extras.add(*place, key, serde_json::from_str(value).unwrap());
        }
        extras.into_json().map_or_else(String::new, |json| json.as_str().to_owned())
    }

    #[test]
    fn fields_are_kept_under_their_place_byte_for_byte() {
        let text = of(&[
            (Place::Message, "a", "[1, 2]"),
            (Place::Top, "created", "17"),
            (Place::Choice, "seed", "1.50"),
        ]);
        assert_eq!(text, r#"{"created":17,"choice":{"seed":1.50},"message":{"a":[1, 2]}}"#);
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn a_field_that_changes_is_kept_as_the_list_of_its_values() {
        let top = |value| (Place::Top, "x", value);
        assert_eq!(of(&[top("null"), top("1"), top("null"), top("1")]), r#"{"x":1}"#);
        assert_eq!(of(&[top("1"), top("\"b\""), top("null")]), r#"{"x":[1,"b"]}"#);
        assert_eq!(of(&[top("null"), top("null")]), r#"{"x":null}"#);
    }
}
