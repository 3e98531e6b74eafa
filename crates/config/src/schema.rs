//! What editors are told: a JSON Schema (2020-12) of each file, made from the table of keys, so that
//! it cannot name a key that is not read. A schema knows less than the reader does: which models,
//! tools and quirks there are depends on the machine, so names are any text here.

use largestack_ports::tool::Capability;
use largestack_types::label::{DataClass, Origin};
use serde_json::{Map, Value, json};

use crate::keys::{Key, Place};

mod workflow;

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a file.
pub fn schema(place: Place) -> Value {
    let mut root = group();
    put(&mut root, "$schema", json!(DIALECT));
    put(&mut root, "title", json!(place.file()));
    for key in place.keys() {
        let levels: Vec<&str> = key.path.split('.').collect();
        insert(&mut root, &levels, key);
    }
    let include = json!({
        "description": "Files whose keys hold where this one says nothing itself",
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
    });
    insert_property(&mut root, "include", include);
    if place == Place::Workflow {
        workflow::finish(&mut root);
    }
    let variable = json!({ "type": "string", "pattern": VARIABLE });
    let mut shared = json!({ "variable": variable });
    if place == Place::Workflow {
        put(&mut shared, "agent", workflow::agent());
    }
    put(&mut root, "$defs", shared);
    root
}

/// A value that holds a variable, whatever the key takes.
const VARIABLE: &str = r"\$\{[A-Za-z_][A-Za-z0-9_]*(:[^}]*)?\}";

fn group() -> Value {
    json!({ "type": "object", "additionalProperties": false })
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(key.to_owned(), value);
    }
}

/// The map under a key of an object, made where there is none.
fn within<'o>(object: &'o mut Value, key: &str, empty: Value) -> Option<&'o mut Value> {
    Some(object.as_object_mut()?.entry(key).or_insert(empty))
}

fn insert_property(group: &mut Value, name: &str, schema: Value) {
    if let Some(properties) = within(group, "properties", Value::Object(Map::new())) {
        put(properties, name, schema);
    }
}

fn insert(at: &mut Value, levels: &[&str], key: &Key) {
    match levels {
        [] => {}
        ["*"] => put(at, "additionalProperties", described(key)),
        [last] => {
            if key.default == "required" {
                require(at, last);
            }
            insert_property(at, last, described(key));
        }
        ["*", rest @ ..] => {
            // Names of the user's own: whatever they are called, they hold the same keys.
            if !at.get("additionalProperties").is_some_and(Value::is_object) {
                put(at, "additionalProperties", group());
            }
            let inner = within(at, "additionalProperties", Value::Null);
            if let Some(inner) = inner {
                insert(inner, rest, key);
            }
        }
        [first, rest @ ..] => {
            let Some(properties) = within(at, "properties", Value::Object(Map::new())) else {
                return;
            };
            let Some(inner) = within(properties, first, group()) else { return };
            let inner = if short(first) { long_form(inner) } else { Some(inner) };
            if let Some(inner) = inner {
                insert(inner, rest, key);
            }
        }
    }
}

/// Groups that may be written as a single text.
fn short(group: &str) -> bool {
    matches!(group, "knowledge" | "tools")
}

/// The group behind a short form beside it, made where it does not stand yet.
fn long_form(inner: &mut Value) -> Option<&mut Value> {
    if inner.get("anyOf").is_none() {
        let long = inner.take();
        *inner = json!({ "anyOf": [{ "type": "string" }, long] });
    }
    inner.pointer_mut("/anyOf/1")
}

fn require(at: &mut Value, name: &str) {
    if let Some(Value::Array(required)) = within(at, "required", json!([])) {
        required.push(json!(name));
    }
}

