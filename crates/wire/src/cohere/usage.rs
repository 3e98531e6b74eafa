//! Token counts. `tokens` is what went through the model, `billed_units` what is paid for (without
//! the provider's own template): both are kept, and where the first is absent the second counts.

use std::borrow::Cow;

use largestack_types::reply::FinishReason;
use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Count, Fields, Object, lenient, skip};

#[derive(Debug, Default)]
struct Counts {
    tokens: Object<Pair>,
    billed: Object<Pair>,
    cached: Count,
}

#[derive(Debug, Default)]
struct Pair {
    input: Count,
    output: Count,
}

impl<'de> Fields<'de> for Counts {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "tokens" => self.tokens = map.next_value()?,
            "billed_units" => self.billed = map.next_value()?,
            "cached_tokens" => self.cached = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Pair {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "input_tokens" => self.input = map.next_value()?,
            "output_tokens" => self.output = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The normalised counts of a `usage` object.
pub(super) fn read(raw: &RawValue) -> Usage {
    let Object(counts) = lenient::<Object<Counts>>(raw.get());
    let (Object(tokens), Object(billed)) = (counts.tokens, counts.billed);
    Usage {
        input_tokens: tokens.input.0.or(billed.input.0),
        output_tokens: tokens.output.0.or(billed.output.0),
        cache_read_tokens: counts.cached.0,
        billed_input_tokens: billed.input.0,
        billed_output_tokens: billed.output.0,
        ..Usage::default()
    }
}

/// The reason a word of `finish_reason` means; the word itself is kept beside it.
pub(super) fn reason(word: &str) -> FinishReason {
    match word {
        "COMPLETE" | "STOP_SEQUENCE" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR" | "TIMEOUT" => FinishReason::Error,
        _ => FinishReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_through_the_model_counts_before_what_is_billed() {
        let of = |text: &str| {
            let usage = read(serde_json::from_str(text).unwrap());
            (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
        };
        let both = r#"{"billed_units":{"input_tokens":41,"output_tokens":25},"cached_tokens":144,
            "tokens":{"input_tokens":1441,"output_tokens":54}}"#;
        assert_eq!(of(both), (Some(1441), Some(54), Some(144)));
        let billed = r#"{"billed_units":{"input_tokens":41.0,"output_tokens":25}}"#;
        assert_eq!(of(billed), (Some(41), Some(25), None));
        assert_eq!(of("{}"), (None, None, None));
    }

    #[test]
    fn words_that_are_not_documented_are_other() {
        assert_eq!(reason("TOOL_CALL"), FinishReason::ToolCalls);
        assert_eq!(reason("TIMEOUT"), FinishReason::Error);
        assert_eq!(reason("complete"), FinishReason::Other);
    }
}
