//! The tools on offer, and the choice of them.

use largestack_types::call::{Call, PromptCache, ToolChoice};
use largestack_types::tool::ToolSpec;

use super::native::{Beside, is_ours};
use super::turns::mark;
use crate::escape::write_str;

/// Appends the list of tools. With `cache`, the last one that may bear it gets the mark.
pub(super) fn write(out: &mut Vec<u8>, tools: &[ToolSpec], cache: Option<PromptCache>) {
    // A tool that is found by search only is not part of the prefix, and may bear no mark.
    let marked = tools.iter().rposition(|tool| {
        Beside::of(tool.native.as_ref()).get("defer_loading").is_none_or(|raw| raw.get() != "true")
    });
    out.push(b'[');
    for (index, tool) in tools.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        one(out, tool, cache.is_none());
        if let Some(cache) = cache.filter(|_| marked == Some(index)) {
            out.extend_from_slice(b",\"cache_control\":");
            out.extend_from_slice(mark(cache).as_bytes());
        }
        out.push(b'}');
    }
    out.push(b']');
}

/// Whether the protocol itself defines the tool: what it needs to know is in `native`.
pub(super) fn is_defined(tool: &ToolSpec) -> bool {
    let kind = Beside::of(tool.native.as_ref());
    is_ours(tool.native.as_ref())
        && (tool.server || kind.word("type").is_some_and(|kind| kind != "custom"))
}

/// A tool, open.
fn one(out: &mut Vec<u8>, tool: &ToolSpec, marks: bool) {
    let beside = Beside::of(tool.native.as_ref());
    out.push(b'{');
    if is_defined(tool) {
        let mut fields = Vec::new();
        beside.write(&mut fields, &[], marks);
        out.extend_from_slice(fields.strip_prefix(b",").unwrap_or_default());
        return;
    }
    out.extend_from_slice(b"\"name\":");
    write_str(out, &tool.name);
    if !tool.description.is_empty() || beside.get("description").is_some() {
        out.extend_from_slice(b",\"description\":");
        write_str(out, &tool.description);
    }
    out.extend_from_slice(b",\"input_schema\":");
    out.extend_from_slice(tool.parameters.as_str().as_bytes());
    beside.write(out, &["description"], marks);
}

/// The choice, where there is anything to say.
pub(super) fn choice(call: &Call) -> Option<String> {
    let kind = match &call.tool_choice {
        ToolChoice::Auto => "auto",
        ToolChoice::None => "none",
        ToolChoice::Required => "any",
        ToolChoice::Tool(_) => "tool",
    };
    let parallel = call.settings.parallel_tool_calls;
    if call.tool_choice == ToolChoice::Auto && parallel.is_none() {
        return None;
    }
    let mut out = format!("{{\"type\":\"{kind}\"").into_bytes();
    if let ToolChoice::Tool(name) = &call.tool_choice {
        out.extend_from_slice(b",\"name\":");
        write_str(&mut out, name);
    }
    // Without tools to call there is nothing to call at once.
    if let Some(parallel) = parallel.filter(|_| call.tool_choice != ToolChoice::None) {
        out.extend_from_slice(format!(",\"disable_parallel_tool_use\":{}", !parallel).as_bytes());
    }
    out.push(b'}');
    String::from_utf8(out).ok()
}
