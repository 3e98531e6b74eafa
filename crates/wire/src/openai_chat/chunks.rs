//! Content that comes as a list of typed chunks: Mistral's thinking, text in OpenAI's own list
//! form, generated images.

use std::borrow::Cow;

use largestack_types::part::{Media, MediaKind, MediaSource};
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::decode::{Blocks, Kind, owned};
use crate::event::WireEvent;
use crate::json::{Fields, List, Object, Str, lenient};

#[derive(Debug, Default)]
struct TypedChunk<'a> {
    kind: Str<'a>,
    text: Str<'a>,
    thinking: Option<&'a RawValue>,
    image_url: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for TypedChunk<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "type" => self.kind = lenient(raw.get()),
            "text" => self.text = lenient(raw.get()),
            "thinking" => self.thinking = Some(raw),
            "image_url" => self.image_url = Some(raw),
            _ => {}
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Address<'a>(Str<'a>);

impl<'de> Fields<'de> for Address<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        if key == "url" {
            self.0 = lenient(raw.get());
        }
        Ok(())
    }
}

/// Takes one chunk of a content list. One of an unknown kind is kept as it came.
pub(super) fn take(raw: &RawValue, blocks: &mut Blocks, emit: &mut dyn FnMut(WireEvent<'_>)) {
    if raw.get() == "null" {
        return;
    }
    let Object(chunk) = lenient::<Object<TypedChunk<'_>>>(raw.get());
    match chunk.kind.0.as_deref() {
        Some("text" | "output_text") => {
            if let Some(text) = chunk.text.non_empty() {
                emit(WireEvent::Text { part: blocks.of(Kind::Text), text });
            }
        }
        Some("thinking") => think(chunk.thinking, blocks, emit),
        Some("image_url") => image(raw, blocks, emit),
        _ => emit(WireEvent::Unknown { part: blocks.next(), raw: owned(raw) }),
    }
}

/// The words of a thinking chunk: a list of text chunks, or a plain string.
fn think(raw: Option<&RawValue>, blocks: &mut Blocks, emit: &mut dyn FnMut(WireEvent<'_>)) {
    let text = raw.map(RawValue::get).unwrap_or_default();
    let List(chunks) = lenient::<List<Object<TypedChunk<'_>>>>(text);
    let listed = chunks.into_iter().map(|Object(chunk)| chunk.text);
    for text in listed.chain([lenient::<Str<'_>>(text)]).filter_map(Str::non_empty) {
        emit(WireEvent::Reasoning { part: blocks.of(Kind::Reasoning), text });
    }
}

/// A generated image: `{"type": "image_url", "image_url": {"url": "data:..."}}`.
pub(super) fn image(raw: &RawValue, blocks: &mut Blocks, emit: &mut dyn FnMut(WireEvent<'_>)) {
    let Object(chunk) = lenient::<Object<TypedChunk<'_>>>(raw.get());
    let address = chunk.image_url.map(RawValue::get).unwrap_or_default();
    // The address in an object, or bare.
    let url = lenient::<Object<Address<'_>>>(address).0.0.non_empty();
    let part = blocks.next();
    match url.or_else(|| lenient::<Str<'_>>(address).non_empty()) {
        Some(url) => emit(WireEvent::Media { part, media: image_at(&url) }),
        None => emit(WireEvent::Unknown { part, raw: owned(raw) }),
    }
}

fn image_at(url: &str) -> Media {
    let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let (mime, source) = match data {
        Some((mime, data)) => (mime, MediaSource::Base64(data.into())),
        None => ("image/*", MediaSource::Url(url.into())),
    };
    Media { kind: MediaKind::Image, mime: mime.into(), source, name: None }
}
