//! Requests: what was read is written again as it was, and what was decoded goes back as the
//! provider wants it.

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::reply::Reply;
use largestack_wire::{Mode, Session, Wire};
use serde_json::Value;

use super::counts;
use super::exchange::Exchange;
use super::json::{Difference, differences, equal, show};
use super::judge::judge;
use super::laws::Broken;
use super::row::Row;
use super::said::Said;

/// What a request says besides the conversation, and why it may differ. Nothing under messages,
/// contents, input, system, instructions or tools is here.
const DROPPED: &[(&str, &[(&str, &str)])] = &[
    (
        "openai-chat",
        &[
            ("/max_tokens", "an output limit is always sent, so that a budget can hold"),
            ("/max_completion_tokens", "an output limit is always sent"),
            ("/stream_options", "usage is always asked for in streams"),
            ("/stream", "false is said by leaving it out"),
        ],
    ),
    (
        "openai-responses",
        &[
            ("/max_output_tokens", "an output limit is always sent"),
            ("/store", "history is sent, not kept at the provider, unless asked otherwise"),
            ("/include", "sealed reasoning is asked for, as history without storage needs it"),
            ("/stream", "false is said by leaving it out"),
        ],
    ),
    (
        "anthropic-messages",
        &[
            ("/max_tokens", "an output limit is always sent"),
            ("/stream", "false is said by leaving it out"),
        ],
    ),
    ("bedrock-anthropic", &[("/max_tokens", "an output limit is always sent")]),
    ("vertex-anthropic", &[("/max_tokens", "an output limit is always sent")]),
    (
        "gemini",
        &[
            ("/generationConfig/maxOutputTokens", "an output limit is always sent"),
            ("/generation_config/max_output_tokens", "an output limit is always sent"),
            ("/generationConfig", "an output limit alone makes it"),
        ],
    ),
    (
        "bedrock-converse",
        &[
            ("/inferenceConfig/maxTokens", "an output limit is always sent"),
            ("/inferenceConfig", "an output limit alone makes it"),
        ],
    ),
    (
        "cohere-v2",
        &[
            ("/max_tokens", "an output limit is always sent"),
            ("/stream", "false is said by leaving it out"),
        ],
    ),
    (
        "ollama",
        &[
            ("/options/num_predict", "an output limit is always sent"),
            ("/options", "an output limit alone makes it"),
        ],
    ),
];

