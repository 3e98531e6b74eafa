//! A value together with the text that it was read from, in one reading: what a provider counted is
//! understood and kept as it was written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::lenient;

/// The name under which this crate's reader is asked for both: the value, then its text.
pub(super) const SPANNED: &str = "$largestack::Spanned";

/// A value and its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spanned<'a, T> {
    pub(crate) raw: &'a RawValue,
    pub(crate) value: T,
}

struct SpannedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for SpannedVisitor<T> {
    type Value = Spanned<'de, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// From this crate's reader.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let both = (seq.next_element()?, seq.next_element()?);
        let (Some(value), Some(raw)) = both else { return Err(A::Error::custom("half a value")) };
        Ok(Spanned { raw, value })
    }

    /// From any other: the text first, which is then read.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, text: D) -> Result<Self::Value, D::Error> {
        let raw = <&RawValue>::deserialize(text)?;
        Ok(Spanned { raw, value: lenient(raw.get()) })
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Spanned<'de, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SPANNED, SpannedVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Count, Fields, Object, from_str, skip};
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Total(Count);

    impl<'de> Fields<'de> for Total {
        fn field<A: serde::de::MapAccess<'de>>(
            &mut self,
            key: std::borrow::Cow<'de, str>,
            map: &mut A,
        ) -> Result<(), A::Error> {
            match &*key {
                "total" => self.0 = map.next_value()?,
                _ => skip(map)?,
            }
            Ok(())
        }
    }

    #[test]
    fn the_value_and_its_text_are_those_of_either_reader() {
        for text in [
            r#"[ {"total" : 7, "x":[1]} ,2]"#,
            r#"[{"total":"\u0037"},2]"#,
            r#"[{"total":-7e3},2]"#,
            r#"["none",2]"#,
            "[null,2]",
        ] {
            let ours: (Spanned<'_, Object<Total>>, u8) = from_str(text).unwrap();
            let other: (Spanned<'_, Object<Total>>, u8) = serde_json::from_str(text).unwrap();
            assert_eq!(ours.0.raw.get(), other.0.raw.get(), "{text}");
            assert_eq!(ours.0.value, other.0.value, "{text}");
        }
        let (read, _): (Spanned<'_, Object<Total>>, u8) = from_str(r#"[ {"total":7} ,2]"#).unwrap();
        assert_eq!((read.raw.get(), read.value.0.0), (r#"{"total":7}"#, Count(Some(7))));
    }
}
