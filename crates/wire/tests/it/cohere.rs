//! The wire `cohere-v2`: what goes out, what comes back, what goes wrong.

use std::sync::Arc;

use largestack_types::call::{
    Call, OutputSchema, PromptCache, ReasoningEffort, Settings, ToolChoice,
};
use largestack_types::error::{Code, Coded};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaKind, MediaSource, PartId};
use largestack_types::reply::FinishReason;
use largestack_types::tool::ToolSpec;
use largestack_wire::{
    DecodeError, EncodeError, HttpRequest, Mode, Outcome, Session, Wire, decode, wire,
};
use serde_json::{Value, json};

use crate::support::{
    call, image, json as body, media, message, target, text, thought, tool, tool_call, tool_result,
    with,
};

fn cohere() -> &'static dyn Wire {
    wire("cohere-v2").unwrap()
}

const MODEL: &str = "command-a-reasoning-08-2025";

fn encode(call: &Call) -> HttpRequest {
    cohere().encode(call, &target(MODEL), &mut Session::new()).unwrap()
}

fn refused(call: &Call, model: &str) -> EncodeError {
    cohere().encode(call, &target(model), &mut Session::new()).unwrap_err()
}

fn user(text: &str) -> Message {
    Message::user(PartId::default(), text)
}

#[test]
fn a_conversation_is_sent_in_this_protocols_words() {
    let messages = vec![
        Message::system(PartId::default(), "Be \"brief\"."),
        message(Role::User, vec![text("Why?"), Body::Media(image())]),
        message(
            Role::Assistant,
            vec![thought("another's", None), tool_call(3, "t-1", "{\"q\": 1}")],
        ),
        message(Role::Tool, vec![tool_result(3, "t-1", "Because", vec![image()])]),
        message(Role::Assistant, vec![text("Because.")]),
        user("Sure?"),
    ];
    let settings = Settings {
        max_output_tokens: Some(100),
        temperature: Some(0.5),
        top_p: Some(0.75),
        top_k: Some(7),
        frequency_penalty: Some(0.1),
        presence_penalty: Some(0.2),
        stop: vec!["END".into()],
        seed: Some(1),
        parallel_tool_calls: Some(false),
        reasoning_effort: Some(ReasoningEffort::High),
        prompt_cache: Some(PromptCache::FiveMinutes),
        metadata: [("who".to_owned(), "me".to_owned())].into(),
        extra: Some(Json::parse(r#"{"safety_mode": "OFF", "p": 0.5}"#).unwrap()),
        ..Settings::default()
    };
    let call = Call { tools: Arc::new([tool()]), stream: true, ..with(call(messages), settings) };
    let request =
        cohere().encode(&call, &target("cohere/some-model"), &mut Session::new()).unwrap();
    insta::assert_json_snapshot!(
        "cohere_request",
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
fn one_named_tool_is_the_only_one_that_is_offered() {
    let other = ToolSpec { name: "other".into(), ..tool() };
    let choose = |tool_choice| {
        let tools: Arc<[ToolSpec]> = Arc::new([tool(), other.clone()]);
        let sent = body(&encode(&Call { tools, tool_choice, ..call(vec![user("?")]) }));
        (sent["tools"].as_array().unwrap().len(), sent["tool_choice"].clone())
    };
    assert_eq!(choose(ToolChoice::Auto), (2, Value::Null));
    assert_eq!(choose(ToolChoice::None), (2, json!("NONE")));
    assert_eq!(choose(ToolChoice::Required), (2, json!("REQUIRED")));
    assert_eq!(choose(ToolChoice::Tool("other".into())), (1, json!("REQUIRED")));
    let nobody = Call { tool_choice: ToolChoice::Tool("nobody".into()), ..call(vec![user("?")]) };
    assert!(matches!(refused(&nobody, MODEL), EncodeError::Unsupported { .. }));
}

#[test]
fn what_the_provider_cannot_do_is_refused_or_reported() {
    let schema =
        OutputSchema { name: "a".into(), schema: Json::parse("{\"type\":\"object\"}").unwrap() };
    let settings = Settings { output_schema: Some(schema), ..Settings::default() };
    let asked = with(call(vec![user("?")]), settings);
    let format = json!({"type": "json_object", "json_schema": {"type": "object"}});
    assert_eq!(body(&encode(&asked))["response_format"], format);
    let beside = Call { tools: Arc::new([tool()]), ..asked };
    assert!(matches!(refused(&beside, MODEL), EncodeError::Unsupported { .. }));
    let film = media(MediaKind::Video, "video/mp4", MediaSource::Url("https://x/y".into()));
    let watched = call(vec![message(Role::User, vec![Body::Media(film)])]);
    assert!(matches!(refused(&watched, MODEL), EncodeError::Unsupported { .. }));
    let thinking = |model: &str, effort| {
        let settings = Settings { reasoning_effort: Some(effort), ..Settings::default() };
        let call = with(call(vec![user("?")]), settings);
        let request = cohere().encode(&call, &target(model), &mut Session::new()).unwrap();
        (body(&request)["thinking"].clone(), request.dropped)
    };
    let dropped = (Value::Null, vec!["reasoning_effort"]);
    assert_eq!(thinking("command-r7b-12-2024", ReasoningEffort::High), dropped);
    assert_eq!(thinking(MODEL, ReasoningEffort::None).0, json!({"type": "disabled"}));
    let half = json!({"type": "enabled", "token_budget": 2045});
    assert_eq!(thinking(MODEL, ReasoningEffort::Medium).0, half);
}

#[test]
fn everything_a_request_can_say_is_read_and_said_again() {
    let recorded = json!({
        "model": "some-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": [{"type": "text", "text": "In a list."}]},
            {"role": "user", "content": [{"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "high"}},
                {"type": "brand_new", "x": 1}]},
            {"role": "assistant", "tool_plan": "I will search.", "tool_calls": [
                {"id": "t-1", "type": "function", "function": {"name": "search", "arguments": "{\"q\": 1}"}}]},
            {"role": "tool", "tool_call_id": "t-1", "content": [
                {"type": "document", "document": {"id": "d", "data": "words"}},
                {"type": "document", "document": {"data": {"n": 1}}},
                {"type": "text", "text": "more"},
                {"type": "odd"}]},
            {"role": "tool", "tool_call_id": "t-1", "content": "plain"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "So it is."}],
                "citations": [{"start": 0, "end": 2, "text": "So", "sources": [], "type": "TEXT_CONTENT"}]},
            {"role": "user", "content": "And?"},
            {"role": "assistant", "content": "plain"},
            {"role": "assistant", "content": ""},
        ],
        "tools": [{"type": "function", "function": {"name": "search", "description": "d", "parameters": {"b": 1, "a": 2}}}],
        "tool_choice": "REQUIRED",
        "max_tokens": 100,
        "temperature": 0.5, "p": 0.75, "k": 3, "seed": 7, "stop_sequences": ["x"],
        "documents": ["a", {"id": "1", "data": {"t": "x"}}],
        "citation_options": {"mode": "FAST"},
        "safety_mode": "OFF",
        "thinking": {"type": "enabled", "token_budget": 5},
        "stream": true,
    });
    let target = &target("cohere/some-model");
    let call = cohere().read(recorded.to_string().as_bytes(), target).unwrap();
    assert_eq!(body(&cohere().encode(&call, target, &mut Session::new()).unwrap()), recorded);
    let words: String = call.messages.iter().map(|message| message.text()).collect();
    assert!(words.contains("In a list.") && words.contains("So it is."), "{words}");
    let Body::ToolResult(result) = &call.messages[4].parts[0].body else { panic!("no result") };
    assert_eq!((&*result.name, &*result.text), ("search", "words\n\n{\"n\":1}\n\nmore"));
    for broken in ["{}", r#"{"messages": [{"role": "poet", "content": ""}]}"#] {
        assert!(cohere().read(broken.as_bytes(), target).is_err(), "{broken}");
    }
}

fn stream(events: &[Value]) -> Vec<u8> {
    let frame = |event: &Value| {
        let name = event["type"].as_str().map(|name| format!("event: {name}\n"));
        format!("{}data: {event}\n\n", name.unwrap_or_default())
    };
    events.iter().map(frame).collect::<String>().into_bytes()
}

fn streamed(events: &[Value]) -> Result<Outcome, DecodeError> {
    decode(cohere(), Mode::Stream, &target(MODEL), &stream(events))
}

fn event(kind: &str, index: u32, message: Value) -> Value {
    let mut event = json!({"type": kind, "index": index, "delta": {}});
    event["delta"]["message"] = message;
    event
}

fn end(reason: &str) -> Value {
    let usage = json!({"billed_units": {"input_tokens": 1}, "tokens": {"input_tokens": 2, "output_tokens": 3}});
    json!({"type": "message-end", "delta": {"finish_reason": reason, "usage": usage}})
}

#[test]
fn a_stream_says_the_same_as_the_whole_body_and_goes_back_as_it_came() {
    let cited = |start: u32, words: &str| {
        json!({"start": start, "end": 9, "text": words, "type": "TEXT_CONTENT", "sources": [
            {"type": "document", "id": "doc-1", "document": {"title": "T", "url": "https://x/y", "text": "q"}}]})
    };
    let said = json!({"role": "assistant", "tool_plan": "I will search.",
        "content": [{"type": "thinking", "thinking": "Hm. So."}, {"type": "text", "text": "It is gr\u{fc}n."}],
        "tool_calls": [
            {"id": "t-1", "type": "function", "function": {"name": "search", "arguments": "{\"q\":1}"}},
            {"id": "t-2", "type": "function", "function": {"name": "search", "arguments": "{\"q\":2}"}}],
        "citations": [cited(0, "It"), cited(3, "is")]});
    let finish = end("TOOL_CALL");
    let whole = json!({"id": "r-1", "message": said, "finish_reason": "TOOL_CALL", "usage": finish["delta"]["usage"]});
    let whole =
        decode(cohere(), Mode::Whole, &target(MODEL), whole.to_string().as_bytes()).unwrap();
    let empty = json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []});
    let mut start = event("message-start", 0, empty);
    start["id"] = json!("r-1");
    let call = |id: &str| json!({"tool_calls": {"id": id, "type": "function", "function": {"name": "search", "arguments": ""}}});
    let piece = |text: &str| json!({"tool_calls": {"function": {"arguments": text}}});
    let events = [
        start,
        event("tool-plan-delta", 0, json!({"tool_plan": "I will "})),
        event("tool-plan-delta", 0, json!({"tool_plan": "search."})),
        event("content-start", 0, json!({"content": {"type": "thinking", "thinking": ""}})),
        event("content-delta", 0, json!({"content": {"thinking": "Hm. "}})),
        event("content-delta", 0, json!({"content": {"thinking": "So."}})),
        json!({"type": "content-end", "index": 0}),
        event("content-start", 1, json!({"content": {"type": "text", "text": ""}})),
        event("content-delta", 1, json!({"content": {"text": "It is "}})),
        event("content-delta", 1, json!({"content": {"text": "gr\u{fc}n."}})),
        event("citation-start", 0, json!({"citations": cited(0, "It")})),
        json!({"type": "citation-end", "index": 0}),
        event("citation-start", 1, json!({"citations": cited(3, "is")})),
        json!({"type": "content-end", "index": 1}),
        event("tool-call-start", 0, call("t-1")),
        event("tool-call-delta", 0, piece("{\"q\":")),
        event("tool-call-delta", 0, piece("1}")),
        json!({"type": "tool-call-end", "index": 0}),
        event("tool-call-start", 1, call("t-2")),
        event("tool-call-delta", 1, piece("{\"q\":2}")),
        json!({"type": "tool-call-end", "index": 1}),
        finish.clone(),
        // Said twice, it is said once.
        finish,
    ];
    let outcome = streamed(&events).unwrap();
    assert!(outcome.reports.is_empty(), "{:?}", outcome.reports);
    assert_eq!(outcome.reply, whole.reply);
    let reply = outcome.reply;
    assert_eq!(reply.text(), "It is gr\u{fc}n.");
    assert_eq!((reply.finish_reason, reply.usage.input_tokens), (FinishReason::ToolCalls, Some(2)));
    let cited = reply.parts.iter().find_map(|part| match &part.body {
        Body::Citation(citation) => Some(citation),
        _ => None,
    });
    assert_eq!(cited.map(|c| (&*c.source, c.title.as_deref())), Some(("https://x/y", Some("T"))));
    let turn = Message::new(Role::Assistant, reply.parts);
    assert_eq!(body(&encode(&self::call(vec![turn])))["messages"][0], said);
}

