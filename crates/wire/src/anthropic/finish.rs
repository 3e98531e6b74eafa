//! Why a model stopped (platform.claude.com/docs/en/build-with-claude/handling-stop-reasons).

use largestack_types::reply::FinishReason;

/// The reason a word means; the word itself is kept beside it.
pub(super) fn reason(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        // `compaction`: the history was summed up, and the caller asked to see it before going on.
        "pause_turn" | "compaction" => FinishReason::Pause,
        "refusal" => FinishReason::Refusal,
        _ => FinishReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_word_has_a_reason_and_others_are_other() {
        for (word, expected) in [
            ("end_turn", FinishReason::Stop),
            ("stop_sequence", FinishReason::Stop),
            ("max_tokens", FinishReason::Length),
            ("model_context_window_exceeded", FinishReason::Length),
            ("tool_use", FinishReason::ToolCalls),
            ("pause_turn", FinishReason::Pause),
            ("compaction", FinishReason::Pause),
            ("refusal", FinishReason::Refusal),
            ("", FinishReason::Other),
            ("END_TURN", FinishReason::Other),
        ] {
            assert_eq!(reason(word), expected, "{word}");
        }
    }
}
