//! Images, documents, sound and film: the formats by their names here and everywhere else, and
//! where their bytes are. (`ImageBlock`, `DocumentBlock`, `VideoBlock`, `AudioBlock`.)

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_types::part::{Media, MediaKind, MediaSource};
use serde_json::Value;

use super::content::Place;
use crate::body::{Map, take_map, take_text};
use crate::error::EncodeError;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;

type Names = &'static [(&'static str, &'static str)];

const IMAGES: Names =
    &[("png", "image/png"), ("jpeg", "image/jpeg"), ("gif", "image/gif"), ("webp", "image/webp")];
const DOCUMENTS: Names = &[
    ("pdf", "application/pdf"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("html", "text/html"),
    ("md", "text/markdown"),
    ("txt", "text/plain"),
];
const VIDEOS: Names = &[
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("flv", "video/x-flv"),
    ("mpeg", "video/mpeg"),
    ("wmv", "video/x-ms-wmv"),
    ("three_gp", "video/3gpp"),
];
const SOUNDS: Names = &[
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("m4a", "audio/mp4"),
    ("mkv", "audio/x-matroska"),
    ("pcm", "audio/l16"),
];

/// The field of a block, the names of its formats, and what unknown ones are kinds of.
const fn kind(kind: MediaKind) -> (&'static str, Names, &'static str) {
    match kind {
        MediaKind::Image => ("image", IMAGES, "image"),
        MediaKind::Audio => ("audio", SOUNDS, "audio"),
        MediaKind::Video => ("video", VIDEOS, "video"),
        MediaKind::Document => ("document", DOCUMENTS, "application"),
    }
}

/// Which kind of medium a block's field means.
pub(super) fn kind_of(field: &str) -> Option<MediaKind> {
    Some(match field {
        "image" => MediaKind::Image,
        "audio" => MediaKind::Audio,
        "video" => MediaKind::Video,
        "document" => MediaKind::Document,
        _ => return None,
    })
}

fn format(mime: &str, of: MediaKind) -> &str {
    let (_, names, _) = kind(of);
    let known = names.iter().find(|(_, known)| *known == mime).map(|(format, _)| *format);
    let (main, sub) = mime.split_once('/').unwrap_or(("", mime));
    let written = matches!(sub, "json" | "xml" | "yaml" | "x-yaml" | "toml" | "javascript");
    known.unwrap_or(match of {
        MediaKind::Image if sub == "jpg" => "jpeg",
        MediaKind::Audio if matches!(sub, "x-wav" | "wave" | "vnd.wave") => "wav",
        MediaKind::Document if main == "text" || written => "txt",
        _ => sub,
    })
}

/// The media type of a format.
pub(super) fn mime(of: MediaKind, format: &str) -> Cow<'static, str> {
    let (_, names, main) = kind(of);
    let known = names.iter().find(|(known, _)| *known == format);
    known.map_or_else(|| format!("{main}/{format}").into(), |(_, mime)| Cow::Borrowed(*mime))
}

/// Appends the block of a medium.
pub(super) fn write(
    list: &mut Writer<'_>,
    media: &Media,
    native: &FieldList<'_>,
    place: &mut Place<'_>,
) -> Result<(), EncodeError> {
    if !place.target.profile.takes(media.kind) {
        return Err(unsupported(format!("{}s", kind(media.kind).0), place.target));
    }
    let mut block = Writer::object(list.item());
    if native.get("guardContent").is_some() {
        let mut guard = block.inner("guardContent");
        inner(guard.inner(kind(media.kind).0), media, native, place)?;
        guard.end();
    } else {
        inner(block.inner(kind(media.kind).0), media, native, place)?;
    }
    block.end();
    Ok(())
}

