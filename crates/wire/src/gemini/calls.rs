//! Function calls in a reply: whole, as they usually come, or in pieces, as Vertex AI streams them
//! when `streamFunctionCallArguments` is asked for (`FunctionCall.partialArgs`).

use largestack_types::json::Json;
use serde_json::Value;
use serde_json::value::RawValue;

use super::NAME;
use super::object::{Entries, Writer, json};
use crate::event::WireEvent;
use crate::json::{Str, lenient};

/// The call that goes on, and what is known of its arguments.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Option<Open>,
    /// Whether the reply asks for tools.
    pub(super) any: bool,
}

#[derive(Debug)]
struct Open {
    part: u32,
    arguments: Value,
}

impl Calls {
    /// Takes a `functionCall` with the fields that stood beside it. `part` is the number of a new
    /// part; says whether it is needed, or an earlier call goes on.
    pub(super) fn take(
        &mut self,
        raw: &RawValue,
        beside: &Entries<'_>,
        part: u32,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> bool {
        let mut call = Entries::of(raw.get());
        let mut text = |name| call.take([name, name]).map(|(_, raw)| lenient::<Str<'_>>(raw.get()));
        let id = text("id").unwrap_or_default().or_empty();
        let name = text("name").unwrap_or_default().or_empty();
        let arguments = call.take(["args", "args"]).map(|(_, raw)| raw.get());
        let pieces = call.take(["partialArgs", "partialArgs"]).map(|(_, raw)| raw.get());
        let goes_on = call.take(["willContinue", "willContinue"]);
        let goes_on = goes_on.is_some_and(|(_, raw)| raw.get() == "true");
        if self.open.is_none() && name.is_empty() && id.is_empty() && arguments.is_none() {
            // The end of a call in pieces is an empty one, and may come twice.
            return false;
        }
        let new = self.open.is_none() || !name.is_empty();
        if new {
            self.close(emit);
            self.any = true;
            emit(WireEvent::ToolCall { part, id, name });
            emit(native(part, beside, &call));
            if !goes_on && pieces.is_none() {
                if let Some(text) = arguments.filter(|text| *text != "null") {
                    emit(WireEvent::Arguments { part, text: text.into() });
                }
                return true;
            }
            self.open = Some(Open { part, arguments: Value::Object(serde_json::Map::new()) });
        }
        let Some(open) = &mut self.open else { return new };
        if let Some(arguments) = arguments.and_then(|text| serde_json::from_str(text).ok()) {
            open.arguments = arguments;
        }
        for piece in pieces.map(lenient::<Vec<Value>>).unwrap_or_default() {
            if !put(&mut open.arguments, &piece) {
                let detail = format!("a piece of arguments without a place: {piece}");
                emit(WireEvent::Malformed { detail });
            }
        }
        if !goes_on {
            self.close(emit);
        }
        new
    }

    /// No more is due: a call in pieces is as complete as it will be.
    pub(super) fn close(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) {
        if let Some(Open { part, arguments }) = self.open.take() {
            emit(WireEvent::Arguments { part, text: arguments.to_string().into() });
        }
    }
}

/// What goes back beside a call: always there, as the sign that Gemini made it.
fn native(part: u32, beside: &Entries<'_>, call: &Entries<'_>) -> WireEvent<'static> {
    WireEvent::Native { part, wire: NAME, fields: fields(beside, "functionCall", call) }
}

/// The fields beside a part's data, and those that the data has beyond the known ones.
pub(super) fn fields(beside: &Entries<'_>, key: &str, inside: &Entries<'_>) -> Json {
    if inside.is_empty() {
        return beside.to_json();
    }
    let mut out = Vec::new();
    let mut object = Writer::begin(&mut out);
    object.rest(beside);
    object.raw(key, inside.to_json().as_str());
    object.end();
    json(out)
}

/// At most this many places deep: what is deeper cannot be read as JSON either.
const DEPTH: usize = 100;

/// Puts a piece (`PartialArg`) at its `jsonPath`; strings at the same place are joined. Lists grow
/// item by item, so that no piece makes more than it says.
fn put(arguments: &mut Value, piece: &Value) -> bool {
    let Some(steps) = piece.get("jsonPath").and_then(Value::as_str).and_then(steps) else {
        return false;
    };
    let new = ["stringValue", "numberValue", "boolValue"].iter().find_map(|key| piece.get(key));
    let mut place = arguments;
    for step in steps {
        place = match step {
            Step::Key(key) => {
                if !place.is_object() {
                    *place = Value::Object(serde_json::Map::new());
                }
                let Value::Object(map) = place else { return false };
                map.entry(key).or_insert(Value::Null)
            }
            Step::Index(index) => {
                if !place.is_array() {
                    *place = Value::Array(Vec::new());
                }
                let Value::Array(list) = place else { return false };
                if list.len() == index {
                    list.push(Value::Null);
                }
                let Some(item) = list.get_mut(index) else { return false };
                item
            }
        };
    }
    match (place, new) {
        (Value::String(all), Some(Value::String(more))) => all.push_str(more),
        (place, Some(new)) => *place = new.clone(),
        // `nullValue`, or the end of a string that had come before.
        (place, None) if piece.get("nullValue").is_some() => *place = Value::Null,
        _ => {}
    }
    true
}

enum Step {
    Key(String),
    Index(usize),
}

/// The steps of a path such as `$.places[0].name` or `$['a b'][1]` (RFC 9535, names and indices).
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == DEPTH {
            return None;
        }
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, tail) = after.split_at_checked(end)?;
            steps.push(Step::Key(name.to_owned()));
            rest = tail;
        } else {
            let after = rest.strip_prefix('[')?;
            let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let (inside, tail) = match quote {
                Some('\'') => after.strip_prefix('\'')?.split_once("']")?,
                Some(_) => after.strip_prefix('"')?.split_once("\"]")?,
                None => after.split_once(']')?,
            };
            steps.push(match quote {
                Some(_) => Step::Key(inside.to_owned()),
                None => Step::Index(inside.parse().ok()?),
            });
            rest = tail;
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pieces_of_arguments_are_put_where_their_paths_say() {
        let mut arguments = json!({});
        for piece in [
            json!({"jsonPath": "$.place.name", "stringValue": "New ", "willContinue": true}),
            json!({"jsonPath": "$.place.name", "stringValue": "York"}),
            json!({"jsonPath": "$.list[0]", "numberValue": 1}),
            json!({"jsonPath": "$.list[1]", "numberValue": 2}),
            json!({"jsonPath": "$['a b']", "boolValue": true}),
            json!({"jsonPath": "$.none", "nullValue": "NULL_VALUE"}),
        ] {
            assert!(put(&mut arguments, &piece), "{piece}");
        }
        let expected =
            json!({"place": {"name": "New York"}, "list": [1, 2], "a b": true, "none": null});
        assert_eq!(arguments, expected);
    }

    #[test]
    fn a_path_that_cannot_be_is_refused() {
        for path in ["", "place", "$[", "$[x]", "$[1]", "$['a'"] {
            assert!(!put(&mut json!({}), &json!({"jsonPath": path, "stringValue": ""})), "{path}");
        }
        assert!(put(&mut json!([1]), &json!({"jsonPath": "$[1]", "numberValue": 1})));
        let deep = |steps: usize| json!({"jsonPath": format!("${}", ".a".repeat(steps))});
        assert!(put(&mut json!({}), &deep(DEPTH)));
        assert!(!put(&mut json!({}), &deep(DEPTH + 1)));
    }
}
