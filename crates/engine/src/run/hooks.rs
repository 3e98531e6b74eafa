//! Hooks: the part of the fold in which a run waits for one and does what it decided.

use std::sync::Arc;

use largestack_types::id::{ApprovalId, EffectId};
use largestack_types::message::{Message, Role};
use largestack_types::part::Body;
use largestack_types::reply::FinishReason;
use serde::{Deserialize, Serialize};

use super::apply::{NOT_RUN, SENT_BACK};
use super::{ModelSlot, Phase, Run, SlotState};
use crate::event::{Changed, HookPoint, HookVerdict, Hooked};
use crate::status::{End, EndReason, Limit, Status};

/// A run that waits for a hook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Gate {
    pub(super) slot: ModelSlot,
    pub(super) at: HookPoint,
    /// The reply that is looked at: its place in the history, and why the model stopped.
    reply: Option<(u32, FinishReason)>,
    /// How the run ends when nobody minds.
    end: Option<End>,
    /// The question that a person has to answer first.
    pub(super) waiting: Option<ApprovalId>,
    /// Who asked it.
    pub(super) asked_by: Option<Arc<str>>,
}

impl Run {
    fn gate(&mut self, at: HookPoint, reply: Option<(u32, FinishReason)>, end: Option<End>) {
        let effect = EffectId::new(self.next);
        self.next += 1;
        let slot = ModelSlot { effect, attempt: 1, started: false };
        self.phase = Phase::Gate(Gate { slot, at, reply, end, waiting: None, asked_by: None });
    }

    /// Waits for the hooks before the model, where there are some. Returns the effect.
    pub(super) fn gate_before_model(&mut self) -> Option<EffectId> {
        let hooked = self.definition.hooks.before_model;
        hooked.then(|| {
            self.gate(HookPoint::BeforeModel, None, None);
            EffectId::new(self.next - 1)
        })
    }

    /// Waits for the hooks after the model, where there are some.
    pub(super) fn gate_after_model(&mut self, index: u32, reason: FinishReason) -> bool {
        if !self.definition.hooks.after_model {
            return false;
        }
        self.gate(HookPoint::AfterModel, Some((index, reason)), None);
        true
    }

    /// Holds an end with an answer back until the hooks have seen the answer.
    pub(super) fn gate_before_the_end(&mut self) {
        if !self.definition.hooks.on_final || self.output().is_none() {
            return;
        }
        if let Some(end) = self.conclusion.take_if(|end| end.error.is_none()) {
            self.gate(HookPoint::OnFinal, None, Some(end));
        }
    }

    /// Where a hook is due or under way, and the stage behind which it goes on.
    pub fn hook(&self, effect: EffectId) -> Option<(HookPoint, Option<&Arc<str>>)> {
        match &self.phase {
            Phase::Gate(gate) if gate.slot.effect == effect => {
                Some((gate.at, gate.asked_by.as_ref()))
            }
            _ => None,
        }
    }

    /// Whether it is still looked at what the model said last.
    pub fn weighs(&self) -> bool {
        match &self.phase {
            Phase::Check(_) => true,
            Phase::Gate(gate) => gate.at != HookPoint::BeforeModel,
            _ => false,
        }
    }

    /// The effect of the hooks on the failure that the run would end with now.
    pub fn error_hook(&self) -> Option<EffectId> {
        let failed = self.conclusion.as_ref().is_some_and(|end| end.error.is_some());
        let due = self.definition.hooks.on_error && !self.error_seen;
        (failed && due && self.cancel.is_none() && self.end.is_none())
            .then(|| EffectId::new(self.next))
    }

    pub(super) fn hooked(&mut self, data: &Hooked) -> bool {
        if data.at == HookPoint::OnError && data.verdict == HookVerdict::CutOff {
            self.error_seen = true;
        }
        match data.at {
            _ if data.verdict == HookVerdict::CutOff => {
                if let Phase::Gate(gate) = &mut self.phase {
                    gate.slot.started = false;
                }
                true
            }
            HookPoint::BeforeTool | HookPoint::AfterTool => self.tool_hooked(data),
            HookPoint::OnError if self.error_hook() == Some(data.effect) => {
                self.error_hooked(data);
                true
            }
            _ => self.gate_hooked(data),
        }
    }

    /// A tool's hook: its result follows with the tool's own event.
    fn tool_hooked(&mut self, data: &Hooked) -> bool {
        if let Some(Changed::Arguments(arguments)) = data.changed.as_deref() {
            self.revise(data.effect, Some(arguments));
        }
        let Some(slot) = self.slot(data.effect) else { return false };
        slot.asked_by = Some(Arc::clone(&data.hook));
        match &data.verdict {
            HookVerdict::Interrupted(answer) => self.interrupt(answer),
            HookVerdict::Guided(Some(note)) | HookVerdict::Discarded(Some(note)) => {
                self.notes.push(Arc::clone(note));
            }
            HookVerdict::Failed(error) => self.conclusion = Some(End::failed(error.clone())),
            // The result follows, and waits.
            HookVerdict::Paused => slot.state = SlotState::Held(None, None),
            _ => {}
        }
        true
    }

