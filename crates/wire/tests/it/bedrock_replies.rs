//! The wire `bedrock-converse`: what comes back, and what goes wrong.

use largestack_types::error::{Code, Coded};
use largestack_types::message::{Message, Role};
use largestack_types::part::Body;
use largestack_types::reply::FinishReason;
use largestack_wire::{DecodeError, Mode, Outcome, decode, event_stream};
use serde_json::{Value, json};

use crate::bedrock::{CLAUDE, converse, encode, on};
use crate::support::{call, json as body};

fn stream(events: &[(&str, Value)]) -> Vec<u8> {
    let frame = |(name, payload): &(&str, Value)| {
        let kind = if name.ends_with("Exception") { "exception" } else { "event" };
        let header = format!(":{kind}-type");
        event_stream::message(
            &[(":message-type", kind), (&header, name)],
            payload.to_string().as_bytes(),
        )
    };
    events.iter().flat_map(frame).collect()
}

fn streamed(events: &[(&str, Value)]) -> Result<Outcome, DecodeError> {
    decode(converse(), Mode::Stream, &on(CLAUDE), &stream(events))
}

fn delta(index: u32, delta: Value) -> (&'static str, Value) {
    let mut event = json!({"contentBlockIndex": index, "p": "ab"});
    event["delta"] = delta;
    ("contentBlockDelta", event)
}

fn start(index: u32, start: Value) -> (&'static str, Value) {
    let mut event = json!({"contentBlockIndex": index});
    event["start"] = start;
    ("contentBlockStart", event)
}

