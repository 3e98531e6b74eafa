//! The fold: how each event changes a run. The only place where one changes.

use std::sync::Arc;

use largestack_types::errors::{
    BudgetExceededError, Code, KillSwitchActivatedError, LargestackError, LoopDetectedError,
};
use largestack_types::id::EffectId;
use largestack_types::label::{Label, Origin};
use largestack_types::limits::OnLimit;
use largestack_types::message::{Message, Role};
use largestack_types::part::PartId;
use largestack_types::reply::FinishReason;

use super::check::Check;
use super::digest::Digesting;
use super::hooks::Gate;
use super::tools::SKIPPED;
use super::{FoldError, LAST_TURN, ModelSlot, Phase, Run, SlotState};
use crate::event::{
    CallRecord, CancelReason, CancelRequested, EffectStarted, Event, HookPoint, LimitReached,
    ModelFailed, ModelReplied, RunStarted, Steered, ToolReturned,
};
use crate::status::{End, EndReason, Limit, Status};

/// What a call that never finished is answered with when its run ends.
pub(super) const NOT_RUN: &str = "Not run: the run ended before this call finished.";
pub(super) const SENT_BACK: &str = "Not run: the reply that asked for it was sent back.";
impl Run {
    /// Folds one event. An error leaves the run as it was before, except for its count of events.
    pub fn apply(&mut self, event: &Event) -> Result<(), FoldError> {
        let kind = event.kind();
        self.seq += 1;
        let seq = self.seq;
        let misplaced = |why| FoldError::OutOfPlace { seq, kind, why };
        if self.end.is_some() {
            return Err(misplaced("the run has ended"));
        }
        if (self.phase == Phase::New) != matches!(event, Event::RunStarted(_)) {
            return Err(misplaced("a run starts once, first of all"));
        }
        let folded = match event {
            Event::RunStarted(data) => {
                self.start(data)?;
                true
            }
            Event::Resumed(_) => {
                self.lose_what_was_in_flight();
                true
            }
            Event::EffectStarted(data) => self.note_start(data),
            Event::Summarised(data) => self.summarised(data)?,
            Event::ModelReplied(data) => self.model_replied(data)?,
            Event::OutputChecked(data) => self.output_checked(data),
            Event::ModelFailed(data) => self.model_failed(data)?,
            Event::ToolReturned(data) => self.tool_returned(data)?,
            Event::ChildWaits(data) => self.child_waits(data),
            Event::CallWaits(data) => self.call_waits(data),
            Event::DoubtSettled(data) => self.settle_doubt(data),
            Event::ApprovalRequested(data) => self.approval_requested(data),
            Event::ApprovalAnswered(data) => self.approval_answered(data),
            Event::Guarded(_) | Event::PolicyDecided(_) => true,
            Event::Steered(data) => {
                self.steered(data);
                true
            }
            Event::Hooked(data) => self.hooked(data),
            Event::LimitReached(data) => {
                self.limit_reached(data);
                true
            }
            Event::TookOver(data) => {
                self.took_over(data)?;
                true
            }
            Event::Forked(data) => {
                self.forked(data)?;
                true
            }
            Event::Compacted(data) => {
                self.restore(data)?;
                true
            }
            Event::CancelRequested(data) => {
                self.cancel.get_or_insert_with(|| data.clone());
                true
            }
            Event::RunFinished(end) => {
                self.finish(end);
                true
            }
            Event::Graph(_) => return Err(misplaced("it belongs into the run of a graph")),
        };
        if folded {
            return Ok(());
        }
        let effect = named_effect(event).unwrap_or_default();
        Err(FoldError::NoSuchEffect { seq, kind, effect })
    }

    fn start(&mut self, data: &RunStarted) -> Result<(), FoldError> {
        self.root = data.root;
        self.session = data.session;
        if let Some(adjusted) = &data.adjusted {
            let unfit = |_| FoldError::OutOfPlace {
                seq: self.seq,
                kind: "run_started",
                why: "its settings do not fit together",
            };
            self.definition = Arc::new(adjusted.apply(&self.definition).map_err(unfit)?);
        }
        self.prepare_relay(data.adjusted.as_deref());
        let own = data.adjusted.as_ref().and_then(|adjusted| adjusted.instructions.as_deref());
        self.tell(own, &data.history, &data.input);
        let plan = data.recalled.as_ref().and_then(|recalled| recalled.summarise);
        self.await_digest_or_model(data.history.len(), plan);
        Ok(())
    }

