//! From a reply to the JSON value it means.

use largestack_types::part::Part;
use serde_json::Value;

use super::mend::{fenced, lone_value, mended};

/// A reply that is no JSON value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It says nothing.
    #[error("the answer is empty")]
    Empty,
    /// It is not JSON, with the reader's words.
    #[error("the answer is not one JSON value: {0}")]
    NotJson(String),
    /// It was cut off at the output limit.
    #[error("the answer was cut off before its end: {0}")]
    CutOff(String),
}

/// The value that a reply means. `whole` when the model ended by itself: only then may closing
/// brackets be missing.
pub fn read(parts: &[Part], whole: bool) -> Result<Value, Unreadable> {
    let all: String = parts.iter().filter_map(Part::as_text).collect();
    let text = all.trim().trim_start_matches('\u{feff}');
    if text.is_empty() {
        return Err(Unreadable::Empty);
    }
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error.to_string(),
    };
    // Words may stand before the answer in a part of their own.
    let mut words = parts.iter().rev().filter_map(Part::as_text).map(str::trim);
    let last = words.find(|text| !text.is_empty());
    let found = [last, fenced(text), lone_value(text), Some(text)].into_iter().flatten();
    for candidate in found {
        if let Ok(value) = serde_json::from_str(candidate) {
            return Ok(value);
        }
        if let Some(value) =
            mended(candidate, whole).and_then(|text| serde_json::from_str(&text).ok())
        {
            return Ok(value);
        }
    }
    Err(if whole { Unreadable::NotJson(error) } else { Unreadable::CutOff(error) })
}

#[cfg(test)]
mod tests {
    use largestack_types::message::Message;
    use largestack_types::part::PartId;
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> Option<Value> {
        read(&Message::user(PartId::default(), text).parts, true).ok()
    }

    #[test]
    fn fences_and_words_around_one_value_are_taken_off() {
        let value = Some(json!({"a": "}{"}));
        assert_eq!(of(r#"{"a": "}{"}"#), value);
        assert_eq!(of("```json\n{\"a\": \"}{\"}\n```"), value);
        assert_eq!(of("Here it is:\n```\n{\"a\": \"}{\"}\n```\nI hope it helps."), value);
        assert_eq!(of("Here it is: {\"a\": \"}{\"} - done"), value);
        assert_eq!(of("\u{feff} {\"a\": \"}{\"}"), value);
    }

    #[test]
    fn what_could_be_one_of_two_values_is_nobodys() {
        assert_eq!(of("{\"a\": 1} or {\"a\": 2}"), None);
        assert_eq!(of("```\n{\"a\": 1}\n```\n```\n{\"a\": 2}\n```"), None);
    }

    #[test]
    fn commas_line_breaks_and_closing_brackets_are_mended() {
        assert_eq!(of(r#"{"a": [1, 2,], }"#), Some(json!({"a": [1, 2]})));
        assert_eq!(of("{\"a\": \"one\ntwo\"}"), Some(json!({"a": "one\ntwo"})));
        assert_eq!(of(r#"{"a": [{"b": "x"}"#), Some(json!({"a": [{"b": "x"}]})));
        assert_eq!(of(r#"{"a": true"#), Some(json!({"a": true})));
    }

    #[test]
    fn what_would_have_to_be_guessed_is_refused() {
        for text in [
            r#"{"a": "x"#,
            r#"{"a": 12"#,
            r#"{"a": tru"#,
            r#"{"a": 1, "b"#,
            r#"{"a": 1, "b":"#,
            r#"{"a": 1,"#,
            r#"{"a": "#,
            "{",
            "{'a': 1}",
            "{a: 1}",
            r#"{"a": None}"#,
            r#"{"a": 1]"#,
            "I would rather not.",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn an_answer_that_was_cut_off_is_never_closed() {
        let cut = Message::user(PartId::default(), r#"{"a": [{"b": "x"}"#);
        assert!(matches!(read(&cut.parts, false), Err(Unreadable::CutOff(_))));
        let empty = Message::user(PartId::default(), " \n");
        assert_eq!(read(&empty.parts, true), Err(Unreadable::Empty));
    }
}
