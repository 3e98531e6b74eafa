//! How the values of parameters are written (OpenAPI 3.1, 4.8.12).

use largestack_ports::tool::ToolFailure;
use largestack_types::percent::encoded;
use serde_json::Value;

use super::operation::{Parameter, Place};
use crate::http_call::said;

/// A way to write values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `a,b`
    Simple,
    /// `name=a&name=b`, or `name=a,b`.
    Form,
    /// `name=a b`
    Spaces,
    /// `name=a|b`
    Pipes,
    /// `name[key]=value`
    Deep,
    /// As JSON.
    Json,
}

impl Style {
    /// The style of this name, where it can be in this place; the place's own for no name.
    pub(super) fn of(name: Option<&str>, place: Place) -> Option<Self> {
        match (place, name) {
            (Place::Path | Place::Header, None | Some("simple")) => Some(Self::Simple),
            (Place::Query, None | Some("form")) => Some(Self::Form),
            (Place::Query, Some("spaceDelimited")) => Some(Self::Spaces),
            (Place::Query, Some("pipeDelimited")) => Some(Self::Pipes),
            (Place::Query, Some("deepObject")) => Some(Self::Deep),
            _ => None,
        }
    }
}

/// The pieces of a value: one of a plain one, the items of a list, keys and values of a group.
fn pieces(value: &Value, explode: bool) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(said).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(key, field)| Some((key, said(field)?)));
            if explode {
                fields.map(|(key, field)| format!("{key}={field}")).collect()
            } else {
                fields.flat_map(|(key, field)| [key.clone(), field]).collect()
            }
        }
        plain => said(plain).into_iter().collect(),
    }
}

/// A value with commas, as headers have it.
pub(super) fn plain(value: &Value, explode: bool) -> String {
    pieces(value, explode).join(",")
}

/// A value with commas, as a part of a path.
pub(super) fn in_path(value: &Value, explode: bool) -> String {
    joined(&pieces(value, explode), ",")
}

fn joined(pieces: &[String], between: &str) -> String {
    pieces.iter().map(|piece| encoded(piece)).collect::<Vec<_>>().join(between)
}

/// The pairs of a query.
pub(super) fn in_query(
    parameter: &Parameter,
    value: &Value,
    pairs: &mut Vec<String>,
) -> Result<(), ToolFailure> {
    let name = encoded(&parameter.name);
    let one = |text: String| format!("{name}={text}");
    match (parameter.style, value) {
        (Style::Json, value) => pairs.push(one(encoded(&value.to_string()))),
        (Style::Deep, Value::Object(fields)) => {
            let fields = fields.iter().filter_map(|(key, field)| Some((key, said(field)?)));
            let pair = |(key, field): (&String, String)| {
                format!("{name}%5B{}%5D={}", encoded(key), encoded(&field))
            };
            pairs.extend(fields.map(pair));
        }
        (Style::Deep, _) => {
            let why = format!("`{}` takes a group of values", parameter.argument);
            return Err(ToolFailure::new(why));
        }
        (_, Value::Array(items)) if parameter.explode => {
            pairs.extend(items.iter().filter_map(said).map(|item| one(encoded(&item))));
        }
        (_, Value::Object(fields)) if parameter.explode => {
            let fields = fields.iter().filter_map(|(key, field)| Some((key, said(field)?)));
            pairs
                .extend(fields.map(|(key, field)| format!("{}={}", encoded(key), encoded(&field))));
        }
        (style, value) => {
            let between = match style {
                Style::Spaces => "%20",
                Style::Pipes => "%7C",
                _ => ",",
            };
            pairs.push(one(joined(&pieces(value, false), between)));
        }
    }
    Ok(())
}
