//! What recordings of the wire `openai-responses` lack: every kind of item and event, faults in the
//! middle, streams that break off, frames that come twice, servers that leave things out.

use largestack_types::error::{Code, Coded as _};
use largestack_types::part::{Body, Part};
use largestack_types::reply::FinishReason;
use largestack_wire::{DecodeError, Mode, Outcome, decode};
use serde_json::{Value, json};

use crate::support::{responses, target};

fn whole(body: &Value) -> Outcome {
    decode(responses(), Mode::Whole, &target("openai_responses/o3"), body.to_string().as_bytes())
        .unwrap()
}

fn stream(events: &[Value]) -> Result<Outcome, DecodeError> {
    let frame = |event: &Value| {
        let name = event["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    };
    let body: String = events.iter().map(frame).collect();
    decode(responses(), Mode::Stream, &target("openai_responses/o3"), body.as_bytes())
}

fn reply(output: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": output})
}

fn completed(output: &Value) -> Value {
    json!({"type": "response.completed", "response": reply(output)})
}

fn bodies(outcome: &Outcome) -> Vec<Body> {
    outcome.reply.parts.iter().map(|part| part.body.clone()).collect()
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

/// Every kind of item that the reference lists.
fn every_item() -> Vec<Value> {
    vec![
        json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "sealed",
               "summary": [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}],
               "content": [{"type": "reasoning_text", "text": "Long thoughts.", "x": 1}]}),
        json!({"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "only sealed"}),
        json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary",
               "content": [
                   {"type": "output_text", "text": "See this.", "annotations": [
                       {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 3},
                       {"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 2},
                       {"type": "container_file_citation", "container_id": "c", "file_id": "cfile_1", "filename": "b.csv", "start_index": 0, "end_index": 1},
                       {"type": "file_path", "file_id": "file_2", "index": 0}]},
                   {"type": "refusal", "refusal": "Not that."},
                   {"type": "hologram", "shape": [1, 2]}]}),
        json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "search", "arguments": "{\"q\": 1}"}),
        json!({"type": "function_call", "id": "fc_2", "call_id": "call_2", "name": "now", "arguments": ""}),
        json!({"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_3", "name": "run", "input": "print(\"é\")\n"}),
        json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}),
        json!({"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"], "results": null}),
        json!({"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1", "container_id": "c", "outputs": []}),
        json!({"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "s", "tools": []}),
        json!({"type": "mcp_call", "id": "mcp_1", "server_label": "s", "name": "n", "arguments": "{}", "output": "o", "error": null}),
        json!({"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "n", "arguments": "{}"}),
        json!({"type": "computer_call", "id": "cu_1", "call_id": "call_4", "status": "completed", "action": {"type": "screenshot"}}),
        json!({"type": "local_shell_call", "id": "lsh_1", "call_id": "call_5", "status": "completed", "action": {"type": "exec", "command": ["ls"]}}),
        json!({"type": "apply_patch_call", "id": "apc_1", "call_id": "call_6", "status": "completed", "operation": {"type": "delete_file", "path": "x"}}),
        json!({"type": "tool_search_call", "id": "ts_1", "status": "completed", "arguments": {"q": 1}}),
        json!({"type": "tool_search_output", "id": "tso_1", "tools": []}),
        json!({"type": "compaction", "id": "cmp_1", "encrypted_content": "dense"}),
        json!({"type": "a_kind_of_tomorrow", "id": "x_1", "deep": {"a": [null, 1.5]}}),
    ]
}

/// The events in which a stream would say these items, words cut into pieces.
fn events_of(items: &[Value]) -> Vec<Value> {
    let mut events = vec![
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress", "output": []}}),
    ];
    for (place, item) in items.iter().enumerate() {
        let mut begun = item.clone();
        for (key, empty) in [
            ("content", json!([])),
            ("summary", json!([])),
            ("arguments", json!("")),
            ("input", json!("")),
        ] {
            if begun[key].is_array() || begun[key].is_string() {
                begun[key] = empty;
            }
        }
        events.push(
            json!({"type": "response.output_item.added", "output_index": place, "item": begun}),
        );
        let mut delta = |kind: &str, index: (&str, usize), text: &str| {
            let characters: Vec<char> = text.chars().collect();
            for piece in characters.chunks(3) {
                let piece: String = piece.iter().collect();
                events.push(json!({"type": format!("response.{kind}.delta"), "output_index": place, (index.0): index.1, "delta": piece}));
            }
        };
        for (index, block) in item["content"].as_array().into_iter().flatten().enumerate() {
            let at = ("content_index", index);
            match block["type"].as_str().unwrap() {
                "output_text" => delta("output_text", at, block["text"].as_str().unwrap()),
                "refusal" => delta("refusal", at, block["refusal"].as_str().unwrap()),
                "reasoning_text" => delta("reasoning_text", at, block["text"].as_str().unwrap()),
                _ => {}
            }
        }
        for (index, block) in item["summary"].as_array().into_iter().flatten().enumerate() {
            delta(
                "reasoning_summary_text",
                ("summary_index", index),
                block["text"].as_str().unwrap(),
            );
        }
        match item["type"].as_str().unwrap() {
            "function_call" => {
                delta("function_call_arguments", ("i", 0), item["arguments"].as_str().unwrap());
            }
            "custom_tool_call" => {
                delta("custom_tool_call_input", ("i", 0), item["input"].as_str().unwrap());
            }
            _ => {}
        }
        events.push(
            json!({"type": "response.output_item.done", "output_index": place, "item": item}),
        );
    }
    events.push(completed(&json!(items)));
    events
}

#[test]
fn every_kind_of_item_is_the_same_whole_and_streamed_and_goes_back_as_it_came() {
    let items = every_item();
    let whole = whole(&reply(&json!(items)));
    let streamed = stream(&events_of(&items)).unwrap();
    assert_eq!(streamed.reply, whole.reply);
    assert!(whole.reports.is_empty(), "{:?}", whole.reports);
    assert_eq!(whole.reply.finish_reason, FinishReason::ToolCalls);
    let turn = largestack_types::message::Message::new(
        largestack_types::message::Role::Assistant,
        whole.reply.parts.clone(),
    );
    let request = responses()
        .encode(
            &crate::support::call(vec![turn]),
            &target("openai_responses/o3"),
            &mut largestack_wire::Session::new(),
        )
        .unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let sent = body["input"].as_array().unwrap();
    assert_eq!(sent.len(), items.len());
    for (sent, item) in sent.iter().zip(&items) {
        assert_eq!(sent, item);
    }
    // The same items of another wire's making say words and calls, and nothing sealed.
    let foreign: Vec<Part> =
        whole.reply.parts.into_iter().map(|part| Part { native: None, ..part }).collect();
    let turn = largestack_types::message::Message::new(
        largestack_types::message::Role::Assistant,
        foreign,
    );
    let request = responses()
        .encode(
            &crate::support::call(vec![turn]),
            &target("openai_responses/o3"),
            &mut largestack_wire::Session::new(),
        )
        .unwrap();
    let text = String::from_utf8(request.body.to_vec()).unwrap();
    assert!(!text.contains("sealed") && !text.contains("ws_1"), "{text}");
    assert!(text.contains("See this.") && text.contains("call_1"), "{text}");
}

#[test]
fn a_text_has_its_citations_behind_it_and_a_made_image_beside_its_item() {
    let picture = json!({"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "AAAA", "output_format": "webp"});
    let mut items = every_item();
    items.truncate(3);
    items.push(picture);
    let Outcome { reply, .. } = whole(&reply(&json!(items)));
    let sources: Vec<_> = reply
        .parts
        .iter()
        .filter_map(|part| match &part.body {
            Body::Citation(citation) => Some((&*citation.source, citation.title.as_deref())),
            _ => None,
        })
        .collect();
    assert_eq!(
        sources,
        [
            ("https://a.example", Some("A")),
            ("file_1", Some("a.pdf")),
            ("cfile_1", Some("b.csv")),
            ("file_2", None)
        ]
    );
    let Some(Body::Media(media)) = reply.parts.last().map(|part| &part.body) else {
        panic!("{:?}", reply.parts.last());
    };
    assert_eq!(&*media.mime, "image/webp");
}

#[test]
fn a_server_that_only_says_the_end_is_understood() {
    let items = json!([message("Hello.")]);
    let streamed = stream(&[completed(&items)]).unwrap();
    assert_eq!(streamed.reply, whole(&reply(&items)).reply);
    // Deltas without an item around them, and no item in the last event.
    let bare = stream(&[
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hel"}),
        json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Hello."}),
        json!({"type": "response.completed", "response": {"id": "r", "status": "completed"}}),
    ])
    .unwrap();
    assert_eq!(bare.reply.text(), "Hello.");
    assert_eq!(bare.reply.finish_reason, FinishReason::Stop);
    // A whole reply as the only frame of a stream.
    assert_eq!(stream(&[reply(&items)]).unwrap().reply.text(), "Hello.");
}

#[test]
fn frames_that_come_twice_say_nothing_new() {
    let items = vec![message("Hello."), every_item()[3].clone()];
    let mut events = events_of(&items);
    let once = stream(&events).unwrap();
    events.push(events.last().unwrap().clone());
    let done = events.iter().position(|e| e["type"] == "response.output_item.done").unwrap();
    events.insert(done, events[done].clone());
    assert_eq!(stream(&events).unwrap().reply, once.reply);
}

#[test]
fn a_stream_without_its_last_event_is_truncated_and_keeps_what_came() {
    let events = events_of(&every_item());
    for end in 0..events.len() - 1 {
        assert_eq!(stream(&events[..end]).unwrap_err(), DecodeError::Truncated);
    }
}

#[test]
fn every_status_is_told_from_a_reply_that_is_whole() {
    let with = |status: &str, more: Value| {
        let mut body = reply(&json!([message("So far")]));
        body["status"] = status.into();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let kind = if status == "completed" { "completed" } else { "incomplete" };
        let streamed =
            stream(&[json!({"type": format!("response.{kind}"), "response": body})]).unwrap();
        let whole = whole(&body);
        assert_eq!(streamed.reply, whole.reply, "{status}");
        (whole.reply.finish_reason, whole.reply.finish_reason_raw.unwrap().to_string())
    };
    let none = || json!({});
    assert_eq!(with("completed", none()), (FinishReason::Stop, "completed".into()));
    assert_eq!(with("complete", none()), (FinishReason::Stop, "complete".into()));
    let cut = |reason: &str| json!({"incomplete_details": {"reason": reason}});
    assert_eq!(
        with("incomplete", cut("max_output_tokens")),
        (FinishReason::Length, "max_output_tokens".into())
    );
    assert_eq!(
        with("incomplete", cut("content_filter")),
        (FinishReason::ContentFilter, "content_filter".into())
    );
    assert_eq!(with("cancelled", none()), (FinishReason::Other, "cancelled".into()));
    let queued = whole(&json!({"id": "resp_1", "status": "queued", "output": []}));
    assert_eq!(queued.reply.finish_reason, FinishReason::Other);
    assert!(queued.reply.parts.is_empty());
    // Only a refusal: it declined.
    let declined = json!([{"type": "message", "id": "m", "role": "assistant", "status": "completed",
        "content": [{"type": "refusal", "refusal": "No."}]}]);
    assert_eq!(whole(&reply(&declined)).reply.finish_reason, FinishReason::Refusal);
}

#[test]
fn a_failure_in_the_middle_is_a_fault_of_its_kind_and_keeps_what_came() {
    let begun = || {
        vec![
            json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "m", "role": "assistant", "content": []}}),
            json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "So f"}),
        ]
    };
    let failed = |error: Value| json!({"type": "response.failed", "response": {"id": "r", "status": "failed", "error": error, "output": []}});
    for (last, code, again) in [
        (failed(json!({"code": "server_error", "message": "It broke."})), Code::Provider, true),
        (
            failed(
                json!({"code": "rate_limit_exceeded", "message": "Slow down, try again in 2s."}),
            ),
            Code::RateLimit,
            true,
        ),
        (
            failed(json!({"code": "context_length_exceeded", "message": "Too long."})),
            Code::Context,
            false,
        ),
        (failed(json!({"code": "invalid_prompt", "message": "Flagged."})), Code::Provider, false),
        (
            json!({"type": "error", "code": "server_error", "message": "It broke.", "param": null}),
            Code::Provider,
            true,
        ),
        (
            json!({"type": "error", "error": {"type": "insufficient_quota", "message": "You exceeded your current quota"}}),
            Code::RateLimit,
            false,
        ),
        (
            json!({"type": "error", "error": {"type": "invalid_request_error", "code": "invalid_api_key", "message": "Bad key"}}),
            Code::ProviderAuth,
            false,
        ),
    ] {
        let outcome = stream(&[begun(), vec![last.clone()]].concat()).unwrap();
        let fault = outcome.fault.unwrap();
        assert_eq!((fault.code(), fault.retryable()), (code, again), "{last}");
        assert_eq!(outcome.reply.text(), "So f", "{last}");
        assert_eq!(outcome.reply.finish_reason, FinishReason::Error, "{last}");
    }
    // In a body with status 200.
    let body = json!({"id": "r", "status": "failed", "output": [], "error": {"code": "server_error", "message": "It broke."}});
    assert_eq!(whole(&body).fault.unwrap().code(), Code::Provider);
    assert_eq!(
        whole(&json!({"error": {"message": "It broke."}})).fault.unwrap().code(),
        Code::Provider
    );
}

