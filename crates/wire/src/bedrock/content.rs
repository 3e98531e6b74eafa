//! The blocks of a message. What of a part is this protocol's own stands in its `native`:
//! `cachePoint` (a mark behind the block), `guardContent` (the block is wrapped for the guardrail),
//! `citations`, and the fields a block has beside those that everybody knows.

use std::cell::OnceCell;
use std::sync::Arc;

use largestack_types::message::Message;
use largestack_types::part::{Arguments, Body, Part, Reasoning, ToolCall};

use super::family::Family;
use super::{NAME, media, request, result};
use crate::error::EncodeError;
use crate::extra::FieldList;
use crate::model::Target;
use crate::object::Writer;

/// Where in the conversation a block stands.
pub(super) struct Place<'a> {
    pub(super) target: &'a Target,
    before: &'a [Arc<Message>],
    /// Documents before this message; counted only where one needs a name.
    base: OnceCell<usize>,
    /// Documents of this message so far.
    seen: usize,
}

impl<'a> Place<'a> {
    pub(super) fn new(before: &'a [Arc<Message>], target: &'a Target) -> Self {
        Self { target, before, base: OnceCell::new(), seen: 0 }
    }

    /// The number of the next document, from 1: names have to differ within a conversation.
    pub(super) fn next_document(&mut self) -> usize {
        self.seen += 1;
        let base =
            self.base.get_or_init(|| self.before.iter().map(|m| request::documents(m)).sum());
        base + self.seen
    }
}

/// Whether anything of a part is sent. Blank words are refused by the provider, and what another
/// protocol sealed or ran means nothing to it.
pub(super) fn is_sent(part: &Part, target: &Target) -> bool {
    let ours = || FieldList::native(part.native.as_ref(), NAME).is_some();
    match &part.body {
        Body::Text(text) | Body::Refusal(text) => !text.is_empty() || ours(),
        Body::Reasoning(_) => ours() && Family::of(&target.model).takes_reasoning(),
        Body::ToolCall(_) | Body::ToolResult(_) | Body::Media(_) => true,
        Body::ServerTool(_) | Body::Unknown(_) => ours(),
        // Citations go back with the words they support.
        _ => false,
    }
}

/// Appends the blocks of a part.
pub(super) fn part(
    list: &mut Writer<'_>,
    part: &Part,
    place: &mut Place<'_>,
) -> Result<(), EncodeError> {
    if !is_sent(part, place.target) {
        return Ok(());
    }
    let native = FieldList::native(part.native.as_ref(), NAME).unwrap_or_default();
    match &part.body {
        Body::Text(text) | Body::Refusal(text) => words(list, text, &native),
        Body::Reasoning(thought) => reasoning(list, thought),
        Body::ToolCall(call) => tool_use(list, call, &native),
        Body::ToolResult(answer) => result::write(list, answer, &native, place)?,
        Body::Media(medium) => media::write(list, medium, &native, place)?,
        Body::ServerTool(raw) | Body::Unknown(raw) => list.raw_item(raw.as_str()),
        _ => {}
    }
    cache_point(list, &native);
    Ok(())
}

/// Appends the block of a part of the instructions.
pub(super) fn instruction(list: &mut Writer<'_>, part: &Part) {
    let native = FieldList::native(part.native.as_ref(), NAME);
    let ours = native.is_some();
    let native = native.unwrap_or_default();
    match &part.body {
        Body::Text(text) if ours || !text.is_empty() => words(list, text, &native),
        Body::Unknown(raw) if ours => list.raw_item(raw.as_str()),
        _ => return,
    }
    cache_point(list, &native);
}

fn cache_point(list: &mut Writer<'_>, native: &FieldList<'_>) {
    if let Some(mark) = native.get("cachePoint") {
        let mut block = Writer::object(list.item());
        block.raw("cachePoint", mark);
        block.end();
    }
}

fn words(list: &mut Writer<'_>, text: &str, native: &FieldList<'_>) {
    let mut block = Writer::object(list.item());
    if let Some(fields) = native.get("guardContent") {
        let mut guard = block.inner("guardContent");
        let mut inner = guard.inner("text");
        inner.text("text", text);
        for (key, raw) in FieldList::of(fields).iter() {
            inner.raw(key, raw);
        }
        inner.end();
        guard.end();
    } else if let Some(citations) = native.get("citations") {
        let mut cited = block.inner("citationsContent");
        if let Some(content) = native.get("content") {
            cited.raw("content", content);
        } else {
            let mut content = cited.inner_list("content");
            let mut only = Writer::object(content.item());
            only.text("text", text);
            only.end();
            content.end();
        }
        cited.raw("citations", citations);
        cited.end();
    } else {
        block.text("text", text);
    }
    block.end();
}

/// The model's own reasoning, with its seal.
fn reasoning(list: &mut Writer<'_>, thought: &Reasoning) {
    if let Some(raw) = &thought.raw {
        list.raw_item(raw.as_str());
        return;
    }
    let mut block = Writer::object(list.item());
    let mut inner = block.inner("reasoningContent");
    if thought.redacted {
        inner.text("redactedContent", thought.signature.as_deref().unwrap_or_default());
    } else {
        let mut text = inner.inner("reasoningText");
        text.text("text", &thought.text);
        if let Some(signature) = &thought.signature {
            text.text("signature", signature);
        }
        text.end();
    }
    inner.end();
    block.end();
}

fn tool_use(list: &mut Writer<'_>, call: &ToolCall, native: &FieldList<'_>) {
    let mut block = Writer::object(list.item());
    let mut inner = block.inner("toolUse");
    inner.text("toolUseId", &id(&call.provider_id, call.call));
    inner.text("name", &call.name);
    match &call.arguments {
        Arguments::Json(json) => inner.raw("input", json.as_str()),
        // The input is a document; what is none can only be shown as words in one.
        Arguments::Malformed(text) => {
            let mut input = inner.inner("input");
            input.text("malformed", text);
            input.end();
        }
    }
    for (key, raw) in native.get("toolUse").map(FieldList::of).unwrap_or_default().iter() {
        inner.raw(key, raw);
    }
    inner.end();
    block.end();
}

/// The id under which call and result find each other: the provider's, or ours where it gave none.
pub(super) fn id(provider_id: &str, call: largestack_types::id::CallId) -> String {
    if provider_id.is_empty() { call.to_string() } else { provider_id.to_owned() }
}
