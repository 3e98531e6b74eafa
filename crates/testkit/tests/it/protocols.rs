//! What the loopback provider says in each protocol, read by the wire of that protocol.

use largestack_testkit::{ChatReply, FoundReply};
use largestack_types::part::Body;
use largestack_types::reply::{FinishReason, Reply};
use largestack_wire::embed::{EMBED_WIRES, EmbedCall, Purpose};
use largestack_wire::rerank::{RERANK_WIRES, Rank, RerankCall};
use largestack_wire::{Mode, Provider, Section, Target, WIRES, Wire, decode};

fn read(wire: &dyn Wire, reply: &ChatReply, mode: Mode) -> Reply {
    let section = Section { wire: Some(wire.name().to_owned()), ..Section::default() };
    let target = Target::new(Provider::new("loopback").with(section).into(), "m");
    let body = reply.body(wire.name(), mode == Mode::Stream, "m");
    let outcome = decode(wire, mode, &target, &body);
    let outcome = outcome.unwrap_or_else(|error| panic!("{} {mode:?}: {error}", wire.name()));
    let oddities: Vec<_> = outcome.reports.iter().collect();
    assert!(oddities.is_empty(), "{} {mode:?}: {oddities:?}", wire.name());
    outcome.reply
}

/// What a reply says, without what only one protocol has.
fn said(reply: &Reply) -> Vec<(&'static str, String)> {
    let parts = reply.parts.iter().filter_map(|part| match &part.body {
        Body::Text(text) => Some(("text", text.to_string())),
        Body::Reasoning(reasoning) => Some(("reasoning", reasoning.text.to_string())),
        Body::ToolCall(call) => Some((
            "call",
            format!("{} {} {}", call.provider_id, call.name, call.arguments.as_str()),
        )),
        _ => None,
    });
    parts.filter(|(_, text)| !text.is_empty()).collect()
}

#[test]
fn every_wire_hears_what_the_script_says_whole_and_streamed() {
    let script = ChatReply::tool("look_up", r#"{"word":"Größe 🦀"}"#)
        .and_tool("today", "{}")
        .reasoning("Let me think: 東京.", "c2VhbGVk");
    let spoken = ChatReply::text("Größe zählt: 東京 🦀").pieces(5).usage(12, 7).usage_details(4, 0);
    for wire in WIRES {
        for mode in [Mode::Whole, Mode::Stream] {
            let name = wire.name();
            let reply = read(*wire, &script, mode);
            let heard = said(&reply);
            let expected = [
                ("reasoning", "Let me think: 東京.".to_owned()),
                ("call", r#"call_0 look_up {"word":"Größe 🦀"}"#.to_owned()),
                ("call", "call_1 today {}".to_owned()),
            ];
            assert_eq!(heard, expected, "{name} {mode:?}");
            assert_eq!(reply.finish_reason, FinishReason::ToolCalls, "{name} {mode:?}");
            let reply = read(*wire, &spoken, mode);
            assert_eq!(reply.text(), "Größe zählt: 東京 🦀", "{name} {mode:?}");
            assert_eq!(reply.finish_reason, FinishReason::Stop, "{name} {mode:?}");
            let usage = reply.usage;
            assert_eq!((usage.input_tokens, usage.output_tokens), (Some(12), Some(7)), "{name}");
            if name != "ollama" {
                assert_eq!(usage.cache_read_tokens, Some(4), "{name} {mode:?}");
            }
        }
    }
}

#[test]
fn a_stream_that_repeats_its_end_or_stumbles_over_one_event_says_the_same() {
    let script = || ChatReply::text("Größe zählt: 東京 🦀").pieces(5).usage(12, 7);
    for wire in WIRES {
        let name = wire.name();
        let whole = read(*wire, &script(), Mode::Stream);
        let twice = read(*wire, &script().with_repeated_end(), Mode::Stream);
        assert_eq!(twice, whole, "{name}");
        let section = Section { wire: Some(name.to_owned()), ..Section::default() };
        let target = Target::new(Provider::new("loopback").with(section).into(), "m");
        let body = script().with_malformed_frame().body(name, true, "m");
        let outcome = decode(*wire, Mode::Stream, &target, &body).unwrap();
        assert_eq!(outcome.reply, whole, "{name}");
        assert_eq!(outcome.reports.len(), 1, "{name}: the event is not reported");
        let body = script().with_failure_inside().body(name, true, "m");
        let fault = decode(*wire, Mode::Stream, &target, &body).unwrap().fault.unwrap();
        assert!(fault.to_string().contains("it broke"), "{name}: {fault}");
    }
}

fn finder(embed: Option<&str>, rerank: Option<&str>) -> Target {
    let section = Section {
        base_url: Some("http://localhost".to_owned()),
        embed: embed.map(str::to_owned),
        rerank: rerank.map(str::to_owned),
        ..Section::default()
    };
    Target::new(Provider::new("loopback").with(section).into(), "m")
}

#[test]
fn every_wire_hears_the_vectors_that_the_script_finds() {
    let texts = ["a", "Größe", "🦀"];
    let call = EmbedCall { texts: &texts, purpose: Purpose::Query, dimensions: None };
    for wire in EMBED_WIRES {
        let name = wire.name();
        let request = wire.encode(&call, &finder(Some(name), None)).unwrap();
        let body = |reply: FoundReply| reply.body(&request.url, &request.body);
        let heard = wire.decode(&call, &body(FoundReply::default().usage(7))).unwrap();
        let expected = [[0.0, 1.0, 1.0], [1.0, 7.0, 1.0], [2.0, 4.0, 1.0]].map(Vec::from);
        assert_eq!(heard.vectors, expected, "{name}");
        assert_eq!(heard.usage.input_tokens, Some(7), "{name}");
        let silent = wire.decode(&call, &body(FoundReply::default().without_usage())).unwrap();
        assert_eq!((silent.usage.input_tokens, silent.raw_usage), (None, None), "{name}");
        for (what, reply) in mishaps() {
            assert!(wire.decode(&call, &body(reply)).is_err(), "{name}: {what}");
        }
    }
}

#[test]
fn every_wire_hears_the_order_that_the_script_finds() {
    let documents = ["a", "b", "c"];
    let call = RerankCall { query: "which?", documents: &documents, top: Some(2) };
    for wire in RERANK_WIRES {
        let name = wire.name();
        let request = wire.encode(&call, &finder(None, Some(name))).unwrap();
        let body = |reply: FoundReply| reply.body(&request.url, &request.body);
        let heard = wire.decode(&call, &body(FoundReply::default().usage(7))).unwrap();
        let ranks = [Rank { index: 2, score: 1.0 }, Rank { index: 1, score: 0.5 }];
        assert_eq!(heard.ranks, ranks, "{name}");
        let counted = (heard.usage.input_tokens, heard.searches);
        let expected = if name == "cohere" { (None, Some(1)) } else { (Some(7), None) };
        assert_eq!(counted, expected, "{name}");
        for (what, reply) in mishaps() {
            assert!(wire.decode(&call, &body(reply)).is_err(), "{name}: {what}");
        }
    }
}

/// Finds that no caller may take for an answer.
fn mishaps() -> [(&'static str, FoundReply); 4] {
    let reply = FoundReply::default;
    [
        ("one is missing", reply().with_one_missing()),
        ("one is there twice", reply().with_one_twice()),
        ("one does not fit", reply().with_one_that_does_not_fit()),
        ("one is no number", reply().with_one_that_is_no_number()),
    ]
}
