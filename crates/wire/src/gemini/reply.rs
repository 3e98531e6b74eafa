//! The shapes of a body and of a chunk, which are the same (`GenerateContentResponse`). Borrowed
//! from the frame; what is not interpreted is kept as it came.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::object::{Entries, Field};
use crate::json::{Count, Fields, List, Object, Str, skip};

/// A body or a chunk.
#[derive(Debug, Default)]
pub(super) struct Chunk<'a> {
    pub(super) id: Str<'a>,
    pub(super) model: Str<'a>,
    pub(super) candidates: Option<List<Object<Candidate<'a>>>>,
    pub(super) usage: Option<&'a RawValue>,
    pub(super) feedback: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
    pub(super) extras: Vec<Field<'a>>,
}

/// The value of a field that is not null.
fn present<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<&'de RawValue>, A::Error> {
    map.next_value::<&RawValue>().map(|raw| Some(raw).filter(|raw| raw.get() != "null"))
}

impl<'de> Fields<'de> for Chunk<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "candidates" => self.candidates = Some(map.next_value()?),
            "usageMetadata" => self.usage = present(map)?,
            "modelVersion" => self.model = map.next_value()?,
            "responseId" => self.id = map.next_value()?,
            "promptFeedback" => {
                self.feedback = present(map)?;
                self.extras.extend(self.feedback.map(|raw| (key, raw)));
            }
            "error" => self.error = present(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

impl<'a> Chunk<'a> {
    /// The words of a chunk that says nothing else but what may stand in every chunk, and counts.
    pub(super) fn only_words(&self) -> Option<&'a str> {
        let Self { candidates: Some(List(candidates)), feedback: None, error: None, .. } = self
        else {
            return None;
        };
        let [Object(Candidate { index, content, finish, grounding, urls, citations, extras: _ })] =
            candidates.as_slice()
        else {
            return None;
        };
        let [Object(Part { text: Some(Cow::Borrowed(text)), fields })] =
            content.0.parts.0.as_slice()
        else {
            return None;
        };
        let nothing_else = matches!(index.0, None | Some(0))
            && finish.0.is_none()
            && [grounding, urls, citations].into_iter().all(Option::is_none)
            && fields.is_empty();
        (nothing_else && !text.is_empty()).then_some(*text)
    }
}

/// One candidate, or what a chunk adds to it.
#[derive(Debug, Default)]
pub(super) struct Candidate<'a> {
    pub(super) index: Count,
    pub(super) content: Object<Content<'a>>,
    pub(super) finish: Str<'a>,
    pub(super) grounding: Option<&'a RawValue>,
    pub(super) urls: Option<&'a RawValue>,
    pub(super) citations: Option<&'a RawValue>,
    pub(super) extras: Vec<Field<'a>>,
}

impl<'de> Fields<'de> for Candidate<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let source = match &*key {
            "index" => return map.next_value().map(|index| self.index = index),
            "content" => return map.next_value().map(|content| self.content = content),
            "finishReason" => return map.next_value().map(|finish| self.finish = finish),
            "groundingMetadata" => &mut self.grounding,
            "urlContextMetadata" => &mut self.urls,
            "citationMetadata" => &mut self.citations,
            _ => {
                self.extras.push((key, map.next_value()?));
                return Ok(());
            }
        };
        *source = present(map)?;
        self.extras.extend(source.map(|raw| (key, raw)));
        Ok(())
    }
}

/// The parts of a candidate.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    pub(super) parts: List<Object<Part<'a>>>,
    pub(super) extras: Vec<Field<'a>>,
}

impl<'de> Fields<'de> for Content<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "parts" => self.parts = map.next_value()?,
            // Always the model's.
            "role" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// One part: its words, if it has any, and every other field.
#[derive(Debug, Default)]
pub(super) struct Part<'a> {
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) fields: Entries<'a>,
}

impl<'de> Fields<'de> for Part<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        if key == "text" {
            self.text = map.next_value::<Str<'de>>()?.0;
        } else {
            self.fields.0.push((key, map.next_value()?));
        }
        Ok(())
    }
}
