//! The shapes of a body, of the events of a stream, and of the unions inside them. Borrowed from
//! the frame; what is not interpreted is kept as it came.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, List, Object, Str, skip};

/// A body, or an event of any kind: their fields do not clash.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) index: Count,
    pub(super) start: Option<Union<'a>>,
    pub(super) delta: Option<Union<'a>>,
    /// `None`: the field is absent, so this is no body at all.
    pub(super) output: Option<Object<Output<'a>>>,
    pub(super) stop_reason: Str<'a>,
    pub(super) usage: Option<&'a RawValue>,
    pub(super) extras: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de> Fields<'de> for Event<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "contentBlockIndex" => self.index = map.next_value()?,
            "start" => self.start = Some(map.next_value::<Object<_>>()?.0),
            "delta" => self.delta = Some(map.next_value::<Object<_>>()?.0),
            "output" => self.output = Some(map.next_value()?),
            "stopReason" => self.stop_reason = map.next_value()?,
            "usage" => {
                let raw: &RawValue = map.next_value()?;
                self.usage = Some(raw).filter(|raw| raw.get() != "null");
            }
            // Random characters that hide the length of the text from the network; always the
            // assistant's.
            "p" | "role" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// What a body's `output` holds.
#[derive(Debug, Default)]
pub(super) struct Output<'a> {
    pub(super) message: Object<Said<'a>>,
}

impl<'de> Fields<'de> for Output<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "message" => self.message = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// A whole message.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) content: List<&'a RawValue>,
    pub(super) extras: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de> Fields<'de> for Said<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "content" => self.content = map.next_value()?,
            "role" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// A union: the one field that is there.
#[derive(Debug, Default)]
pub(super) struct Union<'a>(pub(super) Option<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Fields<'de> for Union<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        if self.0.is_none() && raw.get() != "null" {
            self.0 = Some((key, raw));
        }
        Ok(())
    }
}

/// The fields that the members of the unions have.
#[derive(Debug, Default)]
pub(super) struct Member<'a> {
    pub(super) text: Str<'a>,
    pub(super) signature: Str<'a>,
    pub(super) reasoning_text: Option<&'a RawValue>,
    pub(super) redacted: Str<'a>,
    pub(super) id: Str<'a>,
    pub(super) name: Str<'a>,
    pub(super) kind: Str<'a>,
    pub(super) input: Option<&'a RawValue>,
    pub(super) content: List<&'a RawValue>,
    pub(super) citations: List<&'a RawValue>,
    pub(super) extras: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de> Fields<'de> for Member<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "text" => self.text = map.next_value()?,
            "signature" => self.signature = map.next_value()?,
            "reasoningText" => self.reasoning_text = Some(map.next_value()?),
            "redactedContent" => self.redacted = map.next_value()?,
            "toolUseId" => self.id = map.next_value()?,
            "name" => self.name = map.next_value()?,
            "type" => self.kind = map.next_value()?,
            "input" => self.input = Some(map.next_value()?),
            "content" => self.content = map.next_value()?,
            "citations" => self.citations = map.next_value()?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}
