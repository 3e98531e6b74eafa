//! How one node leads to the next: edges that are taken, joins that come together, visits.

use std::sync::Arc;

use largestack_types::errors::{Code, LargestackError};
use serde_json::Value;

use super::{Closing, Fate, GraphRun, Outcome, Slot, Stand, Visit};
use crate::graph::define::When;
use crate::graph::node::{Join, OnFailure, Work, Writes};
use crate::status::EndReason;

impl GraphRun {
    /// Lets everything follow that follows by itself.
    pub(super) fn settle(&mut self) {
        while self.closing.is_none() {
            if let Some(edge) = self.taken.pop_front() {
                self.arrive(edge);
                continue;
            }
            let joining: Vec<usize> = self.joining.iter().copied().collect();
            let joined = joining.into_iter().find(|node| self.comes_together(*node));
            let joined = joined.or_else(|| self.least_of_a_circle());
            let Some(node) = joined else { return };
            self.join(node);
        }
        self.taken.clear();
    }

    /// Nodes may wait for each other in a circle: when nothing else can happen, the first goes on
    /// with what it has.
    fn least_of_a_circle(&self) -> Option<usize> {
        let waits = |node: &usize| self.graph.node(*node).is_some_and(|n| n.join == Join::All);
        (self.open == 0).then(|| self.joining.iter().copied().find(waits)).flatten()
    }

    /// Takes the edges of a node that has been left like this.
    pub(super) fn leave(&mut self, node: usize, takes: impl Fn(&When) -> bool) {
        for edge in self.graph.leaving(node).iter().copied() {
            if self.graph.when(edge).is_some_and(&takes) {
                if let Some(tokens) = self.tokens.get_mut(edge) {
                    *tokens += 1;
                }
                self.taken.push_back(edge);
            }
        }
    }

    fn arrive(&mut self, edge: usize) {
        let Some(at) = self.graph.target(edge) else { return };
        let Some(node) = self.graph.node(at) else { return };
        match node.join {
            Join::All | Join::Every => {
                self.joining.insert(at);
            }
            join @ (Join::Any | Join::First) => {
                if let Some(tokens) = self.tokens.get_mut(edge) {
                    *tokens = tokens.saturating_sub(1);
                }
                let visited = self.tallies.get(at).is_some_and(|tally| tally.visits > 0);
                if join == Join::Any || !visited {
                    self.visit(at);
                }
            }
        }
    }

    /// Whether every token is there that this join needs.
    fn comes_together(&mut self, at: usize) -> bool {
        if self.still_waits(at) {
            return false;
        }
        let lacks = |edge: &&usize| self.tokens.get(**edge).is_none_or(|tokens| *tokens == 0);
        let missing: Vec<usize> = self
            .graph
            .leading(at)
            .iter()
            .filter(lacks)
            .filter_map(|e| self.graph.source(*e))
            .collect();
        if missing.is_empty() {
            return true;
        }
        let waits_for_all = self.graph.node(at).is_some_and(|node| node.join == Join::Every);
        let active = |node: &usize| self.tallies.get(*node).is_some_and(|tally| tally.active > 0);
        if waits_for_all || missing.iter().any(active) {
            return false;
        }
        // An edge may still be taken when something that goes on can lead to where it leaves,
        // other than through this node.
        let others = self.joining.iter().copied().filter(|node| *node != at);
        let going = (0..self.tallies.len()).filter(active).filter(|node| *node != at);
        let may = |edge: usize| self.graph.target(edge) != Some(at);
        let reached = self.graph.reached(going.chain(others), may);
        !missing.iter().any(|node| reached.get(*node) == Some(&true))
    }

    /// Whether a join waits for an edge without a token whose node is under way. Looked for from
    /// where one was found the last time: a thousand branches are not all looked at for each of them.
    fn still_waits(&mut self, at: usize) -> bool {
        let edges = self.graph.leading(at);
        let from = self.tallies.get(at).map_or(0, |tally| tally.lacks);
        let waits = |place: &usize| {
            let edge = edges.get(*place);
            let lacks = edge.and_then(|edge| self.tokens.get(*edge)).is_some_and(|t| *t == 0);
            let source = edge.and_then(|edge| self.graph.source(*edge));
            let tally = source.and_then(|source| self.tallies.get(source));
            lacks && tally.is_some_and(|tally| tally.active > 0)
        };
        let found = (from..edges.len()).chain(0..from.min(edges.len())).find(waits);
        if let (Some(found), Some(tally)) = (found, self.tallies.get_mut(at)) {
            tally.lacks = found;
        }
        found.is_some()
    }

