//! What goes out over the wire `openai-responses`, frozen: one request for every row, and the cases
//! in which models or calls differ.

use std::sync::Arc;

use largestack_types::call::{
    Call, OutputSchema, PromptCache, ReasoningEffort, Settings, ToolChoice,
};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaKind, MediaSource, PartId};
use largestack_wire::{EncodeError, HttpRequest, Mode, Param, Registry, Section, Session, decode};
use serde_json::{Value, json};

use crate::support::{
    call, image, json, media, message, responses, target, text, thought, tool, tool_call,
    tool_result, with,
};

fn encode(call: &Call, name: &str) -> HttpRequest {
    responses().encode(call, &target(name), &mut Session::new()).unwrap()
}

fn refused(call: &Call, name: &str) -> EncodeError {
    responses().encode(call, &target(name), &mut Session::new()).unwrap_err()
}

fn user(text: &str) -> Message {
    Message::user(PartId::default(), text)
}

fn reply() -> Message {
    let output = json!({"id": "r", "status": "completed", "output": [
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "sealed", "summary": [{"type": "summary_text", "text": "Hm."}], "status": "completed"},
        {"type": "function_call", "id": "fc_1", "call_id": "prov-1", "name": "search", "arguments": "{\"q\": \"why\"}", "status": "completed"},
    ]});
    let target = target("openai_responses/o3");
    let outcome = decode(responses(), Mode::Whole, &target, output.to_string().as_bytes()).unwrap();
    Message::new(Role::Assistant, outcome.reply.parts)
}

/// A conversation with everything an ordinary run has.
fn conversation() -> Vec<Message> {
    vec![
        Message::system(PartId::default(), "Be \"brief\"."),
        user("Why?"),
        reply(),
        message(Role::Tool, vec![tool_result(3, "prov-1", "Because\n", vec![])]),
        message(Role::Assistant, vec![thought("Foreign.", None), text("Because.")]),
        message(Role::System, vec![text("Be briefer.")]),
        user("Sure?"),
    ]
}

fn settings() -> Settings {
    Settings {
        max_output_tokens: Some(100),
        temperature: Some(0.5),
        stop: vec!["END".into()],
        seed: Some(-7),
        parallel_tool_calls: Some(false),
        reasoning_effort: Some(ReasoningEffort::High),
        prompt_cache: Some(PromptCache::OneHour),
        metadata: [("run".to_owned(), "7".to_owned())].into(),
        extra: Some(
            Json::parse(
                r#"{"user": "u-1", "reasoning": {"summary": "auto"}, "prompt_cache_key": "k"}"#,
            )
            .unwrap(),
        ),
        ..Settings::default()
    }
}

#[test]
fn each_row_of_items_sends_this_request() {
    let mut registry = Registry::default();
    let rows: Vec<_> = registry.providers().cloned().collect();
    for row in &rows {
        let said = |name: &String| {
            (name.clone(), Param { value: Some(format!("my-{name}")), ..Param::default() })
        };
        let params = Some(row.params.keys().map(said).collect());
        registry.define(row.name.clone(), Section { params, ..Section::default() });
    }
    for row in registry.providers().filter(|row| row.wire == "openai-responses") {
        let target = registry.resolve(&format!("{}/some-model", row.name)).unwrap();
        let plain = Call { stream: true, ..with(call(conversation()), settings()) };
        let offered = Call { tools: Arc::new([tool()]), ..plain };
        let request = responses().encode(&offered, &target, &mut Session::new()).unwrap();
        let shown = json!({
            "to": format!("{} {}", request.method, request.url),
            "headers": request.headers,
            "dropped": request.dropped,
            "limit": request.max_output_tokens,
            "body": json(&request),
        });
        insta::assert_json_snapshot!(format!("responses_row_{}", row.name), shown);
    }
}

