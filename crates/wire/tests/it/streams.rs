//! Streams and bodies as the dialects really have them, and as they must not break anything.

use largestack_types::error::{Code, Coded};
use largestack_types::part::{Arguments, Body, MediaSource, Part};
use largestack_types::reply::{FinishReason, Reply};
use largestack_wire::{DecodeError, Mode, Outcome, decode};
use serde_json::{Value, json};

use crate::support::{chat, target};

fn stream_of(frames: &[String]) -> Result<Outcome, DecodeError> {
    let body = frames.join("\n\n") + "\n\n";
    decode(chat(), Mode::Stream, &target("openai/x"), body.as_bytes())
}

fn data(value: &Value) -> String {
    format!("data: {value}")
}

fn delta(delta: &Value) -> String {
    data(&json!({"choices": [{"index": 0, "delta": delta}]}))
}

fn stop() -> String {
    data(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
}

/// The reply to these deltas.
fn said(deltas: &[Value]) -> Reply {
    let frames: Vec<_> = deltas.iter().map(delta).chain([stop()]).collect();
    let outcome = stream_of(&frames).unwrap();
    assert!(outcome.reports.is_empty(), "{:?}", outcome.reports);
    outcome.reply
}

fn whole(message: &Value) -> Reply {
    let body = json!({"choices": [{"message": message, "finish_reason": "stop"}]}).to_string();
    decode(chat(), Mode::Whole, &target("openai/x"), body.as_bytes()).unwrap().reply
}

fn calls(reply: &Reply) -> Vec<(&str, &str, &str)> {
    let calls = reply.parts.iter().filter_map(Part::as_tool_call);
    calls.map(|call| (&*call.provider_id, &*call.name, call.arguments.as_str())).collect()
}

fn kinds(reply: &Reply) -> Vec<&'static str> {
    let kind = |part: &Part| match &part.body {
        Body::Text(_) => "text",
        Body::Reasoning(_) => "reasoning",
        Body::ToolCall(_) => "tool_call",
        Body::Media(_) => "media",
        Body::Citation(_) => "citation",
        Body::Refusal(_) => "refusal",
        Body::ServerTool(_) => "server_tool",
        _ => "unknown",
    };
    reply.parts.iter().map(kind).collect()
}

#[test]
fn a_malformed_or_unknown_frame_is_reported_and_survived() {
    let frames = [
        delta(&json!({"content": "Hel"})),
        "data: {\"choices\": [{\"del".into(),
        "event: ping\ndata: {\"type\": \"ping\"}".into(),
        ": comment".into(),
        delta(&json!({"content": "lo"})),
        stop(),
        "data: [DONE]".into(),
    ];
    let outcome = stream_of(&frames).unwrap();
    assert_eq!(outcome.reply.text(), "Hello");
    assert_eq!(outcome.reports.len(), 2);
    assert!(outcome.reports[0].starts_with("malformed: "), "{:?}", outcome.reports);
    assert_eq!(outcome.reports[1], "ignored: a chunk without choices");
}

#[test]
fn a_stream_is_complete_with_a_reason_or_its_last_word_and_truncated_without() {
    let hello = || delta(&json!({"content": "Hello"}));
    assert!(stream_of(&[hello(), stop()]).is_ok());
    let done = stream_of(&[hello(), "data: [DONE]".into()]).unwrap().reply;
    assert_eq!((done.finish_reason, done.finish_reason_raw), (FinishReason::Other, None));
    assert_eq!(stream_of(&[hello()]).unwrap_err(), DecodeError::Truncated);
    assert_eq!(stream_of(&[]).unwrap_err(), DecodeError::Truncated);
    assert!(DecodeError::Truncated.at(&target("gpt-4o")).retryable());
}

#[test]
fn an_error_in_a_stream_keeps_what_came_before_it() {
    let half = || delta(&json!({"content": "Half"}));
    for (error, code, retryable) in [
        (json!({"error": {"message": "x", "type": "server_error"}}), Code::Provider, true),
        (json!({"error": {"message": "Overloaded", "code": 529}}), Code::Provider, true),
        (json!({"error": {"message": "x", "code": "rate_limit_exceeded"}}), Code::RateLimit, true),
        (
            json!({"error": {"message": "x", "code": "tool_use_failed", "status_code": 400}}),
            Code::Provider,
            false,
        ),
        (json!({"error": "Some words"}), Code::Provider, false),
    ] {
        let outcome = stream_of(&[half(), data(&error)]).unwrap();
        assert_eq!(outcome.reply.text(), "Half");
        assert_eq!(outcome.reply.finish_reason, FinishReason::Error);
        let fault = outcome.fault.unwrap();
        assert_eq!((fault.code(), fault.retryable()), (code, retryable), "{error}");
    }
    let bare = stream_of(&[half(), "event: error\ndata: {\"message\": \"bare\"}".into()]).unwrap();
    assert_eq!(bare.fault.unwrap().message(), "openai: bare");
}