    pub(super) fn push(&mut self, message: Arc<Message>) {
        if let Some(label) = message.label() {
            self.label = self.label.join(label);
        }
        Arc::make_mut(&mut self.messages).push(message);
    }

    pub(super) fn await_model(&mut self) {
        let effect = self.gate_before_model().unwrap_or_else(|| self.model_is_due());
        if self.last_turn.is_some() {
            self.push_last_turn_note(effect);
        }
    }

    /// A model call is due, whatever stands before it. Returns its effect.
    pub(super) fn model_is_due(&mut self) -> EffectId {
        let effect = EffectId::new(self.next);
        self.next += 1;
        self.phase = Phase::Model(ModelSlot { effect, attempt: 1, started: false });
        effect
    }

    fn push_last_turn_note(&mut self, effect: EffectId) {
        // Numbered by the call it asks for, which has no part of its own at this index.
        let id = PartId::at(effect, u32::MAX);
        let label = Label::from_origin(Origin::Operator);
        self.push(Arc::new(Message::of_text(Role::User, id, label, LAST_TURN)));
    }

    pub(super) fn lose_what_was_in_flight(&mut self) {
        match &mut self.phase {
            Phase::Model(slot)
            | Phase::Check(Check { slot, .. })
            | Phase::Digest(Digesting { slot, .. })
            | Phase::Gate(Gate { slot, .. })
                if slot.started =>
            {
                slot.started = false;
                slot.attempt += 1;
            }
            Phase::Tools(slots) => {
                let (messages, definition) = (&self.messages, &self.definition);
                for slot in slots.iter_mut() {
                    if matches!(slot.state, SlotState::Below(_)) {
                        // Whoever takes this run up may have brought what was waited for.
                        slot.attempt += 1;
                        slot.state = SlotState::Due { approved: true };
                    }
                    if slot.state != SlotState::Started {
                        continue;
                    }
                    let call = messages
                        .get(slot.at.0 as usize)
                        .and_then(|message| message.parts.get(slot.at.1 as usize)?.as_tool_call());
                    let spec = call.and_then(|call| definition.tool(&call.name));
                    slot.attempt += 1;
                    slot.state = if spec.is_some_and(|tool| tool.idempotent) {
                        SlotState::Due { approved: true }
                    } else {
                        SlotState::Doubtful
                    };
                }
            }
            _ => {}
        }
    }

    fn note_start(&mut self, data: &EffectStarted) -> bool {
        match &mut self.phase {
            Phase::Model(slot)
            | Phase::Check(Check { slot, .. })
            | Phase::Digest(Digesting { slot, .. })
            | Phase::Gate(Gate { slot, .. })
                if slot.effect == data.effect =>
            {
                slot.started = true;
                slot.attempt = data.attempt;
                true
            }
            _ => self
                .slot(data.effect)
                .map(|slot| {
                    slot.attempt = data.attempt;
                    slot.state = SlotState::Started;
                })
                .is_some(),
        }
    }

    fn is_due(&self, effect: EffectId) -> bool {
        matches!(&self.phase, Phase::Model(slot) if slot.effect == effect)
    }

    pub(super) fn book(&mut self, call: &CallRecord) -> Result<(), FoldError> {
        self.note_losses(&call.flags);
        self.spend(call)
    }

    fn spend(&mut self, call: &CallRecord) -> Result<(), FoldError> {
        self.usage = self.usage.plus(call.usage);
        self.cost =
            self.cost.checked_add(call.cost).map_err(|_| FoldError::Cost { seq: self.seq })?;
        Ok(())
    }

    fn model_replied(&mut self, data: &ModelReplied) -> Result<bool, FoldError> {
        if !self.is_due(data.effect) {
            return Ok(false);
        }
        self.book(&data.call)?;
        self.turns += 1;
        (self.change, self.error_seen) = (None, false);
        let index = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        self.push(Arc::clone(&data.message));
        if !self.gate_after_model(index, data.finish_reason) {
            self.settle_reply(index, data.finish_reason);
        }
        Ok(true)
    }

