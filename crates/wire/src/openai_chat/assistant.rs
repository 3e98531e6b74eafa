//! What the model said, on its way back. Its citations and media are not sent: the protocol has no
//! place for them in an assistant's message.

use std::borrow::Cow;

use largestack_types::message::Message;
use largestack_types::part::{Body, Native, Part, Reasoning, ToolCall};

use super::{NAME, content};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::model::Target;
use crate::overlay::{Overlay, Writer};
use crate::quirk::Quirk;

/// Under which name the words of a part stood beside the content, where the row names none.
pub(super) const FIELD: &str = "field";

/// OpenRouter's list of typed blocks.
pub(super) const DETAILS: &str = "reasoning_details";

pub(super) fn write(
    out: &mut Vec<u8>,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    let mut object = Writer::begin(out, Overlay::of(message.native.as_ref(), NAME));
    object.text("role", "assistant");
    let calls = message.tool_calls().next().is_some();
    if is_list(message, target) {
        let mut result = Ok(());
        object.field("content", |out| result = list(out, message, target));
        result?;
    } else {
        let text = said(message);
        let null = text.is_empty() && calls;
        object.field("content", |out| {
            if null {
                out.extend_from_slice(b"null");
            } else {
                write_str(out, &text);
            }
        });
    }
    thoughts(&mut object, message, target);
    if let Some(text) = message.parts.iter().find_map(refusal) {
        object.text("refusal", text);
    }
    if calls {
        object.field("tool_calls", |out| tool_calls(out, message, target));
    }
    object.end();
    Ok(())
}

/// The reasoning beside the content, under the name that the row says, else that it had.
fn thoughts(object: &mut Writer<'_, '_>, message: &Message, target: &Target) {
    let (mut native, mut listed) = (None, target.provider.has(Quirk::ReasoningDetailsBack));
    let mut plain = String::new();
    for part in &message.parts {
        let Body::Reasoning(thought) = &part.body else { continue };
        let field = field_of(part);
        if field.as_deref() == Some(DETAILS) {
            listed = true;
            continue;
        }
        if part.native.is_none() || field.is_some() {
            plain.push_str(&thought.text);
        }
        native = native.or(field);
    }
    let field = row_field(target).map(Cow::Borrowed).or(native);
    if let Some(field) = field.filter(|_| !plain.is_empty()) {
        object.text(&field, &plain);
    }
    if listed {
        reasoning_details(object, message);
    }
}

/// The name under which the row wants reasoning back.
pub(super) fn row_field(target: &Target) -> Option<&'static str> {
    if target.provider.has(Quirk::ReasoningContentBack) {
        Some("reasoning_content")
    } else if target.provider.has(Quirk::ReasoningBack) {
        Some("reasoning")
    } else {
        None
    }
}

/// Only blocks that came from such a list: another provider's would be refused.
fn reasoning_details(object: &mut Writer<'_, '_>, message: &Message) {
    let raws = message.parts.iter().filter_map(reasoning).filter_map(|r| r.raw.as_ref());
    let mut raws = raws.filter(|raw| content::kind_of(raw).starts_with("reasoning.")).peekable();
    if raws.peek().is_none() {
        return;
    }
    object.field(DETAILS, |out| {
        for (index, raw) in raws.enumerate() {
            out.push(if index == 0 { b'[' } else { b',' });
            out.extend_from_slice(raw.as_str().as_bytes());
        }
        out.push(b']');
    });
}

fn reasoning(part: &Part) -> Option<&Reasoning> {
    match &part.body {
        Body::Reasoning(reasoning) => Some(reasoning),
        _ => None,
    }
}

/// A refusal that stood in its own field. Another one is text: only some servers know the field.
fn refusal(part: &Part) -> Option<&str> {
    match &part.body {
        Body::Refusal(text) if field_of(part).is_some() => Some(text),
        _ => None,
    }
}

fn field_of(part: &Part) -> Option<Cow<'_, str>> {
    Overlay::of(part.native.as_ref(), NAME).text(FIELD)
}

/// Whether the content is a list: it was one, or this provider has thoughts in it.
fn is_list(message: &Message, target: &Target) -> bool {
    let chunks = target.provider.has(Quirk::ThinkingChunks);
    message.parts.iter().any(|part| match &part.body {
        Body::Text(_) | Body::Unknown(_) | Body::Media(_) => is_ours(part),
        Body::Reasoning(thought) if part.native.is_none() => chunks && !thought.text.is_empty(),
        Body::Refusal(_) | Body::Reasoning(_) => is_ours(part) && field_of(part).is_none(),
        _ => false,
    })
}

fn is_ours(part: &Part) -> bool {
    Native::of(part.native.as_ref(), NAME).is_some()
}

fn list(out: &mut Vec<u8>, message: &Message, target: &Target) -> Result<(), EncodeError> {
    let mut list = content::List::begin(out);
    for part in &message.parts {
        match &part.body {
            Body::Reasoning(thought) if field_of(part).is_none() => {
                list.thought(thought, part.native.as_ref());
            }
            Body::Text(text) if text.is_empty() && !is_ours(part) => {}
            Body::Refusal(text) if is_ours(part) && field_of(part).is_none() => {
                list.refusal(text, part);
            }
            Body::Refusal(_) if field_of(part).is_some() => {}
            Body::Text(_) | Body::Refusal(_) => list.part(part, target)?,
            Body::Unknown(_) | Body::Media(_) if is_ours(part) => list.part(part, target)?,
            _ => {}
        }
    }
    list.end();
    Ok(())
}

/// All words of an assistant, one part behind the other.
fn said(message: &Message) -> Cow<'_, str> {
    let mut texts = message.parts.iter().filter_map(words);
    match (texts.next(), texts.next()) {
        (first, None) => Cow::Borrowed(first.unwrap_or_default()),
        (first, second) => Cow::Owned(first.into_iter().chain(second).chain(texts).collect()),
    }
}

fn words(part: &Part) -> Option<&str> {
    match &part.body {
        Body::Text(text) => Some(text),
        Body::Refusal(text) if part.native.is_none() => Some(text),
        _ => None,
    }
}

fn tool_calls(out: &mut Vec<u8>, message: &Message, target: &Target) {
    let calls = message.parts.iter().filter_map(|part| Some((part, part.as_tool_call()?)));
    for (index, (part, call)) in calls.enumerate() {
        out.push(if index == 0 { b'[' } else { b',' });
        tool_call(out, part, call, index, target);
    }
    out.push(b']');
}

fn tool_call(out: &mut Vec<u8>, part: &Part, call: &ToolCall, index: usize, target: &Target) {
    let overlay = Overlay::of(part.native.as_ref(), NAME);
    let custom = overlay.text("type").as_deref() == Some("custom");
    let mut object = Writer::begin(out, overlay);
    object.text("id", &content::call_id(&call.provider_id, call.call, target));
    let (kind, input) = if custom { ("custom", "input") } else { ("function", "arguments") };
    object.text("type", kind);
    object.object(kind, |function| {
        function.text("name", &call.name);
        function.text(input, call.arguments.as_str());
    });
    if part.native.is_none() && target.provider.has(Quirk::NineCharCallIds) {
        object.field("index", |out| out.extend_from_slice(index.to_string().as_bytes()));
    }
    object.end();
}
