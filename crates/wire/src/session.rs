//! What an encoder remembers between the turns of a run, so that a turn costs its new messages
//! and one copy. A pure cache: dropping it at any time changes no byte of any request.
//!
//! What makes it valid: messages are immutable behind their `Arc`, and the session holds each
//! `Arc` it has encoded, so an equal pointer means equal content (the allocation cannot have been
//! freed and reused, and nobody can get a `&mut` to it). Anything else that shapes the bytes is
//! part of the key.

use std::sync::Arc;

use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::message::Message;
use largestack_types::part::Part;
use largestack_types::tool::ToolSpec;

use crate::error::EncodeError;
use crate::model::Target;

/// Bytes around the words of a message: its role and fields.
const AROUND: usize = 64;

/// What every session of one wire and target begins with, whoever's it is: made once, so that a run
/// of one call does not make it again.
#[derive(Clone, Debug)]
pub struct Beginning {
    key: (&'static str, Target),
    urls: [Option<Arc<str>>; 2],
}

/// The encoded beginning of a conversation, and the encoded settings of its calls.
#[derive(Debug, Default)]
pub struct Session {
    key: Option<(&'static str, Target)>,
    /// For a whole body and for a stream.
    urls: [Option<Arc<str>>; 2],
    messages: Vec<Encoded>,
    text: Vec<u8>,
    tail: Option<Tail>,
    /// What [`crate::shape`] has put in the place of settings, tools and instructions.
    pub(crate) shaped: Option<Box<crate::shape::Shaped>>,
}

#[derive(Debug)]
struct Encoded {
    message: Arc<Message>,
    /// Where its text ends.
    end: usize,
}

/// The part of a request that does not depend on the messages.
#[derive(Debug)]
pub(crate) struct Tail {
    tools: Arc<[ToolSpec]>,
    tool_choice: ToolChoice,
    settings: Arc<Settings>,
    stream: bool,
    pub(crate) text: Vec<u8>,
    pub(crate) dropped: Vec<&'static str>,
}

impl Tail {
    pub(crate) fn new(call: &Call, text: Vec<u8>, dropped: Vec<&'static str>) -> Self {
        Self {
            tools: call.tools.clone(),
            tool_choice: call.tool_choice.clone(),
            settings: call.settings.clone(),
            stream: call.stream,
            text,
            dropped,
        }
    }

    fn fits(&self, call: &Call) -> bool {
        Arc::ptr_eq(&self.tools, &call.tools)
            && Arc::ptr_eq(&self.settings, &call.settings)
            && self.stream == call.stream
            && self.tool_choice == call.tool_choice
    }
}

impl Session {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that goes on from where every session of a target begins. It gives the same bytes as an
    /// empty one, also at another target.
    pub fn of(beginning: &Beginning) -> Self {
        let Beginning { key, urls } = beginning.clone();
        Self { key: Some(key), urls, ..Self::default() }
    }

    /// What other sessions of the same target can begin with; `None` before anything was encoded.
    pub fn beginning(&self) -> Option<Beginning> {
        self.key.clone().map(|key| Beginning { key, urls: self.urls.clone() })
    }

    /// Whether nothing was encoded yet.
    pub const fn is_new(&self) -> bool {
        self.key.is_none()
    }

    /// Forgets everything unless it was made by this wire for this target.
    pub(crate) fn enter(&mut self, wire: &'static str, target: &Target) {
        let same = self.key.as_ref().is_some_and(|(name, held)| *name == wire && held == target);
        if !same {
            *self = Self { key: Some((wire, target.clone())), ..Self::default() };
        }
    }

    /// The address of the target, made once for each way of answering.
    pub(crate) fn url(
        &mut self,
        stream: bool,
        make: impl FnOnce() -> Result<String, EncodeError>,
    ) -> Result<Arc<str>, EncodeError> {
        let [whole, streamed] = &mut self.urls;
        let held = if stream { streamed } else { whole };
        if let Some(url) = held {
            return Ok(url.clone());
        }
        let url: Arc<str> = make()?.into();
        *held = Some(url.clone());
        Ok(url)
    }

    /// Readies the tail for this call, made anew when the held one is for another.
    pub(crate) fn ready_tail(
        &mut self,
        call: &Call,
        make: impl FnOnce() -> Result<Tail, EncodeError>,
    ) -> Result<(), EncodeError> {
        if !self.tail.as_ref().is_some_and(|tail| tail.fits(call)) {
            self.tail = Some(make()?);
        }
        Ok(())
    }

    /// Readies the encoded messages. `encode` appends message number `i` of the list to the text;
    /// what it appends may depend on the messages up to that one only.
    pub(crate) fn ready_messages(
        &mut self,
        messages: &[Arc<Message>],
        mut encode: impl FnMut(&mut Vec<u8>, usize) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let pairs = self.messages.iter().zip(messages);
        let same = pairs.take_while(|(held, given)| Arc::ptr_eq(&held.message, given)).count();
        self.messages.truncate(same);
        self.text.truncate(self.messages.last().map_or(0, |held| held.end));
        if self.text.is_empty() {
            self.text.reserve(messages.iter().map(|message| room(message)).sum());
        }
        for (index, message) in messages.iter().enumerate().skip(same) {
            if let Err(error) = encode(&mut self.text, index) {
                // Half a message must not stay.
                self.text.truncate(self.messages.last().map_or(0, |held| held.end));
                return Err(error);
            }
            self.messages.push(Encoded { message: message.clone(), end: self.text.len() });
        }
        Ok(())
    }

    /// What was made ready: the messages and the tail.
    pub(crate) fn ready(&self) -> (&[u8], Option<&Tail>) {
        (&self.text, self.tail.as_ref())
    }
}

/// Bytes that a message of words is encoded in, or nearly.
fn room(message: &Message) -> usize {
    let words = message.parts.iter().filter_map(Part::as_text);
    AROUND + words.map(str::len).sum::<usize>()
}
