//! How answers get their shape: at every row, with and without tools.

use std::sync::Arc;

use largestack_types::call::{
    Call, OutputMode, OutputSchema, ReasoningEffort, Settings, ToolChoice,
};
use largestack_types::json::Json;
use largestack_types::part::Body;
use largestack_types::reply::FinishReason;
use largestack_wire::shape::{self, Method};
use largestack_wire::{Accumulator, EncodeError, Frame, Mode, Session, Target, WireEvent, model};
use serde_json::{Value, json};

use crate::matrix::{encode, rows};
use crate::support::{call, json as body, tool, user, with};

const SCHEMA: &str = r#"{"type":"object","properties":{"name":{"type":"string","minLength":2},
    "age":{"type":"integer","minimum":18},"nick":{"type":"string"}},"required":["name","age"],
    "additionalProperties":false}"#;

fn shaped(schema: &str, mode: OutputMode) -> Call {
    let output_schema =
        Some(OutputSchema { name: "person".into(), schema: Json::parse(schema).unwrap() });
    with(
        call(vec![user("?")]),
        Settings { output_schema, output_mode: mode, ..Settings::default() },
    )
}

fn target(name: &str) -> Target {
    model::resolve(name).unwrap()
}

fn method(call: &Call, name: &str) -> Option<Method> {
    Method::of(call, &target(name)).unwrap()
}

#[test]
fn every_row_brings_an_answer_into_shape_with_and_without_tools() {
    let mut table = std::collections::BTreeMap::new();
    for target in rows() {
        let alone = shaped(SCHEMA, OutputMode::Auto);
        let beside = Call { tools: Arc::new([tool()]), ..alone.clone() };
        encode(&alone, &target).unwrap_or_else(|error| panic!("{}: {error}", target.name()));
        if let Err(error) = encode(&beside, &target) {
            let EncodeError::Unsupported { what, .. } = error else { panic!("{error}") };
            assert_eq!(what, "tools", "{}", target.name());
        }
        let name = |call| Method::of(call, &target).unwrap().map_or("none", Method::name);
        table.insert(target.name(), format!("{} / {}", name(&alone), name(&beside)));
    }
    insta::assert_json_snapshot!("shape_of_every_row", table);
}

#[test]
fn the_same_call_is_the_same_bytes_from_any_session() {
    for target in rows() {
        let call = shaped(SCHEMA, OutputMode::Auto);
        let wire = target.wire().unwrap();
        let mut session = Session::new();
        let fresh = encode(&call, &target).unwrap();
        for _ in 0..2 {
            let (held, _) = shape::encode(wire, &call, &target, &mut session).unwrap();
            assert_eq!(held.body, fresh.body, "{}", target.name());
            assert_eq!(held.dropped, fresh.dropped, "{}", target.name());
        }
        let other = shaped(r#"{"type":"object"}"#, OutputMode::Auto);
        let (held, _) = shape::encode(wire, &other, &target, &mut session).unwrap();
        assert_eq!(held.body, encode(&other, &target).unwrap().body, "{}", target.name());
    }
}

#[test]
fn a_schema_is_told_in_the_dialect_of_its_provider_and_what_is_lost_is_reported() {
    let request = encode(&shaped(SCHEMA, OutputMode::Auto), &target("openai/gpt-4o")).unwrap();
    let sent = &body(&request)["response_format"]["json_schema"]["schema"];
    assert_eq!(sent["required"], json!(["name", "age", "nick"]));
    assert_eq!(sent["properties"]["nick"]["type"], json!(["string", "null"]));
    assert_eq!(sent["properties"]["age"]["minimum"], 18);
    let lost = ["output_schema.schema:minLength", "output_schema.schema:required"];
    assert_eq!(request.dropped, lost);
    let request = encode(&shaped(SCHEMA, OutputMode::Auto), &target("claude-sonnet-4-5")).unwrap();
    let sent = &body(&request)["output_config"]["format"]["schema"];
    assert_eq!(sent["properties"]["age"].get("minimum"), None);
    assert!(request.dropped.contains(&"output_schema.schema:minimum"));
    let request = encode(&shaped(SCHEMA, OutputMode::Auto), &target("ollama/qwen3")).unwrap();
    assert_eq!(body(&request)["format"]["properties"]["name"]["minLength"], 2);
    assert_eq!(request.dropped, ["output_schema.schema:minimum"]);
}

#[test]
fn a_recursive_schema_is_cut_where_references_do_not_stay() {
    let schema = r##"{"type":"object","properties":{"name":{"type":"string"},"in":{"type":"array",
        "items":{"$ref":"#"}}},"required":["name","in"],"additionalProperties":false}"##;
    let kept = encode(&shaped(schema, OutputMode::Auto), &target("openai/gpt-4o")).unwrap();
    assert!(kept.dropped.is_empty(), "{:?}", kept.dropped);
    let cut = encode(&shaped(schema, OutputMode::Auto), &target("claude-sonnet-4-5")).unwrap();
    assert!(cut.dropped.contains(&"output_schema.schema:$ref"), "{:?}", cut.dropped);
    let text = String::from_utf8(cut.body.to_vec()).unwrap();
    assert!(!text.contains("$ref"), "{text}");
}

