//! Tools on offer, read back.

use std::borrow::Cow;

use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::part::Native;
use largestack_types::tool::ToolSpec;
use serde_json::value::RawValue;

use super::super::NAME;
use super::super::object::{Entries, Writer, json};
use super::super::tools::{BARE, ENTRY, FUNCTIONS, SCHEMAS};
use super::malformed;
use crate::error::ReadError;
use crate::json::{List, Str, lenient};
use crate::schema;

/// The tools of a list of entries, or of one that stands alone.
pub(super) fn read(raw: &RawValue) -> Result<Vec<ToolSpec>, ReadError> {
    let (entries, alone) = match raw.get().as_bytes().first() {
        Some(b'[') => (lenient::<List<&RawValue>>(raw.get()).0, false),
        Some(b'{') => (vec![raw], true),
        _ => return Err(malformed(&"`tools` is not a list")),
    };
    let mut tools = read_entries(entries);
    if let Some(first) = tools.first_mut().filter(|_| alone)
        && let Some(native) = &mut first.native
    {
        let mut out = Vec::new();
        let mut object = Writer::begin(&mut out);
        if first.server {
            object.raw(BARE[0], native.fields.as_str());
        } else {
            object.raw(BARE[0], "{}");
            object.rest(&Entries::of(native.fields.as_str()));
        }
        object.end();
        native.fields = json(out);
    }
    Ok(tools)
}

fn read_entries(entries: Vec<&RawValue>) -> Vec<ToolSpec> {
    let mut tools: Vec<ToolSpec> = Vec::new();
    for raw in entries {
        let mut entry = Entries::of(raw.get());
        let functions = entry.take(FUNCTIONS);
        let functions = functions.map(|(key, raw)| (key, lenient::<List<&RawValue>>(raw.get()).0));
        let Some((key, functions)) = functions.filter(|(_, list)| !list.is_empty()) else {
            tools.push(server(raw));
            continue;
        };
        // Functions that stand together are written as one entry.
        let follows = tools.last().is_some_and(|last| !last.server);
        let mark = (key != FUNCTIONS[0] || !entry.is_empty() || follows).then(|| {
            let mut out = Vec::new();
            let mut object = Writer::begin(&mut out);
            object.raw(&key, "null");
            object.rest(&entry);
            object.end();
            json(out)
        });
        let mut mark = mark.as_ref();
        for raw in functions {
            tools.push(function(raw, mark.take()));
        }
    }
    tools
}

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    lenient::<Str<'_>>(raw.get()).0
}

/// A tool that Google runs: its entry is its whole declaration.
fn server(raw: &RawValue) -> ToolSpec {
    let name = Entries::of(raw.get()).0.first().map(|(key, _)| key.clone().into_owned());
    ToolSpec {
        name: name.unwrap_or_default().into(),
        description: "".into(),
        parameters: Json::empty_object(),
        idempotent: false,
        origin: Origin::Web,
        native: Some(Native { wire: NAME.into(), fields: Json::from(raw.to_owned()) }),
        server: true,
    }
}

fn function(raw: &RawValue, entry: Option<&Json>) -> ToolSpec {
    let mut fields = Entries::of(raw.get());
    let name = fields.take(["name", "name"]).and_then(|(_, raw)| text(raw));
    let described = fields.get(["description", "description"]).and_then(text);
    let described = described.filter(|text| !text.is_empty());
    if described.is_some() {
        let _ = fields.take(["description", "description"]);
    }
    let mut parameters = Json::empty_object();
    if let Some((_, raw)) = fields.0.iter().find(|(key, _)| SCHEMAS[0].contains(&&**key)) {
        // The other dialect stays as it is, beside what everybody reads.
        parameters = schema::of_open_api(&Json::from((*raw).to_owned()));
    } else if let Some((_, raw)) = fields.0.iter_mut().find(|(key, _)| SCHEMAS[1].contains(&&**key))
    {
        parameters = Json::from((*raw).to_owned());
        *raw = RawValue::NULL;
    }
    let mut out = Vec::new();
    let mut object = Writer::begin(&mut out);
    if let Some(entry) = entry {
        object.raw(ENTRY[0], entry.as_str());
    }
    if name.is_none() {
        object.raw("name", "null");
    }
    object.rest(&fields);
    object.end();
    ToolSpec {
        name: name.unwrap_or_default().into(),
        description: described.unwrap_or_default().into(),
        parameters,
        idempotent: false,
        origin: Origin::Tool,
        native: Some(Native { wire: NAME.into(), fields: json(out) }),
        server: false,
    }
}
