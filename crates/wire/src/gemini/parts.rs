//! Parts of a content (`Part`): what a body says, and beside it what the protocol said of it before.

use std::borrow::Cow;

use largestack_types::json::Json;
use largestack_types::part::{
    Arguments, Body, Media, MediaKind, MediaSource, Native, Part, Reasoning, ToolCall, ToolResult,
};
use serde_json::value::RawValue;

use super::NAME;
use super::object::{Entries, Writer};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::model::Target;

/// The signature of a call that another model made: Gemini 3 refuses a call without any, and the
/// reference gives these words for history that it did not write.
const FOREIGN: &str = "skip_thought_signature_validator";

/// Whether a part goes into a request. Another provider's reasoning and blocks do not, and neither
/// do citations or words of no length, which Vertex AI refuses.
pub(super) fn goes(part: &Part) -> bool {
    let ours = is_ours(part);
    match &part.body {
        Body::Text(text) | Body::Refusal(text) => ours || !text.is_empty(),
        Body::ToolCall(_) | Body::ToolResult(_) | Body::Media(_) => true,
        Body::Reasoning(_) | Body::ServerTool(_) | Body::Unknown(_) => ours,
        _ => false,
    }
}

fn is_ours(part: &Part) -> bool {
    Native::of(part.native.as_ref(), NAME).is_some()
}

/// Parts of a content under way: a comma before each but the first.
pub(super) struct List<'o> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) empty: bool,
    /// Whether a call of another model needs a signature: until a part with one of ours came.
    pub(super) unsigned: bool,
}

