//! The law of `extra`, at every wire: what it says is in the request, at its place, byte for byte;
//! what the call itself accounts for it cannot say; and nothing is said twice.

use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, Settings, ToolChoice};
use largestack_types::json::Json;
use largestack_types::message::Role;
use largestack_wire::{EncodeError, Session, Target, WIRES};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::matrix::{encode, rows};
use crate::support::{call, message, text, tool, user, with};

/// One row of each wire.
fn one_of_each() -> Vec<Target> {
    let mut rows = rows();
    let mut of_wires = Vec::new();
    for wire in WIRES {
        let at = rows.iter().position(|row| row.provider.wire == wire.name() && fits(row));
        of_wires.push(rows.swap_remove(at.unwrap_or_else(|| panic!("no row of {}", wire.name()))));
    }
    of_wires
}

/// A model that the row's maker would have.
fn fits(row: &Target) -> bool {
    let claude = ["anthropic-messages", "bedrock-anthropic", "vertex-anthropic"];
    claude.contains(&&*row.provider.wire) == row.model.starts_with("claude")
}

fn base() -> Call {
    let mut call = call(vec![message(Role::System, vec![text("Be brief.")]), user("?")]);
    call.tools = Arc::new([tool()]);
    call
}

fn extra(call: &Call, extra: &str) -> Call {
    let extra = Some(Json::parse(extra.to_owned()).unwrap());
    with(call.clone(), Settings { extra, ..(*call.settings).clone() })
}

fn body(call: &Call, target: &Target) -> Map<String, Value> {
    let request = encode(call, target).unwrap();
    let Value::Object(body) = crate::support::json(&request) else { panic!("no object") };
    body
}

/// Any JSON that reads back as itself.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ a-z\"\\\\\u{0}\u{e9}\u{2028}\u{1F600}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = "[a-z_\"\u{e9}]{1,4}";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_extra_says_is_in_the_request_and_nothing_else_changes(
        fields in prop::collection::btree_map("x_[a-z\"\u{e9}]{1,5}", any_json(), 0..5),
    ) {
        let said: Map<String, Value> = fields.into_iter().collect();
        let text = Value::Object(said.clone()).to_string();
        for target in one_of_each() {
            let wire = &target.provider.wire;
            let plain = body(&base(), &target);
            let mut expected = plain.clone();
            expected.extend(said.clone());
            let call = extra(&base(), &text);
            prop_assert_eq!(&body(&call, &target), &expected, "{}", wire);
            let [once, again] = [0, 1].map(|_| encode(&call, &target).unwrap().body);
            prop_assert_eq!(&once, &again, "{}: the same call, other bytes", wire);
            // Byte for byte, so that numbers and escapes are the caller's own.
            for (key, value) in &said {
                let field = format!("{}:{value}", Value::from(key.as_str()));
                let sent = String::from_utf8(once.to_vec()).unwrap();
                prop_assert!(sent.contains(&field), "{}: {} in {}", wire, field, sent);
            }
        }
    }

    #[test]
    fn a_session_that_has_seen_another_extra_writes_the_same_bytes(
        values in prop::collection::vec(any_json(), 1..4),
    ) {
        for target in one_of_each() {
            let wire = target.wire().unwrap();
            let mut session = Session::new();
            for value in &values {
                let call = extra(&base(), &json!({ "x_y": value }).to_string());
                let cached = wire.encode(&call, &target, &mut session).unwrap();
                let whole = wire.encode(&call, &target, &mut Session::new()).unwrap();
                prop_assert_eq!(cached.body, whole.body, "{}", wire.name());
            }
        }
    }
}

/// A call that says something of nearly everything.
fn rich(target: &Target) -> Call {
    let schema = Json::parse(
        r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#,
    );
    let settings = Settings {
        max_output_tokens: Some(77),
        temperature: Some(0.25),
        stop: vec!["END".into()],
        output_schema: Some(OutputSchema { name: "shape".into(), schema: schema.unwrap() }),
        metadata: [("user".to_owned(), "u-1".to_owned())].into(),
        ..Settings::default()
    };
    let call = Call { stream: true, ..with(base(), settings) };
    let insisting = Call { tool_choice: ToolChoice::Required, ..call.clone() };
    if encode(&insisting, target).is_ok() { insisting } else { call }
}

