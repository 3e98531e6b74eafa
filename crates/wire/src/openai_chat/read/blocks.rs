//! Blocks of a content list: words, media by address or bytes, thoughts, and whatever else.

use largestack_types::message::Role;
use largestack_types::part::{Body, Media, MediaKind, MediaSource, Part, Reasoning};
use serde_json::Value;

use super::super::{NAME, content};
use crate::reading::{Fields, Ids, data_url, json, native, take_text};

/// The part of one block.
pub(super) fn part(block: &Value, role: Role, ids: &mut Ids) -> Part {
    let known = match block {
        Value::Object(fields) => known(fields.clone()),
        _ => None,
    };
    match known {
        Some((body, beside)) => ids.part(role, body, Some(native(NAME, beside))),
        None => unknown(block, role, ids),
    }
}

/// A block that only its provider knows.
pub(super) fn unknown(block: &Value, role: Role, ids: &mut Ids) -> Part {
    ids.part(role, Body::Unknown(json(block)), Some(native(NAME, Fields::new())))
}

/// The body of a block and the fields beside; `None` where it would not come out as it was.
fn known(mut fields: Fields) -> Option<(Body, Fields)> {
    let kind = take_text(&mut fields, "type")?;
    let body = match &*kind {
        "text" => Body::Text(take_text(&mut fields, "text")?.into()),
        "refusal" => Body::Refusal(take_text(&mut fields, "refusal")?.into()),
        "thinking" => return thinking(fields),
        "image_url" => Body::Media(addressed(&mut fields, &kind, MediaKind::Image)?),
        "video_url" => Body::Media(addressed(&mut fields, &kind, MediaKind::Video)?),
        "input_audio" => Body::Media(sound(&mut fields)?),
        "file" => Body::Media(file(&mut fields)?),
        _ => return None,
    };
    Some((body, fields))
}

/// Takes the inner object out of a block, and puts back what was not read of it.
fn within<T>(
    fields: &mut Fields,
    key: &str,
    read: impl FnOnce(&mut Fields) -> Option<T>,
) -> Option<T> {
    let Some(Value::Object(mut inner)) = fields.shift_remove(key) else { return None };
    let found = read(&mut inner)?;
    if !inner.is_empty() {
        fields.insert(key.into(), inner.into());
    }
    Some(found)
}

fn addressed(fields: &mut Fields, key: &str, kind: MediaKind) -> Option<Media> {
    let url = within(fields, key, |inner| take_text(inner, "url"))?;
    let any = if kind == MediaKind::Image { "image/*" } else { "video/*" };
    let (mime, source) =
        data_url(&url).unwrap_or_else(|| (any.into(), MediaSource::Url(url.into())));
    Some(Media { kind, mime, source, name: None })
}

fn sound(fields: &mut Fields) -> Option<Media> {
    let (data, format) = within(fields, "input_audio", |inner| {
        let data = take_text(inner, "data")?;
        let format = take_text(inner, "format")?;
        let mime = if format == "mp3" { "audio/mpeg".into() } else { format!("audio/{format}") };
        if content::format_of(&mime) != format {
            inner.insert("format".into(), format.into());
        }
        Some((data, mime))
    })?;
    let source = MediaSource::Base64(data.into());
    Some(Media { kind: MediaKind::Audio, mime: format.into(), source, name: None })
}

fn file(fields: &mut Fields) -> Option<Media> {
    let (name, mime, source) = within(fields, "file", |inner| {
        if let Some(data) = take_text(inner, "file_data") {
            let address = |data: String| ("application/*".into(), MediaSource::Url(data.into()));
            let (mime, source) = data_url(&data).unwrap_or_else(|| address(data));
            return Some((take_text(inner, "filename"), mime, source));
        }
        let id = take_text(inner, "file_id")?;
        Some((None, "application/*".into(), MediaSource::ProviderFile(id.into())))
    })?;
    Some(Media { kind: MediaKind::Document, mime, source, name: name.map(Into::into) })
}

/// Mistral's thinking. The encoder writes one block of text; anything more stays as it came.
fn thinking(mut fields: Fields) -> Option<(Body, Fields)> {
    let listed = fields.shift_remove("thinking")?;
    let blocks = listed.as_array()?;
    let words = |block: &Value| block.get("text").and_then(Value::as_str).map(str::to_owned);
    let text: String = blocks.iter().filter_map(words).collect();
    let plain = blocks.len() == 1
        && fields.is_empty()
        && !text.is_empty()
        && blocks.iter().all(|block| {
            block.get("type").is_some_and(|kind| kind == "text")
                && block.as_object().is_some_and(|fields| fields.len() == 2)
        });
    let raw = (!plain).then(|| {
        let mut whole = Fields::from_iter([("type".to_owned(), Value::from("thinking"))]);
        whole.insert("thinking".into(), listed.clone());
        whole.extend(fields);
        json(&Value::Object(whole))
    });
    let thought = Reasoning { text: text.into(), raw, ..Reasoning::default() };
    Some((Body::Reasoning(thought), Fields::new()))
}
