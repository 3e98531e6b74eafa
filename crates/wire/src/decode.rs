//! A whole body at once: what the command line's `wire decode` does, and the shortest way to show
//! how the pieces fit together.

use crate::accumulate::{Accumulator, Outcome};
use crate::error::DecodeError;
use crate::model::Target;
use crate::sse;
use crate::wire::{Frame, Framing, Mode, Wire};

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
    match wire.framing(mode) {
        Framing::Whole => {
            decoder.push(Frame::whole(body), &mut |event| accumulator.push(&event))?;
        }
        Framing::Sse => {
            let mut parser = sse::Parser::new();
            let mut result = Ok(());
            let mut take = |frame: Frame<'_>| {
                if result.is_ok() {
                    result = decoder.push(frame, &mut |event| accumulator.push(&event));
                }
            };
            parser.push(body, &mut take)?;
            parser.finish(&mut take)?;
            result?;
        }
    }
    decoder.finish(&mut |event| accumulator.push(&event))?;
    Ok(accumulator.finish())
}
