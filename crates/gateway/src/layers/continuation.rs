//! Mid-stream continuation: what was delivered of a reply that broke off, the call that lets
//! another model go on behind it, and the seam between the two.

use std::sync::Arc;

use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::delta::Delta;
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Native, Part, PartId, Reasoning};
use largestack_types::reply::{FinishReason, Reply};
use largestack_wire::profile::Prefill;

mod seam;
pub(crate) use seam::Seam;

/// Bytes of delivered text that count as one token of the output limit.
const BYTES_PER_TOKEN: usize = 4;
/// Where the message with the delivered text stands among the ids: behind everything of a run.
const PREFILL_ID: PartId = PartId::new(u32::MAX, 0);

/// What a listener has heard of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivered {
    text: String,
    reasoning: String,
    /// Something was heard that nobody can go on from, or that is void when somebody does.
    other: bool,
    refused: bool,
}

impl Delivered {
    /// Takes what the listener hears now.
    pub(crate) fn take(&mut self, delta: &Delta) {
        match delta {
            Delta::Text { text } => self.text.push_str(text),
            Delta::Reasoning { text } => self.reasoning.push_str(text),
            Delta::Refusal { .. } => self.refused = true,
            _ => self.other = true,
        }
    }

    /// Everything heard so far is void.
    pub(crate) fn void(&mut self) {
        *self = Self::default();
    }

    /// Tool calls heard so far are void: they are asked for again.
    pub(crate) const fn void_calls(&mut self) {
        self.other = false;
    }

    /// Whether nothing was heard.
    pub(crate) const fn is_nothing(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty() && !self.other && !self.refused
    }

    /// Whether words of the answer were heard.
    pub(crate) const fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// Whether there are words to go on from.
    fn has_words(&self) -> bool {
        !self.refused && !self.text.trim_end().is_empty()
    }

    /// The call that lets a model of this kind go on, and the seam; `None` when it cannot. A
    /// schema or a tool that must be called is enforced from the first token on, so that a
    /// provider refuses a beginning of somebody else.
    pub(crate) fn continued(&self, call: &Call, prefill: Prefill) -> Option<(Call, Seam)> {
        let free = matches!(call.tool_choice, ToolChoice::Auto | ToolChoice::None)
            && call.settings.output_schema.is_none();
        if prefill == Prefill::No || !free || !self.has_words() {
            return None;
        }
        // Some providers refuse a beginning with a space at its end.
        let words = self.text.trim_end();
        let label = Label::from_origin(Origin::Agent);
        let mut message = Message::of_text(Role::Assistant, PREFILL_ID, label, words);
        if prefill == Prefill::Prefix {
            let fields = Json::of(&PrefixField { prefix: true }).ok()?;
            message.native = Some(Native { wire: "openai-chat".into(), fields });
        }
        let mut messages = Vec::clone(&call.messages);
        messages.push(Arc::new(message));
        let settings = Settings {
            max_output_tokens: call.settings.max_output_tokens.map(|most| self.rest_of(most)),
            // It has been thought already; and a beginning and thinking exclude each other.
            reasoning_effort: None,
            reasoning_budget_tokens: None,
            ..Settings::clone(&call.settings)
        };
        let (messages, settings) = (Arc::new(messages), Arc::new(settings));
        let call = Call { messages, settings, ..call.clone() };
        Some((call, Seam::behind(&self.text, prefill == Prefill::Prefix)))
    }

    /// What is left of an output limit.
    fn rest_of(&self, most: u32) -> u32 {
        let used = u32::try_from(self.text.len() / BYTES_PER_TOKEN).unwrap_or(u32::MAX);
        most.saturating_sub(used).max(1)
    }

    /// What was delivered, as a reply that broke off.
    pub(crate) fn surfaced(&self) -> Reply {
        let finish_reason = FinishReason::Error;
        Reply { parts: self.parts(), finish_reason, ..Reply::default() }
    }

    fn parts(&self) -> Vec<Part> {
        let part = |body| Part::new(PartId::default(), Label::from_origin(Origin::Agent), body);
        let thought = Reasoning { text: self.reasoning.as_str().into(), ..Reasoning::default() };
        let thought = (!self.reasoning.is_empty()).then(|| part(Body::Reasoning(thought)));
        let said = (!self.text.is_empty()).then(|| part(Body::Text(self.text.as_str().into())));
        thought.into_iter().chain(said).collect()
    }

    /// The whole reply: what was delivered before, and behind it what the last model said.
    pub(crate) fn spliced(&self, reply: &mut Reply, mut seam: Seam) {
        let mut last_text = None;
        for (index, part) in reply.parts.iter_mut().enumerate() {
            if let Body::Text(text) = &mut part.body {
                *text = seam.take(text).into();
                last_text = Some(index);
            }
        }
        let rest = seam.rest();
        if let Some(Part { body: Body::Text(text), .. }) =
            last_text.and_then(|index| reply.parts.get_mut(index)).filter(|_| !rest.is_empty())
        {
            *text = format!("{text}{rest}").into();
        }
        let mut parts = self.parts();
        let mut behind = std::mem::take(&mut reply.parts).into_iter().peekable();
        // One text, where nothing stands between its halves.
        if let Some(Part { body: Body::Text(before), .. }) = parts.last_mut()
            && let Some(Part { body: Body::Text(after), .. }) =
                behind.next_if(|part| part.as_text().is_some() && part.native.is_none())
        {
            *before = format!("{before}{after}").into();
        }
        parts.extend(behind);
        parts.retain(|part| part.as_text() != Some(""));
        reply.parts = parts;
    }
}

#[derive(serde::Serialize)]
struct PrefixField {
    prefix: bool,
}

#[cfg(test)]
mod tests;
