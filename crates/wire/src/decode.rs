//! A whole body at once: what the command line's `wire decode` does, and the shortest way to show
//! how the pieces fit together.

use crate::accumulate::{Accumulator, Outcome};
use crate::error::DecodeError;
use crate::frames::Frames;
use crate::model::Target;
use crate::wire::{Frame, Mode, Wire};

/// Reads a body that has arrived completely, a stream's as well. An incomplete stream is an error
/// here; a caller that wants what did arrive drives the decoder itself.
pub fn decode(
    wire: &dyn Wire,
    mode: Mode,
    target: &Target,
    body: &[u8],
) -> Result<Outcome, DecodeError> {
    let mut decoder = wire.decoder(mode, target);
    let mut accumulator = Accumulator::new();
    let mut frames = Frames::new(wire.framing(mode));
    let mut result = Ok(());
    let mut take = |frame: Frame<'_>| {
        if result.is_ok() {
            result = decoder.push(frame, &mut |event| accumulator.push(&event));
        }
    };
    frames.push(body, &mut take)?;
    frames.finish(&mut take)?;
    result?;
    decoder.finish(&mut |event| accumulator.push(&event))?;
    Ok(accumulator.finish())
}
