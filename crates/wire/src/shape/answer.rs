//! A decoder around a decoder: what the answer's tool is called with comes out as text, as if the
//! model had said it. A call of another tool in the same reply is still a call: the model has not
//! seen what that returns, so that its answer is a word before its time, and the run goes on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use largestack_types::reply::FinishReason;

use crate::error::DecodeError;
use crate::event::WireEvent;
use crate::wire::{Decoder, Frame};

/// Turns calls of one tool into text.
#[derive(Debug)]
pub(super) struct Answering {
    inner: Box<dyn Decoder + Send>,
    sort: Sort,
}

/// What is known of a reply's parts.
#[derive(Debug)]
struct Sort {
    tool: Cow<'static, str>,
    parts: BTreeMap<u32, Call>,
    /// Why the model stopped, held back until all its calls are known.
    finish: Option<(FinishReason, String)>,
}

#[derive(Debug)]
enum Call {
    /// Its name has not been said yet: its id and its arguments so far.
    Nameless(String, String),
    /// The answer.
    Answer,
    /// Any other.
    Other,
}

impl Answering {
    pub(super) fn new(inner: Box<dyn Decoder + Send>, tool: Cow<'static, str>) -> Self {
        Self { inner, sort: Sort { tool, parts: BTreeMap::new(), finish: None } }
    }
}

impl Decoder for Answering {
    fn push(
        &mut self,
        frame: Frame<'_>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> Result<(), DecodeError> {
        let Self { inner, sort } = self;
        inner.push(frame, &mut |event| sort.take(event, emit))
    }

    fn finish(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError> {
        let Self { inner, sort } = self;
        let ended = inner.finish(&mut |event| sort.take(event, emit));
        sort.end(emit);
        ended
    }
}

impl Sort {
    fn take(&mut self, event: WireEvent<'_>, emit: &mut dyn FnMut(WireEvent<'_>)) {
        match event {
            WireEvent::ToolCall { part, id, name } => self.call(part, &id, &name, emit),
            WireEvent::Arguments { part, text } => match self.parts.get_mut(&part) {
                Some(Call::Answer) => emit(WireEvent::Text { part, text }),
                Some(Call::Nameless(_, held)) => held.push_str(&text),
                _ => emit(WireEvent::Arguments { part, text }),
            },
            // What the protocol says of a call does not go back with a text.
            WireEvent::Native { part, .. } if self.is_answer(part) => {}
            WireEvent::Finish { reason, raw } => self.finish = Some((reason, raw.into_owned())),
            other => emit(other),
        }
    }

    fn is_answer(&self, part: u32) -> bool {
        matches!(self.parts.get(&part), Some(Call::Answer))
    }

    fn call(&mut self, part: u32, id: &str, name: &str, emit: &mut dyn FnMut(WireEvent<'_>)) {
        match self.parts.get_mut(&part) {
            Some(Call::Answer) => return,
            Some(Call::Other) => {
                emit(WireEvent::ToolCall { part, id: id.into(), name: name.into() });
                return;
            }
            Some(Call::Nameless(held, _)) if name.is_empty() => {
                if !id.is_empty() {
                    id.clone_into(held);
                }
                return;
            }
            None if name.is_empty() => {
                self.parts.insert(part, Call::Nameless(id.to_owned(), String::new()));
                return;
            }
            Some(Call::Nameless(..)) | None => {}
        }
        let answers = name == self.tool;
        let known = if answers { Call::Answer } else { Call::Other };
        let (held, arguments) = match self.parts.insert(part, known) {
            Some(Call::Nameless(held, arguments)) => (held, arguments),
            _ => (String::new(), String::new()),
        };
        if answers {
            emit(WireEvent::Text { part, text: arguments.into() });
            return;
        }
        let id = if id.is_empty() { held.into() } else { id.into() };
        emit(WireEvent::ToolCall { part, id, name: name.into() });
        if !arguments.is_empty() {
            emit(WireEvent::Arguments { part, text: arguments.into() });
        }
    }

    fn end(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) {
        for (part, call) in &mut self.parts {
            if let Call::Nameless(id, arguments) = call {
                let (id, text) = (std::mem::take(id), std::mem::take(arguments));
                emit(WireEvent::ToolCall { part: *part, id: id.into(), name: "".into() });
                emit(WireEvent::Arguments { part: *part, text: text.into() });
                *call = Call::Other;
            }
        }
        if let Some((reason, raw)) = self.finish.take() {
            let others = self.parts.values().any(|call| matches!(call, Call::Other));
            let answered = self.parts.values().any(|call| matches!(call, Call::Answer));
            let done = reason == FinishReason::ToolCalls && answered && !others;
            let reason = if done { FinishReason::Stop } else { reason };
            emit(WireEvent::Finish { reason, raw: raw.into() });
        }
    }
}
