//! The shapes of a body and of a chunk, which differ in one name only: `message` or `delta`.
//! Borrowed from the frame; what is not interpreted is kept as it came.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::usage::Counted;
use crate::json::{Count, Fields, List, Object, Str, drain, from_str, skip};

/// A field nobody interprets.
pub(super) type Extra<'a> = (Cow<'a, str>, &'a RawValue);

/// A body or a chunk.
#[derive(Debug, Default)]
pub(super) struct Chunk<'a> {
    pub(super) id: Str<'a>,
    pub(super) model: Str<'a>,
    pub(super) object: Str<'a>,
    /// `None`: the field is absent, so this is no chunk at all.
    pub(super) choices: Option<List<Object<Choice<'a>>>>,
    pub(super) usage: Option<Counted<'a>>,
    pub(super) x_groq: Option<&'a RawValue>,
    pub(super) error: Option<&'a RawValue>,
    /// Perplexity: the addresses behind the marks in the text, and more about them.
    pub(super) citations: Option<&'a RawValue>,
    pub(super) search_results: Option<&'a RawValue>,
    /// Random characters that hide the length of the text from the network.
    pub(super) padding: Option<&'a RawValue>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Chunk<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "id" => self.id = map.next_value()?,
            "model" => self.model = map.next_value()?,
            "object" => self.object = map.next_value()?,
            "choices" => self.choices = Some(map.next_value()?),
            "usage" => self.usage = map.next_value()?,
            "x_groq" => {
                self.x_groq = present(map)?;
                self.extras.extend(self.x_groq.map(|raw| (key, raw)));
            }
            "error" => self.error = present(map)?,
            "citations" => self.citations = present(map)?,
            "search_results" => self.search_results = present(map)?,
            "obfuscation" | "padding" => self.padding = Some(map.next_value()?),
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

impl<'a> Chunk<'a> {
    /// The words of a chunk that says nothing else but what may stand in every chunk, and whether
    /// they are a thought.
    pub(super) fn only_words(&self) -> Option<(&'a str, bool)> {
        let Self { choices: Some(List(choices)), usage: None, x_groq: None, error: None, .. } =
            self
        else {
            return None;
        };
        let ([Object(choice)], None, None) =
            (choices.as_slice(), self.citations, self.search_results)
        else {
            return None;
        };
        let plain = choice.finish_reason.0.is_none() && matches!(choice.index.0, None | Some(0));
        choice.said.0.only_words().filter(|_| plain)
    }
}

/// One choice.
#[derive(Debug, Default)]
pub(super) struct Choice<'a> {
    pub(super) index: Count,
    pub(super) said: Object<Said<'a>>,
    pub(super) finish_reason: Str<'a>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Choice<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "index" => self.index = map.next_value()?,
            "message" | "delta" => self.said = map.next_value()?,
            "finish_reason" => self.finish_reason = map.next_value()?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// A message, or what a chunk adds to it.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) content: Content<'a>,
    pub(super) reasoning_content: Str<'a>,
    pub(super) reasoning: Str<'a>,
    pub(super) reasoning_details: List<&'a RawValue>,
    pub(super) refusal: Str<'a>,
    pub(super) tool_calls: List<Object<ToolCall<'a>>>,
    pub(super) function_call: Object<Function<'a>>,
    pub(super) annotations: List<&'a RawValue>,
    pub(super) audio: Option<&'a RawValue>,
    pub(super) images: List<&'a RawValue>,
    pub(super) executed_tools: List<&'a RawValue>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Said<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "content" => self.content = map.next_value()?,
            "reasoning_content" => self.reasoning_content = map.next_value()?,
            "reasoning" => self.reasoning = map.next_value()?,
            "reasoning_details" => self.reasoning_details = map.next_value()?,
            "refusal" => self.refusal = map.next_value()?,
            "tool_calls" => self.tool_calls = map.next_value()?,
            "function_call" => self.function_call = map.next_value()?,
            "annotations" => self.annotations = map.next_value()?,
            "audio" => self.audio = present(map)?,
            "images" => self.images = map.next_value()?,
            "executed_tools" => self.executed_tools = map.next_value()?,
            // Always the assistant's.
            "role" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

impl<'a> Said<'a> {
    fn only_words(&self) -> Option<(&'a str, bool)> {
        let Self {
            content,
            reasoning_content,
            reasoning,
            reasoning_details: List(details),
            refusal,
            tool_calls: List(calls),
            function_call: Object(function),
            annotations: List(annotations),
            audio: None,
            images: List(images),
            executed_tools: List(tools),
            extras: _,
        } = self
        else {
            return None;
        };
        let nothing_else = refusal.is_empty()
            && calls.is_empty()
            && function.name.is_empty()
            && function.arguments.0.is_empty()
            && [details, annotations, images, tools].into_iter().all(Vec::is_empty);
        let words = match content {
            Content::Text(Cow::Borrowed(text)) if !text.is_empty() => {
                (*text, false, reasoning_content.is_empty() && reasoning.is_empty())
            }
            Content::Text(text) if !text.is_empty() => return None,
            Content::Chunks(_) => return None,
            _ if reasoning.is_empty() => (reasoning_content.in_place()?, true, true),
            _ => (reasoning.in_place()?, true, reasoning_content.is_empty()),
        };
        let (text, thought, alone) = words;
        (nothing_else && alone).then_some((text, thought))
    }
}

/// A tool call, or what a chunk adds to it.
#[derive(Debug, Default)]
pub(super) struct ToolCall<'a> {
    pub(super) index: Count,
    pub(super) id: Str<'a>,
    pub(super) function: Object<Function<'a>>,
    pub(super) custom: Object<Function<'a>>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for ToolCall<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "index" => self.index = map.next_value()?,
            "id" => self.id = map.next_value()?,
            "function" => self.function = map.next_value()?,
            "custom" => self.custom = map.next_value()?,
            "type" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// What to call and with what.
#[derive(Debug, Default)]
pub(super) struct Function<'a> {
    pub(super) name: Str<'a>,
    pub(super) arguments: Text<'a>,
}

impl<'de> Fields<'de> for Function<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "name" => self.name = map.next_value()?,
            "arguments" | "input" => self.arguments = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// JSON text: in a string, as the protocol says, or as a bare value, as some servers have it.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text = match raw.as_bytes().first() {
            Some(b'"') => from_str::<Str<'de>>(raw).map(Str::or_empty),
            Some(b'n') => Ok(Cow::Borrowed("")),
            _ => Ok(Cow::Borrowed(raw)),
        };
        text.map(Self).map_err(serde::de::Error::custom)
    }
}

/// The content of a message: a string, or a list of typed chunks.
#[derive(Debug, Default)]
pub(super) enum Content<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Chunks(Vec<&'a RawValue>),
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a list of chunks or null")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Content<'de>, E> {
        Ok(Content::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Content<'de>, E> {
        Ok(Content::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Content<'de>, E> {
        Ok(Content::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content<'de>, A::Error> {
        let mut chunks = Vec::new();
        while let Some(chunk) = seq.next_element()? {
            chunks.push(chunk);
        }
        Ok(Content::Chunks(chunks))
    }

    drain!(bool, unit, numbers, map);
}

impl<'de> Deserialize<'de> for Content<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

/// A value that is not null.
fn present<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<&'de RawValue>, A::Error> {
    map.next_value::<&RawValue>().map(|raw| Some(raw).filter(|raw| raw.get() != "null"))
}
