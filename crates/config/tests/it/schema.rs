//! The schemas that editors are given agree with the reader.

use largestack_config::keys::{KEYS, Key, Place};
use largestack_config::{Flags, schema};
use serde_json::{Value, json};

use crate::every_key::{OTHER, agent_text, nested};
use crate::support::{agent, folder};

fn accepts(place: Place, text: &str) -> Result<(), String> {
    let document: Value = serde_saphyr::from_str(text).unwrap();
    let schema = schema::schema(place);
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.validate(&document).map_err(|error| format!("{}: {error}", error.instance_path()))
}

fn written(key: &Key) -> String {
    let value = OTHER.iter().find(|row| row.0 == key.place && row.1 == key.path).unwrap().2;
    match key.place {
        Place::Agent => agent_text(key, value),
        Place::Project => {
            let mut text = nested(key.path, value);
            if key.path.starts_with("pools.") && key.path != "pools.*.models" {
                text.push_str("    models: [openai/o4-mini]\n");
            }
            text
        }
        Place::Workflow => panic!("its keys have tests of their own"),
    }
}

#[test]
fn the_schemas_are_schemas() {
    for place in Place::ALL.iter().copied() {
        jsonschema::meta::validate(&schema::schema(place)).unwrap();
    }
}

#[test]
fn what_the_reader_takes_the_schema_takes() {
    for key in KEYS {
        let text = written(key);
        accepts(key.place, &text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", key.path));
    }
}

#[test]
fn a_schema_has_no_key_that_the_reader_does_not_know() {
    fn names(schema: &Value, path: &str, all: &mut Vec<String>) {
        let at = schema.pointer("/anyOf/1").filter(|s| s["type"] == "object").unwrap_or(schema);
        let (own, free) = (&at["properties"], &at["additionalProperties"]);
        let join =
            |name: &str| if path.is_empty() { name.into() } else { format!("{path}.{name}") };
        let leaf = own.is_null() && !free.is_object();
        if leaf || KEYS.iter().any(|key| key.path == path) {
            all.push(path.to_owned());
        }
        // A short form may stand beside a group, as with `tools`.
        if leaf
            || !KEYS.iter().any(|key| key.path.starts_with(&format!("{path}."))) && !path.is_empty()
        {
            return;
        }
        for (name, inner) in own.as_object().into_iter().flatten() {
            names(inner, &join(name), all);
        }
        if free.is_object() {
            names(free, &join("*"), all);
        }
    }
    for place in [Place::Agent, Place::Project] {
        let mut named = Vec::new();
        names(&schema::schema(place), "", &mut named);
        named.retain(|name| name != "include");
        let mut known: Vec<_> =
            KEYS.iter().filter(|key| key.place == place).map(|key| key.path.to_owned()).collect();
        named.sort();
        known.sort();
        assert_eq!(named, known);
    }
}

#[test]
fn what_is_wrong_is_refused_by_both() {
    let wrong = [
        "nme: a\n",
        "limits: {max_turns: many}\n",
        "limits: {max_turns: 0}\n",
        "limits: {on_limit: stop}\n",
        "knowledge: {top_k: 21, folder: docs}\n",
        "cache: {enabled: 1}\n",
        "fallbacks: offline/extractive\n",
        "settings: {temperature: 2.5}\n",
    ];
    for line in wrong {
        let text = format!("name: a\ninstructions: Help.\n{line}");
        assert!(accepts(Place::Agent, &text).is_err(), "the schema takes {line}");
        let folder = folder([("agent.yaml", text.as_str()), ("docs/a.md", "a")]);
        assert!(agent(folder.path(), &[], &Flags::new()).is_err(), "the reader takes {line}");
    }
    assert!(accepts(Place::Agent, "name: a\n").unwrap_err().contains("instructions"));
}

#[test]
fn a_variable_stands_for_a_value_of_any_type() {
    let text = "name: a\ninstructions: Help.\nlimits: {max_turns: '${TURNS:3}'}\n";
    accepts(Place::Agent, text).unwrap();
    let text = "name: a\ninstructions: Help.\nlimits: {max_turns: '$TURNS'}\n";
    assert!(accepts(Place::Agent, text).is_err());
    assert_eq!(schema::schema(Place::Agent)["title"], json!("agent.yaml"));
}
