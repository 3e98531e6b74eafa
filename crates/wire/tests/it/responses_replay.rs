//! Recorded replies of the wire `openai-responses` decode to what their JSON says, whole and
//! streamed, at any split; and their items go back as they came.

use largestack_types::error::{Code, Coded as _};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part};
use largestack_types::reply::{FinishReason, Reply};
use largestack_wire::{
    Accumulator, DecodeError, Frames, Framing, Mode, Outcome, Session, Target, decode,
};
use serde_json::Value;

use crate::recordings::{Exchange, exchanges_at};
use crate::support::{call, responses, target};

/// Every recorded call of the wire. Other addresses of the same API fetch, count and compact.
fn exchanges() -> Vec<Exchange> {
    let mut all = exchanges_at("/responses", 100);
    all.retain(|e| e.request.is_object() && e.address.ends_with("/responses"));
    all
}

/// The row of the provider that an address belongs to, with the request's model.
fn target_of(exchange: &Exchange) -> Target {
    let model = exchange.request.get("model").and_then(Value::as_str).unwrap_or("m");
    let row = match &exchange.address {
        uri if uri.contains("deepseek") => "deepseek_responses",
        uri if uri.contains("openrouter") => "openrouter_responses",
        _ => "openai_responses",
    };
    target(&format!("{row}/{model}"))
}

fn mode(exchange: &Exchange) -> Mode {
    if exchange.streams() { Mode::Stream } else { Mode::Whole }
}

