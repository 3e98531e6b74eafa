//! Anthropic's messages (platform.claude.com/docs/en/api/messages and its pages on streaming and
//! errors). Cached tokens are counted beside the input.

use serde_json::{Value, json};

use super::super::frames::Event;
use super::super::reply::{ChatReply, Tokens};
use super::{Refusal, set};

fn usage(Tokens { input, output, cached, .. }: Tokens) -> Value {
    json!({
        "input_tokens": input.saturating_sub(cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": output,
        "service_tier": "standard",
    })
}

fn stop_reason(finish: &str) -> &str {
    match finish {
        "stop" => "end_turn",
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "refusal",
        other => other,
    }
}

fn citation(reply: &ChatReply) -> Option<Value> {
    let source = reply.source.as_ref()?;
    Some(json!({
        "type": "web_search_result_location", "cited_text": "as it stands there",
        "url": source.url, "title": source.title, "encrypted_index": "c2VhbGVk",
    }))
}

fn message(model: &str, content: &Value, stop: Option<&str>) -> Value {
    json!({
        "id": "msg_test", "type": "message", "role": "assistant", "model": model,
        "content": content, "stop_reason": stop, "stop_sequence": null,
    })
}

pub(super) fn whole(reply: &ChatReply, model: &str) -> Value {
    let mut content = Vec::new();
    content.extend(
        reply
            .reasoning
            .as_ref()
            .map(|text| json!({"type": "thinking", "thinking": text, "signature": reply.seal})),
    );
    content.extend(reply.text.as_ref().map(|text| {
        let citations = citation(reply).map(|citation| [citation]);
        json!({"type": "text", "text": text, "citations": citations})
    }));
    content.extend(reply.tool_calls.iter().map(
        |call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.input()}),
    ));
    let mut body = message(model, &content.into(), Some(stop_reason(reply.finish)));
    if let Some(tokens) = reply.usage {
        set(&mut body, "usage", usage(tokens));
    }
    body
}

pub(super) fn events(reply: &ChatReply, model: &str) -> Vec<Event> {
    let mut begun = message(model, &json!([]), None);
    if let Some(tokens) = reply.usage {
        set(&mut begun, "usage", usage(Tokens { output: 1, ..tokens }));
    }
    let mut events = vec![
        Event::typed("message_start", json!({"message": begun})),
        Event::typed("ping", json!({})),
    ];
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<Event>| {
        events.push(Event::typed(
            "content_block_start",
            json!({"index": index, "content_block": start}),
        ));
        events.extend(deltas);
        events.push(Event::typed("content_block_stop", json!({"index": index})));
        index += 1;
        index
    };
    let delta = |index: i32, kind: &str, key: &str, value: Value| {
        let mut delta = json!({"type": kind});
        set(&mut delta, key, value);
        Event::typed("content_block_delta", json!({"index": index, "delta": delta}))
    };
    let mut at = 0;
    if let Some(text) = &reply.reasoning {
        let pieces = reply.cut(text).into_iter();
        let mut deltas: Vec<_> = pieces
            .map(|piece| delta(at, "thinking_delta", "thinking", piece.into()).says())
            .collect();
        let seal = reply.seal.as_deref().unwrap_or_default();
        deltas.push(delta(at, "signature_delta", "signature", seal.into()));
        at = block(json!({"type": "thinking", "thinking": "", "signature": ""}), deltas);
    }
    if let Some(text) = &reply.text {
        let cited = citation(reply);
        let mut start = json!({"type": "text", "text": ""});
        if cited.is_some() {
            set(&mut start, "citations", json!([]));
        }
        let mut deltas: Vec<_> = cited
            .map(|cited| delta(at, "citations_delta", "citation", cited))
            .into_iter()
            .collect();
        let pieces = reply.cut(text).into_iter();
        deltas.extend(pieces.map(|piece| delta(at, "text_delta", "text", piece.into()).says()));
        at = block(start, deltas);
    }
    for call in &reply.tool_calls {
        let pieces = std::iter::once(String::new()).chain(reply.cut(&call.arguments));
        let deltas = pieces
            .map(|piece| delta(at, "input_json_delta", "partial_json", piece.into()).says())
            .collect();
        let start = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
        at = block(start, deltas);
    }
    let stop = json!({"stop_reason": stop_reason(reply.finish), "stop_sequence": null});
    let mut end = json!({"delta": stop});
    if let Some(tokens) = reply.usage {
        set(&mut end, "usage", usage(tokens));
    }
    events.push(Event::typed("message_delta", end).ends());
    events.push(Event::typed("message_stop", json!({})).ends());
    events
}

pub(super) fn failure(message: &str) -> Event {
    Event::typed("error", json!({"error": {"type": "api_error", "message": message}}))
}

/// Types by status, as the page on errors lists them.
pub(super) fn refusal(status: u16, message: &str) -> Refusal {
    let kind = match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    let error = json!({"type": kind, "message": message});
    let body = json!({"type": "error", "error": error, "request_id": "req_test"});
    Refusal { headers: vec![("request-id", "req_test")], body }
}
