//! Content of the messages we send: words joined, media as typed parts, ids of tool calls.

use std::borrow::Cow;

use largestack_types::hash::Hash;
use largestack_types::id::CallId;
use largestack_types::json::Json;
use largestack_types::message::Message;
use largestack_types::part::{Body, Media, MediaKind, MediaSource, Native, Part, Reasoning};
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::NAME;
use crate::error::EncodeError;
use crate::json::{self, Fields, Object, Str, lenient, skip};
use crate::model::Target;
use crate::overlay::{Overlay, Writer};
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

/// A message of words and media: words alone as a string; with media, or where it was one, a list
/// of parts.
pub(super) fn spoken(
    out: &mut Vec<u8>,
    role: &str,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    let mut object = Writer::begin(out, Overlay::of(message.native.as_ref(), NAME));
    object.text("role", role);
    let is_listed = |part: &Part| match &part.body {
        Body::Media(_) => true,
        Body::ToolResult(result) => !result.media.is_empty(),
        _ => Native::of(part.native.as_ref(), NAME).is_some(),
    };
    if message.parts.iter().any(is_listed) {
        let mut result = Ok(());
        object.field("content", |out| {
            let mut list = List::begin(out);
            result = message.parts.iter().try_for_each(|part| list.part(part, target));
            list.end();
        });
        result?;
    } else {
        object.text("content", &joined(message));
    }
    object.end();
    Ok(())
}

/// How the text of a tool result was cut into blocks: for each its length in bytes under
/// [`BYTES`], with the fields beside.
pub(super) const BLOCKS: &str = "blocks";
pub(super) const BYTES: &str = "bytes";

