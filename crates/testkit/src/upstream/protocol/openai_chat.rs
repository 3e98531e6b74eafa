//! OpenAI's chat completions (platform.openai.com/docs/api-reference/chat): `chat.completion` and
//! `chat.completion.chunk`. Reasoning stands where DeepSeek and others put it, in
//! `reasoning_content`.

use serde_json::{Value, json};

use super::super::frames::Event;
use super::super::reply::{ChatReply, Tokens};
use super::{Refusal, set};

fn usage(Tokens { input, output, cached, thought }: Tokens) -> Value {
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": thought},
    })
}

fn annotations(reply: &ChatReply) -> Option<Value> {
    let source = reply.source.as_ref()?;
    let end = reply.text.as_deref().unwrap_or_default().chars().count();
    let citation =
        json!({"start_index": 0, "end_index": end, "title": source.title, "url": source.url});
    Some(json!([{"type": "url_citation", "url_citation": citation}]))
}

pub(super) fn whole(reply: &ChatReply, model: &str) -> Value {
    let mut message = json!({"role": "assistant", "content": reply.text, "refusal": null});
    if let Some(thoughts) = &reply.reasoning {
        set(&mut message, "reasoning_content", thoughts.as_str());
    }
    if let Some(annotations) = annotations(reply) {
        set(&mut message, "annotations", annotations);
    }
    if !reply.tool_calls.is_empty() {
        let calls = reply.tool_calls.iter().map(|call| {
            let function = json!({"name": call.name, "arguments": call.arguments});
            json!({"id": call.id, "type": "function", "function": function})
        });
        set(&mut message, "tool_calls", calls.collect::<Value>());
    }
    let choice = json!({
        "index": 0, "message": message, "logprobs": null, "finish_reason": reply.finish,
    });
    let mut body = json!({
        "id": "chatcmpl-test", "object": "chat.completion", "created": 1_700_000_000,
        "model": model, "choices": [choice],
    });
    if let Some(tokens) = reply.usage {
        set(&mut body, "usage", usage(tokens));
    }
    body
}

pub(super) fn events(reply: &ChatReply, model: &str) -> Vec<Event> {
    let chunk = |choices: Value, usage: Value| {
        Event::new(&json!({
            "id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": model, "choices": choices, "usage": usage,
        }))
    };
    let choice = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
        chunk(json!([choice]), Value::Null)
    };
    let delta = |delta: Value| choice(delta, Value::Null);
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}))];
    for piece in reply.reasoning.iter().flat_map(|text| reply.cut(text)) {
        events.push(delta(json!({"reasoning_content": piece})).says());
    }
    for piece in reply.text.iter().flat_map(|text| reply.cut(text)) {
        events.push(delta(json!({"content": piece})).says());
    }
    events.extend(annotations(reply).map(|annotations| delta(json!({"annotations": annotations}))));
    for (index, call) in reply.tool_calls.iter().enumerate() {
        let function = json!({"name": call.name, "arguments": ""});
        let head = json!({"index": index, "id": call.id, "type": "function", "function": function});
        events.push(delta(json!({"tool_calls": [head]})));
        for piece in reply.cut(&call.arguments) {
            let more = json!({"index": index, "function": {"arguments": piece}});
            events.push(delta(json!({"tool_calls": [more]})).says());
        }
    }
    events.push(choice(json!({}), reply.finish.into()).ends());
    events.extend(reply.usage.map(|tokens| chunk(json!([]), usage(tokens)).ends()));
    events.push(Event::raw("", "[DONE]").ends());
    events
}

pub(super) fn failure(message: &str) -> Event {
    Event::new(&json!({
        "error": {"message": message, "type": "server_error", "param": null, "code": null},
    }))
}

/// Types and codes as the guide to error codes lists them.
pub(super) fn refusal(status: u16, message: &str) -> Refusal {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        429 => ("requests", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    Refusal::of(json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
}
