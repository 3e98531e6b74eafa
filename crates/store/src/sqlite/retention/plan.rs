//! What is to go, in the order in which it goes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Range;

use largestack_ports::retention::{Kept, Pruned};
use largestack_types::hash::Hash;
use largestack_types::id::RunId;

/// Events that go in one transaction, where one tree has not more.
const MOST_EVENTS: u64 = 5_000;
/// Bytes of events and parts that go in one transaction, where one tree has not more.
const MOST_BYTES: u64 = 16 * 1_024 * 1_024;

/// A tree of runs.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) runs: BTreeSet<RunId>,
    /// The hashes that its events hold.
    pub(super) named: HashSet<Hash>,
    pub(super) events: u64,
    pub(super) bytes: u64,
    /// Bytes of the parts that go with it.
    pub(super) in_parts: u64,
}

/// Why a tree stays that was to go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spared {
    Held,
    InSession,
    Forked,
}

/// What has come since the plan was made.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) named: HashSet<Hash>,
    pub(super) forked: HashSet<RunId>,
}

/// What is to go.
#[derive(Debug)]
pub(super) struct Plan {
    /// A fork goes before what it was forked from: its values are kept there.
    pub(super) trees: Vec<Tree>,
    /// Parts that only these trees name, each with the last that does: it goes with that one.
    pub(super) parts: HashMap<Hash, usize>,
    /// The last row that was looked at.
    pub(super) upto: i64,
    pub(super) kept: Kept,
    forks: Vec<(RunId, RunId)>,
    /// Parts of trees that were spared.
    pub(super) spared: HashSet<Hash>,
    /// What trees that were spared were forked from.
    pub(super) forked_by_spared: HashSet<RunId>,
}

impl Plan {
    pub(super) fn of(
        trees: BTreeMap<RunId, BTreeSet<RunId>>,
        forks: Vec<(RunId, RunId)>,
        kept: Kept,
    ) -> Self {
        let trees = in_order(trees, &forks);
        let trees = trees.into_iter().map(|runs| Tree { runs, ..Tree::default() }).collect();
        Self {
            trees,
            parts: HashMap::new(),
            upto: 0,
            kept,
            forks,
            spared: HashSet::new(),
            forked_by_spared: HashSet::new(),
        }
    }

    /// All of it, without parts.
    pub(super) fn whole(&self) -> Pruned {
        let sum = |of: fn(&Tree) -> u64| self.trees.iter().map(of).sum();
        Pruned {
            runs: sum(|tree| tree.runs.len() as u64),
            events: sum(|tree| tree.events),
            blobs: 0,
            bytes: sum(|tree| tree.bytes),
            kept: self.kept,
        }
    }

    /// What goes in one transaction each: whole trees.
    pub(super) fn batches(&self) -> Vec<Range<usize>> {
        let mut batches: Vec<Range<usize>> = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        for (index, tree) in self.trees.iter().enumerate() {
            let own = tree.bytes + tree.in_parts;
            (events, bytes) = (events + tree.events, bytes + own);
            match batches.last_mut() {
                Some(batch) if events <= MOST_EVENTS && bytes <= MOST_BYTES => {
                    batch.end = index + 1;
                }
                _ => {
                    (events, bytes) = (tree.events, own);
                    batches.push(index..index + 1);
                }
            }
        }
        batches
    }

    /// Notes that a tree stays, with everything that it names and what it was forked from.
    pub(super) fn spare(&mut self, index: usize, why: Spared) {
        match why {
            Spared::Held => self.kept.held += 1,
            Spared::InSession => self.kept.in_sessions += 1,
            Spared::Forked => self.kept.forked += 1,
        }
        let Some(tree) = self.trees.get(index) else { return };
        self.spared.extend(tree.named.iter().copied());
        let of = self.forks.iter().filter(|(fork, _)| tree.runs.contains(fork));
        self.forked_by_spared.extend(of.map(|(_, of)| *of));
    }
}

/// Forks before what they were forked from.
fn in_order(
    mut trees: BTreeMap<RunId, BTreeSet<RunId>>,
    forks: &[(RunId, RunId)],
) -> Vec<BTreeSet<RunId>> {
    let roots = trees.iter().flat_map(|(root, runs)| runs.iter().map(|run| (*run, *root)));
    let root_of: BTreeMap<RunId, RunId> = roots.collect();
    let mut from: BTreeMap<RunId, Vec<RunId>> = BTreeMap::new();
    let mut waits: BTreeMap<RunId, usize> = BTreeMap::new();
    for (fork, of) in forks {
        let (Some(fork), Some(of)) = (root_of.get(fork), root_of.get(of)) else { continue };
        if fork != of {
            from.entry(*fork).or_default().push(*of);
            *waits.entry(*of).or_default() += 1;
        }
    }
    let free = trees.keys().filter(|root| !waits.contains_key(*root));
    let mut free: VecDeque<RunId> = free.copied().collect();
    let mut order = Vec::with_capacity(trees.len());
    while let Some(root) = free.pop_front() {
        order.extend(trees.remove(&root));
        for of in from.remove(&root).unwrap_or_default() {
            if let Some(waits) = waits.get_mut(&of) {
                *waits -= 1;
                if *waits == 0 {
                    free.push_back(of);
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: u128) -> RunId {
        RunId::from_u128(number)
    }

    fn plan(trees: &[&[u128]], forks: &[(u128, u128)]) -> Plan {
        let tree = |runs: &&[u128]| (run(runs[0]), runs.iter().map(|n| run(*n)).collect());
        let forks = forks.iter().map(|(fork, of)| (run(*fork), run(*of))).collect();
        Plan::of(trees.iter().map(tree).collect(), forks, Kept::default())
    }

    #[test]
    fn a_fork_goes_before_what_it_was_forked_from_and_each_tree_once() {
        let plan = plan(&[&[1, 2], &[3], &[4], &[5]], &[(3, 2), (4, 3), (5, 1), (3, 9)]);
        let at = |n| plan.trees.iter().position(|tree| tree.runs.contains(&run(n))).unwrap();
        assert!(at(4) < at(3) && at(3) < at(1) && at(5) < at(1));
        assert_eq!((plan.trees.len(), at(1), at(2)), (4, 3, 3));
    }

    #[test]
    fn a_transaction_has_so_many_events_or_one_tree() {
        let mut plan = plan(&[&[1], &[2], &[3], &[4]], &[]);
        for (tree, events) in plan.trees.iter_mut().zip([2_500, 2_500, 9_000, 1]) {
            tree.events = events;
        }
        assert_eq!(plan.batches(), [0..2, 2..3, 3..4]);
    }

    #[test]
    fn a_transaction_has_so_many_bytes_of_events_and_parts_or_one_tree() {
        let mut plan = plan(&[&[1], &[2], &[3], &[4]], &[]);
        let half = MOST_BYTES / 2;
        for (tree, bytes) in plan.trees.iter_mut().zip([half, 0, 1, 3 * half]) {
            tree.bytes = bytes;
        }
        plan.trees[1].in_parts = half;
        assert_eq!(plan.batches(), [0..2, 2..3, 3..4]);
    }

    #[test]
    fn what_a_tree_that_stays_names_stays_with_what_it_was_forked_from() {
        let mut plan = plan(&[&[1], &[2]], &[(2, 1)]);
        let part = Hash::of(b"part");
        plan.trees[0].named.insert(part);
        plan.spare(0, Spared::Held);
        assert!(plan.spared.contains(&part) && plan.forked_by_spared.contains(&run(1)));
        assert_eq!(plan.kept.held, 1);
    }
}
