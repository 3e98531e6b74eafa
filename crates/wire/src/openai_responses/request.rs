//! The request: model and instructions, the items (from the session as far as they were encoded
//! before), and the tail with everything else. JSON text is written directly.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Native, Part};

use super::{NAME, assistant, beside, content, settings};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::model::Target;
use crate::overlay::Overlay;
use crate::quirk::Quirk;
use crate::session::Session;
use crate::wire::{HttpRequest, Mode, headers};

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/responses";

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
    let (items, tail) = session.ready();
    let (tail, dropped) = tail.map_or((&[][..], Vec::new()), |t| (&t.text[..], t.dropped.clone()));
    let mut body = Vec::with_capacity(items.len() + tail.len() + 64 + target.model.len());
    body.extend_from_slice(b"{\"model\":");
    write_str(&mut body, &target.model);
    if let Some(first) = call.messages.first().filter(|first| is_instructions(first, 0)) {
        body.extend_from_slice(b",\"instructions\":");
        write_str(&mut body, &content::joined(first));
    }
    body.extend_from_slice(b",\"input\":");
    if let Some(text) = bare(&call.messages) {
        write_str(&mut body, &text);
    } else {
        body.push(b'[');
        body.extend_from_slice(items);
        body.push(b']');
    }
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

/// Whether a message is the request's `instructions`: the first one, of the operator, unless it
/// was an item.
fn is_instructions(message: &Message, index: usize) -> bool {
    index == 0
        && message.role == Role::System
        && Native::of(message.native.as_ref(), NAME).is_none()
}

/// The words of an input that is one string, as it was read.
fn bare(messages: &[Arc<Message>]) -> Option<Cow<'_, str>> {
    let from = usize::from(messages.first().is_some_and(|first| is_instructions(first, 0)));
    match messages.get(from..) {
        Some([only]) => Overlay::of(only.native.as_ref(), NAME)
            .get(beside::INPUT)
            .map(|_| content::joined(only)),
        _ => None,
    }
}

/// Appends the items of one message.
fn message(
    out: &mut Vec<u8>,
    messages: &[Arc<Message>],
    index: usize,
    target: &Target,
) -> Result<(), EncodeError> {
    let Some(message) = messages.get(index) else { return Ok(()) };
    if is_instructions(message, index) {
        return Ok(());
    }
    item(out, message, target)
}

/// Appends a message, which is one item or several.
pub(super) fn item(
    out: &mut Vec<u8>,
    message: &Message,
    target: &Target,
) -> Result<(), EncodeError> {
    match message.role {
        Role::System if message.parts.iter().any(content::is_item) => {
            content::tool_results(out, message, target)?;
        }
        Role::System => content::spoken(out, system_role(target), message, target)?,
        Role::User | Role::Tool => {
            content::tool_results(out, message, target)?;
            let is_other =
                |part: &Part| !matches!(part.body, Body::ToolResult(_)) && !content::is_item(part);
            let empty = message.role == Role::User && message.parts.is_empty();
            if empty || message.parts.iter().any(is_other) {
                content::spoken(out, "user", message, target)?;
            }
        }
        Role::Assistant => assistant::write(out, message),
    }
    Ok(())
}

/// A comma, unless this is the first item. (An item ends with a brace.)
pub(super) fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

/// OpenAI's reasoning models are those that take no sampling.
pub(super) fn system_role(target: &Target) -> &'static str {
    let developer = target.provider.has(Quirk::DeveloperRole) && !target.profile.sampling;
    if developer { "developer" } else { "system" }
}
