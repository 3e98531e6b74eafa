//! What the model said, on its way back as items. Its citations stand inside of the text blocks in
//! the protocol's own form, and media that it made inside of the item of the tool that made them.

use largestack_types::message::Message;
use largestack_types::part::{Arguments, Body, Native, Part, Reasoning, ToolCall};
use serde_json::value::RawValue;

use super::request::separate;
use super::{BETWEEN, NAME, beside, content};
use crate::escape::write_str;
use crate::json::{List, Object, Str, lenient};
use crate::overlay::{Overlay, Writer};

pub(super) fn write(out: &mut Vec<u8>, message: &Message) {
    let mut parts = message.parts.iter().peekable();
    while let Some(part) = parts.next() {
        let overlay = Overlay::of(part.native.as_ref(), NAME);
        let is_ours = Native::of(part.native.as_ref(), NAME).is_some();
        match &part.body {
            _ if overlay.get(beside::BLOCK).is_some() => {
                let mut item = vec![part];
                while let Some(next) = parts.next_if(|next| goes_on(next) || is_silent(next)) {
                    item.push(next);
                }
                separate(out);
                blocks(out, overlay, &item);
            }
            Body::Text(text) | Body::Refusal(text) if !text.is_empty() || is_ours => {
                separate(out);
                words(out, overlay, text);
            }
            Body::Reasoning(thought) if is_ours => {
                separate(out);
                reasoning(out, overlay, thought);
            }
            Body::ToolCall(call) => {
                separate(out);
                tool_call(out, overlay, call);
            }
            Body::ServerTool(raw) | Body::Unknown(raw) if is_ours => {
                separate(out);
                out.extend_from_slice(raw.as_str().as_bytes());
            }
            _ => {}
        }
    }
}

/// Whether a block belongs to the item of the block before it.
fn goes_on(part: &Part) -> bool {
    let overlay = Overlay::of(part.native.as_ref(), NAME);
    overlay.get(beside::BLOCK).is_some() && overlay.get(beside::WITH).is_some()
}

/// Parts that say again what other parts say in the protocol's form.
const fn is_silent(part: &Part) -> bool {
    matches!(part.body, Body::Citation(_)) && part.native.is_none()
}

/// Words in the short form: no item id, no blocks. What another provider said has this form, and
/// what a model said that does not reason.
fn words(out: &mut Vec<u8>, mut overlay: Overlay<'_>, text: &str) {
    overlay.take(beside::BARE);
    let mut object = Writer::begin(out, overlay);
    object.text("role", "assistant");
    object.text("content", text);
    object.end();
}

/// A message item with its blocks.
fn blocks(out: &mut Vec<u8>, mut overlay: Overlay<'_>, parts: &[&Part]) {
    overlay.take(beside::BLOCK);
    overlay.take(beside::WITH);
    let mut object = Writer::begin(out, overlay);
    object.text("type", "message");
    object.text("role", "assistant");
    object.field("content", |out| {
        out.push(b'[');
        for part in parts.iter().filter(|part| !is_silent(part)) {
            if !out.ends_with(b"[") {
                out.push(b',');
            }
            block(out, part);
        }
        out.push(b']');
    });
    object.end();
}

fn block(out: &mut Vec<u8>, part: &Part) {
    let overlay = Overlay::of(part.native.as_ref(), NAME).inner(beside::BLOCK);
    match &part.body {
        Body::Text(text) => {
            let mut object = Writer::begin(out, overlay);
            object.text("type", "output_text");
            object.text("text", text);
            object.field("annotations", |out| out.extend_from_slice(b"[]"));
            object.end();
        }
        Body::Refusal(text) => {
            let mut object = Writer::begin(out, overlay);
            object.text("type", "refusal");
            object.text("refusal", text);
            object.end();
        }
        Body::Unknown(raw) => out.extend_from_slice(raw.as_str().as_bytes()),
        _ => out.extend_from_slice(b"{}"),
    }
}

/// A reasoning item, cut into its blocks again.
fn reasoning(out: &mut Vec<u8>, mut overlay: Overlay<'_>, thought: &Reasoning) {
    let known = overlay.take(beside::BLOCKS).map_or("", RawValue::get);
    let (summary, content) = cut(thought, known);
    let mut object = Writer::begin(out, overlay);
    object.text("type", "reasoning");
    object.field("summary", |out| list(out, &summary));
    if !content.is_empty() {
        object.field("content", |out| list(out, &content));
    }
    if let Some(sealed) = &thought.signature {
        object.text("encrypted_content", sealed);
    }
    object.end();
}

fn list(out: &mut Vec<u8>, blocks: &[Vec<u8>]) {
    out.push(b'[');
    out.extend_from_slice(&blocks.join(&b','));
    out.push(b']');
}

/// The blocks of the summary and those of the content. Words that no longer fit their lengths, as
/// somebody changed them, are one block of the summary.
fn cut(thought: &Reasoning, known: &str) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let List(known) = lenient::<List<&RawValue>>(known);
    let (mut summary, mut content) = (Vec::new(), Vec::new());
    let mut rest = Some(&*thought.text);
    let mut first = true;
    for raw in &known {
        let mut overlay = lenient::<Object<Overlay<'_>>>(raw.get()).0;
        let kind = overlay.take("type").map_or("", RawValue::get);
        let kind = lenient::<Str<'_>>(kind).or_empty();
        let Some(bytes) = overlay.take(beside::BYTES) else {
            content.push(raw.get().as_bytes().to_vec());
            continue;
        };
        let between = if std::mem::take(&mut first) { "" } else { BETWEEN };
        let found = rest
            .and_then(|rest| rest.strip_prefix(between))
            .and_then(|rest| rest.split_at_checked(lenient::<usize>(bytes.get())));
        rest = found.map(|(_, behind)| behind);
        let Some((words, _)) = found else { break };
        let to = if kind == "summary_text" { &mut summary } else { &mut content };
        to.push(thought_block(&kind, words, overlay));
    }
    if rest == Some("") {
        return (summary, content);
    }
    (vec![thought_block("summary_text", &thought.text, Overlay::default())], Vec::new())
}

fn thought_block(kind: &str, words: &str, overlay: Overlay<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(words.len() + 40);
    let mut object = Writer::begin(&mut out, overlay);
    object.text("type", kind);
    object.text("text", words);
    object.end();
    out
}

fn tool_call(out: &mut Vec<u8>, overlay: Overlay<'_>, call: &ToolCall) {
    let custom = overlay.text("type").as_deref() == Some("custom_tool_call");
    let mut object = Writer::begin(out, overlay);
    object.text("type", "function_call");
    object.text("call_id", &content::call_id(&call.provider_id, call.call));
    object.text("name", &call.name);
    if custom {
        object.field("input", |out| input(out, &call.arguments));
    } else {
        object.text("arguments", call.arguments.as_str());
    }
    object.end();
}

/// The free text of a custom tool's input, which is a JSON string among our arguments.
fn input(out: &mut Vec<u8>, arguments: &Arguments) {
    match arguments {
        Arguments::Json(json) if json.as_str().starts_with('"') => {
            out.extend_from_slice(json.as_str().as_bytes());
        }
        other => write_str(out, other.as_str()),
    }
}
