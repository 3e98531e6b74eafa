//! Real replies, to be broken: what the loopback provider says in every protocol, and recorded
//! traffic where it is at hand.

use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use largestack_testkit::{ChatReply, replay};
use largestack_wire::{Mode, WIRES};

use super::sample::Sample;

/// Recorded replies of one wire and mode that are taken.
const RECORDED: usize = 24;

/// Every reply.
pub(super) static CORPUS: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let mut corpus = spoken();
    corpus.extend(recorded());
    corpus
});

fn spoken() -> Vec<Sample> {
    let replies = [
        ChatReply::text("Größe zählt: 東京 🦀").pieces(5).usage(12, 7).usage_details(4, 2),
        ChatReply::tool("look_up", r#"{"word":"Größe 🦀"}"#)
            .and_tool("today", "{}")
            .says("One moment.")
            .reasoning("Let me think: 東京.", "c2VhbGVk"),
        ChatReply::text("As it says there.").cites("https://a.invalid/b?c=d", "A page"),
        ChatReply::text("half").with_malformed_frame().with_repeated_end(),
        ChatReply::text("until it broke").pieces(4).with_failure_inside(),
        ChatReply::text("").without_usage().finish("length"),
    ];
    let of = |wire: &'static str, mode: Mode| {
        let body = move |reply: &ChatReply| reply.body(wire, mode == Mode::Stream, "m").to_vec();
        replies.clone().into_iter().map(move |reply| Sample { wire, mode, body: body(&reply) })
    };
    let both = [Mode::Whole, Mode::Stream];
    WIRES.iter().flat_map(|wire| both.iter().flat_map(move |mode| of(wire.name(), *mode))).collect()
}

fn recorded() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let Ok(recordings) = replay::load(&folder) else {
        let _ =
            writeln!(std::io::stderr(), "skipped: there are no recordings at {}", folder.display());
        return Vec::new();
    };
    let mut samples: Vec<Sample> = Vec::new();
    let exchanges = recordings.into_iter().filter_map(|recording| recording.exchanges.ok());
    for exchange in exchanges.flatten().filter(|exchange| exchange.status == 200) {
        let Some(sample) = Sample::of(&exchange) else { continue };
        let alike = |other: &&Sample| (other.wire, other.mode) == (sample.wire, sample.mode);
        if sample.body.len() < 20_000 && samples.iter().filter(alike).count() < RECORDED {
            samples.push(sample);
        }
    }
    samples
}
