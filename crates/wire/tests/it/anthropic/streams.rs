//! Streams and bodies as they may come, and as they must not break anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_types::error::{Code, Coded};
use largestack_types::part::{Arguments, Body, Native, Part};
use largestack_types::reply::{FinishReason, Reply};
use largestack_wire::{DecodeError, Mode, Outcome, decode, event_stream, sse};
use serde_json::{Value, json};

use super::{NAME, target};

pub(crate) fn event(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or("?"))
}

fn stream_of(events: &[Value]) -> Result<Outcome, DecodeError> {
    let body: String = events.iter().map(event).collect();
    decoded(&body)
}

fn decoded(body: &str) -> Result<Outcome, DecodeError> {
    let target = target("anthropic/claude-x");
    decode(target.wire().unwrap(), Mode::Stream, &target, body.as_bytes())
}

fn whole(body: &Value) -> Result<Outcome, DecodeError> {
    let target = target("anthropic/claude-x");
    decode(target.wire().unwrap(), Mode::Whole, &target, body.to_string().as_bytes())
}

fn begin() -> Value {
    let usage = json!({"input_tokens": 3, "output_tokens": 1, "service_tier": "standard"});
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage}})
}

fn start(index: u32, block: Value) -> Value {
    let mut event = json!({"type": "content_block_start", "index": index});
    event["content_block"] = block;
    event
}

fn delta(index: u32, delta: Value) -> Value {
    let mut event = json!({"type": "content_block_delta", "index": index});
    event["delta"] = delta;
    event
}

fn words(index: u32, text: &str) -> Value {
    delta(index, json!({"type": "text_delta", "text": text}))
}

fn stop(index: u32) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn end(reason: &str) -> [Value; 2] {
    let usage = json!({"output_tokens": 9});
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ]
}

/// A reply of one block that grows.
fn grown(block: &Value, deltas: &[Value]) -> Outcome {
    let deltas = deltas.iter().map(|more| delta(0, more.clone()));
    let events: Vec<Value> = [begin(), start(0, block.clone())]
        .into_iter()
        .chain(deltas)
        .chain([stop(0)])
        .chain(end("end_turn"))
        .collect();
    stream_of(&events).unwrap()
}

fn only(reply: &Reply) -> &Part {
    assert_eq!(reply.parts.len(), 1, "{:?}", reply.parts);
    &reply.parts[0]
}

fn beside(part: &Part) -> Option<Value> {
    Native::of(part.native.as_ref(), NAME).map(|fields| fields.to().unwrap())
}

#[test]
fn a_malformed_or_unknown_event_is_reported_and_survived() {
    let [done, last] = end("end_turn");
    let text = json!({"type": "text", "text": ""});
    let body = [
        event(&begin()),
        event(&start(0, text)),
        event(&words(0, "Hel")),
        "event: content_block_delta\ndata: {\"type\": \"content_bl\n\n".into(),
        ": comment\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n".into(),
        event(&json!({"type": "content_block_surprise", "index": 0})),
        event(&delta(0, json!({"type": "smell_delta", "smell": "rose"}))),
        event(&delta(7, json!({"type": "input_json_delta", "partial_json": "{}"}))),
        "data: {}\n\n".into(),
        event(&words(0, "lo")),
        event(&stop(0)),
        event(&stop(0)),
        event(&done),
        event(&last),
    ];
    let outcome = decoded(&body.concat()).unwrap();
    assert_eq!(outcome.reply.text(), "Hello");
    let reports: Vec<&str> =
        outcome.reports.iter().map(|line| line.split(" at line").next().unwrap()).collect();
    assert!(reports[0].starts_with("malformed: "), "{reports:?}");
    let rest = [
        "ignored: content_block_surprise",
        "ignored: smell_delta",
        "ignored: input_json_delta of no block",
        "ignored: an event without a type",
    ];
    assert_eq!(reports[1..], rest);
}

#[test]
fn a_block_whose_beginning_was_lost_still_says_its_words() {
    let thought = delta(0, json!({"type": "thinking_delta", "thinking": "Hm."}));
    let seal = delta(0, json!({"type": "signature_delta", "signature": "s"}));
    let [done, last] = end("end_turn");
    let events =
        [begin(), thought, seal, stop(0), words(1, "Yes"), words(1, "."), stop(1), done, last];
    let outcome = stream_of(&events).unwrap();
    assert_eq!(outcome.reply.text(), "Yes.");
    let Body::Reasoning(thought) = &outcome.reply.parts[0].body else { panic!() };
    assert_eq!((&*thought.text, thought.signature.as_deref()), ("Hm.", Some("s")));
}

