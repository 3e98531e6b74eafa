//! Parameters of tools whose root is not a plain object. Providers read arguments as an object and
//! refuse a union at the root (OpenAI: "must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'
//! at the top level"; Anthropic: "input_schema does not support oneOf, allOf, or anyOf at the top
//! level"). What the branches have in common stays; arguments are checked against the whole.

use std::sync::Arc;

use largestack_types::json::Json;
use largestack_types::tool::ToolSpec;
use serde_json::{Map, Value, json};

use crate::schema::{Lost, Of, dropped};

/// Keywords that may not stand at the root.
const UNIONS: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// The tools with objects at the root of their parameters, and what that costs; `None` where all
/// of them are already.
pub(super) fn closed(tools: &[ToolSpec]) -> Option<(Arc<[ToolSpec]>, Vec<&'static str>)> {
    let lowered: Vec<_> = tools.iter().map(|tool| plain(&tool.parameters)).collect();
    if lowered.iter().all(Option::is_none) {
        return None;
    }
    let mut words = Vec::new();
    let tools = tools.iter().zip(lowered).map(|(tool, lowered)| {
        let mut tool = tool.clone();
        if let Some((parameters, lost)) = lowered {
            tool.parameters = parameters;
            words.extend(dropped(Of::Tools, &lost));
        }
        tool
    });
    let tools = tools.collect();
    words.dedup();
    Some((tools, words))
}

/// The schema with an object at its root; `None` where it is one.
fn plain(schema: &Json) -> Option<(Json, Vec<Lost>)> {
    let text = schema.as_str();
    // How most schemas are written; nothing needs to be read to see that.
    if text.starts_with(r#"{"type":"object""#) && !UNIONS.iter().any(|key| text.contains(key)) {
        return None;
    }
    let Ok(Value::Object(root)) = schema.to::<Value>() else { return None };
    let is_object = root.get("type").is_some_and(|kind| kind == "object");
    if (is_object && !UNIONS.iter().any(|key| root.contains_key(*key))) || root.is_empty() {
        return None;
    }
    let mut lost: Vec<Lost> = Vec::new();
    let mut left_out = |keyword| lost.push(Lost { pointer: String::new(), keyword });
    let mut out = root.clone();
    let mut properties = match root.get("properties") {
        Some(Value::Object(own)) => own.clone(),
        _ => Map::new(),
    };
    let mut required = names(root.get("required"));
    for key in UNIONS {
        let Some(Value::Array(branches)) = out.shift_remove(key) else { continue };
        left_out(key);
        let branches: Vec<&Map<String, Value>> =
            branches.iter().filter_map(|branch| resolved(&root, branch)).collect();
        let mut common: Option<Vec<String>> = None;
        for branch in &branches {
            if let Some(Value::Object(more)) = branch.get("properties") {
                for (name, one) in more {
                    merge(&mut properties, name, one);
                }
            }
            let of_branch = names(branch.get("required"));
            common = Some(match common {
                None => of_branch,
                Some(held) if key == "allOf" => held.into_iter().chain(of_branch).collect(),
                Some(held) => held.into_iter().filter(|name| of_branch.contains(name)).collect(),
            });
        }
        required.extend(common.unwrap_or_default());
        if branches.iter().any(|branch| branch.contains_key("additionalProperties")) {
            // A branch's own closing would shut out what the others have.
            left_out("additionalProperties");
        }
    }
    let mut known = Vec::new();
    required.retain(|name| {
        let first = !known.contains(name);
        known.push(name.clone());
        first
    });
    if root.get("type").is_some_and(|kind| kind != "object") {
        left_out("type");
    }
    if out.shift_remove("$ref").is_some() {
        left_out("$ref");
    }
    out.insert("type".to_owned(), json!("object"));
    out.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        out.insert("required".to_owned(), json!(required));
    }
    Some((Json::of(&out).ok()?, lost))
}

fn names(list: Option<&Value>) -> Vec<String> {
    let all = list.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A branch, behind one reference to a definition of the same schema.
fn resolved<'a>(root: &'a Map<String, Value>, branch: &'a Value) -> Option<&'a Map<String, Value>> {
    let branch = branch.as_object()?;
    let Some(target) = branch.get("$ref").and_then(Value::as_str) else { return Some(branch) };
    let (place, name) = target.strip_prefix("#/")?.split_once('/')?;
    root.get(place)?.get(name)?.as_object()
}

/// Adds a property; where branches differ about it, it may be as any of them says.
fn merge(properties: &mut Map<String, Value>, name: &str, one: &Value) {
    let Some(held) = properties.get_mut(name) else {
        properties.insert(name.to_owned(), one.clone());
        return;
    };
    if held == one {
        return;
    }
    match held.get_mut("anyOf").and_then(Value::as_array_mut) {
        Some(any) if !any.contains(one) => any.push(one.clone()),
        Some(_) => {}
        None => *held = json!({"anyOf": [held.take(), one]}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowered(schema: &Value) -> Option<(Value, Vec<&'static str>)> {
        let (json, lost) = plain(&Json::parse(schema.to_string()).unwrap())?;
        Some((json.to().unwrap(), lost.into_iter().map(|lost| lost.keyword).collect()))
    }

    #[test]
    fn an_object_stays_as_it_is_and_so_does_one_that_says_nothing() {
        let object = json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}]}}});
        assert_eq!(lowered(&object), None);
        assert_eq!(lowered(&json!({})), None);
    }

    #[test]
    fn a_union_becomes_what_its_branches_have_in_common() {
        let schema = json!({
            "oneOf": [
                {"type": "object", "required": ["by", "class"], "additionalProperties": false,
                 "properties": {"by": {"const": "train"}, "class": {"type": "integer"}}},
                {"$ref": "#/$defs/Walk"},
            ],
            "$defs": {"Walk": {"type": "object", "properties": {"by": {"const": "walk"}},
                      "required": ["by"]}},
        });
        let (schema, lost) = lowered(&schema).unwrap();
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["required"], json!(["by"]));
        let either = json!({"anyOf": [{"const": "train"}, {"const": "walk"}]});
        assert_eq!(schema["properties"]["by"], either);
        assert_eq!(schema["properties"]["class"], json!({"type": "integer"}));
        assert_eq!(schema.get("oneOf"), None);
        assert_eq!(lost, ["oneOf", "additionalProperties"]);
    }

    #[test]
    fn all_of_is_everything_that_its_parts_say() {
        let schema = json!({"allOf": [
            {"properties": {"a": {}}, "required": ["a"]},
            {"properties": {"b": {}}, "required": ["b", "a"]},
        ]});
        let (schema, _) = lowered(&schema).unwrap();
        assert_eq!(schema["required"], json!(["a", "b"]));
    }
}
