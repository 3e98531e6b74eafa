use serde_json::{Value, json};

use super::*;

fn lower(schema: &Value, dialect: Dialect) -> (Value, Vec<String>) {
    let (lowered, lost) = down_level(&Json::parse(schema.to_string()).unwrap(), dialect);
    let again = down_level(&lowered, dialect).0;
    assert_eq!(again.as_str(), lowered.as_str(), "lowering twice changes something");
    let lost = lost.into_iter().map(|lost| format!("{} {}", lost.pointer, lost.keyword));
    (lowered.to().unwrap(), lost.collect())
}

#[test]
fn openai_strict_closes_objects_and_requires_every_property() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "default": "x"},
            "age": {"type": ["integer", "null"], "minimum": 0},
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["name", "tags"],
    });
    let (lowered, lost) = lower(&schema, Dialect::OpenAiStrict);
    let expected = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": ["integer", "null"], "minimum": 0},
            "kind": {"type": ["string", "null"], "enum": ["a", "b", null]},
            "tags": {"type": "object", "properties": {}, "required": [], "additionalProperties": false},
        },
        "required": ["name", "age", "kind", "tags"],
        "additionalProperties": false,
    });
    assert_eq!(lowered, expected);
    let told = [
        "/properties/name default",
        "/properties/name minLength",
        "/properties/kind required",
        "/properties/tags additionalProperties",
    ];
    assert_eq!(lost, told);
}

fn tree() -> Value {
    json!({
        "type": "object",
        "properties": {
            "value": {"$ref": "#/$defs/Value", "description": "What it holds"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        },
        "required": ["value", "children"],
        "additionalProperties": false,
        "$defs": {
            "Value": {"type": "string", "description": "A value"},
            "Node": {
                "type": "object",
                "properties": {"next": {"$ref": "#/$defs/Node"}},
                "required": ["next"],
                "additionalProperties": false,
            },
        },
    })
}

#[test]
fn references_stay_where_the_dialect_has_them_and_what_stands_beside_them_is_taken_in() {
    let (lowered, lost) = lower(&tree(), Dialect::OpenAiStrict);
    assert!(lost.is_empty(), "{lost:?}");
    let value = json!({"type": "string", "description": "What it holds"});
    assert_eq!(lowered["properties"]["value"], value);
    assert_eq!(lowered["properties"]["children"]["items"], json!({"$ref": "#/$defs/Node"}));
    assert_eq!(lowered["$defs"]["Node"]["properties"]["next"], json!({"$ref": "#/$defs/Node"}));
    let (lowered, lost) = lower(&tree(), Dialect::GeminiJson);
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(lowered["$defs"]["Node"], tree()["$defs"]["Node"]);
}

#[test]
fn recursion_is_cut_once_and_reported_where_there_are_no_references() {
    let next = "/properties/children/items/properties/next $ref".to_owned();
    let (lowered, lost) = lower(&tree(), Dialect::AnthropicStrict);
    assert_eq!(lost, std::slice::from_ref(&next));
    let cut = &lowered["properties"]["children"]["items"]["properties"]["next"];
    assert_eq!(cut["additionalProperties"], false);
    assert_eq!(lowered.get("$defs"), None);
    let (lowered, lost) = lower(&tree(), Dialect::GeminiOpenApi);
    assert!(lost.contains(&next), "{lost:?}");
    let item = &lowered["properties"]["children"]["items"];
    assert_eq!(item["properties"]["next"], json!({"type": "OBJECT"}));
}

#[test]
fn the_open_api_subset_has_upper_case_types_marks_for_null_and_texts_to_choose_from() {
    let schema = json!({
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"], "format": "date-time"},
            "b": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "B"},
            "c": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
            "d": {"const": "x"},
            "e": {"type": "array", "items": {"type": "number", "format": "float"}, "maxItems": 3},
            "f": {"enum": ["x", null]},
        },
        "required": ["a"],
    });
    let (lowered, lost) = lower(&schema, Dialect::GeminiOpenApi);
    assert!(lost.is_empty(), "{lost:?}");
    let expected = json!({
        "type": "OBJECT",
        "properties": {
            "a": {"type": "STRING", "nullable": true, "format": "date-time"},
            "b": {"type": "INTEGER", "description": "B", "nullable": true},
            "c": {"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}], "nullable": true},
            "d": {"type": "STRING", "enum": ["x"]},
            "e": {"type": "ARRAY", "items": {"type": "NUMBER", "format": "float"}, "maxItems": 3},
            "f": {"type": "STRING", "nullable": true, "enum": ["x"]},
        },
        "required": ["a"],
    });
    assert_eq!(lowered, expected);
    let raised: Value = of_open_api(&Json::parse(lowered.to_string()).unwrap()).to().unwrap();
    assert_eq!(raised["properties"]["a"]["type"], json!(["string", "null"]));
    assert_eq!(raised["properties"]["c"]["anyOf"].as_array().unwrap().len(), 3);
    assert_eq!(raised["properties"]["f"]["enum"], json!(["x", null]));
}

