//! Calls in doubt: what somebody has decided about them.

use std::sync::Arc;

use largestack_types::errors::{Code, LargestackError};

use super::tools::answer;
use super::{Run, SlotState};
use crate::event::{DoubtDecision, DoubtSettled};
use crate::status::End;

const NOBODY_KNOWS: &str = "This call was cut off and nobody knows whether it took effect. Do not \
     repeat it without checking first.";

impl Run {
    pub(super) fn settle_doubt(&mut self, data: &DoubtSettled) -> bool {
        let label = self.label;
        let call = self.tool_call(data.effect).cloned();
        let Some((slot, call)) = self.slot(data.effect).zip(call) else { return false };
        match data.decision {
            DoubtDecision::Rerun => slot.state = SlotState::Due { approved: true },
            DoubtDecision::TellModel => {
                let text = answer(&call, data.effect, label, NOBODY_KNOWS);
                slot.state = SlotState::Done(Arc::new(text));
                self.close_turn_if_done();
            }
            // Its result comes behind this, and takes it out of doubt.
            DoubtDecision::Happened => {}
            DoubtDecision::Fail => {
                self.conclusion = Some(End::failed(LargestackError::other(
                    Code::InDoubt,
                    format!("tool {} was cut off and is not idempotent", call.name),
                )));
            }
        }
        true
    }
}
