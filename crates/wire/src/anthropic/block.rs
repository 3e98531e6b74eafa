//! One block of a reply, whole or as it grows.

use std::borrow::Cow;

use largestack_types::json::Json;
use serde_json::value::RawValue;

use super::NAME;
use super::cite;
use super::native::Beside;
use super::reply::{Block, Delta};
use crate::escape::write_str;
use crate::event::WireEvent;
use crate::json::{List, Object, Str, lenient};

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// What a block becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Redacted,
    ToolCall,
    /// Run by the provider: goes back as it came.
    Server,
    /// Of a kind that this version does not know: the same.
    Unknown,
}

impl Kind {
    fn of(word: &str) -> Self {
        match word {
            "text" => Self::Text,
            "thinking" => Self::Thinking,
            "redacted_thinking" => Self::Redacted,
            "tool_use" => Self::ToolCall,
            // `server_tool_use`, `mcp_tool_use` and the result of every tool of the provider.
            _ if word.ends_with("_tool_use") || word.ends_with("_tool_result") => Self::Server,
            "compaction" | "container_upload" => Self::Server,
            _ => Self::Unknown,
        }
    }
}

/// A block under way.
#[derive(Debug)]
pub(super) struct Open {
    part: u32,
    kind: Kind,
    signature: Option<String>,
    /// Fields that go back beside the body; of a raw block, all of them.
    fields: Vec<(String, Held)>,
    /// The input of a tool as it stood in the beginning, and what came of it since.
    input: Option<Box<RawValue>>,
    pieces: String,
    citations: Vec<Box<RawValue>>,
    /// Whether anything came after the beginning.
    grown: bool,
}

#[derive(Debug)]
enum Held {
    Fixed(Box<RawValue>),
    /// Characters that further deltas add to.
    Growing(String),
}

impl Open {
    /// A block as a body has it, or as a stream begins it. `next` gives the number of a new part.
    pub(super) fn begin(raw: &RawValue, next: &mut dyn FnMut() -> u32, emit: Emit<'_>) -> Self {
        let Object(block) = lenient::<Object<Block<'_>>>(raw.get());
        let kind = Kind::of(block.kind.0.as_deref().unwrap_or_default());
        let mut open = Self::new(kind, next());
        let part = open.part;
        match kind {
            Kind::Text => {
                if let Some(text) = block.text.non_empty() {
                    emit(WireEvent::Text { part, text });
                }
                let List(cited) =
                    lenient::<List<&RawValue>>(block.citations.map_or("", RawValue::get));
                for raw in cited {
                    open.cite(raw, next, emit);
                }
            }
            Kind::Thinking => {
                open.signature = block.signature.0.map(Cow::into_owned);
                emit(WireEvent::Reasoning { part, text: block.thinking.or_empty() });
            }
            Kind::Redacted => open.signature = Some(block.data.or_empty().into_owned()),
            Kind::ToolCall => {
                open.input = block.input.map(ToOwned::to_owned);
                let (id, name) = (block.id.or_empty(), block.name.or_empty());
                emit(WireEvent::ToolCall { part, id, name });
            }
            Kind::Server | Kind::Unknown => {
                open.input = block.input.map(ToOwned::to_owned);
                open.raw(Json::from(raw), emit);
            }
        }
        let beside = match kind {
            Kind::Server | Kind::Unknown => Beside::read(raw.get()).0,
            _ => block.extras,
        };
        open.fields = beside
            .into_iter()
            .map(|(key, raw)| (key.into_owned(), Held::Fixed(raw.to_owned())))
            .collect();
        open
    }

    /// The block that a delta belongs to whose beginning was lost; `None` where it does not tell.
    pub(super) fn lost(delta: &Delta<'_>, next: &mut dyn FnMut() -> u32) -> Option<Self> {
        let kind = match delta.kind.0.as_deref()? {
            "text_delta" | "citations_delta" => Kind::Text,
            "thinking_delta" | "signature_delta" => Kind::Thinking,
            _ => return None,
        };
        Some(Self::new(kind, next()))
    }

    const fn new(kind: Kind, part: u32) -> Self {
        Self {
            part,
            kind,
            signature: None,
            fields: Vec::new(),
            input: None,
            pieces: String::new(),
            citations: Vec::new(),
            grown: false,
        }
    }

    /// Takes what an event adds. Says what it was where nothing could be done with it.
    pub(super) fn grow(
        &mut self,
        delta: Delta<'_>,
        next: &mut dyn FnMut() -> u32,
        emit: Emit<'_>,
    ) -> Option<String> {
        let part = self.part;
        let kind = delta.kind.or_empty();
        match (&*kind, self.kind) {
            ("text_delta", Kind::Text) => {
                if let Some(text) = delta.text.non_empty() {
                    emit(WireEvent::Text { part, text });
                }
            }
            ("citations_delta", Kind::Text) => {
                if let Some(raw) = delta.citation {
                    self.cite(raw, next, emit);
                }
            }
            ("thinking_delta", Kind::Thinking) => {
                emit(WireEvent::Reasoning { part, text: delta.thinking.or_empty() });
            }
            ("signature_delta", Kind::Thinking) => {
                self.signature = delta.signature.0.map(Cow::into_owned);
            }
            ("input_json_delta", Kind::ToolCall) => {
                if let Some(text) = delta.partial_json.non_empty() {
                    self.grown = true;
                    emit(WireEvent::Arguments { part, text });
                }
            }
            ("input_json_delta", Kind::Server | Kind::Unknown) => {
                self.pieces.push_str(&delta.partial_json.or_empty());
                self.grown = true;
            }
            (_, Kind::Server | Kind::Unknown) => {
                for (key, raw) in delta.extras {
                    self.add(&key, raw);
                }
                let known = kind == "compaction_delta";
                return (!known).then(|| kind.into_owned());
            }
            _ => return Some(kind.into_owned()),
        }
        None
    }

