//! Recorded traffic: replies say what their JSON says, and streams the same in any pieces.

use std::sync::Arc;

use largestack_types::part::{Body, Part};
use largestack_types::reply::{FinishReason, Reply};
use largestack_wire::{
    Accumulator, Frames, Framing, Mode, Outcome, Provider, Section, Target, decode,
};
use serde_json::Value;

use super::gemini;
use crate::recordings::{Exchange, exchanges_at};

fn exchanges() -> Vec<Exchange> {
    let mut all = exchanges_at(":generateContent", 50);
    all.extend(exchanges_at(":streamGenerateContent", 5));
    // In the order in which they were recorded, as far as the two kinds of address go.
    all.sort_by(|a, b| a.file.cmp(&b.file));
    all
}

fn mode(exchange: &Exchange) -> Mode {
    if exchange.address.contains(":stream") { Mode::Stream } else { Mode::Whole }
}

fn target_of(exchange: &Exchange) -> Target {
    let rest = exchange.address.rsplit("/models/").next().unwrap();
    let model = rest.split(':').next().unwrap();
    let row = if exchange.address.contains("aiplatform") { "vertex" } else { "google" };
    let registry = largestack_wire::Registry::builtin();
    let row = Provider::clone(registry.provider(row).unwrap());
    let base_url = Some("https://example.invalid".into());
    Target::new(Arc::new(row.with(Section { base_url, ..Section::default() })), model)
}

/// The JSON objects of a body, in order.
fn objects(exchange: &Exchange) -> Vec<Value> {
    if mode(exchange) == Mode::Whole {
        return vec![serde_json::from_slice(&exchange.body).unwrap()];
    }
    let text = std::str::from_utf8(&exchange.body).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn parts(objects: &[Value]) -> Vec<Value> {
    let lists = objects.iter().filter_map(|o| o.pointer("/candidates/0/content/parts")?.as_array());
    lists.flatten().cloned().collect()
}

fn last<'v>(objects: &'v [Value], pointer: &str) -> Option<&'v Value> {
    objects.iter().rev().find_map(|object| object.pointer(pointer))
}

#[test]
fn recorded_replies_say_what_their_json_says() {
    for exchange in &exchanges() {
        let file = &exchange.file;
        let outcome = decode(gemini(), mode(exchange), &target_of(exchange), &exchange.body)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(outcome.reports.is_empty(), "{file}: {:?}", outcome.reports);
        assert!(outcome.fault.is_none(), "{file}");
        let objects = objects(exchange);
        check_words(file, &outcome.reply, &parts(&objects));
        check_end(file, &outcome.reply, &objects);
    }
}

fn check_words(file: &str, reply: &Reply, parts: &[Value]) {
    let is_thought = |part: &&Value| part["thought"] == true;
    let text = |part: &Value| part["text"].as_str().map(str::to_owned);
    let said: String = parts.iter().filter(|part| !is_thought(part)).filter_map(text).collect();
    assert_eq!(reply.text(), said, "{file}");
    let thoughts: String = parts.iter().filter(is_thought).filter_map(text).collect();
    let reasoning = reply.parts.iter().filter_map(|part| match &part.body {
        Body::Reasoning(thought) => Some(&*thought.text),
        _ => None,
    });
    assert_eq!(reasoning.collect::<String>(), thoughts, "{file}");
    let calls = reply.parts.iter().filter_map(Part::as_tool_call).map(|call| {
        let arguments: Value = call.arguments.as_str().parse().unwrap();
        (call.name.to_string(), call.provider_id.to_string(), arguments)
    });
    let recorded = parts.iter().filter_map(|part| part.get("functionCall")).map(|call| {
        let text = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
        (text("name"), text("id"), call["args"].clone())
    });
    assert!(calls.eq(recorded), "{file}");
    let signed = parts.iter().filter_map(|part| part["thoughtSignature"].as_str());
    let kept = reply.parts.iter().filter_map(|part| match (&part.body, &part.native) {
        (Body::Reasoning(thought), _) if thought.signature.is_some() => {
            thought.signature.as_deref().map(str::to_owned)
        }
        (Body::ServerTool(raw) | Body::Unknown(raw), _) => {
            raw.to::<Value>().unwrap()["thoughtSignature"].as_str().map(str::to_owned)
        }
        (_, native) => {
            let fields = native.as_ref()?.fields.to::<Value>().unwrap();
            fields["thoughtSignature"].as_str().map(str::to_owned)
        }
    });
    assert!(kept.eq(signed), "{file}: signatures");
}

