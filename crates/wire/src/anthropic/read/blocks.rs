//! Content blocks as parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_types::message::Role;
use largestack_types::part::{
    Arguments, Body, Media, MediaKind, MediaSource, Part, Reasoning, ToolCall,
};
use serde_json::Value;

use super::{native, results};
use crate::anthropic::content::Side;
use crate::error::ReadError;
use crate::reading::{Fields, Ids, json, malformed, take_text};

/// A content that was a string.
pub(super) fn words(text: String, side: Side, ids: &mut Ids) -> Part {
    ids.part(role(side), Body::Text(text.into()), None)
}

/// A block of a list.
pub(super) fn block(block: Value, side: Side, ids: &mut Ids) -> Result<Part, ReadError> {
    let Value::Object(mut fields) = block else {
        return Err(malformed("a block is not an object"));
    };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let whole = fields.clone();
    let read = match &*kind {
        "text" => text(&mut fields),
        "thinking" | "redacted_thinking" => thought(&kind, &mut fields),
        "tool_use" => tool_call(&mut fields, ids),
        "tool_result" => results::result(&mut fields, ids),
        "image" => medium(MediaKind::Image, &mut fields),
        "document" => medium(MediaKind::Document, &mut fields),
        _ => None,
    };
    let role = match &read {
        Some(Body::ToolResult(_)) => Role::Tool,
        _ => role(side),
    };
    let Some(body) = read else {
        let raw = json(&Value::Object(whole));
        let body = if is_server(&kind) { Body::ServerTool(raw) } else { Body::Unknown(raw) };
        return Ok(ids.part(role, body, Some(native(Fields::new()))));
    };
    fields.shift_remove("type");
    // What goes back only where it came from has to say so.
    let marked = match &body {
        Body::Reasoning(_) => true,
        Body::Text(text) => text.trim().is_empty(),
        _ => false,
    };
    let beside = (marked || !fields.is_empty()).then(|| native(fields));
    Ok(ids.part(role, body, beside))
}

fn tool_call(fields: &mut Fields, ids: &mut Ids) -> Option<Body> {
    if !fields.get("input").is_some_and(Value::is_object)
        || !fields.get("id").is_some_and(Value::is_string)
    {
        return None;
    }
    let name = take_text(fields, "name")?;
    let id = take_text(fields, "id")?;
    let arguments = Arguments::Json(json(&fields.shift_remove("input")?));
    let call = ids.call(&id, &name);
    let (provider_id, name) = (id.into(), name.into());
    Some(Body::ToolCall(ToolCall { call, provider_id, name, arguments }))
}

const fn role(side: Side) -> Role {
    match side {
        Side::User => Role::User,
        Side::Assistant => Role::Assistant,
        Side::System => Role::System,
    }
}

/// Whether a block is of a tool that the provider ran itself.
fn is_server(kind: &str) -> bool {
    kind.ends_with("_tool_use")
        || kind.ends_with("_tool_result")
        || matches!(kind, "compaction" | "container_upload")
}

fn text(fields: &mut Fields) -> Option<Body> {
    Some(Body::Text(take_text(fields, "text")?.into()))
}

fn thought(kind: &str, fields: &mut Fields) -> Option<Body> {
    let redacted = kind == "redacted_thinking";
    let (text, signature) = if redacted {
        (String::new(), Some(take_text(fields, "data")?))
    } else {
        (take_text(fields, "thinking")?, take_text(fields, "signature"))
    };
    let (text, signature) = (text.into(), signature.map(Into::into));
    Some(Body::Reasoning(Reasoning { text, signature, redacted, raw: None }))
}

/// An image or document whose source is one that encoding writes the same way.
pub(super) fn medium(kind: MediaKind, fields: &mut Fields) -> Option<Body> {
    media(kind, fields).map(Body::Media)
}

/// The same, of a content.
pub(super) fn media(kind: MediaKind, fields: &mut Fields) -> Option<Media> {
    let Some(Value::Object(source)) = fields.get("source") else { return None };
    let mut source = source.clone();
    let form = take_text(&mut source, "type")?;
    let any = if kind == MediaKind::Image { "image/*" } else { "application/pdf" };
    let (mime, source_of) = match &*form {
        "base64" => {
            let mime = take_text(&mut source, "media_type")?;
            // Such a document would be written as text.
            if kind == MediaKind::Document && mime != "application/pdf" {
                return None;
            }
            (mime, MediaSource::Base64(take_text(&mut source, "data")?.into()))
        }
        "text" if kind == MediaKind::Document => {
            let mime = take_text(&mut source, "media_type").filter(|mime| mime == "text/plain")?;
            let data = STANDARD.encode(take_text(&mut source, "data")?);
            (mime, MediaSource::Base64(data.into()))
        }
        "url" => (any.to_owned(), MediaSource::Url(take_text(&mut source, "url")?.into())),
        "file" => {
            (any.to_owned(), MediaSource::ProviderFile(take_text(&mut source, "file_id")?.into()))
        }
        _ => return None,
    };
    if !source.is_empty() {
        return None;
    }
    fields.shift_remove("source");
    let named = kind == MediaKind::Document;
    let name = if named { take_text(fields, "title") } else { None };
    Some(Media { kind, mime: mime.into(), source: source_of, name: name.map(Into::into) })
}
