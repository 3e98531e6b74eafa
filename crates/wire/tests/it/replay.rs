//! Recorded replies decode to what their JSON says, whole and streamed, at any split.

use std::sync::Arc;

use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part};
use largestack_types::reply::Reply;
use largestack_wire::{
    Accumulator, DecodeError, Decoder, Frame, Mode, Outcome, Provider, Quirk, Section, Session,
    Target, decode, sse,
};
use serde_json::Value;

use crate::recordings::{Exchange, exchanges};
use crate::support::{call, chat, target};

/// Exchanges that hold no reply at all, for their own tests.
fn is_reply(exchange: &Exchange) -> bool {
    exchange.status == 200 && !exchange.address.contains("demo-endpoints")
}

fn target_of(exchange: &Exchange) -> Target {
    let name = match &exchange.address {
        uri if uri.contains("cerebras") => "cerebras/m",
        uri if uri.contains("deepseek") || uri.contains("z.ai") => "deepseek/m",
        uri if uri.contains("mistral") => "mistral/m",
        uri if uri.contains("openrouter") => "openrouter/m",
        uri if uri.contains("ollama") || uri.contains("crusoe") => "ollama_openai/m",
        uri if uri.contains("groq") => "groq/m",
        uri if uri.contains("snowflake") => {
            let quirks = Some(vec![Quirk::ReasoningDetailsBack]);
            let base_url = Some("https://snowflake.invalid".into());
            let section = Section { quirks, base_url, ..Section::default() };
            return Target::new(Arc::new(Provider::new("snowflake").with(section)), "m");
        }
        _ => "openai/m",
    };
    target(name)
}

fn mode(exchange: &Exchange) -> Mode {
    if exchange.streams() { Mode::Stream } else { Mode::Whole }
}

/// The JSON objects of a body, in order.
fn objects(exchange: &Exchange) -> Vec<Value> {
    if !exchange.streams() {
        return vec![serde_json::from_slice(&exchange.body).unwrap()];
    }
    let text = std::str::from_utf8(&exchange.body).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn last<'v>(objects: &'v [Value], pointers: &[&str]) -> Option<&'v Value> {
    let found = |object: &'v Value| {
        pointers.iter().find_map(|p| object.pointer(p).filter(|v| !v.is_null()))
    };
    objects.iter().rev().find_map(found)
}

/// A string field of the message, over all objects.
fn joined(objects: &[Value], field: &str) -> String {
    let pieces = objects.iter().flat_map(|object| {
        ["message", "delta"].map(|name| object.pointer(&format!("/choices/0/{name}/{field}")))
    });
    pieces.flatten().filter_map(Value::as_str).collect()
}

#[test]
fn recorded_replies_say_what_their_json_says() {
    for exchange in exchanges().iter().filter(|e| is_reply(e)) {
        let file = &exchange.file;
        let outcome = decode(chat(), mode(exchange), &target_of(exchange), &exchange.body)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        let (reply, objects) = (&outcome.reply, objects(exchange));
        assert!(outcome.reports.is_empty(), "{file}: {:?}", outcome.reports);
        assert_eq!(outcome.fault.is_some(), last(&objects, &["/error"]).is_some(), "{file}");
        check_usage(file, reply, &objects);
        let word = last(&objects, &["/choices/0/finish_reason"]).and_then(Value::as_str);
        assert_eq!(reply.finish_reason_raw.as_deref(), word, "{file}");
        check_words(file, reply, &objects);
        check_calls(file, reply, &objects);
    }
}

fn check_usage(file: &str, reply: &Reply, objects: &[Value]) {
    let usage = last(objects, &["/usage", "/x_groq/usage"]);
    let raw = reply.raw_usage.as_ref().map(|raw| raw.to::<Value>().unwrap());
    assert_eq!(raw.as_ref(), usage, "{file}");
    let count = |pointers: &[&str]| {
        usage.and_then(|usage| pointers.iter().find_map(|p| usage.pointer(p)?.as_u64()))
    };
    assert_eq!(reply.usage.input_tokens, count(&["/prompt_tokens"]), "{file}");
    let total = count(&["/total_tokens"]).unwrap_or(0);
    let output = count(&["/completion_tokens"]);
    let beyond =
        total.saturating_sub(count(&["/prompt_tokens"]).unwrap_or(0) + output.unwrap_or(0));
    assert_eq!(reply.usage.output_tokens, output.map(|count| count + beyond), "{file}");
    let cached = [
        "/prompt_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
        "/cached_tokens",
        "/num_cached_tokens",
    ];
    assert_eq!(reply.usage.cache_read_tokens, count(&cached), "{file}");
    let reasoning = count(&["/completion_tokens_details/reasoning_tokens"]);
    assert_eq!(reply.usage.reasoning_tokens, reasoning, "{file}");
}

