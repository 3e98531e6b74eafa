//! The bound of input tokens against what providers counted.

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::message::{Message, Role};
use largestack_types::part::Body;
use largestack_types::tool::ToolSpec;
use largestack_wire::profile::Profile;
use largestack_wire::tokens;
use serde_json::Value;

use crate::recordings::{Exchange, exchanges};
use crate::support::{call, message, text, tool_call, tool_result};

/// The recorded request as a call; `None` where it holds what the provider fetches or adds itself.
fn recorded(exchange: &Exchange) -> Option<Call> {
    let request = exchange.request.as_object()?;
    let own =
        ["web_search_options", "plugins", "search_settings", "models", "preset", "response_format"];
    let compound = request["model"].as_str()?.contains("compound");
    if compound || own.iter().any(|key| request.contains_key(*key)) {
        return None;
    }
    let messages: Option<Vec<_>> = request["messages"].as_array()?.iter().map(spoken).collect();
    let tools = request.get("tools").and_then(Value::as_array).cloned().unwrap_or_default();
    let tools: Option<Vec<_>> = tools.iter().map(offered).collect();
    Some(Call { tools: tools?.into(), ..call(messages?) })
}

fn spoken(value: &Value) -> Option<Message> {
    let words = |value: &Value| -> Option<String> {
        match value {
            Value::Null => Some(String::new()),
            Value::String(words) => Some(words.clone()),
            Value::Array(chunks) => chunks.iter().map(|chunk| chunk["text"].as_str()).collect(),
            _ => None,
        }
    };
    let content = words(&value["content"])?;
    let id = value["tool_call_id"].as_str().unwrap_or_default();
    Some(match value["role"].as_str()? {
        "system" | "developer" => message(Role::System, vec![text(&content)]),
        "user" => message(Role::User, vec![text(&content)]),
        "tool" => message(Role::Tool, vec![tool_result(1, id, &content, vec![])]),
        "assistant" => {
            let calls = value["tool_calls"].as_array().cloned().unwrap_or_default();
            let of = |call: &Value| -> Option<Body> {
                Some(tool_call(1, call["id"].as_str()?, call["function"]["arguments"].as_str()?))
            };
            let mut parts = vec![text(&content)];
            parts.extend(calls.iter().filter_map(of));
            message(Role::Assistant, parts)
        }
        _ => return None,
    })
}

fn offered(tool: &Value) -> Option<ToolSpec> {
    let function = tool.get("function")?;
    Some(ToolSpec {
        name: function["name"].as_str()?.into(),
        description: function["description"].as_str().unwrap_or_default().into(),
        parameters: Json::of(&function["parameters"]).ok()?,
        idempotent: false,
        origin: Origin::Tool,
        native: None,
        server: false,
    })
}

#[test]
fn no_provider_counted_more_input_tokens_than_the_bound() {
    let all = exchanges();
    let mut checked = 0;
    for exchange in all.iter().filter(|e| e.status == 200 && !e.streams()) {
        let Some(call) = recorded(exchange) else { continue };
        let Ok(body) = serde_json::from_slice::<Value>(&exchange.body) else { continue };
        let Some(counted) = body.pointer("/usage/prompt_tokens").and_then(Value::as_u64) else {
            continue;
        };
        let bound = tokens::upper_bound(&call, &Profile::default());
        assert!(counted <= bound, "{}: {counted} of {bound}", exchange.file);
        checked += 1;
    }
    assert!(all.is_empty() || checked > 60, "only {checked}");
}

#[test]
fn the_bound_of_a_call_is_the_sum_of_bounds_that_never_change() {
    let messages = vec![
        message(Role::System, vec![text("Be brief.")]),
        message(Role::User, vec![text("Why?"), text("Please.")]),
    ];
    let profile = Profile::default();
    let call = Call { tools: Arc::new([crate::support::tool()]), ..call(messages) };
    let each = call.messages.iter().map(|message| tokens::message_bound(message, &profile));
    let rest = tokens::tools_bound(&call.tools) + tokens::PER_CALL;
    assert_eq!(tokens::total(each, rest, &profile), tokens::upper_bound(&call, &profile));
}
