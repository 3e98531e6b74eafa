//! The items of one reply under way: which part each block is, how much of it was said, and what
//! goes back beside it. A body's items and a stream's take the same way: they are opened, grow, and
//! are closed with the whole item, which says what is still missing.

use std::borrow::Cow;

use largestack_types::json::Json;
use largestack_types::part::{Media, MediaKind, MediaSource};
use serde_json::value::RawValue;

use super::call_stream::Input;
use super::shape::{Extra, Item, item};
use super::{BETWEEN, NAME, beside, cite};
use crate::event::WireEvent;
use crate::json::{List, Object, Str, lenient, write};
use crate::overlay::SAID;

pub(super) type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// All items so far, by their place in the output.
#[derive(Debug, Default)]
pub(super) struct Items {
    next: u32,
    /// Whether the model reasons. One that does not needs no ids back.
    reasons: bool,
    open: Vec<(u64, Open)>,
    /// Whether a tool is to be run.
    pub(super) calls: bool,
}

#[derive(Debug)]
struct Open {
    kind: Kind,
    /// The part of the item, where it is one.
    part: Option<u32>,
    blocks: Vec<Block>,
    input: Input,
    annotations: Vec<(u64, Box<RawValue>)>,
    closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Message,
    Reasoning,
    Call,
    /// An item that goes back as it came.
    Whole,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// A message's text.
    Text,
    /// A message's refusal.
    Refusal,
    /// A summary of reasoning.
    Summary,
    /// Reasoning itself.
    Thought,
    /// A block of a kind nobody knows.
    Other,
}

#[derive(Debug)]
struct Block {
    words: Words,
    index: u64,
    part: u32,
    sent: usize,
}

impl Items {
    pub(super) fn new(reasons: bool) -> Self {
        Self { reasons, ..Self::default() }
    }

    fn number(&mut self) -> u32 {
        let part = self.next;
        self.next += 1;
        part
    }

