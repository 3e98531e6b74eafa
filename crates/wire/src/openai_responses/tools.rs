//! Tools and the choice among them.

use largestack_types::call::{Call, ToolChoice};
use largestack_types::part::Native;
use largestack_types::tool::ToolSpec;

use super::NAME;
use crate::escape::write_str;
use crate::overlay::{Overlay, Writer};

/// Whether another wire's provider runs one of the tools.
pub(super) fn any_foreign(call: &Call) -> bool {
    let foreign =
        |tool: &&ToolSpec| tool.server && Native::of(tool.native.as_ref(), NAME).is_none();
    call.tools.iter().any(|tool| foreign(&tool))
}

pub(super) fn list(out: &mut Vec<u8>, tools: &[ToolSpec]) {
    for (index, tool) in tools.iter().enumerate() {
        out.push(if index == 0 { b'[' } else { b',' });
        spec(out, tool);
    }
    out.push(b']');
}

/// A tool. One that the provider runs itself is its whole declaration. Strictness is always said:
/// left out, it means yes here, and most schemas are not written for it.
fn spec(out: &mut Vec<u8>, tool: &ToolSpec) {
    let overlay = Overlay::of(tool.native.as_ref(), NAME);
    let custom = overlay.text("type").as_deref() == Some("custom");
    let mut object = Writer::begin(out, overlay);
    if !tool.server {
        object.text("type", "function");
        object.text("name", &tool.name);
        object.text("description", &tool.description);
        if !custom {
            object.field("parameters", |out| {
                out.extend_from_slice(tool.parameters.as_str().as_bytes());
            });
            object.field("strict", |out| out.extend_from_slice(b"false"));
        }
    }
    object.end();
}

/// The choice as the request says it; nothing for the default.
pub(super) fn choice(choice: &ToolChoice) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match choice {
        ToolChoice::Auto => return None,
        ToolChoice::None => write_str(&mut out, "none"),
        ToolChoice::Required => write_str(&mut out, "required"),
        ToolChoice::Tool(name) => {
            let mut object = Writer::begin(&mut out, Overlay::default());
            object.text("type", "function");
            object.text("name", name);
            object.end();
        }
    }
    Some(out)
}