fn reasoning(reply: &Reply) -> String {
    let texts = reply.parts.iter().filter_map(|part| match &part.body {
        Body::Reasoning(thought) => Some(&*thought.text),
        _ => None,
    });
    texts.collect()
}

fn check_words(file: &str, reply: &Reply, objects: &[Value]) {
    let words = joined(objects, "content");
    // Mistral's lists hold both; what is outside of lists is text in any case.
    if !file.contains("mistral_model_thinking") {
        assert_eq!(reply.text(), words, "{file}");
    }
    let thoughts = joined(objects, "reasoning_content") + &joined(objects, "reasoning");
    if !thoughts.is_empty() {
        assert_eq!(reasoning(reply), thoughts, "{file}");
    }
    let first = |field: &str| {
        last(&objects[..1], &[field]).and_then(Value::as_str).filter(|s| !s.is_empty())
    };
    assert_eq!(reply.id.as_deref(), first("/id"), "{file}");
    let model = last(objects, &["/model"]).and_then(Value::as_str).filter(|name| !name.is_empty());
    assert_eq!(reply.model.as_deref(), model, "{file}");
}

fn check_calls(file: &str, reply: &Reply, objects: &[Value]) {
    let pieces = objects.iter().flat_map(|object| {
        ["message", "delta"].map(|name| object.pointer(&format!("/choices/0/{name}/tool_calls")))
    });
    let pieces: Vec<&Value> = pieces.flatten().filter_map(Value::as_array).flatten().collect();
    let field = |pointer: &str| -> String {
        pieces.iter().filter_map(|piece| piece.pointer(pointer)?.as_str()).collect()
    };
    let calls: Vec<_> = reply.parts.iter().filter_map(Part::as_tool_call).collect();
    assert_eq!(
        calls.iter().map(|call| &*call.provider_id).collect::<String>(),
        field("/id"),
        "{file}"
    );
    assert_eq!(
        calls.iter().map(|call| &*call.name).collect::<String>(),
        field("/function/name"),
        "{file}"
    );
    let arguments: String = calls.iter().map(|call| call.arguments.as_str()).collect();
    // No arguments at all are an empty object.
    let expected = Some(field("/function/arguments")).filter(|text| !text.is_empty());
    assert_eq!(arguments, expected.unwrap_or_else(|| "{}".repeat(calls.len())), "{file}");
}

/// Drives a decoder with the body cut at these places.
fn cut(exchange: &Exchange, chunks: &[&[u8]]) -> Result<Outcome, DecodeError> {
    let mut decoder = chat().decoder(Mode::Stream, &target_of(exchange));
    let mut accumulator = Accumulator::new();
    let mut parser = sse::Parser::new();
    let feed =
        |decoder: &mut Box<dyn Decoder + Send>, accumulator: &mut Accumulator, frame: Frame<'_>| {
            decoder.push(frame, &mut |event| accumulator.push(&event)).unwrap();
        };
    for chunk in chunks {
        parser.push(chunk, &mut |frame| feed(&mut decoder, &mut accumulator, frame))?;
    }
    parser.finish(&mut |frame| feed(&mut decoder, &mut accumulator, frame))?;
    decoder.finish(&mut |event| accumulator.push(&event))?;
    Ok(accumulator.finish())
}

#[test]
fn a_recorded_stream_split_at_any_byte_is_the_same_reply() {
    let mut tried = 0;
    for exchange in exchanges().iter().filter(|e| is_reply(e) && e.streams()) {
        let whole = decode(chat(), Mode::Stream, &target_of(exchange), &exchange.body).unwrap();
        let bytes: Vec<&[u8]> = exchange.body.chunks(1).collect();
        assert_eq!(cut(exchange, &bytes).unwrap().reply, whole.reply, "{}", exchange.file);
        // Every cut into two, where that is cheap; the parser's own test covers the rest.
        if exchange.body.len() < 4_000 {
            for place in 0..=exchange.body.len() {
                let (head, tail) = exchange.body.split_at(place);
                assert_eq!(cut(exchange, &[head, tail]).unwrap().reply, whole.reply);
                tried += 1;
            }
        }
    }
    eprintln!("{tried} cuts into two");
}

