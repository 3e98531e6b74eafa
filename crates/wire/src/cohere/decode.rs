//! The decoder: a body is one event that says everything; a stream is many that each say more.

use std::borrow::Cow;
use std::fmt;

use largestack_types::json::Json;
use largestack_types::part::Citation;
use serde_json::value::RawValue;

use super::content::PLAN;
use super::reply::{Block, Event, Extra, Said, items, read};
use super::{NAME, fault, usage};
use crate::error::DecodeError;
use crate::event::{Place, WireEvent};
use crate::json::Object;
use crate::model::Target;
use crate::object::{Writer, json};
use crate::wire::{Decoder, Frame, Mode};

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// Reads one reply of the wire.
#[derive(Debug)]
pub(super) struct CohereDecoder {
    mode: Mode,
    target: Target,
    next: u32,
    calls: u32,
    /// The part that goes on, and what it is of.
    open: Option<(Kind, u32)>,
    /// The last part with words, which citations go back with.
    words: Option<u32>,
    citations: Vec<Box<RawValue>>,
    /// The reason to stop came, or an error: no more is due.
    complete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plan,
    /// The block of content with this index.
    Text(u64),
    Thinking(u64),
    /// The call with this index.
    Call(u64),
}

impl CohereDecoder {
    pub(super) fn new(mode: Mode, target: Target) -> Self {
        Self {
            mode,
            target,
            next: 0,
            calls: 0,
            open: None,
            words: None,
            citations: Vec::new(),
            complete: false,
        }
    }

    fn body(&mut self, event: Event<'_>, emit: Emit<'_>) -> Result<(), DecodeError> {
        let Some(message) = event.message else {
            return Err(DecodeError::NotAReply { missing: "message" });
        };
        if !message.get().starts_with('{') {
            return Err(DecodeError::NotAReply { missing: "message" });
        }
        if let Some(id) = event.id.non_empty() {
            emit(WireEvent::Identity { id: Some(id), model: None });
        }
        self.said(None, read(message), emit);
        self.end(event.finish.0, event.usage, emit);
        extras(Place::Top, event.extras, emit);
        Ok(())
    }

    fn event(&mut self, name: Option<&str>, event: Event<'_>, emit: Emit<'_>) {
        let kind = event.kind.or_empty();
        let kind = if kind.is_empty() { name.unwrap_or_default() } else { &kind };
        let Object(delta) = event.delta.unwrap_or_default();
        let known = matches!(
            kind,
            "message-start"
                | "content-start"
                | "content-delta"
                | "content-end"
                | "tool-plan-delta"
                | "tool-call-start"
                | "tool-call-delta"
                | "tool-call-end"
                | "citation-start"
                | "citation-end"
                | "message-end"
        );
        if !known {
            self.stray(kind, event.message, emit);
            return;
        }
        let id = event.id.non_empty().filter(|_| kind == "message-start");
        if id.is_some() {
            emit(WireEvent::Identity { id, model: None });
        }
        let Event { message, finish, usage, error, extras: unread, .. } = *delta;
        if let Some(message) = message {
            let index = event.index.0.unwrap_or_default();
            if matches!(kind, "tool-call-start" | "content-start") {
                self.open = None;
            }
            self.said(Some(index), read(message), emit);
        }
        extras(Place::Top, event.extras, emit);
        extras(Place::Top, unread, emit);
        self.end(finish.0, usage, emit);
        if let Some(words) = error.non_empty() {
            self.complete = true;
            emit(WireEvent::Fault(fault::in_reply(&words, &self.target)));
        }
    }

