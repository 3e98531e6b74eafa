//! Token counts, in all the places where dialects put them.

use std::borrow::Cow;

use largestack_types::usage::Usage;
use serde::de::MapAccess;

use crate::json::{Count, Fields, Object, Spanned, skip};

/// A `usage` object, read and as it is written.
pub(super) type Counted<'a> = Spanned<'a, Object<Counts>>;

/// A `usage` object's counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    prompt: Count,
    completion: Count,
    total: Count,
    cached: Count,
    reasoning: Count,
    prompt_details: Object<Details>,
    completion_details: Object<Details>,
}

#[derive(Debug, Default)]
struct Details {
    cached: Count,
    cache_write: Count,
    reasoning: Count,
    audio: Count,
    image: Count,
}

impl<'de> Fields<'de> for Counts {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "prompt_tokens" => self.prompt = map.next_value()?,
            "completion_tokens" => self.completion = map.next_value()?,
            "total_tokens" => self.total = map.next_value()?,
            // DeepSeek; Together; Mistral.
            "prompt_cache_hit_tokens" | "cached_tokens" | "num_cached_tokens" => {
                self.cached = map.next_value()?;
            }
            "reasoning_tokens" => self.reasoning = map.next_value()?,
            "prompt_tokens_details" => self.prompt_details = map.next_value()?,
            "completion_tokens_details" => self.completion_details = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Details {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "cached_tokens" => self.cached = map.next_value()?,
            "cache_write_tokens" => self.cache_write = map.next_value()?,
            "reasoning_tokens" => self.reasoning = map.next_value()?,
            "audio_tokens" => self.audio = map.next_value()?,
            "image_tokens" => self.image = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The normalised counts of a `usage` object. `prompt_tokens` already includes what was cached.
///
/// `completion_tokens` includes reasoning at OpenAI and does not at xAI and in Google's compatible
/// endpoint. `total_tokens` tells them apart: what it has beyond prompt and completion was
/// generated, too.
pub(super) fn read(counts: Counts) -> Usage {
    let Object(prompt) = counts.prompt_details;
    let Object(completion) = counts.completion_details;
    let beyond = match (counts.total.0, counts.prompt.0, counts.completion.0) {
        (Some(total), Some(prompt), Some(completion)) => {
            total.saturating_sub(prompt.saturating_add(completion))
        }
        _ => 0,
    };
    Usage {
        input_tokens: counts.prompt.0,
        output_tokens: counts.completion.0.map(|count| count.saturating_add(beyond)),
        cache_read_tokens: prompt.cached.0.or(counts.cached.0),
        cache_write_tokens: prompt.cache_write.0,
        reasoning_tokens: completion.reasoning.0.or(counts.reasoning.0),
        input_audio_tokens: prompt.audio.0,
        input_image_tokens: prompt.image.0,
        output_audio_tokens: completion.audio.0,
        output_image_tokens: completion.image.0,
        ..Usage::default()
    }
}

/// The `usage` inside Groq's `x_groq`.
#[derive(Debug, Default)]
pub(super) struct XGroq<'a>(pub(super) Option<Counted<'a>>);

impl<'de> Fields<'de> for XGroq<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "usage" => self.0 = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::lenient;

    fn of(text: &str) -> [Option<u64>; 5] {
        let usage = read(lenient::<Object<Counts>>(text).0);
        [
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
        ]
    }

    #[test]
    fn every_dialect_of_usage_gives_the_same_counts() {
        let openai = r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
            "prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":8},
            "completion_tokens_details":{"reasoning_tokens":5}}"#;
        assert_eq!(of(openai), [Some(100), Some(20), Some(64), Some(8), Some(5)]);
        let deepseek = r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
            "prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}"#;
        assert_eq!(of(deepseek), [Some(100), Some(20), Some(64), None, None]);
        let together = r#"{"prompt_tokens":100,"completion_tokens":20,"cached_tokens":0}"#;
        assert_eq!(of(together), [Some(100), Some(20), Some(0), None, None]);
    }

    #[test]
    fn what_the_total_has_beyond_prompt_and_completion_was_generated() {
        let xai = r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":42,
            "completion_tokens_details":{"reasoning_tokens":30}}"#;
        assert_eq!(of(xai), [Some(10), Some(32), None, None, Some(30)]);
        let less = r#"{"prompt_tokens":10,"completion_tokens":2,"total_tokens":3}"#;
        assert_eq!(of(less), [Some(10), Some(2), None, None, None]);
    }

    #[test]
    fn absent_and_odd_counts_are_absent_not_zero() {
        assert_eq!(of("{}"), [None; 5]);
        assert_eq!(of(r#"{"prompt_tokens":null,"completion_tokens":[1]}"#), [None; 5]);
        assert_eq!(of(r#""lots""#), [None; 5]);
    }
}