    /// Takes one token of each edge that has some.
    fn join(&mut self, at: usize) {
        let mut left = false;
        for edge in self.graph.leading(at) {
            if let Some(tokens) = self.tokens.get_mut(*edge) {
                *tokens = tokens.saturating_sub(1);
                left |= *tokens > 0;
            }
        }
        if !left {
            self.joining.remove(&at);
        }
        self.visit(at);
    }

    /// A node is reached.
    pub(super) fn visit(&mut self, at: usize) {
        let most = self.graph.graph().limits.max_visits.max(1);
        let number = self.visits.len();
        let Some(tally) = self.tallies.get_mut(at) else { return };
        if tally.visits >= most {
            self.closing = Some(Closing::Limited(EndReason::MaxVisits));
            return;
        }
        tally.visits += 1;
        tally.active += 1;
        tally.last = Some(number);
        tally.undone = false;
        let first = u32::try_from(self.slots.len()).unwrap_or(u32::MAX).saturating_add(1);
        let seen = Arc::clone(&self.state);
        let count = self.task_count(at, &seen);
        let tasks = (first, count.as_ref().map_or(0, |count| *count));
        self.visits.push(Visit { node: at, seen: Some(seen), tasks, open: tasks.1, over: None });
        match count {
            Err(error) => self.visit_fails(number, &error),
            Ok(0) => {
                let mapped = self.graph.node(at).is_some_and(|node| node.map.is_some());
                let nothing = if mapped { Value::Array(Vec::new()) } else { Value::Null };
                self.finish_visit(number, (Outcome::Done, Some(Arc::new(nothing))), None);
            }
            Ok(count) => self.add_tasks(number, at, count),
        }
    }

