//! Why a reply ended, from its status and what it lacks to be complete.

use std::borrow::Cow;

use largestack_types::reply::FinishReason;

/// The reason, and the provider's word for it: why the reply is incomplete, else its status.
pub(super) fn reason<'a>(
    status: Option<Cow<'a, str>>,
    incomplete: Option<Cow<'a, str>>,
    calls: bool,
) -> Option<(FinishReason, Cow<'a, str>)> {
    if let Some(word) = incomplete {
        let reason = match &*word {
            "max_output_tokens" | "max_tokens" | "length" => FinishReason::Length,
            "content_filter" => FinishReason::ContentFilter,
            _ => FinishReason::Other,
        };
        return Some((reason, word));
    }
    let word = status?;
    let reason = match &*word {
        // OpenAI's word, and that of servers that misspell it.
        "completed" | "complete" if calls => FinishReason::ToolCalls,
        "completed" | "complete" => FinishReason::Stop,
        "failed" => FinishReason::Error,
        // Queued, in progress, cancelled: there is no whole reply.
        _ => FinishReason::Other,
    };
    Some((reason, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_reason_and_keeps_its_word() {
        let of = |status: &'static str, incomplete: Option<&'static str>, calls| {
            let found = reason(Some(status.into()), incomplete.map(Into::into), calls).unwrap();
            (found.0, found.1.into_owned())
        };
        for (status, incomplete, calls, expected, word) in [
            ("completed", None, false, FinishReason::Stop, "completed"),
            ("complete", None, false, FinishReason::Stop, "complete"),
            ("completed", None, true, FinishReason::ToolCalls, "completed"),
            (
                "incomplete",
                Some("max_output_tokens"),
                true,
                FinishReason::Length,
                "max_output_tokens",
            ),
            (
                "incomplete",
                Some("content_filter"),
                false,
                FinishReason::ContentFilter,
                "content_filter",
            ),
            ("incomplete", Some("boredom"), false, FinishReason::Other, "boredom"),
            ("incomplete", None, false, FinishReason::Other, "incomplete"),
            ("failed", None, false, FinishReason::Error, "failed"),
            ("cancelled", None, false, FinishReason::Other, "cancelled"),
            ("queued", None, false, FinishReason::Other, "queued"),
            ("in_progress", None, true, FinishReason::Other, "in_progress"),
        ] {
            assert_eq!(of(status, incomplete, calls), (expected, word.to_owned()), "{status}");
        }
        assert_eq!(reason(None, None, true), None);
    }
}
