//! One part: its body, and what goes beside it so that it is written again as it was. A part that
//! would be written otherwise is kept whole.

use std::sync::Arc;

use largestack_types::id::{CallId, EffectId};
use largestack_types::json::{Json, canonical};
use largestack_types::label::Label;
use largestack_types::part::{
    Arguments, Body, Media, MediaSource, Native, Part, PartId, Reasoning, ToolCall, ToolResult,
};
use serde_json::value::RawValue;

use super::super::NAME;
use super::super::object::{Entries, Writer, json};
use super::super::parts::{kind_of, written};
use crate::json::{List, Str, lenient};
use crate::model::Target;

/// The calls that were made, to be found by their results.
#[derive(Debug, Default)]
pub(super) struct Calls {
    made: Vec<Made>,
}

#[derive(Debug)]
struct Made {
    call: CallId,
    id: Arc<str>,
    name: Arc<str>,
    answered: bool,
}

/// A body with its native fields.
type Read = (Body, Option<Json>);

/// Tools that the provider runs itself, in both spellings.
const SERVER: &[[&str; 2]] = &[
    ["executableCode", "executable_code"],
    ["codeExecutionResult", "code_execution_result"],
    ["toolCall", "tool_call"],
    ["toolResponse", "tool_response"],
];

impl Calls {
    /// Reads a part.
    pub(super) fn part(&mut self, raw: &RawValue, target: &Target) -> Read {
        let read = self.meant(raw);
        let kept = |body| (body, Some(Json::empty_object()));
        let Some((body, native)) = read else {
            let fields = Entries::of(raw.get());
            let server = SERVER.iter().any(|names| fields.get(*names).is_some());
            let raw = Json::from(raw.to_owned());
            return kept(if server { Body::ServerTool(raw) } else { Body::Unknown(raw) });
        };
        if same(&body, native.as_ref(), raw, target) {
            return (body, native);
        }
        // Media of a result as no other would write them go as they came.
        if let Body::ToolResult(_) = &body {
            let native = with_parts(raw);
            if same(&body, Some(&native), raw, target) {
                return (body, Some(native));
            }
        }
        kept(Body::Unknown(Json::from(raw.to_owned())))
    }

