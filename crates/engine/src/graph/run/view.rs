//! A run as others look at it: what a task is, and where each node stands.

use std::sync::Arc;

use largestack_types::id::EffectId;
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fate, GraphRun, Outcome, Stand};
use crate::graph::node::{Node, Retry, Undo, Work, Writes};
use crate::graph::state::State;

/// A task, as whoever performs it needs it.
#[derive(Clone, Copy, Debug)]
pub struct Task<'r> {
    /// Its node.
    pub node: &'r Node,
    /// What it undoes, where it does not do what its node does.
    pub undo: Option<&'r Undo>,
    /// The state as its node saw it.
    pub seen: &'r Arc<State>,
    /// The element of the list, in a map node.
    pub item: Option<&'r Value>,
    /// Which element it is.
    pub index: Option<u32>,
    /// What it is to undo had as its output; nothing where that is not known.
    pub output: Option<&'r Value>,
    /// Which try, from 1.
    pub attempt: u32,
    /// Whether a person has agreed.
    pub approved: bool,
}

impl Task<'_> {
    /// How often it is tried again.
    pub fn retry(&self) -> Retry {
        self.undo.map_or(self.node.retry, |undo| undo.retry)
    }

    /// What its function is given beside the state. What undoes a node finds the node's output where
    /// the node wrote it; nothing where the output is not known.
    pub fn arguments(&self) -> Option<Value> {
        let Some(undo) = self.undo else {
            let Work::Function { with: Some(with), .. } = &self.node.work else { return None };
            return Some(with.value(self.seen, self.item));
        };
        let with = undo.with.as_ref()?;
        let mut seen = State::clone(self.seen);
        let nothing = Value::Null;
        let output = self.output.unwrap_or(&nothing);
        match &self.node.writes {
            Writes::Key(key) => seen.insert(Arc::clone(key), Arc::new(output.clone())),
            Writes::Keys(keys) => {
                for key in keys {
                    let field = output.get(&**key).cloned().unwrap_or_default();
                    seen.insert(Arc::clone(key), Arc::new(field));
                }
            }
            Writes::Nothing => {}
        }
        Some(with.value(&seen, self.item))
    }

    /// Whether it may start again where nobody knows if it has happened.
    pub fn is_idempotent(&self) -> bool {
        self.undo.map_or_else(|| self.node.work.is_idempotent(), |undo| undo.idempotent)
    }
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeState {
    /// It has not been reached.
    Idle,
    /// It may start.
    Ready,
    /// It is under way.
    Running,
    /// It waits for a moment: the next try, or the end of a sleep.
    Sleeping,
    /// It waits for a person, an event or a run below.
    Waiting,
    /// It was cut off, and nobody knows whether it happened.
    InDoubt,
    /// It is done.
    Completed,
    /// It failed, and the run went on as if it had written nothing.
    Skipped,
    /// It failed.
    Failed,
    /// The run ended before it did.
    Cancelled,
    /// It was done, and has been undone.
    Undone,
}

impl NodeState {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::Waiting => "waiting",
            Self::InDoubt => "in_doubt",
            Self::Completed => "completed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Undone => "undone",
        }
    }
}

/// A node, as it stands in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// Its name.
    pub node: Arc<str>,
    /// Where it stands: its last visit.
    pub state: NodeState,
    /// How often it was visited.
    pub visits: u32,
    /// How often it began again because it is watched.
    pub restarts: u32,
    /// Tasks of the last visit, and how many of them are over.
    pub tasks: (u32, u32),
    /// Tokens of what its tasks have asked.
    pub usage: Usage,
    /// Cost of what its tasks have asked.
    pub cost: Money,
}

impl GraphRun {
    /// A task.
    pub fn task(&self, effect: EffectId) -> Option<Task<'_>> {
        let slot = self.slot(effect.ordinal())?;
        let node = self.node_of(slot)?;
        let seen = self.visits.get(slot.visit)?.seen.as_ref()?;
        let list = node.map.as_ref().and_then(|map| seen.get(&map.over));
        let item = slot.item.and_then(|at| list?.get(at as usize));
        let output = slot.undoes.and_then(|of| self.slot(of)?.output.as_deref());
        Some(Task {
            node,
            undo: self.undo_of(slot),
            seen,
            item,
            index: slot.item,
            output,
            attempt: slot.attempt,
            approved: slot.approved,
        })
    }

    /// Tasks that are not over, in order.
    pub fn open_tasks(&self) -> Vec<EffectId> {
        let open = self.ordinals().filter(|(_, slot)| !matches!(slot.stand, Stand::Over(_)));
        open.map(|(ordinal, _)| EffectId::new(ordinal)).collect()
    }

    /// Tasks in flight, in order.
    pub fn in_flight(&self) -> Vec<EffectId> {
        let started = self.ordinals().filter(|(_, slot)| slot.stand == Stand::Started);
        started.map(|(ordinal, _)| EffectId::new(ordinal)).collect()
    }

    /// Every node as it stands.
    pub fn nodes(&self) -> impl Iterator<Item = NodeView> {
        let nodes = self.graph.graph().nodes.iter().zip(&self.tallies);
        nodes.map(|(node, tally)| {
            let (state, tasks) = match tally.last {
                Some(_) if tally.undone => (NodeState::Undone, (0, 0)),
                Some(visit) => self.state_of(visit),
                None => (NodeState::Idle, (0, 0)),
            };
            NodeView {
                node: Arc::clone(&node.name),
                state,
                visits: tally.visits,
                restarts: tally.restarts,
                tasks,
                usage: tally.usage,
                cost: tally.cost,
            }
        })
    }

    fn state_of(&self, visit: usize) -> (NodeState, (u32, u32)) {
        let Some(visit) = self.visits.get(visit) else { return (NodeState::Idle, (0, 0)) };
        let (first, count) = visit.tasks;
        let slots = || (first..first.saturating_add(count)).filter_map(|at| self.slot(at));
        let over = slots().filter(|slot| matches!(slot.stand, Stand::Over(_))).count();
        let tasks = (count, u32::try_from(over).unwrap_or(u32::MAX));
        let any = |is: fn(&Stand) -> bool| slots().any(|slot| is(&slot.stand));
        let state = match visit.over {
            Some(Outcome::Done)
                if any(|s| matches!(s, Stand::Over(fate) if *fate != Fate::Done)) =>
            {
                NodeState::Skipped
            }
            Some(Outcome::Done) => NodeState::Completed,
            Some(Outcome::Skipped) => NodeState::Skipped,
            Some(Outcome::Failed) => NodeState::Failed,
            Some(Outcome::Cancelled) => NodeState::Cancelled,
            None if any(|s| *s == Stand::Started) => NodeState::Running,
            None if any(|s| *s == Stand::Doubtful) => NodeState::InDoubt,
            None if any(|s| *s == Stand::Due) => NodeState::Ready,
            None if any(|s| matches!(s, Stand::Sleeping(_))) => NodeState::Sleeping,
            None => NodeState::Waiting,
        };
        (state, tasks)
    }
}
