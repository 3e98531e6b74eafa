//! Messages of user and operator: words, or a list of blocks.

use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Media, MediaKind, MediaSource, Part};
use serde_json::{Value, json};

use super::super::{NAME, beside, content};
use crate::overlay::ABSENT;
use crate::reading::{self, Fields, Ids, data_url, native, take_list, take_text};

/// A message item. `default` is the role that the encoder would give it.
pub(super) fn message(role: Role, default: &str, mut fields: Fields, ids: &mut Ids) -> Message {
    if fields.get("role").is_some_and(|said| said == default) {
        fields.shift_remove("role");
    }
    let mut parts = Vec::new();
    if let Some(text) = take_text(&mut fields, "content") {
        parts.push(ids.part(role, Body::Text(text.into()), None));
    } else if fields.get("content").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        let list = take_list(&mut fields, "content").unwrap_or_default();
        parts.extend(list.iter().map(|value| block(value, role, ids)));
    } else if !fields.contains_key("content") {
        fields.insert(ABSENT.into(), json!(["content"]));
    }
    // Instructions are told from an item of the operator's by what stands beside it.
    let beside = role == Role::System || !fields.is_empty();
    reading::message(role, parts, beside.then(|| native(NAME, fields)))
}

fn block(value: &Value, role: Role, ids: &mut Ids) -> Part {
    let known = value.as_object().and_then(|fields| known(fields.clone()));
    let (body, mut fields) =
        known.unwrap_or_else(|| (Body::Unknown(reading::json(value)), Fields::new()));
    if matches!(body, Body::Unknown(_)) {
        fields.insert(beside::BLOCK.into(), json!({}));
    }
    ids.part(role, body, Some(native(NAME, fields)))
}

/// The body of a block and the fields beside; `None` where it would not come out as it was.
fn known(mut fields: Fields) -> Option<(Body, Fields)> {
    let kind = take_text(&mut fields, "type")?;
    if kind == "input_text" {
        return Some((Body::Text(take_text(&mut fields, "text")?.into()), fields));
    }
    let media = media(&kind, &mut fields)?;
    Some((Body::Media(media), fields))
}

/// The medium of a block.
pub(super) fn media(kind: &str, fields: &mut Fields) -> Option<Media> {
    let null = |fields: &Fields, key: &str| !fields.get(key).is_some_and(Value::is_string);
    let (kind, any, inline) = match kind {
        "input_image" => (MediaKind::Image, "image/*", "image_url"),
        "input_file" => (MediaKind::Document, "application/*", "file_data"),
        "input_audio" => return sound(fields),
        _ => return None,
    };
    let name = match kind {
        MediaKind::Document => take_text(fields, "filename").map(Into::into),
        _ => None,
    };
    let of = |mime: &str, source| Media { kind, mime: mime.into(), source, name: name.clone() };
    if let Some(data) = take_text(fields, inline) {
        return match data_url(&data) {
            Some((mime, source)) => Some(of(&mime, source)),
            None if kind == MediaKind::Image => Some(of(any, MediaSource::Url(data.into()))),
            // Bytes without a media type, as some servers take them.
            None => None,
        };
    }
    if null(fields, "file_id") {
        return take_text(fields, "file_url").map(|url| of(any, MediaSource::Url(url.into())));
    }
    let id = take_text(fields, "file_id")?;
    Some(of(any, MediaSource::ProviderFile(id.into())))
}

fn sound(fields: &mut Fields) -> Option<Media> {
    let Some(Value::Object(mut inner)) = fields.shift_remove("input_audio") else { return None };
    let (data, format) = (take_text(&mut inner, "data")?, take_text(&mut inner, "format")?);
    let mime = if format == "mp3" { "audio/mpeg".into() } else { format!("audio/{format}") };
    if content::format_of(&mime) != format {
        inner.insert("format".into(), format.into());
    }
    if !inner.is_empty() {
        fields.insert("input_audio".into(), inner.into());
    }
    let source = MediaSource::Base64(data.into());
    Some(Media { kind: MediaKind::Audio, mime: mime.into(), source, name: None })
}
