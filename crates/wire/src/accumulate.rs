//! The one place where events become a reply, whether they came in one body or in a thousand
//! frames. The parts come out in the order of their numbers, with ids and labels of their own
//! that the engine replaces by its own.

use std::borrow::Cow;
use std::sync::Arc;

use largestack_types::delta::Delta;
use largestack_types::errors::LargestackError;
use largestack_types::id::CallId;
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{
    Arguments, Body, Citation, Media, Native, Part, PartId, Reasoning, ToolCall,
};
use largestack_types::reply::{FinishReason, Reply};

use crate::event::WireEvent;
use crate::extras::Extras;

mod words;

use words::Words;

/// What came of a call: the reply as far as it got, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The reply, perhaps only its beginning.
    pub reply: Reply,
    /// The provider's failure after it had begun to answer.
    pub fault: Option<LargestackError>,
    /// Frames of unknown kinds, and frames that could not be read, in order: what and why.
    pub reports: Vec<String>,
}

/// Folds the events of one reply.
#[derive(Debug, Default)]
pub struct Accumulator {
    reply: Reply,
    parts: Vec<Option<Building>>,
    /// By part number; most replies have none.
    natives: Vec<(u32, Native)>,
    calls: u32,
    extras: Extras,
    fault: Option<LargestackError>,
    reports: Vec<String>,
    unreported: usize,
}

/// At most this many reports are kept; a stream of garbage must not fill the memory.
const MAX_REPORTS: usize = 32;

#[derive(Debug)]
enum Building {
    Text(Words),
    Refusal(Words),
    Reasoning { text: Words, signature: Option<Arc<str>>, redacted: bool, raw: Option<Json> },
    ToolCall { ordinal: u32, id: Arc<str>, name: Arc<str>, arguments: Words },
    Citation(Citation),
    Media(Media),
    ServerTool(Json),
    Unknown(Json),
}

impl Accumulator {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an event and says what a listener should hear of it.
    pub fn push_live(&mut self, event: &WireEvent<'_>) -> Option<Delta> {
        self.push(event);
        self.delta(event)
    }

    /// Takes an event.
    pub fn push(&mut self, event: &WireEvent<'_>) {
        match event {
            WireEvent::Identity { id, model } => {
                replace(&mut self.reply.id, id.as_deref());
                replace(&mut self.reply.model, model.as_deref());
            }
            WireEvent::Text { part, text } => {
                if let Building::Text(all) = self.part(*part, || Building::Text(Words::Empty)) {
                    all.push(text);
                }
            }
            WireEvent::Refusal { part, text } => {
                let empty = || Building::Refusal(Words::Empty);
                if let Building::Refusal(all) = self.part(*part, empty) {
                    all.push(text);
                }
            }
            WireEvent::Reasoning { part, text } => {
                if let Building::Reasoning { text: all, .. } = self.part(*part, empty_reasoning) {
                    all.push(text);
                }
            }
            WireEvent::ReasoningSeal { part, signature, redacted, raw } => {
                self.seal(*part, signature.as_deref(), *redacted, raw.as_ref());
            }
            WireEvent::ToolCall { part, id, name } => self.tool_call(*part, id, name),
            WireEvent::Arguments { part, text } => {
                if let Some(Some(Building::ToolCall { arguments, .. })) = self.slot(*part) {
                    arguments.push(text);
                }
            }
            WireEvent::Citation { part, citation } => {
                self.put(*part, Building::Citation(citation.clone()));
            }
            WireEvent::Media { part, media } => self.put(*part, Building::Media(media.clone())),
            WireEvent::ServerTool { part, raw } => {
                self.put(*part, Building::ServerTool(raw.clone()));
            }
            WireEvent::Unknown { part, raw } => self.put(*part, Building::Unknown(raw.clone())),
            WireEvent::Native { part, wire, fields } => self.native(*part, wire, fields),
            WireEvent::Usage { usage, raw } => {
                self.reply.usage = *usage;
                self.reply.raw_usage = Some(Json::from(*raw));
            }
            WireEvent::Finish { reason, raw } => {
                self.reply.finish_reason = *reason;
                self.reply.finish_reason_raw = Some(raw.as_ref().into());
            }
            WireEvent::Extra { place, key, value } => self.extras.add(*place, key, value),
            WireEvent::Ignored { what } => self.report(|| format!("ignored: {what}")),
            WireEvent::Malformed { detail } => self.report(|| format!("malformed: {detail}")),
            WireEvent::Fault(error) => {
                self.fault.get_or_insert_with(|| error.clone());
            }
        }
    }

    /// What a listener should hear of an event that was pushed.
    fn delta(&self, event: &WireEvent<'_>) -> Option<Delta> {
        let words = |text: &Cow<'_, str>| (!text.is_empty()).then(|| text.to_string());
        let ordinal = |part: u32| match self.parts.get(part as usize) {
            Some(Some(Building::ToolCall { ordinal, id, name, .. })) => Some((*ordinal, id, name)),
            _ => None,
        };
        match event {
            WireEvent::Text { text, .. } => words(text).map(|text| Delta::Text { text }),
            WireEvent::Reasoning { text, .. } => words(text).map(|text| Delta::Reasoning { text }),
            WireEvent::Refusal { text, .. } => words(text).map(|text| Delta::Refusal { text }),
            WireEvent::ToolCall { part, .. } => ordinal(*part).map(|(index, id, name)| {
                Delta::ToolCall { index, id: id.clone(), name: name.clone() }
            }),
            WireEvent::Arguments { part, text } => {
                let (index, ..) = ordinal(*part)?;
                words(text).map(|text| Delta::Arguments { index, text })
            }
            _ => None,
        }
    }