/// The events of a stream.
fn events(exchange: &Exchange) -> Vec<Value> {
    let text = std::str::from_utf8(&exchange.body).unwrap_or_default();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// The reply's JSON: the body, or what the last event of a stream holds. Where a stream ended an
/// item by itself, it is that item: OpenAI seals reasoning anew for the last event.
fn last(exchange: &Exchange) -> Option<Value> {
    if let Some(reply) = exchange.reply() {
        return Some(reply);
    }
    let events = events(exchange);
    let mut reply = events.iter().filter_map(|event| event.get("response")).next_back()?.clone();
    for event in events.iter().filter(|event| event["type"] == "response.output_item.done") {
        let place = usize::try_from(event["output_index"].as_u64()?).ok()?;
        if let Some(item) = reply["output"].get_mut(place) {
            *item = event["item"].clone();
        }
    }
    Some(reply)
}

/// The items of the reply.
fn turn(exchange: &Exchange) -> Option<Vec<Value>> {
    last(exchange)?.get("output")?.as_array().cloned()
}

fn replies() -> Vec<Exchange> {
    let mut all = exchanges();
    all.retain(|exchange| exchange.status == 200);
    all
}

#[test]
fn recorded_items_say_what_their_json_says() {
    let mut streams = 0;
    for exchange in &replies() {
        let file = &exchange.file;
        let Outcome { reply, fault, reports } =
            decode(responses(), mode(exchange), &target_of(exchange), &exchange.body)
                .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(reports.is_empty() && fault.is_none(), "{file}: {reports:?} {fault:?}");
        streams += usize::from(exchange.streams());
        let json = last(exchange).unwrap();
        assert_eq!(reply.id.as_deref(), json["id"].as_str(), "{file}");
        let output = json["output"].as_array().cloned().unwrap_or_default();
        check_words(file, &reply, &output);
        check_usage(file, &reply, &json["usage"]);
        let reason = json.pointer("/incomplete_details/reason").and_then(Value::as_str);
        assert_eq!(
            reply.finish_reason_raw.as_deref(),
            reason.or(json["status"].as_str()),
            "{file}"
        );
        let calls = output.iter().any(|item| item["type"] == "function_call");
        let expected = match json["status"].as_str().unwrap_or_default() {
            "completed" | "complete" if calls => FinishReason::ToolCalls,
            "completed" | "complete" => FinishReason::Stop,
            _ => FinishReason::Other,
        };
        assert_eq!(reply.finish_reason, expected, "{file}");
    }
    eprintln!("{streams} streams");
}

fn check_words(file: &str, reply: &Reply, output: &[Value]) {
    let of = |kind: &str, pointer: &str| -> Vec<String> {
        let items = output.iter().filter(|item| item["type"] == kind);
        items
            .map(|item| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().into())
            .collect()
    };
    let blocks = |key: &str, kind: &str| -> String {
        let lists = output.iter().filter_map(|item| item[key].as_array()).flatten();
        let texts = lists.filter(|block| block["type"] == kind).filter_map(|b| b["text"].as_str());
        texts.collect()
    };
    assert_eq!(reply.text(), blocks("content", "output_text"), "{file}");
    let calls: Vec<_> = reply.parts.iter().filter_map(Part::as_tool_call).collect();
    let ids: Vec<_> = calls.iter().map(|call| call.provider_id.to_string()).collect();
    assert_eq!(ids, of("function_call", "/call_id"), "{file}");
    let names: Vec<_> = calls.iter().map(|call| call.name.to_string()).collect();
    assert_eq!(names, of("function_call", "/name"), "{file}");
    let arguments: Vec<_> = calls.iter().map(|call| call.arguments.as_str().to_owned()).collect();
    assert_eq!(arguments, of("function_call", "/arguments"), "{file}");
    let thoughts: Vec<_> = reply
        .parts
        .iter()
        .filter_map(|part| match &part.body {
            Body::Reasoning(thought) => Some(thought),
            _ => None,
        })
        .collect();
    let sealed: Vec<_> =
        thoughts.iter().map(|t| t.signature.as_deref().unwrap_or_default().to_owned()).collect();
    assert_eq!(sealed, of("reasoning", "/encrypted_content"), "{file}");
    let said: String = thoughts.iter().map(|thought| thought.text.replace("\n\n", "")).collect();
    let expected = blocks("content", "reasoning_text") + &blocks("summary", "summary_text");
    assert_eq!(said.len(), expected.replace("\n\n", "").len(), "{file}");
    let citations = reply.parts.iter().filter(|p| matches!(p.body, Body::Citation(_))).count();
    let annotations = output.iter().filter_map(|item| item["content"].as_array()).flatten();
    let annotations = annotations.filter_map(|block| block["annotations"].as_array());
    assert_eq!(citations, annotations.map(Vec::len).sum::<usize>(), "{file}");
}

fn check_usage(file: &str, reply: &Reply, usage: &Value) {
    let raw = reply.raw_usage.as_ref().map(|raw| raw.to::<Value>().unwrap());
    assert_eq!(raw.unwrap_or_default(), *usage, "{file}");
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
    assert_eq!(reply.usage.input_tokens, count("/input_tokens"), "{file}");
    assert_eq!(reply.usage.output_tokens, count("/output_tokens"), "{file}");
    let cached = count("/input_tokens_details/cached_tokens");
    assert_eq!(reply.usage.cache_read_tokens, cached, "{file}");
    let written = count("/input_tokens_details/cache_write_tokens");
    assert_eq!(reply.usage.cache_write_tokens, written, "{file}");
    let reasoning = count("/output_tokens_details/reasoning_tokens");
    assert_eq!(reply.usage.reasoning_tokens, reasoning, "{file}");
}

/// The items of a decoded reply as they go back.
fn back(exchange: &Exchange, reply: Reply) -> Vec<Value> {
    let turn = Message::new(Role::Assistant, reply.parts);
    let request =
        responses().encode(&call(vec![turn]), &target_of(exchange), &mut Session::new()).unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["input"].as_array().unwrap().clone()
}

/// What the protocol does not ask for in items that go back.
fn lean(mut item: Value, reasons: bool) -> Value {
    let kind = item["type"].as_str().unwrap_or_default().to_owned();
    let Some(fields) = item.as_object_mut() else { return item };
    if matches!(&*kind, "function_call" | "reasoning") {
        fields.remove("status");
    }
    if kind == "reasoning" && fields.get("content") == Some(&Value::Array(Vec::new())) {
        fields.remove("content");
    }
    if kind == "function_call" && !reasons {
        fields.remove("id");
    }
    if kind != "message" {
        return item;
    }
    let blocks = fields["content"].as_array_mut().unwrap();
    for block in blocks.iter_mut().filter_map(Value::as_object_mut) {
        block.remove("logprobs");
    }
    if !reasons
        && blocks.len() == 1
        && blocks[0]["type"] == "output_text"
        && !fields.contains_key("phase")
    {
        let text = fields["content"][0]["text"].clone();
        return serde_json::json!({"role": "assistant", "content": text});
    }
    item
}

#[test]
fn every_recorded_item_goes_back_as_it_came() {
    let mut count = 0;
    for exchange in &replies() {
        let target = target_of(exchange);
        let outcome = decode(responses(), mode(exchange), &target, &exchange.body).unwrap();
        let Some(said) = turn(exchange) else { continue };
        count += said.len();
        let said: Vec<_> =
            said.into_iter().map(|item| lean(item, target.profile.reasoning)).collect();
        assert_eq!(back(exchange, outcome.reply), said, "{}", exchange.file);
    }
    eprintln!("{count} items went back");
}

/// Drives a decoder with the body cut into these pieces.
fn cut<'b>(
    exchange: &Exchange,
    pieces: impl Iterator<Item = &'b [u8]>,
) -> Result<Outcome, DecodeError> {
    let mut decoder = responses().decoder(Mode::Stream, &target_of(exchange));
    let mut accumulator = Accumulator::new();
    let mut frames = Frames::new(Framing::Sse);
    for piece in pieces {
        frames.push(piece, &mut |frame| {
            decoder.push(frame, &mut |event| accumulator.push(&event)).unwrap();
        })?;
    }
    frames.finish(&mut |frame| {
        decoder.push(frame, &mut |event| accumulator.push(&event)).unwrap();
    })?;
    decoder.finish(&mut |event| accumulator.push(&event))?;
    Ok(accumulator.finish())
}

