//! Cohere's chat, version 2 (docs.cohere.com/v2/reference/chat and chat-stream).

use serde_json::{Value, json};

use super::super::frames::Event;
use super::super::reply::{ChatReply, Tokens};
use super::{Refusal, set};

fn usage(Tokens { input, output, cached, .. }: Tokens) -> Value {
    json!({
        "billed_units": {"input_tokens": input, "output_tokens": output},
        "tokens": {"input_tokens": input, "output_tokens": output},
        "cached_tokens": cached,
    })
}

fn finish_reason(finish: &str) -> &str {
    match finish {
        "stop" => "COMPLETE",
        "length" => "MAX_TOKENS",
        "tool_calls" => "TOOL_CALL",
        other => other,
    }
}

fn citation(reply: &ChatReply) -> Option<Value> {
    let (source, text) = (reply.source.as_ref()?, reply.text.as_ref()?);
    let document = json!({"id": "doc:0", "title": source.title, "url": source.url});
    Some(json!({
        "start": 0, "end": text.chars().count(), "text": text, "type": "TEXT_CONTENT",
        "content_index": usize::from(reply.reasoning.is_some()),
        "sources": [{"type": "document", "id": "doc:0", "document": document}],
    }))
}

pub(super) fn whole(reply: &ChatReply) -> Value {
    let mut message = json!({"role": "assistant"});
    let mut content = Vec::new();
    content
        .extend(reply.reasoning.as_ref().map(|text| json!({"type": "thinking", "thinking": text})));
    content.extend(reply.text.as_ref().map(|text| json!({"type": "text", "text": text})));
    if !content.is_empty() {
        set(&mut message, "content", content);
    }
    if let Some(citation) = citation(reply) {
        set(&mut message, "citations", json!([citation]));
    }
    if !reply.tool_calls.is_empty() {
        let calls = reply.tool_calls.iter().map(|call| {
            let function = json!({"name": call.name, "arguments": call.arguments});
            json!({"id": call.id, "type": "function", "function": function})
        });
        set(&mut message, "tool_calls", calls.collect::<Value>());
    }
    let mut body = json!({
        "id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4", "message": message,
        "finish_reason": finish_reason(reply.finish),
    });
    if let Some(tokens) = reply.usage {
        set(&mut body, "usage", usage(tokens));
    }
    body
}

/// The events of one block of content.
fn block(reply: &ChatReply, index: usize, kind: &'static str, text: &str) -> Vec<Event> {
    let content = |piece: &str, typed: bool| {
        let mut content = json!({});
        set(&mut content, kind, piece);
        if typed {
            set(&mut content, "type", kind);
        }
        json!({"index": index, "delta": {"message": {"content": content}}})
    };
    let mut events = vec![Event::typed("content-start", content("", true))];
    let pieces = reply.cut(text).into_iter();
    events.extend(pieces.map(|piece| Event::typed("content-delta", content(&piece, false)).says()));
    events.push(Event::typed("content-end", json!({"index": index})));
    events
}

pub(super) fn events(reply: &ChatReply) -> Vec<Event> {
    let begun = json!({
        "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": [],
    });
    let id = "29f14a5a-11de-4cae-9800-25e4747408ea";
    let mut events =
        vec![Event::typed("message-start", json!({"id": id, "delta": {"message": begun}}))];
    let mut index = 0;
    if let Some(text) = &reply.reasoning {
        events.extend(block(reply, index, "thinking", text));
        index += 1;
    }
    if let Some(text) = &reply.text {
        events.extend(block(reply, index, "text", text));
    }
    if let Some(citation) = citation(reply) {
        let delta = json!({"message": {"citations": citation}});
        events.push(Event::typed("citation-start", json!({"index": 0, "delta": delta})));
        events.push(Event::typed("citation-end", json!({"index": 0})));
    }
    for (index, call) in reply.tool_calls.iter().enumerate() {
        let function = json!({"name": call.name, "arguments": ""});
        let head = json!({"id": call.id, "type": "function", "function": function});
        let delta =
            |calls: Value| json!({"index": index, "delta": {"message": {"tool_calls": calls}}});
        events.push(Event::typed("tool-call-start", delta(head)));
        for piece in reply.cut(&call.arguments) {
            let more = delta(json!({"function": {"arguments": piece}}));
            events.push(Event::typed("tool-call-delta", more).says());
        }
        events.push(Event::typed("tool-call-end", json!({"index": index})));
    }
    let mut end = json!({"finish_reason": finish_reason(reply.finish)});
    if let Some(tokens) = reply.usage {
        set(&mut end, "usage", usage(tokens));
    }
    events.push(Event::typed("message-end", json!({"id": id, "delta": end})).ends());
    events
}

pub(super) fn failure(message: &str) -> Event {
    let delta = json!({"finish_reason": "ERROR", "error": message});
    Event::typed("message-end", json!({"delta": delta}))
}

pub(super) fn refusal(message: &str) -> Refusal {
    Refusal::of(json!({"id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4", "message": message}))
}
