//! Leaving another run's history: nodes that were done stay done and were paid for there, what was under
//! way is lost or in doubt here, what was asked or agreed to is asked anew, and what that run did is not
//! undone by this one.

use std::sync::Arc;

use largestack_types::money::Money;
use largestack_types::usage::Usage;

use super::{Asked, Fate, GraphRun, Slot, Stand};
use crate::event::{Forked, Written};
use crate::graph::node::Work;
use crate::run::{Branch, FoldError};

impl GraphRun {
    /// Where it has left another run's history, if it did.
    pub fn branch(&self) -> Option<&Branch> {
        self.branch.as_deref()
    }

    pub(super) fn forked(&mut self, data: &Forked, seq: u64) -> Result<(), FoldError> {
        let misplaced = |why| FoldError::OutOfPlace { seq, kind: "forked", why };
        if data.at + 1 != seq {
            return Err(misplaced("it names another event than the one before it"));
        }
        if data.input.is_some() || data.adjusted.is_some() {
            return Err(misplaced("it says what only an agent's run can be told"));
        }
        if self.closing.is_some() || self.open == 0 {
            return Err(misplaced("the run was coming to its end there: fork before it"));
        }
        if self.holds_a_result() {
            return Err(misplaced("a result waits for a person there: fork before or behind it"));
        }
        if let Some(written) = &data.written {
            self.put(written).map_err(misplaced)?;
        }
        self.leave_the_other(data);
        self.doubt_what_began_below();
        self.lose_what_was_in_flight();
        self.ask_anew();
        self.begin_nothing();
        Ok(())
    }

    /// Whether a function has done something already and asks about it.
    fn holds_a_result(&self) -> bool {
        self.at_rest().any(|(_, slot)| {
            let asks = matches!(slot.stand, Stand::Asking(_, Asked::Last));
            let is_question = |work: &Work| matches!(work, Work::Question { .. });
            asks && !self.node_of(slot).is_some_and(|node| is_question(&node.work))
        })
    }

    /// Puts values where they are seen by what is reached from here on, and by what was reached and is
    /// not over.
    fn put(&mut self, written: &Written) -> Result<(), &'static str> {
        let graph = Arc::clone(&self.graph);
        let knows = |key: &str| graph.graph().has_key(key);
        if !written.values.keys().all(|key| knows(key)) {
            return Err("it writes a key that the workflow does not have");
        }
        let over = |visit: &super::Visit| {
            graph.node(visit.node)?.map.as_ref().map(|map| Arc::clone(&map.over))
        };
        let open = || self.visits.iter().filter(|visit| visit.over.is_none());
        if open().filter_map(over).any(|key| written.values.contains_key(&*key)) {
            return Err("a node is at work over a list that it writes");
        }
        let seen = self.visits.iter_mut().filter(|visit| visit.over.is_none());
        let seen = seen.filter_map(|visit| visit.seen.as_mut());
        for state in std::iter::once(&mut self.state).chain(seen) {
            let state = Arc::make_mut(state);
            state.label = state.label.join(written.label);
            for (key, value) in &written.values {
                state.insert(key.as_str().into(), Arc::new(value.clone()));
            }
        }
        Ok(())
    }

    /// It is a run of its own from here on, which has spent nothing, has nothing to undo, and hears what
    /// is sent to itself: an event is used once, and the other run has it.
    fn leave_the_other(&mut self, data: &Forked) {
        let before = self.branch.take().map_or_else(Default::default, |b| (b.usage, b.cost));
        let (usage, cost): (Usage, Money) = before;
        self.branch = Some(Box::new(Branch {
            of: data.of,
            at: data.at,
            usage: usage.plus(self.usage()),
            cost: cost.checked_add(self.cost()).unwrap_or(Money::MAX),
            values: data.values.clone(),
        }));
        for tally in &mut self.tallies {
            (tally.usage, tally.cost) = (Usage::default(), Money::ZERO);
        }
        self.root = self.id;
        self.done.clear();
        self.heard.clear();
        for slot in &mut self.slots {
            if let Stand::Over(fate @ (Fate::Unknown | Fate::Failed)) = &mut slot.stand {
                // Whatever it did was done there.
                *fate = Fate::Never;
            }
        }
    }

    /// The other run goes on with the runs that its tasks have begun, and they may have done anything by
    /// then: here nobody finds them again, and they are not begun anew before somebody says so.
    fn doubt_what_began_below(&mut self) {
        let below = |work: &Work| matches!(work, Work::Agent { .. } | Work::Graph { .. });
        let began = |slot: &Slot| match slot.stand {
            Stand::Started | Stand::Below(_) => true,
            Stand::Due => slot.tried,
            _ => false,
        };
        let doubtful = self.ordinals().filter(|(_, slot)| began(slot));
        let doubtful =
            doubtful.filter(|(_, slot)| self.node_of(slot).is_some_and(|node| below(&node.work)));
        let doubtful: Vec<u32> = doubtful.map(|(ordinal, _)| ordinal).collect();
        for ordinal in doubtful {
            self.stand(ordinal, Stand::Doubtful);
        }
    }

    /// What waited for a person has not been asked here.
    fn ask_anew(&mut self) {
        let asked = |stand: &Stand| matches!(stand, Stand::Asking(..));
        let again: Vec<u32> =
            self.at_rest().filter(|(_, slot)| asked(&slot.stand)).map(|(at, _)| at).collect();
        for ordinal in again {
            if let Some(slot) = self.slot_mut(ordinal) {
                slot.output = None;
            }
            self.stand(ordinal, Stand::Due);
        }
    }

    /// What was begun there is the other run's to undo, and what somebody has agreed to is what that run
    /// does: also of what is done, should it begin again.
    fn begin_nothing(&mut self) {
        for slot in &mut self.slots {
            (slot.began, slot.tried, slot.approved) = (false, false, false);
        }
    }
}
