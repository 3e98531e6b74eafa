//! The slots of a turn's tool calls: started in any order, answered in any order, written into the
//! history in the order of the calls.

use std::sync::Arc;

use largestack_types::id::{CallId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, PartId, ToolCall, ToolResult};

use super::{Phase, Run, SlotState, ToolSlot};
use crate::effect::Effect;
use crate::fingerprint;

impl ToolSlot {
    pub(super) fn due(&self) -> Option<Effect> {
        match self.state {
            SlotState::Due { approved } => {
                Some(Effect::Tool { id: self.effect, attempt: self.attempt, approved })
            }
            _ => None,
        }
    }

    fn result(&self) -> Option<&Arc<Message>> {
        match &self.state {
            SlotState::Done(message) => Some(message),
            _ => None,
        }
    }
}

/// What a call over a limit is answered with.
pub(super) const SKIPPED: &str = "Not run: a limit of this run has been reached.";

/// A tool result that the engine itself gives: refusals, skips, cancellations.
pub fn answer(call: &ToolCall, effect: EffectId, label: Label, text: &str) -> Message {
    let body = Body::ToolResult(ToolResult {
        call: CallId::of(effect),
        provider_id: Arc::clone(&call.provider_id),
        name: Arc::clone(&call.name),
        text: text.into(),
        media: Vec::new(),
        is_error: true,
        handle: None,
    });
    Message {
        role: Role::Tool,
        parts: vec![Part { id: PartId::at(effect, 0), label, body, native: None }],
        native: None,
    }
}

impl Run {
    /// Opens a slot for every tool call of the message just pushed.
    pub(super) fn open_slots(&mut self, message_index: u32) -> Vec<ToolSlot> {
        let Some(message) = self.messages.get(message_index as usize) else { return Vec::new() };
        let mut slots = Vec::new();
        for (index, part) in (0..).zip(&message.parts) {
            if matches!(part.body, Body::ToolCall(_)) {
                let effect = EffectId::new(self.next);
                self.next += 1;
                slots.push(ToolSlot {
                    effect,
                    attempt: 1,
                    at: (message_index, index),
                    state: SlotState::Due { approved: false },
                    revised: None,
                    asked_by: None,
                });
            }
        }
        slots
    }

    /// Changes what an effect's tool is called with.
    pub(super) fn revise(&mut self, effect: EffectId, arguments: Option<&Json>) {
        let Some(arguments) = arguments.cloned() else { return };
        let Some(at) = self.slot(effect).map(|slot| slot.at) else { return };
        let Some(mut part) = self.part(at).cloned() else { return };
        if let Body::ToolCall(call) = &mut part.body {
            call.arguments = Arguments::Json(arguments);
        }
        if let Some(slot) = self.slot(effect) {
            slot.revised = Some(Arc::new(part));
        }
    }

    pub(super) fn slot(&mut self, effect: EffectId) -> Option<&mut ToolSlot> {
        match &mut self.phase {
            Phase::Tools(slots) => slots.iter_mut().find(|slot| slot.effect == effect),
            _ => None,
        }
    }

    /// When every call has its result: writes them into the history in order and moves on.
    pub(super) fn close_turn_if_done(&mut self) {
        let Phase::Tools(slots) = &self.phase else { return };
        if !slots.iter().all(|slot| slot.result().is_some()) {
            return;
        }
        let results: Vec<_> = slots.iter().filter_map(|slot| slot.result().cloned()).collect();
        let calls = slots.iter().filter_map(|slot| self.part(slot.at)?.as_tool_call());
        let print = fingerprint::of_calls(calls);
        let count = results.len();
        for result in results {
            self.push(result);
        }
        for note in std::mem::take(&mut self.notes) {
            self.push(note);
        }
        let limits = &self.definition.limits;
        let thresholds = (limits.max_repeats, limits.max_idle_turns);
        let limit = self.loops.observe(print, count, &self.messages, thresholds);
        self.await_model();
        if let Some(limit) = limit {
            self.reach(limit);
        } else if self.turns >= self.definition.limits.max_turns {
            self.reach(crate::status::Limit::MaxTurns);
        }
    }

    /// Answers every call that has not started; those under way are the driver's to end.
    pub(super) fn skip_due_calls(&mut self) {
        let label = self.label.join(Label::from_origin(Origin::Operator));
        let due: Vec<EffectId> = match &self.phase {
            Phase::Tools(slots) => {
                slots.iter().filter(|slot| slot.due().is_some()).map(|slot| slot.effect).collect()
            }
            _ => Vec::new(),
        };
        for effect in due {
            let Some(call) = self.tool_call(effect).cloned() else { continue };
            let message = Arc::new(answer(&call, effect, label, SKIPPED));
            if let Some(slot) = self.slot(effect) {
                slot.state = SlotState::Done(message);
            }
        }
        self.close_turn_if_done();
    }

    /// Pairs every open call with a result, so that the history of an ended run stays usable.
    pub(super) fn close_open_calls(&mut self, text: &str) {
        let Phase::Tools(slots) = &self.phase else { return };
        let label = self.label.join(Label::from_origin(Origin::Operator));
        let messages: Vec<_> = slots
            .iter()
            .filter_map(|slot| {
                if let Some(result) = slot.result() {
                    return Some(Arc::clone(result));
                }
                let call = self.part(slot.at)?.as_tool_call()?;
                Some(Arc::new(answer(call, slot.effect, label, text)))
            })
            .collect();
        for message in messages {
            self.push(message);
        }
        self.phase = Phase::Over;
    }
}