impl List<'_> {
    /// Where the next part is to be written.
    fn next(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out
    }

    /// Words alone.
    pub(super) fn text(&mut self, text: &str) {
        let mut object = Writer::begin(self.next());
        object.str("text", text);
        object.end();
    }

    /// A part, if it [`goes`].
    pub(super) fn part(&mut self, part: &Part, target: &Target) -> Result<(), EncodeError> {
        if !goes(part) {
            return Ok(());
        }
        let native = Native::of(part.native.as_ref(), NAME);
        let mut beside = native.map(|json| Entries::of(json.as_str())).unwrap_or_default();
        match &part.body {
            Body::Text(text) | Body::Refusal(text) => {
                let mut object = Writer::begin(self.next());
                object.str("text", text);
                object.rest(&beside);
                object.end();
            }
            Body::Reasoning(reasoning) => thought(self.next(), reasoning, &beside),
            Body::ToolCall(call) => {
                // One signature is enough for all calls of a turn.
                let foreign = std::mem::take(&mut self.unsigned) && native.is_none();
                self.call(call, beside, foreign);
            }
            Body::ToolResult(result) => self.result(result, beside, target)?,
            Body::Media(media) => {
                let names = media_names(media, target)?;
                let mut object = Writer::begin(self.next());
                let data = beside.take(names);
                let key = data.as_ref().map_or(names[0], |(key, _)| key);
                write_media(object.key(key), media, data.as_ref().map(|(_, raw)| *raw));
                object.rest(&beside);
                object.end();
            }
            Body::ServerTool(raw) | Body::Unknown(raw) => {
                self.next().extend_from_slice(raw.as_str().as_bytes());
            }
            _ => {}
        }
        self.unsigned &= native.is_none();
        Ok(())
    }

    fn call(&mut self, call: &ToolCall, mut beside: Entries<'_>, foreign: bool) {
        let mut object = Writer::begin(self.next());
        let (key, mut said) = inside(&mut beside, ["functionCall", "function_call"]);
        let mut fields = Writer::begin(object.key(&key));
        if fields.said(&mut said, ["id", "id"]) && !call.provider_id.is_empty() {
            fields.str("id", &call.provider_id);
        }
        fields.str_unless(&mut said, ["name", "name"], &call.name);
        if fields.said(&mut said, ["args", "args"]) {
            match &call.arguments {
                Arguments::Json(json) => fields.raw("args", json.as_str()),
                // The field takes an object: the model sees its mistake in one.
                Arguments::Malformed(text) => {
                    let mut args = Writer::begin(fields.key("args"));
                    args.str("malformed", text);
                    args.end();
                }
            }
        }
        fields.rest(&said);
        fields.end();
        if foreign {
            object.str("thoughtSignature", FOREIGN);
        }
        object.rest(&beside);
        object.end();
    }

    fn result(
        &mut self,
        result: &ToolResult,
        mut beside: Entries<'_>,
        target: &Target,
    ) -> Result<(), EncodeError> {
        let names: Result<Vec<_>, _> =
            result.media.iter().map(|media| media_names(media, target)).collect();
        let names = names?;
        let mut object = Writer::begin(self.next());
        let (key, mut said) = inside(&mut beside, ["functionResponse", "function_response"]);
        let mut fields = Writer::begin(object.key(&key));
        if fields.said(&mut said, ["id", "id"]) && !result.provider_id.is_empty() {
            fields.str("id", &result.provider_id);
        }
        fields.str_unless(&mut said, ["name", "name"], &result.name);
        if fields.said(&mut said, ["response", "response"]) {
            response(fields.key("response"), result);
        }
        let listed = said.get(["parts", "parts"]).is_some();
        let within = target.profile.tool_media || listed;
        if fields.said(&mut said, ["parts", "parts"]) && within && !result.media.is_empty() {
            let out = fields.key("parts");
            for (index, (media, [name, _])) in result.media.iter().zip(&names).enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                let mut part = Writer::begin(out);
                write_media(part.key(name), media, None);
                part.end();
            }
            out.push(b']');
        }
        fields.rest(&said);
        fields.end();
        object.rest(&beside);
        object.end();
        if !within {
            self.late_media(result, &names);
        }
        Ok(())
    }

    /// The media of a result, behind it, for models whose results are words only.
    fn late_media(&mut self, result: &ToolResult, names: &[[&'static str; 2]]) {
        if !result.media.is_empty() {
            self.text(&format!("Media of the result of {}:", result.name));
        }
        for (media, [name, _]) in result.media.iter().zip(names) {
            let mut object = Writer::begin(self.next());
            write_media(object.key(name), media, None);
            object.end();
        }
    }
}

/// A part's data field as the native fields spell it, and what they say inside of it.
fn inside<'a>(beside: &mut Entries<'a>, names: [&'static str; 2]) -> (Cow<'a, str>, Entries<'a>) {
    match beside.take(names) {
        Some((key, raw)) => (key, Entries::of(raw.get())),
        None => (Cow::Borrowed(names[0]), Entries::default()),
    }
}

fn thought(out: &mut Vec<u8>, reasoning: &Reasoning, beside: &Entries<'_>) {
    let mut object = Writer::begin(out);
    object.str("text", &reasoning.text);
    object.raw("thought", "true");
    if let Some(signature) = &reasoning.signature {
        object.str("thoughtSignature", signature);
    }
    object.rest(beside);
    object.end();
}

/// What a tool returned (`FunctionResponse.response`, an object): an object as it is, words under
/// `output`, and what went wrong under `error`, as the reference has it.
pub(super) fn response(out: &mut Vec<u8>, result: &ToolResult) {
    let object = result.text.trim_start().starts_with('{')
        && serde_json::from_str::<&RawValue>(&result.text).is_ok();
    if object && !result.is_error {
        out.extend_from_slice(result.text.as_bytes());
        return;
    }
    let mut fields = Writer::begin(out);
    let key = if result.is_error { "error" } else { "output" };
    if object {
        fields.raw(key, &result.text);
    } else {
        fields.str(key, &result.text);
    }
    fields.end();
}

/// The name of the field that a medium goes into, in both spellings.
fn media_names(media: &Media, target: &Target) -> Result<[&'static str; 2], EncodeError> {
    let unsupported = |what: &'static str| EncodeError::Unsupported {
        what: what.into(),
        provider: target.provider.name.clone(),
        model: target.model.clone(),
    };
    if !target.profile.takes(media.kind) {
        return Err(unsupported(match media.kind {
            MediaKind::Image => "images",
            MediaKind::Audio => "sound",
            MediaKind::Video => "videos",
            MediaKind::Document => "documents",
        }));
    }
    match media.source {
        MediaSource::Base64(_) => Ok(["inlineData", "inline_data"]),
        MediaSource::Url(_) | MediaSource::ProviderFile(_) => Ok(["fileData", "file_data"]),
        MediaSource::Blob(_) => {
            Err(unsupported("media in the blob store (they have to be loaded first)"))
        }
    }
}

/// `Blob` or `FileData`, with what the native fields say of it.
fn write_media(out: &mut Vec<u8>, media: &Media, said: Option<&RawValue>) {
    let mut said = said.map(|raw| Entries::of(raw.get())).unwrap_or_default();
    let mut object = Writer::begin(out);
    object.str_unless(&mut said, ["mimeType", "mime_type"], &media.mime);
    match &media.source {
        MediaSource::Base64(data) => object.str("data", data),
        MediaSource::Url(address) | MediaSource::ProviderFile(address) => {
            // A null under the other spelling says that this one is used.
            let snake = said.take(["file_uri", "file_uri"]).is_some();
            write_str(object.key(if snake { "file_uri" } else { "fileUri" }), address);
        }
        MediaSource::Blob(_) => {}
    }
    object.rest(&said);
    object.end();
}

/// What a media type shows or plays.
pub(super) fn kind_of(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// A part as it would be written; `None` where it would not be, or could not.
pub(super) fn written(part: &Part, target: &Target) -> Option<Json> {
    let mut out = Vec::new();
    let mut list = List { out: &mut out, empty: true, unsigned: false };
    list.part(part, target).ok()?;
    Json::parse(String::from_utf8(out).ok()?).ok()
}
