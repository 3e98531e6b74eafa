//! Results of tools: a string, or a list of documents and words. The `content` of a result's
//! `native` remembers the list: `{"text": BYTES}`, `{"document": BYTES, ...}` or `{"raw": BLOCK}` in
//! order, for words joined by an empty line. Words that were changed since are sent as a string.

use largestack_types::part::ToolResult;
use serde_json::Value;
use serde_json::value::RawValue;

use super::content::id;
use crate::body::{Map, json};
use crate::extra::FieldList;
use crate::json::{Count, List, lenient};
use crate::object::Writer;

/// What stands between the words of two blocks.
const BETWEEN: &str = "\n\n";

/// Appends the message of a result.
pub(super) fn write(
    out: &mut Vec<u8>,
    result: &ToolResult,
    native: &FieldList<'_>,
    beside: &FieldList<'_>,
) {
    let mut said = Writer::object(out);
    said.text("role", "tool");
    said.text("tool_call_id", &id(&result.provider_id, result.call));
    let shape = native.get("content").map(|shape| lenient::<List<&RawValue>>(shape).0);
    match shape.and_then(|shape| pieces(&result.text, &shape)) {
        Some(blocks) => {
            let mut list = said.inner_list("content");
            for block in blocks {
                list.raw_item(block.as_str());
            }
            list.end();
        }
        None => said.text("content", &result.text),
    }
    for (key, raw) in beside.iter() {
        said.raw(key, raw);
    }
    said.end();
}

/// The blocks as they were, if the words are still those.
fn pieces(text: &str, shape: &[&RawValue]) -> Option<Vec<largestack_types::json::Json>> {
    let mut rest = text;
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
    let mut blocks = Vec::new();
    for entry in shape {
        let mut entry = FieldList::of(entry.get());
        if let Some(raw) = entry.take("raw") {
            blocks.push(crate::object::json(|out| out.extend_from_slice(raw.as_bytes())));
        } else if let Some(length) = entry.take("text") {
            let words = words(length)?;
            blocks.push(crate::object::json(|out| {
                let mut block = Writer::object(out);
                block.text("type", "text");
                block.text("text", words);
                block.end();
            }));
        } else {
            let words = words(entry.take("document")?)?;
            let is_json = entry.take("json").is_some();
            if is_json {
                serde_json::from_str::<&RawValue>(words).ok()?;
            }
            blocks.push(crate::object::json(|out| {
                let mut block = Writer::object(out);
                block.text("type", "document");
                let mut document = block.inner("document");
                if is_json {
                    document.raw("data", words);
                } else {
                    document.text("data", words);
                }
                for (key, raw) in entry.iter() {
                    document.raw(key, raw);
                }
                document.end();
                block.end();
            }));
        }
    }
    rest.is_empty().then_some(blocks)
}

/// The words of a result in a request, and its shape where that is not a string.
pub(super) fn read(content: Value) -> Option<(String, Option<Value>)> {
    let blocks = match content {
        Value::String(text) => return Some((text, None)),
        Value::Array(blocks) => blocks,
        _ => return None,
    };
    let (mut texts, mut shape) = (Vec::new(), Vec::new());
    for block in blocks {
        let (text, entry) = piece(&block)
            .unwrap_or_else(|| (None, Map::from_iter([("raw".to_owned(), block.clone())])));
        texts.extend(text);
        shape.push(Value::Object(entry));
    }
    Some((texts.join(BETWEEN), Some(Value::Array(shape))))
}

fn piece(block: &Value) -> Option<(Option<String>, Map)> {
    let fields = block.as_object().filter(|fields| fields.len() == 2)?;
    match fields.get("type")?.as_str()? {
        "text" => {
            let text = fields.get("text")?.as_str()?.to_owned();
            let entry = Map::from_iter([("text".to_owned(), text.len().into())]);
            Some((Some(text), entry))
        }
        "document" => {
            let mut entry = fields.get("document")?.as_object()?.clone();
            let data = entry.remove("data")?;
            if entry.contains_key("document") || entry.contains_key("json") {
                return None;
            }
            let text = match data {
                Value::String(text) => text,
                other => {
                    entry.insert("json".into(), Value::Bool(true));
                    json(&other).as_str().to_owned()
                }
            };
            entry.insert("document".into(), text.len().into());
            Some((Some(text), entry))
        }
        _ => None,
    }
}