#[test]
fn a_recorded_stream_that_ends_early_is_never_a_whole_reply() {
    for exchange in exchanges().iter().filter(|e| is_reply(e) && e.streams()) {
        let ends = exchange
            .body
            .windows(16)
            .position(|window| window.starts_with(b"\"finish_reason\":\""));
        let Some(end) = ends else { continue };
        let body = &exchange.body[..end];
        let error = decode(chat(), Mode::Stream, &target_of(exchange), body).unwrap_err();
        assert_eq!(error, DecodeError::Truncated, "{}", exchange.file);
    }
}

#[test]
fn recorded_bodies_that_hold_no_reply_are_errors() {
    let odd: Vec<_> = exchanges().into_iter().filter(|e| e.status == 200 && !is_reply(e)).collect();
    for exchange in &odd {
        let error = decode(chat(), Mode::Whole, &target_of(exchange), &exchange.body).unwrap_err();
        let expected =
            matches!(error, DecodeError::Malformed { .. } | DecodeError::NotAReply { .. });
        assert!(expected, "{}: {error}", exchange.file);
    }
}

/// What the next recorded request says the model had said.
fn recorded_turn(next: &Exchange, sent: usize) -> Option<&Value> {
    let messages = next.request.get("messages")?.as_array()?;
    let turn = messages.get(sent)?;
    (turn.get("role")? == "assistant").then_some(turn)
}

#[test]
fn a_reply_goes_back_as_the_recorded_client_sent_it_back() {
    let all = exchanges();
    let mut compared = 0;
    for pair in all.windows(2) {
        let [before, next] = pair else { continue };
        let same = before.file == next.file && is_reply(before);
        let sent = before.request.get("messages").and_then(Value::as_array).map_or(0, Vec::len);
        let Some(recorded) = recorded_turn(next, sent).filter(|_| same) else { continue };
        let Outcome { reply, fault, .. } =
            decode(chat(), mode(before), &target_of(before), &before.body).unwrap();
        // Gemini's compatible endpoint gives no ids, and a call that groq refused has none either:
        // that client made some up.
        if fault.is_some()
            || reply
                .parts
                .iter()
                .filter_map(Part::as_tool_call)
                .any(|call| call.provider_id.is_empty())
        {
            continue;
        }
        let turn = Message { role: Role::Assistant, parts: reply.parts, native: None };
        let request =
            chat().encode(&call(vec![turn]), &target_of(before), &mut Session::new()).unwrap();
        let ours: Value = serde_json::from_slice(&request.body).unwrap();
        compare(&before.file, &ours["messages"][0], recorded);
        compared += 1;
    }
    assert!(all.is_empty() || compared > 15, "only {compared}");
}

fn compare(file: &str, ours: &Value, recorded: &Value) {
    let words = |turn: &Value| -> String {
        let listed = turn["content"].as_array().into_iter().flatten();
        let listed = listed.filter_map(|chunk| chunk["text"].as_str());
        turn["content"].as_str().into_iter().chain(listed).collect()
    };
    if ours["content"].is_array() {
        assert_eq!(ours["content"], recorded["content"], "{file}");
    } else {
        // That client takes thoughts between tags out of the text, and puts others between tags.
        let said =
            |words: String| words.rsplit("</think>").next().unwrap_or_default().trim().to_owned();
        assert_eq!(said(words(ours)), said(words(recorded)), "{file}");
    }
    let calls = |turn: &Value| -> Vec<Value> {
        let list = turn["tool_calls"].as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|call| serde_json::json!([call["id"], call["type"], call["function"]]))
            .collect()
    };
    assert_eq!(calls(ours), calls(recorded), "{file}");
    for field in ["reasoning_content", "reasoning", "reasoning_details"] {
        if let Some(theirs) = recorded.get(field) {
            assert_eq!(&ours[field], theirs, "{file}");
        }
    }
}
