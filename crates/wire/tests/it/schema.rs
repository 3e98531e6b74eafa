//! Laws of down-levelling that hold for every schema.

use largestack_types::json::Json;
use largestack_wire::schema::{Dialect, down_level};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const DIALECTS: [Dialect; 5] = [
    Dialect::Plain,
    Dialect::OpenAiStrict,
    Dialect::AnthropicStrict,
    Dialect::GeminiOpenApi,
    Dialect::GeminiJson,
];

const KEYS: &[&str] = &[
    "type",
    "properties",
    "items",
    "anyOf",
    "oneOf",
    "allOf",
    "$ref",
    "$defs",
    "definitions",
    "enum",
    "const",
    "required",
    "additionalProperties",
    "prefixItems",
    "format",
    "pattern",
    "nullable",
    "description",
    "default",
    "minItems",
    "minimum",
    "not",
    "x-odd",
    "a",
    "~/b",
];

const WORDS: &[&str] = &[
    "string",
    "integer",
    "number",
    "object",
    "array",
    "null",
    "boolean",
    "STRING",
    "#",
    "#/$defs/a",
    "#/properties/a",
    "#/definitions/~0~1b",
    "date-time",
    "uuid",
    "a",
    "^a(?=b)$",
    "\\1",
];

/// Anything that looks like a schema, or does not.
fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => prop::sample::select(WORDS).prop_map(Value::from),
        1 => prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(false))],
        1 => (-3i64..9).prop_map(Value::from),
        1 => (-999i32..999).prop_map(|n| json!(f64::from(n) / 8.0)),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let object = prop::collection::vec((prop::sample::select(KEYS), inner.clone()), 0..6);
        let object = object.prop_map(|fields| {
            fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>().into()
        });
        prop_oneof![3 => object, 1 => prop::collection::vec(inner, 0..4).prop_map(Value::from)]
    })
}

/// A schema of the kind that people write.
fn plausible() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        prop::sample::select(&["string", "integer", "number", "boolean", "null"][..])
            .prop_map(|name| json!({"type": name})),
        Just(json!({"enum": ["a", "b"]})),
        Just(json!({"enum": [1, null]})),
        Just(json!({"const": "x"})),
        Just(json!({"type": ["string", "null"], "minLength": 2})),
        Just(json!({"type": ["string", "integer"], "minimum": 2, "description": "D"})),
        Just(json!({"$ref": "#/$defs/a"})),
        Just(json!({"$ref": "#/$defs/a", "description": "D"})),
        Just(json!({"$ref": "#"})),
        Just(json!({})),
    ];
    let schema = leaf.prop_recursive(4, 32, 4, |inner| {
        let several = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(a, b, all)| json!({
                "type": "object", "properties": {"a": a, "b": b},
                "required": if all { json!(["a", "b"]) } else { json!(["b"]) },
                "additionalProperties": all,
            })),
            inner.clone().prop_map(|a| json!({"type": "array", "items": a, "minItems": 1})),
            several.clone().prop_map(|all| json!({"anyOf": all})),
            several.clone().prop_map(|all| json!({"oneOf": all, "title": "T"})),
            several.clone().prop_map(|all| json!({"allOf": all})),
            several.prop_map(|all| json!({"type": "array", "prefixItems": all})),
            inner.prop_map(|a| json!({"type": "object", "additionalProperties": a})),
        ]
    });
    (schema.clone(), schema).prop_map(|(mut root, def)| {
        if let Some(root) = root.as_object_mut() {
            root.insert("$defs".to_owned(), json!({"a": def}));
        }
        root
    })
}

fn check(schema: &Value) -> Result<(), TestCaseError> {
    let schema = Json::parse(schema.to_string()).unwrap();
    for dialect in DIALECTS {
        let (lowered, lost) = down_level(&schema, dialect);
        prop_assert!(serde_json::from_str::<Value>(lowered.as_str()).is_ok());
        prop_assert_eq!(&down_level(&schema, dialect), &(lowered.clone(), lost));
        let (again, _) = down_level(&lowered, dialect);
        prop_assert_eq!(again.as_str(), lowered.as_str(), "{:?} of {}", dialect, schema.as_str());
    }
    Ok(())
}

/// Whether a keyword stands anywhere in a schema (and not as the name of a property).
fn has(schema: &Value, wanted: &str) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            key == wanted
                || match &**key {
                    "properties" | "$defs" | "definitions" => value
                        .as_object()
                        .is_some_and(|map| map.values().any(|one| has(one, wanted))),
                    "enum" | "const" | "default" | "required" | "example" => false,
                    _ => has(value, wanted),
                }
        }),
        Value::Array(items) => items.iter().any(|item| has(item, wanted)),
        _ => false,
    }
}

/// Every schema in one that was lowered.
fn each(schema: &Value, check: &mut dyn FnMut(&Map<String, Value>)) {
    let Some(fields) = schema.as_object() else { return };
    check(fields);
    for (key, value) in fields {
        match (&**key, value) {
            ("properties" | "$defs" | "definitions", Value::Object(map)) => {
                for one in map.values() {
                    each(one, check);
                }
            }
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(all)) => {
                for one in all {
                    each(one, check);
                }
            }
            ("items" | "additionalProperties", one) => each(one, check),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn any_json_at_all_is_lowered_to_json_and_again_to_the_same(schema in any_schema()) {
        check(&schema)?;
    }

    #[test]
    fn schemas_as_people_write_them_are_lowered_once_and_for_all(schema in plausible()) {
        check(&schema)?;
    }

    #[test]
    fn nothing_is_left_that_a_dialect_does_not_have(schema in plausible()) {
        let json = Json::parse(schema.to_string()).unwrap();
        let lower = |dialect| down_level(&json, dialect).0.to::<Value>().unwrap();
        let open_api = lower(Dialect::GeminiOpenApi);
        for keyword in ["$ref", "$defs", "oneOf", "allOf", "additionalProperties", "prefixItems", "const"] {
            prop_assert!(!has(&open_api, keyword), "{} in {}", keyword, open_api);
        }
        for dialect in [Dialect::OpenAiStrict, Dialect::AnthropicStrict] {
            let strict = lower(dialect);
            for keyword in ["oneOf", "allOf", "prefixItems", "minLength"] {
                prop_assert!(!has(&strict, keyword), "{} in {}", keyword, strict);
            }
            let mut open = Vec::new();
            each(&strict, &mut |fields| {
                let object = fields.get("type").is_some_and(|name| {
                    name == "object" || name.as_array().is_some_and(|all| all.contains(&json!("object")))
                });
                let required = fields.get("required").and_then(Value::as_array).map(Vec::len);
                let properties = fields.get("properties").and_then(Value::as_object).map(Map::len);
                let all = dialect != Dialect::OpenAiStrict || required == properties;
                if object && (fields.get("additionalProperties") != Some(&json!(false)) || !all) {
                    open.push(fields.clone());
                }
            });
            prop_assert!(open.is_empty(), "{:?}", open);
        }
    }
}
