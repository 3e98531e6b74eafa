//! The request: the messages (from the session as far as they were encoded before), the
//! instructions, and the tail with everything else.
//!
//! Converse knows two voices that take turns, so results of tools and what a user says after them
//! are one message. Each of our messages therefore leaves its message open; what begins with
//! another voice closes it.

use std::sync::Arc;

use bytes::Bytes;
use largestack_types::call::{Call, PromptCache};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaKind, Native};

use super::content::{self, Place};
use super::family::Family;
use super::{NAME, settings, tools};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;
use crate::session::Session;
use crate::wire::{HttpRequest, Mode, headers_accepting};

/// The paths of the two ways of answering.
const WHOLE: &str = "/model/{model}/converse";
const STREAM: &str = "/model/{model}/converse-stream";

pub(super) fn encode(
    call: &Call,
    target: &Target,
    session: &mut Session,
) -> Result<HttpRequest, EncodeError> {
    session.enter(NAME, target);
    let (mode, path, accept) = if call.stream {
        (Mode::Stream, STREAM, "application/vnd.amazon.eventstream")
    } else {
        (Mode::Whole, WHOLE, "application/json")
    };
    let url = session.url(call.stream, || target.address(path, &[]))?;
    session.ready_tail(call, || settings::tail(call, target))?;
    session
        .ready_messages(&call.messages, |out, index| message(out, &call.messages, index, target))?;
    let (messages, tail) = session.ready();
    let (tail, mut dropped) =
        tail.map_or((&[][..], Vec::new()), |t| (&t.text[..], t.dropped.clone()));
    let mut body = Vec::with_capacity(messages.len() + tail.len() + 256);
    body.extend_from_slice(b"{\"messages\":[");
    body.extend_from_slice(messages);
    let mark = mark(call, target);
    if !messages.is_empty() {
        if let Some(mark) = mark.filter(|_| may_be_marked(&call.messages)) {
            body.push(b',');
            body.extend_from_slice(mark.as_bytes());
        }
        body.extend_from_slice(b"]}");
    }
    body.push(b']');
    system(&mut body, call, mark);
    if let Some(told) = tools::told_before(call) {
        dropped.push("tool_choice");
        Writer::more(&mut body).raw("toolConfig", told.as_str());
    }
    body.extend_from_slice(tail);
    body.push(b'}');
    Ok(HttpRequest {
        method: "POST",
        url,
        headers: headers_accepting(accept, target)?,
        body: Bytes::from(body),
        mode,
        max_output_tokens: target.profile.output_limit(call.settings.max_output_tokens),
        dropped,
    })
}

/// The block that asks the provider to keep what stands before it.
pub(super) fn mark(call: &Call, target: &Target) -> Option<&'static str> {
    let family = Family::of(&target.model);
    match call.settings.prompt_cache? {
        PromptCache::OneHour if family.is_claude() => {
            Some(r#"{"cachePoint":{"type":"default","ttl":"1h"}}"#)
        }
        _ if family.caches() => Some(r#"{"cachePoint":{"type":"default"}}"#),
        _ => None,
    }
}

/// A mark follows words or results: behind a document it is refused.
fn may_be_marked(messages: &[Arc<Message>]) -> bool {
    let last = messages.iter().rev().find(|message| message.role != Role::System);
    let last = last.and_then(|message| message.parts.last());
    last.is_some_and(|part| {
        let plain = matches!(&part.body, Body::Text(text) if !text.trim().is_empty())
            || matches!(&part.body, Body::ToolResult(_));
        plain && Native::of(part.native.as_ref(), NAME).is_none()
    })
}

/// The instructions, wherever in the history they stand. A system message without words is an
/// empty list.
fn system(out: &mut Vec<u8>, call: &Call, mark: Option<&'static str>) {
    let mut messages = call.messages.iter().filter(|m| m.role == Role::System).peekable();
    if messages.peek().is_none() {
        return;
    }
    let mut more = Writer::more(out);
    let mut list = more.inner_list("system");
    for part in messages.flat_map(|message| &message.parts) {
        content::instruction(&mut list, part);
    }
    if let Some(mark) = mark.filter(|_| !list.is_empty()) {
        list.raw_item(mark);
    }
    list.end();
}

const fn voice(role: Role) -> &'static str {
    match role {
        Role::Assistant => "assistant",
        Role::System | Role::User | Role::Tool => "user",
    }
}

/// Appends one message, unless there is nothing of it to send.
fn message(
    out: &mut Vec<u8>,
    messages: &[Arc<Message>],
    index: usize,
    target: &Target,
) -> Result<(), EncodeError> {
    let (before, rest) = messages.split_at_checked(index).unwrap_or_default();
    let Some(message) = rest.first().filter(|message| is_sent(message, target)) else {
        return Ok(());
    };
    let own = FieldList::native(message.native.as_ref(), NAME);
    let last = before.iter().rev().find(|message| is_sent(message, target));
    let goes_on = own.is_none() && last.is_some_and(|m| voice(m.role) == voice(message.role));
    let mut blocks = Vec::new();
    let mut content = Writer::list(&mut blocks);
    let mut place = Place::new(before, target);
    for part in &message.parts {
        content::part(&mut content, part, &mut place)?;
    }
    // The bracket that opens the list; what closes it comes later.
    let blocks = blocks.get(1..).unwrap_or_default();
    if goes_on {
        if !blocks.is_empty() && !out.ends_with(b"[") {
            out.push(b',');
        }
    } else {
        out.extend_from_slice(if last.is_some() { b"]},{\"role\":" } else { b"{\"role\":" });
        write_str(out, voice(message.role));
        let mut fields = Writer::more(out);
        for (key, raw) in own.iter().flat_map(FieldList::iter) {
            fields.raw(key, raw);
        }
        fields.key("content").push(b'[');
    }
    out.extend_from_slice(blocks);
    Ok(())
}

fn is_sent(message: &Message, target: &Target) -> bool {
    message.role != Role::System
        && (Native::of(message.native.as_ref(), NAME).is_some()
            || message.parts.iter().any(|part| content::is_sent(part, target)))
}

/// How many documents a message brings along.
pub(super) fn documents(message: &Message) -> usize {
    let is_document = |kind: MediaKind| usize::from(kind == MediaKind::Document);
    let count = message.parts.iter().map(|part| match &part.body {
        Body::Media(media) => is_document(media.kind),
        Body::ToolResult(result) => result.media.iter().map(|media| is_document(media.kind)).sum(),
        _ => 0,
    });
    count.sum()
}
