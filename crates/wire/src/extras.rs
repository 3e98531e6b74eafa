//! Fields that a wire does not interpret, collected over all frames of a reply.

use largestack_types::json::Json;
use serde_json::value::RawValue;

use crate::event::Place;
use crate::json::write;

/// Uninterpreted fields. A field that says the same in every frame is kept once; one whose value
/// changes is kept as the list of its values; a null counts only when nothing else was said. Of
/// more than [`MAX_FIELDS`] different names only the first are kept: nobody's protocol has as many.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    fields: Vec<Field>,
}

const MAX_FIELDS: usize = 256;

#[derive(Debug)]
struct Field {
    place: Place,
    key: String,
    values: Vec<Box<RawValue>>,
}

impl Extras {
    pub(crate) fn add(&mut self, place: Place, key: &str, value: &RawValue) {
        let full = self.fields.len() >= MAX_FIELDS;
        let known = self.fields.iter_mut().find(|field| field.place == place && field.key == key);
        match known {
            None if full => {}
            None => {
                let (key, values) = (key.to_owned(), vec![value.to_owned()]);
                self.fields.push(Field { place, key, values });
            }
            Some(field) => {
                let last = field.values.last().map_or("", |value| value.get());
                if last == "null" {
                    field.values = vec![value.to_owned()];
                } else if value.get() != last && value.get() != "null" {
                    field.values.push(value.to_owned());
                }
            }
        }
    }

    /// One object: what was at the top as it was named, the rest in an object for its place.
    pub(crate) fn into_json(self) -> Option<Json> {
        if self.fields.is_empty() {
            return None;
        }
        let mut text = vec![b'{'];
        for field in self.fields.iter().filter(|field| field.place == Place::Top) {
            field.write(&mut text);
        }
        for place in [Place::Choice, Place::Message, Place::ToolCall] {
            let mut inside = self.fields.iter().filter(|field| field.place == place).peekable();
            let Some(name) = place.key().filter(|_| inside.peek().is_some()) else { continue };
            open(&mut text, name);
            text.push(b'{');
            inside.for_each(|field| field.write(&mut text));
            text.push(b'}');
        }
        text.push(b'}');
        Json::parse(String::from_utf8(text).ok()?).ok()
    }
}

impl Field {
    fn write(&self, text: &mut Vec<u8>) {
        open(text, &self.key);
        match self.values.as_slice() {
            [value] => text.extend_from_slice(value.get().as_bytes()),
            values => write(text, values),
        }
    }
}

fn open(text: &mut Vec<u8>, key: &str) {
    if text.last() != Some(&b'{') {
        text.push(b',');
    }
    write(text, key);
    text.push(b':');
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
