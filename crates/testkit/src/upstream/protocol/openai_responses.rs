//! OpenAI's responses (platform.openai.com/docs/api-reference/responses), whole and as
//! `response.*` events.

use serde_json::{Value, json};

use super::super::frames::Event;
use super::super::reply::{ChatReply, Tokens, ToolCall};
use super::set;

fn usage(Tokens { input, output, cached, thought }: Tokens) -> Value {
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": input + output,
    })
}

/// The response object around its items.
fn response(model: &str, status: &str, output: &Value, usage: &Value, cause: &Value) -> Value {
    json!({
        "id": "resp_test", "object": "response", "created_at": 1_700_000_000, "status": status,
        "error": null, "incomplete_details": cause, "instructions": null,
        "max_output_tokens": null, "metadata": {}, "model": model, "output": output,
        "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null}, "store": false, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": usage, "user": null,
    })
}

fn reasoning(reply: &ChatReply, text: &str) -> Value {
    let summary = json!([{"type": "summary_text", "text": text}]);
    json!({
        "id": "rs_test", "type": "reasoning", "summary": summary, "encrypted_content": reply.seal,
    })
}

fn annotation(reply: &ChatReply) -> Option<Value> {
    let source = reply.source.as_ref()?;
    let end = reply.text.as_deref().unwrap_or_default().chars().count();
    Some(json!({
        "type": "url_citation", "start_index": 0, "end_index": end, "title": source.title,
        "url": source.url,
    }))
}

fn words(reply: &ChatReply, text: &str) -> Value {
    let annotations: Value = annotation(reply).into_iter().collect();
    json!({"type": "output_text", "annotations": annotations, "logprobs": [], "text": text})
}

fn message(content: &Value, status: &str) -> Value {
    json!({
        "id": "msg_test", "type": "message", "status": status, "role": "assistant",
        "content": content,
    })
}

fn call(index: usize, call: &ToolCall, arguments: &str, status: &str) -> Value {
    json!({
        "id": format!("fc_{index}"), "type": "function_call", "status": status,
        "call_id": call.id, "name": call.name, "arguments": arguments,
    })
}

fn items(reply: &ChatReply) -> Vec<Value> {
    let mut items = Vec::new();
    items.extend(reply.reasoning.as_deref().map(|text| reasoning(reply, text)));
    let said = reply.text.as_deref().map(|text| json!([words(reply, text)]));
    items.extend(said.map(|content| message(&content, "completed")));
    let calls = reply.tool_calls.iter().enumerate();
    items.extend(calls.map(|(index, c)| call(index, c, &c.arguments, "completed")));
    items
}

pub(super) fn whole(reply: &ChatReply, model: &str) -> Value {
    let cause = match reply.finish {
        "length" => json!({"reason": "max_output_tokens"}),
        "content_filter" => json!({"reason": "content_filter"}),
        _ => Value::Null,
    };
    let status = if cause.is_null() { "completed" } else { "incomplete" };
    let usage = reply.usage.map_or(Value::Null, usage);
    response(model, status, &items(reply).into(), &usage, &cause)
}

/// Events, which are numbered.
struct Events(Vec<Event>);

impl Events {
    fn numbered(&self, name: &'static str, mut data: Value) -> Event {
        set(&mut data, "sequence_number", self.0.len());
        Event::typed(name, data)
    }

    fn push(&mut self, name: &'static str, data: Value) {
        let event = self.numbered(name, data);
        self.0.push(event);
    }

    fn says(&mut self, name: &'static str, data: Value) {
        let event = self.numbered(name, data).says();
        self.0.push(event);
    }
}

