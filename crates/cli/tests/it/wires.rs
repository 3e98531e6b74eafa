//! `wire decode` and `wire encode`.

use serde_json::{Value, json};

use crate::place::Place;

const WHOLE: &str = r#"{
  "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18",
  "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
    "role": "assistant", "content": "Let me look.",
    "tool_calls": [
      {"id": "call_a", "type": "function", "function": {"name": "search", "arguments": "{\"query\": \"x\"}"}},
      {"id": "call_b", "type": "function", "function": {"name": "search", "arguments": "{\"query\": "}}
    ]}}],
  "usage": {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27,
    "prompt_tokens_details": {"cached_tokens": 16}}
}"#;

const STREAM: &str = r#"data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}

data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}

data: [DONE]

"#;

#[test]
fn a_whole_reply_is_normalised() {
    let place = Place::new();
    place.write("reply.json", WHOLE);
    let reply =
        place.run(&["wire", "decode", "--wire", "openai-chat", "reply.json"]).expect(0).json();
    assert_eq!(
        reply["parts"],
        json!([
            {"type": "text", "text": "Let me look."},
            {"type": "tool_call", "id": "call_a", "name": "search", "arguments": {"query": "x"}},
            {"type": "tool_call", "id": "call_b", "name": "search", "arguments_text": "{\"query\": "},
        ])
    );
    assert_eq!(
        reply["usage"],
        json!({"input_tokens": 20, "output_tokens": 7, "cache_read_tokens": 16,
            "cache_write_tokens": null, "reasoning_tokens": null})
    );
    assert_eq!(reply["id"], "chatcmpl-1");
    assert_eq!(reply["model"], "gpt-4o-mini-2024-07-18");
    assert_eq!(reply["finish_reason"], "tool_calls");
    assert_eq!(reply["finish_reason_raw"], "tool_calls");
    assert_eq!(reply["raw_usage"]["total_tokens"], 27);
}

#[test]
fn a_stream_is_folded_into_the_same_shape_and_what_is_absent_is_null() {
    let place = Place::new();
    let arguments = ["wire", "decode", "--wire", "openai-chat", "--stream", "-"];
    let reply = place.pipe(STREAM.as_bytes(), &arguments).expect(0).json();
    assert_eq!(reply["parts"], json!([{"type": "text", "text": "Hello"}]));
    assert_eq!(reply["finish_reason"], "stop");
    for count in [
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
    ] {
        assert_eq!(reply["usage"].get(count), Some(&Value::Null), "{count}");
    }
    assert_eq!(reply["raw_usage"], Value::Null);
    let cut = STREAM.replace("data: [DONE]\n\n", "").replace(r#","finish_reason":"stop""#, "");
    let problem = place.pipe(cut.as_bytes(), &arguments).expect(2).json();
    assert_eq!(problem["code"], "LARGESTACK_INPUT");
}

#[test]
fn messages_become_the_request_of_their_model() {
    let place = Place::new();
    place.write(
        "messages.json",
        r#"[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]"#,
    );
    let model = ["--model", "groq/llama-3.1-8b"];
    let body =
        place.run(&[&["wire", "encode", "messages.json"][..], &model].concat()).expect(0).json();
    assert_eq!(body["model"], "llama-3.1-8b");
    assert_eq!(
        body["messages"],
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
    );
    let http = place
        .run(&[&["wire", "encode", "--http", "--stream", "messages.json"][..], &model].concat());
    let http = http.expect(0).json();
    assert_eq!(http["method"], "POST");
    assert!(http["url"].as_str().unwrap().ends_with("/chat/completions"), "{http}");
    assert_eq!(http["body"]["stream"], true);
    assert!(http["headers"].get("authorization").is_none(), "{http}");
}

#[test]
fn a_decoded_reply_goes_back_into_the_next_request() {
    let place = Place::new();
    place.write("reply.json", WHOLE);
    let reply =
        place.run(&["wire", "decode", "--wire", "openai-chat", "reply.json"]).expect(0).json();
    let messages = json!({
        "messages": [
            {"role": "user", "content": "Find x"},
            {"role": "assistant", "parts": reply["parts"]},
            {"role": "tool", "parts": [{"type": "tool_result", "id": "call_a", "name": "search", "text": "found"}]},
            {"role": "tool", "parts": [{"type": "tool_result", "id": "call_b", "name": "search", "text": "not JSON"}]},
        ],
        "tools": [{"name": "search", "description": "Finds.", "parameters": {"type": "object"}}],
        "tool_choice": "auto",
        "settings": {"temperature": 0.5},
    });
    let input = messages.to_string();
    let body = place
        .pipe(input.as_bytes(), &["wire", "encode", "--model", "openai/gpt-4o", "-"])
        .expect(0)
        .json();
    let calls = &body["messages"][1]["tool_calls"];
    assert_eq!(calls[0]["id"], "call_a");
    assert_eq!(calls[0]["function"]["arguments"], "{\"query\":\"x\"}");
    assert_eq!(
        body["messages"][2],
        json!({"role": "tool", "tool_call_id": "call_a", "content": "found"})
    );
    assert_eq!(body["tools"][0]["function"]["name"], "search");
    assert_eq!(body["temperature"], 0.5);
}

#[test]
fn the_messages_of_a_run_show_the_request_they_became() {
    let place = Place::with_library();
    place.run(&["run", "library", "How long may I keep a book?"]).expect(0);
    let arguments = ["replay", "library", "last", "--at", "6", "--json"];
    let messages = &place.run(&arguments).expect(0).json()["messages"];
    let encode = ["wire", "encode", "--model", "groq/llama-3.1-8b", "-"];
    let body = place.pipe(messages.to_string().as_bytes(), &encode).expect(0).json();
    let roles: Vec<&str> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool"]);
    let call = &body["messages"][2]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "search_knowledge");
    assert_eq!(body["messages"][3]["tool_call_id"], call["id"]);
}

#[test]
fn what_cannot_be_read_is_an_input_error() {
    let place = Place::new();
    place.write("messages.json", r#"[{"role": "user", "txt": "Hi"}]"#);
    for (arguments, code) in [
        (&["wire", "encode", "--model", "openai/gpt-4o", "messages.json"][..], 2),
        (&["wire", "encode", "--model", "nobody/x", "messages.json"], 5),
        (&["wire", "decode", "--wire", "openai-chat", "messages.json"], 2),
        (&["wire", "decode", "--wire", "morse", "messages.json"], 2),
        (&["wire", "decode", "--wire", "openai-chat", "absent.json"], 5),
    ] {
        let problem = place.run(arguments).expect(code).json();
        assert_eq!(problem["exit_code"], code, "{arguments:?}");
        assert!(!problem["suggestion"].as_str().unwrap().is_empty());
    }
}
