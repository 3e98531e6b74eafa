//! The decoder: a body is one chunk that says everything; a stream is many that each say more.

use std::borrow::Cow;
use std::fmt;
use std::mem;

use largestack_types::json::Json;
use serde_json::value::RawValue;

use super::chunks;
use super::fault;
use super::finish;
use super::reasoning::Details;
use super::reply::{Choice, Chunk, Content, Extra, Said};
use super::sources::Sources;
use super::tool_calls::ToolCalls;
use super::usage;
use crate::error::DecodeError;
use crate::event::{Place, WireEvent};
use crate::json::{self, Differs, Object, Repeat, Spanned, lenient};
use crate::model::Target;
use crate::wire::{Decoder, Frame, Mode};

/// Numbers the parts of a reply. Text, reasoning and refusals go on in one part as long as no
/// other comes between.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    next: u32,
    open: Option<(Kind, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Reasoning,
    Refusal,
}

impl Blocks {
    /// A new part.
    pub(super) fn next(&mut self) -> u32 {
        self.open = None;
        let part = self.next;
        self.next += 1;
        part
    }

    /// The part that goes on, or a new one.
    pub(super) fn of(&mut self, kind: Kind) -> u32 {
        if let Some((open, part)) = self.open
            && open == kind
        {
            return part;
        }
        let part = self.next();
        self.open = Some((kind, part));
        part
    }
}

/// Reads one reply of the wire.
#[derive(Debug)]
pub(super) struct ChatDecoder {
    mode: Mode,
    target: Target,
    blocks: Blocks,
    details: Details,
    calls: ToolCalls,
    sources: Sources,
    /// The first id is the reply's: a server that runs tools itself streams under several.
    identified: bool,
    /// A reason to stop came, or `[DONE]`, or an error: no more is due.
    complete: bool,
    /// A chunk that said nothing but words, and whether they were a thought.
    repeat: Repeat<bool>,
}

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

impl ChatDecoder {
    pub(super) fn new(mode: Mode, target: Target) -> Self {
        Self {
            mode,
            target,
            blocks: Blocks::default(),
            details: Details::default(),
            calls: ToolCalls::default(),
            sources: Sources::default(),
            identified: false,
            complete: false,
            repeat: Repeat::default(),
        }
    }

    const fn joins(&self) -> bool {
        matches!(self.mode, Mode::Stream)
    }

