//! Amazon Bedrock's Converse and `ConverseStream` (docs.aws.amazon.com/bedrock, API reference):
//! one kind of message an event, exceptions by their names. Cached tokens are counted beside the
//! input.

use serde_json::{Value, json};

use super::super::frames::Event;
use super::super::reply::{ChatReply, Tokens};
use super::{Refusal, set};

fn usage(Tokens { input, output, cached, .. }: Tokens) -> Value {
    json!({
        "inputTokens": input.saturating_sub(cached),
        "outputTokens": output,
        "totalTokens": input + output,
        "cacheReadInputTokens": cached,
        "cacheWriteInputTokens": 0,
    })
}

fn stop_reason(finish: &str) -> &str {
    match finish {
        "stop" => "end_turn",
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "content_filtered",
        other => other,
    }
}

pub(super) fn whole(reply: &ChatReply) -> Value {
    let mut content = Vec::new();
    content.extend(reply.reasoning.as_ref().map(|text| {
        let said = json!({"text": text, "signature": reply.seal});
        json!({"reasoningContent": {"reasoningText": said}})
    }));
    content.extend(reply.text.as_ref().map(|text| json!({"text": text})));
    content.extend(reply.tool_calls.iter().map(|call| {
        let call = json!({"toolUseId": call.id, "name": call.name, "input": call.input()});
        json!({"toolUse": call})
    }));
    let mut body = json!({
        "metrics": {"latencyMs": 12},
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason(reply.finish),
    });
    if let Some(tokens) = reply.usage {
        set(&mut body, "usage", usage(tokens));
    }
    body
}

pub(super) fn events(reply: &ChatReply) -> Vec<Event> {
    let mut events = vec![Event::named("messageStart", &json!({"p": "abc", "role": "assistant"}))];
    let mut index = 0;
    let delta = |index: i32, delta: Value| {
        let data = json!({"contentBlockIndex": index, "delta": delta, "p": "abcdef"});
        Event::named("contentBlockDelta", &data)
    };
    let mut block = |start: Option<Value>, deltas: Vec<Event>| {
        events.extend(start.map(|start| {
            let data = json!({"contentBlockIndex": index, "start": start});
            Event::named("contentBlockStart", &data)
        }));
        events.extend(deltas);
        let data = json!({"contentBlockIndex": index});
        events.push(Event::named("contentBlockStop", &data));
        index += 1;
        index
    };
    let mut at = 0;
    if let Some(text) = &reply.reasoning {
        let thinks = |piece| delta(at, json!({"reasoningContent": {"text": piece}})).says();
        let mut deltas: Vec<_> = reply.cut(text).into_iter().map(thinks).collect();
        deltas.push(delta(at, json!({"reasoningContent": {"signature": reply.seal}})));
        at = block(None, deltas);
    }
    if let Some(text) = &reply.text {
        let says = |piece| delta(at, json!({"text": piece})).says();
        let deltas = reply.cut(text).into_iter().map(says).collect();
        at = block(None, deltas);
    }
    for call in &reply.tool_calls {
        let start = json!({"toolUse": {"toolUseId": call.id, "name": call.name}});
        let asks = |piece| delta(at, json!({"toolUse": {"input": piece}})).says();
        let deltas = reply.cut(&call.arguments).into_iter().map(asks).collect();
        at = block(Some(start), deltas);
    }
    let stop = json!({"stopReason": stop_reason(reply.finish)});
    events.push(Event::named("messageStop", &stop).ends());
    if let Some(tokens) = reply.usage {
        let data = json!({"metrics": {"latencyMs": 12}, "usage": usage(tokens)});
        events.push(Event::named("metadata", &data).ends());
    }
    events
}

pub(super) fn failure(message: &str) -> Event {
    let data = json!({"message": message, "originalMessage": message, "originalStatusCode": 500});
    Event::exception("modelStreamErrorException", &data)
}

/// Names of exceptions by status, as Converse's "Errors" and the common errors list them.
pub(super) fn refusal(status: u16, message: &str) -> Refusal {
    let name = match status {
        401 => "UnrecognizedClientException",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 => "ModelTimeoutException",
        409 => "ConflictException",
        424 => "ModelErrorException",
        429 => "ThrottlingException",
        500 => "InternalServerException",
        503 => "ServiceUnavailableException",
        400..=499 => "ValidationException",
        _ => "InternalFailure",
    };
    Refusal { headers: vec![("x-amzn-errortype", name)], body: json!({"message": message}) }
}
