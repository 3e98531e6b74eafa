//! What a run waits for that no effect of its own brings about: people, runs below, decisions, events
//! from outside, moments.

use std::sync::Arc;

use largestack_types::id::{ApprovalId, EffectId, RunId};
use largestack_types::time::Timestamp;

use super::{Phase, Run, SlotState};
use crate::event::CallWaits;
use crate::status::Status;

/// Something a suspended run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The answer of a person.
    Approval {
        /// The call that waits.
        effect: EffectId,
        /// The question.
        approval: ApprovalId,
    },
    /// Whatever a run that was started from here waits for.
    Child {
        /// The call that started it.
        effect: EffectId,
        /// The run.
        run: RunId,
    },
    /// A decision about a call in doubt.
    Doubt {
        /// The call.
        effect: EffectId,
    },
    /// Something from outside.
    Event {
        /// The call that waits.
        effect: EffectId,
        /// What it waits for.
        name: Arc<str>,
        /// When it waits no longer.
        until: Option<Timestamp>,
    },
    /// A moment.
    Timer {
        /// The call that waits.
        effect: EffectId,
        /// The moment.
        until: Timestamp,
    },
}

impl Run {
    /// What a suspended run waits for.
    pub fn waits(&self) -> Vec<Wait> {
        if let Phase::Gate(gate) = &self.phase {
            let effect = gate.slot.effect;
            return gate
                .waiting
                .iter()
                .map(|id| Wait::Approval { effect, approval: *id })
                .collect();
        }
        let Phase::Tools(slots) = &self.phase else { return Vec::new() };
        slots
            .iter()
            .filter_map(|slot| {
                let effect = slot.effect;
                match &slot.state {
                    SlotState::Waiting(approval) | SlotState::Held(Some(approval), _) => {
                        Some(Wait::Approval { effect, approval: *approval })
                    }
                    SlotState::Doubtful => Some(Wait::Doubt { effect }),
                    SlotState::Below(run) => Some(Wait::Child { effect, run: *run }),
                    SlotState::Listening(Some(name), until) => {
                        Some(Wait::Event { effect, name: Arc::clone(name), until: *until })
                    }
                    SlotState::Listening(None, Some(until)) => {
                        Some(Wait::Timer { effect, until: *until })
                    }
                    _ => None,
                }
            })
            .collect()
    }

    /// Where the run stands. `Suspended` when nothing is in flight or ready and something waits.
    pub fn status(&self) -> Status {
        if let Some(end) = &self.end {
            return end.status;
        }
        let stuck = match &self.phase {
            Phase::Gate(gate) => gate.waiting.is_some(),
            Phase::Tools(slots) => slots
                .iter()
                .all(|slot| !matches!(slot.state, SlotState::Due { .. } | SlotState::Started)),
            _ => return Status::Running,
        };
        if stuck && self.conclusion.is_none() && self.cancel.is_none() {
            Status::Suspended
        } else {
            Status::Running
        }
    }

    /// A call goes on waiting. One that would wait for nothing has no place in a journal.
    pub(super) fn call_waits(&mut self, data: &CallWaits) -> bool {
        if data.event.is_none() && data.until.is_none() {
            return false;
        }
        let Some(slot) = self.slot(data.effect) else { return false };
        slot.state = SlotState::Listening(data.event.clone(), data.until);
        true
    }
}
