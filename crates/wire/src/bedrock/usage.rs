//! Token counts. `inputTokens` leaves out what the prompt cache read and wrote: the API reference's
//! `TokenUsage` counts them beside it, and its `totalTokens` is the sum of all four.

use std::borrow::Cow;

use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, Object, lenient, skip};

#[derive(Debug, Default)]
struct Counts {
    input: Count,
    output: Count,
    read: Count,
    write: Count,
}

impl<'de> Fields<'de> for Counts {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "inputTokens" => self.input = map.next_value()?,
            "outputTokens" => self.output = map.next_value()?,
            // The documented name, and the one that is sent beside it.
            "cacheReadInputTokens" | "cacheReadInputTokenCount" => self.read = map.next_value()?,
            "cacheWriteInputTokens" | "cacheWriteInputTokenCount" => {
                self.write = map.next_value()?;
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The normalised counts of a `usage` object.
pub(super) fn read(raw: &RawValue) -> Usage {
    let Object(counts) = lenient::<Object<Counts>>(raw.get());
    let beside = counts.read.0.unwrap_or(0).saturating_add(counts.write.0.unwrap_or(0));
    Usage {
        input_tokens: counts.input.0.map(|input| input.saturating_add(beside)),
        output_tokens: counts.output.0,
        cache_read_tokens: counts.read.0,
        cache_write_tokens: counts.write.0,
        reasoning_tokens: None,
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_the_sum_of_what_was_new_read_and_written() {
        let text = r#"{"cacheDetails":[{"inputTokens":236,"ttl":"5m"}],"cacheReadInputTokenCount":1712,
            "cacheReadInputTokens":1712,"cacheWriteInputTokens":236,"inputTokens":3,
            "outputTokens":121,"totalTokens":2072}"#;
        let usage = read(serde_json::from_str(text).unwrap());
        assert_eq!(usage.input_tokens, Some(1951));
        assert_eq!(usage.total_tokens(), 2072);
        assert_eq!((usage.cache_read_tokens, usage.cache_write_tokens), (Some(1712), Some(236)));
        let bare = read(serde_json::from_str(r#"{"outputTokens":1}"#).unwrap());
        assert_eq!((bare.input_tokens, bare.cache_read_tokens), (None, None));
    }
}
