//! Frames as derived types: the fields that a client of each protocol reads, borrowed where they
//! can be, everything else passed over. No framing, no reply put together.

#![expect(dead_code, reason = "what a client needs is read, also where this bench does not use it")]

use std::borrow::Cow;

use serde::Deserialize;

/// `Option<Cow>` does not borrow without this.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

type Maybe<'a> = Option<Text<'a>>;

fn length(text: Option<&Text<'_>>) -> usize {
    text.map_or(0, |text| text.0.len())
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    id: Maybe<'a>,
    #[serde(borrow)]
    model: Maybe<'a>,
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    usage: Option<ChatUsage>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: u64,
    #[serde(borrow)]
    delta: ChatDelta<'a>,
    #[serde(borrow)]
    finish_reason: Maybe<'a>,
}

#[derive(Deserialize)]
struct ChatDelta<'a> {
    #[serde(borrow)]
    role: Maybe<'a>,
    #[serde(borrow)]
    content: Maybe<'a>,
    #[serde(borrow)]
    refusal: Maybe<'a>,
    #[serde(borrow, default)]
    tool_calls: Vec<ChatCall<'a>>,
}

#[derive(Deserialize)]
struct ChatCall<'a> {
    index: u64,
    #[serde(borrow)]
    id: Maybe<'a>,
    #[serde(borrow)]
    function: ChatFunction<'a>,
}

#[derive(Deserialize)]
struct ChatFunction<'a> {
    #[serde(borrow)]
    name: Maybe<'a>,
    #[serde(borrow)]
    arguments: Maybe<'a>,
}

#[derive(Deserialize)]
struct ChatUsage {
    #[serde(rename = "prompt_tokens")]
    input: u64,
    #[serde(rename = "completion_tokens")]
    output: u64,
    #[serde(rename = "total_tokens")]
    all: u64,
}

pub(super) fn chat(frame: &str) -> serde_json::Result<usize> {
    let chunk: Chunk<'_> = serde_json::from_str(frame)?;
    Ok(chunk.choices.first().map_or(0, |choice| length(choice.delta.content.as_ref())))
}

#[derive(Deserialize)]
struct ResponsesEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    sequence_number: u64,
    output_index: Option<u64>,
    content_index: Option<u64>,
    #[serde(borrow)]
    item_id: Maybe<'a>,
    #[serde(borrow)]
    delta: Maybe<'a>,
    #[serde(borrow)]
    item: Option<Item<'a>>,
    #[serde(borrow)]
    part: Option<ItemPart<'a>>,
    #[serde(borrow)]
    response: Option<Response<'a>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    output: Vec<Item<'a>>,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    status: Maybe<'a>,
    #[serde(borrow, default)]
    content: Vec<ItemPart<'a>>,
}

#[derive(Deserialize)]
struct ItemPart<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Maybe<'a>,
}

#[derive(Deserialize)]
struct Counts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

pub(super) fn responses(frame: &str) -> serde_json::Result<usize> {
    let event: ResponsesEvent<'_> = serde_json::from_str(frame)?;
    Ok(length(event.delta.as_ref()))
}

#[derive(Deserialize)]
struct MessagesEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    index: Option<u64>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    #[serde(borrow)]
    delta: Option<BlockDelta<'a>>,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    usage: Counts,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Maybe<'a>,
    #[serde(borrow)]
    id: Maybe<'a>,
    #[serde(borrow)]
    name: Maybe<'a>,
}

#[derive(Deserialize)]
struct BlockDelta<'a> {
    #[serde(borrow, rename = "type")]
    kind: Maybe<'a>,
    #[serde(borrow)]
    text: Maybe<'a>,
    #[serde(borrow)]
    thinking: Maybe<'a>,
    #[serde(borrow)]
    partial_json: Maybe<'a>,
    #[serde(borrow)]
    stop_reason: Maybe<'a>,
}

pub(super) fn anthropic(frame: &str) -> serde_json::Result<usize> {
    let event: MessagesEvent<'_> = serde_json::from_str(frame)?;
    Ok(event.delta.map_or(0, |delta| length(delta.text.as_ref())))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated<'a> {
    #[serde(borrow)]
    candidates: Vec<Candidate<'a>>,
    usage_metadata: Option<GeminiCounts>,
    #[serde(borrow)]
    model_version: Maybe<'a>,
    #[serde(borrow)]
    response_id: Maybe<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    index: Option<u64>,
    #[serde(borrow)]
    content: Option<Content<'a>>,
    #[serde(borrow)]
    finish_reason: Maybe<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    role: Maybe<'a>,
    #[serde(borrow, default)]
    parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow)]
    text: Maybe<'a>,
    thought: Option<bool>,
    #[serde(borrow)]
    thought_signature: Maybe<'a>,
}

#[derive(Deserialize)]
struct GeminiCounts {
    #[serde(rename = "promptTokenCount")]
    prompt: Option<u64>,
    #[serde(rename = "candidatesTokenCount")]
    candidates: Option<u64>,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: Option<u64>,
    #[serde(rename = "totalTokenCount")]
    total: Option<u64>,
}

pub(super) fn gemini(frame: &str) -> serde_json::Result<usize> {
    let chunk: Generated<'_> = serde_json::from_str(frame)?;
    let content = chunk.candidates.into_iter().next().and_then(|candidate| candidate.content);
    Ok(content.iter().flat_map(|content| &content.parts).map(|p| length(p.text.as_ref())).sum())
}
