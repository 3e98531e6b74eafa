//! The tools on offer, and the choice among them.

use std::collections::BTreeSet;

use largestack_types::call::{Call, ToolChoice};
use largestack_types::json::Json;
use largestack_types::message::Message;
use largestack_types::part::Body;
use largestack_types::tool::ToolSpec;
use serde_json::Value;

use super::NAME;
use crate::body::{Map, server_tool, take_list, take_map, take_text, tool};
use crate::extra::FieldList;
use crate::object::{Writer, json};

/// Whether the call offers tools.
pub(super) fn offers(call: &Call) -> bool {
    !call.tools.is_empty() && call.tool_choice != ToolChoice::None
}

/// The tools on offer and the choice, as `toolConfig`; `mark` goes behind the tools, and `more` is
/// what the caller says beside.
pub(super) fn config(call: &Call, mark: Option<&str>, more: &FieldList<'_>) -> Json {
    json(|out| {
        let mut config = Writer::object(out);
        let mut list = config.inner_list("tools");
        for tool in &*call.tools {
            spec(&mut list, tool);
        }
        if let Some(mark) = mark {
            list.raw_item(mark);
        }
        list.end();
        match &call.tool_choice {
            ToolChoice::Auto | ToolChoice::None => {}
            ToolChoice::Required => config.raw("toolChoice", r#"{"any":{}}"#),
            ToolChoice::Tool(name) => {
                let mut choice = config.inner("toolChoice");
                let mut only = choice.inner("tool");
                only.text("name", name);
                only.end();
                choice.end();
            }
        }
        let chosen = !matches!(call.tool_choice, ToolChoice::Auto | ToolChoice::None);
        for (key, raw) in more.iter().filter(|(key, _)| !(chosen && *key == "toolChoice")) {
            config.raw(key, raw);
        }
        config.end();
    })
}

/// A history with calls of tools is refused where no tools are declared. What a call without tools
/// declares is therefore those that the history names; the model cannot be kept from calling them.
pub(super) fn told_before(call: &Call) -> Option<Json> {
    if offers(call) {
        return None;
    }
    let parts = || call.messages.iter().flat_map(|message| &message.parts);
    if !parts().any(|part| matches!(part.body, Body::ToolCall(_) | Body::ToolResult(_))) {
        return None;
    }
    if !call.tools.is_empty() {
        return Some(config(call, None, &FieldList::default()));
    }
    let called: BTreeSet<&str> = call.messages.iter().flat_map(|m| names(m)).collect();
    Some(json(|out| {
        let mut config = Writer::object(out);
        let mut list = config.inner_list("tools");
        for name in called {
            let mut entry = Writer::object(list.item());
            let mut spec = entry.inner("toolSpec");
            spec.text("name", name);
            spec.raw("inputSchema", r#"{"json":{"type":"object"}}"#);
            spec.end();
            entry.end();
        }
        list.end();
        config.end();
    }))
}

fn names(message: &Message) -> impl Iterator<Item = &str> {
    message.parts.iter().filter_map(|part| match &part.body {
        Body::ToolCall(call) => Some(&*call.name),
        Body::ToolResult(result) => Some(&*result.name),
        _ => None,
    })
}

fn spec(list: &mut Writer<'_>, tool: &ToolSpec) {
    let native = FieldList::native(tool.native.as_ref(), NAME);
    if tool.server {
        // A declaration that another protocol made cannot be said in this one: see `settings`.
        if let Some(fields) = tool.native.as_ref().filter(|_| native.is_some()) {
            list.raw_item(fields.fields.as_str());
        }
        return;
    }
    let mut native = native.unwrap_or_default();
    let mark = native.take("cachePoint");
    let mut entry = Writer::object(list.item());
    let mut spec = entry.inner("toolSpec");
    spec.text("name", &tool.name);
    if !tool.description.is_empty() {
        spec.text("description", &tool.description);
    }
    let mut schema = spec.inner("inputSchema");
    schema.raw("json", tool.parameters.as_str());
    schema.end();
    for (key, raw) in native.iter() {
        spec.raw(key, raw);
    }
    spec.end();
    entry.end();
    if let Some(mark) = mark {
        let mut block = Writer::object(list.item());
        block.raw("cachePoint", mark);
        block.end();
    }
}

/// The tools and the choice of a request; what neither knows stays in `config`, and so does a choice
/// that only says what goes without saying.
pub(super) fn read(config: &mut Map) -> (Vec<ToolSpec>, ToolChoice) {
    let mut tools = Vec::<ToolSpec>::new();
    for entry in take_list(config, "tools").unwrap_or_default() {
        let Value::Object(entry) = entry else { continue };
        if let Some(mark) = entry.get("cachePoint").filter(|_| entry.len() == 1)
            && let Some(last) = tools.last_mut().filter(|tool| !tool.server)
            && marked(last, mark)
        {
            continue;
        }
        let name = name_of(&entry).to_owned();
        tools.push(read_spec(&entry).unwrap_or_else(|| server_tool(NAME, &name, entry)));
    }
    let choice = config.get("toolChoice").and_then(Value::as_object).and_then(|choice| {
        let (kind, value) = choice.iter().next().filter(|_| choice.len() == 1)?;
        match kind.as_str() {
            "any" => Some(ToolChoice::Required),
            "tool" => Some(ToolChoice::Tool(value.get("name")?.as_str()?.into())),
            _ => None,
        }
    });
    if choice.is_some() {
        config.remove("toolChoice");
    }
    (tools, choice.unwrap_or_default())
}

/// Notes a mark behind a tool, unless there is one already.
fn marked(tool: &mut ToolSpec, mark: &Value) -> bool {
    let native = tool.native.as_ref().map(|native| native.fields.to::<Map>());
    let mut native = native.and_then(Result::ok).unwrap_or_default();
    let free = !native.contains_key("cachePoint");
    if free {
        native.insert("cachePoint".into(), mark.clone());
        tool.native = Some(crate::body::native(NAME, native));
    }
    free
}

fn read_spec(entry: &Map) -> Option<ToolSpec> {
    let mut spec = entry.get("toolSpec").filter(|_| entry.len() == 1)?.as_object()?.clone();
    let schema = take_map(&mut spec, "inputSchema").filter(|schema| schema.len() == 1)?;
    let parameters = schema.get("json")?;
    let name = take_text(&mut spec, "name")?;
    let description = take_text(&mut spec, "description").unwrap_or_default();
    let made = tool(name, description, parameters);
    Some(ToolSpec { native: crate::body::native_if_any(NAME, spec), ..made })
}

fn name_of(entry: &Map) -> &str {
    let inner = entry.values().next();
    let name = inner.and_then(|inner| inner.get("name")).and_then(Value::as_str);
    name.or_else(|| entry.keys().next().map(String::as_str)).unwrap_or_default()
}
