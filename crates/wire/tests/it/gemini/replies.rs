//! What comes back, where recorded traffic has no example.

use largestack_types::error::{Code, Coded};
use largestack_types::part::{Body, MediaSource, Part};
use largestack_types::reply::FinishReason;
use largestack_wire::{Accumulator, DecodeError, Frames, Framing, Mode, Outcome, decode};
use serde_json::{Value, json};

use super::{gemini, google};

fn whole(body: &Value) -> Outcome {
    decode(gemini(), Mode::Whole, &google(), body.to_string().as_bytes()).unwrap()
}

fn sse(chunks: &[Value]) -> String {
    let events: Vec<String> = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect();
    events.concat()
}

fn stream(chunks: &[Value]) -> Outcome {
    decode(gemini(), Mode::Stream, &google(), sse(chunks).as_bytes()).unwrap()
}

fn chunk(parts: &Value, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(word) = finish {
        candidate["finishReason"] = word.into();
    }
    json!({"candidates": [candidate], "modelVersion": "m", "responseId": "r"})
}

fn native(part: &Part) -> Option<Value> {
    part.native.as_ref().map(|native| native.fields.to().unwrap())
}

#[test]
fn words_go_on_over_chunks_and_what_is_signed_stands_by_itself() {
    let chunks = [
        chunk(&json!([{"text": "Think", "thought": true}]), None),
        chunk(&json!([{"text": "ing.", "thought": true}, {"text": "A"}]), None),
        chunk(&json!([{"text": "b"}]), None),
        chunk(&json!([{"text": "c", "thoughtSignature": "sig1"}]), None),
        chunk(&json!([{"text": "d"}]), None),
        chunk(&json!([{"text": "", "thoughtSignature": "sig2"}]), Some("STOP")),
    ];
    let reply = stream(&chunks).reply;
    let parts = &reply.parts;
    assert_eq!(parts.len(), 5, "{parts:?}");
    assert!(matches!(&parts[0].body, Body::Reasoning(thought) if &*thought.text == "Thinking."));
    let texts: Vec<_> =
        parts[1..].iter().map(|part| (part.as_text().unwrap(), native(part))).collect();
    let signed = |sig: &str| Some(json!({"thoughtSignature": sig}));
    assert_eq!(texts, [("Ab", None), ("c", signed("sig1")), ("d", None), ("", signed("sig2"))]);
}

#[test]
fn a_body_keeps_its_parts_apart() {
    let parts = json!([{"text": "a"}, {"text": "b"}, {"text": ""}, {"thoughtSignature": "alone"}]);
    let reply = whole(&chunk(&parts, Some("STOP"))).reply;
    assert_eq!(reply.parts.len(), 3);
    assert!(matches!(&reply.parts[2].body, Body::Unknown(raw) if raw.as_str().contains("alone")));
}

#[test]
fn a_stop_with_a_call_in_it_asks_for_tools_even_when_the_call_comes_late() {
    let call = json!([{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "s"}]);
    let reply = whole(&chunk(&call, Some("STOP"))).reply;
    assert_eq!(reply.finish_reason, FinishReason::ToolCalls);
    let late = [chunk(&json!([{"text": "x"}]), Some("STOP")), chunk(&call, None)];
    let reply = stream(&late).reply;
    assert_eq!(reply.finish_reason, FinishReason::ToolCalls);
    let cut = whole(&chunk(&call, Some("MAX_TOKENS"))).reply;
    assert_eq!(cut.finish_reason, FinishReason::Length);
}

#[test]
fn a_call_that_comes_in_pieces_is_put_together() {
    let call = |call: Value| chunk(&json!([{"functionCall": call}]), None);
    let chunks = [
        chunk(
            &json!([{"functionCall": {"name": "f", "id": "i", "willContinue": true}, "thoughtSignature": "s"}]),
            None,
        ),
        call(
            json!({"partialArgs": [{"jsonPath": "$.city", "stringValue": "New ", "willContinue": true}], "willContinue": true}),
        ),
        call(
            json!({"partialArgs": [{"jsonPath": "$.city", "stringValue": "York"}], "willContinue": true}),
        ),
        call(json!({})),
        call(json!({"name": "g", "args": {}})),
        chunk(&json!([{"text": ""}]), Some("STOP")),
    ];
    let reply = stream(&chunks).reply;
    let calls: Vec<_> = reply.parts.iter().filter_map(Part::as_tool_call).collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        (&*calls[0].provider_id, calls[0].arguments.as_str()),
        ("i", r#"{"city":"New York"}"#)
    );
    assert_eq!(native(&reply.parts[0]), Some(json!({"thoughtSignature": "s"})));
    assert_eq!(&*calls[1].name, "g");
}

