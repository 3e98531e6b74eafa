//! Questions to people: the part of the fold in which something waits for an answer.

use std::sync::Arc;

use super::tools::answer;
use super::{Run, SlotState};
use crate::event::{ApprovalAnswered, ApprovalRequested};
use largestack_types::part::Arguments;

impl Run {
    pub(super) fn approval_requested(&mut self, data: &ApprovalRequested) -> bool {
        if self.gate_asks(data.effect, data.approval, &data.stage) {
            return true;
        }
        if !self.hook_asks(data.effect) {
            self.revise(data.effect, data.arguments.as_ref());
        }
        let Some(slot) = self.slot(data.effect) else { return false };
        slot.state = match &slot.state {
            SlotState::Held(_, result) => SlotState::Held(Some(data.approval), result.clone()),
            _ => SlotState::Waiting(data.approval),
        };
        slot.asked_by = Some(Arc::clone(&data.stage));
        true
    }

    pub(super) fn approval_answered(&mut self, data: &ApprovalAnswered) -> bool {
        if self.gate_answered(data.effect, data.approved) {
            return true;
        }
        let label = self.label;
        let call = self.tool_call(data.effect).cloned();
        let Some((slot, call)) = self.slot(data.effect).zip(call) else { return false };
        if let (true, SlotState::Held(_, Some(result))) = (data.approved, &slot.state) {
            slot.state = SlotState::Done(Arc::clone(result));
            self.close_turn_if_done();
        } else if data.approved {
            slot.state = SlotState::Due { approved: true };
            let written = data.arguments.clone().map(Arguments::Json);
            if written.is_some_and(|written| written != call.arguments) {
                // Nobody has heard these: every hook is asked about them.
                slot.asked_by = None;
                self.revise(data.effect, data.arguments.as_ref());
            }
        } else {
            let note = data.note.as_deref().unwrap_or("A person refused this call.");
            let text = answer(&call, data.effect, label, note);
            slot.state = SlotState::Done(Arc::new(text));
            self.close_turn_if_done();
        }
        true
    }
}
