//! The items of one reply under way: which part each block is, how much of it was said, and what
//! goes back beside it. A body's items and a stream's take the same way: they are opened, grow, and
//! are closed with the whole item, which says what is still missing.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::BETWEEN;
use super::call_stream::Input;
use super::shape::{Item, item};
use crate::event::WireEvent;
use crate::json::{Object, lenient};

pub(super) type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// All items so far, by their place in the output.
#[derive(Debug, Default)]
pub(super) struct Items {
    next: u32,
    /// Whether the model reasons. One that does not needs no ids back.
    pub(super) reasons: bool,
    open: Vec<(u64, Open)>,
    /// Whether a tool is to be run.
    pub(super) calls: bool,
}

#[derive(Debug)]
pub(super) struct Open {
    pub(super) kind: Kind,
    /// The part of the item, where it is one.
    pub(super) part: Option<u32>,
    pub(super) blocks: Vec<Block>,
    pub(super) input: Input,
    pub(super) annotations: Vec<(u64, Box<RawValue>)>,
    pub(super) closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
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
pub(super) struct Block {
    pub(super) words: Words,
    pub(super) index: u64,
    pub(super) part: u32,
    pub(super) sent: usize,
}

impl Items {
    pub(super) fn new(reasons: bool) -> Self {
        Self { reasons, ..Self::default() }
    }

    pub(super) fn number(&mut self) -> u32 {
        let part = self.next;
        self.next += 1;
        part
    }

    /// The item at this place, if it was opened.
    pub(super) fn known(&self, place: u64) -> Option<&Open> {
        self.open.iter().rev().find(|(at, _)| *at == place).map(|(_, open)| open)
    }

    /// The same to change it.
    pub(super) fn known_mut(&mut self, place: u64) -> Option<&mut Open> {
        self.open.iter_mut().rev().find(|(at, _)| *at == place).map(|(_, open)| open)
    }

    /// An item begins.
    pub(super) fn begin(&mut self, place: u64, raw: &RawValue, emit: Emit<'_>) {
        if self.known(place).is_some() {
            return;
        }
        let begun = item(raw);
        let kind = kind(&begun);
        let custom = begun.kind.0.as_deref() == Some("custom_tool_call");
        let Some(part) = self.add(place, kind, Input::new(custom)) else { return };
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

    /// A new item; the number of its part, where it is one.
    fn add(&mut self, place: u64, kind: Kind, input: Input) -> Option<u32> {
        let part = (kind != Kind::Message).then(|| self.number());
        let (blocks, annotations) = (Vec::new(), Vec::new());
        self.open.push((place, Open { kind, part, blocks, input, annotations, closed: false }));
        part
    }

    /// More arguments of a call.
    pub(super) fn arguments(&mut self, place: u64, text: Cow<'_, str>, emit: Emit<'_>) {
        let known = self.known_mut(place);
        if let Some(Open { kind: Kind::Call, part: Some(part), input, closed: false, .. }) = known {
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
        let Some((part, goes_on)) = self.block(place, words, index, text.len()) else { return };
        match words {
            Words::Text => emit(WireEvent::Text { part, text }),
            Words::Refusal => emit(WireEvent::Refusal { part, text }),
            Words::Summary | Words::Thought => {
                if goes_on {
                    emit(WireEvent::Reasoning { part, text: Cow::Borrowed(BETWEEN) });
                }
                emit(WireEvent::Reasoning { part, text });
            }
            Words::Other => {}
        }
    }

    /// The part of a block that gets this many bytes more, and whether it is a new block behind
    /// others. `None` where the item is over or of another kind.
    fn block(&mut self, place: u64, words: Words, index: u64, more: usize) -> Option<(u32, bool)> {
        let thinks = matches!(words, Words::Summary | Words::Thought);
        let kind = if thinks { Kind::Reasoning } else { Kind::Message };
        if self.known(place).is_none() {
            self.add(place, kind, Input::default());
        }
        let next = self.next;
        let open = self.known_mut(place).filter(|open| open.kind == kind && !open.closed)?;
        let same = |block: &&mut Block| block.words == words && block.index == index;
        if let Some(block) = open.blocks.iter_mut().find(same) {
            block.sent += more;
            return Some((block.part, false));
        }
        let (goes_on, own) = (!open.blocks.is_empty(), open.part);
        let part = own.unwrap_or(next);
        open.blocks.push(Block { words, index, part, sent: more });
        if own.is_none() {
            self.next += 1;
        }
        Some((part, goes_on))
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
        let blocks = self.known(place).map(|open| &open.blocks[..]).unwrap_or_default();
        let block = blocks.iter().find(|block| block.words == words && block.index == index);
        let rest = text.get(block.map_or(0, |block| block.sent)..).unwrap_or_default();
        self.words(place, words, index, Cow::Borrowed(rest), emit);
    }

    /// An annotation, in case that the item itself will not repeat it.
    pub(super) fn annotation(&mut self, place: u64, index: u64, raw: &RawValue) {
        if let Some(open) = self.known_mut(place) {
            open.annotations.push((index, raw.to_owned()));
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

/// What a block of a message is.
pub(super) fn words_of(block: &Item<'_>) -> Words {
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

/// The type of an item that is kept whole.
pub(super) fn kind_of(raw: &RawValue) -> Cow<'_, str> {
    lenient::<Object<Item<'_>>>(raw.get()).0.kind.or_empty()
}
