//! Blocks of a stream while they are open: a start (words and reasoning have none), deltas, a stop.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_types::json::Json;
use largestack_types::part::{Media, MediaKind, MediaSource};
use serde_json::value::RawValue;

use super::block::{call, citations, cite, is_server, member, plain_native};
use super::reply::Member;
use super::{NAME, media};
use crate::event::WireEvent;
use crate::extra::FieldList;
use crate::json::{List, Str, lenient};
use crate::object::{Writer, json};

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// The blocks of a reply, numbered as parts.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    next: u32,
    calls: u32,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    index: u64,
    part: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text {
        citations: Vec<Box<RawValue>>,
    },
    Reasoning {
        signature: Option<String>,
        sealed: Vec<String>,
    },
    Call,
    /// A tool that the provider runs: the start's fields, and the input so far.
    Server {
        head: Json,
        input: String,
    },
    /// What such a tool returned.
    Result {
        head: Json,
        content: Vec<Box<RawValue>>,
    },
    Media {
        kind: MediaKind,
        format: String,
        data: Vec<String>,
    },
}

impl Kind {
    /// Whether a delta of this name continues it.
    fn takes(&self, delta: &str) -> bool {
        match self {
            Self::Text { .. } => matches!(delta, "text" | "citation"),
            Self::Reasoning { .. } => delta == "reasoningContent",
            Self::Call | Self::Server { .. } => delta == "toolUse",
            Self::Result { .. } => delta == "toolResult",
            Self::Media { kind, .. } => media::kind_of(delta) == Some(*kind),
        }
    }
}

impl Blocks {
    /// A new part.
    pub(super) fn next(&mut self) -> u32 {
        let part = self.next;
        self.next += 1;
        part
    }

    /// The number of the next tool call.
    pub(super) fn call(&mut self) -> u32 {
        let call = self.calls;
        self.calls += 1;
        call
    }

    /// A block begins.
    pub(super) fn start(&mut self, index: u64, key: &str, raw: &RawValue, emit: Emit<'_>) {
        self.stop(index, emit);
        let found = member(raw);
        let head = || Json::from(raw.to_owned());
        let kind = match key {
            "toolUse" if is_server(&found) => Kind::Server { head: head(), input: String::new() },
            "toolUse" => {
                let part = self.next();
                let found = Member { input: None, ..found };
                call(part, found, self, emit);
                self.open.push(Open { index, part, kind: Kind::Call });
                return;
            }
            "toolResult" => Kind::Result { head: head(), content: Vec::new() },
            other => {
                let Some(kind) = media::kind_of(other) else {
                    emit(WireEvent::Ignored { what: format!("a block of {other}").into() });
                    return;
                };
                let format = FieldList::of(raw.get()).get("format");
                let format = lenient::<Str<'_>>(format.unwrap_or_default()).or_empty();
                Kind::Media { kind, format: format.into_owned(), data: Vec::new() }
            }
        };
        let part = self.next();
        self.open.push(Open { index, part, kind });
    }

    /// More of a block, which begins with it if it has not begun.
    pub(super) fn delta(&mut self, index: u64, key: &str, raw: &RawValue, emit: Emit<'_>) {
        let known = self.open.iter().position(|open| open.index == index && open.kind.takes(key));
        let place = if let Some(place) = known {
            place
        } else {
            let kind = match key {
                "text" | "citation" => Kind::Text { citations: Vec::new() },
                "reasoningContent" => Kind::Reasoning { signature: None, sealed: Vec::new() },
                other => {
                    emit(WireEvent::Ignored { what: format!("a delta of {other}").into() });
                    return;
                }
            };
            self.stop(index, emit);
            let part = self.next();
            self.open.push(Open { index, part, kind });
            self.open.len() - 1
        };
        if let Some(open) = self.open.get_mut(place) {
            open.more(key, raw, emit);
        }
    }

    /// A block is complete.
    pub(super) fn stop(&mut self, index: u64, emit: Emit<'_>) {
        if let Some(place) = self.open.iter().position(|open| open.index == index) {
            let open = self.open.remove(place);
            open.close(self, emit);
        }
    }

    /// The reply is over.
    pub(super) fn finish(&mut self, emit: Emit<'_>) {
        for open in std::mem::take(&mut self.open) {
            open.close(self, emit);
        }
    }
}

