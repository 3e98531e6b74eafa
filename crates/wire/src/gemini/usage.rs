//! Token counts (`UsageMetadata`).

use std::borrow::Cow;

use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, List, Object, Str, lenient, skip};

#[derive(Debug, Default)]
struct Counts {
    prompt: Count,
    tool_use: Count,
    candidates: Count,
    thoughts: Count,
    cached: Count,
    prompt_details: List<Object<Modal>>,
    candidates_details: List<Object<Modal>>,
    cached_details: List<Object<Modal>>,
}

/// The tokens of one modality.
#[derive(Debug, Default)]
struct Modal {
    modality: Option<Modality>,
    count: Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Modality {
    Audio,
    Image,
}

impl<'de> Fields<'de> for Modal {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "modality" => {
                self.modality = match map.next_value::<Str<'de>>()?.or_empty().as_ref() {
                    "AUDIO" => Some(Modality::Audio),
                    "IMAGE" => Some(Modality::Image),
                    _ => None,
                };
            }
            "tokenCount" => self.count = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The tokens of a modality in a list of them.
fn of(details: &List<Object<Modal>>, modality: Modality) -> Option<u64> {
    let counts = details.0.iter().filter(|Object(modal)| modal.modality == Some(modality));
    counts.filter_map(|Object(modal)| modal.count.0).reduce(u64::saturating_add)
}

impl<'de> Fields<'de> for Counts {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "promptTokenCount" => self.prompt = map.next_value()?,
            "toolUsePromptTokenCount" => self.tool_use = map.next_value()?,
            "candidatesTokenCount" => self.candidates = map.next_value()?,
            "thoughtsTokenCount" => self.thoughts = map.next_value()?,
            "cachedContentTokenCount" => self.cached = map.next_value()?,
            "promptTokensDetails" => self.prompt_details = map.next_value()?,
            "candidatesTokensDetails" => self.candidates_details = map.next_value()?,
            "cacheTokensDetails" => self.cached_details = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The normalised counts of a `usageMetadata` object. `promptTokenCount` includes what was cached;
/// what the provider's own tools brought in is counted beside it, and thoughts beside the
/// candidates. In a stream every chunk counts from the beginning: the last object is the one.
pub(super) fn read(raw: &RawValue) -> Usage {
    let Object(counts) = lenient::<Object<Counts>>(raw.get());
    Usage {
        input_tokens: sum(counts.prompt, counts.tool_use),
        output_tokens: sum(counts.candidates, counts.thoughts),
        cache_read_tokens: counts.cached.0,
        cache_write_tokens: None,
        reasoning_tokens: counts.thoughts.0,
        input_audio_tokens: of(&counts.prompt_details, Modality::Audio),
        input_image_tokens: of(&counts.prompt_details, Modality::Image),
        cache_read_audio_tokens: of(&counts.cached_details, Modality::Audio),
        output_audio_tokens: of(&counts.candidates_details, Modality::Audio),
        output_image_tokens: of(&counts.candidates_details, Modality::Image),
        ..Usage::default()
    }
}

fn sum(a: Count, b: Count) -> Option<u64> {
    match (a.0, b.0) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_use_is_input_thoughts_are_output_and_cached_tokens_are_inside_the_prompt() {
        let raw = r#"{"promptTokenCount":100,"toolUsePromptTokenCount":20,
            "cachedContentTokenCount":64,"candidatesTokenCount":7,"thoughtsTokenCount":30,
            "totalTokenCount":157,"trafficType":"ON_DEMAND"}"#;
        let usage = read(serde_json::from_str(raw).unwrap());
        assert_eq!(usage.input_tokens, Some(120));
        assert_eq!(usage.output_tokens, Some(37));
        assert_eq!(usage.cache_read_tokens, Some(64));
        assert_eq!(usage.reasoning_tokens, Some(30));
        assert_eq!(usage.cache_write_tokens, None);
    }

    #[test]
    fn absent_counts_are_absent() {
        let usage = read(serde_json::from_str(r#"{"trafficType":"ON_DEMAND"}"#).unwrap());
        assert_eq!(usage, Usage::default());
        let cut = read(serde_json::from_str(r#"{"thoughtsTokenCount":2}"#).unwrap());
        assert_eq!((cut.input_tokens, cut.output_tokens), (None, Some(2)));
    }
}
