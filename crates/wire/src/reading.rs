//! What every wire needs to read a request: ids for parts and calls, labels by who speaks, and
//! the small arts of telling what a protocol says beside what everybody says.

use std::sync::Arc;

use largestack_types::id::{CallId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaSource, Native, Part, PartId};
use serde_json::{Map, Value};

use crate::error::ReadError;

/// An object of a request.
pub(crate) type Fields = Map<String, Value>;

/// The body of a request as an object.
pub(crate) fn object(body: &[u8]) -> Result<Fields, ReadError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(malformed("the body is not an object")),
        Err(error) => Err(malformed(&error.to_string())),
    }
}

/// A body that is not of the protocol's shape.
pub(crate) fn malformed(detail: &str) -> ReadError {
    ReadError::Malformed { detail: detail.to_owned() }
}

/// A value as JSON text.
pub(crate) fn json(value: &Value) -> Json {
    // A `Value` has nothing that JSON cannot say.
    Json::of(value).unwrap_or_else(|_| Json::empty_object())
}

/// What a wire says beside; an empty object says only that it was in the long form.
pub(crate) fn native(wire: &str, fields: Fields) -> Native {
    Native { wire: wire.into(), fields: json(&Value::Object(fields)) }
}

/// The same, unless there is nothing to say.
pub(crate) fn leftover(wire: &str, fields: Fields) -> Option<Native> {
    (!fields.is_empty()).then(|| native(wire, fields))
}

/// Takes a text out of an object; anything else stays.
pub(crate) fn take_text(fields: &mut Fields, key: &str) -> Option<String> {
    match fields.get(key) {
        Some(Value::String(_)) => match fields.shift_remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Takes a list out of an object; anything else stays.
pub(crate) fn take_list(fields: &mut Fields, key: &str) -> Option<Vec<Value>> {
    match fields.get(key) {
        Some(Value::Array(_)) => match fields.shift_remove(key) {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

/// The media type and the bytes of a `data:` address in the plain form that encoders write.
pub(crate) fn data_url(address: &str) -> Option<(Arc<str>, MediaSource)> {
    let (mime, data) = address.strip_prefix("data:")?.split_once(";base64,")?;
    (!mime.is_empty() && !mime.contains([';', ','])).then(|| {
        let data = data.into();
        (mime.into(), MediaSource::Base64(data))
    })
}

/// Numbers parts and calls of one request.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    parts: u32,
    calls: Vec<(Arc<str>, Arc<str>, CallId)>,
}

impl Ids {
    /// A part that this role said.
    pub(crate) fn part(&mut self, role: Role, body: Body, native: Option<Native>) -> Part {
        let id = PartId::new(0, self.parts);
        self.parts += 1;
        Part { id, label: Label::from_origin(origin(role)), body, native }
    }

    /// A call of a tool, which a result with the same provider's id will answer.
    pub(crate) fn call(&mut self, provider_id: &str, name: &str) -> CallId {
        let next = u32::try_from(self.calls.len()).unwrap_or(u32::MAX).saturating_add(1);
        let call = CallId::of(EffectId::new(next));
        self.calls.push((provider_id.into(), name.into(), call));
        call
    }

    /// The call that a result answers, the latest where ids repeat, and the name of its tool. One
    /// that answers nothing gets a call of its own.
    pub(crate) fn answered(&mut self, provider_id: &str) -> (CallId, Arc<str>) {
        let known = self.calls.iter().rev().find(|(id, ..)| **id == *provider_id);
        match known {
            Some((_, name, call)) => (*call, name.clone()),
            None => (self.call(provider_id, ""), "".into()),
        }
    }
}

/// Where the words of a role come from.
const fn origin(role: Role) -> Origin {
    match role {
        Role::System => Origin::Operator,
        Role::User => Origin::User,
        Role::Assistant => Origin::Agent,
        Role::Tool => Origin::Tool,
    }
}

/// A message that is only its parts.
pub(crate) const fn message(role: Role, parts: Vec<Part>, native: Option<Native>) -> Message {
    Message { role, parts, native }
}
