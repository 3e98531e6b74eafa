//! Schemas whose root is not an object. Providers and tools take an object only, so that anything
//! else is put into one, under one name, and taken out again.

use largestack_types::json::Json;
use serde_json::{Map, Value, json};

/// The property that holds an answer which is not an object.
pub const ROOT_KEY: &str = "value";
/// Where a schema that refers to its own root is kept.
const OWN: &str = "Answer";

/// The schema with a plain object at its root, and whether it had to be put into one.
pub fn rooted(schema: &Json) -> (Json, bool) {
    let Ok(Value::Object(root)) = schema.to::<Value>() else { return (schema.clone(), false) };
    let is_object = root.get("type").is_some_and(|kind| kind == "object");
    let is_union = ["anyOf", "oneOf", "allOf", "$ref", "not", "if", "enum", "const"]
        .iter()
        .any(|key| root.contains_key(*key));
    if is_object && !is_union {
        return (schema.clone(), false);
    }
    match Json::of(&wrapped(root)) {
        Ok(wrapped) => (wrapped, true),
        Err(_) => (schema.clone(), false),
    }
}

fn wrapped(mut root: Map<String, Value>) -> Value {
    let mut shared = Map::new();
    for key in ["$defs", "definitions"] {
        if let Some(definitions) = root.shift_remove(key) {
            shared.insert(key.to_owned(), definitions);
        }
    }
    root.shift_remove("$schema");
    let mut inner = Value::Object(root);
    let mut refers = repoint(&mut inner);
    for definitions in shared.values_mut() {
        refers |= repoint(definitions);
    }
    if refers {
        let own = shared.entry("$defs").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(own) = own {
            own.insert(OWN.to_owned(), inner);
        }
        inner = json!({"$ref": format!("#/$defs/{OWN}")});
    }
    let mut out = json!({
        "type": "object",
        "properties": {ROOT_KEY: inner},
        "required": [ROOT_KEY],
        "additionalProperties": false,
    });
    if let Value::Object(out) = &mut out {
        out.extend(shared);
    }
    out
}

/// Points references to the root at where it stands now; whether there were any.
fn repoint(node: &mut Value) -> bool {
    match node {
        Value::Object(fields) => {
            let mut found = false;
            for (key, value) in fields {
                if key == "$ref" && value == "#" {
                    *value = Value::String(format!("#/$defs/{OWN}"));
                    found = true;
                } else {
                    found |= repoint(value);
                }
            }
            found
        }
        Value::Array(items) => {
            items.iter_mut().filter_map(|item| repoint(item).then_some(())).count() > 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(schema: &Value) -> (Value, bool) {
        let (json, wrapped) = rooted(&Json::parse(schema.to_string()).unwrap());
        (json.to().unwrap(), wrapped)
    }

    #[test]
    fn an_object_stays_and_anything_else_is_put_into_one() {
        let object = json!({"type": "object", "properties": {"a": {}}});
        assert_eq!(of(&object), (object, false));
        let (list, wrapped) = of(&json!({"type": "array", "items": {"$ref": "#/$defs/A"},
                                         "$defs": {"A": {"type": "string"}}}));
        assert!(wrapped);
        assert_eq!(list["properties"]["value"]["items"], json!({"$ref": "#/$defs/A"}));
        assert_eq!(list["$defs"]["A"], json!({"type": "string"}));
        assert_eq!(list["required"], json!(["value"]));
    }

    #[test]
    fn a_schema_that_refers_to_its_root_still_does() {
        let tree = json!({"anyOf": [{"type": "null"}, {"type": "object",
                          "properties": {"next": {"$ref": "#"}}}]});
        let (schema, wrapped) = of(&tree);
        assert!(wrapped);
        assert_eq!(schema["properties"]["value"], json!({"$ref": "#/$defs/Answer"}));
        let next = &schema["$defs"]["Answer"]["anyOf"][1]["properties"]["next"];
        assert_eq!(next, &json!({"$ref": "#/$defs/Answer"}));
    }
}
