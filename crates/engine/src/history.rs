//! Earlier messages of a conversation, before they are a run's history: made whole where something
//! is missing, and cut where they are too many. A tool call and its result are never parted.

use std::collections::HashMap;
use std::sync::Arc;

use largestack_types::id::CallId;
use largestack_types::label::Label;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, PartId, ToolCall, ToolResult};

use crate::LAST_TURN;

/// How much of a conversation is recalled. Without either, all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// No more messages than this.
    pub messages: Option<u32>,
    /// No more tokens than this, by the measure that is given.
    pub tokens: Option<u64>,
}

/// What stands for a result that was never recorded.
const NO_RESULT: &str = "No result was recorded for this call.";

/// Places at which messages may be cut: where a user speaks and no call before is answered after.
/// In order; the end is one.
fn cuts(messages: &[Arc<Message>]) -> Vec<usize> {
    let mut open: HashMap<CallId, usize> = HashMap::new();
    let mut cuts = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if message.role == Role::User && open.values().all(|calls| *calls == 0) {
            cuts.push(at);
        }
        for part in &message.parts {
            match &part.body {
                Body::ToolCall(call) => *open.entry(call.call).or_default() += 1,
                Body::ToolResult(result) => {
                    if let Some(calls) = open.get_mut(&result.call) {
                        *calls = calls.saturating_sub(1);
                    }
                }
                _ => {}
            }
        }
    }
    cuts.push(messages.len());
    cuts
}

impl Window {
    /// The longest end of the messages that begins with a user's and is within the window; `tokens`
    /// says how many tokens a message can be at the most.
    pub fn of<'m>(
        &self,
        messages: &'m [Arc<Message>],
        tokens: impl Fn(&Message) -> u64,
    ) -> &'m [Arc<Message>] {
        let mut fitting = messages.len();
        let (mut length, mut sum) = (0_u64, 0_u64);
        let cuts = cuts(messages);
        let mut next = cuts.iter().rev().skip(1).peekable();
        for (at, message) in messages.iter().enumerate().rev() {
            length += 1;
            sum = sum.saturating_add(tokens(message));
            let beyond = self.messages.is_some_and(|most| length > u64::from(most))
                || self.tokens.is_some_and(|most| sum > most);
            if beyond {
                break;
            }
            if next.next_if_eq(&&at).is_some() {
                fitting = at;
            }
        }
        messages.get(fitting..).unwrap_or_default()
    }
}

/// The messages with every call answered and every answer asked for: a result that stands too late is
/// put where its call is, one without a call or one too many is left out, a call without a result gets
/// one that says so, and text that is blank is left out, with its message where that was all. What is
/// in order stays as it is.
pub fn repaired(messages: &[Arc<Message>]) -> Vec<Arc<Message>> {
    let mut whole: Vec<Arc<Message>> = Vec::with_capacity(messages.len());
    let mut open: Vec<Open> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if message.role != Role::Tool {
            let later = messages.get(at..).unwrap_or_default();
            answer(&mut whole, &mut open, later);
        }
        let mut keep = |part: &Part| match &part.body {
            Body::ToolResult(result) => take(&mut open, result.call).is_some(),
            _ => !is_blank(part),
        };
        let kept: Vec<bool> = message.parts.iter().map(&mut keep).collect();
        if kept.iter().all(|kept| *kept) && !message.parts.is_empty() {
            whole.push(Arc::clone(message));
        } else if kept.contains(&true) {
            let parts = message.parts.iter().zip(kept).filter(|(_, kept)| *kept);
            let parts = parts.map(|(part, _)| part.clone()).collect();
            whole.push(Arc::new(Message { parts, ..Message::clone(message) }));
        }
        open.extend(message.parts.iter().filter_map(|part| {
            let call = part.as_tool_call()?.clone();
            Some(Open { call, id: part.id, label: part.label })
        }));
    }
    answer(&mut whole, &mut open, &[]);
    whole
}

/// What of a run's own messages is worth telling later ones: replies that were sent back are left out
/// with what was said about them, and so is the note of a last turn.
pub fn memorable(own: &[Arc<Message>]) -> Vec<Arc<Message>> {
    let mut kept: Vec<Arc<Message>> = Vec::with_capacity(own.len());
    for message in own {
        // Only the first user's message is the user's: the others are stages and the engine.
        if message.role != Role::User || kept.is_empty() {
            kept.push(Arc::clone(message));
        } else if message.text() != LAST_TURN {
            let rejected = kept.iter().rposition(|message| message.role == Role::Assistant);
            kept.truncate(rejected.unwrap_or(kept.len()));
        }
    }
    kept
}

/// Text that says nothing, which some providers refuse.
fn is_blank(part: &Part) -> bool {
    part.as_text().is_some_and(|text| text.trim().is_empty())
}

/// A call without a result so far.
struct Open {
    call: ToolCall,
    id: PartId,
    label: Label,
}

fn take(open: &mut Vec<Open>, call: CallId) -> Option<Open> {
    let at = open.iter().position(|open| open.call.call == call)?;
    Some(open.remove(at))
}

/// Answers what was left open before somebody else speaks: with a result that stands later, unless
/// another call of the same id comes before it.
fn answer(whole: &mut Vec<Arc<Message>>, open: &mut Vec<Open>, later: &[Arc<Message>]) {
    if open.is_empty() {
        return;
    }
    let parts =
        open.drain(..).map(|open| later_result(&open, later).unwrap_or_else(|| open.none()));
    let parts = parts.collect();
    whole.push(Arc::new(Message::new(Role::Tool, parts)));
}

fn later_result(open: &Open, later: &[Arc<Message>]) -> Option<Part> {
    let mut parts = later.iter().flat_map(|message| &message.parts);
    let found = parts.find(|part| match &part.body {
        Body::ToolCall(call) => call.call == open.call.call,
        Body::ToolResult(result) => result.call == open.call.call,
        _ => false,
    });
    found.filter(|part| matches!(part.body, Body::ToolResult(_))).cloned()
}

impl Open {
    fn none(self) -> Part {
        let result = ToolResult {
            call: self.call.call,
            provider_id: self.call.provider_id,
            name: self.call.name,
            text: NO_RESULT.into(),
            media: Vec::new(),
            is_error: true,
            handle: None,
        };
        Part::new(self.id, self.label, Body::ToolResult(result))
    }
}

#[cfg(test)]
mod tests;
