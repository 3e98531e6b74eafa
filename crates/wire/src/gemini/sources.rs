//! What stands behind the words: grounding chunks, pages that were read, recited sources. Each is
//! a citation once, however often the chunks of a stream repeat it; they support the text before
//! them, so they wait for the end. How they support it (`groundingSupports`) stays in the extras.

use largestack_types::json::Json;
use largestack_types::part::Citation;
use serde_json::value::RawValue;

use super::object::Entries;
use crate::event::WireEvent;
use crate::json::{List, Str, lenient};

/// Sources of one reply under way.
#[derive(Debug, Default)]
pub(super) struct Sources {
    held: Vec<Citation>,
}

/// More sources than this are not cited one by one; nobody reads as many.
const MOST: usize = 1_000;

impl Sources {
    /// `groundingMetadata`: what a search or a retrieval found.
    pub(super) fn grounding(&mut self, raw: &RawValue) {
        for chunk in list(raw, "groundingChunks") {
            let mut kinds = Entries::of(chunk.get());
            // One field: `web`, `maps`, `retrievedContext`, `image`, or one still to come.
            if let Some((_, found)) = kinds.0.pop() {
                let found = Entries::of(found.get());
                let source = ["uri", "sourceUri", "documentName", "fileSearchStore", "title"];
                self.keep(&found, &source, chunk);
            }
        }
    }

    /// `urlContextMetadata`: pages that were read. One that could not be read supports nothing.
    pub(super) fn urls(&mut self, raw: &RawValue) {
        for page in list(raw, "urlMetadata") {
            let fields = Entries::of(page.get());
            let status = text(&fields, "urlRetrievalStatus");
            let known = text(&fields, "retrievedUrl");
            let known = known.is_some_and(|url| self.held.iter().any(|held| *held.source == *url));
            if !known && status.is_none_or(|status| status.ends_with("_SUCCESS")) {
                self.keep(&fields, &["retrievedUrl"], page);
            }
        }
    }

    /// `citationMetadata`: what was recited (`citationSources`; `citations` at Vertex AI).
    pub(super) fn citations(&mut self, raw: &RawValue) {
        for name in ["citationSources", "citations"] {
            for source in list(raw, name) {
                self.keep(&Entries::of(source.get()), &["uri", "title"], source);
            }
        }
    }

    fn keep(&mut self, fields: &Entries<'_>, source: &[&str], raw: &RawValue) {
        let raw = Json::from(raw.to_owned());
        if self.held.len() >= MOST || self.held.iter().any(|held| held.raw.as_ref() == Some(&raw)) {
            return;
        }
        let source = source.iter().find_map(|name| text(fields, name)).unwrap_or_default();
        self.held.push(Citation {
            source: source.into(),
            title: text(fields, "title").map(Into::into),
            lines: None,
            quote: text(fields, "text").map(Into::into),
            raw: Some(raw),
        });
    }

    /// The reply is over.
    pub(super) fn finish(self, mut next: impl FnMut() -> u32, emit: &mut dyn FnMut(WireEvent<'_>)) {
        for citation in self.held {
            emit(WireEvent::Citation { part: next(), citation });
        }
    }
}

fn list<'a>(raw: &'a RawValue, name: &str) -> Vec<&'a RawValue> {
    let found = Entries::of(raw.get()).get([name, name]);
    found.map(|raw| lenient::<List<&RawValue>>(raw.get()).0).unwrap_or_default()
}

fn text(fields: &Entries<'_>, name: &str) -> Option<String> {
    let raw = fields.get([name, name])?;
    lenient::<Str<'_>>(raw.get()).non_empty().map(std::borrow::Cow::into_owned)
}