#[test]
fn what_the_provider_ran_and_what_nobody_knows_is_kept_as_it_came() {
    let parts = json!([
        {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thought": true},
        {"fileData": {"fileUri": "gs://x/y"}},
        {"hologram": {"x": 1}},
    ]);
    let reply = whole(&chunk(&parts, Some("STOP"))).reply;
    let raw = |part: &Part| match &part.body {
        Body::ServerTool(raw) | Body::Unknown(raw) => raw.to::<Value>().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(raw(&reply.parts[0]), parts[0]);
    assert_eq!(raw(&reply.parts[1]), parts[1]);
    assert!(
        matches!(&reply.parts[2].body, Body::Media(media) if media.source == MediaSource::Base64("AAAA".into()))
    );
    assert_eq!(native(&reply.parts[2]), Some(json!({"thought": true})));
    assert!(
        matches!(&reply.parts[3].body, Body::Media(media) if media.source == MediaSource::Url("gs://x/y".into()))
    );
    assert_eq!(raw(&reply.parts[4]), parts[4]);
    assert!(reply.parts.iter().all(|part| part.native.is_some()));
}

#[test]
fn a_blocked_prompt_is_an_empty_reply_that_a_filter_ended() {
    let body = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 7}});
    for outcome in [whole(&body), stream(std::slice::from_ref(&body))] {
        let reply = outcome.reply;
        assert!(reply.parts.is_empty());
        assert_eq!(reply.finish_reason, FinishReason::ContentFilter);
        assert_eq!(reply.finish_reason_raw.as_deref(), Some("PROHIBITED_CONTENT"));
        assert_eq!(reply.usage.input_tokens, Some(7));
        assert!(reply.extras.unwrap().as_str().contains("blockReason"));
    }
}

