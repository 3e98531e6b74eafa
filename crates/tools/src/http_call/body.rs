//! Bodies with arguments in them.

use serde_json::Value;

use super::Arguments;
use super::template::{NotATemplate, Text, plain};

/// The value with arguments in their places; `None` where it is one that is absent. A text that is no
/// template was refused before.
pub(super) fn filled(template: &Value, arguments: &Arguments) -> Option<Value> {
    Some(match template {
        Value::String(text) => {
            let text = Text::parse(text).unwrap_or_default();
            return match text.argument() {
                Some(name) => arguments.get(name).cloned(),
                None => text.filled(arguments, plain).map(Value::String),
            };
        }
        Value::Array(items) => {
            Value::Array(items.iter().filter_map(|item| filled(item, arguments)).collect())
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields =
                fields.filter_map(|(name, field)| Some((name.clone(), filled(field, arguments)?)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    })
}

/// Whether every text of it is a template.
pub(super) fn check(template: &Value) -> Result<(), NotATemplate> {
    texts(template).into_iter().try_for_each(|text| Text::parse(text).map(|_| ()))
}

/// The arguments that stand in it.
pub(super) fn arguments(template: &Value) -> Vec<String> {
    let texts = texts(template).into_iter().filter_map(|text| Text::parse(text).ok());
    texts.flat_map(|text| text.arguments().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn texts(template: &Value) -> Vec<&str> {
    let mut open = vec![template];
    let mut found = Vec::new();
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => found.push(text.as_str()),
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.values()),
            _ => {}
        }
    }
    found
}
