//! Leaving another run's history: what had been in flight there is lost or in doubt here, what had been
//! asked or agreed to is asked anew, and what had been spent was spent there.

use std::sync::Arc;

use largestack_types::id::{EffectId, RunId};
use largestack_types::label::Origin;
use largestack_types::message::{Message, Role};
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use serde::{Deserialize, Serialize};

use super::{FoldError, Phase, Run, SlotState, ToolSlot, takeover};
use crate::event::{Adjusted, Forked};
use crate::limits::LoopDetector;

/// What a call is answered with that was open where the run was forked, and something else is asked.
const LEFT: &str = "Not run: the conversation went on elsewhere.";

/// Where a run has left another one's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// The run that was forked.
    pub of: RunId,
    /// Its last event that both have.
    pub at: u64,
    /// Tokens up to there, with those of the runs below. They are no part of this run's own.
    pub usage: Usage,
    /// What that cost, and was paid for by the other run.
    pub cost: Money,
    /// Trees under which the vault keeps what placeholders of the shared events stand for.
    pub values: Vec<RunId>,
}

impl Run {
    /// Where it has left another run's history, if it did.
    pub fn branch(&self) -> Option<&Branch> {
        self.branch.as_deref()
    }

    /// The effect by which the parts of an input are numbered that a fork asks here: the one that
    /// takes the place of the first input has its number.
    pub fn fork_effect(&self) -> EffectId {
        if self.has_answered() { EffectId::new(self.next) } else { EffectId::INPUT }
    }

    fn has_answered(&self) -> bool {
        self.own_messages().len() > 1 && self.turns > 0
    }

    pub(super) fn forked(&mut self, data: &Forked) -> Result<(), FoldError> {
        let misplaced = |why| FoldError::OutOfPlace { seq: self.seq, kind: "forked", why };
        if data.at + 1 != self.seq {
            return Err(misplaced("it names another event than the one before it"));
        }
        if self.holds_a_result() {
            return Err(misplaced("a result waits for a person there: fork before or behind it"));
        }
        let over = self.phase == Phase::Over || self.conclusion.is_some();
        if over && data.input.is_none() {
            return Err(misplaced("the run was over there, and nothing else is asked"));
        }
        if let Some(adjusted) = &data.adjusted {
            self.adjust(adjusted)?;
        }
        self.leave(data);
        self.doubt_what_the_other_goes_on_with();
        self.lose_what_was_in_flight();
        self.ask_anew();
        match &data.input {
            Some(input) => self.ask_this(input, over),
            None => Ok(()),
        }
    }

    /// Whether a result is there that waits for a person: nothing could ask again about it.
    fn holds_a_result(&self) -> bool {
        let Phase::Tools(slots) = &self.phase else { return false };
        slots.iter().any(|slot| matches!(slot.state, SlotState::Held(..)))
    }

    fn adjust(&mut self, adjusted: &Adjusted) -> Result<(), FoldError> {
        let seq = self.seq;
        let misplaced = |why| FoldError::OutOfPlace { seq, kind: "forked", why };
        let definition = adjusted.apply(&self.definition);
        let definition = definition.map_err(|_| misplaced("its settings do not fit together"))?;
        if let Some(own) = &adjusted.instructions {
            let first = self.messages.first().map(|message| message.role);
            if first != Some(Role::System) {
                return Err(misplaced("the run has no instructions that others could replace"));
            }
            self.put_first(own);
        }
        self.definition = Arc::new(definition);
        Ok(())
    }

    fn put_first(&mut self, instructions: &Arc<Message>) {
        if let Some(label) = instructions.label() {
            self.label = self.label.join(label);
        }
        if let Some(place) = Arc::make_mut(&mut self.messages).first_mut() {
            *place = Arc::clone(instructions);
        }
    }

