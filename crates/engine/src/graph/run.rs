//! A run of a graph: the fold of its events.
//!
//! A *visit* is one time that a node is reached; it sees the state as it was then, so that what a
//! task is given does not depend on when it starts. A visit has one *task*, or one for each element
//! of its list; a task is an effect, tried as often as its node says. An edge that is taken leaves a
//! token, and joins say which tokens make a visit.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use largestack_types::errors::LargestackError;
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use serde_json::Value;

use super::node::{Node, OnFailure, Undo};
use super::plan::Checked;
use super::state::State;
use crate::run::{Branch, Wait};
use crate::status::{End, EndReason, Status};

mod apply;
mod close;
mod fork;
mod land;
mod parts;
mod restart;
mod view;
mod visit;

use parts::{Asked, Closing, Fate, Outcome, Slot, Stand, Tally, Visit};
pub use view::{NodeState, NodeView, Task};

/// The stage of a question whether a task may start; any other one is what the task comes to.
pub const MAY_START: &str = "may_start";

/// A run of a graph.
#[derive(Clone, Debug)]
pub struct GraphRun {
    id: RunId,
    root: RunId,
    graph: Arc<Checked>,
    /// Events folded.
    seq: u64,
    begun: bool,
    state: Arc<State>,
    /// By edge: how often it was taken without a visit having come of it.
    tokens: Vec<u32>,
    /// By node.
    tallies: Vec<Tally>,
    /// Edges that were taken and not looked at yet.
    taken: VecDeque<usize>,
    /// Nodes at which tokens wait.
    joining: BTreeSet<usize>,
    visits: Vec<Visit>,
    /// By ordinal, from 1.
    slots: Vec<Slot>,
    due: BTreeSet<u32>,
    /// Tasks that wait for something, a moment among it.
    resting: BTreeSet<u32>,
    started: u32,
    /// Tasks that are not over.
    open: u32,
    /// Tasks with an output, in the order in which they had it.
    done: Vec<u32>,
    /// What came from outside before anybody listened.
    heard: VecDeque<(Arc<str>, Arc<Value>, Label)>,
    failures: Vec<Failure>,
    /// By group of watched nodes: when they began again.
    restarts: Vec<(usize, Timestamp)>,
    /// Whether an answer that it went on with was cut short.
    cut_short: bool,
    closing: Option<Closing>,
    /// What is to be undone still, once that has begun.
    undoing: Option<VecDeque<u32>>,
    /// Where it has left another run's history.
    branch: Option<Box<Branch>>,
    end: Option<End>,
}

/// A task that failed for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Its node.
    pub node: Arc<str>,
    /// The task.
    pub effect: EffectId,
    /// Whether it was to undo what the node had done.
    pub undoing: bool,
    /// Why.
    pub error: LargestackError,
    /// What becomes of the run for it.
    pub then: OnFailure,
}

/// A task that may start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which.
    pub effect: EffectId,
    /// Which try, from 1.
    pub attempt: u32,
}

impl GraphRun {
    /// A run to which nothing has happened yet.
    pub fn new(id: RunId, graph: Arc<Checked>) -> Self {
        let (nodes, edges) = (graph.graph().nodes.len(), graph.graph().edges.len());
        let label = Label::from_origin(Origin::Operator);
        Self {
            id,
            root: id,
            seq: 0,
            begun: false,
            state: Arc::new(State::new(label)),
            tokens: vec![0; edges],
            tallies: vec![Tally::default(); nodes],
            taken: VecDeque::new(),
            joining: BTreeSet::new(),
            visits: Vec::new(),
            slots: Vec::new(),
            due: BTreeSet::new(),
            resting: BTreeSet::new(),
            started: 0,
            open: 0,
            done: Vec::new(),
            heard: VecDeque::new(),
            failures: Vec::new(),
            restarts: Vec::new(),
            cut_short: false,
            closing: None,
            undoing: None,
            branch: None,
            end: None,
            graph,
        }
    }

    /// Everything that may start now, in order.
    pub fn ready(&self) -> Vec<Ready> {
        if self.end.is_some() {
            return Vec::new();
        }
        let most = self.graph.graph().limits.max_parallel.max(1);
        let mut free = most.saturating_sub(self.started);
        let mut ready = Vec::new();
        // By node: tasks of map nodes that would be under way.
        let mut more: Vec<(usize, u32)> = Vec::new();
        for ordinal in &self.due {
            if free == 0 {
                break;
            }
            let Some(slot) = self.slot(*ordinal) else { continue };
            if let Some(limit) = self.most_of(slot) {
                let running = self.tallies.get(slot.node).map_or(0, |tally| tally.running);
                let known = more.iter_mut().find(|(node, _)| *node == slot.node);
                match known {
                    Some((_, count)) if running + *count >= limit => continue,
                    Some((_, count)) => *count += 1,
                    None if running >= limit => continue,
                    None => more.push((slot.node, 1)),
                }
            }
            free -= 1;
            ready.push(Ready { effect: EffectId::new(*ordinal), attempt: slot.attempt });
        }
        ready
    }

    /// How many tasks of the slot's node may be in flight at once.
    fn most_of(&self, slot: &Slot) -> Option<u32> {
        self.graph.node(slot.node)?.map.as_ref()?.max_parallel
    }

    /// Tasks that wait for a moment, with that moment.
    pub fn sleeping(&self) -> impl Iterator<Item = (EffectId, Timestamp)> {
        self.at_rest().filter_map(|(ordinal, slot)| match slot.stand {
            Stand::Sleeping(until) => Some((EffectId::new(ordinal), until)),
            _ => None,
        })
    }