fn described(key: &Key) -> Value {
    let mut schema = takes(key).unwrap_or_else(|| json!({}));
    if schema
        .get("type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind != "string" && kind != "object")
    {
        schema = json!({ "anyOf": [schema, { "$ref": "#/$defs/variable" }] });
    }
    put(&mut schema, "description", json!(format!("{}. Default: {}", key.meaning, key.default)));
    schema
}

/// The schema of what a key takes, in the words of the table; `None` for words that mean nothing
/// here, which a test refuses.
fn takes(key: &Key) -> Option<Value> {
    match key.takes.strip_prefix("as `") {
        // `as secret`: what the key beside it takes.
        Some(name) => {
            let name = name.strip_suffix('`')?;
            let group = key.path.rsplit_once('.')?.0;
            let beside = key.place.keys().find(|k| k.path == format!("{group}.{name}"))?;
            takes(beside)
        }
        None => phrase(key.takes),
    }
}

fn phrase(words: &str) -> Option<Value> {
    if let Some(own) = workflow::phrase(words) {
        return Some(own);
    }
    if let Some(items) = words.strip_prefix("list of ") {
        return Some(json!({ "type": "array", "items": item(items)? }));
    }
    if let Some(all) = choices(words) {
        return Some(json!({ "enum": all }));
    }
    if let Some(first) = words.strip_suffix(" or `none`") {
        return Some(json!({ "anyOf": [phrase(first)?, { "const": "none" }] }));
    }
    if let Some(bounds) = words.strip_prefix("whole number") {
        return numeric("integer", bounds);
    }
    if let Some(bounds) = words.strip_prefix("number") {
        return numeric("number", bounds);
    }
    let text = json!({ "type": "string" });
    Some(match words {
        "text"
        | "path"
        | "`provider/model`"
        | "`provider/model` or `auto`"
        | "`provider/model`, or its beginning and `*`"
        | "name of a protocol"
        | "name of a protocol of embeddings"
        | "name of a protocol of rerankers"
        | "name of a variable" => text,
        "path, or list of paths" => {
            json!({ "anyOf": [text, { "type": "array", "items": text }] })
        }
        "true or false" => json!({ "type": "boolean" }),
        "duration" => json!({ "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$|\\$\\{" }),
        "address of a proxy" => {
            json!({ "type": "string", "pattern": "^(http|socks5h?)://|\\$\\{" })
        }
        "dollars" | "dollars per million tokens" | "dollars per thousand" => amount(),
        "day like 2026-01-31" => {
            json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$|\\$\\{" })
        }
        "`{input: , cache-read: , output: }` in dollars per million tokens" => medium(),
        "factor, or `{input: , output: }`" => json!({ "anyOf": [amount(), rates()] }),
        "http or https address" => json!({ "type": "string", "pattern": "^https?://|\\$\\{" }),
        "`http://HOST:PORT`" => json!({ "type": "string", "pattern": "^http://|\\$\\{" }),
        "address and port" => json!({ "type": "string", "pattern": ":[0-9]+$|\\$\\{" }),
        "texts by name" | "models by name" => {
            json!({ "type": "object", "additionalProperties": text })
        }
        "lists of texts by name" => json!({
            "type": "object",
            "additionalProperties": { "type": "array", "items": text },
        }),
        "`NAME: run` and `NAME: refuse`" => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": { "enum": ["run", "refuse"] },
        }),
        "group of keys" | "JSON Schemas by tenant" => json!({ "type": "object" }),
        "public keys by name" => json!({ "type": "object", "additionalProperties": text }),
        "name of an origin" => json!({ "enum": origins() }),
        "names of tools, or a group with each" => json!({ "anyOf": [
            { "type": "array", "items": text },
            group(),
        ] }),
        "JSON Schema" => json!({ "type": ["object", "boolean"] }),
        "`bearer`, `none` or `header: NAME`" => json!({ "anyOf": [
            { "enum": ["bearer", "none"] },
            { "type": "object", "properties": { "header": text }, "required": ["header"],
              "additionalProperties": false },
        ] }),
        "`NAME: {value: TEXT, env: [VARIABLE], when: {OTHER: {WORD: TEXT}}}`" => json!({
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "value": text,
                    "env": { "type": "array", "items": text },
                    "when": { "type": "object", "additionalProperties": {
                        "type": "object", "additionalProperties": text,
                    } },
                },
                "additionalProperties": false,
            },
        }),
        _ => return None,
    })
}

