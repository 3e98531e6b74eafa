//! Readers of single values: what a node must be to become a text, a number, an amount, a choice.

use std::sync::Arc;
use std::time::Duration;

use largestack_schema::Schema;
use largestack_types::json::Json;
use largestack_types::money::Money;

use crate::node::{Kind, Node, Scalar, Value};
use crate::problem::Wrong;
use crate::spelling::nearest;

/// Words that YAML 1.1 reads as booleans and YAML 1.2 as text.
const AMBIGUOUS: &[&str] = &["y", "n", "yes", "no", "on", "off"];

fn expected<T>(what: &str, node: &Node) -> Result<T, Wrong> {
    Err(Wrong::Type { expected: what.to_owned(), found: node.found() })
}

fn scalar<'n>(what: &str, node: &'n Node) -> Result<&'n Scalar, Wrong> {
    match &node.value {
        Value::Scalar(scalar) => Ok(scalar),
        _ => expected(what, node),
    }
}

/// Text: quoted, or bare where it cannot be mistaken for anything else.
pub(crate) fn text(node: &Node) -> Result<Arc<str>, Wrong> {
    let scalar = scalar("text", node)?;
    match scalar.kind {
        Kind::Bool | Kind::Number => Err(Wrong::Type {
            expected: "text".to_owned(),
            found: format!("{}; put it in quotes", node.found()),
        }),
        Kind::Plain if AMBIGUOUS.iter().any(|word| scalar.text.eq_ignore_ascii_case(word)) => {
            Err(Wrong::Ambiguous { word: scalar.text.clone() })
        }
        _ => Ok(scalar.text.as_str().into()),
    }
}

/// Text with something in it besides space.
pub(crate) fn some_text(node: &Node) -> Result<Arc<str>, Wrong> {
    let text = text(node)?;
    if text.trim().is_empty() { Err(Wrong::value("must not be empty")) } else { Ok(text) }
}

/// The items of a list. A variable or flag holds them with commas between.
pub(crate) fn items(node: &Node) -> Result<Vec<Node>, Wrong> {
    match &node.value {
        Value::List(items) => Ok(items.clone()),
        Value::Scalar(Scalar { text, kind: Kind::Untyped, .. }) => Ok(text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| Node::untyped(item, node.source.clone()))
            .collect()),
        _ => expected("a list", node),
    }
}

/// `none` as no value, anything else by the reader.
pub(crate) fn or_none<T>(
    read: impl Fn(&Node) -> Result<T, Wrong>,
) -> impl Fn(&Node) -> Result<Option<T>, Wrong> {
    move |node| match &node.value {
        Value::Scalar(scalar) if scalar.text == "none" => Ok(None),
        _ => read(node).map(Some),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(node: &Node) -> Result<bool, Wrong> {
    let scalar = scalar("true or false", node)?;
    match (scalar.text.as_str(), scalar.kind) {
        ("true", Kind::Bool | Kind::Untyped) => Ok(true),
        ("false", Kind::Bool | Kind::Untyped) => Ok(false),
        _ => expected("true or false", node),
    }
}

/// A whole number within bounds.
pub(crate) fn whole(least: u32, most: u32) -> impl Fn(&Node) -> Result<u32, Wrong> {
    move |node| {
        let number = integer(node)?;
        u32::try_from(number).ok().filter(|n| (least..=most).contains(n)).ok_or_else(|| {
            Wrong::value(if most == u32::MAX {
                format!("{number} is not {least} or more")
            } else {
                format!("{number} is not between {least} and {most}")
            })
        })
    }
}

/// A whole number of either sign.
pub(crate) fn integer(node: &Node) -> Result<i64, Wrong> {
    let what = "a whole number";
    let scalar = scalar(what, node)?;
    match scalar.kind {
        Kind::Number | Kind::Untyped => match scalar.text.parse() {
            Ok(number) => Ok(number),
            Err(_) => expected(what, node),
        },
        _ => expected(what, node),
    }
}

/// A number within bounds.
pub(crate) fn number(least: f64, most: f64) -> impl Fn(&Node) -> Result<f64, Wrong> {
    move |node| {
        let scalar = scalar("a number", node)?;
        if !matches!(scalar.kind, Kind::Number | Kind::Untyped) {
            return expected("a number", node);
        }
        let Ok(number) = scalar.text.parse::<f64>() else { return expected("a number", node) };
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(Wrong::value(format!("{} is not between {least} and {most}", scalar.text)))
        }
    }
}

/// An amount in dollars, exactly as it is written.
pub(crate) fn money(node: &Node) -> Result<Money, Wrong> {
    let what = "an amount in dollars";
    let scalar = scalar(what, node)?;
    if scalar.kind == Kind::Bool {
        return expected(what, node);
    }
    Money::parse_dollars(&scalar.text).ok_or_else(|| Wrong::Value {
        detail: format!("`{}` is no amount in dollars", scalar.text),
        advice: Some("Write it like 0.50 or \"$2\", with at most nine decimals".to_owned()),
    })
}

/// The longest duration: longer is a mistake, and sums of it must not overflow.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A duration that is not zero and at most a year.
pub(crate) fn duration(node: &Node) -> Result<Duration, Wrong> {
    let scalar = scalar("a duration", node)?;
    match largestack_types::duration::parse(&scalar.text) {
        Some(duration) if duration > LONGEST => Err(Wrong::value("is longer than 365d")),
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(Wrong::Value {
            detail: format!("`{}` is no duration", scalar.text),
            advice: Some("Write it like 500ms, 30s, 5m or 1h30m".to_owned()),
        }),
    }
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(
    choices: &'static [(&'static str, T)],
) -> impl Fn(&Node) -> Result<T, Wrong> {
    move |node| {
        let names = || choices.iter().map(|(name, _)| *name);
        let all = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let scalar = scalar(&format!("one of {all}"), node)?;
        choices.iter().find(|(name, _)| *name == scalar.text).map(|(_, value)| *value).ok_or_else(
            || Wrong::Value {
                detail: format!("`{}` is none of {all}", scalar.text),
                advice: nearest(&scalar.text, names())
                    .map(|near| format!("Did you mean `{near}`?")),
            },
        )
    }
}

