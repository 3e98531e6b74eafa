//! Tools on offer: functions in one entry as long as they stand together, what Google runs itself
//! in entries of their own.

use largestack_types::json::Json;
use largestack_types::part::Native;
use largestack_types::tool::ToolSpec;
use serde_json::value::RawValue;

use super::NAME;
use super::object::{Entries, Writer};
use crate::error::EncodeError;
use crate::json::{Object, lenient};
use crate::model::Target;
use crate::schema::{self, Dialect, Lost};

/// The list of functions in an entry.
pub(super) const FUNCTIONS: [&str; 2] = ["functionDeclarations", "function_declarations"];
/// The fields that can hold a function's parameters: the OpenAPI subset, and JSON Schema.
pub(super) const SCHEMAS: [[&str; 2]; 2] =
    [["parameters", "parameters"], ["parametersJsonSchema", "parameters_json_schema"]];
/// The native field of the first function of an entry that is not written in the usual way: the
/// other fields of the entry, and the list's name with null.
pub(super) const ENTRY: [&str; 2] = ["tool", "tool"];

/// The native field of the one tool, or first function, of an entry that stood alone instead of in
/// a list. For what Google runs, it holds the entry.
pub(super) const BARE: [&str; 2] = ["tools", "tools"];

/// Appends the list of tools, and says what their schemas lost.
pub(super) fn write(
    out: &mut Vec<u8>,
    tools: &[ToolSpec],
    target: &Target,
) -> Result<Vec<&'static str>, EncodeError> {
    if !target.profile.tools {
        return Err(unsupported("tools", target));
    }
    let schemas = Schemas::of(tools);
    let mut group = None;
    let mut lowered = schemas.lowered.iter();
    let first = tools.first().and_then(|tool| Native::of(tool.native.as_ref(), NAME));
    let bare = first.is_some_and(|json| Entries::of(json.as_str()).get(BARE).is_some());
    out.extend_from_slice(if bare { b"" } else { b"[" });
    for (index, tool) in tools.iter().enumerate() {
        let native = Native::of(tool.native.as_ref(), NAME);
        let mut said = native.map(|json| Entries::of(json.as_str())).unwrap_or_default();
        if !tool.server {
            let _ = said.take(BARE);
        }
        let entry = said.take(ENTRY).map(|(_, raw)| Entries::of(raw.get()));
        if group.is_some() && (tool.server || entry.is_some()) {
            end(out, group.take());
        }
        if index > 0 {
            out.push(b',');
        }
        if tool.server {
            let Some(whole) = native else {
                return Err(unsupported("a tool that another provider runs", target));
            };
            let alone = said.take(BARE).map(|(_, raw)| raw.get());
            out.extend_from_slice(alone.unwrap_or(whole.as_str()).as_bytes());
            continue;
        }
        if group.is_none() {
            group = Some(begin(out, entry.unwrap_or_default()));
        }
        let schema = lowered.next().and_then(Option::as_ref).map(|schema| (schemas.key, schema));
        function(out, tool, native.is_some(), said, schema);
    }
    end(out, group);
    out.extend_from_slice(if bare { b"" } else { b"]" });
    Ok(schemas.dropped)
}

fn unsupported(what: &'static str, target: &Target) -> EncodeError {
    EncodeError::Unsupported {
        what: what.into(),
        provider: target.provider.name.clone(),
        model: target.model.clone(),
    }
}

/// Opens an entry with functions. What else it holds is written at its end.
fn begin<'a>(out: &mut Vec<u8>, mut entry: Entries<'a>) -> Entries<'a> {
    let named = entry.take(FUNCTIONS);
    let mut object = Writer::begin(out);
    object.key(named.as_ref().map_or(FUNCTIONS[0], |(key, _)| key)).push(b'[');
    entry
}

fn end(out: &mut Vec<u8>, entry: Option<Entries<'_>>) {
    let Some(entry) = entry else { return };
    out.push(b']');
    for (key, value) in &entry.0 {
        out.push(b',');
        crate::escape::write_str(out, key);
        out.push(b':');
        out.extend_from_slice(value.get().as_bytes());
    }
    out.push(b'}');
}

/// Which form the schemas of a request have: the OpenAPI subset where it says all of each, because
/// every model and version reads it; else the newer field for JSON Schema.
struct Schemas {
    lowered: Vec<Option<Json>>,
    key: &'static str,
    dropped: Vec<&'static str>,
}

impl Schemas {
    fn of(tools: &[ToolSpec]) -> Self {
        let functions = || tools.iter().filter(|tool| !tool.server);
        let of = |dialect| -> Vec<Option<(Json, Vec<Lost>)>> {
            let lower = |tool: &ToolSpec| {
                let ours = Native::of(tool.native.as_ref(), NAME).is_some();
                let needed = !ours && takes_anything(&tool.parameters);
                needed.then(|| schema::down_level(&tool.parameters, dialect))
            };
            functions().map(lower).collect()
        };
        let mut lowered = of(Dialect::GeminiOpenApi);
        let mut key = SCHEMAS[0][0];
        if lowered.iter().flatten().any(|(_, lost)| !lost.is_empty()) {
            lowered = of(Dialect::GeminiJson);
            key = SCHEMAS[1][0];
        }
        let lost: Vec<Lost> =
            lowered.iter().flatten().flat_map(|(_, lost)| lost.iter().cloned()).collect();
        let dropped = schema::dropped(schema::Of::Tools, &lost);
        let lowered = lowered.into_iter().map(|one| one.map(|(schema, _)| schema)).collect();
        Self { lowered, key, dropped }
    }
}

/// `FunctionDeclaration`. One that was read is written as it was.
fn function(
    out: &mut Vec<u8>,
    tool: &ToolSpec,
    ours: bool,
    mut said: Entries<'_>,
    schema: Option<(&str, &Json)>,
) {
    let mut object = Writer::begin(out);
    object.str_unless(&mut said, ["name", "name"], &tool.name);
    if object.said(&mut said, ["description", "description"]) && !tool.description.is_empty() {
        object.str("description", &tool.description);
    }
    let spelled = said.0.iter().position(|(key, raw)| {
        raw.get() == "null" && SCHEMAS.iter().any(|names| names.contains(&&**key))
    });
    if let Some((key, _)) = spelled.filter(|_| ours).map(|place| said.0.remove(place)) {
        object.raw(&key, tool.parameters.as_str());
    } else if let Some((key, schema)) = schema {
        object.raw(key, schema.as_str());
    }
    object.rest(&said);
    object.end();
}

/// Whether there is anything to say of the parameters: an object without properties is refused by
/// older models, and none at all means the same.
fn takes_anything(schema: &Json) -> bool {
    let mut fields = lenient::<Object<Entries<'_>>>(schema.as_str()).0;
    let properties = fields.take(["properties", "properties"]);
    let some =
        properties.is_some_and(|(_, raw): (_, &RawValue)| !Entries::of(raw.get()).is_empty());
    let plain = ["type", "title", "description", "additionalProperties", "required", "$schema"];
    let open = fields.get(["additionalProperties", "additionalProperties"]);
    let open = open.is_some_and(|raw| raw.get() != "false");
    some || open || fields.0.iter().any(|(key, _)| !plain.contains(&&**key))
}