fn stop(index: u32) -> (&'static str, Value) {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

fn end(reason: &str) -> (&'static str, Value) {
    ("messageStop", json!({"stopReason": reason}))
}

fn citation() -> Value {
    json!({"title": "Page", "sourceContent": [{"text": "qu"}, {"text": "ote"}],
        "location": {"web": {"url": "https://example.com/p", "domain": "example.com"}}})
}

#[test]
fn a_stream_says_the_same_as_the_whole_body_and_goes_back_as_it_came() {
    let content = json!([
        {"reasoningContent": {"reasoningText": {"text": "Hm. So.", "signature": "sig-1"}}},
        {"reasoningContent": {"redactedContent": "AAECAwQF"}},
        {"text": "Here: "},
        {"citationsContent": {"content": [{"text": "cited"}], "citations": [citation()]}},
        {"toolUse": {"toolUseId": "s", "name": "run", "type": "server_tool_use", "input": {"a": 1}}},
        {"toolResult": {"toolUseId": "s", "type": "run_result", "status": "success", "content": [{"json": {"b": 2}}]}},
        {"image": {"format": "png", "source": {"bytes": "AAECAwQF"}}},
        {"toolUse": {"toolUseId": "t", "name": "search", "input": {"q":"why"}}},
        {"toolUse": {"toolUseId": "u", "name": "search", "input": {}}},
    ]);
    let usage =
        json!({"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 3, "totalTokens": 6});
    let whole = json!({"output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use", "usage": usage, "metrics": {"latencyMs": 5}});
    let whole = decode(converse(), Mode::Whole, &on(CLAUDE), whole.to_string().as_bytes()).unwrap();
    let events = [
        ("messageStart", json!({"role": "assistant", "p": "abc"})),
        delta(0, json!({"reasoningContent": {"text": "Hm. "}})),
        delta(0, json!({"reasoningContent": {"text": "So."}})),
        delta(0, json!({"reasoningContent": {"signature": "sig-1"}})),
        stop(0),
        delta(1, json!({"reasoningContent": {"redactedContent": "AAEC"}})),
        delta(1, json!({"reasoningContent": {"redactedContent": "AwQF"}})),
        stop(1),
        delta(2, json!({"text": "Here"})),
        delta(2, json!({"text": ": "})),
        stop(2),
        delta(3, json!({"text": "cited"})),
        delta(3, json!({"citation": citation()})),
        stop(3),
        start(4, json!({"toolUse": {"toolUseId": "s", "name": "run", "type": "server_tool_use"}})),
        delta(4, json!({"toolUse": {"input": "{\"a\":"}})),
        delta(4, json!({"toolUse": {"input": "1}"}})),
        stop(4),
        start(
            5,
            json!({"toolResult": {"toolUseId": "s", "type": "run_result", "status": "success"}}),
        ),
        delta(5, json!({"toolResult": [{"json": {"b": 2}}]})),
        stop(5),
        start(6, json!({"image": {"format": "png"}})),
        delta(6, json!({"image": {"source": {"bytes": "AAEC"}}})),
        delta(6, json!({"image": {"source": {"bytes": "AwQF"}}})),
        stop(6),
        start(7, json!({"toolUse": {"toolUseId": "t", "name": "search"}})),
        delta(7, json!({"toolUse": {"input": "{\"q\":"}})),
        delta(7, json!({"toolUse": {"input": "\"why\"}"}})),
        stop(7),
        stop(7),
        start(8, json!({"toolUse": {"toolUseId": "u", "name": "search", "type": "tool_use"}})),
        stop(8),
        end("tool_use"),
        ("metadata", json!({"usage": usage, "metrics": {"latencyMs": 5}})),
        // Said twice, it is said once.
        ("metadata", json!({"usage": usage, "metrics": {"latencyMs": 5}})),
    ];
    let outcome = streamed(&events).unwrap();
    assert!(outcome.reports.is_empty(), "{:?}", outcome.reports);
    assert_eq!(outcome.reply, whole.reply);
    let reply = outcome.reply;
    assert_eq!((reply.usage.input_tokens, reply.finish_reason), (Some(4), FinishReason::ToolCalls));
    assert_eq!(reply.text(), "Here: cited");
    let cited = reply.parts.iter().find_map(|part| match &part.body {
        Body::Citation(citation) => Some(citation),
        _ => None,
    });
    let cited = cited.unwrap();
    assert_eq!((&*cited.source, cited.quote.as_deref()), ("https://example.com/p", Some("quote")));
    let turn = Message::new(Role::Assistant, reply.parts);
    let back = body(&encode(&call(vec![turn]), CLAUDE));
    assert_eq!(back["messages"][0]["content"], content);
}

#[test]
fn what_is_unknown_or_garbled_in_a_stream_is_reported_and_survived() {
    let mut body = stream(&[
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockShine", json!({"contentBlockIndex": 0})),
        delta(0, json!({"text": "One "})),
        delta(0, json!({"glow": 1})),
    ]);
    body.extend(event_stream::message(&[(":event-type", "contentBlockDelta")], b"{\"contentBlo"));
    body.extend(stream(&[delta(0, json!({"text": "two"})), stop(0), end("shiny_new_reason")]));
    let outcome = decode(converse(), Mode::Stream, &on(CLAUDE), &body).unwrap();
    assert_eq!(outcome.reply.text(), "One two");
    assert_eq!(outcome.reply.finish_reason, FinishReason::Other);
    assert_eq!(outcome.reports.len(), 3, "{:?}", outcome.reports);
}

#[test]
fn a_stream_that_ends_early_is_no_whole_reply() {
    let events = [delta(0, json!({"text": "Half"})), stop(0)];
    assert_eq!(streamed(&events).unwrap_err(), DecodeError::Truncated);
    let mut cut = stream(&[delta(0, json!({"text": "x"})), end("end_turn")]);
    cut.pop();
    let error = decode(converse(), Mode::Stream, &on(CLAUDE), &cut).unwrap_err();
    assert_eq!(error, DecodeError::Truncated);
    let whole = decode(converse(), Mode::Whole, &on(CLAUDE), b"{\"message\": \"no\"}").unwrap_err();
    assert_eq!(whole, DecodeError::NotAReply { missing: "output" });
}

#[test]
fn an_exception_inside_a_stream_is_a_fault_of_its_kind() {
    for (name, message, code, retryable) in [
        ("throttlingException", "Too many tokens", Code::RateLimit, true),
        ("modelStreamErrorException", "Model produced invalid sequence", Code::Provider, true),
        ("internalServerException", "oops", Code::Provider, true),
        ("serviceUnavailableException", "later", Code::Provider, true),
        ("validationException", "The field is blank", Code::Provider, false),
        ("validationException", "Input is too long for requested model.", Code::Context, false),
        ("modelTimeoutException", "slow", Code::ProviderTimeout, true),
        ("someNewException", "what", Code::Provider, false),
    ] {
        let body = json!({"message": message});
        let outcome = streamed(&[delta(0, json!({"text": "Half"})), (name, body)]).unwrap();
        let fault = outcome.fault.unwrap();
        assert_eq!((fault.code(), fault.retryable()), (code, retryable), "{name}");
        assert_eq!(outcome.reply.finish_reason, FinishReason::Error);
        assert_eq!(outcome.reply.text(), "Half");
    }
}

#[test]
fn every_documented_error_becomes_the_right_one() {
    let fault = |status, kind: &str, message: &str| {
        let headers =
            [("x-amzn-ErrorType".to_owned(), format!("{kind}:http://internal.amazon.com/"))];
        let body = json!({"message": message}).to_string();
        converse().fault(status, &headers, body.as_bytes(), &on(CLAUDE))
    };
    for (status, kind, message, code, retryable) in [
        (400, "ValidationException", "Malformed input request", Code::Provider, false),
        (
            400,
            "ValidationException",
            "Input is too long for requested model.",
            Code::Context,
            false,
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            Code::ModelUnknown,
            false,
        ),
        (400, "ServiceQuotaExceededException", "Your quota", Code::RateLimit, false),
        (403, "AccessDeniedException", "User: arn is not authorized", Code::ProviderAuth, false),
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            Code::Provider,
            false,
        ),
        (
            403,
            "UnrecognizedClientException",
            "The security token is invalid.",
            Code::ProviderAuth,
            false,
        ),
        (403, "InvalidSignatureException", "Signature expired", Code::ProviderAuth, false),
        (403, "ExpiredTokenException", "The security token is expired", Code::ProviderAuth, false),
        (
            404,
            "ResourceNotFoundException",
            "Could not resolve the foundation model",
            Code::ModelUnknown,
            false,
        ),
        (408, "ModelTimeoutException", "The model took too long", Code::ProviderTimeout, true),
        (424, "ModelErrorException", "The model failed", Code::Provider, false),
        (429, "ThrottlingException", "Too many requests", Code::RateLimit, true),
        (429, "ModelNotReadyException", "The model is not ready", Code::Provider, true),
        (500, "InternalServerException", "oops", Code::Provider, true),
        (503, "ServiceUnavailableException", "later", Code::Provider, true),
    ] {
        let error = fault(status, kind, message);
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{kind}: {message}");
        let named = error.to_string();
        assert!(
            code == Code::Context || code == Code::ProviderTimeout || named.contains(message),
            "{named}"
        );
    }
    let page = converse().fault(502, &[], b"<html>Bad gateway", &on(CLAUDE));
    assert_eq!((page.code(), page.retryable()), (Code::Provider, true));
}