    /// What a reply leads to: its tool calls, or the end.
    pub(super) fn settle_reply(&mut self, index: u32, reason: FinishReason) {
        let slots = self.open_slots(index);
        if slots.is_empty() {
            self.phase = Phase::Over;
            let said = self.messages.get(index as usize);
            let says_something = said.is_some_and(|message| message.says_something());
            self.conclude_reply(reason, says_something);
            self.check_before_the_end();
            self.gate_before_the_end();
            return;
        }
        let asked = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        self.phase = Phase::Tools(slots);
        if let Some(limit) = self.last_turn {
            // Tools were not on offer any more; what it asked for is not run.
            self.conclusion = Some(End::plain(Status::Incomplete, limit.into()));
            if self.definition.hooks.on_final {
                self.close_open_calls(SKIPPED);
                self.gate_before_the_end();
            }
            return;
        }
        self.tool_calls = self.tool_calls.saturating_add(asked);
        let limits = &self.definition.limits;
        let on_error = limits.on_limit == OnLimit::Error;
        if limits.max_tool_calls.is_some_and(|max| self.tool_calls > max) {
            self.close_open_calls(SKIPPED);
            self.await_model();
            self.reach(Limit::MaxToolCalls);
        } else if on_error && self.turns >= limits.max_turns {
            self.reach(Limit::MaxTurns);
        }
    }

    /// A reply without tool calls is the answer; how whole it is depends on why it stopped.
    fn conclude_reply(&mut self, reason: FinishReason, says_something: bool) {
        let plain = |status, reason| Some(End::plain(status, reason));
        self.conclusion = match (self.last_turn, reason) {
            (_, FinishReason::Error) => Some(End::failed(LargestackError::other(
                Code::Provider,
                "the provider failed inside its reply",
            ))),
            (Some(limit), _) => plain(Status::Incomplete, limit.into()),
            (None, FinishReason::Pause) => {
                self.await_model();
                None
            }
            (None, FinishReason::Length) => plain(Status::Incomplete, EndReason::Length),
            (None, FinishReason::ContentFilter) => {
                plain(Status::Incomplete, EndReason::ContentFilter)
            }
            (None, FinishReason::Refusal) => plain(Status::Completed, EndReason::Refusal),
            (None, _) if !says_something => plain(Status::Incomplete, EndReason::Empty),
            (None, _) => plain(Status::Completed, EndReason::Stop),
        };
        if self.conclusion.is_none() && self.turns >= self.definition.limits.max_turns {
            self.reach(Limit::MaxTurns);
        }
    }

    fn model_failed(&mut self, data: &ModelFailed) -> Result<bool, FoldError> {
        if self.digest_failed(data)? {
            return Ok(true);
        }
        if !self.is_due(data.effect) {
            return Ok(false);
        }
        self.book(&data.call)?;
        if self.conclusion.is_some() || self.cancel.is_some() {
            // Cut off from outside; why was recorded before.
            self.phase = Phase::Over;
            return Ok(true);
        }
        let budget = matches!(data.error, LargestackError::BudgetExceededError(_));
        let finish = self.definition.limits.on_limit == OnLimit::Finish;
        if budget && finish && self.last_turn.is_none() && self.turns > 0 {
            self.await_model();
            self.reach(Limit::Budget);
        } else if self.goes_on_after(&data.error) {
            self.await_model();
        } else {
            self.phase = Phase::Over;
            self.conclusion = Some(End::failed(data.error.clone()));
        }
        Ok(true)
    }

    fn tool_returned(&mut self, data: &ToolReturned) -> Result<bool, FoldError> {
        if self.slot(data.effect).is_none() {
            return Ok(false);
        }
        for asked in &data.calls {
            self.spend(&asked.call)?;
        }
        let Some(slot) = self.slot(data.effect) else { return Ok(false) };
        let result = Arc::clone(&data.message);
        slot.state = match slot.state {
            SlotState::Held(approval, _) => SlotState::Held(approval, Some(result)),
            _ => SlotState::Done(result),
        };
        self.note_below(data);
        if let Some(error) = data.raise.as_ref().filter(|error| !self.goes_on_after(error)) {
            self.conclusion = Some(End::failed(error.clone()));
        } else {
            self.close_turn_if_done();
        }
        Ok(true)
    }

