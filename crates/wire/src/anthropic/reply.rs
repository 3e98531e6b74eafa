//! The shapes of a reply and of the events of a stream. Borrowed from the frame; what is not
//! interpreted is kept as it came.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, List, Object, Str};

/// A field nobody interprets.
pub(super) type Extra<'a> = (Cow<'a, str>, &'a RawValue);

/// A value, unless it is null.
fn present<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<&'de RawValue>, A::Error> {
    Ok(map.next_value::<Option<&RawValue>>()?.filter(|raw| raw.get() != "null"))
}

/// A whole reply, also as a stream begins with.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) id: Str<'a>,
    pub(super) model: Str<'a>,
    /// `None`: the field is absent.
    pub(super) content: Option<List<&'a RawValue>>,
    pub(super) stop_reason: Str<'a>,
    pub(super) usage: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
    pub(super) kind: Str<'a>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Message<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "id" => self.id = map.next_value()?,
            "model" => self.model = map.next_value()?,
            "content" => self.content = Some(map.next_value()?),
            "stop_reason" => self.stop_reason = map.next_value()?,
            "usage" => self.usage = present(map)?,
            "error" => self.error = present(map)?,
            "type" => self.kind = map.next_value()?,
            "role" => drop(map.next_value::<serde::de::IgnoredAny>()?),
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// An event of a stream.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: Str<'a>,
    pub(super) index: Count,
    pub(super) message: Object<Message<'a>>,
    pub(super) block: Option<&'a RawValue>,
    pub(super) delta: Object<Delta<'a>>,
    pub(super) usage: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Event<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "type" => self.kind = map.next_value()?,
            "index" => self.index = map.next_value()?,
            "message" => self.message = map.next_value()?,
            "content_block" => self.block = present(map)?,
            "delta" => self.delta = map.next_value()?,
            "usage" => self.usage = present(map)?,
            "error" => self.error = present(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// What an event adds to a block, or to the message.
#[derive(Debug, Default)]
pub(super) struct Delta<'a> {
    pub(super) kind: Str<'a>,
    pub(super) text: Str<'a>,
    pub(super) thinking: Str<'a>,
    pub(super) partial_json: Str<'a>,
    pub(super) signature: Str<'a>,
    pub(super) citation: Option<&'a RawValue>,
    pub(super) stop_reason: Str<'a>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Delta<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "type" => self.kind = map.next_value()?,
            "text" => self.text = map.next_value()?,
            "thinking" => self.thinking = map.next_value()?,
            "partial_json" => self.partial_json = map.next_value()?,
            "signature" => self.signature = map.next_value()?,
            "citation" => self.citation = present(map)?,
            "stop_reason" => self.stop_reason = map.next_value()?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// What the words of a delta are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Added {
    Text,
    Thinking,
    Input,
}

impl Added {
    /// The delta that adds these words and nothing else.
    pub(super) fn delta(self, words: Cow<'_, str>) -> Delta<'_> {
        let words = Str(Some(words));
        let kind = |word| Str(Some(Cow::Borrowed(word)));
        match self {
            Self::Text => Delta { kind: kind("text_delta"), text: words, ..Delta::default() },
            Self::Thinking => {
                Delta { kind: kind("thinking_delta"), thinking: words, ..Delta::default() }
            }
            Self::Input => {
                Delta { kind: kind("input_json_delta"), partial_json: words, ..Delta::default() }
            }
        }
    }
}

impl<'a> Delta<'a> {
    /// The words of a delta that says nothing else, and what they are.
    pub(super) fn only_words(&self) -> Option<(&'a str, Added)> {
        let Self { kind, text, thinking, partial_json, signature, citation, stop_reason, extras } =
            self;
        let nothing_else = signature.0.is_none()
            && citation.is_none()
            && stop_reason.0.is_none()
            && extras.is_empty();
        let (words, others, added) = match kind.0.as_deref()? {
            "text_delta" => (text, [thinking, partial_json], Added::Text),
            "thinking_delta" => (thinking, [text, partial_json], Added::Thinking),
            "input_json_delta" => (partial_json, [text, thinking], Added::Input),
            _ => return None,
        };
        let alone = nothing_else && others.into_iter().all(|other| other.0.is_none());
        words.in_place().filter(|_| alone).map(|words| (words, added))
    }
}

/// A content block.
#[derive(Debug, Default)]
pub(super) struct Block<'a> {
    pub(super) kind: Str<'a>,
    pub(super) text: Str<'a>,
    pub(super) thinking: Str<'a>,
    pub(super) signature: Str<'a>,
    pub(super) data: Str<'a>,
    pub(super) id: Str<'a>,
    pub(super) name: Str<'a>,
    pub(super) input: Option<&'a RawValue>,
    pub(super) citations: Option<&'a RawValue>,
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
            "signature" => self.signature = map.next_value()?,
            "data" => self.data = map.next_value()?,
            "id" => self.id = map.next_value()?,
            "name" => self.name = map.next_value()?,
            "input" => self.input = present(map)?,
            "citations" => self.citations = present(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}