#[test]
fn a_recorded_stream_of_items_split_at_any_byte_is_the_same_reply() {
    for exchange in replies().iter().filter(|exchange| exchange.streams()) {
        let target = target_of(exchange);
        let whole = decode(responses(), Mode::Stream, &target, &exchange.body).unwrap();
        let bytes = cut(exchange, exchange.body.chunks(1)).unwrap();
        assert_eq!(bytes.reply, whole.reply, "{}", exchange.file);
        // The last event alone, as a body, says the same.
        let last = serde_json::to_vec(&last(exchange).unwrap()).unwrap();
        let body = decode(responses(), Mode::Whole, &target, &last).unwrap();
        let same = |reply: &Reply| {
            let parts = reply.parts.iter().map(|part| (part.body.clone(), part.native.clone()));
            parts.collect::<Vec<_>>()
        };
        assert_eq!(same(&body.reply), same(&whole.reply), "{}", exchange.file);
    }
}

#[test]
fn a_recorded_stream_of_items_that_ends_early_is_never_a_whole_reply() {
    for exchange in replies().iter().filter(|exchange| exchange.streams()) {
        let find = |words: &[u8]| exchange.body.windows(words.len()).position(|w| w == words);
        let Some(end) = find(b"\"response.completed\"") else { continue };
        let error = cut(exchange, exchange.body[..end].chunks(64)).unwrap_err();
        assert_eq!(error, DecodeError::Truncated, "{}", exchange.file);
    }
}

#[test]
fn recorded_refusals_of_items_have_their_codes() {
    for exchange in exchanges().iter().filter(|exchange| exchange.status >= 400) {
        let headers = &exchange.headers;
        let error =
            responses().fault(exchange.status, headers, &exchange.body, &target_of(exchange));
        assert_eq!(error.code(), Code::Provider, "{}: {error}", exchange.file);
        assert!(!error.retryable(), "{}", exchange.file);
    }
}
