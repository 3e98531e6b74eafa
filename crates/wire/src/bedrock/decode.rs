//! The decoder: a body, or the events of a stream by their names.

use std::borrow::Cow;
use std::fmt;

use super::block;
use super::open::Blocks;
use super::reply::{Event, Union};
use super::{fault, finish, usage};
use crate::error::DecodeError;
use crate::event::{Place, WireEvent};
use crate::json::Object;
use crate::model::Target;
use crate::wire::{Decoder, Frame, Mode};

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// Reads one reply of the wire.
#[derive(Debug)]
pub(super) struct ConverseDecoder {
    mode: Mode,
    target: Target,
    blocks: Blocks,
    /// The reason to stop came, or an exception: no more is due.
    complete: bool,
}

impl ConverseDecoder {
    pub(super) fn new(mode: Mode, target: Target) -> Self {
        Self { mode, target, blocks: Blocks::default(), complete: false }
    }

    fn body(&mut self, event: Event<'_>, emit: Emit<'_>) -> Result<(), DecodeError> {
        let Some(Object(output)) = event.output else {
            return Err(DecodeError::NotAReply { missing: "output" });
        };
        let Object(said) = output.message;
        for raw in said.content.0 {
            block::take(raw, &mut self.blocks, emit);
        }
        extras(Place::Message, said.extras, emit);
        let rest = Event { output: None, ..event };
        self.stopped(rest, emit);
        Ok(())
    }

    /// What a body, `messageStop` and `metadata` say of the whole.
    fn stopped(&mut self, event: Event<'_>, emit: Emit<'_>) {
        extras(Place::Top, event.extras, emit);
        if let Some(raw) = event.usage {
            emit(WireEvent::Usage { usage: usage::read(raw), raw });
        }
        if let Some(word) = event.stop_reason.0 {
            self.complete |= !word.is_empty();
            emit(WireEvent::Finish { reason: finish::reason(&word), raw: word });
        }
    }

    fn event(&mut self, name: &str, event: Event<'_>, emit: Emit<'_>) {
        let index = event.index.0.unwrap_or_default();
        match name {
            "contentBlockStart" => {
                if let Some(Union(Some((key, raw)))) = event.start {
                    self.blocks.start(index, &key, raw, emit);
                }
            }
            "contentBlockDelta" => {
                if let Some(Union(Some((key, raw)))) = event.delta {
                    self.blocks.delta(index, &key, raw, emit);
                }
            }
            "contentBlockStop" => self.blocks.stop(index, emit),
            "messageStart" | "messageStop" | "metadata" => self.stopped(event, emit),
            other => emit(WireEvent::Ignored { what: Cow::Borrowed(other) }),
        }
    }

    fn malformed(
        &self,
        frame: Frame<'_>,
        error: &dyn fmt::Display,
        emit: Emit<'_>,
    ) -> Result<(), DecodeError> {
        let detail = format!("{error} ({} bytes)", frame.data.len());
        if self.mode == Mode::Whole {
            return Err(DecodeError::Malformed { detail });
        }
        emit(WireEvent::Malformed { detail });
        Ok(())
    }
}

impl Decoder for ConverseDecoder {
    fn push(
        &mut self,
        frame: Frame<'_>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> Result<(), DecodeError> {
        let text = match std::str::from_utf8(frame.data) {
            Ok(text) => text.trim(),
            Err(error) => return self.malformed(frame, &error, emit),
        };
        let name = frame.event.unwrap_or_default();
        if self.mode == Mode::Stream && fault::is_exception(name) {
            self.complete = true;
            emit(WireEvent::Fault(fault::in_stream(name, text, &self.target)));
            return Ok(());
        }
        match serde_json::from_str::<Object<Event<'_>>>(text) {
            Ok(Object(event)) if self.mode == Mode::Whole => self.body(event, emit),
            Ok(Object(event)) => {
                self.event(name, event, emit);
                Ok(())
            }
            Err(error) => self.malformed(frame, &error, emit),
        }
    }

    fn finish(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError> {
        self.blocks.finish(emit);
        if self.complete || self.mode == Mode::Whole { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

fn extras(place: Place, fields: Vec<(Cow<'_, str>, &serde_json::value::RawValue)>, emit: Emit<'_>) {
    for (key, value) in fields {
        emit(WireEvent::Extra { place, key, value });
    }
}
