//! Blocks of a whole message. What the stream says in pieces, it says the same way: see `open`.

use std::borrow::Cow;

use largestack_types::json::Json;
use largestack_types::part::Citation;
use serde::de::MapAccess;
use serde_json::Value;
use serde_json::value::RawValue;

use super::open::Blocks;
use super::reply::{Member, Union};
use super::{NAME, media};
use crate::event::{Place, WireEvent};
use crate::json::{Fields, List, Object, Str, lenient};
use crate::object::{Writer, json};

type Emit<'e> = &'e mut dyn FnMut(WireEvent<'_>);

/// Takes one block.
pub(super) fn take(raw: &RawValue, blocks: &mut Blocks, emit: Emit<'_>) {
    let Object(Union(found)) = lenient::<Object<Union<'_>>>(raw.get());
    let (key, inner) = found.unwrap_or((Cow::Borrowed(""), raw));
    match &*key {
        "text" => text(lenient::<Str<'_>>(inner.get()).or_empty(), blocks, emit),
        "reasoningContent" => reasoning(raw, member(inner), blocks, emit),
        "toolUse" => tool_use(raw, member(inner), blocks, emit),
        "toolResult" => {
            let part = blocks.next();
            emit(WireEvent::ServerTool { part, raw: owned(raw) });
            plain_native(part, emit);
        }
        "citationsContent" => cited(member(inner), blocks, emit),
        other => medium(other, raw, inner, blocks, emit),
    }
}

/// The fields of a block.
pub(super) fn member(raw: &RawValue) -> Member<'_> {
    lenient::<Object<Member<'_>>>(raw.get()).0
}

fn text(text: Cow<'_, str>, blocks: &mut Blocks, emit: Emit<'_>) {
    // Nothing at all may not go back, so there is no part for it.
    if !text.is_empty() {
        emit(WireEvent::Text { part: blocks.next(), text });
    }
}

fn reasoning(raw: &RawValue, found: Member<'_>, blocks: &mut Blocks, emit: Emit<'_>) {
    let part = blocks.next();
    let words = found.reasoning_text.map(member).unwrap_or_default();
    let more = !found.extras.is_empty() || !words.extras.is_empty();
    emit(WireEvent::Reasoning { part, text: words.text.or_empty() });
    let redacted = found.redacted.0.is_some();
    let signature = if redacted { found.redacted.0 } else { words.signature.0 };
    if signature.is_some() || more {
        let raw = more.then(|| owned(raw));
        emit(WireEvent::ReasoningSeal { part, signature, redacted, raw });
    }
    plain_native(part, emit);
}

fn tool_use(raw: &RawValue, found: Member<'_>, blocks: &mut Blocks, emit: Emit<'_>) {
    let part = blocks.next();
    if is_server(&found) {
        emit(WireEvent::ServerTool { part, raw: owned(raw) });
        plain_native(part, emit);
        return;
    }
    call(part, found, blocks, emit);
}

/// Whether the provider runs the tool itself. Requests know no `tool_use`, so that is not said back.
pub(super) fn is_server(found: &Member<'_>) -> bool {
    found.kind.0.as_deref().is_some_and(|kind| kind != "tool_use")
}

/// A call of one of our tools, with its input if that is there.
pub(super) fn call(part: u32, found: Member<'_>, blocks: &mut Blocks, emit: Emit<'_>) {
    let number = blocks.call();
    emit(WireEvent::ToolCall { part, id: found.id.or_empty(), name: found.name.or_empty() });
    if let Some(input) = found.input {
        emit(WireEvent::Arguments { part, text: Cow::Borrowed(input.get()) });
    }
    for (key, value) in found.extras {
        let key = format!("{number}.{key}").into();
        emit(WireEvent::Extra { place: Place::ToolCall, key, value });
    }
}

fn cited(found: Member<'_>, blocks: &mut Blocks, emit: Emit<'_>) {
    let part = blocks.next();
    let words = found.content.0.iter().map(|raw| member(raw).text.or_empty());
    let mut count = 0;
    for text in words {
        count += 1;
        emit(WireEvent::Text { part, text });
    }
    let raws: Vec<&str> = found.citations.0.iter().map(|raw| raw.get()).collect();
    let content = (count != 1).then(|| found.content.0.iter().map(|raw| raw.get()).collect());
    emit(WireEvent::Native { part, wire: NAME, fields: citations(&raws, content) });
    for raw in found.citations.0 {
        emit(WireEvent::Citation { part: blocks.next(), citation: cite(raw) });
    }
}

/// The citations of words in the form in which they go back.
pub(super) fn citations(raws: &[&str], content: Option<Vec<&str>>) -> Json {
    let list = |fields: &mut Writer<'_>, key, raws: &[&str]| {
        let mut list = fields.inner_list(key);
        for raw in raws {
            list.raw_item(raw);
        }
        list.end();
    };
    json(|out| {
        let mut fields = Writer::object(out);
        list(&mut fields, "citations", raws);
        if let Some(content) = content {
            list(&mut fields, "content", &content);
        }
        fields.end();
    })
}

fn medium(key: &str, raw: &RawValue, inner: &RawValue, blocks: &mut Blocks, emit: Emit<'_>) {
    let part = blocks.next();
    let read = media::kind_of(key).and_then(|kind| {
        let Ok(Value::Object(block)) = serde_json::from_str(inner.get()) else { return None };
        media::read(kind, block)
    });
    let Some((media, native)) = read else {
        emit(WireEvent::Unknown { part, raw: owned(raw) });
        plain_native(part, emit);
        return;
    };
    emit(WireEvent::Media { part, media });
    if !native.is_empty() {
        emit(WireEvent::Native { part, wire: NAME, fields: crate::body::json_of(native) });
    }
}

/// Says that a part is this protocol's, and nothing else.
pub(super) fn plain_native(part: u32, emit: Emit<'_>) {
    emit(WireEvent::Native { part, wire: NAME, fields: Json::empty_object() });
}

/// The JSON as it came.
pub(super) fn owned(raw: &RawValue) -> Json {
    Json::from(raw.to_owned())
}

#[derive(Debug, Default)]
struct Cited<'a> {
    title: Str<'a>,
    source: Str<'a>,
    url: Str<'a>,
    text: Str<'a>,
    location: Object<Union<'a>>,
    content: List<&'a RawValue>,
}

impl<'de> Fields<'de> for Cited<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "title" => self.title = map.next_value()?,
            "source" => self.source = map.next_value()?,
            "url" => self.url = map.next_value()?,
            "text" => self.text = map.next_value()?,
            "location" => self.location = map.next_value()?,
            "sourceContent" => self.content = map.next_value()?,
            _ => crate::json::skip(map)?,
        }
        Ok(())
    }
}

/// A citation in the words everybody knows.
pub(super) fn cite(raw: &RawValue) -> Citation {
    let Object(found) = lenient::<Object<Cited<'_>>>(raw.get());
    let place = found.location.0.0.map(|(_, raw)| lenient::<Object<Cited<'_>>>(raw.get()).0);
    let url = place.and_then(|place| place.url.non_empty());
    let title = found.title.non_empty();
    let source = url.or_else(|| found.source.non_empty()).or_else(|| title.clone());
    let quotes = found.content.0.iter().map(|raw| lenient::<Object<Cited<'_>>>(raw.get()).0);
    let quote: String = quotes.filter_map(|quote| quote.text.0).collect();
    Citation {
        source: source.unwrap_or_default().into(),
        title: title.map(Into::into),
        lines: None,
        quote: (!quote.is_empty()).then(|| quote.into()),
        raw: Some(owned(raw)),
    }
}