#[test]
fn a_stream_is_complete_with_a_reason_and_truncated_without() {
    let text = || [begin(), start(0, json!({"type": "text", "text": ""})), words(0, "Hel")];
    assert_eq!(stream_of(&text()).unwrap_err(), DecodeError::Truncated);
    assert_eq!(stream_of(&[]).unwrap_err(), DecodeError::Truncated);
    let [done, last] = end("max_tokens");
    // Without the last event, and with its last frames twice, it says the same.
    let short: Vec<Value> = text().into_iter().chain([stop(0), done.clone()]).collect();
    let twice: Vec<Value> = short.iter().cloned().chain([done, last.clone(), last]).collect();
    let (short, twice) = (stream_of(&short).unwrap(), stream_of(&twice).unwrap());
    assert_eq!(short.reply, twice.reply);
    assert_eq!(short.reply.finish_reason, FinishReason::Length);
    assert!(twice.reports.is_empty());
}

#[test]
fn an_error_in_a_stream_keeps_what_came_before_it() {
    for (kind, message, code, retryable) in [
        ("overloaded_error", "Overloaded", Code::Provider, true),
        ("api_error", "Internal server error", Code::Provider, true),
        ("timeout_error", "Too slow", Code::ProviderTimeout, true),
        ("rate_limit_error", "Slow down", Code::RateLimit, true),
        ("billing_error", "Pay", Code::RateLimit, false),
        ("authentication_error", "invalid x-api-key", Code::ProviderAuth, false),
        ("permission_error", "Not yours", Code::ProviderAuth, false),
        ("invalid_request_error", "prompt is too long: 5 tokens > 4 maximum", Code::Context, false),
        ("invalid_request_error", "Odd", Code::Provider, false),
        ("never_heard_error", "What", Code::Provider, false),
    ] {
        let error = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
        let text = json!({"type": "text", "text": "Half"});
        let outcome = stream_of(&[begin(), start(0, text), error]).unwrap();
        assert_eq!(outcome.reply.text(), "Half");
        assert_eq!(outcome.reply.finish_reason, FinishReason::Error);
        let fault = outcome.fault.unwrap();
        assert_eq!((fault.code(), fault.retryable()), (code, retryable), "{kind}");
    }
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "x"}});
    assert!(whole(&error).unwrap().fault.unwrap().retryable());
}

#[test]
fn a_tool_call_has_the_input_of_its_pieces_or_of_its_beginning() {
    let call = |input: Value| json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": input, "caller": {"type": "direct"}});
    let piece = |text: &str| json!({"type": "input_json_delta", "partial_json": text});
    for (begun, pieces, expected) in [
        (json!({}), vec![piece(""), piece("{\"a\""), piece(": 1}")], "{\"a\": 1}"),
        (json!({}), vec![piece("")], "{}"),
        (json!({}), vec![], "{}"),
        (json!({"a": 1}), vec![], "{\"a\":1}"),
        (json!({"a": 1}), vec![piece("{\"b\": 2}")], "{\"b\": 2}"),
    ] {
        let outcome = grown(&call(begun), &pieces);
        let part = only(&outcome.reply);
        let made = part.as_tool_call().unwrap();
        assert_eq!((&*made.provider_id, &*made.name), ("toolu_1", "f"));
        assert_eq!(made.arguments.as_str(), expected);
        assert_eq!(beside(part), Some(json!({"caller": {"type": "direct"}})));
    }
    // A tool whose input is streamed eagerly may be cut off in its middle.
    let cut = grown(&call(json!({})), &[piece("{\"a\": \"b")]);
    let arguments = &only(&cut.reply).as_tool_call().unwrap().arguments;
    assert_eq!(arguments, &Arguments::Malformed("{\"a\": \"b".into()));
}