    /// Whether anything that a listener could have heard has arrived.
    pub fn has_begun(&self) -> bool {
        self.parts.iter().any(Option::is_some)
    }

    /// The provider's failure, if it reported one.
    pub const fn fault(&self) -> Option<&LargestackError> {
        self.fault.as_ref()
    }

    /// The reply as far as it got.
    pub fn finish(self) -> Outcome {
        let Self { mut reply, parts, mut natives, extras, fault, mut reports, unreported, .. } =
            self;
        let label = Label::from_origin(Origin::Agent);
        let built = (0..).zip(parts).filter_map(|(number, part)| Some((number, part?)));
        reply.parts = (0..)
            .zip(built)
            .map(|(index, (number, part))| {
                let known = natives.iter().position(|(of, _)| *of == number);
                let native = known.map(|known| natives.swap_remove(known).1);
                Part { id: PartId::new(0, index), label, body: part.body(), native }
            })
            .collect();
        reply.extras = extras.into_json();
        let refused = reply.parts.iter().any(|part| matches!(part.body, Body::Refusal(_)))
            && !reply.parts.iter().any(|part| matches!(part.body, Body::Text(_)));
        if refused && reply.finish_reason == FinishReason::Stop {
            reply.finish_reason = FinishReason::Refusal;
        }
        if fault.is_some() && reply.finish_reason_raw.is_none() {
            reply.finish_reason = FinishReason::Error;
        }
        if unreported > 0 {
            reports.push(format!("and {unreported} more"));
        }
        Outcome { reply, fault, reports }
    }

    fn native(&mut self, part: u32, wire: &'static str, fields: &Json) {
        let native = Native { wire: wire.into(), fields: fields.clone() };
        match self.natives.iter_mut().find(|(of, _)| *of == part) {
            Some((_, held)) => *held = native,
            None => self.natives.push((part, native)),
        }
    }

    fn slot(&mut self, part: u32) -> Option<&mut Option<Building>> {
        self.parts.get_mut(part as usize)
    }

    /// The part of this number, begun if it is new.
    fn part(&mut self, part: u32, begin: impl FnOnce() -> Building) -> &mut Building {
        let index = part as usize;
        if self.parts.len() <= index {
            self.parts.resize_with(index + 1, || None);
        }
        #[expect(clippy::indexing_slicing, reason = "the list was just made long enough")]
        self.parts[index].get_or_insert_with(begin)
    }

    fn put(&mut self, part: u32, built: Building) {
        let place = self.part(part, || Building::Text(Words::Empty));
        *place = built;
    }

    fn seal(&mut self, part: u32, seal: Option<&str>, withheld: bool, block: Option<&Json>) {
        if let Building::Reasoning { signature, redacted, raw, .. } =
            self.part(part, empty_reasoning)
        {
            replace(signature, seal);
            *redacted = withheld;
            if let Some(block) = block {
                *raw = Some(block.clone());
            }
        }
    }

    fn tool_call(&mut self, part: u32, new_id: &str, new_name: &str) {
        let calls = self.calls;
        let begin = || Building::ToolCall {
            ordinal: calls,
            id: new_id.into(),
            name: new_name.into(),
            arguments: Words::Empty,
        };
        if let Building::ToolCall { ordinal, id, name, .. } = self.part(part, begin) {
            // What is known already keeps its allocation.
            if !new_id.is_empty() && **id != *new_id {
                *id = new_id.into();
            }
            if !new_name.is_empty() && **name != *new_name {
                *name = new_name.into();
            }
            let next = *ordinal + 1;
            self.calls = self.calls.max(next);
        }
    }

    fn report(&mut self, line: impl FnOnce() -> String) {
        if self.reports.len() < MAX_REPORTS {
            self.reports.push(line());
        } else {
            self.unreported += 1;
        }
    }
}

impl Building {
    fn body(self) -> Body {
        match self {
            Self::Text(text) => Body::Text(text.into()),
            Self::Refusal(text) => Body::Refusal(text.into()),
            Self::Reasoning { text, signature, redacted, raw } => {
                Body::Reasoning(Reasoning { text: text.into(), signature, redacted, raw })
            }
            Self::ToolCall { id, name, arguments, .. } => Body::ToolCall(ToolCall {
                call: CallId::default(),
                provider_id: id,
                name,
                // Some servers write no arguments as null.
                arguments: Arguments::from_text(match arguments.as_str() {
                    text if text.trim() == "null" => "",
                    text => text,
                }),
            }),
            Self::Citation(citation) => Body::Citation(citation),
            Self::Media(media) => Body::Media(media),
            Self::ServerTool(raw) => Body::ServerTool(raw),
            Self::Unknown(raw) => Body::Unknown(raw),
        }
    }
}

const fn empty_reasoning() -> Building {
    Building::Reasoning { text: Words::Empty, signature: None, redacted: false, raw: None }
}

/// Replaces by a value that says something new; equal words keep their allocation.
fn replace(held: &mut Option<Arc<str>>, new: Option<&str>) {
    if let Some(new) = new
        && held.as_deref() != Some(new)
    {
        *held = Some(new.into());
    }
}

#[cfg(test)]
mod tests;
