//! A request read back: the inverse of the encoder. Items in a row that the model said are one
//! message; every other item is a message of its own.

mod items;
mod settings;
mod spoken;

use std::sync::Arc;

use largestack_types::call::Call;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part};
use serde_json::Value;

use super::{NAME, beside, request};
use crate::error::ReadError;
use crate::model::Target;
use crate::reading::{Fields, Ids, malformed, message, native, object, take_list, take_text};

pub(super) fn call(body: &[u8], target: &Target) -> Result<Call, ReadError> {
    let mut fields = object(body)?;
    let mut ids = Ids::default();
    let mut messages: Vec<Message> = Vec::new();
    if let Some(text) = take_text(&mut fields, "instructions") {
        let part = ids.part(Role::System, Body::Text(text.into()), None);
        messages.push(message(Role::System, vec![part], None));
    }
    if let Some(text) = take_text(&mut fields, "input") {
        let part = ids.part(Role::User, Body::Text(text.into()), None);
        let beside = native(NAME, Fields::from_iter([(beside::INPUT.to_owned(), true.into())]));
        messages.push(message(Role::User, vec![part], Some(beside)));
    }
    for value in take_list(&mut fields, "input").unwrap_or_default() {
        let Value::Object(item) = value else {
            return Err(malformed("an item of the input is not an object"));
        };
        item_of(item, &mut messages, &mut ids, target);
    }
    // Null says no more than its absence.
    fields.retain(|key, value| !matches!(&**key, "input" | "instructions") || !value.is_null());
    Ok(settings::call(fields, messages.into_iter().map(Arc::new).collect(), target))
}

/// Adds the parts or the message of one item. One that would not come out as it was is kept as it
/// came.
fn item_of(item: Fields, messages: &mut Vec<Message>, ids: &mut Ids, target: &Target) {
    let new = told(item.clone(), ids, target);
    let mut again = Vec::new();
    let written = request::item(&mut again, &new, target);
    let item = Value::Object(item);
    let differs =
        || serde_json::from_slice::<Value>(&again).map_or(true, |written| written != item);
    let new = if written.is_ok() && differs() {
        message(new.role, vec![items::whole(&item, new.role, ids)], None)
    } else {
        new
    };
    match messages.last_mut() {
        Some(last) if last.role == Role::Assistant && new.role == Role::Assistant => {
            last.parts.extend(new.parts);
        }
        _ => messages.push(new),
    }
}

fn told(item: Fields, ids: &mut Ids, target: &Target) -> Message {
    let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, role) = (text("type").to_owned(), text("role").to_owned());
    let is_message = matches!(&*kind, "" | "message");
    match (&*kind, &*role) {
        (_, "assistant") if is_message => said(items::message(item, ids)),
        (_, "system" | "developer") if is_message => {
            let default = request::system_role(target);
            spoken::message(Role::System, default, item, ids)
        }
        (_, "user") if is_message => spoken::message(Role::User, "user", item, ids),
        ("function_call_output" | "custom_tool_call_output", _) => items::result(item, ids),
        _ if items::is_clients(&kind) => {
            let role = if kind.ends_with("_output") { Role::Tool } else { Role::User };
            let part = items::whole(&Value::Object(item), role, ids);
            message(role, vec![part], None)
        }
        _ => said(items::said(item, &kind, ids)),
    }
}

/// What the model said.
const fn said(parts: Vec<Part>) -> Message {
    message(Role::Assistant, parts, None)
}