/// The text of a result in the blocks that it had. A block without a length stands for itself.
pub(super) fn cut(out: &mut Vec<u8>, text: &str, blocks: &RawValue) {
    let mut rest = text;
    let json::List(blocks) = lenient::<json::List<&RawValue>>(blocks.get());
    out.push(b'[');
    for (index, raw) in blocks.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let mut overlay = lenient::<Object<Overlay<'_>>>(raw.get()).0;
        let Some(bytes) = overlay.take(BYTES) else {
            out.extend_from_slice(raw.get().as_bytes());
            continue;
        };
        let bytes = lenient::<usize>(bytes.get());
        let (words, behind) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
        rest = behind;
        let mut object = Writer::begin(out, overlay);
        object.text("type", "text");
        object.text("text", words);
        object.end();
    }
    out.push(b']');
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
#[derive(Debug)]
pub(super) struct List<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> List<'o> {
    pub(super) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, empty: true }
    }

    pub(super) fn end(self) {
        self.out.push(b']');
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    /// A block of this type, with the fields that the part had beside.
    fn block<'b>(&'b mut self, kind: &str, native: Option<&'b Native>) -> Writer<'b, 'b> {
        self.separate();
        let mut object = Writer::begin(self.out, Overlay::of(native, NAME));
        object.text("type", kind);
        object
    }

    fn text(&mut self, text: &str, native: Option<&Native>) {
        let mut object = self.block("text", native);
        object.text("text", text);
        object.end();
    }

    /// A refusal in the place of text.
    pub(super) fn refusal(&mut self, text: &str, part: &Part) {
        let mut object = self.block("refusal", part.native.as_ref());
        object.text("refusal", text);
        object.end();
    }

    /// Mistral's thinking: the block as it was, where it said more than words.
    pub(super) fn thought(&mut self, thought: &Reasoning, native: Option<&Native>) {
        let ours = Native::of(native, NAME).is_some();
        let raw = thought.raw.as_ref().filter(|raw| ours && kind_of(raw) == "thinking");
        if let Some(raw) = raw {
            self.separate();
            self.out.extend_from_slice(raw.as_str().as_bytes());
        } else if !thought.text.is_empty() {
            let mut object = self.block("thinking", None);
            object.field("thinking", |out| {
                let mut inner = List::begin(out);
                inner.text(&thought.text, None);
                inner.end();
            });
            object.end();
        }
    }

    /// Text, media, or a block that only its provider knows.
    pub(super) fn part(&mut self, part: &Part, target: &Target) -> Result<(), EncodeError> {
        match &part.body {
            Body::Text(text) | Body::Refusal(text) => self.text(text, part.native.as_ref()),
            Body::Media(media) => self.media(media, part.native.as_ref(), target)?,
            Body::Unknown(raw) if Native::of(part.native.as_ref(), NAME).is_some() => {
                self.separate();
                self.out.extend_from_slice(raw.as_str().as_bytes());
            }
            Body::ToolResult(result) if !result.media.is_empty() => {
                let id = call_id(&result.provider_id, result.call, target);
                let of = format!("Media of the result of tool call {id} ({}):", result.name);
                self.text(&of, None);
                for media in &result.media {
                    self.media(media, None, target)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn media(
        &mut self,
        media: &Media,
        native: Option<&Native>,
        target: &Target,
    ) -> Result<(), EncodeError> {
        if !target.profile.takes(media.kind) {
            return Err(unsupported(target, plural(media.kind).into()));
        }
        // What was read from a request of this wire may stand there again, whatever the row.
        let was_there = Native::of(native, NAME).is_some();
        let has = |quirk| was_there || target.provider.has(quirk);
        match (media.kind, &media.source) {
            (MediaKind::Image, MediaSource::Url(url)) => self.address("image_url", url, native),
            (MediaKind::Image, MediaSource::Base64(data)) => {
                self.address("image_url", &data_url(&media.mime, data), native);
            }
            (MediaKind::Audio, MediaSource::Base64(data)) => {
                let mut object = self.block("input_audio", native);
                object.object("input_audio", |audio| {
                    audio.text("data", data);
                    audio.text("format", format_of(&media.mime));
                });
                object.end();
            }
            (MediaKind::Video, MediaSource::Url(url)) if has(Quirk::VideoUrl) => {
                self.address("video_url", url, native);
            }
            (MediaKind::Video, MediaSource::Base64(data)) if has(Quirk::VideoUrl) => {
                self.address("video_url", &data_url(&media.mime, data), native);
            }
            (MediaKind::Document, MediaSource::Base64(data)) => {
                self.file(media, "file_data", &data_url(&media.mime, data), native);
            }
            (MediaKind::Document, MediaSource::Url(url)) if has(Quirk::DocumentUrl) => {
                self.file(media, "file_data", url, native);
            }
            (MediaKind::Document, MediaSource::ProviderFile(id)) => {
                self.file(media, "file_id", id, native);
            }
            (kind, source) => {
                let what = format!("{} {}", plural(kind), whence(source));
                return Err(unsupported(target, what.into()));
            }
        }
        Ok(())
    }

    fn address(&mut self, kind: &str, url: &str, native: Option<&Native>) {
        let mut object = self.block(kind, native);
        object.object(kind, |inner| inner.text("url", url));
        object.end();
    }

    /// Bytes need a name at OpenAI; what was read had one or did without.
    fn file(&mut self, media: &Media, key: &str, value: &str, native: Option<&Native>) {
        let made = (native.is_none() && key == "file_data").then_some("document.pdf");
        let mut object = self.block("file", native);
        object.object("file", |file| {
            if let Some(name) = media.name.as_deref().or(made).filter(|_| key == "file_data") {
                file.text("filename", name);
            }
            file.text(key, value);
        });
        object.end();
    }
}

fn unsupported(target: &Target, what: Cow<'static, str>) -> EncodeError {
    EncodeError::Unsupported {
        what,
        provider: target.provider.name.clone(),
        model: target.model.clone(),
    }
}

/// The format of sound: the subtype, under the names of the reference (`wav`, `mp3`).
pub(super) fn format_of(mime: &str) -> &str {
    let subtype = mime.split_once('/').map_or(mime, |(_, subtype)| subtype);
    match subtype {
        "mpeg" | "mpeg3" | "x-mpeg" => "mp3",
        "x-wav" | "wave" | "vnd.wave" => "wav",
        other => other,
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
