//! One reply or error as a client tells it, beside ours.

use largestack_types::part::Body;
use largestack_types::reply::Reply;
use largestack_wire::decode;
use serde_json::{Value, json};

use super::Line;
use crate::replay::{Exchange, Row, equal, row_of};

/// Where a client says something else than we do.
pub(super) fn differences(line: &Line, exchange: &Exchange, refused: &str) -> Vec<String> {
    let Some(row) = row_of(exchange) else { return vec!["no wire has this address".to_owned()] };
    if line.failed { failed(line, exchange, &row, refused) } else { said(line, exchange, &row) }
}

fn said(line: &Line, exchange: &Exchange, row: &Row) -> Vec<String> {
    let Ok(wire) = row.target.wire() else { return vec!["there is no such wire".to_owned()] };
    let outcome = match decode(wire, row.mode, &row.target, &exchange.body) {
        Ok(outcome) => outcome,
        Err(error) => return vec![format!("ours failed: {error}")],
    };
    let mut found: Vec<String> = outcome.reports;
    found.extend(outcome.fault.map(|fault| format!("ours heard a failure: {fault}")));
    for (key, theirs) in &line.said {
        let ours = ours(&outcome.reply, key);
        if !equal(&ours, theirs) {
            found.push(format!("{key}: ours {ours}, theirs {theirs}"));
        }
    }
    found
}

/// What our reply says under one of the names that the script uses.
fn ours(reply: &Reply, key: &str) -> Value {
    let bodies = || reply.parts.iter().map(|part| &part.body);
    let thoughts = || {
        bodies().filter_map(|body| match body {
            Body::Reasoning(reasoning) => Some(reasoning),
            _ => None,
        })
    };
    let calls = || reply.parts.iter().filter_map(|part| part.as_tool_call());
    let input = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    match key {
        "text" => reply.text().into(),
        "reasoning" => thoughts().map(|thought| &*thought.text).collect::<String>().into(),
        "seal" => thoughts()
            .filter_map(|thought| {
                let sealed = || {
                    thought
                        .raw
                        .as_ref()?
                        .to::<Value>()
                        .ok()?
                        .get("encrypted_content")?
                        .as_str()
                        .map(str::to_owned)
                };
                thought.signature.as_deref().map(str::to_owned).or_else(sealed)
            })
            .collect::<String>()
            .into(),
        "calls" => calls()
            .map(|call| json!([call.provider_id, call.name, input(call.arguments.as_str())]))
            .collect(),
        "named" => calls().map(|call| json!([call.name, input(call.arguments.as_str())])).collect(),
        "citations" => bodies()
            .filter_map(|body| match body {
                Body::Citation(citation) => Some(json!([citation.source, citation.title])),
                _ => None,
            })
            .collect(),
        "finish" => json!(reply.finish_reason_raw),
        "input" => json!(reply.usage.input_tokens),
        "output" => json!(reply.usage.output_tokens),
        "cached" => json!(reply.usage.cache_read_tokens.unwrap_or(0)),
        "thought" => json!(reply.usage.reasoning_tokens.unwrap_or(0)),
        _ => Value::Null,
    }
}

/// A refusal has its status and its words, a reply that broke off its words.
fn failed(line: &Line, exchange: &Exchange, row: &Row, refused: &str) -> Vec<String> {
    let Ok(wire) = row.target.wire() else { return vec!["there is no such wire".to_owned()] };
    let told = line.said.get("error").and_then(Value::as_str).unwrap_or_default();
    let status = line.said.get("status").and_then(Value::as_u64);
    let (ours, words) = if let Some(expected) = line.scenario.strip_prefix("refused-") {
        if status.map(|status| status.to_string()).as_deref() != Some(expected) {
            return vec![format!("the client says status {status:?}: {told}")];
        }
        let Exchange { status, headers, body, .. } = exchange;
        (wire.fault(*status, headers, body, &row.target).to_string(), refused)
    } else if line.scenario == "broken" {
        let outcome = decode(wire, row.mode, &row.target, &exchange.body);
        let fault = outcome.ok().and_then(|outcome| outcome.fault);
        (fault.map(|fault| fault.to_string()).unwrap_or_default(), "it broke")
    } else {
        return vec![format!("the client failed: {told}")];
    };
    let silent = [("theirs", told), ("ours", ours.as_str())];
    let silent = silent.into_iter().filter(|(_, text)| !text.contains(words));
    silent.map(|(who, text)| format!("{who} does not say \"{words}\": {text}")).collect()
}
