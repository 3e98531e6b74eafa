//! Content of the messages we send: words joined, media as typed parts, ids of tool calls.

use std::borrow::Cow;

use largestack_types::hash::Hash;
use largestack_types::id::CallId;
use largestack_types::json::Json;
use largestack_types::message::Message;
use largestack_types::part::{Body, Media, MediaKind, MediaSource, Part};
use serde::de::MapAccess;

use crate::error::EncodeError;
use crate::escape::write_str;
use crate::json::{Fields, Object, Str, lenient, skip};
use crate::model::Target;
use crate::quirk::Quirk;

/// All words of a message; parts are paragraphs.
pub(super) fn joined(message: &Message) -> Cow<'_, str> {
    let mut texts = message.parts.iter().filter_map(words);
    match (texts.next(), texts.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(only), None) => Cow::Borrowed(only),
        (Some(first), Some(second)) => {
            let all: Vec<&str> = [first, second].into_iter().chain(texts).collect();
            Cow::Owned(all.join("\n\n"))
        }
    }
}

fn words(part: &Part) -> Option<&str> {
    match &part.body {
        Body::Text(text) | Body::Refusal(text) => Some(text),
        _ => None,
    }
}

/// A user's message: words alone as a string, with media as a list of parts.
pub(super) fn user(
    out: &mut Vec<u8>,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    out.extend_from_slice(b"{\"role\":\"user\",\"content\":");
    let has_media = |part: &Part| match &part.body {
        Body::Media(_) => true,
        Body::ToolResult(result) => !result.media.is_empty(),
        _ => false,
    };
    if message.parts.iter().any(has_media) {
        let mut list = List::begin(out);
        for part in &message.parts {
            list.part(part, target)?;
        }
        list.end();
    } else {
        write_str(out, &joined(message));
    }
    out.push(b'}');
    Ok(())
}

/// A user's message with what tool messages could not carry, if there is anything.
pub(super) fn late<'m>(
    out: &mut Vec<u8>,
    messages: impl Iterator<Item = &'m Message>,
    target: &Target,
) -> Result<(), EncodeError> {
    let parts = messages.flat_map(|message| &message.parts).filter(|part| match &part.body {
        Body::ToolResult(result) => !result.media.is_empty(),
        Body::Text(_) | Body::Media(_) => true,
        _ => false,
    });
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return Ok(());
    }
    // After a tool message there is always something to separate from.
    out.extend_from_slice(b",{\"role\":\"user\",\"content\":");
    let mut list = List::begin(out);
    for part in parts {
        list.part(part, target)?;
    }
    list.end();
    out.push(b'}');
    Ok(())
}

