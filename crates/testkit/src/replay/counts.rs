//! What a body says of usage, of why it stopped and of its words, looked up in its JSON wire by
//! wire as the providers' references describe it. Shares no code with the decoders.

use largestack_types::usage::Usage;
use largestack_wire::{Frames, Framing, Mode};
use serde_json::{Map, Value};

use super::json::at;

/// The JSON values of a body, in order. A frame of an event stream becomes an object with one
/// field: its event and what it says.
pub(super) fn values(framing: Framing, body: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    let mut frames = Frames::new(framing);
    let mut take = |frame: largestack_wire::Frame<'_>| {
        let Ok(value) = serde_json::from_slice::<Value>(frame.data) else { return };
        let named = frame.event.filter(|_| framing == Framing::EventStream);
        values.push(match named {
            Some("chunk") => chunk(&value).unwrap_or(value),
            Some(event) => Value::Object(Map::from_iter([(event.to_owned(), value)])),
            None => value,
        });
    };
    let pushed = frames.push(body, &mut take);
    if pushed.is_ok() {
        let _ = frames.finish(&mut take);
    }
    values
}

/// What an `invoke-with-response-stream` chunk holds: base64 of the model's own event.
fn chunk(value: &Value) -> Option<Value> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.get("bytes")?.as_str()?);
    serde_json::from_slice(&bytes.ok()?).ok()
}

/// What a body says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The usage object; `None` where there is none.
    pub(super) raw_usage: Option<Value>,
    /// What its counts mean by this wire's rule.
    pub(super) usage: Usage,
    /// The provider's word for why it stopped.
    pub(super) finish: Option<String>,
    /// The words, where they stand in one place.
    pub(super) text: Option<String>,
    /// Names of the tools that were called, in order.
    pub(super) calls: Option<Vec<String>>,
}

pub(super) fn said(wire: &str, mode: Mode, values: &[Value]) -> Said {
    match wire {
        "openai-chat" => openai_chat(values),
        "openai-responses" => openai_responses(values),
        "anthropic-messages" | "bedrock-anthropic" | "vertex-anthropic" => anthropic(values),
        "gemini" => gemini(values),
        "bedrock-converse" => bedrock(mode, values),
        "cohere-v2" => cohere(mode, values),
        _ => Said::default(),
    }
}

fn last<'v>(values: &'v [Value], pointers: &[&str]) -> Option<&'v Value> {
    values.iter().rev().find_map(|value| at(value, pointers))
}

fn count(usage: Option<&Value>, pointers: &[&str]) -> Option<u64> {
    usage.and_then(|usage| at(usage, pointers)?.as_u64())
}

