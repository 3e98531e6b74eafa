//! The conversation as contents. Results of tools that answer one turn go into one content, as the
//! API wants them, though they are messages of their own; so a content stays open until the next
//! one begins, and what is written of a message never depends on a later one.

use std::sync::Arc;

use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Native, Part};

use super::NAME;
use super::object::{Entries, Writer};
use super::parts::{List, goes};
use crate::error::EncodeError;
use crate::model::Target;

/// Appends one message, behind the end of the content that it closes.
pub(super) fn message(
    out: &mut Vec<u8>,
    messages: &[Arc<Message>],
    index: usize,
    target: &Target,
) -> Result<(), EncodeError> {
    let Some(message) = messages.get(index).filter(|message| speaks(message)) else {
        return Ok(());
    };
    let before = messages.get(..index).unwrap_or_default();
    let goes_on = before.iter().rev().find(|message| speaks(message)).is_some_and(|last| {
        last.role == Role::Tool
            && form(last) == Form::List
            && message.role == Role::Tool
            && said(message).is_none()
    });
    if !goes_on {
        if !out.is_empty() {
            out.extend_from_slice(close(before));
            out.push(b',');
        }
        open(out, message);
    }
    // Behind an opening bracket stands nothing yet.
    let empty = !goes_on || out.ends_with(b"[");
    let mut list = List { out, empty, unsigned: true };
    for part in &message.parts {
        list.part(part, target)?;
    }
    if list.empty && message.role == Role::User && said(message).is_none() {
        list.text("");
    }
    Ok(())
}

/// The end of the last content that these messages opened.
pub(super) fn close(messages: &[Arc<Message>]) -> &'static [u8] {
    let last = messages.iter().rev().find(|message| speaks(message));
    match last.map(|message| form(message)) {
        None => b"",
        Some(Form::List) => b"]}",
        Some(Form::One | Form::Absent) => b"}",
    }
}

/// Whether there is one content only, and it was written without a list around it.
pub(super) fn is_bare(messages: &[Arc<Message>]) -> bool {
    let mut speaking = messages.iter().filter(|message| speaks(message));
    let first = speaking.next().and_then(|message| said(message));
    speaking.next().is_none() && first.is_some_and(|said| said.get(BARE).is_some())
}

/// The native field of a message whose content stood alone under `contents`.
pub(super) const BARE: [&str; 2] = ["contents", "contents"];

/// How the parts of a content are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    List,
    /// One part without a list around it, as many examples of the reference have it.
    One,
    /// No parts at all.
    Absent,
}

/// Whether a message is written as one part; the media of a result may stand behind it.
fn is_one(message: &Message) -> bool {
    match &message.parts[..] {
        [Part { body: Body::ToolResult(result), .. }] => result.media.is_empty(),
        [only] => goes(only),
        _ => false,
    }
}

fn form(message: &Message) -> Form {
    match said(message).and_then(|said| said.get(PARTS)).map(serde_json::value::RawValue::get) {
        Some("null") if !message.parts.iter().any(goes) => Form::Absent,
        Some(text) if text != "null" && is_one(message) => Form::One,
        _ => Form::List,
    }
}

/// The native field that says how the parts of a message were written.
pub(super) const PARTS: [&str; 2] = ["parts", "parts"];

fn said(message: &Message) -> Option<Entries<'_>> {
    Native::of(message.native.as_ref(), NAME).map(|json| Entries::of(json.as_str()))
}

/// Whether a message becomes a content or a part of one. Instructions do not; an assistant that
/// said nothing does not, because a content must have parts.
fn speaks(message: &Message) -> bool {
    match message.role {
        Role::System => false,
        Role::User => true,
        Role::Assistant | Role::Tool => said(message).is_some() || message.parts.iter().any(goes),
    }
}

fn open(out: &mut Vec<u8>, message: &Message) {
    let mut said = said(message).unwrap_or_default();
    let form = form(message);
    let _ = (said.take(PARTS), said.take(BARE));
    let mut content = Writer::begin(out);
    let role = if message.role == Role::Assistant { "model" } else { "user" };
    content.str_unless(&mut said, ["role", "role"], role);
    content.rest(&said);
    match form {
        Form::List => content.key("parts").push(b'['),
        Form::One => drop(content.key("parts")),
        Form::Absent => {}
    }
}

/// All instructions, wherever they stand in the conversation: the API has one place for them.
pub(super) fn system(
    out: &mut Vec<u8>,
    messages: &[Arc<Message>],
    target: &Target,
) -> Result<(), EncodeError> {
    let mut systems = messages.iter().filter(|message| message.role == Role::System);
    let Some(first) = systems.next() else { return Ok(()) };
    let mut native = said(first).unwrap_or_default();
    let (key, mut beside) = match native.take(SYSTEM) {
        Some((key, raw)) => (key, Entries::of(raw.get())),
        None => (SYSTEM[0].into(), Entries::default()),
    };
    let alone = beside.take(PARTS).is_some();
    out.push(b',');
    crate::escape::write_str(out, &key);
    out.push(b':');
    let mut content = Writer::begin(out);
    content.rest(&beside);
    let out = content.key("parts");
    let start = out.len();
    out.push(b'[');
    let mut list = List { out, empty: true, unsigned: false };
    for part in std::iter::once(first).chain(systems).flat_map(|message| &message.parts) {
        list.part(part, target)?;
    }
    let one =
        alone && is_one(first) && messages.iter().filter(|m| m.role == Role::System).count() == 1;
    if one {
        out.remove(start);
    } else {
        out.push(b']');
    }
    content.end();
    Ok(())
}

/// The field of the instructions.
pub(super) const SYSTEM: [&str; 2] = ["systemInstruction", "system_instruction"];
