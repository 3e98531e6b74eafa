//! Contents as messages, and the native fields that say how they were written.

use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Native, Part, PartId};
use serde_json::value::RawValue;

use super::super::NAME;
use super::super::contents::{BARE, PARTS};
use super::super::object::{Entries, Writer, json};
use super::malformed;
use super::parts::Calls;
use crate::error::ReadError;
use crate::json::{List, Str, lenient};
use crate::model::Target;

/// The messages read so far.
pub(super) struct Conversation<'t> {
    pub(super) messages: Vec<Message>,
    target: &'t Target,
    calls: Calls,
    parts: u32,
}

impl<'t> Conversation<'t> {
    pub(super) fn new(target: &'t Target) -> Self {
        Self { messages: Vec::new(), target, calls: Calls::default(), parts: 0 }
    }

    /// `systemInstruction`: a content whose role says nothing.
    pub(super) fn system(&mut self, key: &str, raw: &RawValue) -> Result<(), ReadError> {
        if !raw.get().starts_with('{') {
            return Err(malformed(&format_args!("`{key}` is not a content")));
        }
        let mut fields = Entries::of(raw.get());
        let (bodies, alone) = self.parts(&mut fields, Origin::Operator)?;
        let mut message = Message::new(Role::System, bodies);
        if alone.is_some() || !fields.is_empty() || key != "systemInstruction" {
            let mut out = Vec::new();
            let mut object = Writer::begin(&mut out);
            let mut inside = Writer::begin(object.key(key));
            inside.rest(&fields);
            if let Some(mark) = alone {
                inside.raw(PARTS[0], mark);
            }
            inside.end();
            object.end();
            message.native = Some(Native { wire: NAME.into(), fields: json(out) });
        }
        self.messages.push(message);
        Ok(())
    }

    /// `contents`: a list, or one content alone.
    pub(super) fn contents(&mut self, raw: &RawValue) -> Result<(), ReadError> {
        match raw.get().as_bytes().first() {
            Some(b'[') => {
                for content in lenient::<List<&RawValue>>(raw.get()).0 {
                    self.content(content, false)?;
                }
                Ok(())
            }
            Some(b'{') => self.content(raw, true),
            _ if raw.get() == "null" => Ok(()),
            _ => Err(malformed(&"`contents` is not a list")),
        }
    }

    fn content(&mut self, raw: &RawValue, bare: bool) -> Result<(), ReadError> {
        if !raw.get().starts_with('{') {
            return Err(malformed(&"a content is not an object"));
        }
        let mut fields = Entries::of(raw.get());
        let role = fields.take(["role", "role"]).map(|(_, raw)| raw);
        let word = role.and_then(|raw| lenient::<Str<'_>>(raw.get()).0).unwrap_or_default();
        let model = word == "model";
        let origin = if model { Origin::Agent } else { Origin::User };
        let (mut parts, alone) = self.parts(&mut fields, origin)?;
        let results = parts.iter().all(|part| matches!(part.body, Body::ToolResult(_)));
        let role_here = match () {
            () if model => Role::Assistant,
            () if results && !parts.is_empty() => Role::Tool,
            () => Role::User,
        };
        if role_here == Role::Tool {
            for part in &mut parts {
                part.label = Label::from_origin(Origin::Tool);
            }
        }
        let mut out = Vec::new();
        let mut object = Writer::begin(&mut out);
        match (role, &*word) {
            (None, _) => object.raw("role", "null"),
            (Some(_), "model" | "user") => {}
            (Some(raw), _) => object.raw("role", raw.get()),
        }
        object.rest(&fields);
        if let Some(mark) = alone {
            object.raw(PARTS[0], mark);
        }
        if bare {
            object.raw(BARE[0], "{}");
        }
        object.end();
        // Results of tools in one content are one message; in two, they must stay two.
        let follows = self.messages.last().is_some_and(|last| last.role == Role::Tool);
        let needed = out != b"{}" || parts.is_empty() || (follows && role_here == Role::Tool);
        let native = needed.then(|| Native { wire: NAME.into(), fields: json(out) });
        self.messages.push(Message { role: role_here, parts, native });
        Ok(())
    }

    /// The parts of a content, and the mark of a form other than a list.
    fn parts(
        &mut self,
        fields: &mut Entries<'_>,
        origin: Origin,
    ) -> Result<(Vec<Part>, Option<&'static str>), ReadError> {
        let Some((_, raw)) = fields.take(PARTS) else { return Ok((Vec::new(), Some("null"))) };
        let (raws, mark) = match raw.get().as_bytes().first() {
            Some(b'[') => (lenient::<List<&RawValue>>(raw.get()).0, None),
            Some(b'{') => (vec![raw], Some("{}")),
            _ => return Err(malformed(&"`parts` is not a list")),
        };
        let mut parts = Vec::with_capacity(raws.len());
        for raw in raws {
            let id = PartId::new(0, self.parts);
            self.parts += 1;
            let (body, native) = self.calls.part(raw, self.target);
            let native = native.map(|fields| Native { wire: NAME.into(), fields });
            parts.push(Part { id, label: Label::from_origin(origin), body, native });
        }
        Ok((parts, mark))
    }
}
