//! Images and documents as blocks.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_types::part::{Media, MediaKind, MediaSource};

use super::content::Context;
use crate::error::EncodeError;
use crate::escape::write_str;

/// Appends an image or document block, open.
pub(super) fn write(
    out: &mut Vec<u8>,
    media: &Media,
    context: &Context<'_>,
) -> Result<(), EncodeError> {
    let target = context.target;
    let unsupported = |what: Cow<'static, str>| EncodeError::Unsupported {
        what,
        provider: target.provider.name.clone(),
        model: target.model.clone(),
    };
    let kind = match media.kind {
        MediaKind::Image => "image",
        MediaKind::Document => "document",
        MediaKind::Audio => return Err(unsupported("sound".into())),
        MediaKind::Video => return Err(unsupported("videos".into())),
    };
    if !target.profile.takes(media.kind) {
        return Err(unsupported(format!("{kind}s").into()));
    }
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"source\":{\"type\":");
    match &media.source {
        MediaSource::Base64(data) if is_words(media) => {
            let words = STANDARD.decode(data.as_bytes()).ok();
            let words = words.and_then(|bytes| String::from_utf8(bytes).ok());
            let Some(words) = words else {
                return Err(unsupported(format!("{} that is no UTF-8", media.mime).into()));
            };
            // The one media type that this source has.
            out.extend_from_slice(b"\"text\",\"media_type\":\"text/plain\",\"data\":");
            write_str(out, &words);
        }
        MediaSource::Base64(data) => {
            out.extend_from_slice(b"\"base64\",\"media_type\":");
            write_str(out, &media.mime);
            out.extend_from_slice(b",\"data\":");
            write_str(out, data);
        }
        MediaSource::Url(url) => {
            out.extend_from_slice(b"\"url\",\"url\":");
            write_str(out, url);
        }
        MediaSource::ProviderFile(id) if context.host.keeps_files() => {
            out.extend_from_slice(b"\"file\",\"file_id\":");
            write_str(out, id);
        }
        MediaSource::ProviderFile(_) => {
            return Err(unsupported(format!("{kind}s uploaded before").into()));
        }
        MediaSource::Blob(_) => {
            let what = format!("{kind}s in the blob store (they have to be loaded first)");
            return Err(unsupported(what.into()));
        }
    }
    out.push(b'}');
    if let Some(name) = media.name.as_ref().filter(|_| media.kind == MediaKind::Document) {
        out.extend_from_slice(b",\"title\":");
        write_str(out, name);
    }
    Ok(())
}

/// Whether a document is plain words, which go as such.
fn is_words(media: &Media) -> bool {
    let mime = media.mime.as_ref();
    media.kind == MediaKind::Document
        && (mime.starts_with("text/")
            || matches!(mime, "application/json" | "application/xml" | "application/yaml"))
}
