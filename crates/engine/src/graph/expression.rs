//! What can be said of a state without code: values made of it, and tests that lead one way or
//! another. An expression reads and calls nothing; what it means is readable off the graph, whose
//! hash covers it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::state::{State, kind};
use super::template::{self, Template};

/// A value with places for values of the state: a text that is one place and nothing else is the
/// value itself, whatever its type; any other text is filled as a [`Template`] is. Lists and objects
/// are made element by element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expression(Value);

impl Expression {
    /// An expression that is written like this.
    pub const fn new(written: Value) -> Self {
        Self(written)
    }

    /// As it was written.
    pub const fn written(&self) -> &Value {
        &self.0
    }

    /// What it comes to: `null` where there is no value.
    pub fn value(&self, state: &State, item: Option<&Value>) -> Value {
        filled(&self.0, state, item)
    }

    /// The paths that it names.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        gather(&self.0, &mut paths);
        paths
    }
}

fn filled(written: &Value, state: &State, item: Option<&Value>) -> Value {
    match written {
        Value::String(text) => {
            let template = Template::new(text.as_str());
            match template.only_path() {
                Some(path) => template::at(path, state, item).cloned().unwrap_or(Value::Null),
                None => Value::String(template.fill(state, item)),
            }
        }
        Value::Array(list) => list.iter().map(|inner| filled(inner, state, item)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            fields.map(|(key, inner)| (key.clone(), filled(inner, state, item))).collect()
        }
        other => other.clone(),
    }
}

fn gather(written: &Value, paths: &mut Vec<String>) {
    match written {
        Value::String(text) => {
            paths.extend(Template::new(text.as_str()).paths().map(str::to_owned));
        }
        Value::Array(list) => list.iter().for_each(|inner| gather(inner, paths)),
        Value::Object(fields) => fields.values().for_each(|inner| gather(inner, paths)),
        _ => {}
    }
}

/// What a value of the state has to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Test {
    /// This value. Numbers are compared as numbers: 1 is 1.0.
    Is(Value),
    /// Any other value, or none.
    IsNot(Value),
    /// One of these values.
    OneOf(Vec<Value>),
    /// A number that is this or more.
    AtLeast(Number),
    /// A number that is this or less.
    AtMost(Number),
    /// A number that is more.
    Above(Number),
    /// A number that is less.
    Below(Number),
    /// Whether anything stands there: `null`, an empty text, list or object is nothing.
    Exists(bool),
}

impl Test {
    /// Whether a value is so. Where nothing stands, no number is there to be compared, and the
    /// test does not hold; why it makes no sense, where something else than a number stands.
    fn holds(&self, value: Option<&Value>) -> Result<bool, String> {
        let found = value.unwrap_or(&Value::Null);
        match self {
            Self::Is(wanted) => Ok(same(found, wanted)),
            Self::IsNot(other) => Ok(!same(found, other)),
            Self::OneOf(all) => Ok(all.iter().any(|wanted| same(found, wanted))),
            Self::AtLeast(bound) => compared(found, bound, std::cmp::Ordering::is_ge),
            Self::AtMost(bound) => compared(found, bound, std::cmp::Ordering::is_le),
            Self::Above(bound) => compared(found, bound, std::cmp::Ordering::is_gt),
            Self::Below(bound) => compared(found, bound, std::cmp::Ordering::is_lt),
            Self::Exists(wanted) => Ok(is_something(found) == *wanted),
        }
    }

    /// Whether it compares numbers.
    pub const fn is_numeric(&self) -> bool {
        matches!(self, Self::AtLeast(_) | Self::AtMost(_) | Self::Above(_) | Self::Below(_))
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            order(one, other) == Some(std::cmp::Ordering::Equal)
        }
        _ => one == other,
    }
}

fn order(one: &Number, other: &Number) -> Option<std::cmp::Ordering> {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn compared(
    found: &Value,
    bound: &Number,
    holds: fn(std::cmp::Ordering) -> bool,
) -> Result<bool, String> {
    match found {
        Value::Null => Ok(false),
        Value::Number(found) => Ok(order(found, bound).is_some_and(holds)),
        other => Err(format!("a number is compared with {bound}, and this is {}", kind(other))),
    }
}

/// One way on of a node that decides by the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What has to hold, all of it: a path into the state, and what the value there has to be.
    /// Empty for a case that always holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<(Arc<str>, Test)>,
    /// The choice.
    pub choice: Arc<str>,
}