#[test]
fn a_malformed_or_unknown_event_is_reported_and_survived() {
    let events = events_of(&[message("Hello.")]);
    let frames: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    let odd = "data: {\"type\": \"response.output_text.delta\", \"delta\": tru\n\n\
               data: {\"type\": \"response.hologram.delta\", \"delta\": 1}\n\n\
               data: [1, 2]\n\n: ping\n\ndata: {\"type\":\"keepalive\",\"sequence_number\":3}\n\n";
    let body = frames[..2].concat() + odd + &frames[2..].concat() + "data: [DONE]\n\n";
    let outcome =
        decode(responses(), Mode::Stream, &target("openai_responses/o3"), body.as_bytes()).unwrap();
    assert_eq!(outcome.reply.text(), "Hello.");
    assert_eq!(outcome.reports.len(), 3, "{:?}", outcome.reports);
    assert!(outcome.reports[1].contains("response.hologram.delta"), "{:?}", outcome.reports);
}

#[test]
fn a_body_that_is_no_reply_of_items_is_an_error() {
    let of = |text: &str| {
        decode(responses(), Mode::Whole, &target("openai_responses/o3"), text.as_bytes())
            .unwrap_err()
    };
    assert!(matches!(of("<html>"), DecodeError::Malformed { .. }));
    assert_eq!(of("{\"ok\": true}"), DecodeError::NotAReply { missing: "output" });
    assert_eq!(of("[]"), DecodeError::NotAReply { missing: "output" });
}

