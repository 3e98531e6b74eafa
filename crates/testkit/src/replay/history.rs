//! Requests: what was read is written again as it was, and what was decoded goes back as the
//! provider wants it.

use std::collections::BTreeSet;
use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::reply::Reply;
use largestack_wire::{Mode, Session, Wire};
use serde_json::Value;

use super::exchange::Exchange;
use super::json::{Difference, differences, equal, strings};
use super::laws::Broken;
use super::row::Row;

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

fn show(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    let mut short: String = text.chars().take(160).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

fn encoded(wire: &dyn Wire, row: &Row, call: &Call) -> Result<Value, String> {
    let request = wire.encode(call, &row.target, &mut Session::new());
    let request = request.map_err(|error| error.to_string())?;
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
    earlier: &Exchange,
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
    let said = Heard::of(wire, row, earlier, reply);
    judge(key, ours, after, &said, broken)
}

/// Items of both sides that belong together, in order: equal ones first, then those of one kind
/// that are left between them.
fn paired<'v>(
    ours: &'v [Value],
    theirs: &'v [Value],
) -> Vec<(Option<&'v Value>, Option<&'v Value>)> {
    let kind = |item: &Value| {
        // A message may leave its type out.
        ["role", "type"].iter().find_map(|key| item.get(key)?.as_str().map(str::to_owned))
    };
    let mut pairs = Vec::new();
    let mut ours = ours;
    for item in theirs {
        let equals = ours.iter().position(|own| equal(own, item));
        let alike = || ours.iter().position(|own| kind(own) == kind(item));
        // An item that only they have must not swallow one of ours of another place.
        match equals.or_else(alike) {
            Some(at) => {
                let (skipped, rest) = ours.split_at(at);
                pairs.extend(skipped.iter().map(|own| (Some(own), None)));
                pairs.push((rest.first(), Some(item)));
                ours = rest.get(1..).unwrap_or_default();
            }
            None => pairs.push((None, Some(item))),
        }
    }
    pairs.extend(ours.iter().map(|own| (Some(own), None)));
    pairs
}

/// A difference is the client's where it left something out that was said, or sent what nobody
/// said; everything else is ours.
fn judge(
    key: &str,
    ours: &[Value],
    theirs: &[Value],
    said: &Heard,
    broken: &mut Vec<Broken>,
) -> Option<String> {
    let mut edited = None;
    for (index, pair) in paired(ours, theirs).into_iter().enumerate() {
        let path = format!("/{index}");
        let found = match pair {
            (Some(own), Some(item)) => differences(own, item),
            (ours, theirs) => vec![Difference { path: String::new(), ours, theirs }],
        };
        for Difference { path: inner, ours, theirs } in found {
            match (ours, theirs) {
                (Some(_), None) => edited = Some(format!("the client left out {path}{inner}")),
                (Some(Value::String(all)), Some(Value::String(some))) if all.contains(some) => {
                    edited = Some(format!("the client cut {path}{inner}"));
                }
                (Some(own), Some(sent)) if long_form(own, sent) || long_form(sent, own) => {
                    edited = Some(format!("the client wrote {path}{inner} in another form"));
                }
                (None, Some(_)) if !said.has_key(&inner) => {
                    edited = Some(format!("the client added {path}{inner}"));
                }
                (_, Some(sent)) if !said.all_of(sent) => {
                    edited = Some(format!("the client wrote {path}{inner} itself"));
                }
                _ => {
                    let detail = format!("written {}, recorded {}", show(ours), show(theirs));
                    broken.push((format!("/history/{key}{path}{inner}"), detail));
                }
            }
        }
    }
    edited
}

/// Whether one is a text and the other a list of one block with that text.
fn long_form(own: &Value, sent: &Value) -> bool {
    let one = sent.as_array().filter(|list| list.len() == 1).and_then(|list| list.first());
    one.and_then(|block| block.get("text")) == Some(own)
}

/// Everything a reply said, to tell what a client sends back from what it makes up.
struct Heard {
    texts: Vec<String>,
    /// Names of fields.
    keys: BTreeSet<String>,
}

impl Heard {
    fn of(wire: &dyn Wire, row: &Row, exchange: &Exchange, reply: &Reply) -> Self {
        let mut values = super::counts::values(wire.framing(row.mode), &exchange.body);
        // What a stream said in pieces.
        values.extend(serde_json::to_value(reply));
        let mut texts = Vec::new();
        for value in &values {
            strings(value, &mut texts);
        }
        let texts = texts.into_iter().map(str::to_owned).collect();
        let mut said = Self { texts, keys: BTreeSet::new() };
        for value in &values {
            said.learn(value);
        }
        said
    }

    fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(fields) => {
                for (key, field) in fields {
                    self.keys.insert(key.clone());
                    self.learn(field);
                }
            }
            _ => {}
        }
    }

    /// Whether it has a field of the name that a path ends with; a place in a list has none.
    fn has_key(&self, path: &str) -> bool {
        let last = path.rsplit('/').next().unwrap_or_default();
        last.parse::<usize>().is_ok() || last.is_empty() || self.keys.contains(last)
    }

    /// Whether it said every word of a value, and there are any.
    fn all_of(&self, value: &Value) -> bool {
        let mut texts = Vec::new();
        strings(value, &mut texts);
        let mut longer = texts.iter().filter(|text| text.len() > 2).peekable();
        longer.peek().is_some()
            && longer.all(|text| self.texts.iter().any(|said| said.contains(*text)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(ours: &Value, theirs: &Value, said: &str) -> (Option<String>, Vec<Broken>) {
        let mut broken = Vec::new();
        let keys = ["content", "call_id"].map(str::to_owned).into();
        let heard = Heard { texts: vec![said.to_owned()], keys };
        let (ours, theirs) = (ours.as_array().unwrap(), theirs.as_array().unwrap());
        let edited = judge("input", ours, theirs, &heard, &mut broken);
        (edited, broken)
    }

    #[test]
    fn what_was_said_and_sent_back_must_be_written() {
        let theirs = json!([{"type": "reasoning", "content": "sealed words"}]);
        let (edited, broken) = judged(&json!([{"type": "reasoning"}]), &theirs, "sealed words");
        assert_eq!((edited, broken.len()), (None, 1));
    }

    #[test]
    fn what_the_client_adds_leaves_out_or_cuts_is_its_own() {
        let call = json!({"type": "function_call", "call_id": "call_1"});
        let theirs = json!([{"role": "assistant", "content": "made up"}, call]);
        let (edited, broken) = judged(&json!([call]), &theirs, "call_1");
        assert!(edited.is_some() && broken.is_empty(), "{broken:?}");
        let (edited, broken) = judged(&theirs, &json!([call]), "call_1");
        assert!(edited.is_some() && broken.is_empty(), "{broken:?}");
        let text = |text: &str| json!([{"role": "assistant", "content": text}]);
        let (edited, broken) = judged(&text("<think>so</think>Yes."), &text("Yes."), "Yes.");
        assert!(edited.is_some() && broken.is_empty(), "{broken:?}");
    }
}
