//! Reasoning in the shapes it comes in: a plain string under one of two names, or OpenRouter's
//! list of typed details, whose blocks must go back as they came although a stream cuts them up.

use std::borrow::Cow;

use largestack_types::json::Json;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::decode::Blocks;
use crate::event::WireEvent;
use crate::json::{Count, Fields, Object, Str, lenient, write};

/// One entry of `reasoning_details`, or what a chunk adds to one.
#[derive(Debug, Default)]
struct Detail<'a> {
    kind: Str<'a>,
    index: Count,
    /// The words: `text` or `summary`.
    words: Str<'a>,
    /// Sealed words.
    data: Str<'a>,
    signature: Str<'a>,
    /// Every field as it came, in order.
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de> Fields<'de> for Detail<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "type" => self.kind = lenient(raw.get()),
            "index" => self.index = lenient(raw.get()),
            "text" | "summary" => self.words = lenient(raw.get()),
            "data" => self.data = lenient(raw.get()),
            "signature" => self.signature = lenient(raw.get()),
            _ => {}
        }
        self.fields.push((key, raw));
        Ok(())
    }
}

/// The details of one reply under way.
#[derive(Debug, Default)]
pub(super) struct Details {
    held: Vec<Held>,
}

/// A detail put together from its pieces.
#[derive(Debug)]
struct Held {
    part: u32,
    kind: String,
    index: Option<u64>,
    pieces: usize,
    redacted: bool,
    signature: Option<String>,
    fields: Vec<(String, Piece)>,
}

#[derive(Debug)]
enum Piece {
    /// Characters that further pieces add to.
    Growing(String),
    Fixed(Box<RawValue>),
}

impl Details {
    /// Takes the details of a body or a chunk. Says whether any had words, so that the plain
    /// string beside them, which repeats the words, is not counted twice.
    pub(super) fn take(
        &mut self,
        raws: &[&RawValue],
        joins: bool,
        blocks: &mut Blocks,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> bool {
        let mut spoke = false;
        for raw in raws {
            let Object(detail) = lenient::<Object<Detail<'_>>>(raw.get());
            let words = detail.words.clone().or_empty();
            spoke |= !words.is_empty();
            let held = self.entry(&detail, joins, blocks);
            held.add(&detail);
            emit(WireEvent::Reasoning { part: held.part, text: words });
        }
        spoke
    }

    /// The reply is over: emits what must go back.
    pub(super) fn finish(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) {
        for held in self.held.drain(..) {
            emit(WireEvent::ReasoningSeal {
                part: held.part,
                signature: held.signature.as_deref().map(Cow::Borrowed),
                redacted: held.redacted,
                raw: held.raw(),
            });
        }
    }

    /// The entry that a detail adds to. Details of one kind and index are pieces of one; without
    /// an index, of the last of that kind. In a whole body (`joins` false) each stands alone.
    fn entry(&mut self, detail: &Detail<'_>, joins: bool, blocks: &mut Blocks) -> &mut Held {
        let kind = detail.kind.0.as_deref().unwrap_or_default();
        let index = detail.index.0;
        let same = |held: &Held| held.kind == kind && (index.is_none() || held.index == index);
        let place = if joins { self.held.iter().rposition(same) } else { None };
        let place = place.unwrap_or_else(|| {
            self.held.push(Held {
                part: blocks.next(),
                kind: kind.to_owned(),
                index,
                pieces: 0,
                redacted: false,
                signature: None,
                fields: Vec::new(),
            });
            self.held.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made above")]
        &mut self.held[place]
    }
}

impl Held {
    fn add(&mut self, detail: &Detail<'_>) {
        self.pieces += 1;
        self.redacted |= detail.data.0.is_some();
        if let Some(signature) = detail.signature.0.as_deref().or(detail.data.0.as_deref()) {
            self.signature = Some(signature.to_owned());
        }
        for (key, raw) in &detail.fields {
            let grows = matches!(&**key, "text" | "summary" | "data");
            let text = if grows { lenient::<Str<'_>>(raw.get()).0 } else { None };
            let known = self.fields.iter_mut().find(|(name, _)| name == key);
            match (known, text) {
                (Some((_, Piece::Growing(all))), Some(text)) => all.push_str(&text),
                (Some((_, held @ Piece::Fixed(_))), Some(text)) => {
                    *held = Piece::Growing(text.into_owned());
                }
                (Some((_, held)), None) => {
                    if raw.get() != "null" {
                        *held = Piece::Fixed((*raw).to_owned());
                    }
                }
                (None, Some(text)) => {
                    self.fields.push((key.to_string(), Piece::Growing(text.into_owned())));
                }
                (None, None) => {
                    self.fields.push((key.to_string(), Piece::Fixed((*raw).to_owned())));
                }
            }
        }
    }

    /// The whole detail as the provider would have written it.
    fn raw(&self) -> Option<Json> {
        let mut text = vec![b'{'];
        for (key, piece) in &self.fields {
            if text.len() > 1 {
                text.push(b',');
            }
            write(&mut text, key);
            text.push(b':');
            match piece {
                Piece::Growing(words) => write(&mut text, words),
                Piece::Fixed(raw) => text.extend_from_slice(raw.get().as_bytes()),
            }
        }
        text.push(b'}');
        Json::parse(String::from_utf8(text).ok()?).ok()
    }
}