#[test]
fn reasoning_is_reasoning_under_every_name_and_never_twice() {
    for message in [
        json!({"reasoning_content": "Hm.", "content": "Yes"}),
        json!({"reasoning": "Hm.", "content": "Yes"}),
        json!({"reasoning": "Hm.", "reasoning_content": "Hm.", "content": "Yes"}),
        json!({"reasoning": "Hm.", "content": "Yes", "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "index": 0}]}),
        json!({"reasoning": "Hm.", "content": "Yes", "reasoning_details": []}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Yes"}]}),
        json!({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes"}]}),
    ] {
        for reply in [whole(&message), said(std::slice::from_ref(&message))] {
            assert_eq!(kinds(&reply), ["reasoning", "text"], "{message}");
            let Body::Reasoning(thought) = &reply.parts[0].body else { panic!("{message}") };
            assert_eq!((&*thought.text, &*reply.text()), ("Hm.", "Yes"), "{message}");
        }
    }
}

#[test]
fn details_of_reasoning_cut_up_by_a_stream_are_whole_again() {
    let piece = |detail: Value| json!({"reasoning_details": [detail]});
    let reply = said(&[
        piece(
            json!({"type": "reasoning.text", "text": "Let ", "index": 0, "format": "f", "signature": null}),
        ),
        piece(json!({"type": "reasoning.text", "text": "us", "index": 0, "format": "f"})),
        piece(json!({"type": "reasoning.text", "index": 0, "signature": "sig"})),
        piece(json!({"type": "reasoning.encrypted", "data": "sealed", "id": "e1", "index": 0})),
        json!({"content": "Yes"}),
    ]);
    assert_eq!(kinds(&reply), ["reasoning", "reasoning", "text"]);
    let Body::Reasoning(open) = &reply.parts[0].body else { panic!() };
    let Body::Reasoning(sealed) = &reply.parts[1].body else { panic!() };
    assert_eq!(
        (&*open.text, open.signature.as_deref(), open.redacted),
        ("Let us", Some("sig"), false)
    );
    assert_eq!(
        (&*sealed.text, sealed.signature.as_deref(), sealed.redacted),
        ("", Some("sealed"), true)
    );
    let raw: Value = open.raw.as_ref().unwrap().to().unwrap();
    let expected = json!({"type": "reasoning.text", "text": "Let us", "index": 0, "format": "f", "signature": "sig"});
    assert_eq!(raw, expected);
}

/// Ids, names and arguments.
type Calls = Vec<(&'static str, &'static str, &'static str)>;

/// What servers repeat, as the pieces of a stream and the calls they are.
fn repeated() -> [(&'static str, Vec<Value>, Calls); 4] {
    let piece = |call: Value| json!({"tool_calls": [call]});
    let f = |name: Value, arguments: Value| json!({"name": name, "arguments": arguments});
    [
        (
            "as the protocol says",
            vec![
                piece(
                    json!({"index": 0, "id": "a", "type": "function", "function": f(json!("x"), json!(""))}),
                ),
                piece(json!({"index": 1, "id": "b", "function": f(json!("y"), json!("{"))})),
                piece(json!({"index": 0, "function": {"arguments": "{}"}})),
                piece(json!({"index": 1, "function": {"arguments": "}"}})),
            ],
            vec![("a", "x", "{}"), ("b", "y", "{}")],
        ),
        (
            "id and name with every piece",
            vec![
                piece(json!({"index": 0, "id": "a", "function": f(json!("x"), json!("{\"q\""))})),
                piece(json!({"index": 0, "id": "a", "function": f(json!("x"), json!(":1}"))})),
            ],
            vec![("a", "x", "{\"q\":1}")],
        ),
        (
            "one index for every call",
            vec![
                piece(json!({"index": 0, "id": "a", "function": f(json!("x"), json!("{}"))})),
                piece(json!({"index": 0, "id": "b", "function": f(json!("y"), json!("{}"))})),
            ],
            vec![("a", "x", "{}"), ("b", "y", "{}")],
        ),
        (
            "one index and no ids",
            vec![
                piece(json!({"index": 0, "id": "", "function": f(json!("x"), json!("{}"))})),
                piece(json!({"index": 0, "id": "", "function": f(json!("x"), json!("{}"))})),
            ],
            vec![("", "x", "{}"), ("", "x", "{}")],
        ),
    ]
}

/// What servers leave out.
fn left_out() -> [(&'static str, Vec<Value>, Calls); 4] {
    let piece = |call: Value| json!({"tool_calls": [call]});
    let f = |name: Value, arguments: Value| json!({"name": name, "arguments": arguments});
    [
        (
            "no index",
            vec![
                piece(json!({"id": "a", "function": f(json!("x"), json!("{"))})),
                piece(json!({"function": {"arguments": "}"}})),
                piece(json!({"id": "b", "function": f(json!("y"), json!("{"))})),
                piece(json!({"id": "b", "function": {"arguments": "}"}})),
            ],
            vec![("a", "x", "{}"), ("b", "y", "{}")],
        ),
        (
            "neither index nor id",
            vec![
                piece(json!({"function": f(json!("x"), json!("{}"))})),
                piece(json!({"function": f(json!("y"), json!("{}"))})),
            ],
            vec![("", "x", "{}"), ("", "y", "{}")],
        ),
        (
            "the id comes late",
            vec![
                piece(json!({"index": 0, "function": f(json!("x"), json!("{"))})),
                piece(json!({"index": 0, "id": "a", "function": f(Value::Null, json!("}"))})),
            ],
            vec![("a", "x", "{}")],
        ),
        (
            "arguments as an object, or none",
            vec![
                piece(json!({"index": 0, "id": "a", "function": f(json!("x"), json!({"q": [1]}))})),
                piece(json!({"index": 1, "id": "b", "function": f(json!("y"), Value::Null)})),
                piece(json!({"index": 2, "id": "c", "function": {"name": "z"}})),
            ],
            vec![("a", "x", "{\"q\":[1]}"), ("b", "y", "{}"), ("c", "z", "{}")],
        ),
    ]
}

#[test]
fn pieces_of_tool_calls_find_their_call_whatever_the_server_leaves_out() {
    for (what, deltas, expected) in repeated().into_iter().chain(left_out()) {
        assert_eq!(calls(&said(&deltas)), expected, "{what}");
    }
}

#[test]
fn in_a_body_every_listed_call_is_one_and_the_oldest_form_is_understood() {
    let twice = json!({"id": "", "function": {"name": "x", "arguments": "{}"}});
    let reply = whole(&json!({"content": null, "tool_calls": [twice, twice]}));
    assert_eq!(calls(&reply), [("", "x", "{}"), ("", "x", "{}")]);
    let old =
        whole(&json!({"function_call": {"name": "x", "arguments": "{}"}, "tool_calls": null}));
    assert_eq!(calls(&old), [("", "x", "{}")]);
    let empty = whole(&json!({"content": "Hi", "function_call": {"name": "", "arguments": ""}}));
    assert_eq!(kinds(&empty), ["text"]);
    let custom =
        json!({"id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}});
    let reply = whole(&json!({"tool_calls": [custom]}));
    let call = reply.parts[0].as_tool_call().unwrap();
    assert_eq!((&*call.name, &call.arguments), ("shell", &Arguments::Malformed("ls -l".into())));
}

#[test]
fn a_refusal_is_a_refusal() {
    let reply = said(&[json!({"refusal": "I can", "content": null}), json!({"refusal": "not."})]);
    assert_eq!(reply.parts[0].body, Body::Refusal("I cannot.".into()));
    assert_eq!(reply.finish_reason, FinishReason::Refusal);
    assert_eq!(reply.finish_reason_raw.as_deref(), Some("stop"));
}

#[test]
fn citations_of_every_kind_stand_after_the_words_they_support() {
    let cited = json!({"url": "https://x.invalid", "title": "X", "start_index": 0, "end_index": 2, "content": "words"});
    let note = json!({"type": "url_citation", "url_citation": cited});
    let file = json!({"type": "file", "file": {"hash": "h"}});
    let reply = said(&[json!({"annotations": [note, file]}), json!({"content": "Yes"})]);
    assert_eq!(kinds(&reply), ["text", "citation", "unknown"]);
    let Body::Citation(citation) = &reply.parts[1].body else { panic!() };
    assert_eq!((&*citation.source, citation.title.as_deref()), ("https://x.invalid", Some("X")));
    assert_eq!(citation.quote.as_deref(), Some("words"));
    assert_eq!(citation.raw.as_ref().unwrap().to::<Value>().unwrap(), note);

    let chunk = |content: &str| {
        data(&json!({
            "choices": [{"index": 0, "delta": {"content": content}}],
            "citations": ["https://a.invalid", "https://b.invalid"],
            "search_results": [{"title": "A", "url": "https://a.invalid"}, {"url": "https://b.invalid"}],
        }))
    };
    let reply = stream_of(&[chunk("Ye"), chunk("s[1]"), stop()]).unwrap().reply;
    assert_eq!(kinds(&reply), ["text", "citation", "citation"]);
    let plain = data(
        &json!({"choices": [{"delta": {"content": "Yes"}}], "citations": ["https://a.invalid"]}),
    );
    let reply = stream_of(&[plain, stop()]).unwrap().reply;
    let Body::Citation(citation) = &reply.parts[1].body else { panic!() };
    assert_eq!(&*citation.source, "https://a.invalid");
}

#[test]
fn a_tool_the_provider_ran_is_one_part_though_a_stream_names_it_twice() {
    let start = json!({"executed_tools": [{"index": 0, "type": "search", "arguments": "{}"}]});
    let end = json!({"executed_tools": [{"index": 0, "type": "search", "arguments": "{}", "output": "found"}]});
    let reply = said(&[start, end, json!({"content": "Yes"})]);
    assert_eq!(kinds(&reply), ["server_tool", "text"]);
    let Body::ServerTool(raw) = &reply.parts[0].body else { panic!() };
    assert!(raw.as_str().contains("found"));
}

#[test]
fn images_and_sound_are_media() {
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let reply = whole(
        &json!({"images": [image("data:image/png;base64,AAAA"), image("https://x.invalid/a")]}),
    );
    let sources: Vec<_> = reply
        .parts
        .iter()
        .map(|part| match &part.body {
            Body::Media(media) => media.source.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected =
        [MediaSource::Base64("AAAA".into()), MediaSource::Url("https://x.invalid/a".into())];
    assert_eq!(sources, expected);
    // Two pieces of base64, each padded, are one sound.
    let sound =
        |data: &str, words: &str| json!({"audio": {"id": "a", "data": data, "transcript": words}});
    let reply = said(&[sound("QQ==", "Hel"), sound("Qg==", "lo")]);
    assert_eq!(reply.text(), "Hello");
    let Body::Media(media) = &reply.parts[1].body else { panic!() };
    assert_eq!(media.source, MediaSource::Base64("QUI=".into()));
}

#[test]
fn unknown_fields_are_kept_where_they_were() {
    let body = json!({
        "id": "r", "object": "chat.completion", "created": 17, "obfuscation": "xxxx",
        "choices": [
            {"message": {"content": "Hi", "mood": {"x": [1]}, "tool_calls": [{"function": {"name": "f"}, "extra_content": {"s": 1}}]}, "seed": 5, "finish_reason": "stop"},
            {"index": 1, "message": {"content": "No"}}
        ],
    });
    let outcome =
        decode(chat(), Mode::Whole, &target("openai/x"), body.to_string().as_bytes()).unwrap();
    let extras: Value = outcome.reply.extras.unwrap().to().unwrap();
    let expected = json!({
        "created": 17, "choice": {"seed": 5}, "message": {"mood": {"x": [1]}},
        "tool_calls": {"0.extra_content": {"s": 1}},
    });
    assert_eq!(extras, expected);
    assert_eq!(outcome.reply.parts.len(), 2);
    assert_eq!(outcome.reports, ["ignored: choice 1"]);
}

#[test]
fn fields_of_the_wrong_type_lose_nothing_but_themselves() {
    let reply = whole(&json!({
        "content": "Hi", "reasoning": {"a": 1}, "refusal": false, "tool_calls": "none",
        "annotations": {"b": []}, "audio": 3, "images": null, "executed_tools": 1.5,
        "function_call": [],
    }));
    assert_eq!((kinds(&reply), reply.text()), (vec!["text"], "Hi".to_owned()));
    let odd = whole(&json!({"content": {"text": "?"}}));
    assert!(odd.parts.is_empty());
    let chunk = whole(&json!({"content": [{"type": "hologram", "x": 1}]}));
    assert_eq!(kinds(&chunk), ["unknown"]);
}

#[test]
fn a_body_that_is_no_reply_is_an_error() {
    let of = |body: &str| decode(chat(), Mode::Whole, &target("openai/x"), body.as_bytes());
    for malformed in ["", "<html>", "{\"choices\": [", "Hello"] {
        assert!(matches!(of(malformed), Err(DecodeError::Malformed { .. })), "{malformed}");
    }
    for empty in ["{}", "[]", "null", "{\"choices\": []}", "{\"choices\": null}"] {
        assert!(matches!(of(empty), Err(DecodeError::NotAReply { .. })), "{empty}");
    }
}
