//! Bytes in any split become frames, however a body is framed: the one place that knows all
//! framings, so that whoever moves the bytes needs to know none.

use crate::error::DecodeError;
use crate::wire::{Frame, Framing};
use crate::{event_stream, lines, sse};

/// Cuts a body into the frames that its decoder takes.
#[derive(Debug)]
pub enum Frames {
    /// The whole body, held until it has ended.
    Whole(Vec<u8>),
    /// Server-sent events.
    Sse(sse::Parser),
    /// One JSON value a line.
    Lines(lines::Parser),
    /// AWS event streams.
    EventStream(event_stream::Parser),
}

impl Frames {
    /// What cuts a body of this framing.
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Whole => Self::Whole(Vec::new()),
            Framing::Sse => Self::Sse(sse::Parser::new()),
            Framing::Lines => Self::Lines(lines::Parser::new()),
            Framing::EventStream => Self::EventStream(event_stream::Parser::new()),
        }
    }

    /// Takes the next bytes and hands over every frame that they complete. After an error the
    /// body is lost.
    pub fn push(
        &mut self,
        bytes: &[u8],
        emit: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), DecodeError> {
        match self {
            Self::Whole(held) => {
                if held.len() + bytes.len() > sse::MAX_EVENT_BYTES {
                    return Err(DecodeError::EventTooLarge { limit: sse::MAX_EVENT_BYTES });
                }
                held.extend_from_slice(bytes);
                Ok(())
            }
            Self::Sse(parser) => parser.push(bytes, emit),
            Self::Lines(parser) => parser.push(bytes, emit),
            Self::EventStream(parser) => parser.push(bytes, emit),
        }
    }

    /// The body is over: hands over what was held back.
    pub fn finish(&mut self, emit: &mut dyn FnMut(Frame<'_>)) -> Result<(), DecodeError> {
        match self {
            Self::Whole(held) => {
                emit(Frame::whole(&std::mem::take(held)));
                Ok(())
            }
            Self::Sse(parser) => parser.finish(emit),
            Self::Lines(parser) => parser.finish(emit),
            Self::EventStream(parser) => parser.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_body_is_one_frame_however_it_arrives() {
        let mut frames = Frames::new(Framing::Whole);
        let mut seen = Vec::new();
        for piece in [&b"{\"a\""[..], b":1}"] {
            frames.push(piece, &mut |_| panic!("not yet")).unwrap();
        }
        frames.finish(&mut |frame| seen.push(frame.data.to_vec())).unwrap();
        assert_eq!(seen, [b"{\"a\":1}"]);
    }
}