    fn chunk(&mut self, chunk: Chunk<'_>, emit: Emit<'_>) -> Result<(), DecodeError> {
        let Chunk { id, model, object, choices, usage, x_groq, error, .. } = chunk;
        if choices.is_none() && usage.is_none() && error.is_none() {
            if !self.joins() {
                return Err(DecodeError::NotAReply { missing: "choices" });
            }
            let what = object.non_empty().unwrap_or(Cow::Borrowed("a chunk without choices"));
            emit(WireEvent::Ignored { what });
            return Ok(());
        }
        let (id, model) = (id.non_empty().filter(|_| !self.identified), model.non_empty());
        self.identified |= id.is_some();
        if id.is_some() || model.is_some() {
            emit(WireEvent::Identity { id, model });
        }
        extras(Place::Top, chunk.extras, emit);
        let choices = choices.unwrap_or_default().0;
        if choices.is_empty() && !self.joins() && error.is_none() {
            return Err(DecodeError::NotAReply { missing: "choices" });
        }
        for Object(choice) in choices {
            self.choice(choice, emit);
        }
        self.sources.perplexity(chunk.citations, chunk.search_results);
        let inner = x_groq.and_then(|raw| lenient::<Object<usage::XGroq<'_>>>(raw.get()).0.0);
        if let Some(Spanned { raw, value: Object(counts) }) = usage.or(inner) {
            emit(WireEvent::Usage { usage: usage::read(counts), raw });
        }
        if let Some(raw) = error {
            self.complete = true;
            emit(WireEvent::Fault(fault::in_reply(raw, &self.target)));
        }
        Ok(())
    }

    fn choice(&mut self, choice: Choice<'_>, emit: Emit<'_>) {
        let Choice { index, said, finish_reason, extras: unread } = choice;
        if let Some(index @ 1..) = index.0 {
            emit(WireEvent::Ignored { what: format!("choice {index}").into() });
            return;
        }
        extras(Place::Choice, unread, emit);
        self.said(said.0, emit);
        if let Some(word) = finish_reason.0 {
            self.complete |= !word.is_empty();
            emit(WireEvent::Finish { reason: finish::reason(&word), raw: word });
        }
    }

    /// In the order in which a reader should meet the parts, whatever the order of the fields.
    fn said(&mut self, said: Said<'_>, emit: Emit<'_>) {
        let joins = self.joins();
        extras(Place::Message, said.extras, emit);
        let spoke = self.details.take(&said.reasoning_details.0, joins, &mut self.blocks, emit);
        let plain = said.reasoning_content.non_empty().or_else(|| said.reasoning.non_empty());
        if let Some(text) = plain.filter(|_| !spoke) {
            self.thought(text, emit);
        }
        self.sources.executed_tools(&said.executed_tools.0, &mut self.blocks, emit);
        match said.content {
            Content::Absent => {}
            Content::Text(text) => self.text(text, emit),
            Content::Chunks(raws) => {
                for raw in raws {
                    chunks::take(raw, &mut self.blocks, emit);
                }
            }
        }
        for raw in said.images.0 {
            chunks::image(raw, &mut self.blocks, emit);
        }
        if let Some(raw) = said.audio {
            self.sources.audio(raw, &mut self.blocks, emit);
        }
        if let Some(text) = said.refusal.non_empty() {
            emit(WireEvent::Refusal { part: self.blocks.of(Kind::Refusal), text });
        }
        for Object(call) in said.tool_calls.0 {
            self.calls.take(call, joins, &mut self.blocks, emit);
        }
        self.function_call(said.function_call.0, emit);
        self.sources.annotations(&said.annotations.0);
    }

    fn text(&mut self, text: Cow<'_, str>, emit: Emit<'_>) {
        if !text.is_empty() {
            emit(WireEvent::Text { part: self.blocks.of(Kind::Text), text });
        }
    }

    fn thought(&mut self, text: Cow<'_, str>, emit: Emit<'_>) {
        emit(WireEvent::Reasoning { part: self.blocks.of(Kind::Reasoning), text });
    }

    /// Remembers a chunk that others may repeat.
    fn remember(&mut self, frame: (Option<&str>, &str), chunk: &Chunk<'_>) {
        if let Some((words, thought)) = chunk.only_words() {
            let padding = chunk.padding.map(Differs::Ignored);
            let differs = std::iter::once(Differs::Words(words)).chain(padding);
            self.repeat.remember(frame, differs, thought);
        }
    }

    /// The form of tool calls before there were several: no id, one a reply.
    fn function_call(&mut self, function: super::reply::Function<'_>, emit: Emit<'_>) {
        let empty =
            function.arguments.0.is_empty() && function.name.0.as_deref().is_none_or(str::is_empty);
        if !empty {
            let call = super::reply::ToolCall { function: Object(function), ..Default::default() };
            self.calls.take(call, self.joins(), &mut self.blocks, emit);
        }
    }

    fn malformed(
        &self,
        frame: Frame<'_>,
        error: &dyn fmt::Display,
        emit: Emit<'_>,
    ) -> Result<(), DecodeError> {
        let detail = format!("{error} ({} bytes)", frame.data.len());
        if !self.joins() {
            return Err(DecodeError::Malformed { detail });
        }
        emit(WireEvent::Malformed { detail });
        Ok(())
    }
}

impl Decoder for ChatDecoder {
    fn push(
        &mut self,
        frame: Frame<'_>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> Result<(), DecodeError> {
        // Checked once here instead of once a string in the parser.
        let text = match std::str::from_utf8(frame.data) {
            Ok(text) => text.trim(),
            Err(error) => return self.malformed(frame, &error, emit),
        };
        if self.joins() {
            if text.is_empty() {
                return Ok(());
            }
            if text == "[DONE]" {
                self.complete = true;
                return Ok(());
            }
        }
        if let Some((anew, thought)) = self.repeat.of((frame.event, text)) {
            if thought {
                self.thought(anew.words, emit);
            } else {
                self.text(anew.words, emit);
            }
            return Ok(());
        }
        // A frame named `error` may hold the error without a field around it.
        if frame.event == Some("error")
            && let Ok(raw) = serde_json::from_str::<&RawValue>(text)
            && lenient::<Object<Chunk<'_>>>(raw.get()).0.error.is_none()
        {
            self.complete = true;
            emit(WireEvent::Fault(fault::in_reply(raw, &self.target)));
            return Ok(());
        }
        match json::from_str::<Object<Chunk<'_>>>(text) {
            Ok(Object(chunk)) => {
                if self.joins() {
                    self.remember((frame.event, text), &chunk);
                }
                self.chunk(chunk, emit)
            }
            Err(error) => self.malformed(frame, &error, emit),
        }
    }

    fn finish(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError> {
        self.details.finish(emit);
        mem::take(&mut self.sources).finish(&mut self.blocks, emit);
        if self.complete || !self.joins() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

fn extras(place: Place, fields: Vec<Extra<'_>>, emit: Emit<'_>) {
    for (key, value) in fields {
        emit(WireEvent::Extra { place, key, value });
    }
}

/// The JSON as it came.
pub(super) fn owned(raw: &RawValue) -> Json {
    Json::from(raw)
}