#[test]
fn what_the_provider_ran_is_whole_in_the_end() {
    let begun = json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}});
    let piece = |text: &str| json!({"type": "input_json_delta", "partial_json": text});
    let outcome = grown(&begun, &[piece("{\"query\""), piece(": \"x\"}")]);
    let Body::ServerTool(raw) = &only(&outcome.reply).body else { panic!() };
    let expected = json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}});
    assert_eq!(raw.to::<Value>().unwrap(), expected);
    let more = |text: &str| json!({"type": "compaction_delta", "content": text});
    let outcome =
        grown(&json!({"type": "compaction", "content": null}), &[more("All "), more("of it.")]);
    let Body::ServerTool(raw) = &only(&outcome.reply).body else { panic!() };
    let expected = json!({"type": "compaction", "content": "All of it."});
    assert_eq!(raw.to::<Value>().unwrap(), expected);
    assert!(outcome.reports.is_empty());
    // Of a kind nobody knows: what it says is kept all the same, and reported.
    let odd = json!({"type": "hologram", "light": "re", "at": 1});
    let outcome = grown(&odd, &[json!({"type": "light_delta", "light": "d", "at": 2})]);
    let Body::Unknown(raw) = &only(&outcome.reply).body else { panic!() };
    assert_eq!(raw.to::<Value>().unwrap(), json!({"type": "hologram", "light": "red", "at": 2}));
    assert_eq!(outcome.reports, ["ignored: light_delta"]);
}

