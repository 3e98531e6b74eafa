//! The wire `ollama`: what goes out, what comes back, what goes wrong.

use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, Settings, ToolChoice};
use largestack_types::error::{Code, Coded};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaKind, MediaSource, PartId};
use largestack_types::reply::FinishReason;
use largestack_wire::{
    DecodeError, EncodeError, HttpRequest, Mode, Outcome, Session, Wire, decode, wire,
};
use serde_json::{Value, json};

use crate::support::{
    call, image, json as body, media, message, target, text, tool, tool_call, tool_result, with,
};

fn ollama() -> &'static dyn Wire {
    wire("ollama").unwrap()
}

const MODEL: &str = "ollama/some-model";

fn encode(call: &Call, model: &str) -> HttpRequest {
    ollama().encode(call, &target(model), &mut Session::new()).unwrap()
}

fn user(text: &str) -> Message {
    Message::user(PartId::default(), text)
}

#[test]
fn a_conversation_is_sent_in_this_protocols_words() {
    let messages = vec![
        Message::system(PartId::default(), "Be \"brief\"."),
        message(Role::User, vec![text("Why?"), Body::Media(image())]),
        message(Role::Assistant, vec![tool_call(3, "", "{\"q\": 1}"), tool_call(4, "t-2", "oops")]),
        message(
            Role::Tool,
            vec![tool_result(3, "", "Because", vec![]), tool_result(4, "t-2", "No", vec![])],
        ),
        user("Sure?"),
    ];
    let settings = Settings {
        max_output_tokens: Some(100),
        temperature: Some(0.5),
        top_p: Some(0.75),
        top_k: Some(7),
        stop: vec!["END".into()],
        seed: Some(1),
        parallel_tool_calls: Some(false),
        reasoning_effort: Some(ReasoningEffort::High),
        reasoning_budget_tokens: Some(9),
        metadata: [("who".to_owned(), "me".to_owned())].into(),
        extra: Some(
            Json::parse(r#"{"keep_alive": "5m", "options": {"num_ctx": 8192, "top_k": 3}}"#)
                .unwrap(),
        ),
        ..Settings::default()
    };
    let call = Call { tools: Arc::new([tool()]), stream: true, ..with(call(messages), settings) };
    let request = encode(&call, MODEL);
    insta::assert_json_snapshot!(
        "ollama_request",
        json!({
            "to": format!("{} {}", request.method, request.url),
            "headers": request.headers,
            "dropped": request.dropped,
            "limit": request.max_output_tokens,
            "body": body(&request),
        })
    );
}

#[test]
fn thinking_and_formats_are_asked_for_as_the_server_knows_them() {
    let think = |model: &str, effort| {
        let settings = Settings { reasoning_effort: Some(effort), ..Settings::default() };
        body(&encode(&with(call(vec![user("?")]), settings), model))["think"].clone()
    };
    assert_eq!(think("ollama/qwen3", ReasoningEffort::Low), json!(true));
    assert_eq!(think("ollama/qwen3", ReasoningEffort::None), json!(false));
    assert_eq!(think("ollama/gpt-oss:20b", ReasoningEffort::Low), json!("low"));
    assert_eq!(think("ollama/gpt-oss:20b", ReasoningEffort::Max), json!("high"));
    let schema =
        OutputSchema { name: "a".into(), schema: Json::parse("{\"type\":\"object\"}").unwrap() };
    let settings = Settings { output_schema: Some(schema), ..Settings::default() };
    let sent = body(&encode(&with(call(vec![user("?")]), settings), MODEL));
    assert_eq!((&sent["format"], &sent["stream"]), (&json!({"type": "object"}), &json!(false)));
}

#[test]
fn what_the_server_cannot_do_is_refused() {
    let refused = |call: Call| {
        let error = ollama().encode(&call, &target(MODEL), &mut Session::new()).unwrap_err();
        assert!(matches!(error, EncodeError::Unsupported { .. }), "{error}");
    };
    for tool_choice in [ToolChoice::Required, ToolChoice::Tool("search".into())] {
        refused(Call { tools: Arc::new([tool()]), tool_choice, ..call(vec![user("?")]) });
    }
    let far = media(MediaKind::Image, "image/png", MediaSource::Url("https://x/y.png".into()));
    refused(call(vec![message(Role::User, vec![Body::Media(far)])]));
    let none =
        Call { tools: Arc::new([tool()]), tool_choice: ToolChoice::None, ..call(vec![user("?")]) };
    assert_eq!(body(&encode(&none, MODEL)).get("tools"), None);
    let extra = Some(Json::parse(r#"{"options": {"num_predict": 9}}"#).unwrap());
    let limit = with(call(vec![user("?")]), Settings { extra, ..Settings::default() });
    let error = ollama().encode(&limit, &target(MODEL), &mut Session::new()).unwrap_err();
    assert!(matches!(error, EncodeError::ExtraReserved { .. }), "{error}");
}

#[test]
fn everything_a_request_can_say_is_read_and_said_again() {
    let recorded = json!({
        "model": "some-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Look:", "images": ["AAAA", "BBBB"]},
            {"role": "assistant", "content": "", "thinking": "Hm.", "tool_calls": [
                {"id": "c-1", "function": {"index": 0, "name": "search", "arguments": {"b": 1, "a": [2.0]}}}]},
            {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "search", "arguments": {}}}]},
            {"role": "tool", "content": "r", "tool_name": "search", "tool_call_id": "c-1"},
            {"role": "tool", "content": "r"},
            {"role": "user", "content": "And?", "odd": true},
        ],
        "tools": [{"type": "function", "function": {"name": "search", "parameters": {}}}],
        "format": {"type": "object"},
        "options": {"num_predict": 100, "temperature": 0.5, "seed": 7, "num_ctx": 4096, "stop": ["x"]},
        "stream": false,
        "think": "low",
        "keep_alive": 0,
    });
    let call = ollama().read(recorded.to_string().as_bytes(), &target(MODEL)).unwrap();
    assert_eq!(body(&encode(&call, MODEL)), recorded);
    assert_eq!(call.settings.max_output_tokens, Some(100));
    let Body::ToolResult(result) = &call.messages[4].parts[0].body else { panic!("no result") };
    assert_eq!(&*result.name, "search");
}

