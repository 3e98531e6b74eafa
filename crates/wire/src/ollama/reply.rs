//! The shape of a body and of a line, which is the same: a line says a little more, the last one
//! why it ends and what it cost.

use std::borrow::Cow;

use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, List, Object, Str, lenient, skip};

/// A field nobody interprets.
pub(super) type Extra<'a> = (Cow<'a, str>, &'a RawValue);

/// A body or a line.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    pub(super) model: Str<'a>,
    /// `None`: the field is absent, so this is no reply at all.
    pub(super) message: Option<Object<Said<'a>>>,
    pub(super) done: Option<&'a RawValue>,
    pub(super) reason: Str<'a>,
    pub(super) error: Option<&'a RawValue>,
    /// What it cost, as the server wrote it.
    pub(super) costs: Vec<Extra<'a>>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Line<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "model" => self.model = map.next_value()?,
            "message" => self.message = Some(map.next_value()?),
            "done" => self.done = Some(map.next_value()?),
            "done_reason" => self.reason = map.next_value()?,
            "error" => self.error = Some(map.next_value()?),
            "prompt_eval_count"
            | "eval_count"
            | "total_duration"
            | "load_duration"
            | "prompt_eval_duration"
            | "eval_duration" => self.costs.push((key, map.next_value()?)),
            // Of each line its own.
            "created_at" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// A message, or what a line adds to it.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) content: Str<'a>,
    pub(super) thinking: Str<'a>,
    pub(super) images: List<Str<'a>>,
    pub(super) calls: List<Object<Call<'a>>>,
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
            "thinking" => self.thinking = map.next_value()?,
            "images" => self.images = map.next_value()?,
            "tool_calls" => self.calls = map.next_value()?,
            // Always the assistant's.
            "role" => skip(map)?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// A whole tool call.
#[derive(Debug, Default)]
pub(super) struct Call<'a> {
    pub(super) id: Str<'a>,
    pub(super) function: Object<Function<'a>>,
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Call<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "id" => self.id = map.next_value()?,
            "function" => self.function = map.next_value()?,
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// What to call and with what.
#[derive(Debug, Default)]
pub(super) struct Function<'a> {
    pub(super) name: Str<'a>,
    pub(super) arguments: Option<&'a RawValue>,
    /// The call's place among those of its turn, and what else there is: both go back.
    pub(super) extras: Vec<Extra<'a>>,
}

impl<'de> Fields<'de> for Function<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "name" => self.name = map.next_value()?,
            "arguments" => self.arguments = Some(map.next_value()?),
            _ => self.extras.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// The normalised counts. A prompt that was wholly in memory may have no count of its own.
pub(super) fn usage(costs: &[Extra<'_>]) -> Usage {
    let count = |name: &str| {
        let raw = costs.iter().find(|(key, _)| key == name).map(|(_, raw)| raw.get());
        raw.and_then(|raw| lenient::<Count>(raw).0)
    };
    Usage {
        input_tokens: count("prompt_eval_count"),
        output_tokens: count("eval_count"),
        ..Usage::default()
    }
}
