//! The decoder: a body is all blocks at once; a stream begins, grows and ends them one by one.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::block::Open;
use super::reply::{Added, Event, Extra, Message};
use super::{fault, finish, usage};
use crate::error::DecodeError;
use crate::event::{Place, WireEvent};
use crate::json::{self, Differs, Fields, Object, Repeat, Str, lenient, skip};
use crate::model::Target;
use crate::wire::{Decoder, Frame, Mode};

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// Reads one reply of the wire.
#[derive(Debug)]
pub(super) struct MessageDecoder {
    mode: Mode,
    target: Target,
    parts: u32,
    /// Blocks under way, by their index.
    open: Vec<(u64, Open)>,
    usage: usage::Merged,
    /// A reason to stop came, or the last event, or an error: no more is due.
    complete: bool,
    /// An event that only added words to a block.
    repeat: Repeat<(Option<u64>, Added)>,
}

/// What a chunk of Bedrock holds: an event of the stream in base64.
#[derive(Debug, Default)]
struct Chunk<'a>(Str<'a>);

impl<'de> Fields<'de> for Chunk<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "bytes" => self.0 = map.next_value()?,
            // Random characters that hide the length of the text from the network.
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl MessageDecoder {
    pub(super) fn new(mode: Mode, target: Target) -> Self {
        Self {
            mode,
            target,
            parts: 0,
            open: Vec::new(),
            usage: usage::Merged::default(),
            complete: false,
            repeat: Repeat::default(),
        }
    }

    const fn streams(&self) -> bool {
        matches!(self.mode, Mode::Stream)
    }

    /// A whole body.
    fn body(&mut self, message: Message<'_>, emit: Emit<'_>) -> Result<(), DecodeError> {
        if let Some(raw) = message.error {
            emit(WireEvent::Fault(fault::in_reply(raw, &self.target)));
            return Ok(());
        }
        if message.content.is_none() {
            return Err(DecodeError::NotAReply { missing: "content" });
        }
        self.message(message, emit);
        Ok(())
    }

    /// A whole body, or the beginning of a stream.
    fn message(&mut self, message: Message<'_>, emit: Emit<'_>) {
        let (id, model) = (message.id.non_empty(), message.model.non_empty());
        if id.is_some() || model.is_some() {
            emit(WireEvent::Identity { id, model });
        }
        extras(message.extras, emit);
        for raw in message.content.unwrap_or_default().0 {
            let mut next = numbers(&mut self.parts);
            Open::begin(raw, &mut next, emit).end(emit);
        }
        self.usage(message.usage, emit);
        self.stop(message.stop_reason, emit);
    }

    fn event(&mut self, event: Event<'_>, emit: Emit<'_>) {
        let kind = event.kind.or_empty();
        match &*kind {
            "content_block_delta" => self.delta(event.index.0, event.delta.0, emit),
            "content_block_start" => self.begin(event.index.0, event.block, emit),
            "content_block_stop" => {
                if let Some(at) = self.find(event.index.0) {
                    self.open.remove(at).1.end(emit);
                }
            }
            "ping" => {}
            "message_start" => self.message(event.message.0, emit),
            "message_delta" => {
                extras(event.extras, emit);
                extras(event.delta.0.extras, emit);
                self.usage(event.usage, emit);
                self.stop(event.delta.0.stop_reason, emit);
            }
            "message_stop" => {
                extras(event.extras, emit);
                self.complete = true;
            }
            "error" => {
                self.complete = true;
                let raw = event.error.unwrap_or(RawValue::NULL);
                emit(WireEvent::Fault(fault::in_reply(raw, &self.target)));
            }
            "" => emit(WireEvent::Ignored { what: "an event without a type".into() }),
            other => emit(WireEvent::Ignored { what: other.into() }),
        }
    }

    fn begin(&mut self, index: Option<u64>, block: Option<&RawValue>, emit: Emit<'_>) {
        let Some(raw) = block else {
            emit(WireEvent::Malformed { detail: "a block without content".into() });
            return;
        };
        // A block that another one of its number replaces was complete.
        if let Some(at) = self.find(index) {
            self.open.remove(at).1.end(emit);
        }
        let mut next = numbers(&mut self.parts);
        let open = Open::begin(raw, &mut next, emit);
        self.open.push((index.unwrap_or_default(), open));
    }

    fn delta(&mut self, index: Option<u64>, delta: super::reply::Delta<'_>, emit: Emit<'_>) {
        let found = self.find(index);
        let Self { open, parts, .. } = self;
        let mut next = numbers(parts);
        if found.is_none()
            && let Some(lost) = Open::lost(&delta, &mut next)
        {
            open.push((index.unwrap_or_default(), lost));
        }
        let place = found.or(open.len().checked_sub(1).filter(|_| found.is_none()));
        let known = place.and_then(|at| open.get_mut(at));
        let known = known.filter(|(held, _)| *held == index.unwrap_or_default());
        let left = match known {
            Some((_, block)) => block.grow(delta, &mut next, emit),
            None => Some(format!("{} of no block", delta.kind.or_empty())),
        };
        if let Some(what) = left {
            emit(WireEvent::Ignored { what: what.into() });
        }
    }

    /// Remembers an event that others may repeat.
    fn remember(&mut self, text: &str, event: &Event<'_>) {
        if event.kind.0.as_deref() == Some("content_block_delta")
            && let Some((words, added)) = event.delta.0.only_words()
        {
            self.repeat.remember((None, text), [Differs::Words(words)], (event.index.0, added));
        }
    }

    fn find(&self, index: Option<u64>) -> Option<usize> {
        let index = index.unwrap_or_default();
        self.open.iter().rposition(|(held, _)| *held == index)
    }

    fn usage(&mut self, raw: Option<&RawValue>, emit: Emit<'_>) {
        let Some(raw) = raw else { return };
        if !self.streams() {
            emit(WireEvent::Usage { usage: usage::read(raw), raw });
        } else if let Some(merged) = self.usage.add(raw) {
            emit(WireEvent::Usage { usage: usage::read(&merged), raw: &merged });
        }
    }

    fn stop(&mut self, word: Str<'_>, emit: Emit<'_>) {
        if let Some(word) = word.non_empty() {
            self.complete = true;
            emit(WireEvent::Finish { reason: finish::reason(&word), raw: word });
        }
    }

    fn malformed(&self, error: &dyn fmt::Display, emit: Emit<'_>) -> Result<(), DecodeError> {
        let detail = error.to_string();
        if !self.streams() {
            return Err(DecodeError::Malformed { detail });
        }
        emit(WireEvent::Malformed { detail });
        Ok(())
    }

    /// The JSON of an event.
    fn text(&mut self, text: &str, emit: Emit<'_>) -> Result<(), DecodeError> {
        let read = if self.streams() {
            if let Some((anew, (index, added))) = self.repeat.of((None, text)) {
                self.delta(index, added.delta(anew.words), emit);
                return Ok(());
            }
            json::from_str(text).map(|Object(event)| {
                self.remember(text, &event);
                self.event(event, emit);
            })
        } else {
            return match json::from_str(text) {
                Ok(Object(message)) => self.body(message, emit),
                Err(error) => self.malformed(&error, emit),
            };
        };
        read.or_else(|error| self.malformed(&error, emit))
    }

    /// An event inside of a chunk of Bedrock.
    fn chunk(&mut self, data: &str, emit: Emit<'_>) -> Result<(), DecodeError> {
        let Object(Chunk(bytes)) = lenient::<Object<Chunk<'_>>>(data);
        let decoded = STANDARD.decode(bytes.or_empty().as_bytes());
        match decoded.map(String::from_utf8) {
            Ok(Ok(text)) => self.text(&text, emit),
            Ok(Err(error)) => self.malformed(&error, emit),
            Err(error) => self.malformed(&error, emit),
        }
    }
}

impl Decoder for MessageDecoder {
    fn push(
        &mut self,
        frame: Frame<'_>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> Result<(), DecodeError> {
        let text = match std::str::from_utf8(frame.data) {
            Ok(text) => text.trim(),
            Err(error) => return self.malformed(&error, emit),
        };
        if self.streams() {
            if text.is_empty() {
                return Ok(());
            }
            match frame.event {
                Some("chunk") => return self.chunk(text, emit),
                Some(event) if fault::is_exception(event) => {
                    self.complete = true;
                    emit(WireEvent::Fault(fault::exception(event, text, &self.target)));
                    return Ok(());
                }
                _ => {}
            }
        }
        self.text(text, emit)
    }

    fn finish(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError> {
        for (_, open) in std::mem::take(&mut self.open) {
            open.end(emit);
        }
        if self.complete || !self.streams() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

/// Gives the numbers of the parts, in order.
fn numbers(parts: &mut u32) -> impl FnMut() -> u32 {
    || {
        let part = *parts;
        *parts = parts.saturating_add(1);
        part
    }
}

fn extras(fields: Vec<Extra<'_>>, emit: Emit<'_>) {
    for (key, value) in fields {
        emit(WireEvent::Extra { place: Place::Top, key, value });
    }
}
