//! The law of histories over recorded traffic of the wire `openai-chat`.

use std::sync::Arc;

use largestack_wire::{Mode, Provider, Quirk, Section, Target};
use serde_json::Value;

use crate::history::Law;
use crate::recordings::{Exchange, exchanges};
use crate::support::{chat, target};

/// The row of the provider that an address belongs to, with the request's model.
pub(crate) fn target_of(exchange: &Exchange) -> Target {
    let model = exchange.request.get("model").and_then(Value::as_str).unwrap_or("m");
    let row = match &exchange.address {
        uri if uri.contains("cerebras") => "cerebras",
        uri if uri.contains("deepseek") || uri.contains("z.ai") => "deepseek",
        uri if uri.contains("mistral") => "mistral",
        uri if uri.contains("openrouter") => "openrouter",
        uri if uri.contains("ollama") || uri.contains("11434") || uri.contains("crusoe") => {
            "ollama_openai"
        }
        uri if uri.contains("groq") => "groq",
        uri if uri.contains("snowflake") => {
            let quirks = Some(vec![Quirk::ReasoningDetailsBack]);
            let base_url = Some("https://snowflake.invalid".into());
            let section = Section { quirks, base_url, ..Section::default() };
            return Target::new(Arc::new(Provider::new("snowflake").with(section)), model);
        }
        _ => "openai",
    };
    target(&format!("{row}/{model}"))
}

/// The reply's message. That of a stream is put together from its words and calls only.
fn turn(exchange: &Exchange) -> Option<Vec<Value>> {
    if let Some(reply) = exchange.reply() {
        return Some(vec![reply.pointer("/choices/0/message")?.clone()]);
    }
    let text = std::str::from_utf8(&exchange.body).ok()?;
    let (mut content, mut calls) = (String::new(), Vec::<Value>::new());
    let chunks = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    for chunk in chunks {
        let delta = chunk.pointer("/choices/0/delta").cloned().unwrap_or_default();
        content += delta["content"].as_str().unwrap_or_default();
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            let at = usize::try_from(piece["index"].as_u64()?).ok()?;
            if calls.len() <= at {
                calls.push(serde_json::json!({
                    "id": piece["id"], "type": "function",
                    "function": {"name": piece["function"]["name"], "arguments": ""},
                }));
            }
            let more = piece["function"]["arguments"].as_str().unwrap_or_default();
            let all = calls[at]["function"]["arguments"].as_str()?.to_owned() + more;
            calls[at]["function"]["arguments"] = all.into();
        }
    }
    Some(vec![serde_json::json!({"role": "assistant", "content": content, "tool_calls": calls})])
}

#[test]
fn recorded_requests_read_back_and_replies_go_back_as_recorded() {
    let all: Vec<Exchange> = exchanges()
        .into_iter()
        .filter(|exchange| !exchange.address.contains("demo-endpoints"))
        .collect();
    let law = Law {
        wire: chat(),
        target: target_of,
        mode: |exchange| if exchange.streams() { Mode::Stream } else { Mode::Whole },
        list: "messages",
        fields: &["tools"],
        turn,
    };
    let tally = law.check(&all);
    eprintln!("openai-chat: {tally}");
    assert!(tally.failures.is_empty(), "{:#?}", tally.failures);
    assert!(all.is_empty() || tally.met > 10, "only {} met", tally.met);
}
