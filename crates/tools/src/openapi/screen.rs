//! What somebody else has written about operations, on its way to a model: names, descriptions, schemas. A
//! document may have been written, or changed, by whoever wants something of the agent that reads it.

use largestack_guard::inject::{Action, Channel, Policy};
use largestack_types::json::Json;
use serde_json::Value;

use super::NotUsable;
use super::operation::Operation;

/// Texts of a schema that are words to a reader, and may be replaced.
const WORDS: [&str; 2] = ["description", "title"];

/// An operation as a model may be told of it. Words are withheld where the policy isolates; where it blocks,
/// and where a name or a value of a schema gives orders, which nothing can stand in for, the document is
/// refused.
pub(super) fn screened(policy: Policy, mut operation: Operation) -> Result<Operation, NotUsable> {
    if matches!(policy.untrusted, Action::Allow | Action::Warn) {
        return Ok(operation);
    }
    let refused = |what: &str| {
        let why = format!("{what} reads like an attempt to give an assistant orders");
        NotUsable { pointer: operation.pointer.clone(), why }
    };
    if policy.screen(&as_words(&operation.id), Channel::Data).is_some() {
        return Err(refused("the name of the operation"));
    }
    let told = words(policy, &operation.description).map_err(|()| refused("its description"))?;
    let mut schema: Value = operation.schema.to().unwrap_or_default();
    let changed = walk(policy, &mut schema, None).map_err(|()| refused("its schema"))?;
    if changed && let Ok(schema) = Json::of(&schema) {
        operation.schema = schema;
    }
    if let Some(told) = told {
        operation.description = told;
    }
    Ok(operation)
}

/// A name as it reads: `ignore_all_rules` says something.
fn as_words(name: &str) -> String {
    name.replace(['_', '-', '.'], " ")
}

/// What stands in place of a text, if something has to; an error where nothing may.
fn words(policy: Policy, text: &str) -> Result<Option<String>, ()> {
    match policy.screen(text, Channel::Data) {
        None => Ok(None),
        Some(screened) => screened.text.map(Some).ok_or(()),
    }
}

/// Looks at every name and text of a schema; whether one was changed.
fn walk(policy: Policy, value: &mut Value, key: Option<&str>) -> Result<bool, ()> {
    let mut changed = false;
    match value {
        Value::String(text) => {
            let told = words(policy, text)?;
            match told {
                None => {}
                Some(told) if key.is_some_and(|key| WORDS.contains(&key)) => {
                    *text = told;
                    changed = true;
                }
                Some(_) => return Err(()),
            }
        }
        Value::Array(values) => {
            for value in values {
                changed |= walk(policy, value, None)?;
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                words(policy, &as_words(key))?.map_or(Ok(()), |_| Err(()))?;
                changed |= walk(policy, value, Some(key))?;
            }
        }
        _ => {}
    }
    Ok(changed)
}
