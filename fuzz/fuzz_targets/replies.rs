//! Any bytes as a reply in any protocol, whole or streamed, in pieces of any size; and as the body
//! of a refusal. The first four bytes choose.

#![no_main]

use largestack_wire::{Accumulator, Frame, Frames, Mode, Provider, Section, Target, WIRES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&[wire, mode, size, status], body)) = data.split_first_chunk::<4>() else { return };
    let Some(wire) = WIRES.get(usize::from(wire) % WIRES.len()) else { return };
    let mode = if mode % 2 == 0 { Mode::Whole } else { Mode::Stream };
    let section = Section { wire: Some(wire.name().to_owned()), ..Section::default() };
    let target = Target::new(Provider::new("fuzzed").with(section).into(), "m");

    let mut frames = Frames::new(wire.framing(mode));
    let mut decoder = wire.decoder(mode, &target);
    let mut accumulator = Accumulator::new();
    let mut broken = false;
    let mut take = |frame: Frame<'_>| {
        if !broken {
            let pushed = decoder.push(frame, &mut |event| {
                accumulator.push_live(&event);
            });
            broken = pushed.is_err();
        }
    };
    let pieces = body.chunks(usize::from(size).max(1));
    let all = pieces.into_iter().try_for_each(|piece| frames.push(piece, &mut take));
    let _ended = all.and_then(|()| frames.finish(&mut take));
    let _ended = decoder.finish(&mut |event| accumulator.push(&event));
    drop(accumulator.finish());

    let headers = [("retry-after".to_owned(), String::from_utf8_lossy(body).into_owned())];
    let _error = wire.fault(100 + u16::from(status) * 2, &headers, body, &target);
});