#[test]
fn nothing_is_kept_at_the_provider_unless_the_caller_says_so() {
    let body = |extra: &str, name: &str| {
        let extra = Some(Json::parse(extra).unwrap());
        json(&encode(&with(call(vec![user("?")]), Settings { extra, ..Settings::default() }), name))
    };
    let o3 = "openai_responses/o3";
    assert_eq!(body("{}", o3)["store"], false);
    assert_eq!(body("{}", o3)["include"], json!(["reasoning.encrypted_content"]));
    // A model that does not reason seals nothing, and its provider refuses the word.
    assert_eq!(body("{}", "openai_responses/gpt-4o").get("include"), None);
    assert_eq!(body(r#"{"store": true, "include": []}"#, o3)["store"], true);
    assert_eq!(body(r#"{"store": true, "include": []}"#, o3)["include"], json!([]));
    assert_eq!(body(r#"{"store": null, "include": null}"#, o3).get("store"), None);
    for kept in ["background", "conversation", "previous_response_id"] {
        assert_eq!(body(&format!("{{\"{kept}\": \"x\"}}"), o3).get("store"), None, "{kept}");
    }
}

#[test]
fn instructions_come_first_and_later_ones_are_items() {
    let body = json(&encode(&call(conversation()), "openai_responses/o3"));
    assert_eq!(body["instructions"], "Be \"brief\".");
    assert_eq!(body["input"][0], json!({"role": "user", "content": "Why?"}));
    let later = body["input"].as_array().unwrap().iter().find(|item| item["role"] == "developer");
    assert_eq!(later.unwrap()["content"], "Be briefer.");
    let other = json(&encode(&call(conversation()), "openai_responses/gpt-4o"));
    assert!(other["input"].as_array().unwrap().iter().any(|item| item["role"] == "system"));
}

#[test]
fn a_model_that_does_not_reason_gets_words_without_ids() {
    let output = json!({"status": "completed", "output": [
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "Hi.", "annotations": [], "logprobs": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
    ]});
    let back = |name: &str| {
        let body = output.to_string();
        let outcome = decode(responses(), Mode::Whole, &target(name), body.as_bytes()).unwrap();
        let turn = Message::new(Role::Assistant, outcome.reply.parts);
        json(&encode(&call(vec![turn]), name))["input"].clone()
    };
    assert_eq!(
        back("openai_responses/gpt-4o"),
        json!([{"role": "assistant", "content": "Hi."},
               {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}])
    );
    assert_eq!(
        back("openai_responses/o3"),
        json!([{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Hi.", "annotations": []}]},
               {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}])
    );
}

#[test]
fn tools_say_whether_they_are_strict_and_are_chosen_as_asked() {
    let choose = |tool_choice| {
        let call = Call { tool_choice, tools: Arc::new([tool()]), ..call(vec![user("?")]) };
        json(&encode(&call, "openai_responses/o3"))
    };
    let body = choose(ToolChoice::Auto);
    assert_eq!(body["tools"][0]["strict"], false);
    assert_eq!(body.get("tool_choice"), None);
    assert_eq!(choose(ToolChoice::None)["tool_choice"], "none");
    assert_eq!(choose(ToolChoice::Required)["tool_choice"], "required");
    assert_eq!(
        choose(ToolChoice::Tool("search".into()))["tool_choice"],
        json!({"type": "function", "name": "search"})
    );
    let without = Call { tool_choice: ToolChoice::Required, ..call(vec![user("?")]) };
    assert!(matches!(refused(&without, "openai_responses/o3"), EncodeError::Unsupported { .. }));
    let foreign = largestack_types::tool::ToolSpec { server: true, ..tool() };
    let foreign = Call { tools: Arc::new([foreign]), ..call(vec![user("?")]) };
    assert!(matches!(refused(&foreign, "openai_responses/o3"), EncodeError::Unsupported { .. }));
}

#[test]
fn a_schema_for_the_answer_stands_beside_the_callers_own_words() {
    let output_schema = Some(OutputSchema {
        name: "city".into(),
        schema: Json::parse(r#"{"type": "object"}"#).unwrap(),
    });
    let extra = Some(Json::parse(r#"{"text": {"verbosity": "low"}}"#).unwrap());
    let call =
        with(call(vec![user("?")]), Settings { output_schema, extra, ..Settings::default() });
    let body = json(&encode(&call, "openai_responses/o3"));
    assert_eq!(
        body["text"],
        json!({"format": {"type": "json_schema", "name": "city", "schema": {"type": "object"}, "strict": true},
               "verbosity": "low"})
    );
    let lowered = encode(&call, "openai_responses/gpt-3.5-turbo");
    assert_eq!(json(&lowered)["text"]["format"], json!({"type": "json_object"}));
    assert_eq!(lowered.dropped, ["output_schema.schema"]);
}

#[test]
fn media_of_messages_and_results_are_typed_blocks() {
    let file = media(MediaKind::Document, "application/pdf", MediaSource::Base64("AAAA".into()));
    let url = media(MediaKind::Document, "application/pdf", MediaSource::Url("https://a/b".into()));
    let held = media(MediaKind::Image, "image/png", MediaSource::ProviderFile("file_1".into()));
    let parts = [image(), held, file, url].map(Body::Media).to_vec();
    let call_with = |messages| json(&encode(&call(messages), "openai_responses/gpt-4o"));
    let body = call_with(vec![message(Role::User, [vec![text("See")], parts].concat())]);
    assert_eq!(
        body["input"][0]["content"],
        json!([
            {"type": "input_text", "text": "See"},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
            {"type": "input_image", "file_id": "file_1", "detail": "auto"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "document.pdf"},
            {"type": "input_file", "file_url": "https://a/b"},
        ])
    );
    let result = tool_result(3, "c", "Seen", vec![image()]);
    let body = call_with(vec![message(Role::Tool, vec![result])]);
    assert_eq!(
        body["input"][0],
        json!({"type": "function_call_output", "call_id": "c", "output": [
            {"type": "input_text", "text": "Seen"},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
        ]})
    );
    let movie = media(MediaKind::Video, "video/mp4", MediaSource::Base64("AAAA".into()));
    let movie = call(vec![message(Role::User, vec![Body::Media(movie)])]);
    assert!(matches!(refused(&movie, "openai_responses/m"), EncodeError::Unsupported { .. }));
}

#[test]
fn an_id_that_nobody_gave_is_ours_on_both_sides() {
    let turn = message(Role::Assistant, vec![tool_call(3, "", "{}")]);
    let result = message(Role::Tool, vec![tool_result(3, "", "x", vec![])]);
    let body = json(&encode(&call(vec![turn, result]), "openai_responses/o3"));
    assert_eq!(body["input"][0]["call_id"], body["input"][1]["call_id"]);
    assert_eq!(body["input"][0]["call_id"], "call_3");
}

#[test]
fn extra_may_not_set_what_is_accounted_for() {
    for key in
        ["model", "input", "instructions", "stream", "max_output_tokens", "tools", "tool_choice"]
    {
        let extra = Some(Json::parse(format!("{{\"{key}\": 1}}")).unwrap());
        let call = with(call(vec![user("?")]), Settings { extra, ..Settings::default() });
        assert_eq!(
            refused(&call, "openai_responses/o3"),
            EncodeError::ExtraReserved { key: key.into() }
        );
    }
}

#[test]
fn every_form_of_a_request_reads_back() {
    for body in [
        json!({"model": "m", "input": "Hi"}),
        json!({"model": "m", "input": "Hi", "instructions": "Be brief."}),
        json!({"model": "m", "input": [], "tools": [], "tool_choice": "auto", "temperature": 1}),
        json!({"model": "m", "input": [
            {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "S"}]},
            {"role": "developer", "content": "D"},
            {"type": "message", "role": "user", "content": "U", "status": "completed"},
            {"role": "user", "content": []},
            {"role": "user", "content": [
                {"type": "input_text", "text": "T", "cache": 1},
                {"type": "input_image", "image_url": "https://a", "detail": "high"},
                {"type": "input_image", "file_id": "f", "image_url": null},
                {"type": "input_file", "file_id": "f"},
                {"type": "input_file", "file_url": "https://a", "filename": "n"},
                {"type": "input_file", "file_data": "data:text/plain;base64,AA", "filename": "n"},
                {"type": "input_file", "file_data": "bare"},
                {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
                {"type": "input_smell", "x": 1}]},
            {"role": "assistant", "content": ""},
            {"role": "assistant", "content": "A", "phase": "commentary"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "B"}]},
            {"type": "function_call", "call_id": "", "name": "f", "arguments": " {}", "status": null},
            {"type": "function_call_output", "call_id": "", "output": [
                {"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two", "x": 1},
                {"type": "input_image", "image_url": "https://a"}, {"type": "input_smell"}]},
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "a\nb"},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "o", "id": "x"},
            {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
            {"type": "mcp_approval_response", "approval_request_id": "a", "approve": true},
            {"type": "item_reference", "id": "msg_1"},
            {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": null, "content": []},
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "x"}]},
            {"type": "reasoning", "summary": [{"type": "other", "text": "x"}]},
        ], "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object"}},
            {"type": "function", "name": "g", "description": null, "parameters": null, "strict": true},
            {"type": "custom", "name": "c", "format": {"type": "text"}},
            {"type": "web_search", "filters": {"allowed_domains": ["a"]}},
        ], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []},
        "reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low"},
        "store": false, "include": ["web_search_call.action.sources"], "metadata": {"a": "b"}}),
    ] {
        let target = target("openai_responses/m");
        let call = responses().read(body.to_string().as_bytes(), &target).unwrap();
        let mut ours = json(&responses().encode(&call, &target, &mut Session::new()).unwrap());
        ours.as_object_mut().unwrap().shift_remove("max_output_tokens");
        let same = |a: &Value, b: &Value| {
            // 1 and 1.0 are one number.
            a == b || (a.is_number() && a.as_f64() == b.as_f64())
        };
        for (key, value) in body.as_object().unwrap() {
            assert!(same(&ours[key], value), "{key}: {} instead of {value}", ours[key]);
        }
        assert_eq!(ours.as_object().unwrap().len(), body.as_object().unwrap().len(), "{ours}");
    }
}
