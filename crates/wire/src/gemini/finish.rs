//! Why a model stopped (`FinishReason` and `BlockedReason` of both APIs).

use largestack_types::reply::FinishReason;

/// The reason a word means; `calls` says whether the reply asks for tools, which the word does not.
pub(super) fn reason(word: &str, calls: bool) -> FinishReason {
    match word {
        "STOP" if calls => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "JAILBREAK"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        // The model went wrong: the call it wrote cannot be read, or none was allowed.
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "MALFORMED_RESPONSE"
        | "LANGUAGE"
        | "NO_IMAGE" => FinishReason::Error,
        _ => FinishReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_the_reference_says() {
        assert_eq!(reason("STOP", false), FinishReason::Stop);
        assert_eq!(reason("STOP", true), FinishReason::ToolCalls);
        assert_eq!(reason("MAX_TOKENS", true), FinishReason::Length);
        assert_eq!(reason("SPII", false), FinishReason::ContentFilter);
        assert_eq!(reason("MALFORMED_FUNCTION_CALL", false), FinishReason::Error);
        assert_eq!(reason("OTHER", false), FinishReason::Other);
        assert_eq!(reason("stop", false), FinishReason::Other);
    }
}