    /// The answer was sent back: the same turn goes on, unless turns have run out.
    fn steered(&mut self, data: &Steered) {
        self.conclusion = None;
        self.close_open_calls(SENT_BACK);
        self.push(Arc::clone(&data.feedback));
        self.await_model();
        if self.turns >= self.definition.limits.max_turns {
            self.reach(Limit::MaxTurns);
        }
    }

    fn limit_reached(&mut self, data: &LimitReached) {
        if self.definition.limits.on_limit == OnLimit::Error {
            self.conclusion = Some(End::failed(data.error.clone()));
        } else if matches!(&self.phase, Phase::Model(slot) if slot.started)
            || matches!(self.phase, Phase::Check(_) | Phase::Digest(_) | Phase::Gate(_))
            || self.last_turn.is_some()
        {
            // The limit fell into a model call, which was cut off: no time for another.
            self.conclusion = Some(End::plain(Status::Incomplete, data.limit.into()));
        } else {
            self.reach(data.limit);
        }
    }

    /// A limit was reached between two effects: one last turn, or an error.
    pub(super) fn reach(&mut self, limit: Limit) {
        if self.last_turn.is_some() || self.conclusion.is_some() {
            return;
        }
        if self.definition.limits.on_limit == OnLimit::Error {
            self.conclusion = Some(End::failed(self.limit_error(limit)));
            return;
        }
        self.last_turn = Some(limit);
        match &self.phase {
            Phase::Model(slot) => {
                let effect = slot.effect;
                self.push_last_turn_note(effect);
            }
            Phase::Gate(gate) if gate.at == HookPoint::BeforeModel => {
                let effect = gate.slot.effect;
                self.push_last_turn_note(effect);
            }
            Phase::Tools(_) => self.skip_due_calls(),
            Phase::New | Phase::Digest(_) | Phase::Check(_) | Phase::Gate(_) | Phase::Over => {}
        }
    }

    fn limit_error(&self, limit: Limit) -> LargestackError {
        match (limit, self.definition.limits.budget) {
            (Limit::Budget, Some(budget)) => BudgetExceededError {
                scope: "run".into(),
                committed: self.cost,
                needed: largestack_types::money::Money::ZERO,
                budget,
            }
            .into(),
            _ => LoopDetectedError { turns: self.turns, reason: limit.name().into() }.into(),
        }
    }

    fn finish(&mut self, end: &End) {
        self.withhold();
        self.close_the_history(NOT_RUN);
        self.phase = Phase::Over;
        if let Some(answer) = self.interrupted.take() {
            self.push(answer);
        }
        self.end = Some(end.clone());
    }
}

/// The end that a request from outside leads to.
pub(crate) fn end_of_cancel(cancel: &CancelRequested) -> End {
    match cancel.reason {
        CancelReason::KillSwitch => End {
            status: Status::Cancelled,
            reason: EndReason::KillSwitch,
            error: Some(
                KillSwitchActivatedError {
                    by: cancel.by.as_ref().to_owned(),
                    reason: cancel.note.as_ref().to_owned(),
                }
                .into(),
            ),
        },
        _ => End::plain(Status::Cancelled, EndReason::Cancelled),
    }
}

fn named_effect(event: &Event) -> Option<EffectId> {
    match event {
        Event::EffectStarted(data) => Some(data.effect),
        Event::Summarised(data) => Some(data.effect),
        Event::ModelReplied(data) => Some(data.effect),
        Event::OutputChecked(data) => Some(data.effect),
        Event::ModelFailed(data) => Some(data.effect),
        Event::ToolReturned(data) => Some(data.effect),
        Event::ChildWaits(data) => Some(data.effect),
        Event::CallWaits(data) => Some(data.effect),
        Event::DoubtSettled(data) => Some(data.effect),
        Event::Hooked(data) => Some(data.effect),
        Event::ApprovalRequested(data) => Some(data.effect),
        Event::ApprovalAnswered(data) => Some(data.effect),
        _ => None,
    }
}