pub(super) fn events(reply: &ChatReply, model: &str) -> Vec<Event> {
    let mut events = Events(Vec::new());
    let begun = response(model, "in_progress", &json!([]), &Value::Null, &Value::Null);
    events.push("response.created", json!({"response": begun}));
    events.push("response.in_progress", json!({"response": begun}));
    let mut place = 0;
    if let Some(text) = reply.reasoning.as_deref() {
        thinks(reply, text, place, &mut events);
        place += 1;
    }
    if let Some(text) = reply.text.as_deref() {
        speaks(reply, text, place, &mut events);
        place += 1;
    }
    for (index, tool_call) in reply.tool_calls.iter().enumerate() {
        calls(reply, index, tool_call, place + index, &mut events);
    }
    let done = whole(reply, model);
    let cut = done.get("status").is_some_and(|status| status == "incomplete");
    let name = if cut { "response.incomplete" } else { "response.completed" };
    let end = events.numbered(name, json!({"response": done})).ends();
    events.0.push(end);
    events.0
}

fn thinks(reply: &ChatReply, text: &str, place: usize, events: &mut Events) {
    let item = json!({"id": "rs_test", "type": "reasoning", "summary": []});
    events.push("response.output_item.added", json!({"output_index": place, "item": item}));
    let with = |key: &str, value: Value| {
        let mut data = json!({"item_id": "rs_test", "output_index": place, "summary_index": 0});
        set(&mut data, key, value);
        data
    };
    let part = json!({"type": "summary_text", "text": ""});
    events.push("response.reasoning_summary_part.added", with("part", part));
    for piece in reply.cut(text) {
        events.says("response.reasoning_summary_text.delta", with("delta", piece.into()));
    }
    events.push("response.reasoning_summary_text.done", with("text", text.into()));
    let part = json!({"type": "summary_text", "text": text});
    events.push("response.reasoning_summary_part.done", with("part", part));
    let item = reasoning(reply, text);
    events.push("response.output_item.done", json!({"output_index": place, "item": item}));
}

fn speaks(reply: &ChatReply, text: &str, place: usize, events: &mut Events) {
    let item = message(&json!([]), "in_progress");
    events.push("response.output_item.added", json!({"output_index": place, "item": item}));
    let with = |key: &str, value: Value| {
        let mut data = json!({"item_id": "msg_test", "output_index": place, "content_index": 0});
        set(&mut data, key, value);
        data
    };
    let part = json!({"type": "output_text", "annotations": [], "logprobs": [], "text": ""});
    events.push("response.content_part.added", with("part", part));
    for piece in reply.cut(text) {
        let mut data = with("delta", piece.into());
        set(&mut data, "logprobs", json!([]));
        events.says("response.output_text.delta", data);
    }
    if let Some(annotation) = annotation(reply) {
        let mut data = with("annotation", annotation);
        set(&mut data, "annotation_index", 0);
        events.push("response.output_text.annotation.added", data);
    }
    let mut data = with("text", text.into());
    set(&mut data, "logprobs", json!([]));
    events.push("response.output_text.done", data);
    events.push("response.content_part.done", with("part", words(reply, text)));
    let item = message(&json!([words(reply, text)]), "completed");
    events.push("response.output_item.done", json!({"output_index": place, "item": item}));
}

fn calls(reply: &ChatReply, index: usize, tool_call: &ToolCall, place: usize, events: &mut Events) {
    let item = call(index, tool_call, "", "in_progress");
    events.push("response.output_item.added", json!({"output_index": place, "item": item}));
    let id = format!("fc_{index}");
    for piece in reply.cut(&tool_call.arguments) {
        let data = json!({"item_id": id, "output_index": place, "delta": piece});
        events.says("response.function_call_arguments.delta", data);
    }
    let data = json!({"item_id": id, "output_index": place, "arguments": tool_call.arguments});
    events.push("response.function_call_arguments.done", data);
    let item = call(index, tool_call, &tool_call.arguments, "completed");
    events.push("response.output_item.done", json!({"output_index": place, "item": item}));
}

pub(super) fn failure(message: &str) -> Event {
    let data = json!({
        "code": "server_error", "message": message, "param": null, "sequence_number": 1000,
    });
    Event::typed("error", data)
}
