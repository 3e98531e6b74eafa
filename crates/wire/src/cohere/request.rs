//! The request: a head, the messages (from the session as far as they were encoded before), and
//! the tail with everything else.

use std::sync::Arc;

use bytes::Bytes;
use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Media};

use super::{NAME, content, result, settings};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;
use crate::session::Session;
use crate::wire::{HttpRequest, Mode, headers};

/// The path of the request, where the provider's row names no other.
const PATH: &str = "/v2/chat";

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
    let open = !session.ready().0.is_empty();
    late_media(&mut late, open, &call.messages, call.messages.len(), target)?;
    let (messages, tail) = session.ready();
    let (tail, dropped) = tail.map_or((&[][..], Vec::new()), |t| (&t.text[..], t.dropped.clone()));
    let mut body = Vec::with_capacity(messages.len() + late.len() + tail.len() + 128);
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
        let open = !out.is_empty();
        late_media(out, open, messages, index, target)?;
    }
    for part in &message.parts {
        if let Body::ToolResult(answer) = &part.body {
            separate(out);
            let native = FieldList::native(part.native.as_ref(), NAME).unwrap_or_default();
            result::write(out, answer, &native, &beside(message));
        }
    }
    let only_results = !message.parts.is_empty()
        && message.parts.iter().all(|part| matches!(part.body, Body::ToolResult(_)));
    let role = match message.role {
        _ if only_results => return Ok(()),
        Role::Tool => return Ok(()),
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    separate(out);
    let mut said = Writer::object(out);
    said.text("role", role);
    if message.role == Role::Assistant {
        content::assistant(&mut said, message);
    } else {
        content::plain(&mut said, message, target)?;
    }
    for (key, raw) in beside(message).iter() {
        said.raw(key, raw);
    }
    said.end();
    Ok(())
}

/// What the protocol says of a message beside its parts.
fn beside(message: &Message) -> FieldList<'_> {
    FieldList::native(message.native.as_ref(), NAME).unwrap_or_default()
}

/// A comma, unless this is the first message. (A message ends with a brace.)
fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

/// A user's message with the media of the tool messages that end before `end`: results are words.
fn late_media(
    out: &mut Vec<u8>,
    open: bool,
    messages: &[Arc<Message>],
    end: usize,
    target: &Target,
) -> Result<(), EncodeError> {
    let before = messages.get(..end).unwrap_or_default();
    let turn = before.iter().rev().take_while(|message| message.role == Role::Tool).count();
    let turn = before.get(before.len() - turn..).unwrap_or_default();
    let media: Vec<&Media> = turn
        .iter()
        .flat_map(|message| &message.parts)
        .flat_map(|part| match &part.body {
            Body::ToolResult(result) => result.media.iter().collect::<Vec<_>>(),
            Body::Media(media) => vec![media],
            _ => Vec::new(),
        })
        .collect();
    if media.is_empty() {
        return Ok(());
    }
    if open {
        out.push(b',');
    }
    let mut said = Writer::object(out);
    said.text("role", "user");
    let mut list = said.inner_list("content");
    content::text(&mut list, "Media of the results above:", &FieldList::default());
    for medium in media {
        content::media(&mut list, medium, &FieldList::default(), target)?;
    }
    list.end();
    said.end();
    Ok(())
}
