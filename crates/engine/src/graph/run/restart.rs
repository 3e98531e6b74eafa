//! Nodes that are watched together: who begins again with one that has failed, and how often.

use largestack_types::id::EffectId;
use largestack_types::time::Timestamp;

use super::{Fate, GraphRun, Stand};

impl GraphRun {
    /// When those that begin again with a task that has failed for good do so; `None` where its node
    /// is not watched, or has begun again often enough.
    pub fn restart_at(&self, effect: EffectId, now: Timestamp) -> Option<Timestamp> {
        let slot = self.slot(effect.ordinal())?;
        let (group, _) = self.graph.group_of(slot.node)?;
        let watched = self.graph.graph().supervised.get(group)?;
        if slot.undoes.is_some() || self.closing.is_some() {
            return None;
        }
        let at = now.plus(watched.pause);
        let counts = |(of, when): &&(usize, Timestamp)| {
            *of == group && watched.within.is_none_or(|within| at.since(*when) < within)
        };
        let so_far = self.restarts.iter().filter(counts).count();
        (u32::try_from(so_far).unwrap_or(u32::MAX) < watched.most).then_some(at)
    }

    /// Those that begin again with it and are under way, or wait for a run below: they are to be cut
    /// off first.
    pub fn restart_with(&self, effect: EffectId) -> Vec<EffectId> {
        let under_way = |stand: &Stand| matches!(stand, Stand::Started | Stand::Below(_));
        let tasks = self.again_with(effect.ordinal()).into_iter();
        let tasks = tasks.filter(|at| self.slot(*at).is_some_and(|slot| under_way(&slot.stand)));
        tasks.filter(|at| *at != effect.ordinal()).map(EffectId::new).collect()
    }

    /// The last tasks of all nodes that begin again with this one, itself among them.
    pub(super) fn again_with(&self, failed: u32) -> Vec<u32> {
        let group = self.slot(failed).and_then(|slot| self.graph.group_of(slot.node));
        let Some((group, place)) = group else { return Vec::new() };
        let Some(watched) = self.graph.graph().supervised.get(group) else { return Vec::new() };
        let names = watched.nodes.get(watched.again(place)).unwrap_or_default();
        let last = |name| {
            let tally = self.tallies.get(self.graph.named(name)?)?;
            self.visits.get(tally.last?).map(|visit| visit.tasks.0)
        };
        names.iter().filter_map(|name| last(name)).collect()
    }

    /// The failed task and what is done beside it begin again at this moment.
    pub(super) fn restart(&mut self, failed: u32, at: Timestamp) -> Option<()> {
        let node = self.slot(failed)?.node;
        let (group, _) = self.graph.group_of(node)?;
        for ordinal in self.again_with(failed) {
            let done = self.slot(ordinal).is_some_and(|s| s.stand == Stand::Over(Fate::Done));
            if done && self.take_back(ordinal) {
                self.reopen(ordinal, at);
            }
        }
        self.restarts.push((group, at));
        if let Some(tally) = self.tallies.get_mut(node) {
            tally.restarts += 1;
        }
        self.again(failed, at)
    }

    /// A task is tried again at this moment.
    pub(super) fn again(&mut self, ordinal: u32, at: Timestamp) -> Option<()> {
        self.stand(ordinal, Stand::Sleeping(at))?;
        let slot = self.slot_mut(ordinal)?;
        slot.attempt += 1;
        (slot.began, slot.tried) = (true, false);
        Some(())
    }

    /// Takes back what followed from a task that was done; `false` where somebody went on with it.
    fn take_back(&mut self, ordinal: u32) -> bool {
        let Some(node) = self.slot(ordinal).map(|slot| slot.node) else { return false };
        let edges = self.graph.leaving(node).to_vec();
        let inner = |edge: &&usize| self.graph.target(**edge).is_some();
        let free = |edge: &usize| self.tokens.get(*edge).is_some_and(|tokens| *tokens > 0);
        if !edges.iter().filter(inner).all(free) {
            return false;
        }
        for edge in edges {
            if let Some(tokens) = self.tokens.get_mut(edge) {
                *tokens = tokens.saturating_sub(1);
            }
        }
        true
    }

    /// A task that was done is not over any more.
    fn reopen(&mut self, ordinal: u32, at: Timestamp) -> Option<()> {
        let slot = self.slot_mut(ordinal)?;
        let (visit, node) = (slot.visit, slot.node);
        slot.stand = Stand::Sleeping(at);
        slot.attempt += 1;
        slot.tried = false;
        slot.output = None;
        self.resting.insert(ordinal);
        self.done.retain(|done| *done != ordinal);
        self.visits.get_mut(visit)?.over = None;
        let tally = self.tallies.get_mut(node)?;
        tally.active += 1;
        tally.restarts += 1;
        self.open += 1;
        Some(())
    }
}