#[test]
fn fields_that_nobody_interprets_are_kept_and_echoes_of_the_request_are_not() {
    let mut body = reply(&json!([message("Hi")]));
    body["service_tier"] = "flex".into();
    body["tools"] = json!([{"type": "function", "name": "long"}]);
    body["tomorrow"] = json!({"a": 1});
    let extras = whole(&body).reply.extras.unwrap().to::<Value>().unwrap();
    assert_eq!(extras, json!({"service_tier": "flex", "tomorrow": {"a": 1}}));
}

#[test]
fn words_that_were_changed_go_back_as_they_are_now() {
    let items = json!([every_item()[0], message("Hello.")]);
    let mut parts = whole(&reply(&items)).reply.parts;
    for part in &mut parts {
        match &mut part.body {
            Body::Reasoning(thought) => thought.text = "Withheld.".into(),
            Body::Text(text) => *text = "Bye.".into(),
            _ => {}
        }
    }
    let outcome = Outcome {
        reply: largestack_types::reply::Reply { parts, ..Default::default() },
        ..Default::default()
    };
    assert_eq!(bodies(&outcome).len(), 2);
    let turn = largestack_types::message::Message::new(
        largestack_types::message::Role::Assistant,
        outcome.reply.parts,
    );
    let call = crate::support::call(vec![turn]);
    let request = responses()
        .encode(&call, &target("openai_responses/o3"), &mut largestack_wire::Session::new())
        .unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["input"][0]["summary"], json!([{"type": "summary_text", "text": "Withheld."}]));
    assert_eq!(body["input"][1]["content"][0]["text"], "Bye.");
}