    /// What a part seems to mean.
    fn meant(&mut self, raw: &RawValue) -> Option<Read> {
        let mut beside = Entries::of(raw.get());
        if let Some((_, text)) = beside.take(["text", "text"]) {
            return Some(words(&lenient::<Str<'_>>(text.get()).0?, beside));
        }
        if let Some((key, data)) = beside.take(["functionCall", "function_call"]) {
            return Some(self.call(&key, data, &beside));
        }
        if let Some((key, data)) = beside.take(["functionResponse", "function_response"]) {
            return Some(self.result(&key, data, &beside));
        }
        for names in [["inlineData", "inline_data"], ["fileData", "file_data"]] {
            if let Some((key, data)) = beside.take(names) {
                let mut inside = Entries::of(data.get());
                let media = media(&mut inside)?;
                return Some((Body::Media(media), fields(&key, names[0], &inside, &beside)));
            }
        }
        None
    }

    fn call(&mut self, key: &str, data: &RawValue, beside: &Entries<'_>) -> Read {
        let mut inside = Entries::of(data.get());
        let id = id(&mut inside);
        let name = required(&mut inside, "name").unwrap_or_default();
        let arguments = take(&mut inside, "args").map_or_else(
            || {
                inside.0.push(("args".into(), RawValue::NULL));
                Arguments::Json(Json::empty_object())
            },
            |raw| Arguments::Json(Json::from(raw.to_owned())),
        );
        let ordinal = u32::try_from(self.made.len()).unwrap_or(u32::MAX);
        let call = CallId::of(EffectId::new(ordinal));
        self.made.push(Made { call, id: id.clone(), name: name.clone(), answered: false });
        let body = Body::ToolCall(ToolCall { call, provider_id: id, name, arguments });
        // Always there: this protocol made the call, with or without a signature.
        let native = fields(key, "functionCall", &inside, beside);
        (body, Some(native.unwrap_or_else(Json::empty_object)))
    }

    fn result(&mut self, key: &str, data: &RawValue, beside: &Entries<'_>) -> Read {
        let mut inside = Entries::of(data.get());
        let id = id(&mut inside);
        let name = required(&mut inside, "name").unwrap_or_default();
        let (text, is_error) = if let Some(raw) = take(&mut inside, "response") {
            said(raw)
        } else {
            inside.0.push(("response".into(), RawValue::NULL));
            (String::new(), false)
        };
        let media = take(&mut inside, "parts").map(media_list).unwrap_or_default();
        let call = self.answered(&id, &name);
        let (text, handle) = (text.into(), None);
        let result = ToolResult { call, provider_id: id, name, text, media, is_error, handle };
        (Body::ToolResult(result), fields(key, "functionResponse", &inside, beside))
    }

    /// The call that a result answers: of the same id, else the first of the name.
    fn answered(&mut self, id: &str, name: &str) -> CallId {
        let waits = |made: &&mut Made| !made.answered && (*made.id == *id && !id.is_empty());
        let place = self.made.iter_mut().find(waits).map(|made| made.call);
        let call = place.or_else(|| {
            self.made.iter().find(|made| !made.answered && *made.name == *name).map(|m| m.call)
        });
        for made in self.made.iter_mut().filter(|made| Some(made.call) == call) {
            made.answered = true;
        }
        call.unwrap_or_default()
    }
}

fn words(text: &str, mut beside: Entries<'_>) -> Read {
    let thought = beside.get(["thought", "thought"]).is_some_and(|raw| raw.get() == "true");
    if thought {
        let _ = beside.take(["thought", "thought"]);
        let signature = take(&mut beside, "thoughtSignature");
        let signature = signature.and_then(|raw| lenient::<Str<'_>>(raw.get()).0);
        let reasoning = Reasoning {
            text: text.into(),
            signature: signature.map(Into::into),
            ..Reasoning::default()
        };
        return (Body::Reasoning(reasoning), Some(beside.to_json()));
    }
    let needed = text.is_empty() || !beside.is_empty();
    (Body::Text(text.into()), needed.then(|| beside.to_json()))
}

fn take<'a>(fields: &mut Entries<'a>, name: &'static str) -> Option<&'a RawValue> {
    fields.take([name, name]).map(|(_, raw)| raw)
}

/// A text that is there if it is anything but empty; else what is there stays in the fields.
fn id(fields: &mut Entries<'_>) -> Arc<str> {
    let raw = fields.get(["id", "id"]);
    let text = raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let text = text.filter(|text| !text.is_empty());
    if text.is_some() {
        take(fields, "id");
    }
    text.unwrap_or_default().into()
}

/// A text that has to be there; that it is not there is said in the fields.
fn required(fields: &mut Entries<'_>, name: &'static str) -> Option<Arc<str>> {
    let Some(raw) = take(fields, name) else {
        fields.0.push((name.into(), RawValue::NULL));
        return None;
    };
    lenient::<Str<'_>>(raw.get()).0.map(Into::into)
}

/// The native fields of a part: those beside its data, and those that its data has beyond the
/// known ones, under the data's name as it was spelled. None where there is nothing to say.
fn fields(key: &str, usual: &str, inside: &Entries<'_>, beside: &Entries<'_>) -> Option<Json> {
    if key == usual && inside.is_empty() && beside.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    let mut object = Writer::begin(&mut out);
    object.rest(beside);
    if key != usual || !inside.is_empty() {
        object.raw(key, inside.to_json().as_str());
    }
    object.end();
    Some(json(out))
}

/// What a tool returned, as words, and whether it failed. Inverse of what is written of a result.
fn said(raw: &RawValue) -> (String, bool) {
    let fields = Entries::of(raw.get());
    if let [(key, value)] = &fields.0[..] {
        let text = serde_json::from_str::<String>(value.get()).ok();
        let text = text.filter(|text| {
            !text.trim_start().starts_with('{') || serde_json::from_str::<&RawValue>(text).is_err()
        });
        match (&**key, text) {
            ("output", Some(text)) => return (text, false),
            ("error", Some(text)) => return (text, true),
            ("error", None) if value.get().starts_with('{') => {
                return (value.get().to_owned(), true);
            }
            _ => {}
        }
    }
    (raw.get().to_owned(), false)
}

/// A medium; what else is said of it stays in the fields, with marks of how it was spelled.
fn media(inside: &mut Entries<'_>) -> Option<Media> {
    let text = |raw: &RawValue| lenient::<Str<'_>>(raw.get()).0.map(Arc::<str>::from);
    let source = if let Some(data) = take(inside, "data") {
        MediaSource::Base64(text(data)?)
    } else {
        let (key, raw) = inside.take(["fileUri", "file_uri"])?;
        if key == "file_uri" {
            inside.0.push(("file_uri".into(), RawValue::NULL));
        }
        let address = text(raw)?;
        // What was uploaded is named by an address of the API, or by its name there.
        let uploaded = address.starts_with("files/") || address.contains("/v1beta/files/");
        if uploaded { MediaSource::ProviderFile(address) } else { MediaSource::Url(address) }
    };
    let mime = if let Some(raw) = take(inside, "mimeType") {
        text(raw)?
    } else if let Some(raw) = inside.get(["mime_type", "mime_type"]) {
        text(raw)?
    } else {
        inside.0.push(("mimeType".into(), RawValue::NULL));
        guess(&source).into()
    };
    let name = inside.get(["displayName", "display_name"]).and_then(text);
    Some(Media { kind: kind_of(&mime), mime, source, name })
}

/// The media type of what has none: of a film where the address is known for films.
fn guess(source: &MediaSource) -> &'static str {
    let (MediaSource::Url(address) | MediaSource::ProviderFile(address)) = source else {
        return "application/octet-stream";
    };
    let host = address.split("://").nth(1).unwrap_or_default();
    let film = ["youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"];
    if film.iter().any(|known| host.split('/').next() == Some(known)) {
        return "video/mp4";
    }
    match address.rsplit('.').next().unwrap_or_default() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

fn media_list(raw: &RawValue) -> Vec<Media> {
    let one = |raw: &RawValue| {
        let mut part = Entries::of(raw.get());
        let data = part
            .take(["inlineData", "inline_data"])
            .or_else(|| part.take(["fileData", "file_data"]));
        media(&mut Entries::of(data?.1.get()))
    };
    lenient::<List<&RawValue>>(raw.get()).0.into_iter().filter_map(one).collect()
}

/// The native fields of a result whose `parts` are written as they came.
fn with_parts(raw: &RawValue) -> Json {
    let mut beside = Entries::of(raw.get());
    let Some((key, data)) = beside.take(["functionResponse", "function_response"]) else {
        return Json::empty_object();
    };
    let mut inside = Entries::of(data.get());
    let _ = id(&mut inside);
    inside.0.retain(|(key, _)| !matches!(&**key, "name" | "response"));
    fields(&key, "functionResponse", &inside, &beside).unwrap_or_else(Json::empty_object)
}

/// Whether a part would be written as it came.
fn same(body: &Body, native: Option<&Json>, raw: &RawValue, target: &Target) -> bool {
    let native = native.map(|fields| Native { wire: NAME.into(), fields: fields.clone() });
    let part = Part { id: PartId::default(), label: Label::default(), body: body.clone(), native };
    let again = written(&part, target);
    again.is_some_and(|again| match (canonical(again.as_str()), canonical(raw.get())) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        _ => false,
    })
}
