//! What a run has found and started: tools that were kept back, and runs below it.

use std::sync::Arc;

use largestack_types::id::EffectId;
use largestack_types::money::Money;
use largestack_types::tool::ToolSpec;
use largestack_types::usage::Usage;

use super::{Phase, Run, SlotState};
use crate::event::{ChildRun, ChildWaits, ToolReturned};

impl Run {
    /// The tools of the next call: what is found comes behind the others, in the order in which it
    /// was found, so that what a provider has read before stays as it was.
    pub(super) fn offered(&self) -> Arc<[ToolSpec]> {
        let definition = &self.definition;
        if definition.deferred.is_empty() {
            return Arc::clone(&definition.tools);
        }
        let always =
            definition.tools.iter().filter(|tool| !definition.deferred.contains(&tool.name));
        let found = self.loaded.iter().filter_map(|name| definition.tool(name));
        always.chain(found).cloned().collect()
    }

    pub(super) fn note_below(&mut self, data: &ToolReturned) {
        for name in &data.loads {
            let is_new = !self.loaded.contains(name);
            if is_new && self.definition.deferred.contains(name) {
                self.loaded.push(Arc::clone(name));
            }
        }
        if let Some(child) = &data.child {
            self.children.push((data.effect, ChildRun::clone(child)));
        }
    }

    pub(super) fn child_waits(&mut self, data: &ChildWaits) -> bool {
        let Some(slot) = self.slot(data.effect) else { return false };
        slot.state = SlotState::Below(data.child);
        true
    }

    /// The calls of this turn that have no result yet.
    pub fn open_calls(&self) -> Vec<EffectId> {
        let Phase::Tools(slots) = &self.phase else { return Vec::new() };
        let open = slots.iter().filter(|slot| !matches!(slot.state, SlotState::Done(_)));
        open.map(|slot| slot.effect).collect()
    }

    /// The runs that it has started and that have ended, by the effect that started each.
    pub fn children(&self) -> &[(EffectId, ChildRun)] {
        &self.children
    }

    /// Tokens of it and of everything under it that has ended.
    pub fn tree_usage(&self) -> Usage {
        self.children.iter().fold(self.usage, |sum, (_, child)| sum.plus(child.usage))
    }

    /// Cost of it and of everything under it that has ended.
    pub fn tree_cost(&self) -> Money {
        let add = |sum: Money, child: &ChildRun| sum.checked_add(child.cost).unwrap_or(Money::MAX);
        self.children.iter().fold(self.cost, |sum, (_, child)| add(sum, child))
    }
}
