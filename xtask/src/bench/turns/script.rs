//! The conversation that every contestant has: a question, so many turns of one tool call each, an
//! answer.

use std::fmt::Write as _;

/// How long a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) tools: usize,
}

impl Size {
    /// Model calls and tool calls together.
    pub(super) const fn steps(self) -> usize {
        2 * self.tools + 1
    }
}

pub(super) const SIZES: [Size; 2] = [Size { tools: 1 }, Size { tools: 10 }];

pub(super) const MODEL: &str = "bench-model";
pub(super) const TOOL: &str = "lookup";
pub(super) const TOOL_TEXT: &str = "Looks a record up by its number.";
pub(super) const SCHEMA: &str = r#"{"type":"object","properties":{"n":{"type":"integer","minimum":0}},"required":["n"],"additionalProperties":false}"#;
pub(super) const INSTRUCTIONS: &str = "You answer questions about records. Look each of them up \
    before you answer, one at a time, and give the sum of their values at the end.";

/// The question says how many calls the upstream will ask for.
pub(super) fn question(size: Size) -> String {
    format!("What do the first {} records add up to? [calls={}]", size.tools, size.tools)
}

/// What the tool returns.
pub(super) fn record(n: u64) -> String {
    format!(
        "{{\"record\":{n},\"owner\":\"northern depot\",\"value\":{},\"note\":\"{}\"}}",
        n * 17,
        "counted by two people on different days and found to agree ".repeat(3)
    )
}

/// A reply of about 1.2 KB, as providers write it: the n-th call, or the answer.
pub(super) fn reply(call: Option<usize>) -> String {
    let (message, finish) = match call {
        Some(n) => (
            format!(
                r#"{{"role":"assistant","content":"{}","tool_calls":[{{"id":"call_{n:04}","type":"function","function":{{"name":"{TOOL}","arguments":"{{\"n\":{n}}}"}}}}],"refusal":null,"annotations":[]}}"#,
                filler(580)
            ),
            "tool_calls",
        ),
        None => (
            format!(
                r#"{{"role":"assistant","content":"{}","refusal":null,"annotations":[]}}"#,
                filler(740)
            ),
            "stop",
        ),
    };
    let mut body = String::with_capacity(1_400);
    let _ = write!(
        body,
        r#"{{"id":"chatcmpl-0123456789abcdef","object":"chat.completion","created":1767225600,"model":"{MODEL}","choices":[{{"index":0,"message":{message},"logprobs":null,"finish_reason":"{finish}"}}],"usage":{{"prompt_tokens":420,"completion_tokens":150,"total_tokens":570,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0}}}},"service_tier":"default","system_fingerprint":"fp_0123456789"}}"#
    );
    body
}

fn filler(length: usize) -> String {
    const WORDS: &str = "The depot keeps its records in the order in which they were counted. ";
    WORDS.chars().cycle().take(length).collect()
}
