//! Blocks of the messages we send. A block is left without its closing brace (see `turns`).

use std::borrow::Cow;

use largestack_types::hash::Hash;
use largestack_types::id::CallId;
use largestack_types::part::{Arguments, Body, Part, Reasoning, ToolCall};

use super::host::Host;
use super::native::{Beside, is_ours};
use super::{media, result};
use crate::error::EncodeError;
use crate::escape::write_str;
use crate::model::Target;

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    User,
    Assistant,
    System,
}

impl Side {
    pub(super) const fn role(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
        }
    }
}

/// What a block depends on beside its part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) host: Host,
    pub(super) target: &'a Target,
    /// Whether the parts' own cache marks count: not where the call says how to cache.
    pub(super) marks: bool,
}

/// Whether a part becomes a block. Citations stand in the text they support; thoughts, provider-run
/// tools and unknown blocks go back only to the protocol they came from; words that are none are
/// refused by the API (but for those that a recorded request had).
pub(super) fn is_written(part: &Part, side: Side) -> bool {
    let ours = || is_ours(part.native.as_ref());
    match &part.body {
        Body::Text(text) | Body::Refusal(text) => !text.trim().is_empty() || ours(),
        Body::Reasoning(_) => side == Side::Assistant && ours(),
        Body::ToolCall(_) => side == Side::Assistant,
        Body::ToolResult(_) | Body::Media(_) => side == Side::User,
        Body::ServerTool(raw) | Body::Unknown(raw) => ours() && raw.as_str().ends_with('}'),
        _ => false,
    }
}

/// Opens the next block of a list.
pub(super) fn begin(out: &mut Vec<u8>) {
    if !out.ends_with(b"[") {
        out.extend_from_slice(b"},");
    }
}

/// A block of words and nothing else.
pub(super) fn text(out: &mut Vec<u8>, words: &str) {
    begin(out);
    out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
    write_str(out, words);
}

/// Appends the block of a part.
pub(super) fn part(
    out: &mut Vec<u8>,
    part: &Part,
    context: &Context<'_>,
) -> Result<(), EncodeError> {
    let beside = Beside::of(part.native.as_ref());
    match &part.body {
        Body::Text(words) | Body::Refusal(words) => {
            text(out, words);
            beside.write(out, &[], context.marks);
        }
        Body::Reasoning(thought) => {
            begin(out);
            reasoning(out, thought);
            beside.write(out, &[], context.marks);
        }
        Body::ToolCall(call) => {
            begin(out);
            tool_call(out, call);
            beside.write(out, &[], context.marks);
        }
        Body::ToolResult(answer) => {
            begin(out);
            result::write(out, answer, &beside, context)?;
        }
        Body::Media(medium) => {
            begin(out);
            media::write(out, medium, context)?;
            beside.write(out, &[], context.marks);
        }
        Body::ServerTool(raw) | Body::Unknown(raw) => {
            begin(out);
            if context.marks {
                let text = raw.as_str();
                let open = text.strip_suffix('}').unwrap_or(text).trim_end();
                out.extend_from_slice(open.as_bytes());
            } else {
                unmarked(out, raw.as_str());
            }
        }
        _ => {}
    }
    Ok(())
}

/// A raw block without its own cache mark, open.
fn unmarked(out: &mut Vec<u8>, raw: &str) {
    let mut fields = Vec::with_capacity(raw.len());
    Beside::read(raw).write(&mut fields, &[], false);
    out.push(b'{');
    out.extend_from_slice(fields.strip_prefix(b",").unwrap_or_default());
}

fn reasoning(out: &mut Vec<u8>, thought: &Reasoning) {
    if thought.redacted {
        out.extend_from_slice(b"{\"type\":\"redacted_thinking\",\"data\":");
        write_str(out, thought.signature.as_deref().unwrap_or_default());
        return;
    }
    out.extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":");
    write_str(out, &thought.text);
    if let Some(signature) = &thought.signature {
        out.extend_from_slice(b",\"signature\":");
        write_str(out, signature);
    }
}

fn tool_call(out: &mut Vec<u8>, call: &ToolCall) {
    out.extend_from_slice(b"{\"type\":\"tool_use\",\"id\":");
    write_str(out, &call_id(&call.provider_id, call.call));
    out.extend_from_slice(b",\"name\":");
    write_str(out, &call.name);
    out.extend_from_slice(b",\"input\":");
    match &call.arguments {
        Arguments::Json(json) if json.as_str().trim_start().starts_with('{') => {
            out.extend_from_slice(json.as_str().as_bytes());
        }
        // An input must be an object; this is the form that the documentation of fine-grained
        // tool streaming gives for what is not JSON.
        other => {
            out.extend_from_slice(b"{\"INVALID_JSON\":");
            write_str(out, other.as_str());
            out.push(b'}');
        }
    }
}

/// The id under which call and result find each other: the provider's, or ours where it gave none;
/// one of another provider that has other characters than the API takes (`^[a-zA-Z0-9_-]+$`) is
/// replaced by a hash of it.
pub(super) fn call_id(provider_id: &str, call: CallId) -> Cow<'_, str> {
    if provider_id.is_empty() {
        return Cow::Owned(call.to_string());
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if provider_id.bytes().all(fits) {
        return Cow::Borrowed(provider_id);
    }
    let mut digits = Hash::of(provider_id.as_bytes()).to_string();
    digits.truncate(24);
    Cow::Owned(format!("toolu_{digits}"))
}
