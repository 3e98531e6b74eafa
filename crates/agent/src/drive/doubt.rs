//! Calls that were cut off and may have happened, when a run is taken up: what somebody has decided about
//! each, or about all, or the agent's policy.

use std::sync::Arc;

use largestack_engine::Wait;
use largestack_engine::definition::InDoubt;
use largestack_engine::event::{DoubtDecision, DoubtSettled, Event, ToolOutcome};
use largestack_types::errors::Result;

use super::Drive;
use super::listen::Came;

impl Drive {
    /// Applies what was decided about calls in doubt; without a decision they keep waiting.
    pub(super) fn settle_doubts(&mut self) -> Result<()> {
        let by_policy = match self.run.definition().in_doubt {
            InDoubt::Ask => None,
            InDoubt::TellModel => Some(DoubtDecision::TellModel),
            InDoubt::Fail => Some(DoubtDecision::Fail),
        };
        let waits = self.run.waits().into_iter();
        let in_doubt: Vec<_> = waits
            .filter_map(|wait| match wait {
                Wait::Doubt { effect } => Some(effect),
                _ => None,
            })
            .collect();
        let (run, decided) = (self.run.id(), self.tree.in_doubt.clone());
        // One below is taken up as often as the run above it goes on.
        if self.above.is_none() {
            decided.check(run, &in_doubt)?;
        }
        for effect in in_doubt {
            let (decision, output, by): (_, _, Arc<str>) =
                match (decided.of(run, effect), by_policy) {
                    (Some((decision, output)), _) => {
                        (decision, output, self.lease.scope.principal().into())
                    }
                    (None, Some(decision)) => (decision, None, "policy".into()),
                    (None, None) => continue,
                };
            self.note(Event::DoubtSettled(DoubtSettled { effect, decision, by }))?;
            if let Some(output) = output {
                let (text, outcome) = (output.to_string(), ToolOutcome::Returned);
                self.result_of_wait(effect, Came { text, from_outside: true, outcome });
            }
        }
        Ok(())
    }
}
