//! Results of tools: a list of blocks, of which the words are joined for everybody else. The
//! `content` of a result's `native` remembers how: `{"text": BYTES}`, `{"json": BYTES}`,
//! `{"media": {...}}`, `{"raw": BLOCK}` in order. Words that were changed since are sent as one.

use largestack_types::part::{Media, ToolResult};
use serde_json::Value;

use super::content::{Place, id};
use super::media;
use crate::body::{Map, json};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::extra::FieldList;
use crate::json::{Count, List, lenient};
use crate::object::Writer;

/// What stands between the words of two blocks.
const BETWEEN: &str = "\n\n";

/// Appends the block of a result.
pub(super) fn write(
    list: &mut Writer<'_>,
    result: &ToolResult,
    native: &FieldList<'_>,
    place: &mut Place<'_>,
) -> Result<(), EncodeError> {
    let mut block = Writer::object(list.item());
    let mut inner = block.inner("toolResult");
    inner.text("toolUseId", &id(&result.provider_id, result.call));
    let mut content = inner.inner_list("content");
    let shape = native.get("content").map(|shape| lenient::<List<_>>(shape).0);
    if let Some(pieces) = shape.and_then(|shape| pieces(result, &shape)) {
        for piece in pieces {
            piece.write(&mut content, place)?;
        }
    } else {
        if !result.text.is_empty() {
            Piece::Text(&result.text).write(&mut content, place)?;
        }
        for medium in &result.media {
            media::write(&mut content, medium, &FieldList::default(), place)?;
        }
    }
    content.end();
    let own = native.get("toolResult").map(FieldList::of).unwrap_or_default();
    // Success is the default, and some models refuse to be told.
    if result.is_error && own.get("status").is_none() {
        inner.text("status", "error");
    }
    for (key, raw) in own.iter() {
        inner.raw(key, raw);
    }
    inner.end();
    block.end();
    Ok(())
}

/// A block of a result.
enum Piece<'a> {
    Text(&'a str),
    Json(&'a str),
    Media(&'a Media, FieldList<'a>),
    Raw(&'a str),
}

impl Piece<'_> {
    fn write(&self, list: &mut Writer<'_>, place: &mut Place<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Media(medium, native) => return media::write(list, medium, native, place),
            Self::Raw(raw) => list.raw_item(raw),
            Self::Text(text) => {
                let mut block = Writer::object(list.item());
                write_str(block.key("text"), text);
                block.end();
            }
            Self::Json(raw) => {
                let mut block = Writer::object(list.item());
                block.raw("json", raw);
                block.end();
            }
        }
        Ok(())
    }
}

/// The blocks as they were, if words and media are still those.
fn pieces<'a>(
    result: &'a ToolResult,
    shape: &[&'a serde_json::value::RawValue],
) -> Option<Vec<Piece<'a>>> {
    let (mut rest, mut media) = (&*result.text, result.media.iter());
    let mut first = true;
    let mut words = |length: &str| {
        if !std::mem::take(&mut first) {
            rest = rest.strip_prefix(BETWEEN)?;
        }
        let length = usize::try_from(lenient::<Count>(length).0?).ok()?;
        let (text, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some(text)
    };
    let pieces = shape.iter().map(|entry| {
        let entry = FieldList::of(entry.get());
        let (key, value) = entry.iter().next().map(|(key, value)| (key.to_owned(), value))?;
        Some(match key.as_str() {
            "text" => Piece::Text(words(value)?),
            "json" => {
                let text = words(value)?;
                serde_json::from_str::<&serde_json::value::RawValue>(text).ok()?;
                Piece::Json(text)
            }
            "media" => Piece::Media(media.next()?, FieldList::of(value)),
            "raw" => Piece::Raw(value),
            _ => return None,
        })
    });
    let pieces = pieces.collect::<Option<Vec<_>>>()?;
    (rest.is_empty() && media.next().is_none()).then_some(pieces)
}

/// The content of a result in a request: its words, its media, and its shape where that is not one
/// block of words.
pub(super) fn read(content: Vec<Value>) -> (String, Vec<Media>, Option<Value>) {
    let (mut texts, mut media, mut shape) = (Vec::<String>::new(), Vec::new(), Vec::new());
    let mut plain = content.len() <= 1;
    for block in content {
        let only = |key: &str| block.as_object().filter(|map| map.len() == 1)?.get(key);
        if let Some(text) = only("text").and_then(Value::as_str) {
            plain &= !text.is_empty();
            shape.push(entry("text", text.len().into()));
            texts.push(text.to_owned());
        } else if let Some(value) = only("json") {
            plain = false;
            let text = json(value).as_str().to_owned();
            shape.push(entry("json", text.len().into()));
            texts.push(text);
        } else if let Some((medium, native)) = medium(&block) {
            plain &= native.is_empty();
            shape.push(entry("media", Value::Object(native)));
            media.push(medium);
        } else {
            plain = false;
            shape.push(entry("raw", block));
        }
    }
    (texts.join(BETWEEN), media, (!plain).then_some(Value::Array(shape)))
}

fn medium(block: &Value) -> Option<(Media, Map)> {
    let (key, value) = block.as_object().filter(|map| map.len() == 1)?.iter().next()?;
    media::read(media::kind_of(key)?, value.as_object()?.clone())
}

fn entry(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}
