//! The law of histories over recorded traffic of the wire `openai-responses`.

use largestack_wire::{Mode, Target};
use serde_json::Value;

use crate::history::Law;
use crate::recordings::{Exchange, exchanges_at};
use crate::support::{responses, target};

/// Every recorded call of the wire. Other addresses of the same API fetch, count and compact.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut all = exchanges_at("/responses", 100);
    all.retain(|e| e.request.is_object() && e.address.ends_with("/responses"));
    all
}

/// The row of the provider that an address belongs to, with the request's model.
pub(crate) fn target_of(exchange: &Exchange) -> Target {
    let model = exchange.request.get("model").and_then(Value::as_str).unwrap_or("m");
    let row = match &exchange.address {
        uri if uri.contains("deepseek") => "deepseek_responses",
        uri if uri.contains("openrouter") => "openrouter_responses",
        _ => "openai_responses",
    };
    target(&format!("{row}/{model}"))
}

pub(crate) fn mode(exchange: &Exchange) -> Mode {
    if exchange.streams() { Mode::Stream } else { Mode::Whole }
}

/// The events of a stream.
pub(crate) fn events(exchange: &Exchange) -> Vec<Value> {
    let text = std::str::from_utf8(&exchange.body).unwrap_or_default();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// The reply's JSON: the body, or what the last event of a stream holds. Where a stream ended an
/// item by itself, it is that item: OpenAI seals reasoning anew for the last event.
pub(crate) fn last(exchange: &Exchange) -> Option<Value> {
    if let Some(reply) = exchange.reply() {
        return Some(reply);
    }
    let events = events(exchange);
    let mut reply = events.iter().filter_map(|event| event.get("response")).next_back()?.clone();
    for event in events.iter().filter(|event| event["type"] == "response.output_item.done") {
        let place = usize::try_from(event["output_index"].as_u64()?).ok()?;
        if let Some(item) = reply["output"].get_mut(place) {
            *item = event["item"].clone();
        }
    }
    Some(reply)
}

/// The items of the reply.
pub(crate) fn turn(exchange: &Exchange) -> Option<Vec<Value>> {
    last(exchange)?.get("output")?.as_array().cloned()
}

#[test]
fn recorded_requests_of_items_read_back_and_replies_go_back_as_recorded() {
    let all = exchanges();
    let law = Law {
        wire: responses(),
        target: target_of,
        mode,
        list: "input",
        fields: &["tools", "instructions", "tool_choice", "reasoning", "text", "include", "store"],
        turn,
    };
    let tally = law.check(&all);
    eprintln!("openai-responses: {tally}");
    assert!(tally.failures.is_empty(), "{:#?}", tally.failures);
    assert!(all.is_empty() || tally.met > 3, "only {} met", tally.met);
}
