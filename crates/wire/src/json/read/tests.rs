use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::{Count, List, Object, Str};
use super::*;

/// What this reader makes of a text, when it does not give up.
fn alone<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    let mut reader = Reader::new(text);
    T::deserialize(&mut reader).ok().filter(|_| reader.is_over())
}

/// Whatever is read is what `serde_json` reads.
fn agrees<'de, T: Deserialize<'de> + PartialEq + fmt::Debug>(text: &'de str) {
    if let Some(value) = alone::<T>(text) {
        assert_eq!(serde_json::from_str::<T>(text).ok(), Some(value), "{text}");
    }
}

fn agrees_on_all(text: &str) {
    agrees::<Value>(text);
    agrees::<Str<'_>>(text);
    agrees::<Count>(text);
    agrees::<List<Count>>(text);
    agrees::<BTreeMap<String, Value>>(text);
    agrees::<Option<String>>(text);
    agrees::<Vec<Option<f64>>>(text);
    let raw = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned());
    if let Some(text_kept) = raw(alone(text)) {
        assert_eq!(raw(serde_json::from_str(text).ok()), Some(text_kept), "{text}");
    }
    if alone::<IgnoredAny>(text).is_some() {
        assert!(serde_json::from_str::<IgnoredAny>(text).is_ok(), "{text}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[ -~\\n\\x00-\\x08]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("[a-z\"\\\\]{0,6}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_read_is_what_serde_json_reads(value in value(), pretty: bool) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        agrees_on_all(&text);
        prop_assert_eq!(from_str::<Value>(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn a_text_with_a_wound_is_read_alike_or_refused_alike(
        value in value(),
        at: prop::sample::Index,
        wound in prop_oneof!["[\\x00-\\x7f]{0,2}", "[]{}\",:0-9.eE+\\\\ntf-]{1,3}"],
        cut in 0_usize..3,
    ) {
        let mut text = value.to_string();
        let at = at.index(text.len());
        let end = (at + cut).min(text.len());
        prop_assume!(text.is_char_boundary(at) && text.is_char_boundary(end));
        text.replace_range(at..end, &wound);
        agrees_on_all(&text);
        prop_assert_eq!(from_str::<Value>(&text).ok(), serde_json::from_str::<Value>(&text).ok());
    }

    #[test]
    fn any_text_is_read_alike(text in "[]{}\",:0-9.eE+\\\\nulltrfas\\x00-\\x20-]{0,16}") {
        agrees_on_all(&text);
    }
}

#[test]
fn ordinary_replies_are_not_given_up() {
    for text in [
        r#"{"a":[1,2.5,-1e3,"x",null,true],"b":{"c":"\"\u00e9"}}"#,
        " { \"a\" : [ ] ,\n\t\"b\" : { } } ",
        r#""text""#,
        "0",
        "[]",
    ] {
        assert!(alone::<IgnoredAny>(text).is_some(), "{text}");
        assert!(alone::<&RawValue>(text).is_some(), "{text}");
        assert!(alone::<Object<Nothing>>(text).is_some(), "{text}");
    }
    assert!(alone::<Value>(r#"{"a":[1,2.5,"x",null,true]}"#).is_some());
    assert!(matches!(alone::<Str<'_>>(r#""plain""#), Some(Str(Some(Cow::Borrowed("plain"))))));
}

#[derive(Debug, Default)]
struct Nothing;

impl<'de> super::super::Fields<'de> for Nothing {
    fn field<A: MapAccess<'de>>(&mut self, _: Cow<'de, str>, map: &mut A) -> Result<(), A::Error> {
        super::super::skip(map)
    }
}

#[test]
fn depth_is_followed_to_its_limit_and_left_to_serde_json_beyond() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(alone::<IgnoredAny>(&nested(DEEPEST)).is_some());
    assert!(alone::<IgnoredAny>(&nested(DEEPEST + 1)).is_none());
    assert!(from_str::<IgnoredAny>(&nested(DEEPEST + 1)).is_ok());
}

#[test]
fn the_error_is_that_of_serde_json() {
    let text = r#"{"a":1,}"#;
    let theirs = serde_json::from_str::<Value>(text).unwrap_err().to_string();
    assert_eq!(from_str::<Value>(text).unwrap_err().to_string(), theirs);
}
