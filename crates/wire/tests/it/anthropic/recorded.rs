//! Recorded traffic: requests read back, replies say what their JSON says, whole and in pieces,
//! and go back as the provider wants them.

use largestack_types::part::{Body, Part};
use largestack_types::reply::Reply;
use largestack_wire::{Accumulator, Frames, Mode, Outcome, Session, Target, decode};
use serde_json::{Map, Value, json};

use super::target;
use crate::recordings::{Exchange, exchanges_at};

fn model_calls(path: &str, at_least: usize) -> Vec<Exchange> {
    let all = exchanges_at(path, at_least);
    all.into_iter().filter(|exchange| !exchange.address.contains("count_tokens")).collect()
}

fn at_anthropic() -> Vec<Exchange> {
    model_calls("api.anthropic.com/v1/messages", 100)
}

fn at_bedrock() -> Vec<Exchange> {
    model_calls("/invoke", 2)
}

fn target_of(exchange: &Exchange) -> Target {
    let (row, model) = match exchange.request.get("model").and_then(Value::as_str) {
        Some(model) => ("anthropic", model),
        None => ("bedrock_anthropic", exchange.address.split('/').nth(4).unwrap()),
    };
    target(&format!("{row}/{model}"))
}

fn mode(exchange: &Exchange) -> Mode {
    if exchange.streams() { Mode::Stream } else { Mode::Whole }
}

