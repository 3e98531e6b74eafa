//! Google's `generateContent` (ai.google.dev/api/generate-content) and `google.rpc.Status` errors.
//! Thoughts are counted beside the candidates' tokens.

use serde_json::{Value, json};

use super::super::frames::Event;
use super::super::reply::{ChatReply, Tokens};
use super::{Refusal, set};

fn usage(Tokens { input, output, cached, thought }: Tokens) -> Value {
    let mut usage = json!({
        "promptTokenCount": input,
        "candidatesTokenCount": output.saturating_sub(thought),
        "totalTokenCount": input + output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": input}],
    });
    if thought > 0 {
        set(&mut usage, "thoughtsTokenCount", thought);
    }
    if cached > 0 {
        set(&mut usage, "cachedContentTokenCount", cached);
    }
    usage
}

fn finish_reason(finish: &str) -> &str {
    match finish {
        "stop" | "tool_calls" => "STOP",
        "length" => "MAX_TOKENS",
        "content_filter" => "SAFETY",
        other => other,
    }
}

fn body(reply: &ChatReply, model: &str, parts: &Value, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        set(&mut candidate, "finishReason", finish);
        if let Some(source) = &reply.source {
            let web = json!({"uri": source.url, "title": source.title});
            let end = reply.text.as_deref().unwrap_or_default().len();
            let segment = json!({"startIndex": 0, "endIndex": end, "text": reply.text});
            let support = json!({"segment": segment, "groundingChunkIndices": [0]});
            set(
                &mut candidate,
                "groundingMetadata",
                json!({"groundingChunks": [{"web": web}], "groundingSupports": [support]}),
            );
        }
    }
    let mut body = json!({
        "candidates": [candidate], "modelVersion": model, "responseId": "resp-test",
    });
    if let Some(tokens) = reply.usage {
        set(&mut body, "usageMetadata", usage(tokens));
    }
    body
}

fn calls(reply: &ChatReply) -> impl Iterator<Item = Value> {
    reply.tool_calls.iter().map(
        |call| json!({"functionCall": {"id": call.id, "name": call.name, "args": call.input()}}),
    )
}

pub(super) fn whole(reply: &ChatReply, model: &str) -> Value {
    let mut parts = Vec::new();
    parts.extend(reply.reasoning.as_ref().map(|text| json!({"text": text, "thought": true})));
    parts.extend(reply.text.as_ref().map(|text| json!({"text": text})));
    parts.extend(calls(reply));
    body(reply, model, &parts.into(), Some(finish_reason(reply.finish)))
}

pub(super) fn events(reply: &ChatReply, model: &str) -> Vec<Event> {
    let chunk = |part: Value| Event::new(&body(reply, model, &json!([part]), None)).says();
    let mut events = Vec::new();
    for piece in reply.reasoning.iter().flat_map(|text| reply.cut(text)) {
        events.push(chunk(json!({"text": piece, "thought": true})));
    }
    for piece in reply.text.iter().flat_map(|text| reply.cut(text)) {
        events.push(chunk(json!({"text": piece})));
    }
    events.extend(calls(reply).map(chunk));
    let last = json!([{"text": ""}]);
    let finish = Some(finish_reason(reply.finish));
    events.push(Event::new(&body(reply, model, &last, finish)).ends());
    events
}

pub(super) fn failure(message: &str) -> Event {
    Event::new(&json!({"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}}))
}

/// Codes of `google.rpc` by status.
pub(super) fn refusal(status: u16, message: &str) -> Refusal {
    let word = match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        504 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "UNAVAILABLE",
    };
    Refusal::of(json!({"error": {"code": status, "message": message, "status": word}}))
}