#[test]
fn sources_are_cited_once_and_everything_else_is_kept() {
    let grounding = json!({
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}, {"retrievedContext": {"text": "words", "fileSearchStore": "stores/s"}}],
        "groundingSupports": [{"segment": {"endIndex": 1}, "groundingChunkIndices": [0]}],
    });
    let mut first = chunk(&json!([{"text": "x"}]), None);
    first["candidates"][0]["groundingMetadata"] = grounding.clone();
    let mut last = chunk(&json!([{"text": "y"}]), Some("STOP"));
    last["candidates"][0]["groundingMetadata"] = grounding;
    last["candidates"][0]["urlContextMetadata"] = json!({"urlMetadata": [
        {"retrievedUrl": "https://b.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
        {"retrievedUrl": "https://c.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"},
        {"retrievedUrl": "https://a.example", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
    ]});
    last["candidates"][0]["citationMetadata"] =
        json!({"citationSources": [{"uri": "https://d.example", "startIndex": 1}]});
    last["candidates"][0]["avgLogprobs"] = json!(-0.5);
    last["candidates"][0]["somethingNew"] = json!([1]);
    last["brandNew"] = json!(2);
    let reply = stream(&[first, last]).reply;
    let sources: Vec<_> = reply
        .parts
        .iter()
        .filter_map(|part| match &part.body {
            Body::Citation(citation) => Some(&*citation.source),
            _ => None,
        })
        .collect();
    assert_eq!(
        sources,
        ["https://a.example", "stores/s", "https://b.example", "https://d.example"]
    );
    assert_eq!(reply.text(), "xy");
    let extras = reply.extras.unwrap().to::<Value>().unwrap();
    assert_eq!(extras["brandNew"], 2);
    assert_eq!(extras["choice"]["somethingNew"], json!([1]));
    assert_eq!(extras["choice"]["avgLogprobs"], json!(-0.5));
    assert!(extras["choice"]["groundingMetadata"]["groundingSupports"].is_array());
}

#[test]
fn the_last_counts_of_a_stream_are_the_ones() {
    let mut chunks =
        [chunk(&json!([{"text": "a"}]), None), chunk(&json!([{"text": "b"}]), Some("STOP"))];
    chunks[0]["usageMetadata"] = json!({"promptTokenCount": 5, "totalTokenCount": 5});
    chunks[1]["usageMetadata"] =
        json!({"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 3});
    let reply = stream(&chunks).reply;
    assert_eq!((reply.usage.input_tokens, reply.usage.output_tokens), (Some(5), Some(5)));
    assert_eq!(reply.raw_usage.unwrap().to::<Value>().unwrap(), chunks[1]["usageMetadata"]);
}

#[test]
fn an_error_in_the_middle_is_a_fault_and_keeps_what_was_said() {
    let cases = [
        (
            json!({"code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded."}),
            Code::Provider,
            true,
        ),
        (
            json!({"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota"}),
            Code::RateLimit,
            true,
        ),
        (json!({"status": "RESOURCE_EXHAUSTED"}), Code::RateLimit, true),
        (json!({"code": 500, "status": "INTERNAL", "message": "x"}), Code::Provider, true),
        (
            json!({"code": 403, "status": "PERMISSION_DENIED", "message": "x"}),
            Code::ProviderAuth,
            false,
        ),
        (json!({"code": 400, "status": "INVALID_ARGUMENT", "message": "x"}), Code::Provider, false),
    ];
    for (error, code, retryable) in cases {
        let chunks = [chunk(&json!([{"text": "Half"}]), None), json!({"error": error})];
        for body in [sse(&chunks), format!("data: {}\n\ndata: [{}]\n\n", chunks[0], chunks[1])] {
            let outcome = decode(gemini(), Mode::Stream, &google(), body.as_bytes()).unwrap();
            let fault = outcome.fault.unwrap();
            assert_eq!((fault.code(), fault.retryable()), (code, retryable), "{error}");
            assert_eq!(outcome.reply.text(), "Half");
            assert_eq!(outcome.reply.finish_reason, FinishReason::Error);
        }
    }
}

#[test]
fn a_stream_that_never_says_it_is_complete_is_cut() {
    let body = sse(&[chunk(&json!([{"text": "Half"}]), None)]);
    let cut = decode(gemini(), Mode::Stream, &google(), body.as_bytes());
    assert_eq!(cut.unwrap_err(), DecodeError::Truncated);
    let empty = decode(gemini(), Mode::Whole, &google(), b"{}");
    assert_eq!(empty.unwrap_err(), DecodeError::NotAReply { missing: "candidates" });
}

#[test]
fn one_bad_event_does_not_end_a_good_stream_and_the_last_may_come_twice() {
    let end = chunk(&json!([{"text": " end"}]), Some("STOP"));
    let body = format!(
        "{}data: {{\"candidates\": [{{\n\ndata: {{\"odd\": 1}}\n\n{}{}data: [DONE]\n\n",
        sse(&[chunk(&json!([{"text": "The"}]), None)]),
        sse(std::slice::from_ref(&end)),
        sse(std::slice::from_ref(&end)),
    );
    let outcome = decode(gemini(), Mode::Stream, &google(), body.as_bytes()).unwrap();
    assert_eq!(outcome.reply.text(), "The end");
    assert_eq!(outcome.reports.len(), 2, "{:?}", outcome.reports);
}

#[test]
fn a_second_candidate_is_reported_and_not_mixed_in() {
    let mut body = chunk(&json!([{"text": "a"}]), Some("STOP"));
    let other = json!({"index": 1, "content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"});
    body["candidates"].as_array_mut().unwrap().push(other);
    let outcome = whole(&body);
    assert_eq!(outcome.reply.text(), "a");
    assert_eq!(outcome.reports, ["ignored: candidate 1"]);
}

#[test]
fn characters_that_are_cut_between_chunks_arrive_whole() {
    let body =
        sse(&[chunk(&json!([{"text": "日本語 😀 é"}]), None), chunk(&json!([]), Some("STOP"))]);
    for at in 0..body.len() {
        let mut decoder = gemini().decoder(Mode::Stream, &google());
        let mut accumulator = Accumulator::new();
        let mut frames = Frames::new(Framing::Sse);
        let mut take = |frame: largestack_wire::Frame<'_>| {
            decoder.push(frame, &mut |event| accumulator.push(&event)).unwrap();
        };
        frames.push(&body.as_bytes()[..at], &mut take).unwrap();
        frames.push(&body.as_bytes()[at..], &mut take).unwrap();
        frames.finish(&mut take).unwrap();
        decoder.finish(&mut |event| accumulator.push(&event)).unwrap();
        assert_eq!(accumulator.finish().reply.text(), "日本語 😀 é");
    }
}