/// The events of a stream; a body is the only one.
fn values(exchange: &Exchange) -> Vec<Value> {
    if let Some(body) = exchange.reply() {
        return vec![body];
    }
    let text = std::str::from_utf8(&exchange.body).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The blocks that a reply holds, put together as the reference says.
fn blocks(exchange: &Exchange) -> Option<Vec<Value>> {
    let values = values(exchange);
    if let Some(content) = values[0].get("content") {
        return content.as_array().cloned();
    }
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for value in &values {
        let at = usize::try_from(value["index"].as_u64().unwrap_or_default()).unwrap();
        match value["type"].as_str()? {
            "content_block_start" => {
                blocks.push(value["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let (block, delta) = (&mut blocks[at], &value["delta"]);
                for field in ["text", "thinking"] {
                    if let Some(more) = delta.get(field).and_then(Value::as_str) {
                        block[field] = (block[field].as_str()?.to_owned() + more).into();
                    }
                }
                if let Some(signature) = delta.get("signature") {
                    block["signature"] = signature.clone();
                }
                if let Some(citation) = delta.get("citation") {
                    block["citations"].as_array_mut()?.push(citation.clone());
                }
                inputs[at] += delta["partial_json"].as_str().unwrap_or_default();
            }
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs) {
        if !input.is_empty() {
            block["input"] = serde_json::from_str(&input).ok()?;
        }
        if block["citations"].as_array().is_some_and(Vec::is_empty) {
            block.as_object_mut()?.shift_remove("citations");
        }
    }
    Some(blocks)
}

#[test]
fn every_other_field_of_a_recorded_request_is_written_as_it_was() {
    let dropped = ["messages", "stream"];
    for exchange in at_anthropic().iter().chain(&at_bedrock()) {
        let target = target_of(exchange);
        let wire = target.wire().unwrap();
        let body = exchange.request.to_string();
        let call = wire.read(body.as_bytes(), &target).unwrap();
        let request = wire.encode(&call, &target, &mut Session::new()).unwrap();
        let ours: Map<String, Value> = serde_json::from_slice(&request.body).unwrap();
        let theirs = exchange.request.as_object().unwrap();
        for key in ours.keys().chain(theirs.keys()).filter(|key| !dropped.contains(&key.as_str())) {
            assert_eq!(ours.get(key), theirs.get(key), "{}: {key}", exchange.file);
        }
        assert_eq!(request.dropped, [""; 0], "{}", exchange.file);
    }
}

#[test]
fn recorded_replies_say_what_their_json_says() {
    for exchange in at_anthropic().iter().chain(&at_bedrock()).filter(|e| e.status == 200) {
        let file = &exchange.file;
        let target = target_of(exchange);
        let wire = target.wire().unwrap();
        let outcome = decode(wire, mode(exchange), &target, &exchange.body).unwrap();
        assert!(outcome.reports.is_empty(), "{file}: {:?}", outcome.reports);
        let (reply, values) = (&outcome.reply, values(exchange));
        check_usage(file, reply, &values);
        let last = |pointers: [&str; 2]| {
            let found = values.iter().rev().find_map(|value| {
                pointers.iter().find_map(|p| value.pointer(p).and_then(Value::as_str))
            });
            found.map(str::to_owned)
        };
        assert_eq!(
            reply.finish_reason_raw.as_deref().map(str::to_owned),
            last(["/delta/stop_reason", "/stop_reason"]),
            "{file}"
        );
        assert_eq!(reply.id.as_deref(), last(["/message/id", "/id"]).as_deref(), "{file}");
        assert_eq!(reply.model.as_deref(), last(["/message/model", "/model"]).as_deref(), "{file}");
        check_blocks(file, reply, &blocks(exchange).unwrap());
    }
}

fn check_usage(file: &str, reply: &Reply, values: &[Value]) {
    let mut merged = Map::new();
    for value in values {
        let usage = value.pointer("/message/usage").or(value.get("usage"));
        for (key, count) in usage.and_then(Value::as_object).into_iter().flatten() {
            merged.insert(key.clone(), count.clone());
        }
    }
    let raw: Value = reply.raw_usage.as_ref().unwrap().to().unwrap();
    assert_eq!(raw, Value::Object(merged), "{file}");
    let count = |key: &str| raw[key].as_u64().unwrap();
    let cached = count("cache_read_input_tokens") + count("cache_creation_input_tokens");
    assert_eq!(reply.usage.input_tokens, Some(count("input_tokens") + cached), "{file}");
    assert_eq!(reply.usage.output_tokens, Some(count("output_tokens")), "{file}");
    assert_eq!(reply.usage.cache_read_tokens, Some(count("cache_read_input_tokens")), "{file}");
    let thinking = raw.pointer("/output_tokens_details/thinking_tokens").and_then(Value::as_u64);
    assert_eq!(reply.usage.reasoning_tokens, thinking, "{file}");
}

/// Each block has its part, and each citation one behind it.
fn check_blocks(file: &str, reply: &Reply, blocks: &[Value]) {
    let said = |part: &Part| -> Value {
        let of = |raw: &str| serde_json::from_str::<Value>(raw).unwrap();
        match &part.body {
            Body::Text(text) => json!(["text", **text]),
            Body::Reasoning(thought) if thought.redacted => {
                json!(["redacted_thinking", thought.signature.as_deref()])
            }
            Body::Reasoning(thought) => {
                json!(["thinking", *thought.text, thought.signature.as_deref()])
            }
            Body::ToolCall(call) => {
                json!(["tool_use", *call.provider_id, *call.name, of(call.arguments.as_str())])
            }
            Body::Citation(cited) => json!(["citation", of(cited.raw.as_ref().unwrap().as_str())]),
            Body::ServerTool(raw) => json!(["server", of(raw.as_str())]),
            other => panic!("{other:?}"),
        }
    };
    let mut expected = Vec::new();
    for block in blocks {
        let kind = block["type"].as_str().unwrap();
        expected.push(match kind {
            "text" => json!([kind, block["text"]]),
            "redacted_thinking" => json!([kind, block["data"]]),
            "thinking" => json!([kind, block["thinking"], block["signature"]]),
            "tool_use" => json!([kind, block["id"], block["name"], block["input"]]),
            _ => json!(["server", block]),
        });
        let cited = block["citations"].as_array().into_iter().flatten();
        expected.extend(cited.map(|raw| json!(["citation", raw])));
    }
    let ours: Vec<Value> = reply.parts.iter().map(said).collect();
    assert_eq!(ours, expected, "{file}");
}

/// A stream in these pieces.
fn in_pieces(exchange: &Exchange, pieces: &[&[u8]]) -> Outcome {
    let target = target_of(exchange);
    let wire = target.wire().unwrap();
    let mut decoder = wire.decoder(Mode::Stream, &target);
    let mut accumulator = Accumulator::new();
    let mut frames = Frames::new(wire.framing(Mode::Stream));
    let mut take = |frame: largestack_wire::Frame<'_>| {
        decoder.push(frame, &mut |event| accumulator.push(&event)).unwrap();
    };
    for piece in pieces {
        frames.push(piece, &mut take).unwrap();
    }
    frames.finish(&mut take).unwrap();
    decoder.finish(&mut |event| accumulator.push(&event)).unwrap();
    accumulator.finish()
}

#[test]
fn a_recorded_stream_split_at_any_byte_is_the_same_reply() {
    for exchange in at_anthropic().iter().filter(|exchange| exchange.streams()) {
        let whole = in_pieces(exchange, &[&exchange.body]).reply;
        let bytes: Vec<&[u8]> = exchange.body.chunks(1).collect();
        assert_eq!(in_pieces(exchange, &bytes).reply, whole, "{}", exchange.file);
    }
}
