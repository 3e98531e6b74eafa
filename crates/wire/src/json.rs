//! Reading JSON that others wrote and writing JSON that others read. Strings borrow, a wrong type
//! where it does not matter reads as absent, and objects hand every unknown field to their type.
//! (Serde's own `flatten` buffers, and `Option<Cow<str>>` never borrows.)

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

mod read;
mod repeat;
mod spanned;

pub use read::from_str;
pub(crate) use repeat::{Differs, Repeat};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
pub(crate) use spanned::Spanned;

/// A string, if there is one. Numbers read as their digits, everything else as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Str<'a>(pub(crate) Option<Cow<'a, str>>);

impl<'a> Str<'a> {
    /// Whether there are no characters.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_deref().is_none_or(str::is_empty)
    }

    /// The characters, when there are any and they stand in the text as they are.
    pub(crate) fn in_place(&self) -> Option<&'a str> {
        match self.0 {
            Some(Cow::Borrowed(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The characters, when there are any.
    pub(crate) fn non_empty(self) -> Option<Cow<'a, str>> {
        self.0.filter(|text| !text.is_empty())
    }

    /// The characters, or none.
    pub(crate) fn or_empty(self) -> Cow<'a, str> {
        self.0.unwrap_or_default()
    }
}

/// A count, if there is one. Digits in a string and whole floats count; everything else is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

/// A list without its nulls; anything else reads as an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A type read from an object, field by field.
pub(crate) trait Fields<'de>: Default {
    /// Takes the value of a field from `map`: exactly once, known or not.
    fn field<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, map: &mut A)
    -> Result<(), A::Error>;
}

/// An object; anything else reads as an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Object<T>(pub(crate) T);

/// Skips the value of a field.
pub(crate) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// Reads a type from text, or gives its default: for fields that do not decide about a reply.
pub(crate) fn lenient<'a, T: Deserialize<'a> + Default>(text: &'a str) -> T {
    from_str(text).unwrap_or_default()
}

macro_rules! drain {
    (seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
    (map) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
    (unit) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (str) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (numbers) => {
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (bool) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    ($($what:tt),+) => { $(drain!($what);)+ };
}

pub(crate) use drain;

struct StrVisitor;

impl<'de> Visitor<'de> for StrVisitor {
    type Value = Str<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Str<'de>, E> {
        Ok(Str(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Str<'de>, E> {
        Ok(Str(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_string<E>(self, text: String) -> Result<Str<'de>, E> {
        Ok(Str(Some(Cow::Owned(text))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Str<'de>, E> {
        Ok(Str(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Str<'de>, E> {
        Ok(Str(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Str<'de>, E> {
        Ok(Str(Some(Cow::Owned(number.to_string()))))
    }

    drain!(bool, unit, seq, map);
}

impl<'de> Deserialize<'de> for Str<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count or null")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Count, E> {
        Ok(Count(Some(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Count, E> {
        Ok(Count(u64::try_from(number).ok()))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before the cast"
    )]
    fn visit_f64<E>(self, number: f64) -> Result<Count, E> {
        let fits = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
        Ok(Count(fits.then_some(number as u64)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Count, E> {
        Ok(Count(text.trim().parse().ok()))
    }

    drain!(bool, unit, seq, map);
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or null")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Option<T>>()? {
            // One choice, one tool call: most lists are short, and their items are large.
            if items.is_empty() {
                items.reserve_exact(1);
            }
            items.extend(item);
        }
        Ok(List(items))
    }

    drain!(bool, unit, str, numbers, map);
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Fields<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<T>, A::Error> {
        let mut fields = T::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            fields.field(key.or_empty(), &mut map)?;
        }
        Ok(Object(fields))
    }

    drain!(bool, unit, str, numbers, seq);
}

impl<'de, T: Fields<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// Appends a value as JSON text. For strings, numbers and the like: a map with keys that are not
/// strings would be left half written.
pub(crate) fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing into a vector cannot fail, and none of our values has a failing serialiser.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_without_escapes_borrow() {
        assert!(matches!(lenient::<Str<'_>>(r#""plain""#).0, Some(Cow::Borrowed("plain"))));
        assert!(
            matches!(lenient::<Str<'_>>(r#""a\nb""#).0, Some(Cow::Owned(text)) if text == "a\nb")
        );
    }

    #[test]
    fn what_has_the_wrong_type_reads_as_absent() {
        for wrong in ["null", "true", "[1,[2]]", r#"{"a":{"b":1}}"#] {
            assert_eq!(serde_json::from_str::<Str<'_>>(wrong).unwrap(), Str(None), "{wrong}");
            assert_eq!(serde_json::from_str::<Count>(wrong).unwrap(), Count(None), "{wrong}");
        }
        assert_eq!(serde_json::from_str::<List<Count>>(r#"{"a":1}"#).unwrap(), List(vec![]));
        assert_eq!(lenient::<Str<'_>>("7").or_empty(), "7");
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        for (text, count) in [
            ("12", Some(12)),
            ("12.0", Some(12)),
            (r#""12""#, Some(12)),
            ("12.5", None),
            ("-1", None),
            ("-1.0", None),
            ("1e300", None),
        ] {
            assert_eq!(serde_json::from_str::<Count>(text).unwrap(), Count(count), "{text}");
        }
    }
}