    /// A field of a raw block, or characters that go on in one.
    fn add(&mut self, key: &str, raw: &RawValue) {
        self.grown = true;
        let text = lenient::<Str<'_>>(raw.get()).0.filter(|_| raw.get().starts_with('"'));
        let place = self.fields.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
            let null = RawValue::NULL.to_owned();
            self.fields.push((key.to_owned(), Held::Fixed(null)));
            self.fields.len() - 1
        });
        let Some((_, held)) = self.fields.get_mut(place) else { return };
        match (held, text) {
            (Held::Growing(all), Some(text)) => all.push_str(&text),
            (held @ Held::Fixed(_), Some(text)) => {
                let Held::Fixed(before) = &*held else { return };
                let before = lenient::<Str<'_>>(before.get()).or_empty();
                *held = Held::Growing(format!("{before}{text}"));
            }
            (_, None) if raw.get() == "null" => {}
            (held, None) => *held = Held::Fixed(raw.to_owned()),
        }
    }

    fn cite(&mut self, raw: &RawValue, next: &mut dyn FnMut() -> u32, emit: Emit<'_>) {
        self.citations.push(raw.to_owned());
        emit(WireEvent::Citation { part: next(), citation: cite::citation(raw) });
    }

    /// The block is complete: emits what must go back.
    pub(super) fn end(mut self, emit: Emit<'_>) {
        let part = self.part;
        match self.kind {
            Kind::Text => {}
            Kind::Thinking | Kind::Redacted => {
                let signature = self.signature.take().map(Cow::Owned);
                let redacted = self.kind == Kind::Redacted;
                emit(WireEvent::ReasoningSeal { part, signature, redacted, raw: None });
            }
            Kind::ToolCall => {
                let given = self.input.as_deref().map(RawValue::get).filter(|_| !self.grown);
                if let Some(text) = given {
                    emit(WireEvent::Arguments { part, text: text.into() });
                }
            }
            Kind::Server | Kind::Unknown => {
                if self.grown
                    && let Some(raw) = self.whole()
                {
                    self.raw(raw, emit);
                }
            }
        }
        let raw = matches!(self.kind, Kind::Server | Kind::Unknown);
        let sealed = matches!(self.kind, Kind::Thinking | Kind::Redacted);
        if !raw && !self.citations.is_empty() {
            self.fields.push(("citations".to_owned(), Held::Fixed(list(&self.citations))));
        }
        let beside = if raw { "{}".to_owned() } else { object(&self.fields) };
        if (raw || sealed || beside != "{}")
            && let Ok(fields) = Json::parse(beside)
        {
            emit(WireEvent::Native { part, wire: NAME, fields });
        }
    }

    fn raw(&self, raw: Json, emit: Emit<'_>) {
        let part = self.part;
        emit(match self.kind {
            Kind::Server => WireEvent::ServerTool { part, raw },
            _ => WireEvent::Unknown { part, raw },
        });
    }

    /// A raw block with everything that was added to it.
    fn whole(&mut self) -> Option<Json> {
        if !self.pieces.is_empty() {
            let input = if let Ok(raw) = serde_json::from_str::<&RawValue>(&self.pieces) {
                raw.to_owned()
            } else {
                // As for tools of our own (see `content`): an input must be an object.
                let mut text = b"{\"INVALID_JSON\":".to_vec();
                write_str(&mut text, &self.pieces);
                text.push(b'}');
                RawValue::from_string(String::from_utf8(text).ok()?).ok()?
            };
            self.fields.retain(|(key, _)| key != "input");
            self.fields.push(("input".to_owned(), Held::Fixed(input)));
        }
        Json::parse(object(&self.fields)).ok()
    }
}

fn object(fields: &[(String, Held)]) -> String {
    let mut text = vec![b'{'];
    for (key, held) in fields {
        if text.len() > 1 {
            text.push(b',');
        }
        write_str(&mut text, key);
        text.push(b':');
        match held {
            Held::Fixed(raw) => text.extend_from_slice(raw.get().as_bytes()),
            Held::Growing(words) => write_str(&mut text, words),
        }
    }
    text.push(b'}');
    String::from_utf8(text).unwrap_or_default()
}

fn list(items: &[Box<RawValue>]) -> Box<RawValue> {
    let texts: Vec<&str> = items.iter().map(|raw| raw.get()).collect();
    RawValue::from_string(format!("[{}]", texts.join(",")))
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}
