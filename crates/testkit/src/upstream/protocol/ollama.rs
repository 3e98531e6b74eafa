//! Ollama's own chat (docs.ollama.com/api/chat): one JSON object, or one a line.

use serde_json::{Value, json};

use super::super::frames::Event;
use super::super::reply::{ChatReply, ToolCall};
use super::{Refusal, set};

fn body(model: &str, message: &Value) -> Value {
    json!({
        "model": model, "created_at": "2025-01-01T00:00:00.000000Z", "message": message,
        "done": false,
    })
}

/// What the last object says, or the only one.
fn done(reply: &ChatReply, mut body: Value) -> Value {
    let reason = if reply.finish == "tool_calls" { "stop" } else { reply.finish };
    set(&mut body, "done", true);
    set(&mut body, "done_reason", reason);
    for name in ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"] {
        set(&mut body, name, 1_000_000);
    }
    if let Some(tokens) = reply.usage {
        set(&mut body, "prompt_eval_count", tokens.input);
        set(&mut body, "eval_count", tokens.output);
    }
    body
}

fn call(index: usize, call: &ToolCall) -> Value {
    let function = json!({"index": index, "name": call.name, "arguments": call.input()});
    json!({"id": call.id, "function": function})
}

pub(super) fn whole(reply: &ChatReply, model: &str) -> Value {
    let text = reply.text.as_deref().unwrap_or_default();
    let mut message = json!({"role": "assistant", "content": text});
    if let Some(thoughts) = &reply.reasoning {
        set(&mut message, "thinking", thoughts.as_str());
    }
    if !reply.tool_calls.is_empty() {
        let calls = reply.tool_calls.iter().enumerate();
        set(&mut message, "tool_calls", calls.map(|(index, c)| call(index, c)).collect::<Value>());
    }
    done(reply, body(model, &message))
}

pub(super) fn events(reply: &ChatReply, model: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for piece in reply.reasoning.iter().flat_map(|text| reply.cut(text)) {
        let message = json!({"role": "assistant", "content": "", "thinking": piece});
        events.push(Event::new(&body(model, &message)).says());
    }
    for piece in reply.text.iter().flat_map(|text| reply.cut(text)) {
        let message = json!({"role": "assistant", "content": piece});
        events.push(Event::new(&body(model, &message)).says());
    }
    for (index, tool_call) in reply.tool_calls.iter().enumerate() {
        let calls = [call(index, tool_call)];
        let message = json!({"role": "assistant", "content": "", "tool_calls": calls});
        events.push(Event::new(&body(model, &message)).says());
    }
    let last = body(model, &json!({"role": "assistant", "content": ""}));
    events.push(Event::new(&done(reply, last)).ends());
    events
}

pub(super) fn failure(message: &str) -> Event {
    Event::new(&json!({"error": message}))
}

pub(super) fn refusal(message: &str) -> Refusal {
    Refusal::of(json!({"error": message}))
}