#[test]
fn citations_stand_behind_the_words_they_support_and_in_them() {
    let page = json!({"type": "page_location", "cited_text": "c", "document_index": 1, "document_title": null, "start_page_number": 1, "end_page_number": 2});
    let web = json!({"type": "web_search_result_location", "cited_text": "w", "url": "https://x.invalid", "title": "X", "encrypted_index": "e"});
    let cite = |raw: &Value| json!({"type": "citations_delta", "citation": raw});
    let text = |more: &str| json!({"type": "text_delta", "text": more});
    let begun = json!({"type": "text", "text": "", "citations": []});
    let outcome = grown(&begun, &[cite(&page), text("Yes"), cite(&web), text(".")]);
    let body = json!({"type": "message", "content": [{"type": "text", "text": "Yes.", "citations": [page, web]}], "stop_reason": "end_turn"});
    let complete = whole(&body).unwrap().reply;
    assert_eq!(outcome.reply.parts, complete.parts);
    assert_eq!(beside(&complete.parts[0]), Some(json!({"citations": [page, web]})));
    let cited: Vec<_> = complete.parts[1..]
        .iter()
        .map(|part| match &part.body {
            Body::Citation(cited) => {
                (&*cited.source, cited.title.as_deref(), cited.quote.as_deref())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [("document 1", None, Some("c")), ("https://x.invalid", Some("X"), Some("w"))];
    assert_eq!(cited, expected);
    assert_eq!(beside(only(&grown(&begun, &[text("No.")]).reply)), None);
}

#[test]
fn thoughts_are_sealed_shown_or_not() {
    let body = json!({"type": "message", "content": [
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "thinking", "thinking": "Hm."},
    ], "stop_reason": "refusal", "stop_details": {"category": "x"}, "container": null});
    let reply = whole(&body).unwrap().reply;
    let thoughts: Vec<_> = reply
        .parts
        .iter()
        .map(|part| match &part.body {
            Body::Reasoning(thought) => {
                (&*thought.text, thought.signature.as_deref(), thought.redacted)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(thoughts, [("", Some("s"), false), ("", Some("d"), true), ("Hm.", None, false)]);
    assert_eq!(reply.finish_reason, FinishReason::Refusal);
    let extras: Value = reply.extras.unwrap().to().unwrap();
    assert_eq!(extras, json!({"stop_details": {"category": "x"}, "container": null}));
}

#[test]
fn fields_that_nobody_reads_are_kept_wherever_they_stand() {
    let [mut done, mut last] = end("pause_turn");
    done["context_management"] = json!({"applied_edits": [1]});
    done["delta"]["container"] = json!({"id": "c"});
    last["amazon-bedrock-invocationMetrics"] = json!({"inputTokenCount": 3});
    let reply = stream_of(&[begin(), done, last]).unwrap().reply;
    assert_eq!(reply.finish_reason, FinishReason::Pause);
    let extras: Value = reply.extras.unwrap().to().unwrap();
    let expected = json!({
        "stop_sequence": null, "context_management": {"applied_edits": [1]},
        "container": {"id": "c"}, "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3},
    });
    assert_eq!(extras, expected);
    let raw: Value = reply.raw_usage.unwrap().to().unwrap();
    let merged = json!({"input_tokens": 3, "output_tokens": 9, "service_tier": "standard"});
    assert_eq!((raw, reply.usage.output_tokens), (merged, Some(9)));
}

/// The events as Bedrock frames them.
fn framed(events: &[Value]) -> Vec<u8> {
    let frames = events.iter().map(|value| {
        let payload = json!({"bytes": STANDARD.encode(value.to_string()), "p": "abcd"});
        let headers = [(":event-type", "chunk"), (":message-type", "event")];
        event_stream::message(&headers, payload.to_string().as_bytes())
    });
    frames.flatten().collect()
}

#[test]
fn bedrock_frames_the_same_events() {
    let target = target("bedrock_anthropic/claude-x");
    let wire = target.wire().unwrap();
    let events: Vec<Value> =
        [begin(), start(0, json!({"type": "text", "text": ""})), words(0, "Größe"), stop(0)]
            .into_iter()
            .chain(end("end_turn"))
            .collect();
    let reply = decode(wire, Mode::Stream, &target, &framed(&events)).unwrap().reply;
    assert_eq!(reply, stream_of(&events).unwrap().reply);
    for (name, code, retryable) in [
        ("throttlingException", Code::RateLimit, true),
        ("modelStreamErrorException", Code::Provider, true),
        ("internalServerException", Code::Provider, true),
        ("serviceUnavailableException", Code::Provider, true),
        ("modelTimeoutException", Code::ProviderTimeout, true),
        ("validationException", Code::Provider, false),
    ] {
        let headers = [(":exception-type", name), (":message-type", "exception")];
        let mut body = framed(&events[..3]);
        body.extend(event_stream::message(&headers, br#"{"message": "Some words"}"#));
        let outcome = decode(wire, Mode::Stream, &target, &body).unwrap();
        assert_eq!(outcome.reply.text(), "Größe");
        let fault = outcome.fault.unwrap();
        assert_eq!((fault.code(), fault.retryable()), (code, retryable), "{name}");
    }
    let odd = event_stream::message(&[(":event-type", "chunk")], br#"{"bytes": "%%"}"#);
    let body = [odd, framed(&events)].concat();
    assert_eq!(decode(wire, Mode::Stream, &target, &body).unwrap().reports.len(), 1);
}

#[test]
fn a_body_that_is_no_reply_is_an_error() {
    let target = target("anthropic/claude-x");
    let of = |body: &str| decode(target.wire().unwrap(), Mode::Whole, &target, body.as_bytes());
    for malformed in ["", "<html>", "{\"content\": [", "Hello"] {
        assert!(matches!(of(malformed), Err(DecodeError::Malformed { .. })), "{malformed}");
    }
    for empty in ["{}", "[]", "null", "{\"type\": \"message\"}", "{\"input_tokens\": 3}"] {
        assert!(matches!(of(empty), Err(DecodeError::NotAReply { .. })), "{empty}");
    }
    assert!(of("{\"content\": null}").is_ok());
}

#[test]
fn a_character_cut_over_two_chunks_is_one() {
    let [done, last] = end("end_turn");
    let events = [
        begin(),
        start(0, json!({"type": "text", "text": "日"})),
        words(0, "本😀"),
        stop(0),
        done,
        last,
    ];
    let body: String = events.iter().map(event).collect();
    let target = target("anthropic/claude-x");
    for cut in 0..body.len() {
        let mut decoder = target.wire().unwrap().decoder(Mode::Stream, &target);
        let mut said = String::new();
        let mut parser = sse::Parser::new();
        let (head, tail) = body.as_bytes().split_at(cut);
        for piece in [head, tail] {
            let mut take = |frame: largestack_wire::Frame<'_>| {
                let mut listen = |event: largestack_wire::WireEvent<'_>| {
                    if let largestack_wire::WireEvent::Text { text, .. } = event {
                        said.push_str(&text);
                    }
                };
                decoder.push(frame, &mut listen).unwrap();
            };
            parser.push(piece, &mut take).unwrap();
        }
        assert_eq!(said, "日本😀", "cut at {cut}");
    }
}
