//! Tools on offer: those of the caller, and those that the protocol defines.

use largestack_types::label::Origin;
use largestack_types::tool::ToolSpec;
use serde_json::Value;

use super::native;
use crate::anthropic::NAME;
use crate::error::ReadError;
use crate::reading::{Fields, json, leftover, malformed, take_text};

/// Tools that the protocol defines and the caller runs, by the beginning of their type.
const RUN_BY_CALLER: &[&str] = &["bash_", "text_editor_", "computer_", "memory_"];

pub(super) fn tool(tool: Value) -> Result<ToolSpec, ReadError> {
    let Value::Object(mut fields) = tool else {
        return Err(malformed("a tool is not an object"));
    };
    let text =
        |fields: &Fields, key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = text(&fields, "type");
    let spec = |name: String, parameters| ToolSpec {
        name: name.into(),
        description: "".into(),
        parameters,
        idempotent: false,
        origin: Origin::Tool,
        native: None,
        server: false,
    };
    if let Some(kind) = kind.filter(|kind| kind != "custom") {
        let name = text(&fields, "name").or_else(|| text(&fields, "mcp_server_name"));
        let server = !RUN_BY_CALLER.iter().any(|begin| kind.starts_with(begin));
        let schema = json(&serde_json::json!({"type": "object"}));
        let own = spec(name.unwrap_or(kind), schema);
        return Ok(ToolSpec { native: Some(native(fields)), server, ..own });
    }
    let Some(name) = take_text(&mut fields, "name") else {
        return Err(malformed("a tool has no name"));
    };
    let Some(schema) = fields.shift_remove("input_schema") else {
        return Err(malformed(&format!("the tool `{name}` has no input_schema")));
    };
    // An empty description is not the same as none.
    let description = match fields.get("description") {
        Some(Value::String(text)) if text.is_empty() => None,
        _ => take_text(&mut fields, "description"),
    };
    let own = spec(name, json(&schema));
    let description = description.unwrap_or_default().into();
    Ok(ToolSpec { description, native: leftover(NAME, fields), ..own })
}
