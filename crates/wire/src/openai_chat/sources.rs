//! What stands behind the words: citations in two dialects, tools the provider ran itself, and
//! sound. Citations support the text before them, so they wait for the end.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_types::part::{Citation, Media, MediaKind, MediaSource};
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::decode::{Blocks, Kind, owned};
use crate::event::WireEvent;
use crate::json::{Count, Fields, List, Object, Str, lenient};

/// Citations, executed tools and sound of one reply under way.
#[derive(Debug, Default)]
pub(super) struct Sources {
    annotations: Vec<Box<RawValue>>,
    citations: Option<Box<RawValue>>,
    search_results: Option<Box<RawValue>>,
    tools: Vec<(u64, u32)>,
    sound: Vec<u8>,
}

/// An object of which a few fields matter.
#[derive(Debug, Default)]
struct Source<'a> {
    kind: Str<'a>,
    index: Count,
    url: Str<'a>,
    title: Str<'a>,
    content: Str<'a>,
    data: Str<'a>,
    transcript: Str<'a>,
    url_citation: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for Source<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "type" => self.kind = lenient(raw.get()),
            "index" => self.index = lenient(raw.get()),
            "url" => self.url = lenient(raw.get()),
            "title" => self.title = lenient(raw.get()),
            "content" | "snippet" => self.content = lenient(raw.get()),
            "data" => self.data = lenient(raw.get()),
            "transcript" => self.transcript = lenient(raw.get()),
            "url_citation" => self.url_citation = Some(raw),
            _ => {}
        }
        Ok(())
    }
}

fn source(raw: &RawValue) -> Source<'_> {
    lenient::<Object<Source<'_>>>(raw.get()).0
}

impl Sources {
    /// OpenAI's and OpenRouter's annotations.
    pub(super) fn annotations(&mut self, raws: &[&RawValue]) {
        self.annotations.extend(raws.iter().map(|raw| (*raw).to_owned()));
    }

    /// Perplexity's lists, which every chunk repeats.
    pub(super) fn perplexity(&mut self, citations: Option<&RawValue>, results: Option<&RawValue>) {
        let keep = |held: &mut Option<Box<RawValue>>, new: Option<&RawValue>| {
            if let Some(new) =
                new.filter(|new| held.as_ref().is_none_or(|old| old.get() != new.get()))
            {
                *held = Some(new.to_owned());
            }
        };
        keep(&mut self.citations, citations);
        keep(&mut self.search_results, results);
    }

    /// Groq's tools. A stream names one when it starts and again, whole, when it has ended.
    pub(super) fn executed_tools(
        &mut self,
        raws: &[&RawValue],
        blocks: &mut Blocks,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) {
        for raw in raws {
            let index = source(raw).index.0.unwrap_or(self.tools.len() as u64);
            let known = self.tools.iter().find(|(held, _)| *held == index).map(|(_, part)| *part);
            let part = known.unwrap_or_else(|| {
                let part = blocks.next();
                self.tools.push((index, part));
                part
            });
            emit(WireEvent::ServerTool { part, raw: owned(raw) });
        }
    }

    /// Spoken answers: what was said as text, the sound itself at the end.
    pub(super) fn audio(
        &mut self,
        raw: &RawValue,
        blocks: &mut Blocks,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) {
        let audio = source(raw);
        if let Some(text) = audio.transcript.non_empty() {
            emit(WireEvent::Text { part: blocks.of(Kind::Text), text });
        }
        // Each chunk is base64 of its own: they are joined as bytes, not as characters.
        match STANDARD.decode(audio.data.or_empty().as_bytes()) {
            Ok(bytes) => self.sound.extend_from_slice(&bytes),
            Err(error) => emit(WireEvent::Malformed { detail: format!("sound: {error}") }),
        }
    }

    /// The reply is over.
    pub(super) fn finish(self, blocks: &mut Blocks, emit: &mut dyn FnMut(WireEvent<'_>)) {
        if !self.sound.is_empty() {
            let media = Media {
                kind: MediaKind::Audio,
                // The reply does not say; the request's `audio.format` did.
                mime: "audio/*".into(),
                source: MediaSource::Base64(STANDARD.encode(&self.sound).into()),
                name: None,
            };
            emit(WireEvent::Media { part: blocks.next(), media });
        }
        for raw in &self.annotations {
            let part = blocks.next();
            match source(raw).url_citation.map(source) {
                Some(cited) => emit(WireEvent::Citation { part, citation: cite(cited, raw) }),
                None => emit(WireEvent::Unknown { part, raw: owned(raw) }),
            }
        }
        let list = self.search_results.or(self.citations);
        let List(raws) = list.as_ref().map(|list| lenient(list.get())).unwrap_or_default();
        for raw in raws {
            let raw: &RawValue = raw;
            let mut cited = source(raw);
            if cited.url.0.is_none() {
                cited.url = lenient(raw.get());
            }
            emit(WireEvent::Citation { part: blocks.next(), citation: cite(cited, raw) });
        }
    }
}

fn cite(source: Source<'_>, raw: &RawValue) -> Citation {
    Citation {
        source: source.url.or_empty().into(),
        title: source.title.non_empty().map(Into::into),
        lines: None,
        quote: source.content.non_empty().map(Into::into),
        raw: Some(owned(raw)),
    }
}