#[test]
fn the_tool_that_answers_stands_beside_the_tools_of_the_agent_and_these_stay_usable() {
    let name = "anthropic/claude-3-opus";
    let alone = body(&encode(&shaped(SCHEMA, OutputMode::Auto), &target(name)).unwrap());
    assert_eq!(alone["tools"][0]["name"], "final_answer");
    assert_eq!(alone["tool_choice"], json!({"type": "tool", "name": "final_answer"}));
    let beside = Call { tools: Arc::new([tool()]), ..shaped(SCHEMA, OutputMode::Auto) };
    let sent = body(&encode(&beside, &target(name)).unwrap());
    assert_eq!(sent["tools"][0]["name"], &*tool().name);
    assert_eq!(sent["tools"][1]["name"], "final_answer");
    assert_eq!(sent["tool_choice"], json!({"type": "any"}));
    let last = Call { tool_choice: ToolChoice::None, ..beside.clone() };
    let sent = body(&encode(&last, &target(name)).unwrap());
    assert_eq!(sent["tool_choice"], json!({"type": "tool", "name": "final_answer"}));
    let asked = Call { tool_choice: ToolChoice::Tool(tool().name), ..beside };
    let sent = body(&encode(&asked, &target(name)).unwrap());
    assert_eq!(sent["tool_choice"]["name"], &*tool().name);
}

#[test]
fn a_model_that_thinks_is_not_forced_where_forcing_would_stop_its_thinking() {
    let mut call = shaped(SCHEMA, OutputMode::Tool);
    let settings = Arc::make_mut(&mut call.settings);
    settings.reasoning_effort = Some(ReasoningEffort::High);
    settings.max_output_tokens = Some(16_000);
    let request = encode(&call, &target("anthropic/claude-sonnet-4-5")).unwrap();
    assert_eq!(body(&request).get("tool_choice"), None);
    assert!(body(&request).get("thinking").is_some());
    assert!(request.dropped.is_empty(), "{:?}", request.dropped);
}

#[test]
fn a_tool_of_that_name_keeps_it() {
    let mut own = tool();
    own.name = "final_answer".into();
    let beside = Call { tools: Arc::new([own]), ..shaped(SCHEMA, OutputMode::Tool) };
    let sent = body(&encode(&beside, &target("openai/gpt-4o")).unwrap());
    assert_eq!(sent["tools"][1]["function"]["name"], "final_answer_2");
}

#[test]
fn a_schema_nobody_enforces_stands_behind_the_instructions() {
    let call = shaped(SCHEMA, OutputMode::Prompt);
    let request = encode(&call, &target("openai/gpt-4o")).unwrap();
    let sent = body(&request);
    assert_eq!(sent["messages"][0]["role"], "system");
    let said = sent["messages"][0]["content"].to_string();
    assert!(said.contains("minLength") && said.contains("JSON Schema"), "{said}");
    assert_eq!(sent.get("response_format"), None);
    assert_eq!(request.dropped, ["output_schema.schema"]);
    let request = encode(&shaped(SCHEMA, OutputMode::Auto), &target("deepseek/deepseek-chat"));
    let sent = body(&request.unwrap());
    assert_eq!(sent["response_format"], json!({"type": "json_object"}));
    assert!(sent["messages"][0]["content"].to_string().contains("minLength"));
}

#[test]
fn a_way_that_is_insisted_on_is_taken_or_refused() {
    assert_eq!(method(&shaped(SCHEMA, OutputMode::Tool), "openai/gpt-4o"), Some(Method::Tool));
    let native = shaped(SCHEMA, OutputMode::Native);
    assert_eq!(method(&native, "openai/gpt-4o"), Some(Method::Native));
    for name in ["deepseek/deepseek-chat", "anthropic/claude-3-opus", "replicate/x"] {
        assert!(Method::of(&native, &target(name)).is_err(), "{name}");
    }
    let tool = shaped(SCHEMA, OutputMode::Tool);
    assert!(Method::of(&tool, &target("perplexity/sonar")).is_err());
    assert_eq!(method(&call(vec![user("?")]), "openai/gpt-4o"), None);
}

