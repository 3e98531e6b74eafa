//! Token counts of a model call, normalised over providers.

use serde::{Deserialize, Serialize};

/// Tokens of one model call, or of many added up. Absent is `None`, never 0.
///
/// `input_tokens` includes cache reads and writes and `output_tokens` includes reasoning, whatever
/// the provider's own rule is, so that totals compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Everything sent, cached or not.
    pub input_tokens: Option<u64>,
    /// Everything generated, reasoning included.
    pub output_tokens: Option<u64>,
    /// The part of the input that was read from the provider's prompt cache.
    pub cache_read_tokens: Option<u64>,
    /// The part of the input that was written to the provider's prompt cache.
    pub cache_write_tokens: Option<u64>,
    /// The part of the cache writes that is kept for an hour, where the provider tells them apart:
    /// they cost more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h_tokens: Option<u64>,
    /// The part of the output that was reasoning.
    pub reasoning_tokens: Option<u64>,
    /// The part of the input that was sound, cached or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_audio_tokens: Option<u64>,
    /// The part of the input that was images, where the provider tells them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_image_tokens: Option<u64>,
    /// The part of the cache reads that was sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_audio_tokens: Option<u64>,
    /// The part of the output that was sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_audio_tokens: Option<u64>,
    /// The part of the output that was images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_image_tokens: Option<u64>,
    /// The input that is paid for, where the provider says another number than it counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_input_tokens: Option<u64>,
    /// The output that is paid for, where the provider says another number than it counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_output_tokens: Option<u64>,
    /// Searches that are paid for one by one: of the web, or of a reranker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searches: Option<u64>,
}

impl Usage {
    /// Adds another call's counts; a count that neither has stays absent.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.each(other, |a, b| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        })
    }

    /// The counts that have come since; a count that is not there now is absent.
    #[must_use]
    pub fn since(self, then: Self) -> Self {
        self.each(then, |now, then| now.map(|now| now.saturating_sub(then.unwrap_or(0))))
    }

    fn each(self, other: Self, of: impl Fn(Option<u64>, Option<u64>) -> Option<u64>) -> Self {
        Self {
            input_tokens: of(self.input_tokens, other.input_tokens),
            output_tokens: of(self.output_tokens, other.output_tokens),
            cache_read_tokens: of(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens: of(self.cache_write_tokens, other.cache_write_tokens),
            cache_write_1h_tokens: of(self.cache_write_1h_tokens, other.cache_write_1h_tokens),
            reasoning_tokens: of(self.reasoning_tokens, other.reasoning_tokens),
            input_audio_tokens: of(self.input_audio_tokens, other.input_audio_tokens),
            input_image_tokens: of(self.input_image_tokens, other.input_image_tokens),
            cache_read_audio_tokens: of(
                self.cache_read_audio_tokens,
                other.cache_read_audio_tokens,
            ),
            output_audio_tokens: of(self.output_audio_tokens, other.output_audio_tokens),
            output_image_tokens: of(self.output_image_tokens, other.output_image_tokens),
            billed_input_tokens: of(self.billed_input_tokens, other.billed_input_tokens),
            billed_output_tokens: of(self.billed_output_tokens, other.billed_output_tokens),
            searches: of(self.searches, other.searches),
        }
    }

    /// Input plus output, counting what is known.
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens.unwrap_or(0).saturating_add(self.output_tokens.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_stays_absent_and_known_counts_add() {
        let a = Usage { input_tokens: Some(3), ..Usage::default() };
        let b = Usage { input_tokens: Some(4), output_tokens: Some(5), ..Usage::default() };
        let sum = a.plus(b);
        assert_eq!(sum.input_tokens, Some(7));
        assert_eq!(sum.output_tokens, Some(5));
        assert_eq!(sum.reasoning_tokens, None);
        assert_eq!(sum.total_tokens(), 12);
        assert_eq!(sum.since(a), Usage { input_tokens: Some(4), ..sum });
        assert_eq!(a.since(sum).output_tokens, None);
    }
}
