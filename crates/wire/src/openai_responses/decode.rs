//! The decoder: events that say more and more of the items of a reply, and a last one that says
//! it all, which is also the whole of a body.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use super::items::{Emit, Items, Words, kind_of};
use super::shape::{Adds, Event, Response, item};
use super::{fault, finish, usage};
use crate::error::DecodeError;
use crate::event::{Place, WireEvent};
use crate::json::{Differs, Object, Repeat, from_str, lenient};
use crate::model::Target;
use crate::wire::{Decoder, Frame, Mode};

/// Reads one reply of the wire.
#[derive(Debug)]
pub(super) struct ResponsesDecoder {
    mode: Mode,
    target: Target,
    items: Items,
    /// The last event came, or `[DONE]`, or an error: no more is due.
    complete: bool,
    /// The last event was read: another one like it says nothing new.
    finished: bool,
    /// An event that only added words.
    repeat: Repeat<Adds>,
}

impl ResponsesDecoder {
    pub(super) fn new(mode: Mode, target: Target) -> Self {
        let items = Items::new(target.profile.reasoning);
        let repeat = Repeat::default();
        Self { mode, target, items, complete: false, finished: false, repeat }
    }

    const fn streams(&self) -> bool {
        matches!(self.mode, Mode::Stream)
    }

    /// A whole reply, or the reply as it stands in the last event.
    fn last(&mut self, raw: &RawValue, emit: Emit<'_>) -> Result<(), DecodeError> {
        let Object(reply) = lenient::<Object<Response<'_>>>(raw.get());
        if reply.output.is_none() && reply.error.is_none() && !self.streams() {
            return Err(DecodeError::NotAReply { missing: "output" });
        }
        if self.finished {
            return Ok(());
        }
        self.complete = true;
        self.finished = true;
        for (place, raw) in (0..).zip(reply.output.unwrap_or_default().0) {
            self.items.close(place, raw, emit);
        }
        let (id, model) = (reply.id.non_empty(), reply.model.non_empty());
        if id.is_some() || model.is_some() {
            emit(WireEvent::Identity { id, model });
        }
        for (key, value) in reply.extras {
            emit(WireEvent::Extra { place: Place::Top, key, value });
        }
        if let Some(raw) = reply.usage {
            emit(WireEvent::Usage { usage: usage::read(raw), raw });
        }
        let incomplete = reply.incomplete.0.reason.non_empty();
        let ended = finish::reason(reply.status.non_empty(), incomplete, self.items.calls);
        if let Some((reason, raw)) = ended {
            emit(WireEvent::Finish { reason, raw });
        }
        if let Some(raw) = reply.error {
            emit(WireEvent::Fault(fault::in_reply(raw, &self.target)));
        }
        Ok(())
    }

    fn event(
        &mut self,
        event: &Event<'_>,
        raw: &RawValue,
        emit: Emit<'_>,
    ) -> Result<(), DecodeError> {
        let place = event.output_index.0.unwrap_or_default();
        match event.kind.0.as_deref().unwrap_or_default() {
            "response.created" | "response.in_progress" | "response.queued" => {
                Self::identity(event.response, emit);
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done" => {
                self.complete = true;
                return event.response.map_or(Ok(()), |raw| self.last(raw, emit));
            }
            "response.output_item.added" => {
                if let Some(raw) = event.item {
                    self.items.begin(place, raw, emit);
                }
            }
            "response.output_item.done" => {
                if let Some(raw) = event.item {
                    self.items.close(place, raw, emit);
                }
            }
            "response.output_text.annotation.added" => {
                if let Some(raw) = event.annotation {
                    self.items.annotation(place, event.content_index.0.unwrap_or_default(), raw);
                }
            }
            "error" | "response.error" => {
                self.complete = true;
                emit(WireEvent::Fault(fault::in_reply(event.error.unwrap_or(raw), &self.target)));
            }
            "" if event.is_reply => return self.last(raw, emit),
            "" if event.error.is_some() => {
                self.complete = true;
                emit(WireEvent::Fault(fault::in_reply(event.error.unwrap_or(raw), &self.target)));
            }
            kind if self.words(kind, place, event, emit) || is_progress(kind) => {}
            "" => emit(WireEvent::Ignored { what: Cow::Borrowed("an event without a type") }),
            kind => emit(WireEvent::Ignored { what: Cow::Borrowed(kind) }),
        }
        Ok(())
    }

