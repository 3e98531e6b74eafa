//! Four times as much of anything takes no more than four times the work, and a bit.

use allocation_counter::AllocationInfo;
use largestack_testkit::ChatReply;
use largestack_wire::{Framing, Mode, WIRES, event_stream};

use super::sample::{Sample, in_pieces};

/// How much more there is.
const MORE: usize = 4;
/// What the work may grow by at most, in halves: buffers that double may have to double once more.
const HALVES: u64 = 11;
/// What does not grow: a table, a first buffer.
const BESIDE: u64 = 4 << 10;

fn grows(what: &str, small: &AllocationInfo, large: &AllocationInfo) {
    for (unit, small, large) in [
        ("bytes", small.bytes_total, large.bytes_total),
        ("allocations", small.count_total, large.count_total),
        ("bytes at once", small.bytes_max, large.bytes_max),
    ] {
        assert!(large <= small * HALVES / 2 + BESIDE, "{what}: {small} {unit} became {large}");
    }
}

fn sizes(n: usize) -> [(&'static str, ChatReply); 5] {
    let words = "word ".repeat(n);
    let arguments = format!("{{\"q\":\"{}\"}}", "x".repeat(5 * n));
    let calls = (1..n / 4).fold(ChatReply::tool("t0", "{}"), |reply, number| {
        reply.and_tool(&format!("t{number}"), "{\"a\":1}")
    });
    [
        ("a text in one piece", ChatReply::text(words.clone()).pieces(1)),
        ("a text in many pieces", ChatReply::text(words.clone()).pieces(n)),
        ("thoughts in many pieces", ChatReply::text("!").reasoning(words, "c2Vh").pieces(n)),
        ("arguments in many pieces", ChatReply::tool("look", &arguments).pieces(n)),
        ("many calls", calls.pieces(1)),
    ]
}

#[test]
fn what_a_provider_says_is_read_in_linear_work() {
    const N: usize = 400;
    for wire in WIRES {
        for mode in [Mode::Whole, Mode::Stream] {
            for ((what, small), (_, large)) in sizes(N).iter().zip(sizes(MORE * N).iter()) {
                let sample = |reply: &ChatReply| {
                    let body = reply.body(wire.name(), mode == Mode::Stream, "m").to_vec();
                    Sample { wire: wire.name(), mode, body }
                };
                let (small, large) = (sample(small), sample(large));
                for size in [usize::MAX, 1, 700] {
                    let read = |sample: &Sample| in_pieces(sample, sample.body.chunks(size));
                    let name = format!("{} {mode:?}, {what}, pieces of {size}", wire.name());
                    grows(&name, &read(&small), &read(&large));
                }
            }
        }
    }
}

/// Frames that no decoder makes anything of, in the framing of a stream.
fn framed(framing: Framing, data: &str, times: usize) -> Vec<u8> {
    let one = match framing {
        Framing::Sse => format!("event: odd\ndata: {data}\n\n").into_bytes(),
        Framing::Lines => format!("{data}\n").into_bytes(),
        Framing::EventStream => {
            let headers = [(":message-type", "event"), (":event-type", "odd")];
            event_stream::message(&headers, data.as_bytes())
        }
        _ => data.as_bytes().to_vec(),
    };
    one.repeat(times)
}

#[test]
fn what_nobody_understands_is_passed_over_in_linear_work() {
    const N: usize = 300;
    let kinds = [
        r#"{"type":"odd","x":[1,2,3]}"#,
        r#"{"choices":[{"delta":{"odd":1}}],"index":0}"#,
        "not json",
        r#"{"index":4294967295,"content_block":{"type":"odd"},"type":"content_block_start"}"#,
        "",
    ];
    for wire in WIRES {
        for data in kinds {
            let sample = |times| {
                let body = framed(wire.framing(Mode::Stream), data, times);
                Sample { wire: wire.name(), mode: Mode::Stream, body }
            };
            let (small, large) = (sample(N), sample(MORE * N));
            for size in [usize::MAX, 3] {
                let read = |sample: &Sample| in_pieces(sample, sample.body.chunks(size));
                grows(&format!("{}: {data}", wire.name()), &read(&small), &read(&large));
            }
        }
    }
}

#[test]
fn a_frame_without_an_end_and_nesting_without_a_bottom_are_taken_in_linear_work() {
    const N: usize = 20_000;
    for wire in WIRES {
        for mode in [Mode::Whole, Mode::Stream] {
            for opening in ["[", "{\"a\":", "\"", "data: {", "{\"choices\":[", "1"] {
                let sample = |times: usize| {
                    let body = opening.repeat(times).into_bytes();
                    Sample { wire: wire.name(), mode, body }
                };
                let (small, large) = (sample(N), sample(MORE * N));
                let read = |sample: &Sample| in_pieces(sample, sample.body.chunks(512));
                let name = format!("{} {mode:?}: {opening}", wire.name());
                grows(&name, &read(&small), &read(&large));
            }
        }
    }
}
