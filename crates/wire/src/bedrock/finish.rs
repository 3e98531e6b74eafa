//! Why a model stopped.

use largestack_types::reply::FinishReason;

/// The reason a word of `stopReason` means; the word itself is kept beside it.
pub(super) fn reason(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "tool_use" => FinishReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        "pause_turn" => FinishReason::Pause,
        "malformed_model_output" | "malformed_tool_use" => FinishReason::Error,
        _ => FinishReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_word_has_a_meaning_and_no_other() {
        for word in ["end_turn", "stop_sequence", "tool_use", "max_tokens", "content_filtered"] {
            assert_ne!(reason(word), FinishReason::Other, "{word}");
        }
        assert_eq!(reason("guardrail_intervened"), FinishReason::ContentFilter);
        assert_eq!(reason("malformed_tool_use"), FinishReason::Error);
        assert_eq!(reason("END_TURN"), FinishReason::Other);
    }
}