#[test]
fn parameters_without_an_object_at_their_root_get_one() {
    let mut union = tool();
    let schema = r#"{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},
        {"type":"object","properties":{"b":{"type":"string"}}}]}"#;
    union.parameters = Json::parse(schema).unwrap();
    let call = Call { tools: Arc::new([union]), ..call(vec![user("?")]) };
    for name in ["openai/gpt-4o", "anthropic/claude-sonnet-4-5", "bedrock/amazon.nova-pro-v1:0"] {
        let request = match encode(&call, &target(name)) {
            Err(EncodeError::NoParam { .. }) => continue,
            other => other.unwrap(),
        };
        assert_eq!(request.dropped, ["tools.schema:anyOf"], "{name}");
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        assert!(!text.contains("anyOf"), "{text}");
    }
}

/// The reply that a chat body means to a call.
fn read(call: &Call, mode: Mode, frames: &[Value]) -> (largestack_types::reply::Reply, String) {
    let target = target("openai/gpt-4o");
    let mut decoder = shape::decoder(target.wire().unwrap(), mode, call, &target);
    let (mut accumulator, mut live) = (Accumulator::new(), String::new());
    let mut take = |event: WireEvent<'_>| {
        if let Some(largestack_types::delta::Delta::Text { text }) = accumulator.push_live(&event) {
            live.push_str(&text);
        }
    };
    for frame in frames {
        let data = frame.to_string();
        decoder.push(Frame { event: None, data: data.as_bytes() }, &mut take).unwrap();
    }
    if mode == Mode::Stream {
        decoder.push(Frame { event: None, data: b"[DONE]" }, &mut take).unwrap();
    }
    decoder.finish(&mut take).unwrap();
    (accumulator.finish().reply, live)
}

fn called(names: &[(&str, &str)]) -> Value {
    let calls: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(index, (name, arguments))| {
            json!({"index": index, "id": format!("c{index}"), "type": "function",
                   "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    json!({"choices": [{"index": 0, "finish_reason": "tool_calls",
           "message": {"role": "assistant", "content": "Well.", "tool_calls": calls}}]})
}

#[test]
fn an_answer_that_comes_as_a_call_comes_out_as_text() {
    let call = shaped(SCHEMA, OutputMode::Tool);
    let (reply, _) = read(&call, Mode::Whole, &[called(&[("final_answer", r#"{"name":"Al"}"#)])]);
    assert_eq!(reply.finish_reason, FinishReason::Stop);
    assert_eq!(reply.finish_reason_raw.as_deref(), Some("tool_calls"));
    let texts: Vec<_> = reply.parts.iter().map(|part| &part.body).collect();
    let [Body::Text(said), Body::Text(answer)] = texts[..] else { panic!("{texts:?}") };
    assert_eq!((&**said, &**answer), ("Well.", r#"{"name":"Al"}"#));
}

#[test]
fn an_answer_beside_calls_is_a_word_before_its_time() {
    let call = shaped(SCHEMA, OutputMode::Tool);
    let both = called(&[("final_answer", "{}"), ("look_up", r#"{"word":"x"}"#)]);
    let (reply, _) = read(&call, Mode::Whole, &[both]);
    assert_eq!(reply.finish_reason, FinishReason::ToolCalls);
    let calls: Vec<_> = reply.parts.iter().filter_map(|part| part.as_tool_call()).collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(&*calls[0].name, "look_up");
}

#[test]
fn a_streamed_answer_is_heard_as_text_while_it_grows() {
    let call = shaped(SCHEMA, OutputMode::Tool);
    let piece = |function: Value| {
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [
            {"index": 0, "id": "c0", "type": "function", "function": function}]}}]})
    };
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]});
    let frames = [
        piece(json!({"name": "final_answer", "arguments": ""})),
        piece(json!({"arguments": "{\"name\":"})),
        piece(json!({"arguments": "\"Al\"}"})),
        end,
    ];
    let (reply, live) = read(&call, Mode::Stream, &frames);
    assert_eq!(live, r#"{"name":"Al"}"#);
    assert_eq!(reply.text(), live);
    assert_eq!(reply.finish_reason, FinishReason::Stop);
}
