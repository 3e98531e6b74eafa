//! The request: a head, the messages (from the session as far as they were encoded before), and
//! the tail with everything else. JSON text is written directly: the same call gives the same
//! bytes, and no tree is built.

use std::sync::Arc;

use bytes::Bytes;
use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part};

use super::{NAME, assistant, content, settings};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::model::Target;
use crate::overlay::{Overlay, Writer};
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
            system(out, message, target)?;
        }
        Role::User => {
            tool_results(out, message, target);
            if message.parts.is_empty() || message.parts.iter().any(|part| !is_result(part)) {
                separate(out);
                content::spoken(out, "user", message, target)?;
            }
        }
        Role::Assistant => {
            separate(out);
            assistant::write(out, message, target)?;
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

fn system(out: &mut Vec<u8>, message: &Message, target: &Target) -> Result<(), EncodeError> {
    content::spoken(out, system_role(target), message, target)
}

/// OpenAI's reasoning models are those that take no sampling.
pub(super) fn system_role(target: &Target) -> &'static str {
    let developer = target.provider.has(Quirk::DeveloperRole) && !target.profile.sampling;
    if developer { "developer" } else { "system" }
}

/// One message for each result: their text. What else a tool message holds comes late.
fn tool_results(out: &mut Vec<u8>, message: &Message, target: &Target) {
    for part in &message.parts {
        let Body::ToolResult(result) = &part.body else { continue };
        separate(out);
        let mut overlay = Overlay::of(part.native.as_ref(), NAME);
        let blocks = overlay.take(content::BLOCKS);
        let mut object = Writer::begin(out, overlay);
        object.text("role", "tool");
        object.text("tool_call_id", &content::call_id(&result.provider_id, result.call, target));
        match blocks {
            None => object.text("content", &result.text),
            Some(blocks) => object.field("content", |out| content::cut(out, &result.text, blocks)),
        }
        object.end();
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