    fn add_tasks(&mut self, visit: usize, node: usize, count: u32) {
        let mapped = self.graph.node(node).is_some_and(|node| node.map.is_some());
        for item in 0..count {
            self.slots.push(Slot {
                visit,
                node,
                item: mapped.then_some(item),
                undoes: None,
                attempt: 1,
                stand: Stand::Due,
                began: false,
                tried: false,
                approved: false,
                output: None,
            });
            self.due.insert(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        }
        self.open = self.open.saturating_add(count);
    }

    /// How many tasks a visit has: of a node that does nothing, none.
    fn task_count(&self, at: usize, seen: &super::State) -> Result<u32, LargestackError> {
        let Some(node) = self.graph.node(at) else { return Ok(0) };
        let Some(map) = &node.map else {
            return Ok(u32::from(node.work != Work::Pass));
        };
        match seen.get(&map.over) {
            Some(Value::Array(list)) => Ok(u32::try_from(list.len()).unwrap_or(u32::MAX)),
            other => {
                let found = other.map_or("nothing", crate::graph::state::kind);
                let (name, over) = (&node.name, &map.over);
                Err(LargestackError::other(
                    Code::Output,
                    format!("node `{name}` works on each element of `{over}`, which is {found}"),
                ))
            }
        }
    }

    /// A visit is over: what it has to say is written, and what follows is taken.
    pub(super) fn finish_visit(
        &mut self,
        visit: usize,
        (outcome, output): (Outcome, Option<Arc<Value>>),
        choice: Option<&Arc<str>>,
    ) {
        // What it saw is let go of first: what nobody else looks at is written to in its place.
        self.let_go(visit);
        let going_on = self.visits.get(visit).filter(|visit| visit.over.is_none());
        if let (Some(at), Some(output)) = (going_on.map(|visit| visit.node), output)
            && let Err(error) = self.write(at, output)
        {
            self.visit_fails(visit, &error);
            return;
        }
        let Some(at) = self.end_visit(visit, outcome) else { return };
        self.leave(at, |when| match when {
            When::Always => true,
            When::Choice(wanted) => choice == Some(wanted),
            When::Failed => false,
        });
    }

    /// What a visit saw is kept no longer, unless it is needed after its end: what is undone is given
    /// what its node saw, and so is what begins again.
    fn let_go(&mut self, visit: usize) {
        let Some(visit) = self.visits.get_mut(visit) else { return };
        let again = self.graph.group_of(visit.node).is_some();
        if !again && self.graph.node(visit.node).is_some_and(|node| node.undo.is_none()) {
            visit.seen = None;
        }
    }

    /// Marks a visit as over; the node that it was of, unless it was over before.
    pub(super) fn end_visit(&mut self, visit: usize, outcome: Outcome) -> Option<usize> {
        self.let_go(visit);
        let ended = self.visits.get_mut(visit)?;
        let node = ended.node;
        let is_new = ended.over.replace(outcome).is_none();
        if is_new && let Some(tally) = self.tallies.get_mut(node) {
            tally.active = tally.active.saturating_sub(1);
        }
        is_new.then_some(node)
    }

    /// A visit fails as a whole, whatever its tasks came to: there is no list to work on, or what it
    /// has to say does not fit the state.
    fn visit_fails(&mut self, visit: usize, error: &LargestackError) {
        let failed = self.visits.get(visit).map(|visit| (visit.node, visit.tasks));
        let Some((node, (ordinal, count))) = failed else { return };
        let goes_on = self.graph.node(node).is_some_and(|node| node.on_failure != OnFailure::Fail);
        if self.closing.is_some() || !goes_on {
            self.end_visit(visit, Outcome::Failed);
            self.closing.get_or_insert_with(|| Closing::Failed(error.clone()));
            return;
        }
        if count == 0 {
            // Without a task it gets one that never did anything, so that the failure is somebody's.
            self.add_tasks(visit, node, 1);
            if let Some(visit) = self.visits.get_mut(visit) {
                visit.tasks = (ordinal, 1);
            }
            self.stand(ordinal, Stand::Over(Fate::Never));
        }
        self.fails(ordinal, true, error);
    }

    /// Writes a node's output to where it goes.
    fn write(&mut self, at: usize, output: Arc<Value>) -> Result<(), LargestackError> {
        let graph = Arc::clone(&self.graph);
        let Some(node) = graph.node(at) else { return Ok(()) };
        let unfit = |why: String| {
            let detail = format!("what node `{}` says does not fit the state: {why}", node.name);
            LargestackError::other(Code::Output, detail)
        };
        let fields: Vec<(Arc<str>, Arc<Value>)> = match (&node.writes, &*output) {
            (Writes::Nothing, _) | (Writes::Keys(_), Value::Null) => return Ok(()),
            (Writes::Key(key), _) => vec![(Arc::clone(key), output)],
            (Writes::Keys(keys), Value::Object(fields)) => {
                let mut known = Vec::with_capacity(fields.len());
                for (field, value) in fields {
                    let key = keys.iter().find(|key| ***key == *field);
                    let key = key.ok_or_else(|| unfit(format!("it may not write `{field}`")))?;
                    known.push((Arc::clone(key), Arc::new(value.clone())));
                }
                known
            }
            (Writes::Keys(_), other) => {
                let found = crate::graph::state::kind(other);
                return Err(unfit(format!("an object is wanted, and this is {found}")));
            }
        };
        // Of several keys all are written or none: a node that is skipped has written nothing.
        let goes_on = node.on_failure != OnFailure::Fail;
        let before = (fields.len() > 1 && goes_on).then(|| Arc::clone(&self.state));
        let written = self.write_each(fields).map_err(unfit);
        if let (Err(_), Some(before)) = (&written, before) {
            self.state = before;
        }
        written
    }

    /// Brings each value together with what stands under its key.
    fn write_each(&mut self, fields: Vec<(Arc<str>, Arc<Value>)>) -> Result<(), String> {
        let graph = &self.graph;
        let replace = crate::graph::state::Reducer::Replace;
        let state = Arc::make_mut(&mut self.state);
        for (key, value) in fields {
            let reducer = graph.graph().channels.get(&key).unwrap_or(&replace);
            let unfit = |why| format!("`{key}`: {why}");
            if let Some(old) = state.get_mut(&key) {
                graph.reducers().reduce(reducer, old, value).map_err(unfit)?;
            } else {
                let mut first = Arc::default();
                graph.reducers().reduce(reducer, &mut first, value).map_err(unfit)?;
                state.insert(key, first);
            }
        }
        Ok(())
    }
}