    /// Takes an event that says words; whether it is one.
    fn words(&mut self, kind: &str, place: u64, event: &Event<'_>, emit: Emit<'_>) -> bool {
        let content = event.content_index.0.unwrap_or_default();
        let summary = event.summary_index.0.unwrap_or_default();
        let (words, index, is_whole) = match kind {
            "response.output_text.delta" => (Words::Text, content, false),
            "response.output_text.done" => (Words::Text, content, true),
            "response.refusal.delta" => (Words::Refusal, content, false),
            "response.refusal.done" => (Words::Refusal, content, true),
            "response.reasoning_text.delta" | "response.reasoning.delta" => {
                (Words::Thought, content, false)
            }
            "response.reasoning_text.done" | "response.reasoning.done" => {
                (Words::Thought, content, true)
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_summary.delta" => {
                (Words::Summary, summary, false)
            }
            "response.reasoning_summary_text.done" | "response.reasoning_summary.done" => {
                (Words::Summary, summary, true)
            }
            "response.content_part.added" | "response.content_part.done" => {
                return self.block(place, content, event.part, emit);
            }
            "response.reasoning_summary_part.added" | "response.reasoning_summary_part.done" => {
                let text = event.part.map(|raw| item(raw).text.or_empty()).unwrap_or_default();
                self.items.whole(place, Words::Summary, summary, &text, emit);
                return true;
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.items.arguments(place, event.delta.clone().or_empty(), emit);
                return true;
            }
            // The item itself says the whole once more.
            "response.function_call_arguments.done" | "response.custom_tool_call_input.done" => {
                return true;
            }
            _ => return false,
        };
        if is_whole {
            let text = event.whole.clone().or_empty();
            self.items.whole(place, words, index, &text, emit);
        } else {
            self.items.words(place, words, index, event.delta.clone().or_empty(), emit);
        }
        true
    }

    /// A content block begins or ends.
    fn block(&mut self, place: u64, index: u64, raw: Option<&RawValue>, emit: Emit<'_>) -> bool {
        let Some(raw) = raw else { return true };
        let block = item(raw);
        let words = match &*kind_of(raw) {
            "output_text" | "text" => Words::Text,
            "refusal" => Words::Refusal,
            "reasoning_text" => Words::Thought,
            "summary_text" => Words::Summary,
            _ => Words::Other,
        };
        self.items.whole(place, words, index, &block.text.or_empty(), emit);
        true
    }

    fn identity(raw: Option<&RawValue>, emit: Emit<'_>) {
        let Object(reply) = lenient::<Object<Response<'_>>>(raw.map_or("", RawValue::get));
        let (id, model) = (reply.id.non_empty(), reply.model.non_empty());
        if id.is_some() || model.is_some() {
            emit(WireEvent::Identity { id, model });
        }
    }

    fn malformed(
        &self,
        frame: Frame<'_>,
        error: &dyn fmt::Display,
        emit: Emit<'_>,
    ) -> Result<(), DecodeError> {
        let detail = format!("{error} ({} bytes)", frame.data.len());
        if !self.streams() {
            return Err(DecodeError::Malformed { detail });
        }
        emit(WireEvent::Malformed { detail });
        Ok(())
    }
}

/// Events that tell how far a tool of the provider is; its item says it all in the end.
fn is_progress(kind: &str) -> bool {
    const KINDS: &[&str] = &[
        "response.web_search_call",
        "response.file_search_call",
        "response.code_interpreter_call",
        "response.image_generation_call",
        "response.mcp_call",
        "response.mcp_list_tools",
        "response.computer_call",
        "response.local_shell_call",
        "response.shell_call",
        "response.apply_patch_call",
        "response.tool_search_call",
        "response.audio",
    ];
    kind == "keepalive" || KINDS.iter().any(|known| kind.starts_with(known))
}

impl Decoder for ResponsesDecoder {
    fn push(
        &mut self,
        frame: Frame<'_>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> Result<(), DecodeError> {
        let text = match std::str::from_utf8(frame.data) {
            Ok(text) => text.trim(),
            Err(error) => return self.malformed(frame, &error, emit),
        };
        if self.streams() {
            if text.is_empty() {
                return Ok(());
            }
            if text == "[DONE]" {
                self.complete = true;
                return Ok(());
            }
        }
        if let Some((anew, adds)) = self.repeat.of((frame.event, text)) {
            return self.event(&adds.event(anew.words), RawValue::NULL, emit);
        }
        let raw = match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => raw,
            Err(error) => return self.malformed(frame, &error, emit),
        };
        if !self.streams() {
            return self.last(raw, emit);
        }
        match from_str::<Object<Event<'_>>>(text) {
            Ok(Object(mut event)) => {
                // The type stands in the data as well, except at servers that forget it.
                if event.kind.0.is_none() && !event.is_reply {
                    event.kind.0 = frame.event.map(Cow::Borrowed);
                }
                if let Some((words, adds)) = event.only_words() {
                    let beside = [event.number, event.padding].into_iter().flatten();
                    let differs = beside.map(Differs::Ignored);
                    let differs = differs.chain([Differs::Words(words)]);
                    self.repeat.remember((frame.event, text), differs, adds);
                }
                self.event(&event, raw, emit)
            }
            Err(error) => self.malformed(frame, &error, emit),
        }
    }

    fn finish(&mut self, _emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError> {
        if self.complete || !self.streams() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}
