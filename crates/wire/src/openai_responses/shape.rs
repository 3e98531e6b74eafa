//! The shapes of a reply, of the events of a stream, and of items. Borrowed from the frame; what
//! is not interpreted is kept as it came.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, List, Object, Str, lenient, skip};

/// A field nobody interprets.
pub(super) type Extra<'a> = (Cow<'a, str>, &'a RawValue);

/// A frame: an event, or a whole reply.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: Str<'a>,
    pub(super) output_index: Count,
    pub(super) content_index: Count,
    pub(super) summary_index: Count,
    pub(super) delta: Str<'a>,
    /// The complete words at the end of a block: text, refusal, arguments or input.
    pub(super) whole: Str<'a>,
    pub(super) item: Option<&'a RawValue>,
    pub(super) part: Option<&'a RawValue>,
    pub(super) annotation: Option<&'a RawValue>,
    pub(super) response: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
    /// It has an `output`: no event, but a reply.
    pub(super) is_reply: bool,
    /// The event's number, which nobody needs: they come in order.
    pub(super) number: Option<&'a RawValue>,
    /// Random characters that hide the length of the text from the network.
    pub(super) padding: Option<&'a RawValue>,
}

impl<'de> Fields<'de> for Event<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "type" => self.kind = map.next_value()?,
            "output_index" => self.output_index = map.next_value()?,
            "content_index" => self.content_index = map.next_value()?,
            "summary_index" => self.summary_index = map.next_value()?,
            "delta" => self.delta = map.next_value()?,
            "text" | "refusal" | "arguments" | "input" => self.whole = map.next_value()?,
            "item" => self.item = map.next_value()?,
            "part" => self.part = map.next_value()?,
            "annotation" => self.annotation = map.next_value()?,
            "response" => self.response = map.next_value()?,
            "error" => self.error = present(map)?,
            "sequence_number" => self.number = Some(map.next_value()?),
            "obfuscation" => self.padding = Some(map.next_value()?),
            "output" => {
                self.is_reply = true;
                skip(map)?;
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// Events that add words.
const DELTAS: [&str; 7] = [
    "response.output_text.delta",
    "response.refusal.delta",
    "response.reasoning_text.delta",
    "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.reasoning.delta",
];

/// What an event that adds words says beside them: its kind, and where they belong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adds {
    kind: &'static str,
    output_index: Count,
    content_index: Count,
    summary_index: Count,
}

impl Adds {
    /// The event that adds these words.
    pub(super) fn event(self, words: Cow<'_, str>) -> Event<'_> {
        let Self { kind, output_index, content_index, summary_index } = self;
        let (kind, delta) = (Str(Some(Cow::Borrowed(kind))), Str(Some(words)));
        Event { kind, output_index, content_index, summary_index, delta, ..Event::default() }
    }
}

impl<'a> Event<'a> {
    /// The words of an event that says nothing else, and what it says beside them.
    pub(super) fn only_words(&self) -> Option<(&'a str, Adds)> {
        let Self {
            ref kind,
            output_index,
            content_index,
            summary_index,
            ref delta,
            whole: Str(None),
            item: None,
            part: None,
            annotation: None,
            response: None,
            error: None,
            is_reply: false,
            number: _,
            padding: _,
        } = *self
        else {
            return None;
        };
        let kind = DELTAS.into_iter().find(|known| Some(*known) == kind.0.as_deref())?;
        Some((delta.in_place()?, Adds { kind, output_index, content_index, summary_index }))
    }
}

/// A reply, as it stands.
#[derive(Debug, Default)]
pub(super) struct Response<'a> {
    pub(super) id: Str<'a>,
    pub(super) model: Str<'a>,
    pub(super) status: Str<'a>,
    /// `None`: the field is absent.
    pub(super) output: Option<List<&'a RawValue>>,
    pub(super) usage: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
    pub(super) incomplete: Object<Incomplete<'a>>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Response<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "id" => self.id = map.next_value()?,
            "model" => self.model = map.next_value()?,
            "status" => self.status = map.next_value()?,
            "output" => self.output = Some(map.next_value()?),
            "usage" => self.usage = present(map)?,
            "error" => self.error = present(map)?,
            "incomplete_details" => self.incomplete = map.next_value()?,
            // What it is; words that stand in the items; what the request said.
            "object" | "output_text" | "tools" | "instructions" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// Why a reply is not complete.
#[derive(Debug, Default)]
pub(super) struct Incomplete<'a> {
    pub(super) reason: Str<'a>,
}

impl<'de> Fields<'de> for Incomplete<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "reason" => self.reason = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// An item, or a block of one: the fields that some kind of it has, and all others.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    pub(super) kind: Str<'a>,
    pub(super) role: Str<'a>,
    pub(super) call_id: Str<'a>,
    pub(super) name: Str<'a>,
    /// A function's arguments or a custom tool's input.
    pub(super) arguments: Str<'a>,
    /// The words of a block.
    pub(super) text: Str<'a>,
    pub(super) content: Option<List<&'a RawValue>>,
    pub(super) summary: List<&'a RawValue>,
    pub(super) annotations: List<&'a RawValue>,
    pub(super) sealed: Str<'a>,
    /// Everything that is not one of the above, in its order.
    pub(super) rest: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Item<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        let text = raw.get();
        match &*key {
            "type" => self.kind = lenient(text),
            "role" => self.role = lenient(text),
            "call_id" => self.call_id = lenient(text),
            "name" => self.name = lenient(text),
            "arguments" | "input" => self.arguments = lenient(text),
            "text" | "refusal" => self.text = lenient(text),
            "content" => self.content = Some(lenient(text)),
            "summary" => self.summary = lenient(text),
            "annotations" => self.annotations = lenient(text),
            "encrypted_content" => self.sealed = lenient(text),
            _ => self.rest.push((key, raw)),
        }
        Ok(())
    }
}

/// Reads an item or a block.
pub(super) fn item(raw: &RawValue) -> Item<'_> {
    lenient::<Object<Item<'_>>>(raw.get()).0
}

/// A value that is not null.
fn present<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<&'de RawValue>, A::Error> {
    let raw: &RawValue = map.next_value()?;
    Ok(Some(raw).filter(|raw| raw.get() != "null"))
}