/// A list of content parts under way.
struct List<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> List<'o> {
    fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, empty: true }
    }

    fn end(self) {
        self.out.push(b']');
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    fn text(&mut self, text: &str) {
        self.separate();
        self.out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
        write_str(self.out, text);
        self.out.push(b'}');
    }

    fn part(&mut self, part: &Part, target: &Target) -> Result<(), EncodeError> {
        match &part.body {
            Body::Text(text) | Body::Refusal(text) => self.text(text),
            Body::Media(media) => self.media(media, target)?,
            Body::ToolResult(result) if !result.media.is_empty() => {
                let id = call_id(&result.provider_id, result.call, target);
                self.text(&format!("Media of the result of tool call {id} ({}):", result.name));
                for media in &result.media {
                    self.media(media, target)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn media(&mut self, media: &Media, target: &Target) -> Result<(), EncodeError> {
        let unsupported = |what: Cow<'static, str>| EncodeError::Unsupported {
            what,
            provider: target.provider.name.clone(),
            model: target.model.clone(),
        };
        if !target.profile.takes(media.kind) {
            return Err(unsupported(Cow::Borrowed(plural(media.kind))));
        }
        let has = |quirk| target.provider.has(quirk);
        self.separate();
        match (media.kind, &media.source) {
            (MediaKind::Image, MediaSource::Url(url)) => self.address("image_url", url),
            (MediaKind::Image, MediaSource::Base64(data)) => self.data("image_url", media, data),
            (MediaKind::Audio, MediaSource::Base64(data)) => self.audio(&media.mime, data),
            (MediaKind::Video, MediaSource::Url(url)) if has(Quirk::VideoUrl) => {
                self.address("video_url", url);
            }
            (MediaKind::Video, MediaSource::Base64(data)) if has(Quirk::VideoUrl) => {
                self.data("video_url", media, data);
            }
            (MediaKind::Document, MediaSource::Base64(data)) => {
                self.file(media, &data_url(&media.mime, data));
            }
            (MediaKind::Document, MediaSource::Url(url)) if has(Quirk::DocumentUrl) => {
                self.file(media, url);
            }
            (MediaKind::Document, MediaSource::ProviderFile(id)) => {
                self.out.extend_from_slice(b"{\"type\":\"file\",\"file\":{\"file_id\":");
                write_str(self.out, id);
                self.out.extend_from_slice(b"}}");
            }
            (kind, source) => {
                let what = format!("{} {}", plural(kind), whence(source));
                return Err(unsupported(Cow::Owned(what)));
            }
        }
        Ok(())
    }

    fn address(&mut self, kind: &str, url: &str) {
        self.out
            .extend_from_slice(format!("{{\"type\":\"{kind}\",\"{kind}\":{{\"url\":").as_bytes());
        write_str(self.out, url);
        self.out.extend_from_slice(b"}}");
    }

    fn data(&mut self, kind: &str, media: &Media, data: &str) {
        self.address(kind, &data_url(&media.mime, data));
    }

    /// The format is the subtype, under the names of the reference (`wav`, `mp3`).
    fn audio(&mut self, mime: &str, data: &str) {
        let subtype = mime.split_once('/').map_or(mime, |(_, subtype)| subtype);
        let format = match subtype {
            "mpeg" | "mpeg3" | "x-mpeg" => "mp3",
            "x-wav" | "wave" | "vnd.wave" => "wav",
            other => other,
        };
        self.out.extend_from_slice(b"{\"type\":\"input_audio\",\"input_audio\":{\"data\":");
        write_str(self.out, data);
        self.out.extend_from_slice(b",\"format\":");
        write_str(self.out, format);
        self.out.extend_from_slice(b"}}");
    }

    fn file(&mut self, media: &Media, data: &str) {
        let name = media.name.as_deref().unwrap_or("document.pdf");
        self.out.extend_from_slice(b"{\"type\":\"file\",\"file\":{\"filename\":");
        write_str(self.out, name);
        self.out.extend_from_slice(b",\"file_data\":");
        write_str(self.out, data);
        self.out.extend_from_slice(b"}}");
    }
}

fn data_url(mime: &str, data: &str) -> String {
    format!("data:{mime};base64,{data}")
}

const fn plural(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "images",
        MediaKind::Audio => "sound",
        MediaKind::Video => "videos",
        MediaKind::Document => "documents",
    }
}

const fn whence(source: &MediaSource) -> &'static str {
    match source {
        MediaSource::Base64(_) => "in the request",
        MediaSource::Url(_) => "by address",
        MediaSource::ProviderFile(_) => "uploaded before",
        MediaSource::Blob(_) => "in the blob store (they have to be loaded first)",
    }
}

/// The id under which call and result find each other: the provider's, or ours where it gave none.
pub(super) fn call_id<'a>(provider_id: &'a str, call: CallId, target: &Target) -> Cow<'a, str> {
    let id = if provider_id.is_empty() {
        Cow::Owned(call.to_string())
    } else {
        Cow::Borrowed(provider_id)
    };
    let fits = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits || !target.provider.has(Quirk::NineCharCallIds) {
        return id;
    }
    let mut digits = Hash::of(id.as_bytes()).to_string();
    digits.truncate(9);
    Cow::Owned(digits)
}

/// The `type` of a provider's block.
pub(super) fn kind_of(raw: &Json) -> Cow<'_, str> {
    #[derive(Default)]
    struct Kind<'a>(Str<'a>);

    impl<'de> Fields<'de> for Kind<'de> {
        fn field<A: MapAccess<'de>>(
            &mut self,
            key: Cow<'de, str>,
            map: &mut A,
        ) -> Result<(), A::Error> {
            if key == "type" {
                self.0 = map.next_value()?;
                return Ok(());
            }
            skip(map)
        }
    }

    lenient::<Object<Kind<'_>>>(raw.as_str()).0.0.or_empty()
}
