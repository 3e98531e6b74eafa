//! Items that we say: words and media of user and operator, and results of tools.

use std::borrow::Cow;

use largestack_types::id::CallId;
use largestack_types::message::Message;
use largestack_types::part::{Body, Media, MediaKind, MediaSource, Native, Part, ToolResult};
use serde_json::value::RawValue;

use super::request::separate;
use super::{NAME, beside};
use crate::error::EncodeError;
use crate::json::{List, Object, lenient};
use crate::model::Target;
use crate::overlay::{Overlay, Writer};

/// All words of a message; parts are paragraphs.
pub(super) fn joined(message: &Message) -> Cow<'_, str> {
    let texts: Vec<&str> = message.parts.iter().filter_map(words).collect();
    match texts[..] {
        [only] => Cow::Borrowed(only),
        _ => Cow::Owned(texts.join("\n\n")),
    }
}

fn words(part: &Part) -> Option<&str> {
    match &part.body {
        Body::Text(text) | Body::Refusal(text) => Some(text),
        _ => None,
    }
}

/// Whether a part is an item of its own, as this wire had it.
pub(super) fn is_item(part: &Part) -> bool {
    matches!(part.body, Body::Unknown(_) | Body::ServerTool(_))
        && Overlay::of(part.native.as_ref(), NAME).get(beside::BLOCK).is_none()
}

/// A message item of words and media: words alone as a string; with media, or where it was one, a
/// list of blocks.
pub(super) fn spoken(
    out: &mut Vec<u8>,
    role: &str,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    separate(out);
    let mut overlay = Overlay::of(message.native.as_ref(), NAME);
    overlay.take(beside::INPUT);
    let mut object = Writer::begin(out, overlay);
    object.text("role", role);
    let is_listed = |part: &Part| match &part.body {
        Body::Media(_) => true,
        Body::Text(_) | Body::Unknown(_) => Native::of(part.native.as_ref(), NAME).is_some(),
        _ => false,
    };
    if message.parts.iter().any(is_listed) {
        let mut result = Ok(());
        object.field("content", |out| {
            let mut blocks = Blocks::begin(out);
            result = message.parts.iter().try_for_each(|part| blocks.part(part, target));
            blocks.end();
        });
        result?;
    } else {
        object.text("content", &joined(message));
    }
    object.end();
    Ok(())
}

/// One item for each result, and the items of client-run tools that are kept as they were.
pub(super) fn tool_results(
    out: &mut Vec<u8>,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    for part in &message.parts {
        match &part.body {
            Body::ToolResult(result) => {
                separate(out);
                tool_result(out, part, result, target)?;
            }
            Body::Unknown(raw) | Body::ServerTool(raw)
                if is_item(part) && Native::of(part.native.as_ref(), NAME).is_some() =>
            {
                separate(out);
                out.extend_from_slice(raw.as_str().as_bytes());
            }
            _ => {}
        }
    }
    Ok(())
}

fn tool_result(
    out: &mut Vec<u8>,
    part: &Part,
    result: &ToolResult,
    target: &Target,
) -> Result<(), EncodeError> {
    let mut overlay = Overlay::of(part.native.as_ref(), NAME);
    let blocks = overlay.take(beside::BLOCKS);
    let mut object = Writer::begin(out, overlay);
    object.text("type", "function_call_output");
    object.text("call_id", &call_id(&result.provider_id, result.call));
    let mut written = Ok(());
    match blocks {
        Some(blocks) => {
            object.field("output", |out| written = cut(out, result, blocks, target));
        }
        None if result.media.is_empty() => object.text("output", &result.text),
        None => object.field("output", |out| {
            let mut list = Blocks::begin(out);
            if !result.text.is_empty() {
                list.text(&result.text, Overlay::default());
            }
            let mut media = result.media.iter();
            written = media.try_for_each(|media| list.media(media, None, target));
            list.end();
        }),
    }
    object.end();
    written
}

/// The result in the blocks that it had.
fn cut(
    out: &mut Vec<u8>,
    result: &ToolResult,
    blocks: &RawValue,
    target: &Target,
) -> Result<(), EncodeError> {
    let (mut rest, mut media) = (&*result.text, result.media.iter());
    let List(raws) = lenient::<List<&RawValue>>(blocks.get());
    let mut list = Blocks::begin(out);
    for raw in raws {
        let mut overlay = lenient::<Object<Overlay<'_>>>(raw.get()).0;
        if let Some(bytes) = overlay.take(beside::BYTES) {
            let (words, behind) =
                rest.split_at_checked(lenient::<usize>(bytes.get())).unwrap_or((rest, ""));
            rest = behind;
            list.text(words, overlay);
        } else if overlay.take(beside::MEDIA).is_some() {
            if let Some(media) = media.next() {
                list.with(media, overlay, true, target)?;
            }
        } else {
            list.raw(raw.get());
        }
    }
    list.end();
    Ok(())
}