/// An amount of dollars, or a factor.
fn amount() -> Value {
    json!({ "type": ["number", "string"] })
}

/// Rates of a medium.
fn medium() -> Value {
    json!({
        "type": "object",
        "properties": { "input": amount(), "cache-read": amount(), "output": amount() },
        "additionalProperties": false,
    })
}

/// Rates of a tier or a length.
fn rates() -> Value {
    json!({
        "type": "object",
        "properties": {
            "input": amount(), "output": amount(), "cache-read": amount(),
            "cache-write": amount(), "cache-write-1h": amount(), "reasoning": amount(),
            "audio": medium(), "image": medium(),
        },
        "additionalProperties": false,
    })
}

/// The items of a list.
fn item(words: &str) -> Option<Value> {
    if let Some(all) = choices(words) {
        return Some(json!({ "enum": all }));
    }
    Some(match words {
        "texts" | "models" | "labels" | "patterns" | "tools" | "agents" | "variables"
        | "quirks" | "fields" | "paths" => json!({ "type": "string" }),
        "whole numbers" => json!({ "type": "integer" }),
        "capabilities" => {
            let names: Vec<_> = Capability::ALL.iter().map(|(name, _)| *name).collect();
            json!({ "enum": names })
        }
        "origins" => json!({ "enum": origins() }),
        "data classes" => {
            let names: Vec<_> = DataClass::ALL.iter().map(|class| class.name()).collect();
            json!({ "enum": names })
        }
        "`{above: TOKENS, rates: {input: , output: }}`" => json!({
            "type": "object",
            "properties": { "above": { "type": "integer", "minimum": 0 }, "rates": rates() },
            "required": ["above", "rates"],
            "additionalProperties": false,
        }),
        _ => return None,
    })
}

fn origins() -> Vec<&'static str> {
    Origin::ALL.iter().map(|origin| origin.name()).collect()
}

/// The words of a choice: "`a`, `b` or `c`".
fn choices(words: &str) -> Option<Vec<&str>> {
    let all = words.split(", ").flat_map(|part| part.split(" or ")).flat_map(|p| p.split(" and "));
    let all: Option<Vec<&str>> =
        all.map(|word| word.strip_prefix('`')?.strip_suffix('`')).collect();
    all.filter(|all| all.len() > 1 && all.iter().all(|word| !word.contains(['/', ':', ' '])))
}

/// A number within the bounds that the table names.
fn numeric(kind: &str, bounds: &str) -> Option<Value> {
    let number = |text: &str| text.parse::<i64>().ok();
    Some(match bounds {
        "" => json!({ "type": kind }),
        ", 0 for off" => json!({ "type": kind, "minimum": 0 }),
        _ => {
            let from = bounds.strip_prefix(" from ")?;
            match from.split_once(" to ") {
                Some((least, most)) => {
                    json!({ "type": kind, "minimum": number(least)?, "maximum": number(most)? })
                }
                None => json!({ "type": kind, "minimum": number(from)? }),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_of_the_table_says_what_it_takes() {
        for key in Place::ALL.iter().flat_map(|place| place.keys()) {
            assert!(takes(key).is_some(), "`{}` of {}: no schema", key.takes, key.path);
        }
    }

    #[test]
    fn bounds_and_choices_are_those_of_the_table() {
        let bounded = json!({ "type": "integer", "minimum": 1, "maximum": 20 });
        assert_eq!(phrase("whole number from 1 to 20"), Some(bounded));
        assert_eq!(phrase("`a`, `b` or `c`"), Some(json!({ "enum": ["a", "b", "c"] })));
        let list = json!({ "type": "array", "items": { "enum": ["a", "b"] } });
        assert_eq!(phrase("list of `a` and `b`"), Some(list));
        assert_eq!(phrase("words that nobody knows"), None);
    }

    #[test]
    fn a_required_key_is_required_where_it_stands() {
        let project = schema(Place::Project);
        let pool = &project["properties"]["pools"]["additionalProperties"];
        assert_eq!(pool["required"], json!(["models"]));
        assert_eq!(schema(Place::Agent)["required"], json!(["name", "instructions"]));
    }
}