impl Case {
    fn holds(&self, state: &State, item: Option<&Value>) -> Result<bool, String> {
        for (path, test) in &self.when {
            let value = template::at(path, state, item);
            if !test.holds(value).map_err(|why| format!("`{path}`: {why}"))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The choice of the first case that holds; why there is none.
pub fn decide(cases: &[Case], state: &State) -> Result<Arc<str>, String> {
    for case in cases {
        if case.holds(state, None)? {
            return Ok(Arc::clone(&case.choice));
        }
    }
    Err("no case holds".to_owned())
}

#[cfg(test)]
mod tests {
    use largestack_types::label::Label;
    use serde_json::json;

    use super::*;

    fn state() -> State {
        let values = [
            ("task", json!("sum up")),
            ("review", json!({"score": 7, "verdict": "revise", "notes": []})),
        ];
        let mut state = State::new(Label::default());
        for (key, value) in values {
            state.insert(key.into(), std::sync::Arc::new(value));
        }
        state
    }

    #[test]
    fn one_place_alone_keeps_its_type_and_places_among_words_are_text() {
        let made = Expression::new(json!({
            "score": "{{ review.score }}",
            "said": "{{ task }}: {{ review.score }}",
            "all": ["{{ review.notes }}", 1, "{{ item.n }}", "{{ nobody }}"],
        }));
        assert_eq!(
            made.value(&state(), Some(&json!({"n": 2}))),
            json!({"score": 7, "said": "sum up: 7", "all": [[], 1, 2, null]})
        );
        let mut paths = made.paths();
        paths.sort();
        assert_eq!(
            paths,
            ["item.n", "nobody", "review.notes", "review.score", "review.score", "task"]
        );
    }

    #[test]
    fn each_test_has_two_sides() {
        let n = |n: i64| Number::from(n);
        for (test, holds) in [
            (Test::Is(json!(7.0)), true),
            (Test::Is(json!("7")), false),
            (Test::IsNot(json!(8)), true),
            (Test::OneOf(vec![json!(1), json!(7)]), true),
            (Test::OneOf(vec![json!(1)]), false),
            (Test::AtLeast(n(7)), true),
            (Test::AtLeast(n(8)), false),
            (Test::AtMost(n(7)), true),
            (Test::AtMost(n(6)), false),
            (Test::Above(n(6)), true),
            (Test::Above(n(7)), false),
            (Test::Below(n(8)), true),
            (Test::Below(n(7)), false),
            (Test::Exists(true), true),
            (Test::Exists(false), false),
        ] {
            assert_eq!(test.holds(Some(&json!(7))), Ok(holds), "{test:?}");
        }
        for nothing in [json!(null), json!(""), json!([]), json!({})] {
            assert_eq!(Test::Exists(false).holds(Some(&nothing)), Ok(true), "{nothing}");
        }
        assert_eq!(Test::AtMost(n(7)).holds(None), Ok(false));
        let text = Test::Above(n(1)).holds(Some(&json!("many"))).unwrap_err();
        assert_eq!(text, "a number is compared with 1, and this is a text");
    }

    #[test]
    fn the_first_case_of_which_everything_holds_is_the_choice() {
        let case = |when: &[(&str, Test)], choice: &str| Case {
            when: when.iter().map(|(path, test)| ((*path).into(), test.clone())).collect(),
            choice: choice.into(),
        };
        let good = ("review.score", Test::AtLeast(7.into()));
        let approved = ("review.verdict", Test::Is(json!("approve")));
        let both = case(&[good.clone(), approved], "publish");
        let one = case(&[good], "improve");
        let else_ = case(&[], "drop");
        let chosen = |cases: &[Case]| decide(cases, &state()).map(|choice| choice.to_string());
        assert_eq!(chosen(&[both.clone(), one, else_.clone()]).unwrap(), "improve");
        assert_eq!(chosen(&[both.clone(), else_]).unwrap(), "drop");
        assert_eq!(chosen(&[both]).unwrap_err(), "no case holds");
        let wrong = case(&[("task", Test::Below(1.into()))], "x");
        assert!(chosen(&[wrong]).unwrap_err().starts_with("`task`: a number"));
    }
}