    /// Tasks that wait for something from outside, with its name.
    pub fn listening(&self) -> impl Iterator<Item = (EffectId, &Arc<str>)> {
        self.at_rest().filter_map(|(ordinal, slot)| match &slot.stand {
            Stand::Listening(event) => Some((EffectId::new(ordinal), event)),
            _ => None,
        })
    }

    /// What it waits for beside events.
    pub fn waits(&self) -> Vec<Wait> {
        let waits = self.at_rest().filter_map(|(ordinal, slot)| {
            let effect = EffectId::new(ordinal);
            match slot.stand {
                Stand::Asking(approval, _) => Some(Wait::Approval { effect, approval }),
                Stand::Below(run) => Some(Wait::Child { effect, run }),
                Stand::Doubtful => Some(Wait::Doubt { effect }),
                Stand::Sleeping(until) => Some(Wait::Timer { effect, until }),
                _ => None,
            }
        });
        waits.collect()
    }

    /// Tasks that have to be cut off because the run ends or undoes what it did: those in flight,
    /// those whose runs wait below, and those that were begun before somebody took the run up.
    pub fn cut_off(&self) -> Vec<EffectId> {
        if self.closing.is_none() {
            return Vec::new();
        }
        let killed = matches!(&self.closing, Some(Closing::Cancelled(request))
            if request.reason == crate::event::CancelReason::KillSwitch);
        let of_it = |slot: &Slot| slot.is_begun() || (killed && slot.stand == Stand::Started);
        let all = self.ordinals().filter(|(_, slot)| of_it(slot));
        all.map(|(ordinal, _)| EffectId::new(ordinal)).collect()
    }

    /// How the run must end now, if it must: the driver records it once nothing is in flight.
    pub fn conclusion(&self) -> Option<End> {
        if self.end.is_some() || !self.begun || self.open > 0 {
            return None;
        }
        Some(match &self.closing {
            Some(Closing::Failed(error)) => End::failed(error.clone()),
            Some(Closing::Cancelled(request)) => crate::run::end_of_cancel(request),
            Some(Closing::Limited(reason)) => End::plain(Status::Incomplete, *reason),
            None if self.went_on_without() => End::plain(Status::Incomplete, EndReason::Partial),
            None => End::plain(Status::Completed, EndReason::Stop),
        })
    }

    /// Whether something failed, or was cut short, and nothing came in its place.
    fn went_on_without(&self) -> bool {
        self.cut_short || self.failures.iter().any(|failure| failure.then != OnFailure::Route)
    }

    /// Where the run stands. `Suspended` when nothing can happen before somebody does something, or
    /// before a moment comes.
    pub fn status(&self) -> Status {
        if let Some(end) = &self.end {
            return end.status;
        }
        let waits = |slot: &Slot| {
            matches!(
                slot.stand,
                Stand::Listening(_)
                    | Stand::Asking(..)
                    | Stand::Below(_)
                    | Stand::Sleeping(_)
                    | Stand::Doubtful
            )
        };
        let stuck = self.open > 0
            && self.due.is_empty()
            && self.started == 0
            && self.at_rest().any(|(_, slot)| waits(slot));
        if stuck { Status::Suspended } else { Status::Running }
    }

    /// What the run came to: the value of the graph's answer, or all that is known.
    pub fn output(&self) -> Value {
        match self.graph.answer() {
            Some(key) => self.state.get(key).cloned().unwrap_or_default(),
            None => self.state.to_value(),
        }
    }

    /// Which run.
    pub const fn id(&self) -> RunId {
        self.id
    }

    /// The run at the top of the tree.
    pub const fn root(&self) -> RunId {
        self.root
    }

    /// Its graph.
    pub const fn graph(&self) -> &Arc<Checked> {
        &self.graph
    }

    /// What is known now.
    pub const fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Events folded so far; the next one has the number after.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Tasks so far.
    pub fn tasks(&self) -> usize {
        self.slots.len()
    }

    /// Tokens of everything that its tasks have asked.
    pub fn usage(&self) -> Usage {
        self.tallies.iter().fold(Usage::default(), |sum, tally| sum.plus(tally.usage))
    }

    /// What everything that its tasks have asked has cost.
    pub fn cost(&self) -> Money {
        let add = |sum: Money, tally: &Tally| sum.checked_add(tally.cost).unwrap_or(Money::MAX);
        self.tallies.iter().fold(Money::ZERO, add)
    }

    /// What has failed for good so far.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// How it ended.
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn ordinals(&self) -> impl Iterator<Item = (u32, &Slot)> {
        (1..).zip(&self.slots)
    }

    /// Tasks that wait for something.
    fn at_rest(&self) -> impl Iterator<Item = (u32, &Slot)> {
        self.resting.iter().filter_map(|ordinal| Some((*ordinal, self.slot(*ordinal)?)))
    }

    fn slot(&self, ordinal: u32) -> Option<&Slot> {
        self.slots.get((ordinal as usize).checked_sub(1)?)
    }

    fn slot_mut(&mut self, ordinal: u32) -> Option<&mut Slot> {
        self.slots.get_mut((ordinal as usize).checked_sub(1)?)
    }

    /// What a task undoes, where it undoes something.
    fn undo_of(&self, slot: &Slot) -> Option<&Undo> {
        slot.undoes?;
        self.graph.node(slot.node)?.undo.as_ref()
    }

    fn node_of(&self, slot: &Slot) -> Option<&Node> {
        self.graph.node(slot.node)
    }
}
