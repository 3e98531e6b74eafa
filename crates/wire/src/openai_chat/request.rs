//! The request: a head, the messages (from the session as far as they were encoded before), and
//! the tail with everything else. JSON text is written directly: the same call gives the same
//! bytes, and no tree is built.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, Reasoning, ToolCall, ToolResult};

use super::{NAME, content, settings};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::model::Target;
use crate::quirk::Quirk;
use crate::session::Session;
use crate::wire::{HttpRequest, Mode, headers};

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/chat/completions";

pub(super) fn encode(
    call: &Call,
    target: &Target,
    session: &mut Session,
) -> Result<HttpRequest, EncodeError> {
    session.enter(NAME, target);
    let url = session.url(call.stream, || target.address(PATH, &[]))?;
    session.ready_tail(call, || settings::tail(call, target))?;
    session
        .ready_messages(&call.messages, |out, index| message(out, &call.messages, index, target))?;
    let mut late = Vec::new();
    late_media(&mut late, &call.messages, call.messages.len(), target)?;
    let (messages, tail) = session.ready();
    let (tail, dropped) = tail.map_or((&[][..], Vec::new()), |t| (&t.text[..], t.dropped.clone()));
    let mut body =
        Vec::with_capacity(messages.len() + late.len() + tail.len() + 64 + target.model.len());
    body.extend_from_slice(b"{\"model\":");
    write_str(&mut body, &target.model);
    body.extend_from_slice(b",\"messages\":[");
    body.extend_from_slice(messages);
    body.extend_from_slice(&late);
    body.push(b']');
    body.extend_from_slice(tail);
    body.push(b'}');
    let mode = if call.stream { Mode::Stream } else { Mode::Whole };
    Ok(HttpRequest {
        method: "POST",
        url,
        headers: headers(mode, target)?,
        body: Bytes::from(body),
        mode,
        max_output_tokens: target.profile.output_limit(call.settings.max_output_tokens),
        dropped,
    })
}

/// Appends one message, and before it the media of tool results that waited for the end of the
/// tool messages.
fn message(
    out: &mut Vec<u8>,
    messages: &[Arc<Message>],
    index: usize,
    target: &Target,
) -> Result<(), EncodeError> {
    let Some(message) = messages.get(index) else { return Ok(()) };
    if message.role != Role::Tool {
        late_media(out, messages, index, target)?;
    }
    match message.role {
        Role::System => {
            separate(out);
            system(out, message, target);
        }
        Role::User => {
            tool_results(out, message, target);
            if message.parts.is_empty() || message.parts.iter().any(|part| !is_result(part)) {
                separate(out);
                content::user(out, message, target)?;
            }
        }
        Role::Assistant => {
            separate(out);
            assistant(out, message, target);
        }
        Role::Tool => tool_results(out, message, target),
    }
    Ok(())
}

/// A comma, unless this is the first message. (A message ends with a brace.)
fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

fn is_result(part: &Part) -> bool {
    matches!(part.body, Body::ToolResult(_))
}

fn system(out: &mut Vec<u8>, message: &Message, target: &Target) {
    // OpenAI's reasoning models are those that take no sampling.
    let developer = target.provider.has(Quirk::DeveloperRole) && !target.profile.sampling;
    let role = if developer { "developer" } else { "system" };
    out.extend_from_slice(b"{\"role\":\"");
    out.extend_from_slice(role.as_bytes());
    out.extend_from_slice(b"\",\"content\":");
    write_str(out, &content::joined(message));
    out.push(b'}');
}

/// What the model said. Its citations, media and whatever the provider ran itself are not sent:
/// the protocol has no place for them in an assistant's message.
fn assistant(out: &mut Vec<u8>, message: &Message, target: &Target) {
    out.extend_from_slice(b"{\"role\":\"assistant\",\"content\":");
    let calls = message.tool_calls().next().is_some();
    let text = said(message);
    let thoughts = || message.parts.iter().filter_map(reasoning);
    let chunks =
        target.provider.has(Quirk::ThinkingChunks) && thoughts().any(|r| !r.text.is_empty());
    if chunks {
        thinking_chunks(out, message);
    } else if text.is_empty() && calls {
        out.extend_from_slice(b"null");
    } else {
        write_str(out, &text);
    }
    let field = if target.provider.has(Quirk::ReasoningContentBack) {
        Some("reasoning_content")
    } else if target.provider.has(Quirk::ReasoningBack) {
        Some("reasoning")
    } else {
        None
    };
    let plain: String = thoughts().map(|reasoning| &*reasoning.text).collect();
    if let Some(field) = field.filter(|_| !plain.is_empty()) {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(field.as_bytes());
        out.extend_from_slice(b"\":");
        write_str(out, &plain);
    }
    if target.provider.has(Quirk::ReasoningDetailsBack) {
        reasoning_details(out, message);
    }
    for (index, call) in message.tool_calls().enumerate() {
        out.extend_from_slice(if index == 0 { b",\"tool_calls\":[" } else { b"," });
        tool_call(out, call, target);
    }
    out.extend_from_slice(if calls { b"]}" } else { b"}" });
}

