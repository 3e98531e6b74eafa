//! Messages: words in one string, images beside them, thoughts and calls in fields of their own,
//! one message for each result of a tool.

use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Media, MediaKind, MediaSource, Part, ToolResult};

use super::NAME;
use crate::error::EncodeError;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;

/// Appends a message: its results one by one, then what else it says.
pub(super) fn write(
    out: &mut Vec<u8>,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    for part in &message.parts {
        if let Body::ToolResult(answer) = &part.body {
            separate(out);
            result(out, answer, part, message, target)?;
        }
    }
    let is_result = |part: &Part| matches!(part.body, Body::ToolResult(_));
    if !message.parts.is_empty() && message.parts.iter().all(is_result) {
        return Ok(());
    }
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => return Ok(()),
    };
    separate(out);
    let native = FieldList::native(message.native.as_ref(), NAME).unwrap_or_default();
    let mut said = Writer::object(out);
    said.text("role", role);
    if native.get("content").is_none() {
        said.text("content", &words(message));
    }
    if message.role == Role::Assistant {
        thoughts(&mut said, message);
    }
    let media = message.parts.iter().filter_map(|part| match &part.body {
        Body::Media(media) => Some(media),
        _ => None,
    });
    images(&mut said, media, target)?;
    calls(&mut said, message);
    // `false`: the field was not there.
    for (key, raw) in native.iter().filter(|said| *said != ("content", "false")) {
        said.raw(key, raw);
    }
    said.end();
    Ok(())
}

/// A comma, unless this is the first message. (A message ends with a brace.)
fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

/// All words: of an assistant one behind the other, else as paragraphs.
fn words(message: &Message) -> String {
    let texts = message.parts.iter().filter_map(|part| match &part.body {
        Body::Text(text) | Body::Refusal(text) => Some(&**text),
        _ => None,
    });
    let between = if message.role == Role::Assistant { "" } else { "\n\n" };
    texts.collect::<Vec<_>>().join(between)
}

/// A model's own thoughts, without a seal, so that another's would be taken, too; they are left
/// out all the same, as they are of no use to it.
fn thoughts(said: &mut Writer<'_>, message: &Message) {
    let texts = message.parts.iter().filter_map(|part| match &part.body {
        Body::Reasoning(thought) => {
            FieldList::native(part.native.as_ref(), NAME).map(|_| &*thought.text)
        }
        _ => None,
    });
    let texts: Vec<&str> = texts.collect();
    if !texts.is_empty() {
        said.text("thinking", &texts.concat());
    }
}

fn images<'m>(
    said: &mut Writer<'_>,
    media: impl Iterator<Item = &'m Media>,
    target: &Target,
) -> Result<(), EncodeError> {
    let mut media = media.peekable();
    if media.peek().is_none() {
        return Ok(());
    }
    let mut list = said.inner_list("images");
    for medium in media {
        let data = match (medium.kind, &medium.source) {
            (MediaKind::Image, MediaSource::Base64(data)) if target.profile.images => data,
            _ => {
                return Err(EncodeError::Unsupported {
                    what: "media other than images in the request".into(),
                    provider: target.provider.name.clone(),
                    model: target.model.clone(),
                });
            }
        };
        crate::escape::write_str(list.item(), data);
    }
    list.end();
    Ok(())
}

fn calls(said: &mut Writer<'_>, message: &Message) {
    let mut calls = message
        .parts
        .iter()
        .filter_map(|part| part.as_tool_call().map(|call| (part, call)))
        .peekable();
    if calls.peek().is_none() {
        return;
    }
    let mut list = said.inner_list("tool_calls");
    for (part, call) in calls {
        let mut native = FieldList::native(part.native.as_ref(), NAME).unwrap_or_default();
        let own = native.take("function").map(FieldList::of).unwrap_or_default();
        let mut entry = Writer::object(list.item());
        if !call.provider_id.is_empty() {
            entry.text("id", &call.provider_id);
        }
        let mut function = entry.inner("function");
        function.text("name", &call.name);
        match &call.arguments {
            Arguments::Json(json) if json.as_str().trim_start().starts_with('{') => {
                function.raw("arguments", json.as_str());
            }
            // Arguments are an object; what is none can only be shown in one.
            other => {
                let mut arguments = function.inner("arguments");
                arguments.text("malformed", other.as_str());
                arguments.end();
            }
        }
        for (key, raw) in own.iter() {
            function.raw(key, raw);
        }
        function.end();
        for (key, raw) in native.iter() {
            entry.raw(key, raw);
        }
        entry.end();
    }
    list.end();
}

fn result(
    out: &mut Vec<u8>,
    result: &ToolResult,
    part: &Part,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    let native = FieldList::native(part.native.as_ref(), NAME);
    let mut said = Writer::object(out);
    said.text("role", "tool");
    said.text("content", &result.text);
    // What was read is said as it was; what is new is said in full.
    let says = |key: &str| native.as_ref().is_none_or(|native| native.get(key).is_some());
    if !result.name.is_empty() && says("name") {
        said.text("tool_name", &result.name);
    }
    if !result.provider_id.is_empty() && says("id") {
        said.text("tool_call_id", &result.provider_id);
    }
    images(&mut said, result.media.iter(), target)?;
    for (key, raw) in FieldList::native(message.native.as_ref(), NAME).unwrap_or_default().iter() {
        said.raw(key, raw);
    }
    said.end();
    Ok(())
}
