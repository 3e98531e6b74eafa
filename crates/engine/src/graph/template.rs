//! Texts with places for values of the state: `{{ key }}`, `{{ key.field.0 }}`, and `{{ item }}` in a
//! map node. A text goes in as it is, anything else as JSON. There are no expressions: what a node
//! is asked must be readable off its definition.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::State;

/// The name of the element of a map node.
pub(super) const ITEM: &str = "item";

/// A text with places.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(Arc<str>);

impl Template {
    /// A template of this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The paths that it names, in their order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.pieces().filter_map(|piece| match piece {
            Piece::Path(path) => Some(path),
            Piece::Text(_) => None,
        })
    }

    /// The path of a text that is one place and nothing else.
    pub(super) fn only_path(&self) -> Option<&str> {
        let mut pieces = self.pieces();
        match (pieces.next(), pieces.next()) {
            (Some(Piece::Path(path)), None) => Some(path),
            _ => None,
        }
    }

    /// The text with the values in their places; nothing stands where there is no value.
    pub fn fill(&self, state: &State, item: Option<&Value>) -> String {
        let mut text = String::with_capacity(self.0.len());
        for piece in self.pieces() {
            match piece {
                Piece::Text(words) => text.push_str(words),
                Piece::Path(path) => match at(path, state, item) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(words)) => text.push_str(words),
                    Some(other) => text.push_str(&other.to_string()),
                },
            }
        }
        text
    }

    fn pieces(&self) -> Pieces<'_> {
        Pieces { rest: &self.0, path: None }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The value at a path.
pub(super) fn at<'a>(path: &str, state: &'a State, item: Option<&'a Value>) -> Option<&'a Value> {
    let (key, fields) = path.split_once('.').map_or((path, ""), |(key, fields)| (key, fields));
    let root = match item {
        Some(item) if key == ITEM => item,
        _ => state.get(key)?,
    };
    let fields = fields.split('.').filter(|field| !field.is_empty());
    fields.into_iter().try_fold(root, |value, field| match value {
        Value::Array(list) => list.get(field.parse::<usize>().ok()?),
        Value::Object(map) => map.get(field),
        _ => None,
    })
}

enum Piece<'a> {
    Text(&'a str),
    Path(&'a str),
}

struct Pieces<'a> {
    rest: &'a str,
    path: Option<&'a str>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(path) = self.path.take() {
            return Some(Piece::Path(path));
        }
        if self.rest.is_empty() {
            return None;
        }
        let place = self.rest.split_once("{{").and_then(|(before, after)| {
            let (path, rest) = after.split_once("}}")?;
            Some((before, path.trim(), rest))
        });
        let Some((before, path, rest)) = place else {
            return Some(Piece::Text(std::mem::take(&mut self.rest)));
        };
        self.rest = rest;
        if before.is_empty() {
            return Some(Piece::Path(path));
        }
        self.path = Some(path);
        Some(Piece::Text(before))
    }
}

#[cfg(test)]
mod tests {
    use largestack_types::label::Label;
    use serde_json::json;

    use super::*;

    fn state(values: impl IntoIterator<Item = (&'static str, Value)>) -> State {
        let mut state = State::new(Label::default());
        for (key, value) in values {
            state.insert(key.into(), Arc::new(value));
        }
        state
    }

    fn filled(text: &str) -> String {
        let state = state([("task", json!("sum up")), ("plan", json!([{"title": "a"}, 2]))]);
        Template::new(text).fill(&state, Some(&json!({"n": 1})))
    }

    #[test]
    fn values_stand_where_their_paths_did() {
        assert_eq!(filled("Do: {{ task }}."), "Do: sum up.");
        assert_eq!(filled("{{plan.0.title}}{{ plan.1 }}"), "a2");
        assert_eq!(filled("{{ item.n }} of {{ plan }}"), r#"1 of [{"title":"a"},2]"#);
    }

    #[test]
    fn what_is_no_place_stays_as_it_is_and_what_is_not_there_is_nothing() {
        assert_eq!(filled("{task} {{ task"), "{task} {{ task");
        assert_eq!(filled("[{{ nobody }}{{ plan.9 }}{{ task.x }}]"), "[]");
    }

    #[test]
    fn a_value_that_looks_like_a_place_is_only_a_value() {
        let state = state([("a", json!("{{ b }}")), ("b", json!("secret"))]);
        assert_eq!(Template::new("{{ a }}").fill(&state, None), "{{ b }}");
    }
}