    /// An event of no known kind. An error that breaks off a stream is a sentence without a type.
    fn stray(&mut self, kind: &str, message: Option<&RawValue>, emit: Emit<'_>) {
        let sentence = message.map(|raw| crate::json::lenient::<crate::json::Str<'_>>(raw.get()));
        match sentence.and_then(crate::json::Str::non_empty) {
            Some(words) if kind.is_empty() || kind == "error" => {
                self.complete = true;
                emit(WireEvent::Fault(fault::in_reply(&words, &self.target)));
            }
            _ => {
                let what = if kind.is_empty() { "an event without a type" } else { kind };
                emit(WireEvent::Ignored { what: what.into() });
            }
        }
    }

    /// What a message says, or with an index, what an event adds to it.
    fn said(&mut self, index: Option<u64>, said: Said<'_>, emit: Emit<'_>) {
        extras(Place::Message, said.extras, emit);
        if let Some(text) = said.plan.non_empty() {
            let part = self.part(Kind::Plan, emit);
            emit(WireEvent::Reasoning { part, text });
        }
        let content = said.content.map(items).unwrap_or_default();
        for (number, raw) in (0..).zip(content) {
            self.content(index.unwrap_or(number), raw, emit);
        }
        let calls = said.calls.map(items).unwrap_or_default();
        for (number, raw) in (0..).zip(calls) {
            self.call(index.unwrap_or(number), raw, emit);
        }
        let cited = said.citations.map(items).unwrap_or_default();
        self.citations.extend(cited.into_iter().map(ToOwned::to_owned));
    }

    /// The part that goes on, or a new one.
    fn part(&mut self, kind: Kind, emit: Emit<'_>) -> u32 {
        if let Some((open, part)) = self.open
            && open == kind
        {
            return part;
        }
        let part = self.next;
        self.next += 1;
        self.open = Some((kind, part));
        // Content came as a list and goes back as one; a plan goes back where it came from.
        let fields = match kind {
            Kind::Plan => Some(json(|out| {
                let mut fields = Writer::object(out);
                fields.value(PLAN, &true);
                fields.end();
            })),
            Kind::Text(_) | Kind::Thinking(_) => Some(Json::empty_object()),
            Kind::Call(_) => None,
        };
        if let Some(fields) = fields {
            emit(WireEvent::Native { part, wire: NAME, fields });
        }
        if matches!(kind, Kind::Text(_)) {
            self.words = Some(part);
        }
        part
    }

    fn content(&mut self, index: u64, raw: &RawValue, emit: Emit<'_>) {
        if raw.get().starts_with('"') {
            let text = crate::json::lenient::<crate::json::Str<'_>>(raw.get()).or_empty();
            if !text.is_empty() {
                let part = self.part(Kind::Text(index), emit);
                emit(WireEvent::Text { part, text });
            }
            return;
        }
        let block: Block<'_> = read(raw);
        let kind = block.kind.0.as_deref().unwrap_or_default();
        if block.thinking.0.is_some() {
            let text = block.thinking.or_empty();
            let part = self.part(Kind::Thinking(index), emit);
            emit(WireEvent::Reasoning { part, text });
        } else if block.text.0.is_some() && matches!(kind, "text" | "") {
            let text = block.text.or_empty();
            let part = self.part(Kind::Text(index), emit);
            emit(WireEvent::Text { part, text });
        } else {
            self.open = None;
            let part = self.next;
            self.next += 1;
            emit(WireEvent::Unknown { part, raw: Json::from(raw.to_owned()) });
            emit(WireEvent::Native { part, wire: NAME, fields: Json::empty_object() });
        }
    }

    fn call(&mut self, index: u64, raw: &RawValue, emit: Emit<'_>) {
        let call: Block<'_> = read(raw);
        let function: Block<'_> = call.function.map(read).unwrap_or_default();
        let begins = !matches!(self.open, Some((Kind::Call(open), _)) if open == index)
            || call.id.0.is_some();
        if begins {
            self.open = None;
            self.calls += 1;
        }
        let number = self.calls.saturating_sub(1);
        let part = self.part(Kind::Call(index), emit);
        if begins {
            let (id, name) = (call.id.or_empty(), function.name.or_empty());
            emit(WireEvent::ToolCall { part, id, name });
        }
        if let Some(text) = function.arguments.non_empty() {
            emit(WireEvent::Arguments { part, text });
        }
        for (key, value) in call.extras {
            let key = format!("{number}.{key}").into();
            emit(WireEvent::Extra { place: Place::ToolCall, key, value });
        }
    }

    fn end(&mut self, finish: Option<Cow<'_, str>>, raw: Option<&RawValue>, emit: Emit<'_>) {
        if let Some(raw) = raw {
            emit(WireEvent::Usage { usage: usage::read(raw), raw });
        }
        if let Some(word) = finish {
            self.complete |= !word.is_empty();
            emit(WireEvent::Finish { reason: usage::reason(&word), raw: word });
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

impl Decoder for CohereDecoder {
    fn push(
        &mut self,
        frame: Frame<'_>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> Result<(), DecodeError> {
        let text = match std::str::from_utf8(frame.data) {
            Ok(text) => text.trim(),
            Err(error) => return self.malformed(frame, &error, emit),
        };
        if self.mode == Mode::Stream && (text.is_empty() || text == "[DONE]") {
            return Ok(());
        }
        match serde_json::from_str::<Object<Event<'_>>>(text) {
            Ok(Object(event)) if self.mode == Mode::Whole => self.body(event, emit),
            Ok(Object(event)) => {
                self.event(frame.event, event, emit);
                Ok(())
            }
            Err(error) => self.malformed(frame, &error, emit),
        }
    }

    fn finish(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError> {
        let citations = std::mem::take(&mut self.citations);
        if !citations.is_empty() {
            if let Some(part) = self.words {
                let fields = json(|out| {
                    let mut fields = Writer::object(out);
                    let mut list = fields.inner_list("citations");
                    for raw in &citations {
                        list.raw_item(raw.get());
                    }
                    list.end();
                    fields.end();
                });
                emit(WireEvent::Native { part, wire: NAME, fields });
            }
            for raw in &citations {
                let part = self.next;
                self.next += 1;
                emit(WireEvent::Citation { part, citation: cite(raw) });
            }
        }
        if self.complete || self.mode == Mode::Whole { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

/// A citation in the words everybody knows: its first source, and the words of the reply it is for
/// in `raw`.
fn cite(raw: &RawValue) -> Citation {
    let cited: Block<'_> = read(raw);
    let source: Block<'_> = cited.sources.0.first().map(|raw| read(raw)).unwrap_or_default();
    let document: Block<'_> = source.document.map(read).unwrap_or_default();
    let name = document.url.non_empty().or_else(|| source.id.non_empty());
    Citation {
        source: name.unwrap_or_default().into(),
        title: document.title.non_empty().map(Into::into),
        lines: None,
        quote: document.text.non_empty().map(Into::into),
        raw: Some(Json::from(raw.to_owned())),
    }
}

fn extras(place: Place, fields: Vec<Extra<'_>>, emit: Emit<'_>) {
    for (key, value) in fields {
        emit(WireEvent::Extra { place, key, value });
    }
}
