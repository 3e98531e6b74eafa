//! Results of tools as parts: their words and media, and the shape they had (see
//! `anthropic::result`).

use largestack_types::part::{Body, Media, MediaKind, ToolResult};
use serde_json::Value;

use super::blocks::media;
use crate::anthropic::result::{BETWEEN, BYTES};
use crate::reading::{Fields, Ids, take_text};

/// Reads a result; what it says beside stays in `fields`.
pub(super) fn result(fields: &mut Fields, ids: &mut Ids) -> Option<Body> {
    let id = take_text(fields, "tool_use_id")?;
    let is_error = fields.get("is_error") == Some(&Value::Bool(true));
    if is_error {
        fields.shift_remove("is_error");
    }
    let mut content = Content::default();
    match fields.shift_remove("content") {
        Some(Value::String(text)) => content.text = text,
        Some(Value::Array(blocks)) => {
            let shape = content.take(blocks)?;
            fields.insert("content".to_owned(), Value::Array(shape));
        }
        None => {
            fields.insert("content".to_owned(), Value::Null);
        }
        Some(_) => return None,
    }
    let (call, name) = ids.answered(&id);
    Some(Body::ToolResult(ToolResult {
        call,
        provider_id: id.into(),
        name,
        text: content.text.into(),
        media: content.media,
        is_error,
        handle: None,
    }))
}

#[derive(Debug, Default)]
struct Content {
    text: String,
    media: Vec<Media>,
}

impl Content {
    /// Takes words and media out of the blocks, and leaves their shape.
    fn take(&mut self, blocks: Vec<Value>) -> Option<Vec<Value>> {
        let is_text = |block: &Value| block["type"] == "text" && block["text"].is_string();
        let texts = blocks.iter().filter(|block| is_text(block)).count();
        let mut any = false;
        let shape = blocks.into_iter().map(|block| {
            let text = is_text(&block);
            let Value::Object(mut fields) = block else { return None };
            if text {
                let words = take_text(&mut fields, "text")?;
                if texts > 1 {
                    fields.insert(BYTES.to_owned(), words.len().into());
                }
                if std::mem::replace(&mut any, true) {
                    self.text.push_str(BETWEEN);
                }
                self.text.push_str(&words);
                return Some(Value::Object(fields));
            }
            let kind = match fields.get("type").and_then(Value::as_str) {
                Some("image") => MediaKind::Image,
                Some("document") => MediaKind::Document,
                // Without words to take out: it stays as it is.
                _ => return Some(Value::Object(fields)),
            };
            // A medium of another form would stand for one of these.
            self.media.push(media(kind, &mut fields)?);
            Some(Value::Object(fields))
        });
        shape.collect()
    }
}