fn word(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

/// Strings at a pointer of every value, joined.
fn joined(values: &[Value], pointers: &[&str]) -> String {
    let texts = values.iter().flat_map(|v| pointers.iter().map(move |p| v.pointer(p)));
    texts.flatten().filter_map(Value::as_str).collect()
}

/// Counts that stand inside the input and output, as OpenAI reports them.
fn openai_chat(values: &[Value]) -> Said {
    let raw = last(values, &["/usage", "/x_groq/usage"]);
    let input = count(raw, &["/prompt_tokens"]);
    let output = count(raw, &["/completion_tokens"]);
    // Where the total says more than both, the rest is reasoning that was left out of the output.
    let total = count(raw, &["/total_tokens"]).unwrap_or(0);
    let beyond = total.saturating_sub(input.unwrap_or(0) + output.unwrap_or(0));
    let cached = [
        "/prompt_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
        "/cached_tokens",
        "/num_cached_tokens",
    ];
    let lists = values.iter().any(|v| {
        at(v, &["/choices/0/message/content", "/choices/0/delta/content"])
            .is_some_and(Value::is_array)
    });
    let text = joined(values, &["/choices/0/message/content", "/choices/0/delta/content"]);
    Said {
        raw_usage: raw.cloned(),
        usage: Usage {
            input_tokens: input,
            output_tokens: output.map(|count| count + beyond),
            cache_read_tokens: count(raw, &cached),
            cache_write_tokens: count(raw, &["/prompt_tokens_details/cache_write_tokens"]),
            reasoning_tokens: count(
                raw,
                &["/completion_tokens_details/reasoning_tokens", "/reasoning_tokens"],
            ),
            input_audio_tokens: count(raw, &["/prompt_tokens_details/audio_tokens"]),
            input_image_tokens: count(raw, &["/prompt_tokens_details/image_tokens"]),
            output_audio_tokens: count(raw, &["/completion_tokens_details/audio_tokens"]),
            output_image_tokens: count(raw, &["/completion_tokens_details/image_tokens"]),
            ..Usage::default()
        },
        finish: word(last(values, &["/choices/0/finish_reason"])),
        text: (!lists).then_some(text),
        calls: None,
    }
}

fn openai_responses(values: &[Value]) -> Said {
    // The last event that carries the response, or the body itself.
    let last = values.iter().rev().find_map(|v| match v.get("response") {
        Some(response) => Some(response),
        None => v.get("output").is_some().then_some(v),
    });
    let Some(response) = last else { return Said::default() };
    let raw = response.get("usage").filter(|usage| !usage.is_null());
    let items = response.get("output").and_then(Value::as_array).cloned().unwrap_or_default();
    let of = |kind: &'static str| items.iter().filter(move |item| item["type"] == kind);
    let text = of("message")
        .flat_map(|item| item["content"].as_array().cloned().unwrap_or_default())
        .filter(|content| content["type"] == "output_text")
        .filter_map(|content| word(content.get("text")))
        .collect();
    let streamed = values.iter().any(|v| v["type"] == "response.output_text.delta");
    Said {
        raw_usage: raw.cloned(),
        usage: Usage {
            input_tokens: count(raw, &["/input_tokens"]),
            output_tokens: count(raw, &["/output_tokens"]),
            cache_read_tokens: count(raw, &["/input_tokens_details/cached_tokens"]),
            cache_write_tokens: count(raw, &["/input_tokens_details/cache_write_tokens"]),
            reasoning_tokens: count(raw, &["/output_tokens_details/reasoning_tokens"]),
            input_audio_tokens: count(raw, &["/input_tokens_details/audio_tokens"]),
            input_image_tokens: count(raw, &["/input_tokens_details/image_tokens"]),
            output_audio_tokens: count(raw, &["/output_tokens_details/audio_tokens"]),
            output_image_tokens: count(raw, &["/output_tokens_details/image_tokens"]),
            ..Usage::default()
        },
        finish: None,
        text: if streamed {
            let deltas = values.iter().filter(|v| v["type"] == "response.output_text.delta");
            Some(deltas.filter_map(|v| word(v.get("delta"))).collect())
        } else {
            Some(text)
        },
        calls: None,
    }
}

/// Anthropic counts cache reads and writes beside the input.
fn anthropic(values: &[Value]) -> Said {
    let mut merged = Map::new();
    for value in values {
        let usage = at(value, &["/message/usage", "/usage"]).and_then(Value::as_object);
        for (key, value) in usage.into_iter().flatten() {
            if !(value.is_null() && merged.contains_key(key)) {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
    let raw = (!merged.is_empty()).then(|| Value::Object(merged));
    // A compaction inside of the call is billed, but stands among the iterations only.
    let iterations = raw.as_ref().and_then(|raw| raw.get("iterations")?.as_array());
    let compactions: Vec<&Value> =
        iterations.into_iter().flatten().filter(|one| one["type"] == "compaction").collect();
    let all = |pointer: &str| {
        let more = compactions.iter().filter_map(|one| count(Some(one), &[pointer]));
        let counts = count(raw.as_ref(), &[pointer]).into_iter().chain(more);
        counts.reduce(|sum, more| sum + more)
    };
    let (fresh, output) = (all("/input_tokens"), all("/output_tokens"));
    let read = all("/cache_read_input_tokens");
    let write = all("/cache_creation_input_tokens");
    let streamed = values.iter().any(|v| v["type"] == "message_start");
    let text = if streamed {
        let deltas = values.iter().filter(|v| v["type"] == "content_block_delta");
        deltas.filter_map(|v| word(v.pointer("/delta/text"))).collect()
    } else {
        let blocks = values.first().and_then(|v| v["content"].as_array()).cloned();
        let texts = blocks.unwrap_or_default().into_iter().filter(|b| b["type"] == "text");
        texts.filter_map(|block| word(block.get("text"))).collect()
    };
    let calls = values.iter().flat_map(|v| match v.get("content") {
        Some(Value::Array(blocks)) => blocks.clone(),
        _ => v.get("content_block").cloned().into_iter().collect(),
    });
    let calls = calls.filter(|b| b["type"] == "tool_use").filter_map(|b| word(b.get("name")));
    Said {
        usage: Usage {
            input_tokens: fresh.map(|count| count + read.unwrap_or(0) + write.unwrap_or(0)),
            output_tokens: output,
            cache_read_tokens: read,
            cache_write_tokens: write,
            reasoning_tokens: count(raw.as_ref(), &["/output_tokens_details/thinking_tokens"]),
            cache_write_1h_tokens: count(
                raw.as_ref(),
                &["/cache_creation/ephemeral_1h_input_tokens"],
            ),
            searches: count(raw.as_ref(), &["/server_tool_use/web_search_requests"]),
            ..Usage::default()
        },
        raw_usage: raw,
        finish: word(last(values, &["/delta/stop_reason", "/stop_reason"])),
        text: Some(text),
        calls: Some(calls.collect()),
    }
}

/// Gemini counts cached tokens inside the prompt, and tool use and thoughts beside prompt and
/// candidates.
fn gemini(values: &[Value]) -> Said {
    let raw = last(values, &["/usageMetadata"]);
    let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
    };
    let thoughts = count(raw, &["/thoughtsTokenCount"]);
    let parts = values.iter().flat_map(|v| {
        v.pointer("/candidates/0/content/parts")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    });
    let parts: Vec<Value> = parts.collect();
    let text = parts.iter().filter(|p| p.get("thought") != Some(&Value::Bool(true)));
    let calls = parts.iter().filter_map(|p| word(p.pointer("/functionCall/name")));
    Said {
        raw_usage: raw.cloned(),
        usage: Usage {
            input_tokens: sum(
                count(raw, &["/promptTokenCount"]),
                count(raw, &["/toolUsePromptTokenCount"]),
            ),
            output_tokens: sum(count(raw, &["/candidatesTokenCount"]), thoughts),
            cache_read_tokens: count(raw, &["/cachedContentTokenCount"]),
            cache_write_tokens: None,
            reasoning_tokens: thoughts,
            input_audio_tokens: modal(raw, "/promptTokensDetails", "AUDIO"),
            input_image_tokens: modal(raw, "/promptTokensDetails", "IMAGE"),
            cache_read_audio_tokens: modal(raw, "/cacheTokensDetails", "AUDIO"),
            output_audio_tokens: modal(raw, "/candidatesTokensDetails", "AUDIO"),
            output_image_tokens: modal(raw, "/candidatesTokensDetails", "IMAGE"),
            ..Usage::default()
        },
        finish: word(last(values, &["/candidates/0/finishReason"])),
        text: Some(text.filter_map(|p| word(p.get("text"))).collect()),
        calls: Some(calls.collect()),
    }
}

/// The tokens of a modality in one of Gemini's lists.
fn modal(raw: Option<&Value>, list: &str, modality: &str) -> Option<u64> {
    let list = raw?.pointer(list)?.as_array()?;
    let counts = list.iter().filter(|one| one["modality"] == modality);
    counts.filter_map(|one| one["tokenCount"].as_u64()).reduce(|sum, more| sum + more)
}

/// Bedrock counts cache reads and writes beside the input.
fn bedrock(mode: Mode, values: &[Value]) -> Said {
    let raw = last(values, &["/usage", "/metadata/usage"]);
    let read = count(raw, &["/cacheReadInputTokens", "/cacheReadInputTokenCount"]);
    let write = count(raw, &["/cacheWriteInputTokens", "/cacheWriteInputTokenCount"]);
    let fresh = count(raw, &["/inputTokens"]);
    let text = if mode == Mode::Stream {
        joined(values, &["/contentBlockDelta/delta/text"])
    } else {
        let blocks = values.first().and_then(|v| v.pointer("/output/message/content")?.as_array());
        blocks.into_iter().flatten().filter_map(|b| word(b.get("text"))).collect()
    };
    Said {
        raw_usage: raw.cloned(),
        usage: Usage {
            input_tokens: fresh.map(|count| count + read.unwrap_or(0) + write.unwrap_or(0)),
            output_tokens: count(raw, &["/outputTokens"]),
            cache_read_tokens: read,
            cache_write_tokens: write,
            reasoning_tokens: None,
            ..Usage::default()
        },
        finish: word(last(values, &["/stopReason", "/messageStop/stopReason"])),
        text: Some(text),
        calls: None,
    }
}

fn cohere(mode: Mode, values: &[Value]) -> Said {
    let raw = last(values, &["/usage", "/delta/usage"]);
    let text = if mode == Mode::Stream {
        joined(values, &["/delta/message/content/text"])
    } else {
        let blocks = values.first().and_then(|v| v.pointer("/message/content")?.as_array());
        blocks.into_iter().flatten().filter_map(|b| word(b.get("text"))).collect()
    };
    Said {
        raw_usage: raw.cloned(),
        usage: Usage {
            input_tokens: count(raw, &["/tokens/input_tokens"]),
            output_tokens: count(raw, &["/tokens/output_tokens"]),
            cache_read_tokens: count(raw, &["/cached_tokens"]),
            billed_input_tokens: count(raw, &["/billed_units/input_tokens"]),
            billed_output_tokens: count(raw, &["/billed_units/output_tokens"]),
            ..Usage::default()
        },
        finish: word(last(values, &["/finish_reason", "/delta/finish_reason"])),
        text: Some(text),
        calls: None,
    }
}
