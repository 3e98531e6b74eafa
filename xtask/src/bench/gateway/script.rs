//! What is said: a request of about 1 KB, a reply of about 1 KB, and pieces of a stream as a
//! provider writes them. How a reply is streamed stands in the question, so that nobody in between
//! has to know.

use std::time::Duration;

/// Where everybody serves.
pub(super) const PATH: &str = "/v1/chat/completions";
pub(super) const MODEL: &str = "bench-model";

/// How the provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// In one body.
    Whole,
    /// In so many pieces, one after each pause; without a pause all at once.
    Pieces { count: usize, pause: Duration },
    /// With one piece, and then nothing.
    Hold,
}

impl Manner {
    /// As the question says it.
    fn words(self) -> String {
        match self {
            Self::Whole => String::new(),
            Self::Pieces { count, pause } => format!("[pieces={count}/{}]", pause.as_micros()),
            Self::Hold => "[hold]".to_owned(),
        }
    }

    /// What a request asks for.
    pub(super) fn of(body: &str) -> Self {
        if body.contains("[hold]") {
            return Self::Hold;
        }
        let asked = body.split_once("[pieces=").and_then(|(_, rest)| rest.split_once(']'));
        let numbers = asked.and_then(|(numbers, _)| numbers.split_once('/'));
        match numbers.map(|(count, pause)| (count.parse(), pause.parse())) {
            Some((Ok(count), Ok(pause))) => {
                Self::Pieces { count, pause: Duration::from_micros(pause) }
            }
            _ => Self::Whole,
        }
    }
}

/// A request.
pub(super) fn request(manner: Manner) -> String {
    let stream = if manner == Manner::Whole {
        ""
    } else {
        r#","stream":true,"stream_options":{"include_usage":true}"#
    };
    format!(
        r#"{{"model":"{MODEL}","messages":[{{"role":"system","content":"You answer questions about the depot."}},{{"role":"user","content":"{}{}"}}],"max_tokens":400{stream}}}"#,
        words(740),
        manner.words()
    )
}

/// A whole reply.
pub(super) fn reply() -> String {
    format!(
        r#"{{"id":"chatcmpl-0123456789abcdef","object":"chat.completion","created":1767225600,"model":"{MODEL}","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":220,"completion_tokens":150,"total_tokens":370,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0}}}},"service_tier":"default","system_fingerprint":"fp_0123456789"}}"#,
        words(600)
    )
}

/// A piece of a streamed reply, or its last words.
pub(super) fn piece(last: bool) -> String {
    let (delta, finish) =
        if last { ("{}", "\"stop\"") } else { (r#"{"content":" counted"}"#, "null") };
    format!(
        "data: {{\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"{MODEL}\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}],\"usage\":null}}\n\n"
    )
}

/// What ends a stream.
pub(super) fn end() -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"{MODEL}\",\"choices\":[],\"usage\":{{\"prompt_tokens\":220,\"completion_tokens\":150,\"total_tokens\":370}}}}\n\ndata: [DONE]\n\n"
    )
}

fn words(length: usize) -> String {
    const WORDS: &str = "The depot keeps its records in the order in which they were counted. ";
    WORDS.chars().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manner_survives_the_question() {
        let pieces = |micros| Manner::Pieces { count: 30, pause: Duration::from_micros(micros) };
        for manner in [Manner::Whole, pieces(0), pieces(1_500), Manner::Hold] {
            assert_eq!(Manner::of(&request(manner)), manner);
        }
    }
}