fn check_end(file: &str, reply: &Reply, objects: &[Value]) {
    let raw = reply.raw_usage.as_ref().map(|raw| raw.to::<Value>().unwrap());
    let usage = last(objects, "/usageMetadata");
    assert_eq!(raw.as_ref(), usage, "{file}");
    let count = |key: &str| usage.and_then(|usage| usage.get(key)?.as_u64());
    let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
    };
    let input = sum(count("promptTokenCount"), count("toolUsePromptTokenCount"));
    assert_eq!(reply.usage.input_tokens, input, "{file}");
    let output = sum(count("candidatesTokenCount"), count("thoughtsTokenCount"));
    assert_eq!(reply.usage.output_tokens, output, "{file}");
    assert_eq!(reply.usage.cache_read_tokens, count("cachedContentTokenCount"), "{file}");
    if let Some(total) = count("totalTokenCount") {
        assert_eq!(reply.usage.total_tokens(), total, "{file}: the parts are the total");
    }
    let word = last(objects, "/candidates/0/finishReason")
        .or(last(objects, "/promptFeedback/blockReason"))
        .and_then(Value::as_str);
    assert_eq!(reply.finish_reason_raw.as_deref(), word, "{file}");
    let calls = reply.parts.iter().any(|part| part.as_tool_call().is_some());
    let expected = match word {
        Some("STOP") if calls => FinishReason::ToolCalls,
        Some("STOP") => FinishReason::Stop,
        Some("MAX_TOKENS") => FinishReason::Length,
        Some("SAFETY" | "MODEL_ARMOR") => FinishReason::ContentFilter,
        other => panic!("{file}: {other:?}"),
    };
    assert_eq!(reply.finish_reason, expected, "{file}");
    let name = |pointer| last(objects, pointer).and_then(Value::as_str);
    assert_eq!(reply.model.as_deref(), name("/modelVersion"), "{file}");
    assert_eq!(reply.id.as_deref(), name("/responseId"), "{file}");
    let chunks = |object: &Value| -> Vec<Value> {
        let list = object.pointer("/candidates/0/groundingMetadata/groundingChunks");
        list.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let mut sources: Vec<Value> = Vec::new();
    for chunk in objects.iter().flat_map(chunks) {
        if !sources.contains(&chunk) {
            sources.push(chunk);
        }
    }
    let cited: Vec<Value> = reply
        .parts
        .iter()
        .filter_map(|part| match &part.body {
            Body::Citation(citation) => citation.raw.as_ref()?.to().ok(),
            _ => None,
        })
        .collect();
    assert!(sources.iter().all(|source| cited.contains(source)), "{file}: citations");
}

/// Drives a decoder with these pieces of a stream.
fn pieces<'b>(exchange: &Exchange, pieces: impl IntoIterator<Item = &'b [u8]>) -> Outcome {
    let mut decoder = gemini().decoder(Mode::Stream, &target_of(exchange));
    let mut accumulator = Accumulator::new();
    let mut frames = Frames::new(Framing::Sse);
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
fn recorded_streams_are_the_same_in_single_bytes() {
    for exchange in exchanges().iter().filter(|exchange| mode(exchange) == Mode::Stream) {
        let whole = pieces(exchange, [&exchange.body[..]]);
        let bytes = pieces(exchange, exchange.body.chunks(1));
        assert_eq!(bytes.reply, whole.reply, "{}", exchange.file);
        assert_eq!(bytes.reports, whole.reports, "{}", exchange.file);
    }
}
