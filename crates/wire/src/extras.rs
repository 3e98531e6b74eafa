//! Fields that a wire does not interpret, collected over all frames of a reply.

use largestack_types::json::Json;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use crate::event::Place;

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
    value: Box<RawValue>,
    /// What came after the first value, where it was not always the same.
    later: Vec<Box<RawValue>>,
}

impl Extras {
    pub(crate) fn add(&mut self, place: Place, key: &str, value: &RawValue) {
        let full = self.fields.len() >= MAX_FIELDS;
        let known = self.fields.iter_mut().find(|field| field.place == place && field.key == key);
        match known {
            None if full => {}
            None => {
                let (key, value) = (key.to_owned(), value.to_owned());
                self.fields.push(Field { place, key, value, later: Vec::new() });
            }
            Some(field) => {
                let last = field.later.last().unwrap_or(&field.value).get();
                if last == "null" {
                    field.value = value.to_owned();
                } else if value.get() != last && value.get() != "null" {
                    field.later.push(value.to_owned());
                }
            }
        }
    }

    /// One object: what was at the top as it was named, the rest in an object for its place.
    pub(crate) fn into_json(self) -> Option<Json> {
        if self.fields.is_empty() { None } else { Json::of(&self).ok() }
    }

    fn at(&self, place: Place) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.place == place)
    }
}

impl Serialize for Extras {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in self.at(Place::Top) {
            map.serialize_entry(&field.key, field)?;
        }
        for place in [Place::Choice, Place::Message, Place::ToolCall] {
            if let Some(name) = place.key().filter(|_| self.at(place).next().is_some()) {
                map.serialize_entry(name, &Inside(self, place))?;
            }
        }
        map.end()
    }
}

/// The fields of one place.
struct Inside<'e>(&'e Extras, Place);

impl Serialize for Inside<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.at(self.1).map(|field| (&field.key, field)))
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.later.is_empty() {
            return self.value.serialize(serializer);
        }
        serializer.collect_seq(std::iter::once(&self.value).chain(&self.later))
    }
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
