//! The decoder: a body is one chunk that says everything; a stream is many that each say more.
//! Text goes on over the chunks of a stream; a part that carries a signature or anything else
//! beside its words stands by itself, as it has to go back (the reference: do not merge one part
//! with a signature with another part without).

use std::borrow::Cow;
use std::fmt;
use std::mem;

use largestack_types::json::Json;
use largestack_types::part::{Media, MediaSource};
use largestack_types::reply::FinishReason;
use serde_json::value::RawValue;

use super::NAME;
use super::calls::{Calls, fields};
use super::object::{Entries, Field, Writer, json};
use super::parts::kind_of;
use super::reply::{Candidate, Chunk, Part};
use super::sources::Sources;
use super::{fault, finish, usage};
use crate::error::DecodeError;
use crate::event::{Place, WireEvent};
use crate::json::{Differs, Object, Repeat, Str, from_str, lenient};
use crate::model::Target;
use crate::wire::{Decoder, Frame, Mode};

/// Reads one reply of the wire.
#[derive(Debug)]
pub(super) struct GeminiDecoder {
    mode: Mode,
    target: Target,
    /// The number of the next part.
    next: u32,
    /// The part whose words go on, and whether they are a thought.
    open: Option<(bool, u32)>,
    calls: Calls,
    sources: Sources,
    /// The word for why it stopped, to be read again where a call comes behind it.
    stopped: Option<String>,
    /// A reason to stop came, or an error: no more is due.
    complete: bool,
    /// The frame that completed a stream: the same again says nothing new.
    last: Option<Box<str>>,
    /// A chunk that said nothing but words of the answer, and counts.
    repeat: Repeat<()>,
}

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// Tools that the provider runs itself, in the part of a reply.
const SERVER: &[&str] = &["executableCode", "codeExecutionResult", "toolCall", "toolResponse"];

impl GeminiDecoder {
    pub(super) fn new(mode: Mode, target: Target) -> Self {
        Self {
            mode,
            target,
            next: 0,
            open: None,
            calls: Calls::default(),
            sources: Sources::default(),
            stopped: None,
            complete: false,
            last: None,
            repeat: Repeat::default(),
        }
    }

    const fn joins(&self) -> bool {
        matches!(self.mode, Mode::Stream)
    }

    /// The number of a new part; no other goes on behind it.
    const fn next(&mut self) -> u32 {
        self.open = None;
        let part = self.next;
        self.next += 1;
        part
    }

    fn chunk(&mut self, chunk: Chunk<'_>, emit: Emit<'_>) -> Result<(), DecodeError> {
        let Chunk { id, model, candidates, usage: counts, feedback, error, extras } = chunk;
        if candidates.is_none() && feedback.is_none() && counts.is_none() && error.is_none() {
            if !self.joins() {
                return Err(DecodeError::NotAReply { missing: "candidates" });
            }
            emit(WireEvent::Ignored { what: "a chunk without candidates".into() });
            return Ok(());
        }
        let (id, model) = (id.non_empty(), model.non_empty());
        if id.is_some() || model.is_some() {
            emit(WireEvent::Identity { id, model });
        }
        keep(Place::Top, extras, emit);
        for Object(candidate) in candidates.unwrap_or_default().0 {
            self.candidate(candidate, emit);
        }
        if let Some(raw) = counts {
            emit(WireEvent::Usage { usage: usage::read(raw), raw });
        }
        if let Some(raw) = feedback {
            self.feedback(raw, emit);
        }
        if let Some(raw) = error {
            self.complete = true;
            emit(WireEvent::Fault(fault::in_reply(raw, &self.target)));
        }
        Ok(())
    }

    /// Remembers a chunk that others may repeat.
    fn remember(&mut self, text: &str, chunk: &Chunk<'_>) {
        if let Some(words) = chunk.only_words().filter(|_| self.stopped.is_none()) {
            let counts = chunk.usage.map(Differs::Value);
            let differs = counts.into_iter().chain([Differs::Words(words)]);
            self.repeat.remember((None, text), differs, ());
        }
    }