/// What the call itself accounts for: the model, the words, the tools, the limit that is paid for,
/// and whether it is streamed.
const OURS: &[&str] = &[
    "model",
    "messages",
    "contents",
    "input",
    "system",
    "systemInstruction",
    "instructions",
    "tools",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
];

#[test]
fn a_field_of_the_requests_own_is_refused_or_is_the_callers_word_and_never_there_twice() {
    for target in one_of_each() {
        let wire = &target.provider.wire;
        for (key, ours) in body(&rich(&target), &target) {
            let said = json!({ &key: { "x_y": 1 } }).to_string();
            match encode(&extra(&rich(&target), &said), &target) {
                Err(EncodeError::ExtraReserved { key: refused }) => {
                    assert!(refused.starts_with(&key), "{wire}: {key} is refused as {refused}");
                }
                Ok(request) => {
                    assert!(!OURS.contains(&&*key), "{wire}: {key} is the call's to say");
                    let sent = crate::support::json(&request);
                    assert_eq!(sent[&key]["x_y"], 1, "{wire}: {key} was {ours}, is {}", sent[&key]);
                }
                Err(other) => panic!("{wire}: {key}: {other}"),
            }
        }
    }
}

#[test]
fn a_limit_cannot_be_said_past_the_one_that_is_paid_for() {
    let groups = [
        ("gemini", r#"{"generationConfig": {"maxOutputTokens": 9}}"#),
        ("gemini", r#"{"generation_config": {"max_output_tokens": 9}}"#),
        ("bedrock-converse", r#"{"inferenceConfig": {"maxTokens": 9}}"#),
        ("ollama", r#"{"options": {"num_predict": 9}}"#),
    ];
    for target in one_of_each() {
        let wire = &target.provider.wire;
        for (_, said) in groups.iter().filter(|(name, _)| *name == wire) {
            let refused = encode(&extra(&base(), said), &target).unwrap_err();
            assert!(matches!(refused, EncodeError::ExtraReserved { .. }), "{wire}: {refused}");
        }
    }
}

#[test]
fn what_is_said_twice_is_refused_in_either_spelling_and_inside_of_groups() {
    for target in one_of_each() {
        let wire = &target.provider.wire;
        let mut twice =
            vec![r#"{"x_y": 1, "x_y": 2}"#.to_owned(), r#"{"x_y": 1, "x\u005fy": 2}"#.to_owned()];
        for (name, group) in [
            ("gemini", "generationConfig"),
            ("bedrock-converse", "inferenceConfig"),
            ("bedrock-converse", "additionalModelRequestFields"),
            ("ollama", "options"),
        ] {
            if name == wire {
                twice.push(format!(r#"{{"{group}": {{"x": 1, "x": 2}}}}"#));
            }
        }
        if wire == "gemini" {
            let past = r#"{"generationConfig": {}, "generation_config": {"maxOutputTokens": 9}}"#;
            twice.push(past.to_owned());
            twice.push(r#"{"generationConfig": {"topP": 0.1, "top_p": 0.2}}"#.to_owned());
        }
        for said in twice {
            let refused = encode(&extra(&base(), &said), &target);
            let refused = refused.map(|request| request.body).unwrap_err();
            assert!(matches!(refused, EncodeError::ExtraTwice { .. }), "{wire}: {said}: {refused}");
        }
    }
}

#[test]
fn what_is_no_object_is_refused_by_every_wire() {
    for target in one_of_each() {
        for said in ["[]", "1", "null", "\"{}\""] {
            let refused = encode(&extra(&base(), said), &target).unwrap_err();
            assert_eq!(refused, EncodeError::ExtraNotAnObject, "{}", target.provider.wire);
        }
    }
}
