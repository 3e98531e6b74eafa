//! What the loopback provider says in each protocol, read by the wire of that protocol.

use largestack_testkit::ChatReply;
use largestack_types::part::Body;
use largestack_types::reply::{FinishReason, Reply};
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