/// What means the same in two spellings: the default said or not, Mistral's other word for
/// `required`.
fn same_choice(difference: &Difference<'_>) -> bool {
    let said = |value: Option<&Value>| match value {
        None => "auto".to_owned(),
        Some(Value::String(word)) if word == "any" => "required".to_owned(),
        Some(Value::String(word)) => word.clone(),
        // Anthropic's form.
        Some(Value::Object(fields)) if fields.len() == 1 => {
            fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        Some(other) => other.to_string(),
    };
    difference.path == "/tool_choice" && said(difference.ours) == said(difference.theirs)
}

fn dropped(wire: &str, difference: &Difference<'_>) -> bool {
    if same_choice(difference) {
        return true;
    }
    let paths = DROPPED.iter().find(|(name, _)| *name == wire).map_or(&[][..], |(_, paths)| paths);
    paths.iter().any(|(path, _)| {
        // A group may differ by its presence; what it holds is compared.
        *path == difference.path
            && (difference.ours.is_none()
                || difference.theirs.is_none()
                || !difference.ours.is_some_and(Value::is_object))
    })
}

fn encoded(wire: &dyn Wire, row: &Row, call: &Call) -> Result<Value, String> {
    let encode = |call: &Call, session: &mut Session| {
        wire.encode(call, &row.target, session).map_err(|error| error.to_string())
    };
    let request = encode(call, &mut Session::new())?;
    // A session that has seen a part of the conversation changes nothing.
    let half = call.messages.get(..call.messages.len() / 2).unwrap_or_default();
    let mut session = Session::new();
    let _half = encode(&Call { messages: Arc::new(half.to_vec()), ..call.clone() }, &mut session);
    if encode(call, &mut session)? != request {
        return Err("a session that has seen half of it writes other bytes".to_owned());
    }
    serde_json::from_slice(&request.body).map_err(|error| error.to_string())
}

/// The call that an exchange's request means.
pub(super) fn read(exchange: &Exchange, row: &Row) -> Option<Call> {
    call(row.target.wire().ok()?, row, exchange).ok()
}

fn call(wire: &dyn Wire, row: &Row, exchange: &Exchange) -> Result<Call, String> {
    let body = exchange.request.to_string();
    let mut call = wire.read(body.as_bytes(), &row.target).map_err(|error| error.to_string())?;
    call.stream = row.mode == Mode::Stream;
    Ok(call)
}

/// The request of an exchange is read and written again.
pub(super) fn requests(exchange: &Exchange, row: &Row, broken: &mut Vec<Broken>) {
    let Ok(wire) = row.target.wire() else { return };
    let again = call(wire, row, exchange).and_then(|call| encoded(wire, row, &call));
    match again {
        Err(detail) => broken.push(("/request".into(), detail)),
        Ok(ours) => {
            for difference in differences(&ours, &exchange.request) {
                if !dropped(wire.name(), &difference) {
                    let Difference { path, ours, theirs } = difference;
                    let detail = format!("written {}, recorded {}", show(ours), show(theirs));
                    broken.push((format!("/request{path}"), detail));
                }
            }
        }
    }
}

/// Where the conversation stands in a request.
fn conversation(request: &Value) -> Option<(&'static str, &[Value])> {
    ["messages", "contents", "input"]
        .into_iter()
        .find_map(|key| Some((key, request.get(key)?.as_array()?.as_slice())))
}

/// The reply of the exchange before, as it was decoded, stands in this exchange's request as it
/// was recorded. Says why where the recording client itself edited the history.
pub(super) fn continues(
    (earlier, mode): (&Exchange, Mode),
    reply: &Reply,
    exchange: &Exchange,
    row: &Row,
    broken: &mut Vec<Broken>,
) -> Option<String> {
    let wire = row.target.wire().ok()?;
    if reply.parts.is_empty() {
        return Some("the reply was fetched later, or said nothing".into());
    }
    let (key, before) = conversation(&earlier.request)?;
    let (_, after) = conversation(&exchange.request).filter(|(other, _)| *other == key)?;
    if after.len() <= before.len() {
        return Some("it begins another conversation".into());
    }
    if !before.iter().zip(after).all(|(a, b)| equal(a, b)) {
        return Some("what was said before was changed".into());
    }
    let (first, second) = (call(wire, row, earlier).ok()?, call(wire, row, exchange).ok()?);
    let spoken = |call: &Call| call.messages.iter().filter(|m| m.role != Role::System).count();
    let mut seen = 0;
    let start = second.messages.iter().position(|message| {
        let here = seen == spoken(&first);
        seen += usize::from(message.role != Role::System);
        here && message.role != Role::System
    })?;
    let turn = second.messages.get(start..).unwrap_or_default();
    let answers = turn.iter().take_while(|message| message.role == Role::Assistant).count();
    if answers == 0 {
        return Some("the reply was left out".into());
    }
    let own = Message { role: Role::Assistant, parts: reply.parts.clone(), native: None };
    let mut messages = second.messages.get(..start).unwrap_or_default().to_vec();
    messages.push(Arc::new(own));
    messages.extend_from_slice(second.messages.get(start + answers..).unwrap_or_default());
    let call = Call { messages: Arc::new(messages), ..second };
    let ours = match encoded(wire, row, &call) {
        Ok(ours) => ours,
        Err(detail) => {
            broken.push(("/history".into(), detail));
            return None;
        }
    };
    let (_, ours) = conversation(&ours)?;
    let said = Said::of(&counts::values(wire.framing(mode), &earlier.body));
    judge(key, ours, after, &said, broken)
}