    fn gate_hooked(&mut self, data: &Hooked) -> bool {
        let Phase::Gate(gate) = &mut self.phase else { return false };
        if gate.slot.effect != data.effect {
            return false;
        }
        gate.slot.started = false;
        if self.conclusion.is_some() || self.cancel.is_some() {
            // Cut off from outside; why was recorded before.
            return true;
        }
        let gate = gate.clone();
        let seen = gate.reply.map(|(index, _)| index as usize).or_else(|| self.answer_at());
        match data.changed.as_deref() {
            Some(Changed::Call(change)) => self.change = Some(Box::new(change.clone())),
            Some(Changed::Reply(reply)) => self.put(seen, reply),
            _ => {}
        }
        match &data.verdict {
            HookVerdict::Paused | HookVerdict::CutOff => {}
            HookVerdict::Failed(error) => self.conclusion = Some(End::failed(error.clone())),
            HookVerdict::Interrupted(answer) => {
                if gate.at == HookPoint::OnFinal {
                    self.retract(seen);
                }
                self.interrupt(answer);
            }
            HookVerdict::Proceeded => self.pass(gate),
            HookVerdict::Guided(note) => self.sent_back_by(&gate, note.as_ref()),
            HookVerdict::Discarded(note) => {
                self.retract(seen);
                self.sent_back_by(&Gate { reply: None, ..gate }, note.as_ref());
            }
        }
        true
    }

    /// Nobody minds: what the hooks stood before happens.
    fn pass(&mut self, gate: Gate) {
        self.phase = Phase::Over;
        match (gate.at, gate.reply) {
            (HookPoint::BeforeModel, _) => _ = self.model_is_due(),
            (HookPoint::AfterModel, Some((index, reason))) => self.settle_reply(index, reason),
            (HookPoint::OnError, _) => self.ask_again(),
            _ => self.conclusion = gate.end,
        }
    }

    /// The model reads a note and is asked (again).
    fn sent_back_by(&mut self, gate: &Gate, note: Option<&Arc<Message>>) {
        self.phase = Phase::Over;
        if let Some((index, _)) = gate.reply {
            self.phase = Phase::Tools(self.open_slots(index));
            self.close_open_calls(SENT_BACK);
        }
        if let Some(note) = note {
            self.push(Arc::clone(note));
        }
        match (gate.at, note) {
            (HookPoint::BeforeModel, Some(_)) => _ = self.model_is_due(),
            (HookPoint::BeforeModel, None) => {
                self.conclusion = Some(End::plain(Status::Incomplete, EndReason::Steered));
            }
            _ => self.ask_again(),
        }
    }

    /// One more turn, as far as turns go.
    fn ask_again(&mut self) {
        if let Some(limit) = self.last_turn {
            self.conclusion = Some(End::plain(Status::Incomplete, limit.into()));
            return;
        }
        self.await_model();
        if self.turns >= self.definition.limits.max_turns {
            self.reach(Limit::MaxTurns);
        }
    }

    fn error_hooked(&mut self, data: &Hooked) {
        self.next += 1;
        self.close_the_history(NOT_RUN);
        self.phase = Phase::Over;
        self.error_seen = true;
        if let Some(Changed::Error(error)) = data.changed.as_deref() {
            self.conclusion = Some(End::failed(error.clone()));
        }
        match &data.verdict {
            HookVerdict::Proceeded | HookVerdict::CutOff => {}
            HookVerdict::Failed(error) => self.conclusion = Some(End::failed(error.clone())),
            HookVerdict::Interrupted(answer) => self.interrupt(answer),
            HookVerdict::Paused => {
                let end = self.conclusion.take();
                let slot = ModelSlot { effect: data.effect, attempt: 1, started: true };
                let gate = Gate {
                    slot,
                    at: HookPoint::OnError,
                    reply: None,
                    end,
                    waiting: None,
                    asked_by: None,
                };
                self.phase = Phase::Gate(gate);
            }
            HookVerdict::Guided(note) | HookVerdict::Discarded(note) => {
                (self.conclusion, self.error_seen) = (None, false);
                // A failed turn counts, so that no hook can try for ever.
                self.turns += 1;
                if let Some(note) = note {
                    self.push(Arc::clone(note));
                }
                self.ask_again();
            }
        }
    }

    /// The run ends with a hook's own answer, once its history is closed.
    fn interrupt(&mut self, answer: &Arc<Message>) {
        self.interrupted = Some(Arc::clone(answer));
        (self.accepted, self.value) = (false, None);
        self.conclusion = Some(End::plain(Status::Completed, EndReason::Steered));
    }