    /// It is a run of its own from here on, which has spent nothing.
    fn leave(&mut self, data: &Forked) {
        let before = self.branch.take().map_or_else(Default::default, |b| (b.usage, b.cost));
        let (usage, cost): (Usage, Money) = before;
        self.branch = Some(Box::new(Branch {
            of: data.of,
            at: data.at,
            usage: usage.plus(self.tree_usage()),
            cost: cost.checked_add(self.tree_cost()).unwrap_or(Money::MAX),
            values: data.values.clone(),
        }));
        (self.usage, self.cost) = (Usage::default(), Money::ZERO);
        self.children.clear();
        (self.root, self.session, self.cancel) = (self.id, None, None);
        let budget = self.definition.limits.budget;
        if let Some(relay) = &mut self.relay {
            takeover::forked(relay, data.adjusted.as_deref(), budget);
        }
    }

    /// The other run goes on with the runs that its calls have begun, and with what somebody has decided
    /// to begin again there: here nobody does before somebody says so.
    fn doubt_what_the_other_goes_on_with(&mut self) {
        let Phase::Tools(slots) = &self.phase else { return };
        let doubtful = |slot: &ToolSlot| {
            let call = self.part(slot.at).and_then(|part| part.as_tool_call());
            let spec = call.and_then(|call| self.definition.tool(&call.name));
            // Calls of agents and of scripts are runs below; a call that is idempotent is only repeated.
            let below = spec.is_some_and(|tool| tool.origin == Origin::Agent);
            let again = below || spec.is_none_or(|tool| !tool.idempotent);
            match slot.state {
                SlotState::Below(_) => true,
                SlotState::Started => below,
                SlotState::Due { .. } => again && slot.attempt > 1,
                _ => false,
            }
        };
        let doubtful: Vec<bool> = slots.iter().map(doubtful).collect();
        let Phase::Tools(slots) = &mut self.phase else { return };
        for (slot, _) in slots.iter_mut().zip(doubtful).filter(|(_, doubtful)| *doubtful) {
            slot.state = SlotState::Doubtful;
        }
    }

    /// What waited for a person has not been asked here, and what somebody has agreed to is what the
    /// other run does.
    fn ask_anew(&mut self) {
        match &mut self.phase {
            Phase::Gate(gate) => {
                (gate.waiting, gate.asked_by) = (None, None);
                gate.slot.started = false;
            }
            Phase::Tools(slots) => {
                for slot in slots.iter_mut() {
                    let agreed = SlotState::Due { approved: true };
                    if matches!(slot.state, SlotState::Waiting(_)) || slot.state == agreed {
                        slot.state = SlotState::Due { approved: false };
                        (slot.asked_by, slot.revised) = (None, None);
                    }
                }
            }
            _ => {}
        }
    }

    /// Asks this instead of what was asked, where that has not been answered; else behind it.
    fn ask_this(&mut self, input: &Arc<Message>, over: bool) -> Result<(), FoldError> {
        if self.has_answered() {
            self.withhold();
            self.close_the_history(LEFT);
            self.next += 1;
            self.first = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
            self.push(Arc::clone(input));
            (self.turns, self.tool_calls, self.retried, self.sent_back) = (0, 0, 0, 0);
            self.loops = LoopDetector::default();
        } else {
            let seq = self.seq;
            let place = Arc::make_mut(&mut self.messages).get_mut(self.first as usize);
            let place = place.ok_or(FoldError::OutOfPlace {
                seq,
                kind: "forked",
                why: "nothing was asked before",
            })?;
            *place = Arc::clone(input);
            if let Some(label) = input.label() {
                self.label = self.label.join(label);
            }
            if !over && !matches!(self.phase, Phase::Gate(_)) {
                return Ok(());
            }
        }
        (self.conclusion, self.last_turn, self.interrupted) = (None, None, None);
        (self.accepted, self.value, self.error_seen) = (false, None, false);
        (self.change, self.notes) = (None, Vec::new());
        self.await_model();
        Ok(())
    }
}
