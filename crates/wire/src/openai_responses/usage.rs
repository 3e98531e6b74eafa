//! Token counts. The input includes what was cached, the output includes reasoning.

use std::borrow::Cow;

use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, Object, lenient, skip};

#[derive(Debug, Default)]
struct Counts {
    input: Count,
    output: Count,
    input_details: Object<Details>,
    output_details: Object<Details>,
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
            "input_tokens" => self.input = map.next_value()?,
            "output_tokens" => self.output = map.next_value()?,
            "input_tokens_details" => self.input_details = map.next_value()?,
            "output_tokens_details" => self.output_details = map.next_value()?,
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

/// The normalised counts of a `usage` object.
pub(super) fn read(raw: &RawValue) -> Usage {
    let Object(counts) = lenient::<Object<Counts>>(raw.get());
    let (Object(input), Object(output)) = (counts.input_details, counts.output_details);
    Usage {
        input_tokens: counts.input.0,
        output_tokens: counts.output.0,
        cache_read_tokens: input.cached.0,
        cache_write_tokens: input.cache_write.0,
        reasoning_tokens: output.reasoning.0,
        input_audio_tokens: input.audio.0,
        input_image_tokens: input.image.0,
        output_audio_tokens: output.audio.0,
        output_image_tokens: output.image.0,
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_the_providers_and_absent_ones_stay_absent() {
        let of = |text: &str| read(serde_json::from_str(text).unwrap());
        let usage = of(r#"{"input_tokens": 10, "output_tokens": 5, "total_tokens": 15,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
            "output_tokens_details": {"reasoning_tokens": 3}}"#);
        let all = [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens];
        assert_eq!(all, [Some(10), Some(5), Some(4)]);
        assert_eq!([usage.cache_write_tokens, usage.reasoning_tokens], [Some(2), Some(3)]);
        assert_eq!(
            of(r#"{"input_tokens": 1, "input_tokens_details": null}"#).cache_read_tokens,
            None
        );
        assert_eq!(of("[]"), Usage::default());
    }
}
