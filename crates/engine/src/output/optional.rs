//! Nulls in the place of properties that may be left out. A provider that demands every property
//! makes an optional one nullable instead; what it means is that the property is not there.

use serde_json::{Map, Value};

/// How deep references and values are followed.
const MOST_DEEP: usize = 100;

/// Takes out every null that stands where the schema lets a property be absent and lets no null
/// be. Everything else stays.
pub fn without_needless_nulls(schema: &Value, value: &mut Value) {
    Walk { root: schema }.at(schema, value, 0);
}

struct Walk<'a> {
    root: &'a Value,
}

impl<'a> Walk<'a> {
    /// A schema behind its references.
    fn resolved(&self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..MOST_DEEP {
            let Some(target) = schema.get("$ref").and_then(Value::as_str) else { break };
            let found = match target.strip_prefix('#') {
                Some("") => Some(self.root),
                Some(pointer) => self.root.pointer(pointer),
                None => None,
            };
            match found {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }

    fn at(&self, schema: &'a Value, value: &mut Value, deep: usize) {
        if deep > MOST_DEEP {
            return;
        }
        let schema = self.resolved(schema);
        for branch in branches(schema) {
            let branch = self.resolved(branch);
            if self.could_be(branch, value) {
                self.at(branch, value, deep + 1);
            }
        }
        match value {
            Value::Object(fields) => self.object(schema, fields, deep),
            Value::Array(items) => {
                let first = schema.get("prefixItems").and_then(Value::as_array);
                let first = first.map_or(&[][..], Vec::as_slice);
                for (index, item) in items.iter_mut().enumerate() {
                    if let Some(one) = first.get(index).or_else(|| schema.get("items")) {
                        self.at(one, item, deep + 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn object(&self, schema: &'a Value, fields: &mut Map<String, Value>, deep: usize) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |name: &String| required.is_some_and(|names| names.iter().any(|one| one == name));
        fields.retain(|name, value| {
            let known = properties.and_then(|properties| properties.get(name));
            !(value.is_null()
                && !is_required(name)
                && known.is_some_and(|known| !self.takes_null(known, deep)))
        });
        for (name, value) in fields {
            let known = properties.and_then(|properties| properties.get(name));
            if let Some(one) = known.or_else(|| schema.get("additionalProperties")) {
                self.at(one, value, deep + 1);
            }
        }
    }

    /// Whether a null may fit; when in doubt it may.
    fn takes_null(&self, schema: &'a Value, deep: usize) -> bool {
        let schema = self.resolved(schema);
        let Some(fields) = schema.as_object() else { return schema != &Value::Bool(false) };
        if deep > MOST_DEEP || fields.contains_key("$ref") {
            return true;
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return all.iter().all(|one| self.takes_null(one, deep + 1));
        }
        let by_type = match fields.get("type") {
            Some(Value::String(name)) => name == "null",
            Some(Value::Array(names)) => names.iter().any(|name| name == "null"),
            _ => true,
        };
        let by_values = match (fields.get("const"), fields.get("enum")) {
            (Some(one), _) => one.is_null(),
            (None, Some(Value::Array(values))) => values.iter().any(Value::is_null),
            _ => true,
        };
        let mut any = branches(schema).peekable();
        let by_branch = any.peek().is_none() || any.any(|branch| self.takes_null(branch, deep + 1));
        by_type && by_values && by_branch
    }

    /// Whether a value can be meant by a branch: its own names and fixed values do not speak
    /// against it.
    fn could_be(&self, branch: &'a Value, value: &Value) -> bool {
        let (Some(fields), Some(properties)) =
            (value.as_object(), branch.get("properties").and_then(Value::as_object))
        else {
            return value.is_array() || value.is_object();
        };
        let fixed = properties.iter().all(|(name, one)| {
            let one = self.resolved(one);
            let Some(value) = fields.get(name) else { return true };
            one.get("const").is_none_or(|fixed| fixed == value)
                && one
                    .get("enum")
                    .and_then(Value::as_array)
                    .is_none_or(|all| value.is_null() || all.contains(value))
        });
        let open = branch.get("additionalProperties").is_some_and(|more| more != false);
        fixed && (open || fields.keys().all(|name| properties.contains_key(name)))
    }
}

fn branches(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .filter_map(|key| schema.get(key).and_then(Value::as_array))
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mended(schema: &Value, mut value: Value) -> Value {
        without_needless_nulls(schema, &mut value);
        value
    }

    #[test]
    fn a_null_for_an_absent_property_is_taken_out_and_any_other_stays() {
        let schema = json!({
            "type": "object", "required": ["must"],
            "properties": {
                "must": {"type": "string"},
                "may": {"type": "string"},
                "either": {"type": ["string", "null"]},
                "union": {"anyOf": [{"$ref": "#/$defs/Word"}, {"type": "null"}]},
                "deep": {"$ref": "#/$defs/Deep"},
            },
            "$defs": {
                "Word": {"type": "string"},
                "Deep": {"type": "object", "properties": {"list": {"type": "array",
                    "items": {"$ref": "#/$defs/Deep"}}, "n": {"type": "integer"}}},
            },
        });
        let said = json!({"must": null, "may": null, "either": null, "union": null, "other": null,
                          "deep": {"n": null, "list": [{"n": 1, "list": null}]}});
        let meant = json!({"must": null, "either": null, "union": null, "other": null,
                           "deep": {"list": [{"n": 1}]}});
        assert_eq!(mended(&schema, said), meant);
    }

    #[test]
    fn of_a_union_only_the_branch_that_is_meant_says_what_is_optional() {
        let branch = |kind: &str, property: Value| {
            json!({"type": "object", "required": ["kind"], "additionalProperties": false,
                   "properties": {"kind": {"const": kind}, "x": property}})
        };
        let schema = json!({"oneOf": [branch("a", json!({"type": "string"})),
                                      branch("b", json!({"type": ["string", "null"]}))]});
        assert_eq!(mended(&schema, json!({"kind": "a", "x": null})), json!({"kind": "a"}));
        let kept = json!({"kind": "b", "x": null});
        assert_eq!(mended(&schema, kept.clone()), kept);
    }
}
