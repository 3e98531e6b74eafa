//! A streamed answer, as the providers of each protocol write it.

use super::plain;

/// Pieces of text in each stream.
const PIECES: usize = 400;
const WORDS: [&str; 6] = [" the", " depot", " keeps", " its", " records,", " in\\n order"];

/// A frame: as it is sent, and the JSON in it.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) sent: Vec<u8>,
    pub(super) data: String,
}

/// The frames of one answer.
#[derive(Clone)]
pub(super) struct Stream {
    /// A model that answers in this protocol.
    pub(super) model: &'static str,
    pub(super) frames: Vec<Frame>,
    /// Reads a frame's JSON into plain types, and says how many characters of text it adds.
    pub(super) plain: fn(&str) -> serde_json::Result<usize>,
}

impl Stream {
    pub(super) fn bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.sent.len()).sum()
    }
}

/// Characters of text in each whole answer.
pub(super) fn characters() -> usize {
    // An escape is two characters where it is written and one where it is read.
    words().map(|word| word.replace("\\n", "\n").len()).sum()
}

fn words() -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().cycle().take(PIECES)
}

fn named(event: &str, data: String) -> Frame {
    Frame { sent: format!("event: {event}\ndata: {data}\n\n").into_bytes(), data }
}

fn unnamed(data: String) -> Frame {
    Frame { sent: format!("data: {data}\n\n").into_bytes(), data }
}

pub(super) fn all() -> [Stream; 4] {
    [chat(), responses(), anthropic(), gemini()]
}

fn chat() -> Stream {
    let chunk = |delta: &str, finish: &str, usage: &str| {
        unnamed(format!(
            r#"{{"id":"chatcmpl-BxQ0123456789abcdefghijklmno","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}],"usage":{usage},"obfuscation":"aBcDeFgH"}}"#
        ))
    };
    let mut frames =
        vec![chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null", "null")];
    frames.extend(words().map(|word| chunk(&format!(r#"{{"content":"{word}"}}"#), "null", "null")));
    let usage = r#"{"prompt_tokens":210,"completion_tokens":400,"total_tokens":610,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#;
    frames.push(chunk("{}", "\"stop\"", usage));
    Stream { model: "openai/gpt-4o-mini", frames, plain: plain::chat }
}

fn responses() -> Stream {
    let response = |status: &str, output: &str, usage: &str| {
        format!(
            r#"{{"id":"resp_0123456789abcdef0123456789abcdef","object":"response","created_at":1767225600,"status":"{status}","background":false,"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":1024,"model":"gpt-4o-mini-2024-07-18","output":[{output}],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{{"effort":null,"summary":null}},"service_tier":"default","store":false,"temperature":1.0,"text":{{"format":{{"type":"text"}},"verbosity":"medium"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{usage},"user":null,"metadata":{{}}}}"#
        )
    };
    let text: String = words().collect();
    let item = |status: &str, content: &str| {
        format!(
            r#"{{"id":"msg_0123456789abcdef0123456789abcdef","type":"message","status":"{status}","content":[{content}],"role":"assistant"}}"#
        )
    };
    let part = |text: &str| {
        format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}"#)
    };
    let mut number = 0;
    let mut event = |kind: &str, fields: &str| {
        number += 1;
        named(kind, format!(r#"{{"type":"{kind}","sequence_number":{number},{fields}}}"#))
    };
    let place =
        r#""item_id":"msg_0123456789abcdef0123456789abcdef","output_index":0,"content_index":0"#;
    let begun = format!(r#""response":{}"#, response("in_progress", "", "null"));
    let mut frames = vec![
        event("response.created", &begun),
        event("response.in_progress", &begun),
        event(
            "response.output_item.added",
            &format!(r#""output_index":0,"item":{}"#, item("in_progress", "")),
        ),
        event("response.content_part.added", &format!(r#"{place},"part":{}"#, part(""))),
    ];
    frames.extend(words().map(|word| {
        let fields = format!(r#"{place},"delta":"{word}","logprobs":[],"obfuscation":"aBcDeFgH""#);
        event("response.output_text.delta", &fields)
    }));
    let usage = r#"{"input_tokens":210,"input_tokens_details":{"cached_tokens":0},"output_tokens":400,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":610}"#;
    let whole = item("completed", &part(&text));
    frames.extend([
        event("response.output_text.done", &format!(r#"{place},"text":"{text}","logprobs":[]"#)),
        event("response.content_part.done", &format!(r#"{place},"part":{}"#, part(&text))),
        event("response.output_item.done", &format!(r#""output_index":0,"item":{whole}"#)),
        event(
            "response.completed",
            &format!(r#""response":{}"#, response("completed", &whole, usage)),
        ),
    ]);
    Stream { model: "openai_responses/gpt-4o-mini", frames, plain: plain::responses }
}

fn anthropic() -> Stream {
    let event = |kind: &str, fields: &str| named(kind, format!(r#"{{"type":"{kind}"{fields}}}"#));
    let mut frames = vec![
        event(
            "message_start",
            r#","message":{"model":"claude-sonnet-4-20250514","id":"msg_0123456789abcdefghijklmn","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":210,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard"}}"#,
        ),
        event("content_block_start", r#","index":0,"content_block":{"type":"text","text":""}"#),
        event("ping", ""),
    ];
    frames.extend(words().map(|word| {
        let delta = format!(r#","index":0,"delta":{{"type":"text_delta","text":"{word}"}}"#);
        event("content_block_delta", &delta)
    }));
    frames.extend([
        event("content_block_stop", r#","index":0"#),
        event(
            "message_delta",
            r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":210,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":400}"#,
        ),
        event("message_stop", ""),
    ]);
    Stream { model: "anthropic/claude-sonnet-4-20250514", frames, plain: plain::anthropic }
}

fn gemini() -> Stream {
    let chunk = |text: &str, finish: &str, output: usize| {
        unnamed(format!(
            r#"{{"candidates": [{{"content": {{"parts": [{{"text": "{text}"}}],"role": "model"}},{finish}"index": 0}}],"usageMetadata": {{"promptTokenCount": 210,"candidatesTokenCount": {output},"totalTokenCount": {},"promptTokensDetails": [{{"modality": "TEXT","tokenCount": 210}}]}},"modelVersion": "gemini-2.5-flash","responseId": "0123456789abcdefABCDEF"}}"#,
            210 + output
        ))
    };
    let mut frames: Vec<Frame> =
        (1..).zip(words()).map(|(count, word)| chunk(word, "", count)).collect();
    frames.push(chunk("", r#""finishReason": "STOP","#, PIECES));
    Stream { model: "google/gemini-2.5-flash", frames, plain: plain::gemini }
}
