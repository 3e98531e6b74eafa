//! The end of an item: the whole of it says what is still missing of its words, and what goes back
//! beside them.

use std::borrow::Cow;

use largestack_types::json::Json;
use largestack_types::part::{Media, MediaKind, MediaSource};
use serde_json::value::RawValue;

use super::items::{Block, Emit, Items, Kind, Open, Words, is_server_tool, words_of};
use super::kept::{self, Kept, native, text};
use super::shape::{Item, item};
use super::{beside, cite};
use crate::event::WireEvent;
use crate::json::{List, Str, lenient};

impl Items {
    /// An item is over.
    pub(super) fn close(&mut self, place: u64, raw: &RawValue, emit: Emit<'_>) {
        self.begin(place, raw, emit);
        let Some(open) = self.known(place).filter(|open| !open.closed) else { return };
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
        if let Some(open) = self.known_mut(place) {
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
        if let Some(open) = self.known_mut(place) {
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
        let blocks = self.known(place).map(|open| &open.blocks[..]).unwrap_or_default();
        if !blocks.is_empty() {
            fields.keep(beside::BLOCKS, &kept::lengths(blocks, content, &whole.summary.0));
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
        let Some(open) = self.known(place) else { return };
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
            let raw = content.get(index).copied();
            if block.words == Words::Other
                && let Some(raw) = raw
            {
                emit(WireEvent::Unknown { part: block.part, raw: Json::from(raw.to_owned()) });
            }
            let found = raw.map(item).unwrap_or_default();
            let annotations = open.annotations_of(&found, block);
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

impl Open {
    /// The annotations of a block: those that the item says, else those that came by themselves.
    fn annotations_of<'a>(&'a self, found: &Item<'a>, block: &Block) -> Vec<&'a RawValue> {
        let List(said) = &found.annotations;
        if !said.is_empty() {
            return said.clone();
        }
        let of = self.annotations.iter().filter(|(index, _)| *index == block.index);
        of.map(|(_, raw)| &**raw).collect()
    }
}
