//! Streams through the decoders as a gateway reads them (framing, events, the reply and what a
//! listener hears), beside `serde_json` alone reading the same frames, already cut, into plain
//! types of the same fields.

mod frames;
mod plain;

use largestack_wire::{Accumulator, Frames, Mode, Target, Wire, model};

use super::super::contest::{Contestant, Standings};
use crate::Outcome;
use crate::measure::process_cpu;
use crate::report::{Aim, Ratio};
use frames::Stream;

/// How often a stream is read in a turn.
const TIMES: usize = 20;
/// The share of the other's rate that is aimed at.
const SHARE: f64 = 0.6;

fn ours(wire: &str) -> String {
    format!("decoding {wire}")
}

fn alone(wire: &str) -> String {
    format!("serde_json alone, {wire}")
}

pub(super) fn contestants() -> Outcome<Vec<Contestant<'static>>> {
    let mut contestants = Vec::new();
    for stream in frames::all() {
        let target = model::resolve(stream.model)?;
        let (name, other) = (target.wire()?.name(), stream.clone());
        contestants.push(Contestant::new(&[(&ours(name), "MB/s")], move || {
            let wire = target.wire()?;
            rate(&stream, || decoded(wire, &target, &stream))
        }));
        contestants.push(Contestant::new(&[(&alone(name), "MB/s")], move || {
            rate(&other, || {
                let read = other.frames.iter().map(|frame| (other.plain)(&frame.data));
                Ok(read.sum::<Result<usize, _>>()?)
            })
        }));
    }
    Ok(contestants)
}

pub(super) fn ratios(standings: &Standings) -> Outcome<Vec<Ratio>> {
    let mut ratios = Vec::new();
    for stream in frames::all() {
        let name = model::resolve(stream.model)?.wire()?.name();
        ratios.push(standings.ratio(&ours(name), &alone(name), Aim::AtLeast(SHARE))?);
    }
    Ok(ratios)
}

/// Reads a stream again and again; both count the characters of text they have found.
fn rate(stream: &Stream, mut read: impl FnMut() -> Outcome<usize>) -> Outcome<Vec<f64>> {
    let (found, used) = process_cpu(|| (0..TIMES).map(|_| read()).sum::<Outcome<usize>>())?;
    if found != TIMES * frames::characters() {
        return Err(format!("{}: {found} characters were found", stream.model).into());
    }
    Ok(vec![super::count(TIMES * stream.bytes()) / 1e6 / used.as_secs_f64()])
}

fn decoded(wire: &dyn Wire, target: &Target, stream: &Stream) -> Outcome<usize> {
    let mut decoder = wire.decoder(Mode::Stream, target);
    let (mut accumulator, mut heard) = (Accumulator::new(), 0);
    let mut frames = Frames::new(wire.framing(Mode::Stream));
    let mut result = Ok(());
    for frame in &stream.frames {
        frames.push(&frame.sent, &mut |frame| {
            let read = decoder.push(frame, &mut |event| {
                heard += usize::from(accumulator.push_live(&event).is_some());
            });
            if read.is_err() {
                result = read;
            }
        })?;
    }
    result?;
    decoder.finish(&mut |event| accumulator.push(&event))?;
    let reply = accumulator.finish().reply;
    if heard == 0 || reply.usage.output_tokens.is_none() {
        return Err(format!("{}: nothing was heard or counted", stream.model).into());
    }
    Ok(reply.text().len())
}