/// The id under which call and result find each other: the provider's, or ours where it gave none.
pub(super) fn call_id(provider_id: &str, call: CallId) -> Cow<'_, str> {
    if provider_id.is_empty() { Cow::Owned(call.to_string()) } else { Cow::Borrowed(provider_id) }
}

/// A list of content blocks under way.
#[derive(Debug)]
pub(super) struct Blocks<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Blocks<'o> {
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

    pub(super) fn raw(&mut self, raw: &str) {
        self.separate();
        self.out.extend_from_slice(raw.as_bytes());
    }

    fn text(&mut self, text: &str, overlay: Overlay<'_>) {
        self.separate();
        let mut object = Writer::begin(self.out, overlay);
        object.text("type", "input_text");
        object.text("text", text);
        object.end();
    }

    fn part(&mut self, part: &Part, target: &Target) -> Result<(), EncodeError> {
        let native = part.native.as_ref();
        match &part.body {
            Body::Text(text) | Body::Refusal(text) => self.text(text, Overlay::of(native, NAME)),
            Body::Media(media) => self.media(media, native, target)?,
            Body::Unknown(raw) if !is_item(part) => self.raw(raw.as_str()),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn media(
        &mut self,
        media: &Media,
        native: Option<&Native>,
        target: &Target,
    ) -> Result<(), EncodeError> {
        let was_read = Native::of(native, NAME).is_some();
        self.with(media, Overlay::of(native, NAME), was_read, target)
    }

    fn with(
        &mut self,
        media: &Media,
        overlay: Overlay<'_>,
        was_read: bool,
        target: &Target,
    ) -> Result<(), EncodeError> {
        let unsupported = |what: Cow<'static, str>| EncodeError::Unsupported {
            what,
            provider: target.provider.name.clone(),
            model: target.model.clone(),
        };
        if !target.profile.takes(media.kind) {
            return Err(unsupported(plural(media.kind).into()));
        }
        let (kind, key, value): (_, _, Cow<'_, str>) = match (media.kind, &media.source) {
            (MediaKind::Image, MediaSource::Url(url)) => {
                ("input_image", "image_url", Cow::Borrowed(url))
            }
            (MediaKind::Image, MediaSource::Base64(data)) => {
                ("input_image", "image_url", data_url(&media.mime, data).into())
            }
            (MediaKind::Image, MediaSource::ProviderFile(id)) => {
                ("input_image", "file_id", Cow::Borrowed(id))
            }
            (MediaKind::Document, MediaSource::Base64(data)) => {
                ("input_file", "file_data", data_url(&media.mime, data).into())
            }
            (MediaKind::Document, MediaSource::Url(url)) => {
                ("input_file", "file_url", Cow::Borrowed(url))
            }
            (MediaKind::Document, MediaSource::ProviderFile(id)) => {
                ("input_file", "file_id", Cow::Borrowed(id))
            }
            (MediaKind::Audio, MediaSource::Base64(data)) => {
                ("input_audio", "", Cow::Borrowed(data))
            }
            (kind, source) => {
                return Err(unsupported(format!("{} {}", plural(kind), whence(source)).into()));
            }
        };
        self.separate();
        let mut object = Writer::begin(self.out, overlay);
        object.text("type", kind);
        match kind {
            "input_audio" => object.object(kind, |audio| {
                audio.text("data", &value);
                audio.text("format", format_of(&media.mime));
            }),
            _ => object.text(key, &value),
        }
        if kind == "input_image" && !was_read {
            object.text("detail", "auto");
        }
        // Bytes need a name at OpenAI; what was read had one or did without.
        let made = (key == "file_data" && !was_read).then_some("document.pdf");
        if let Some(name) = media.name.as_deref().or(made).filter(|_| kind == "input_file") {
            object.text("filename", name);
        }
        object.end();
        Ok(())
    }
}

fn data_url(mime: &str, data: &str) -> String {
    format!("data:{mime};base64,{data}")
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