fn lines(lines: &[Value]) -> Vec<u8> {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    (lines.join("\n") + "\n").into_bytes()
}

fn streamed(all: &[Value]) -> Result<Outcome, DecodeError> {
    decode(ollama(), Mode::Stream, &target(MODEL), &lines(all))
}

fn line(message: Value) -> Value {
    let mut line = json!({"model": "m", "created_at": "2025-01-01T00:00:00Z", "done": false});
    line["message"] = message;
    line
}

fn last(message: Value) -> Value {
    let mut line = line(message);
    let costs = json!({"done": true, "done_reason": "stop", "total_duration": 5,
        "prompt_eval_count": 11, "eval_count": 7});
    line.as_object_mut().unwrap().extend(costs.as_object().cloned().unwrap());
    line
}

#[test]
fn a_stream_says_the_same_as_the_whole_body_and_goes_back_as_it_came() {
    let calls = json!([
        {"id": "c-1", "function": {"index": 0, "name": "search", "arguments": {"q": "why"}}},
        {"function": {"index": 1, "name": "search", "arguments": {}}}]);
    let said = json!({"role": "assistant", "content": "It is gr\u{fc}n.", "thinking": "Hm. So.", "tool_calls": calls});
    let whole = last(said.clone()).to_string();
    let whole = decode(ollama(), Mode::Whole, &target(MODEL), whole.as_bytes()).unwrap();
    let all = [
        line(json!({"role": "assistant", "content": "", "thinking": "Hm. "})),
        line(json!({"role": "assistant", "content": "", "thinking": "So."})),
        line(json!({"role": "assistant", "content": "It is "})),
        line(json!({"role": "assistant", "content": "gr\u{fc}n."})),
        line(json!({"role": "assistant", "content": "", "tool_calls": [calls[0]]})),
        line(json!({"role": "assistant", "content": "", "tool_calls": [calls[1]]})),
        last(json!({"role": "assistant", "content": ""})),
    ];
    let outcome = streamed(&all).unwrap();
    assert!(outcome.reports.is_empty(), "{:?}", outcome.reports);
    assert_eq!(outcome.reply, whole.reply);
    let reply = outcome.reply;
    assert_eq!((reply.usage.input_tokens, reply.usage.output_tokens), (Some(11), Some(7)));
    assert_eq!(reply.finish_reason, FinishReason::ToolCalls);
    let raw: Value = reply.raw_usage.unwrap().to().unwrap();
    assert_eq!(raw, json!({"total_duration": 5, "prompt_eval_count": 11, "eval_count": 7}));
    let turn = Message::new(Role::Assistant, reply.parts);
    assert_eq!(body(&encode(&call(vec![turn]), MODEL))["messages"][0], said);
}

#[test]
fn garbage_is_survived_and_an_early_end_is_not() {
    let half = line(json!({"role": "assistant", "content": "Half"}));
    assert_eq!(streamed(std::slice::from_ref(&half)).unwrap_err(), DecodeError::Truncated);
    let mut body = lines(&[half.clone(), json!({"pulse": 1})]);
    body.extend(b"{\"model\": \"m\n");
    body.extend(lines(&[last(json!({"content": "."}))]));
    let outcome = decode(ollama(), Mode::Stream, &target(MODEL), &body).unwrap();
    assert_eq!((outcome.reply.text().as_str(), outcome.reports.len()), ("Half.", 2));
    for at in 0..body.len() {
        let mut frames = largestack_wire::Frames::new(largestack_wire::Framing::Lines);
        let mut decoder = ollama().decoder(Mode::Stream, &target(MODEL));
        let mut accumulator = largestack_wire::Accumulator::new();
        for piece in [&body[..at], &body[at..]] {
            let mut take = |frame: largestack_wire::Frame<'_>| {
                decoder.push(frame, &mut |event| accumulator.push(&event)).unwrap();
            };
            frames.push(piece, &mut take).unwrap();
        }
        assert_eq!(accumulator.finish().reply, outcome.reply, "cut at {at}");
    }
}

#[test]
fn errors_are_sentences_before_and_inside_a_reply() {
    let half = line(json!({"role": "assistant", "content": "Half"}));
    let outcome =
        streamed(&[half, json!({"error": "an error was encountered while running the model"})]);
    let fault = outcome.unwrap().fault.unwrap();
    assert_eq!((fault.code(), fault.retryable()), (Code::Provider, true));
    for (status, words, code, retryable) in [
        (400, "invalid options", Code::Provider, false),
        (400, "the input length exceeds the context length", Code::Context, false),
        (401, "unauthorized", Code::ProviderAuth, false),
        (404, "model \"x\" not found, try pulling it first", Code::ModelUnknown, false),
        (429, "too many requests", Code::RateLimit, true),
        (500, "llama runner process has terminated", Code::Provider, true),
        (
            503,
            "server busy, please try again. maximum pending requests exceeded",
            Code::Provider,
            true,
        ),
    ] {
        let body = json!({"error": words}).to_string();
        let error = ollama().fault(status, &[], body.as_bytes(), &target(MODEL));
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{status} {words}");
    }
}