#[test]
fn what_is_unknown_or_garbled_in_a_stream_is_reported_and_survived() {
    let mut body = stream(&[
        json!({"type": "debug", "prompt": "x"}),
        event("content-delta", 0, json!({"content": {"text": "One "}})),
    ]);
    body.extend(b"data: {\"type\": \"content-del\n\n");
    body.extend(stream(&[
        event("content-delta", 0, json!({"content": {"text": "two"}})),
        end("SHINY"),
    ]));
    body.extend(b"data: [DONE]\n\n");
    let outcome = decode(cohere(), Mode::Stream, &target(MODEL), &body).unwrap();
    assert_eq!(outcome.reply.text(), "One two");
    assert_eq!(outcome.reply.finish_reason, FinishReason::Other);
    assert_eq!(outcome.reports.len(), 2, "{:?}", outcome.reports);
}

#[test]
fn a_stream_that_ends_early_or_in_an_error_is_no_whole_reply() {
    let half = event("content-delta", 0, json!({"content": {"text": "Half"}}));
    assert_eq!(streamed(std::slice::from_ref(&half)).unwrap_err(), DecodeError::Truncated);
    let broken =
        json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "it broke"}});
    for last in [broken, json!({"message": "internal server error, try again"})] {
        let outcome = streamed(&[half.clone(), last]).unwrap();
        let fault = outcome.fault.unwrap();
        assert_eq!((fault.code(), fault.retryable()), (Code::Provider, true));
        assert_eq!(outcome.reply.finish_reason, FinishReason::Error);
    }
    let none = decode(cohere(), Mode::Whole, &target(MODEL), b"{\"message\": \"no\"}").unwrap_err();
    assert_eq!(none, DecodeError::NotAReply { missing: "message" });
}

#[test]
fn every_documented_status_becomes_the_right_error() {
    for (status, words, code, retryable) in [
        (400, "invalid request: messages must not be empty", Code::Provider, false),
        (400, "too many tokens: size limit exceeded by 11326 tokens", Code::Context, false),
        (401, "invalid api token", Code::ProviderAuth, false),
        (402, "please add a payment method", Code::RateLimit, false),
        (
            404,
            "model 'x' not found, make sure the correct model ID was used",
            Code::ModelUnknown,
            false,
        ),
        (422, "unprocessable", Code::Provider, false),
        (
            429,
            "You are using a Trial key, which is limited to 20 API calls / minute.",
            Code::RateLimit,
            true,
        ),
        (498, "invalid token", Code::ProviderAuth, false),
        (500, "internal server error", Code::Provider, true),
        (501, "not implemented", Code::Provider, false),
        (503, "service unavailable", Code::Provider, true),
        (504, "timeout", Code::ProviderTimeout, true),
    ] {
        let body = json!({"id": "e", "message": words}).to_string();
        let error = cohere().fault(status, &[], body.as_bytes(), &target(MODEL));
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{status} {words}");
    }
}