    /// A question of a hook's; whether it was one.
    pub(super) fn gate_asks(
        &mut self,
        effect: EffectId,
        approval: ApprovalId,
        by: &Arc<str>,
    ) -> bool {
        let Phase::Gate(gate) = &mut self.phase else { return false };
        if gate.slot.effect != effect {
            return false;
        }
        gate.slot.started = false;
        gate.waiting = Some(approval);
        gate.asked_by = Some(Arc::clone(by));
        true
    }

    /// What becomes of a hook's question; whether it was one.
    pub(super) fn gate_answered(&mut self, effect: EffectId, approved: bool) -> bool {
        let Phase::Gate(gate) = &mut self.phase else { return false };
        if gate.slot.effect != effect {
            return false;
        }
        gate.waiting = None;
        let gate = gate.clone();
        match (approved, gate.at) {
            (true, HookPoint::OnError) => {
                (self.turns, self.error_seen) = (self.turns + 1, false);
                self.pass(gate);
            }
            // The hooks behind the one that asked are still to be heard.
            (true, _) => {}
            (false, HookPoint::OnError) => {
                self.phase = Phase::Over;
                self.conclusion = gate.end;
            }
            (false, at) => {
                let seen = gate.reply.map(|(index, _)| index as usize);
                if at != HookPoint::BeforeModel {
                    self.retract(seen.or_else(|| self.answer_at()));
                }
                self.phase = Phase::Over;
                self.conclusion = Some(End::plain(Status::Incomplete, EndReason::Steered));
            }
        }
        true
    }

    fn answer_at(&self) -> Option<usize> {
        let spoken =
            |message: &Arc<Message>| message.role == Role::Assistant && message.says_something();
        let at = self.messages.iter().rposition(spoken)?;
        (at >= self.first as usize).then_some(at)
    }

    fn put(&mut self, at: Option<usize>, message: &Arc<Message>) {
        let messages = Arc::make_mut(&mut self.messages);
        if let Some(place) = at.and_then(|at| messages.get_mut(at)) {
            *place = Arc::clone(message);
        }
    }

    /// Takes back what was said. Calls that have their results stay, without the words.
    fn retract(&mut self, at: Option<usize>) {
        let Some(at) = at else { return };
        let answered = self.messages.get(at + 1).is_some_and(|next| next.role == Role::Tool);
        let messages = Arc::make_mut(&mut self.messages);
        if !answered {
            if at < messages.len() {
                messages.remove(at);
            }
        } else if let Some(place) = messages.get_mut(at) {
            let mut silent = Message::clone(place);
            silent.parts.retain(|part| matches!(part.body, Body::ToolCall(_)));
            *place = Arc::new(silent);
        }
    }

    /// Takes back what the hooks had not let pass when the run was cut off: nobody is to read it.
    pub(super) fn withhold(&mut self) {
        let Phase::Gate(gate) = &self.phase else { return };
        if matches!(gate.at, HookPoint::AfterModel | HookPoint::OnFinal) {
            let seen = gate.reply.map(|(index, _)| index as usize).or_else(|| self.answer_at());
            self.retract(seen);
            self.phase = Phase::Over;
        }
    }

    /// Pairs every call with a result, also those of a reply that is still looked at.
    pub(super) fn close_the_history(&mut self, text: &str) {
        if let Phase::Gate(Gate { reply: Some((index, _)), .. }) = self.phase {
            self.phase = Phase::Tools(self.open_slots(index));
        }
        self.close_open_calls(text);
    }

    /// The reply that hooks look at, and why the model stopped.
    pub fn weighed_reply(&self) -> Option<(&Arc<Message>, FinishReason)> {
        let Phase::Gate(Gate { reply: Some((index, reason)), .. }) = &self.phase else {
            return None;
        };
        self.messages.get(*index as usize).map(|message| (message, *reason))
    }

    /// How the run ends when the hooks do not mind the answer.
    pub fn weighed_end(&self) -> Option<&End> {
        match &self.phase {
            Phase::Gate(gate) => gate.end.as_ref(),
            _ => None,
        }
    }

    /// Whether this effect's call may start.
    pub fn is_open(&self, effect: EffectId) -> bool {
        let Phase::Tools(slots) = &self.phase else { return false };
        slots.iter().any(|slot| slot.effect == effect && slot.due().is_some())
    }

    /// Whether a hook asks a person about this effect, and not about a call.
    pub fn hook_asks(&self, effect: EffectId) -> bool {
        match &self.phase {
            Phase::Gate(gate) => gate.slot.effect == effect,
            Phase::Tools(slots) => slots
                .iter()
                .any(|slot| slot.effect == effect && matches!(slot.state, SlotState::Held(..))),
            _ => false,
        }
    }
}