/// Any value as JSON; a variable or flag holds JSON text.
pub(crate) fn json(node: &Node) -> Result<Json, Wrong> {
    if let Value::Scalar(Scalar { text, kind: Kind::Untyped, .. }) = &node.value {
        return Json::parse(text.as_str())
            .map_err(|error| Wrong::value(format!("is not JSON: {error}")));
    }
    Json::of(&to_json(node)?).map_err(|error| Wrong::value(error.to_string()))
}

/// A JSON object.
pub(crate) fn object(node: &Node) -> Result<Json, Wrong> {
    let json = json(node)?;
    if json.as_str().trim_start().starts_with('{') {
        Ok(json)
    } else {
        expected("a group of keys", node)
    }
}

/// A JSON Schema: what a run would refuse is refused here, where it stands.
pub(crate) fn schema(node: &Node) -> Result<Json, Wrong> {
    let json = object(node)?;
    match schema_problem(&json) {
        None => Ok(json),
        Some(why) => Err(Wrong::value(format!("is no JSON Schema: {why}"))),
    }
}

/// Why something is no JSON Schema.
pub(crate) fn schema_problem(json: &Json) -> Option<String> {
    let value = json.to().map_err(|error| error.to_string());
    value.and_then(|value| Schema::compile(&value).map(drop)).err()
}

/// A type that is written as a group of keys; a variable holds it as JSON.
pub(crate) fn group<T: serde::de::DeserializeOwned>(node: &Node) -> Result<T, Wrong> {
    object(node)?.to().map_err(|error| Wrong::value(error.to_string()))
}

/// A list of such groups; a variable holds it as JSON.
pub(crate) fn listed<T: serde::de::DeserializeOwned>(node: &Node) -> Result<Vec<T>, Wrong> {
    json(node)?.to().map_err(|error| Wrong::value(error.to_string()))
}

/// A single value or a group of keys; a variable holds the group as JSON.
pub(crate) fn grouped<T: serde::de::DeserializeOwned>(node: &Node) -> Result<T, Wrong> {
    let is_json = matches!(&node.value, Value::Scalar(scalar) if scalar.text.starts_with('{'));
    if is_json { group(node) } else { deserialised(node) }
}

fn to_json(node: &Node) -> Result<serde_json::Value, Wrong> {
    use serde_json::Value as J;
    Ok(match &node.value {
        Value::Null => J::Null,
        Value::Scalar(scalar) => match scalar.kind {
            Kind::Bool => J::Bool(scalar.text == "true"),
            Kind::Number => scalar
                .text
                .parse()
                .map(J::Number)
                .map_err(|_| Wrong::value(format!("`{}` is no number of JSON", scalar.text)))?,
            _ => J::String(text(node)?.as_ref().to_owned()),
        },
        Value::List(items) => J::Array(items.iter().map(to_json).collect::<Result<_, _>>()?),
        Value::Map(entries) => {
            let pairs = entries.iter().map(|e| Ok((e.key.clone(), to_json(&e.node)?)));
            J::Object(pairs.collect::<Result<_, Wrong>>()?)
        }
    })
}

/// A value of a type that reads itself from JSON, such as a row of the provider table. A word
/// from a variable is a string.
pub(crate) fn deserialised<T: serde::de::DeserializeOwned>(node: &Node) -> Result<T, Wrong> {
    let value = match &node.value {
        Value::Scalar(Scalar { text, kind: Kind::Untyped, .. }) => {
            serde_json::Value::String(text.clone())
        }
        _ => to_json(node)?,
    };
    serde_json::from_value(value).map_err(|error| Wrong::value(error.to_string()))
}