impl Open {
    fn more(&mut self, key: &str, raw: &RawValue, emit: Emit<'_>) {
        let part = self.part;
        match &mut self.kind {
            Kind::Text { citations } if key == "citation" => citations.push(raw.to_owned()),
            Kind::Text { .. } => {
                let text = lenient::<Str<'_>>(raw.get()).or_empty();
                emit(WireEvent::Text { part, text });
            }
            Kind::Reasoning { signature, sealed } => {
                let found = member(raw);
                if let Some(text) = found.text.0 {
                    emit(WireEvent::Reasoning { part, text });
                }
                if let Some(piece) = found.signature.0 {
                    signature.get_or_insert_default().push_str(&piece);
                }
                sealed.extend(found.redacted.0.map(String::from));
            }
            Kind::Call => {
                let text = input(raw);
                emit(WireEvent::Arguments { part, text: text.into() });
            }
            Kind::Server { input: held, .. } => held.push_str(&input(raw)),
            Kind::Result { content, .. } => {
                let List(items) = lenient::<List<&RawValue>>(raw.get());
                content.extend(items.into_iter().map(ToOwned::to_owned));
            }
            Kind::Media { data, .. } => {
                let source = FieldList::of(raw.get()).get("source").map(FieldList::of);
                let bytes = source.and_then(|source| source.get("bytes"));
                data.extend(bytes.and_then(|bytes| lenient::<Str<'_>>(bytes).0).map(String::from));
            }
        }
    }

    fn close(self, blocks: &mut Blocks, emit: Emit<'_>) {
        let part = self.part;
        match self.kind {
            Kind::Call => {}
            Kind::Text { citations: list } if list.is_empty() => {}
            Kind::Text { citations: list } => {
                let raws: Vec<&str> = list.iter().map(|raw| raw.get()).collect();
                let fields = citations(&raws, None);
                emit(WireEvent::Native { part, wire: NAME, fields });
                for raw in &list {
                    emit(WireEvent::Citation { part: blocks.next(), citation: cite(raw) });
                }
            }
            Kind::Reasoning { signature, sealed } => {
                let redacted = !sealed.is_empty();
                let signature = if redacted { Some(joined(sealed)) } else { signature };
                if let Some(signature) = signature {
                    let signature = Some(signature.into());
                    emit(WireEvent::ReasoningSeal { part, signature, redacted, raw: None });
                }
                plain_native(part, emit);
            }
            Kind::Server { head, input } => {
                let input = if input.trim().is_empty() { "{}".to_owned() } else { input };
                // What is no JSON stays visible as the string it is.
                let input = Json::parse(input.clone()).or_else(|_| Json::of(&input));
                let input = input.unwrap_or_else(|_| Json::empty_object());
                let raw = whole("toolUse", &head, "input", input.as_str());
                emit(WireEvent::ServerTool { part, raw });
                plain_native(part, emit);
            }
            Kind::Result { head, content } => {
                let list = json(|out| {
                    let mut list = Writer::list(out);
                    for raw in &content {
                        list.raw_item(raw.get());
                    }
                    list.end();
                });
                let raw = whole("toolResult", &head, "content", list.as_str());
                emit(WireEvent::ServerTool { part, raw });
                plain_native(part, emit);
            }
            Kind::Media { kind, format, data } => {
                let mime = media::mime(kind, &format).into_owned().into();
                let source = MediaSource::Base64(joined(data).into());
                emit(WireEvent::Media { part, media: Media { kind, mime, source, name: None } });
            }
        }
    }
}

/// A block as a whole message would have it.
fn whole(key: &str, head: &Json, field: &str, value: &str) -> Json {
    json(|out| {
        let mut block = Writer::object(out);
        let mut inner = block.inner(key);
        for (name, raw) in FieldList::of(head.as_str()).iter().filter(|(name, _)| *name != field) {
            inner.raw(name, raw);
        }
        inner.raw(field, value);
        inner.end();
        block.end();
    })
}

/// The characters of a piece of input.
fn input(raw: &RawValue) -> String {
    let found = member(raw).input.map(|raw| lenient::<Str<'_>>(raw.get()).or_empty().into_owned());
    found.unwrap_or_default()
}

/// Base64 that came in pieces, each of its own: joined as bytes, not as characters.
fn joined(mut pieces: Vec<String>) -> String {
    if pieces.len() < 2 {
        return pieces.pop().unwrap_or_default();
    }
    let bytes = pieces.iter().map(|piece| STANDARD.decode(piece)).collect::<Result<Vec<_>, _>>();
    bytes.map_or_else(|_| pieces.concat(), |bytes| STANDARD.encode(bytes.concat()))
}