/// All words of an assistant, one part behind the other.
fn said(message: &Message) -> Cow<'_, str> {
    let mut texts = message.parts.iter().filter_map(words);
    match (texts.next(), texts.next()) {
        (first, None) => Cow::Borrowed(first.unwrap_or_default()),
        (first, second) => Cow::Owned(first.into_iter().chain(second).chain(texts).collect()),
    }
}

/// The words of an assistant. A refusal is text again: only some servers know the field.
fn words(part: &Part) -> Option<&str> {
    match &part.body {
        Body::Text(text) | Body::Refusal(text) => Some(text),
        _ => None,
    }
}

fn reasoning(part: &Part) -> Option<&Reasoning> {
    match &part.body {
        Body::Reasoning(reasoning) => Some(reasoning),
        _ => None,
    }
}

fn thinking_chunks(out: &mut Vec<u8>, message: &Message) {
    let mut first = b'[';
    for part in &message.parts {
        let (open, text, close): (&[u8], _, &[u8]) = match (&part.body, words(part)) {
            (Body::Reasoning(thought), _) if !thought.text.is_empty() => (
                b"{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":",
                &*thought.text,
                b"}]}",
            ),
            (_, Some(text)) if !text.is_empty() => (b"{\"type\":\"text\",\"text\":", text, b"}"),
            _ => continue,
        };
        out.push(std::mem::replace(&mut first, b','));
        out.extend_from_slice(open);
        write_str(out, text);
        out.extend_from_slice(close);
    }
    out.push(b']');
}

/// Only blocks that came from such a list: another provider's would be refused.
fn reasoning_details(out: &mut Vec<u8>, message: &Message) {
    let raws = message.parts.iter().filter_map(reasoning).filter_map(|r| r.raw.as_ref());
    let mut any = false;
    for raw in raws.filter(|raw| content::kind_of(raw).starts_with("reasoning.")) {
        out.extend_from_slice(if any { b"," } else { b",\"reasoning_details\":[" });
        any = true;
        out.extend_from_slice(raw.as_str().as_bytes());
    }
    if any {
        out.push(b']');
    }
}

fn tool_call(out: &mut Vec<u8>, call: &ToolCall, target: &Target) {
    out.extend_from_slice(b"{\"id\":");
    write_str(out, &content::call_id(&call.provider_id, call.call, target));
    out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
    write_str(out, &call.name);
    out.extend_from_slice(b",\"arguments\":");
    write_str(out, call.arguments.as_str());
    out.extend_from_slice(b"}}");
}

fn results(message: &Message) -> impl Iterator<Item = &ToolResult> {
    message.parts.iter().filter_map(|part| match &part.body {
        Body::ToolResult(result) => Some(result),
        _ => None,
    })
}

/// One message for each result: their text. What else a tool message holds comes late.
fn tool_results(out: &mut Vec<u8>, message: &Message, target: &Target) {
    for result in results(message) {
        separate(out);
        out.extend_from_slice(b"{\"role\":\"tool\",\"tool_call_id\":");
        write_str(out, &content::call_id(&result.provider_id, result.call, target));
        out.extend_from_slice(b",\"content\":");
        write_str(out, &result.text);
        out.push(b'}');
    }
}

/// A user's message with the media of the tool messages that end before `end`. A tool message
/// takes text only, and nothing may stand between the tool messages that answer one turn.
fn late_media(
    out: &mut Vec<u8>,
    messages: &[Arc<Message>],
    end: usize,
    target: &Target,
) -> Result<(), EncodeError> {
    let before = messages.get(..end).unwrap_or_default();
    let turn = before.iter().rev().take_while(|message| message.role == Role::Tool).count();
    let turn = before.get(before.len() - turn..).unwrap_or_default();
    content::late(out, turn.iter().map(|message| &**message), target)
}