fn inner(
    mut block: Writer<'_>,
    media: &Media,
    native: &FieldList<'_>,
    place: &mut Place<'_>,
) -> Result<(), EncodeError> {
    let own = native.get("block").map(FieldList::of).unwrap_or_default();
    if own.get("format").is_none() {
        block.text("format", format(&media.mime, media.kind));
    }
    if media.kind == MediaKind::Document {
        let number = place.next_document();
        match media.name.as_deref().map(allowed).filter(|name| !name.is_empty()) {
            Some(name) => block.text("name", &name),
            None => block.text("name", &format!("Document {number}")),
        }
    }
    for (key, raw) in own.iter() {
        block.raw(key, raw);
    }
    let mut source = block.inner("source");
    match &media.source {
        MediaSource::Base64(data) if native.get("text").is_some() => {
            let bytes = STANDARD.decode(data.as_bytes()).unwrap_or_default();
            source.text("text", &String::from_utf8_lossy(&bytes));
        }
        MediaSource::Base64(data) => source.text("bytes", data),
        MediaSource::Url(uri) if uri.starts_with("s3://") => {
            let mut location = source.inner("s3Location");
            location.text("uri", uri);
            for (key, raw) in native.get("s3Location").map(FieldList::of).unwrap_or_default().iter()
            {
                location.raw(key, raw);
            }
            location.end();
        }
        MediaSource::Url(_) => {
            return Err(unsupported("media by an address outside S3".into(), place.target));
        }
        MediaSource::ProviderFile(_) => {
            return Err(unsupported("media uploaded before".into(), place.target));
        }
        MediaSource::Blob(_) => {
            let what = "media in the blob store (they have to be loaded first)";
            return Err(unsupported(what.into(), place.target));
        }
    }
    source.end();
    block.end();
    Ok(())
}

/// A name of the characters that are allowed: letters, digits, single spaces, hyphens, brackets.
fn allowed(name: &str) -> String {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '(' | ')' | '[' | ']');
    let clean: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unsupported(what: String, target: &Target) -> EncodeError {
    EncodeError::Unsupported {
        what: what.into(),
        provider: target.provider.name.clone(),
        model: target.model.clone(),
    }
}

/// A medium of a request or reply, and what its block says beside; `None` for a form that only
/// this protocol knows.
pub(super) fn read(of: MediaKind, mut block: Map) -> Option<(Media, Map)> {
    let (mut source, mut native) = (take_map(&mut block, "source")?, Map::new());
    let said = take_text(&mut block, "format").unwrap_or_default();
    let mime = mime(of, &said);
    let data = if let Some(bytes) = take_text(&mut source, "bytes") {
        MediaSource::Base64(bytes.into())
    } else if let Some(text) = take_text(&mut source, "text") {
        native.insert("text".into(), Value::Bool(true));
        MediaSource::Base64(STANDARD.encode(text).into())
    } else {
        let mut location = take_map(&mut source, "s3Location")?;
        let uri = take_text(&mut location, "uri").filter(|uri| uri.starts_with("s3://"))?;
        if !location.is_empty() {
            native.insert("s3Location".into(), Value::Object(location));
        }
        MediaSource::Url(uri.into())
    };
    if !source.is_empty() {
        return None;
    }
    let name = (of == MediaKind::Document).then(|| take_text(&mut block, "name")).flatten();
    if name.as_deref().is_some_and(|name| allowed(name) != name) {
        return None;
    }
    if format(&mime, of) != said {
        block.insert("format".into(), Value::String(said));
    }
    if !block.is_empty() {
        native.insert("block".into(), Value::Object(block));
    }
    let name = name.map(Into::into);
    Some((Media { kind: of, mime: mime.into_owned().into(), source: data, name }, native))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_media_types_name_each_other() {
        for of in [MediaKind::Image, MediaKind::Audio, MediaKind::Video, MediaKind::Document] {
            for (name, _) in kind(of).1 {
                assert_eq!(format(&mime(of, name), of), *name);
            }
        }
        assert_eq!(format("text/x-python", MediaKind::Document), "txt");
        assert_eq!(format("audio/flac", MediaKind::Audio), "flac");
        assert_eq!(mime(MediaKind::Video, "mpg"), "video/mpg");
    }

    #[test]
    fn names_of_documents_have_only_characters_that_are_allowed() {
        assert_eq!(allowed("Annual  report_2024.pdf"), "Annual report-2024-pdf");
        assert_eq!(allowed("Document (1) [a]"), "Document (1) [a]");
    }
}