#[test]
fn what_the_open_api_subset_cannot_say_is_lost_and_said() {
    let cases = [
        (json!({"type": "integer", "enum": [1, 2]}), " enum"),
        (json!({"type": "string", "format": "uuid"}), " format"),
        (json!({"type": "string", "not": {"const": "x"}}), " not"),
        (json!({"type": "array", "prefixItems": [{"type": "number"}]}), " prefixItems"),
        (json!({"type": "number", "exclusiveMinimum": 0}), " exclusiveMinimum"),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}),
            " additionalProperties",
        ),
        (json!({"type": "object"}), " additionalProperties"),
        (json!({"oneOf": [{"type": "string"}, {"type": "number"}]}), " oneOf"),
        (json!({"type": "string", "x-mine": 1}), " other"),
        (json!({"$ref": "https://example.com/other.json"}), " $ref"),
        (json!({"$ref": "#/$defs/Nowhere"}), " $ref"),
        (json!({}), " type"),
        (json!(false), " false"),
    ];
    for (schema, expected) in cases {
        let (_, lost) = lower(&schema, Dialect::GeminiOpenApi);
        assert!(lost.contains(&expected.to_owned()), "{schema}: {lost:?}");
    }
}

#[test]
fn anthropic_keeps_few_bounds_and_simple_patterns() {
    let schema = json!({
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "b": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "c": {"type": "string", "pattern": "^[a-z]+$"},
            "d": {"type": "string", "pattern": "^(?!x)"},
            "e": {"type": "integer", "maximum": 3},
        },
    });
    let (lowered, lost) = lower(&schema, Dialect::AnthropicStrict);
    assert_eq!(lost, ["/properties/b minItems", "/properties/d pattern", "/properties/e maximum"]);
    assert_eq!(lowered["properties"]["a"]["minItems"], 1);
    assert_eq!(lowered["properties"]["c"]["pattern"], "^[a-z]+$");
    assert_eq!(lowered["additionalProperties"], false);
    assert_eq!(lowered.get("required"), None);
}

#[test]
fn what_a_schema_is_composed_of_is_taken_into_it() {
    let schema = json!({
        "allOf": [
            {"$ref": "#/$defs/Base"},
            {"properties": {"b": {"type": "string"}}, "required": ["b"]},
        ],
        "additionalProperties": false,
        "$defs": {"Base": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}},
    });
    let (lowered, lost) = lower(&schema, Dialect::OpenAiStrict);
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(lowered["type"], "object");
    assert_eq!(lowered["required"], json!(["a", "b"]));
    let clash = json!({"type": "string", "allOf": [{"type": "integer"}]});
    assert_eq!(lower(&clash, Dialect::AnthropicStrict).1, [" allOf"]);
}

#[test]
fn references_that_multiply_are_cut_before_they_fill_the_memory() {
    let mut defs = serde_json::Map::new();
    for level in 0..64 {
        let next = json!({"$ref": format!("#/$defs/L{}", level + 1)});
        let fields = json!({"a": next, "b": next, "c": next});
        defs.insert(format!("L{level}"), json!({"type": "object", "properties": fields}));
    }
    defs.insert("L64".into(), json!({"type": "string"}));
    let schema =
        json!({"type": "object", "properties": {"root": {"$ref": "#/$defs/L0"}}, "$defs": defs});
    let (lowered, lost) =
        down_level(&Json::parse(schema.to_string()).unwrap(), Dialect::GeminiOpenApi);
    assert!(lowered.as_str().len() < 8 << 20, "{} bytes", lowered.as_str().len());
    assert!(lost.iter().any(|lost| lost.keyword == "$ref"));
    let small = json!({"type": "object", "properties": {"root": {"$ref": "#/$defs/L62"}}, "$defs": schema["$defs"]});
    let (_, lost) = down_level(&Json::parse(small.to_string()).unwrap(), Dialect::GeminiOpenApi);
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn a_schema_that_says_nothing_odd_is_kept_whole_and_in_order() {
    let text = r#"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer"}},"required":["z"]}"#;
    let schema = Json::parse(text).unwrap();
    for dialect in [Dialect::Plain, Dialect::GeminiJson] {
        let (lowered, lost) = down_level(&schema, dialect);
        assert_eq!((lowered.as_str(), lost), (text, vec![]));
    }
}

#[test]
fn what_was_lost_is_named_once_for_the_request() {
    let lost = |keyword| Lost { pointer: String::new(), keyword };
    let lost = [lost("not"), lost("pattern"), lost("not"), lost("size")];
    assert_eq!(
        dropped(Of::Tools, &lost),
        ["tools.schema:not", "tools.schema:pattern", "tools.schema:size"]
    );
    assert_eq!(dropped(Of::Output, &lost[..1]), ["output_schema.schema:not"]);
}
