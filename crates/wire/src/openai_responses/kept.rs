//! What stands beside a part: the fields that go back with it, and those that are only kept.

use std::borrow::Cow;

use largestack_types::json::Json;
use serde_json::value::RawValue;

use super::items::{Block, Emit, Kind, Words};
use super::shape::{Extra, Item, item};
use super::{NAME, beside};
use crate::event::WireEvent;
use crate::json::write;
use crate::overlay::SAID;

/// A text as JSON.
pub(super) fn text(words: &str) -> String {
    let mut out = Vec::new();
    write(&mut out, words);
    String::from_utf8(out).unwrap_or_default()
}

/// How the words of a reasoning item were cut into blocks.
pub(super) fn lengths(blocks: &[Block], content: &[&RawValue], summary: &[&RawValue]) -> String {
    let mut out = String::from("[");
    for block in blocks {
        let (kind, raws) = match block.words {
            Words::Summary => ("summary_text", summary),
            _ => ("reasoning_text", content),
        };
        let index = usize::try_from(block.index).unwrap_or(usize::MAX);
        let found = raws.get(index).map(|raw| item(raw)).unwrap_or_default();
        if out.len() > 1 {
            out.push(',');
        }
        let kind = found.kind.non_empty().unwrap_or(Cow::Borrowed(kind));
        out.push_str("{\"type\":");
        out.push_str(&text(&kind));
        out.push_str(",\"bytes\":");
        out.push_str(&block.sent.to_string());
        for (key, raw) in &found.rest {
            out.push(',');
            out.push_str(&text(key));
            out.push(':');
            out.push_str(raw.get());
        }
        out.push('}');
    }
    out.push(']');
    out
}

/// Fields that a provider adds to what it says and does not need back: what became of a call or
/// thought (a message's status is asked for), the odds of its words.
fn is_said_only(key: &str, kind: Kind) -> bool {
    key == "logprobs" || (key == "status" && kind != Kind::Message)
}

/// What goes back beside a part, and what is only kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// Whether ids go back.
    all: bool,
    kind: Kind,
    back: String,
    said: String,
}

impl Kept {
    pub(super) const fn new(all: bool, kind: Kind) -> Self {
        Self { all, kind, back: String::new(), said: String::new() }
    }

    pub(super) fn keep(&mut self, key: &str, value: &str) {
        add(&mut self.back, key, value);
    }

    pub(super) fn rest(&mut self, rest: &[Extra<'_>]) {
        for (key, raw) in rest {
            let to = if self.all && !is_said_only(key, self.kind) {
                &mut self.back
            } else {
                &mut self.said
            };
            add(to, key, raw.get());
        }
    }

    /// The fields of a text block.
    pub(super) fn block(&mut self, block: &Item<'_>, annotations: &[&RawValue], short: bool) {
        let mut inner = Self::new(!short, self.kind);
        if !annotations.is_empty() {
            let list: Vec<&str> = annotations.iter().map(|raw| raw.get()).collect();
            let to = if short { &mut inner.said } else { &mut inner.back };
            add(to, "annotations", &format!("[{}]", list.join(",")));
        }
        inner.rest(&block.rest);
        if short {
            for fields in [inner.back, inner.said].into_iter().filter(|text| !text.is_empty()) {
                if !self.said.is_empty() {
                    self.said.push(',');
                }
                self.said.push_str(&fields);
            }
        } else {
            let text = inner.text();
            self.keep(beside::BLOCK, &text);
        }
    }

    fn text(&self) -> String {
        let mut out = format!("{{{}", self.back);
        if !self.said.is_empty() {
            if !self.back.is_empty() {
                out.push(',');
            }
            out.push_str(&text(SAID));
            out.push_str(":{");
            out.push_str(&self.said);
            out.push('}');
        }
        out.push('}');
        out
    }

    pub(super) fn emit(&self, part: u32, emit: Emit<'_>) {
        native(part, self.text().into_bytes(), emit);
    }
}

fn add(to: &mut String, key: &str, value: &str) {
    if !to.is_empty() {
        to.push(',');
    }
    to.push_str(&text(key));
    to.push(':');
    to.push_str(value);
}

/// Says what stands beside a part.
pub(super) fn native(part: u32, fields: Vec<u8>, emit: Emit<'_>) {
    let fields = String::from_utf8(fields).ok().and_then(|text| Json::parse(text).ok());
    if let Some(fields) = fields {
        emit(WireEvent::Native { part, wire: NAME, fields });
    }
}
