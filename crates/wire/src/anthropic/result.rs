//! Results of tools. Their content is a string where it is words only, else a list; what the list
//! of a result that was read looked like stands in `native.content` without the words and media,
//! so that whatever is done to these (a secret taken out, a tail cut off) is done to what is sent.

use std::borrow::Cow;

use largestack_types::part::{Media, MediaKind, ToolResult};
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::content::{Context, begin, call_id, text};
use super::media;
use super::native::Beside;
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::json::{Count, Fields, List, Object, Str, lenient};

/// What stands between the texts of a content where they become one.
pub(super) const BETWEEN: &str = "\n";
/// In place of a text: how many bytes of the result's words it was. Absent: all of them.
pub(super) const BYTES: &str = "bytes";

/// A block of `native.content`.
#[derive(Debug, Default)]
struct Shape<'a> {
    kind: Str<'a>,
    bytes: Count,
}

impl<'de> Fields<'de> for Shape<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "type" => self.kind = lenient(raw.get()),
            BYTES => self.bytes = lenient(raw.get()),
            _ => {}
        }
        Ok(())
    }
}

/// A block that is due.
enum Block<'a> {
    Text(&'a str, Option<&'a RawValue>),
    Media(&'a Media, Option<&'a RawValue>),
    Raw(&'a RawValue),
}

/// Appends a result, open.
pub(super) fn write(
    out: &mut Vec<u8>,
    result: &ToolResult,
    beside: &Beside<'_>,
    context: &Context<'_>,
) -> Result<(), EncodeError> {
    out.extend_from_slice(b"{\"type\":\"tool_result\",\"tool_use_id\":");
    write_str(out, &call_id(&result.provider_id, result.call));
    let shape = beside.get("content");
    let nothing = result.text.is_empty() && result.media.is_empty();
    if shape.is_some_and(|raw| raw.get() == "null") && nothing {
        // It had no content.
    } else if shape.is_none() && result.media.is_empty() {
        out.extend_from_slice(b",\"content\":");
        write_str(out, &result.text);
    } else {
        out.extend_from_slice(b",\"content\":[");
        let shaped = shape.and_then(|raw| shaped(result, raw));
        for block in shaped.unwrap_or_else(|| plain(result)) {
            write_block(out, &block, context)?;
        }
        if !out.ends_with(b"[") {
            out.push(b'}');
        }
        out.push(b']');
    }
    if result.is_error {
        out.extend_from_slice(b",\"is_error\":true");
    } else if beside.get("is_error").is_some() {
        out.extend_from_slice(b",\"is_error\":false");
    }
    beside.write(out, &["content", "is_error"], context.marks);
    Ok(())
}

fn write_block(
    out: &mut Vec<u8>,
    block: &Block<'_>,
    context: &Context<'_>,
) -> Result<(), EncodeError> {
    let shape = match block {
        Block::Text(words, shape) => {
            text(out, words);
            shape
        }
        Block::Media(medium, shape) => {
            begin(out);
            media::write(out, medium, context)?;
            shape
        }
        Block::Raw(raw) => {
            begin(out);
            let open = raw.get().strip_suffix('}').unwrap_or(raw.get()).trim_end();
            out.extend_from_slice(open.as_bytes());
            return Ok(());
        }
    };
    if let Some(shape) = shape {
        Beside::read(shape.get()).write(out, &["type", BYTES], context.marks);
    }
    Ok(())
}

/// The words, then the media.
fn plain(result: &ToolResult) -> Vec<Block<'_>> {
    let words = (!result.text.trim().is_empty()).then_some(Block::Text(&result.text, None));
    let media = result.media.iter().map(|medium| Block::Media(medium, None));
    words.into_iter().chain(media).collect()
}

/// The words and media in the shape that the content had; `None` where they do not fit it any more.
fn shaped<'a>(result: &'a ToolResult, shape: &'a RawValue) -> Option<Vec<Block<'a>>> {
    let List(shapes) = lenient::<List<&RawValue>>(shape.get());
    let mut words = Some(&*result.text).filter(|text| !text.is_empty());
    let mut media = result.media.iter();
    let mut blocks = Vec::with_capacity(shapes.len());
    let mut any = false;
    for raw in shapes {
        let Object(shape) = lenient::<Object<Shape<'_>>>(raw.get());
        blocks.push(match shape.kind.0.as_deref() {
            Some("text") => {
                let rest = if any { words?.strip_prefix(BETWEEN)? } else { words.unwrap_or("") };
                any = true;
                let length = match shape.bytes.0 {
                    Some(bytes) => usize::try_from(bytes).ok()?,
                    None => rest.len(),
                };
                let (text, behind) = rest.split_at_checked(length)?;
                words = Some(behind);
                Block::Text(text, Some(raw))
            }
            Some("image") => Block::Media(take(&mut media, MediaKind::Image)?, Some(raw)),
            Some("document") => Block::Media(take(&mut media, MediaKind::Document)?, Some(raw)),
            _ if raw.get().starts_with('{') => Block::Raw(raw),
            _ => return None,
        });
    }
    (words.is_none_or(str::is_empty) && media.next().is_none()).then_some(blocks)
}

fn take<'m>(media: &mut std::slice::Iter<'m, Media>, kind: MediaKind) -> Option<&'m Media> {
    media.next().filter(|medium| medium.kind == kind)
}