    /// The item at this place, opened by whatever names it first.
    fn at(&mut self, place: u64, begin: impl FnOnce(&mut Self) -> Open) -> &mut Open {
        let known = self.open.iter().position(|(at, _)| *at == place);
        let at = known.unwrap_or_else(|| {
            let open = begin(self);
            self.open.push((place, open));
            self.open.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made above")]
        &mut self.open[at].1
    }

    /// An item begins.
    pub(super) fn begin(&mut self, place: u64, raw: &RawValue, emit: Emit<'_>) {
        if self.open.iter().any(|(at, _)| *at == place) {
            return;
        }
        let begun = item(raw);
        let kind = kind(&begun);
        let part = (kind != Kind::Message).then(|| self.number());
        let custom = begun.kind.0.as_deref() == Some("custom_tool_call");
        let input = Input::new(custom);
        let (blocks, annotations) = (Vec::new(), Vec::new());
        let open = Open { kind, part, blocks, input, annotations, closed: false };
        self.open.push((place, open));
        let Some(part) = part else { return };
        match kind {
            Kind::Reasoning => emit(WireEvent::Reasoning { part, text: Cow::Borrowed("") }),
            Kind::Call => {
                self.calls = true;
                let (id, name) = (begun.call_id.or_empty(), begun.name.or_empty());
                emit(WireEvent::ToolCall { part, id, name });
                let text = begun.arguments.or_empty();
                self.arguments(place, text, emit);
            }
            Kind::Message | Kind::Whole => {}
        }
    }

    /// More arguments of a call.
    pub(super) fn arguments(&mut self, place: u64, text: Cow<'_, str>, emit: Emit<'_>) {
        let known = self.open.iter_mut().find(|(at, _)| *at == place);
        if let Some((_, Open { kind: Kind::Call, part: Some(part), input, closed: false, .. })) =
            known
        {
            input.add(*part, text, emit);
        }
    }

    /// More words of a block, which they open if it is new.
    pub(super) fn words(
        &mut self,
        place: u64,
        words: Words,
        index: u64,
        text: Cow<'_, str>,
        emit: Emit<'_>,
    ) {
        let thinks = matches!(words, Words::Summary | Words::Thought);
        let open = self.at(place, |items| Open {
            kind: if thinks { Kind::Reasoning } else { Kind::Message },
            part: thinks.then(|| items.number()),
            blocks: Vec::new(),
            input: Input::default(),
            annotations: Vec::new(),
            closed: false,
        });
        if open.closed
            || (open.kind == Kind::Reasoning) != thinks
            || matches!(open.kind, Kind::Call | Kind::Whole)
        {
            return;
        }
        let known = open.blocks.iter().position(|b| b.words == words && b.index == index);
        let fresh = known.is_none() && !open.blocks.is_empty();
        let (at, count) = (known.unwrap_or(open.blocks.len()), open.blocks.len());
        if at == count {
            let own = open.part;
            let part = own.unwrap_or(self.next);
            if own.is_none() {
                self.next += 1;
            }
            if let Some((_, open)) = self.open.iter_mut().find(|(at, _)| *at == place) {
                open.blocks.push(Block { words, index, part, sent: 0 });
            }
            if fresh && thinks {
                emit(WireEvent::Reasoning { part, text: Cow::Borrowed(BETWEEN) });
            }
        }
        let open = self.open.iter_mut().find(|(at, _)| *at == place);
        let Some(block) = open.and_then(|(_, open)| open.blocks.get_mut(at)) else { return };
        block.sent += text.len();
        let part = block.part;
        match words {
            Words::Text => emit(WireEvent::Text { part, text }),
            Words::Refusal => emit(WireEvent::Refusal { part, text }),
            Words::Summary | Words::Thought => emit(WireEvent::Reasoning { part, text }),
            Words::Other => {}
        }
    }

    /// The whole words of a block: those that did not come yet.
    pub(super) fn whole(
        &mut self,
        place: u64,
        words: Words,
        index: u64,
        text: &str,
        emit: Emit<'_>,
    ) {
        let known = self.open.iter().find(|(at, _)| *at == place);
        let block = known.and_then(|(_, open)| {
            open.blocks.iter().find(|b| b.words == words && b.index == index)
        });
        let rest = text.get(block.map_or(0, |block| block.sent)..).unwrap_or_default();
        self.words(place, words, index, Cow::Borrowed(rest), emit);
    }

    /// An annotation, in case that the item itself will not repeat it.
    pub(super) fn annotation(&mut self, place: u64, index: u64, raw: &RawValue) {
        if let Some((_, open)) = self.open.iter_mut().find(|(at, _)| *at == place) {
            open.annotations.push((index, raw.to_owned()));
        }
    }

    /// An item is over.
    pub(super) fn close(&mut self, place: u64, raw: &RawValue, emit: Emit<'_>) {
        self.begin(place, raw, emit);
        let known = self.open.iter_mut().find(|(at, _)| *at == place);
        let Some((_, open)) = known.filter(|(_, open)| !open.closed) else { return };
        let (kind, part) = (open.kind, open.part.unwrap_or_default());
        let whole = item(raw);
        match kind {
            Kind::Message => self.close_message(place, &whole, raw, emit),
            Kind::Reasoning => self.close_reasoning(place, part, &whole, emit),
            Kind::Call => {
                self.close_call(place, part, whole, emit);
            }
            Kind::Whole => {
                let raw_json = Json::from(raw.to_owned());
                let known = is_server_tool(whole.kind.0.as_deref().unwrap_or_default());
                emit(if known {
                    WireEvent::ServerTool { part, raw: raw_json }
                } else {
                    WireEvent::Unknown { part, raw: raw_json }
                });
                native(part, b"{}".to_vec(), emit);
                self.picture(&whole, emit);
            }
        }
        if let Some((_, open)) = self.open.iter_mut().find(|(at, _)| *at == place) {
            open.closed = true;
        }
    }

    /// The image that a tool of the provider made, beside the item that goes back.
    fn picture(&mut self, whole: &Item<'_>, emit: Emit<'_>) {
        let field = |name: &str| {
            let raw = whole.rest.iter().find(|(key, _)| key == name).map(|(_, raw)| raw.get());
            lenient::<Str<'_>>(raw.unwrap_or_default()).non_empty()
        };
        if whole.kind.0.as_deref() == Some("image_generation_call")
            && let Some(data) = field("result")
        {
            let format = field("output_format").unwrap_or(Cow::Borrowed("png"));
            let media = Media {
                kind: MediaKind::Image,
                mime: format!("image/{format}").into(),
                source: MediaSource::Base64(data.into()),
                name: None,
            };
            emit(WireEvent::Media { part: self.number(), media });
        }
    }

    fn close_call(&mut self, place: u64, part: u32, whole: Item<'_>, emit: Emit<'_>) {
        let Item { kind, call_id, name, arguments, rest, .. } = whole;
        emit(WireEvent::ToolCall { part, id: call_id.or_empty(), name: name.or_empty() });
        let arguments = arguments.or_empty();
        if let Some((_, open)) = self.open.iter_mut().find(|(at, _)| *at == place) {
            open.input.finish(part, &arguments, emit);
        }
        let kind = kind.or_empty();
        let mut fields = Kept::new(self.reasons, Kind::Call);
        if kind != "function_call" {
            fields.keep("type", &text(&kind));
        }
        fields.rest(&rest);
        if kind == "function_call" && arguments.trim().is_empty() {
            fields.keep("arguments", &text(&arguments));
        }
        fields.emit(part, emit);
    }

    fn close_reasoning(&mut self, place: u64, part: u32, whole: &Item<'_>, emit: Emit<'_>) {
        let content = whole.content.as_ref().map(|List(raws)| raws.as_slice()).unwrap_or_default();
        let listed = [(Words::Thought, content), (Words::Summary, &whole.summary.0[..])];
        for (words, raws) in listed {
            for (index, raw) in (0..).zip(raws) {
                let text = item(raw).text.or_empty();
                self.whole(place, words, index, &text, emit);
            }
        }
        let mut fields = Kept::new(true, Kind::Reasoning);
        fields.rest(&whole.rest);
        let known = self.open.iter().find(|(at, _)| *at == place);
        let blocks = known.map(|(_, open)| &open.blocks[..]).unwrap_or_default();
        if !blocks.is_empty() {
            fields.keep(beside::BLOCKS, &lengths(blocks, content, &whole.summary.0));
        }
        emit(WireEvent::ReasoningSeal {
            part,
            signature: whole.sealed.clone().non_empty(),
            redacted: blocks.is_empty() && whole.sealed.clone().non_empty().is_some(),
            raw: None,
        });
        fields.emit(part, emit);
    }

    fn close_message(&mut self, place: u64, whole: &Item<'_>, raw: &RawValue, emit: Emit<'_>) {
        let content = whole.content.as_ref().map(|List(raws)| raws.as_slice()).unwrap_or_default();
        for (index, raw) in (0..).zip(content) {
            let block = item(raw);
            let words = words_of(&block);
            self.whole(place, words, index, &block.text.or_empty(), emit);
        }
        let known = self.open.iter().find(|(at, _)| *at == place);
        let Some((_, open)) = known else { return };
        if open.blocks.is_empty() {
            // An item without words still has its place.
            let part = self.number();
            emit(WireEvent::Unknown { part, raw: Json::from(raw.to_owned()) });
            native(part, b"{}".to_vec(), emit);
            return;
        }
        let short = !self.reasons
            && open.blocks.len() == 1
            && open.blocks.iter().all(|block| block.words == Words::Text)
            && !whole.rest.iter().any(|(key, _)| key == "phase");
        let mut cited = Vec::new();
        for (at, block) in open.blocks.iter().enumerate() {
            let index = usize::try_from(block.index).unwrap_or(usize::MAX);
            let found = content.get(index).map(|raw| item(raw)).unwrap_or_default();
            let mut annotations: Vec<&RawValue> = found.annotations.0.clone();
            if annotations.is_empty() {
                let of = open.annotations.iter().filter(|(of, _)| *of == block.index);
                annotations = of.map(|(_, raw)| &**raw).collect();
            }
            if block.words == Words::Other
                && let Some(raw) = content.get(index)
            {
                let raw = Json::from((*raw).to_owned());
                emit(WireEvent::Unknown { part: block.part, raw });
            }
            let mut fields = Kept::new(!short, Kind::Message);
            fields.rest(if at == 0 { &whole.rest } else { &[] });
            fields.block(&found, &annotations, short);
            if at > 0 {
                fields.keep(beside::WITH, "true");
            }
            fields.emit(block.part, emit);
            cited.extend(annotations.into_iter().map(cite::citation));
        }
        for citation in cited {
            let part = self.number();
            emit(WireEvent::Citation { part, citation });
        }
    }
}

fn kind(begun: &Item<'_>) -> Kind {
    match begun.kind.0.as_deref() {
        Some("reasoning") => Kind::Reasoning,
        Some("function_call" | "custom_tool_call") => Kind::Call,
        Some("message") if begun.role.0.as_deref().is_none_or(|role| role == "assistant") => {
            Kind::Message
        }
        _ => Kind::Whole,
    }
}

fn words_of(block: &Item<'_>) -> Words {
    match block.kind.0.as_deref() {
        Some("output_text" | "text") => Words::Text,
        Some("refusal") => Words::Refusal,
        _ => Words::Other,
    }
}

/// Items of tools that the provider runs, or that it asks a client of its own kind to run.
pub(super) fn is_server_tool(kind: &str) -> bool {
    kind.ends_with("_call")
        || kind.ends_with("_call_output")
        || kind.starts_with("mcp_")
        || kind.starts_with("compaction")
        || kind.starts_with("tool_search")
}

fn text(words: &str) -> String {
    let mut out = Vec::new();
    write(&mut out, words);
    String::from_utf8(out).unwrap_or_default()
}

fn lengths(blocks: &[Block], content: &[&RawValue], summary: &[&RawValue]) -> String {
    let mut out = String::from("[");
    for block in blocks {
        let (kind, raws) = match block.words {
            Words::Summary => ("summary_text", summary),
            _ => ("reasoning_text", content),
        };
        let index = usize::try_from(block.index).unwrap_or(usize::MAX);
        let found = raws.get(index).map(|raw| item(raw)).unwrap_or_default();
        if out.len() > 1 {
            out.push(',');
        }
        let kind = found.kind.non_empty().unwrap_or(Cow::Borrowed(kind));
        out.push_str("{\"type\":");
        out.push_str(&text(&kind));
        out.push_str(",\"bytes\":");
        out.push_str(&block.sent.to_string());
        for (key, raw) in &found.rest {
            out.push(',');
            out.push_str(&text(key));
            out.push(':');
            out.push_str(raw.get());
        }
        out.push('}');
    }
    out.push(']');
    out
}

/// Fields that a provider adds to what it says and does not need back: what became of a call or
/// thought (a message's status is asked for), the odds of its words.
fn is_said_only(key: &str, kind: Kind) -> bool {
    key == "logprobs" || (key == "status" && kind != Kind::Message)
}

/// What goes back beside a part, and what is only kept.
#[derive(Debug)]
struct Kept {
    /// Whether ids go back.
    all: bool,
    kind: Kind,
    back: String,
    said: String,
}

impl Kept {
    const fn new(all: bool, kind: Kind) -> Self {
        Self { all, kind, back: String::new(), said: String::new() }
    }

    fn keep(&mut self, key: &str, value: &str) {
        add(&mut self.back, key, value);
    }

    fn rest(&mut self, rest: &[Extra<'_>]) {
        for (key, raw) in rest {
            let to = if self.all && !is_said_only(key, self.kind) {
                &mut self.back
            } else {
                &mut self.said
            };
            add(to, key, raw.get());
        }
    }

    /// The fields of a text block.
    fn block(&mut self, block: &Item<'_>, annotations: &[&RawValue], short: bool) {
        let mut inner = Self::new(!short, self.kind);
        if !annotations.is_empty() {
            let list: Vec<&str> = annotations.iter().map(|raw| raw.get()).collect();
            let to = if short { &mut inner.said } else { &mut inner.back };
            add(to, "annotations", &format!("[{}]", list.join(",")));
        }
        inner.rest(&block.rest);
        if short {
            for fields in [inner.back, inner.said].into_iter().filter(|text| !text.is_empty()) {
                if !self.said.is_empty() {
                    self.said.push(',');
                }
                self.said.push_str(&fields);
            }
        } else {
            let text = inner.text();
            self.keep(beside::BLOCK, &text);
        }
    }

    fn text(&self) -> String {
        let mut out = format!("{{{}", self.back);
        if !self.said.is_empty() {
            if !self.back.is_empty() {
                out.push(',');
            }
            out.push_str(&text(SAID));
            out.push_str(":{");
            out.push_str(&self.said);
            out.push('}');
        }
        out.push('}');
        out
    }

    fn emit(&self, part: u32, emit: Emit<'_>) {
        native(part, self.text().into_bytes(), emit);
    }
}

fn add(to: &mut String, key: &str, value: &str) {
    if !to.is_empty() {
        to.push(',');
    }
    to.push_str(&text(key));
    to.push(':');
    to.push_str(value);
}

fn native(part: u32, fields: Vec<u8>, emit: Emit<'_>) {
    let fields = String::from_utf8(fields).ok().and_then(|text| Json::parse(text).ok());
    if let Some(fields) = fields {
        emit(WireEvent::Native { part, wire: NAME, fields });
    }
}

/// The type of an item that is kept whole.
pub(super) fn kind_of(raw: &RawValue) -> Cow<'_, str> {
    lenient::<Object<Item<'_>>>(raw.get()).0.kind.or_empty()
}
