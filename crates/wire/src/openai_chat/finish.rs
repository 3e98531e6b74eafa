//! Why a model stopped, in the words of all the dialects.

use largestack_types::reply::FinishReason;

/// The reason a word means; the word itself is kept beside it.
pub(super) fn reason(word: &str) -> FinishReason {
    match word {
        // `eos`: Together; `end_turn`: proxies of Anthropic.
        "stop" | "eos" | "end_turn" | "stop_sequence" => FinishReason::Stop,
        // `model_length`: Mistral, the end of the context.
        "length" | "max_tokens" | "model_length" | "model_context_window_exceeded" => {
            FinishReason::Length
        }
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        // `sensitive`: Z.ai.
        "content_filter" | "sensitive" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        // `insufficient_system_resource`: DeepSeek; `network_error`: Z.ai; `abort`: vLLM, SGLang.
        "error" | "insufficient_system_resource" | "network_error" | "abort" => FinishReason::Error,
        _ => FinishReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_empty_words_are_other() {
        assert_eq!(reason("stop"), FinishReason::Stop);
        assert_eq!(reason("model_length"), FinishReason::Length);
        assert_eq!(reason("function_call"), FinishReason::ToolCalls);
        assert_eq!(reason("insufficient_system_resource"), FinishReason::Error);
        assert_eq!(reason(""), FinishReason::Other);
        assert_eq!(reason("STOP"), FinishReason::Other);
    }
}
