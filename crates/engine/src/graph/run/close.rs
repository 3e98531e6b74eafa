//! The end of a run that did not come by itself: what is not under way never starts, what is under
//! way is cut off by the driver, and what was done is undone, last thing first.

use std::collections::VecDeque;

use super::{Closing, Fate, GraphRun, Outcome, Slot, Stand};
use crate::event::CancelReason;
use crate::status::EndReason;

impl GraphRun {
    /// Brings an end on its way one step further.
    pub(super) fn close(&mut self) {
        if self.closing.is_none() {
            return;
        }
        if self.undoing.is_none() {
            self.sweep();
            if self.started == 0 && !self.slots.iter().any(Slot::is_begun) {
                self.begin_undoing();
            }
        }
    }

    /// What has not started never does; what waits is not waited for. What was begun is cut off by
    /// whoever drives the run.
    fn sweep(&mut self) {
        let of_it = |slot: &Slot| {
            slot.undoes.is_none() && !slot.is_begun() && !matches!(slot.stand, Stand::Over(_))
        };
        let idle: Vec<u32> =
            self.ordinals().filter(|(_, slot)| of_it(slot)).map(|(ordinal, _)| ordinal).collect();
        for ordinal in idle {
            let Some(slot) = self.slot(ordinal) else { continue };
            let (visit, began) = (slot.visit, slot.began);
            let fate = if began { Fate::Unknown } else { Fate::Never };
            self.stand(ordinal, Stand::Over(fate));
            self.end_visit(visit, Outcome::Cancelled);
        }
    }

    /// Whether what was done is undone.
    fn undoes(&self) -> bool {
        match &self.closing {
            Some(Closing::Failed(_)) => true,
            Some(Closing::Cancelled(request)) => request.reason != CancelReason::KillSwitch,
            // What was in the middle when its time was up is in no state to be left in.
            Some(Closing::Limited(reason)) => *reason == EndReason::WallClock,
            None => false,
        }
    }

    /// What is undone: first what nobody knows of or what failed halfway, then what was done, each
    /// from the last to the first.
    fn begin_undoing(&mut self) {
        let mut undone = VecDeque::new();
        if self.undoes() {
            let halfway = self.ordinals().filter(|(_, slot)| self.may_have_happened(slot));
            let mut last_first: Vec<u32> = halfway.map(|(ordinal, _)| ordinal).collect();
            last_first.reverse();
            last_first.extend(self.done.iter().rev().copied());
            for of in last_first {
                undone.extend(self.add_undo(of));
            }
        }
        self.undoing = Some(undone);
        self.next_undo();
    }

    fn may_have_happened(&self, slot: &Slot) -> bool {
        let undo = self.node_of(slot).and_then(|node| node.undo.as_ref());
        match slot.stand {
            Stand::Over(Fate::Unknown) => slot.began,
            Stand::Over(Fate::Failed) => undo.is_some_and(|undo| undo.when_failed),
            _ => false,
        }
    }

    fn add_undo(&mut self, of: u32) -> Option<u32> {
        let slot = self.slot(of)?;
        self.node_of(slot)?.undo.as_ref()?;
        let undo = Slot {
            undoes: Some(of),
            attempt: 1,
            stand: Stand::Queued,
            began: false,
            tried: false,
            approved: true,
            output: None,
            ..*slot
        };
        self.slots.push(undo);
        self.open += 1;
        u32::try_from(self.slots.len()).ok()
    }

    /// The next thing may be undone.
    pub(super) fn next_undo(&mut self) {
        let next = self.undoing.as_mut().and_then(VecDeque::pop_front);
        if let Some(ordinal) = next {
            self.stand(ordinal, Stand::Due);
        }
    }

    /// Nothing more is undone, whatever is left.
    pub(super) fn stop_undoing(&mut self) {
        self.undoing = Some(VecDeque::new());
        let left: Vec<(u32, usize)> = self
            .ordinals()
            .filter(|(_, slot)| !slot.is_begun())
            .filter(|(_, slot)| !matches!(slot.stand, Stand::Started | Stand::Over(_)))
            .map(|(ordinal, slot)| (ordinal, slot.visit))
            .collect();
        for (ordinal, visit) in left {
            self.stand(ordinal, Stand::Over(Fate::Never));
            self.end_visit(visit, Outcome::Cancelled);
        }
    }
}
