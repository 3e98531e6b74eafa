//! The decoder: a body is one line that says everything; a stream is many that each say more.

use std::borrow::Cow;
use std::fmt;

use largestack_types::json::Json;
use largestack_types::part::{Media, MediaKind, MediaSource};
use largestack_types::reply::FinishReason;

use super::reply::{Call, Extra, Line, Said, usage};
use super::{NAME, fault};
use crate::error::DecodeError;
use crate::event::{Place, WireEvent};
use crate::json::{Object, Str, lenient};
use crate::model::Target;
use crate::object::{Writer, json};
use crate::wire::{Decoder, Frame, Mode};

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// Reads one reply of the wire.
#[derive(Debug)]
pub(super) struct OllamaDecoder {
    mode: Mode,
    target: Target,
    next: u32,
    calls: u32,
    open: Option<(Kind, u32)>,
    /// The last line came, or an error: no more is due.
    complete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

/// Why a model stopped. `load` and `unload` answer requests without messages.
fn reason(word: &str, called: bool) -> FinishReason {
    match word {
        "stop" if called => FinishReason::ToolCalls,
        "stop" | "load" | "unload" => FinishReason::Stop,
        "length" => FinishReason::Length,
        _ => FinishReason::Other,
    }
}

impl OllamaDecoder {
    pub(super) fn new(mode: Mode, target: Target) -> Self {
        Self { mode, target, next: 0, calls: 0, open: None, complete: false }
    }

    fn line(&mut self, line: Line<'_>, emit: Emit<'_>) -> Result<(), DecodeError> {
        if let Some(raw) = line.error.filter(|raw| raw.get() != "null") {
            let words = lenient::<Str<'_>>(raw.get()).non_empty();
            let words = words.unwrap_or(Cow::Borrowed(raw.get()));
            self.complete = true;
            emit(WireEvent::Fault(fault::in_reply(&words, &self.target)));
            return Ok(());
        }
        let Some(Object(said)) = line.message else {
            if self.mode == Mode::Whole {
                return Err(DecodeError::NotAReply { missing: "message" });
            }
            emit(WireEvent::Ignored { what: "a line without a message".into() });
            return Ok(());
        };
        if let Some(model) = line.model.non_empty() {
            emit(WireEvent::Identity { id: None, model: Some(model) });
        }
        self.said(said, emit);
        extras(Place::Top, line.extras, emit);
        if !line.costs.is_empty() {
            let costs = costs(&line.costs);
            if let Ok(raw) = serde_json::from_str(costs.as_str()) {
                emit(WireEvent::Usage { usage: usage(&line.costs), raw });
            }
        }
        let word = line.reason.non_empty();
        let done = line.done.is_some_and(|raw| raw.get() == "true");
        self.complete |= done;
        // Older servers end without a word.
        let word = word.or_else(|| done.then_some(Cow::Borrowed("stop")));
        if let Some(word) = word {
            let reason = reason(&word, self.calls > 0);
            emit(WireEvent::Finish { reason, raw: word });
        }
        Ok(())
    }

    fn part(&mut self, kind: Kind) -> u32 {
        if let Some((open, part)) = self.open
            && open == kind
        {
            return part;
        }
        let part = self.fresh();
        self.open = Some((kind, part));
        part
    }

    fn fresh(&mut self) -> u32 {
        self.open = None;
        let part = self.next;
        self.next += 1;
        part
    }

    fn said(&mut self, said: Said<'_>, emit: Emit<'_>) {
        extras(Place::Message, said.extras, emit);
        if let Some(text) = said.thinking.non_empty() {
            let part = self.part(Kind::Thinking);
            emit(WireEvent::Reasoning { part, text });
            emit(WireEvent::Native { part, wire: NAME, fields: Json::empty_object() });
        }
        if let Some(text) = said.content.non_empty() {
            emit(WireEvent::Text { part: self.part(Kind::Text), text });
        }
        for data in said.images.0.into_iter().filter_map(Str::non_empty) {
            let source = MediaSource::Base64(data.into());
            let media =
                Media { kind: MediaKind::Image, mime: "image/*".into(), source, name: None };
            emit(WireEvent::Media { part: self.fresh(), media });
        }
        for Object(call) in said.calls.0 {
            self.call(call, emit);
        }
    }

    fn call(&mut self, call: Call<'_>, emit: Emit<'_>) {
        let part = self.fresh();
        self.calls += 1;
        let Object(function) = call.function;
        let (id, name) = (call.id.or_empty(), function.name.or_empty());
        emit(WireEvent::ToolCall { part, id, name });
        if let Some(raw) = function.arguments {
            // An object, or as some templates have it, the text of one.
            let text = match lenient::<Str<'_>>(raw.get()).0 {
                Some(text) if raw.get().starts_with('"') => text,
                _ => Cow::Borrowed(raw.get()),
            };
            emit(WireEvent::Arguments { part, text });
        }
        let own = &function.extras;
        if !own.is_empty() || !call.extras.is_empty() {
            let fields = json(|out| {
                let mut fields = Writer::object(out);
                for (key, raw) in &call.extras {
                    fields.raw(key, raw.get());
                }
                if !own.is_empty() {
                    let mut inner = fields.inner("function");
                    for (key, raw) in own {
                        inner.raw(key, raw.get());
                    }
                    inner.end();
                }
                fields.end();
            });
            emit(WireEvent::Native { part, wire: NAME, fields });
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

impl Decoder for OllamaDecoder {
    fn push(
        &mut self,
        frame: Frame<'_>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> Result<(), DecodeError> {
        let text = match std::str::from_utf8(frame.data) {
            Ok(text) => text.trim(),
            Err(error) => return self.malformed(frame, &error, emit),
        };
        match serde_json::from_str::<Object<Line<'_>>>(text) {
            Ok(Object(line)) => self.line(line, emit),
            Err(error) => self.malformed(frame, &error, emit),
        }
    }

    fn finish(&mut self, _emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError> {
        if self.complete || self.mode == Mode::Whole { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

/// The counts and durations in one object, as they were written: the protocol has none of its own.
fn costs(fields: &[Extra<'_>]) -> Json {
    json(|out| {
        let mut object = Writer::object(out);
        for (key, raw) in fields {
            object.raw(key, raw.get());
        }
        object.end();
    })
}

fn extras(place: Place, fields: Vec<Extra<'_>>, emit: Emit<'_>) {
    for (key, value) in fields {
        emit(WireEvent::Extra { place, key, value });
    }
}
