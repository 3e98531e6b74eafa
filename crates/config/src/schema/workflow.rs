//! What editors are told of `workflow.yaml` beside its table: short forms, and agents that are written
//! out in it.

use serde_json::{Value, json};

use super::{put, schema};
use crate::keys::Place;

/// The schema of what a key of a workflow takes; `None` for words that mean nothing here.
pub(super) fn phrase(words: &str) -> Option<Value> {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "array", "items": text() });
    let by_name = |inner: Value| json!({ "type": "object", "additionalProperties": inner });
    Some(match words {
        "name of an agent" | "name of a key" | "name of a tool" => text(),
        "tools as in agent.yaml" => json!({ "$ref": TOOLS }),
        "what is listened to" => json!({ "anyOf": [
            text(),
            { "type": "array", "items": { "anyOf": [text(), { "type": "object" }] } },
            { "type": "object", "minProperties": 1, "maxProperties": 1 },
        ] }),
        "groups of nodes" => json!({ "anyOf": [
            watched(), { "type": "array", "items": watched() },
        ] }),
        "members, each with an agent" => by_name(text()),
        "`fail`, `skip`, or `{retry: N}`" => json!({ "anyOf": [
            { "enum": ["fail", "skip"] },
            { "type": "object", "properties": { "retry": { "type": "integer", "minimum": 1 } },
              "required": ["retry"], "additionalProperties": false },
        ] }),
        "name of a pattern" => {
            let names: Vec<_> = crate::workflow::PATTERNS.iter().map(|row| row.name).collect();
            json!({ "enum": names })
        }
        "`true`" => json!({ "const": true }),
        "any value" => json!({}),
        "path, or the keys of agent.yaml" => json!({ "anyOf": [text(), { "$ref": AGENT }] }),
        "list of keys, or `KEY: TYPE`" => {
            let kinds = json!({ "enum": ["any", "text", "number", "boolean", "list", "object"] });
            json!({ "anyOf": [texts(), by_name(kinds)] })
        }
        "its keys, each with one of ours, or with what it is" => json!({ "type": "object" }),
        "node or list of nodes" | "key, list of keys, or `none`" => {
            json!({ "anyOf": [text(), texts()] })
        }
        "node, list of nodes, or a node for each choice" => {
            let each = json!({ "anyOf": [text(), texts()] });
            json!({ "anyOf": [text(), texts(), by_name(each)] })
        }
        "agents, each with a list of agents" => by_name(json!({ "anyOf": [text(), texts()] })),
        "`fail`, `skip`, `end-branch`, or `{to: NODE}`" => json!({ "anyOf": [
            { "enum": ["fail", "skip", "end-branch"] },
            { "type": "object", "properties": { "to": { "anyOf": [text(), texts()] } },
              "required": ["to"], "additionalProperties": false },
        ] }),
        "list of cases" => json!({ "type": "array", "minItems": 1, "items": {
            "type": "object",
            "properties": { "if": { "type": "object" }, "to": text() },
            "required": ["to"],
            "additionalProperties": false,
        } }),
        _ => return None,
    })
}

/// Nodes that are watched together; a pattern's members are all watched together.
fn watched() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": {
            "nodes": { "anyOf": [text, { "type": "array", "items": text }] },
            "restarts": { "enum": ["one-for-one", "one-for-all", "rest-for-one"] },
            "most": { "type": "integer", "minimum": 0, "maximum": 1000 },
            "within": text,
            "pause": text,
        },
        "additionalProperties": false,
    })
}

/// Where the schema of an agent's tools stands.
const TOOLS: &str = "#/$defs/agent/properties/tools";

/// Where the schema of an agent stands.
const AGENT: &str = "#/$defs/agent";

/// Puts beside the table what it has no words for.
pub(super) fn finish(root: &mut Value) {
    for (path, short) in [
        (
            "/properties/state/additionalProperties",
            json!({
                "enum": ["replace", "append", "extend", "add", "merge"],
            }),
        ),
        (
            "/properties/nodes/additionalProperties/properties/retry",
            json!({
                "type": "integer", "minimum": 1, "maximum": 1000,
            }),
        ),
        (
            "/properties/nodes/additionalProperties/properties/undo/properties/retry",
            json!({
                "type": "integer", "minimum": 1, "maximum": 1000,
            }),
        ),
    ] {
        if let Some(long) = root.pointer_mut(path) {
            *long = json!({ "anyOf": [short, long.take()] });
        }
    }
}

/// The schema of an agent that is written out: what it is called the key says, too.
pub(super) fn agent() -> Value {
    let mut agent = schema(Place::Agent);
    if let Value::Object(fields) = &mut agent {
        fields.remove("$schema");
        fields.remove("$defs");
        fields.insert("required".to_owned(), json!(["instructions"]));
    }
    put(&mut agent, "title", json!("an agent"));
    agent
}