    /// A prompt that was blocked: there is no candidate, and the reason to stop is why.
    fn feedback(&mut self, raw: &RawValue, emit: Emit<'_>) {
        let names = ["blockReason", "block_reason"];
        let reason = Entries::of(raw.get()).get(names);
        let reason = reason.and_then(|raw| lenient::<Str<'_>>(raw.get()).non_empty());
        if let Some(raw) = reason.filter(|_| self.stopped.is_none()) {
            self.complete = true;
            emit(WireEvent::Finish { reason: FinishReason::ContentFilter, raw });
        }
    }

    fn candidate(&mut self, candidate: Candidate<'_>, emit: Emit<'_>) {
        let Candidate { index, content, finish, grounding, urls, citations, extras } = candidate;
        if let Some(index @ 1..) = index.0 {
            emit(WireEvent::Ignored { what: format!("candidate {index}").into() });
            return;
        }
        keep(Place::Choice, extras, emit);
        keep(Place::Message, content.0.extras, emit);
        for Object(part) in content.0.parts.0 {
            self.part(part, emit);
        }
        if let Some(raw) = grounding {
            self.sources.grounding(raw);
        }
        if let Some(raw) = urls {
            self.sources.urls(raw);
        }
        if let Some(raw) = citations {
            self.sources.citations(raw);
        }
        if let Some(word) = finish.non_empty() {
            self.complete = true;
            self.stopped = Some(word.into_owned());
        }
        if let Some(word) = &self.stopped {
            let reason = finish::reason(word, self.calls.any);
            emit(WireEvent::Finish { reason, raw: word.as_str().into() });
        }
    }

    fn part(&mut self, part: Part<'_>, emit: Emit<'_>) {
        let Part { text, fields: mut beside } = part;
        let data = |(key, _): &Field<'_>| is_data(key);
        match (text, beside.0.iter().position(data)) {
            (Some(text), None) => self.words(text, beside, emit),
            (None, Some(place)) => {
                let (key, raw) = beside.0.remove(place);
                self.data(&key, raw, beside, emit);
            }
            (None, None) if beside.is_empty() => {}
            (text, _) => {
                let raw = whole(text.as_deref(), &beside);
                self.unknown(raw, emit);
            }
        }
    }

    fn words(&mut self, text: Cow<'_, str>, mut beside: Entries<'_>, emit: Emit<'_>) {
        let is_thought = |(key, raw): &Field<'_>| key == "thought" && raw.get() == "true";
        let thought = beside.0.iter().position(is_thought);
        let thought = thought.map(|place| beside.0.remove(place)).is_some();
        if text.is_empty() && beside.is_empty() {
            return;
        }
        let alone = !self.joins() || !beside.is_empty();
        let open = self.open.filter(|(kind, _)| !alone && *kind == thought);
        let part = open.map_or_else(|| self.next(), |(_, part)| part);
        if !alone {
            self.open = Some((thought, part));
        }
        if thought {
            let names = ["thoughtSignature", "thoughtSignature"];
            let signature = beside.take(names).and_then(|(_, raw)| lenient::<Str<'_>>(raw.get()).0);
            emit(WireEvent::Reasoning { part, text });
            if signature.is_some() {
                emit(WireEvent::ReasoningSeal { part, signature, redacted: false, raw: None });
            }
        } else {
            emit(WireEvent::Text { part, text });
        }
        if thought || !beside.is_empty() {
            emit(WireEvent::Native { part, wire: NAME, fields: beside.to_json() });
        }
    }

    fn data(&mut self, key: &str, raw: &RawValue, beside: Entries<'_>, emit: Emit<'_>) {
        if key == "functionCall" {
            if self.calls.take(raw, &beside, self.next, emit) {
                self.next();
            }
            return;
        }
        if matches!(key, "inlineData" | "fileData") {
            let mut inside = Entries::of(raw.get());
            if let Some(media) = media(&mut inside) {
                let part = self.next();
                emit(WireEvent::Media { part, media });
                let fields = fields(&beside, key, &inside);
                emit(WireEvent::Native { part, wire: NAME, fields });
                return;
            }
        }
        let mut all = beside;
        all.0.push((key.into(), raw));
        let raw = all.to_json();
        if SERVER.contains(&key) {
            let part = self.next();
            emit(WireEvent::ServerTool { part, raw });
            emit(WireEvent::Native { part, wire: NAME, fields: Json::empty_object() });
        } else {
            self.unknown(raw, emit);
        }
    }

    fn unknown(&mut self, raw: Json, emit: Emit<'_>) {
        let part = self.next();
        emit(WireEvent::Unknown { part, raw });
        emit(WireEvent::Native { part, wire: NAME, fields: Json::empty_object() });
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

/// Whether a field of a part is its data and not something said beside it. (`PartMetadata`, video
/// metadata and media resolution are said beside.)
fn is_data(key: &str) -> bool {
    matches!(key, "functionCall" | "functionResponse" | "inlineData" | "fileData")
        || SERVER.contains(&key)
}

/// A part as it came.
fn whole(text: Option<&str>, beside: &Entries<'_>) -> Json {
    let mut out = Vec::new();
    let mut object = Writer::begin(&mut out);
    if let Some(text) = text {
        object.str("text", text);
    }
    object.rest(beside);
    object.end();
    json(out)
}

/// The medium of an `inlineData` or `fileData`; what it says beyond stays in the fields.
fn media(inside: &mut Entries<'_>) -> Option<Media> {
    let source = ["data", "fileUri"].into_iter().find_map(|name| {
        let raw = inside.get([name, name])?;
        let text = lenient::<Str<'_>>(raw.get()).0?;
        Some(match name {
            "data" => MediaSource::Base64(text.into()),
            _ => MediaSource::Url(text.into()),
        })
    })?;
    inside.0.retain(|(key, _)| !matches!(&**key, "data" | "fileUri"));
    let mime = inside.take(["mimeType", "mimeType"]);
    let mime = mime.and_then(|(_, raw)| lenient::<Str<'_>>(raw.get()).non_empty());
    let mime = mime.unwrap_or(Cow::Borrowed("application/octet-stream"));
    Some(Media { kind: kind_of(&mime), mime: mime.into(), source, name: None })
}

impl Decoder for GeminiDecoder {
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
        // Some gateways end every stream so.
        if self.joins() && (matches!(text, "" | "[DONE]") || self.last.as_deref() == Some(text)) {
            return Ok(());
        }
        if let Some((anew, ())) = self.repeat.of((None, text)) {
            self.words(anew.words, Entries::default(), emit);
            if let Some(raw) = anew.value {
                emit(WireEvent::Usage { usage: usage::read(raw), raw });
            }
            return Ok(());
        }
        // Without `alt=sse`, and in some errors, the objects stand in a list.
        let parsed = if text.starts_with('[') {
            from_str(text)
        } else {
            from_str(text).map(|chunk| vec![chunk])
        };
        match parsed {
            Ok(chunks) => {
                if let ([Object(chunk)], true) = (chunks.as_slice(), self.joins()) {
                    self.remember(text, chunk);
                }
                chunks.into_iter().try_for_each(|Object(chunk)| self.chunk(chunk, emit))?;
            }
            Err(error) => return self.malformed(frame, &error, emit),
        }
        if self.complete && self.joins() {
            self.last = Some(text.into());
        }
        Ok(())
    }

    fn finish(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError> {
        self.calls.close(emit);
        let sources = mem::take(&mut self.sources);
        sources.finish(|| self.next(), emit);
        if self.complete || !self.joins() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

fn keep(place: Place, fields: Vec<Field<'_>>, emit: Emit<'_>) {
    for (key, value) in fields {
        emit(WireEvent::Extra { place, key, value });
    }
}
