//! The shapes of a body and of the events of a stream, which differ in this: what is a list in a
//! body is one object in an event. Borrowed from the frame; what is not interpreted is kept.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, List, Object, Str, lenient, skip};

/// A field nobody interprets.
pub(super) type Extra<'a> = (Cow<'a, str>, &'a RawValue);

/// A body, an event, or the `delta` of one.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) id: Str<'a>,
    pub(super) kind: Str<'a>,
    pub(super) index: Count,
    pub(super) delta: Option<Object<Box<Event<'a>>>>,
    pub(super) message: Option<&'a RawValue>,
    pub(super) finish: Str<'a>,
    pub(super) usage: Option<&'a RawValue>,
    pub(super) error: Str<'a>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Event<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "id" => self.id = map.next_value()?,
            "type" => self.kind = map.next_value()?,
            "index" => self.index = map.next_value()?,
            "delta" => self.delta = Some(map.next_value()?),
            "message" => self.message = present(map)?,
            "finish_reason" => self.finish = map.next_value()?,
            "usage" => self.usage = present(map)?,
            "error" => self.error = map.next_value()?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Box<Event<'de>> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        (**self).field(key, map)
    }
}

/// A message, or what an event adds to it.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) content: Option<&'a RawValue>,
    pub(super) plan: Str<'a>,
    pub(super) calls: Option<&'a RawValue>,
    pub(super) citations: Option<&'a RawValue>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Said<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "content" => self.content = present(map)?,
            "tool_plan" => self.plan = map.next_value()?,
            "tool_calls" => self.calls = present(map)?,
            "citations" => self.citations = present(map)?,
            // Always the assistant's.
            "role" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// A block of content, a call, its function, or a citation: their fields do not clash.
#[derive(Debug, Default)]
pub(super) struct Block<'a> {
    pub(super) kind: Str<'a>,
    pub(super) text: Str<'a>,
    pub(super) thinking: Str<'a>,
    pub(super) id: Str<'a>,
    pub(super) name: Str<'a>,
    pub(super) arguments: Str<'a>,
    pub(super) function: Option<&'a RawValue>,
    pub(super) sources: List<&'a RawValue>,
    pub(super) title: Str<'a>,
    pub(super) url: Str<'a>,
    pub(super) document: Option<&'a RawValue>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Block<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "type" => self.kind = map.next_value()?,
            "text" => self.text = map.next_value()?,
            "thinking" => self.thinking = map.next_value()?,
            "id" => self.id = map.next_value()?,
            "name" => self.name = map.next_value()?,
            "arguments" => self.arguments = map.next_value()?,
            "function" => self.function = present(map)?,
            "sources" => self.sources = map.next_value()?,
            "title" => self.title = map.next_value()?,
            "url" => self.url = map.next_value()?,
            "document" => self.document = present(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// An object of this type.
pub(super) fn read<'a, T: Fields<'a>>(raw: &'a RawValue) -> T {
    lenient::<Object<T>>(raw.get()).0
}

/// The items of a list, or the one thing that is there instead.
pub(super) fn items(raw: &RawValue) -> Vec<&RawValue> {
    if raw.get().starts_with('[') { lenient::<List<&RawValue>>(raw.get()).0 } else { vec![raw] }
}

/// A value that is not null.
fn present<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<&'de RawValue>, A::Error> {
    map.next_value::<&RawValue>().map(|raw| Some(raw).filter(|raw| raw.get() != "null"))
}
