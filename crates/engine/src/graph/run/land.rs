//! What becomes of a task: an output, a failure, a wait.

use std::sync::Arc;

use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::EffectId;
use largestack_types::label::Label;
use serde_json::{Value, json};

use super::{Asked, Closing, Failure, Fate, GraphRun, MAY_START, Outcome, Stand};
use crate::event::{ApprovalAnswered, ApprovalRequested, ChildRun};
use crate::graph::define::When;
use crate::graph::fact::{How, NodeFailed, NodeFinished};
use crate::graph::node::{OnFailure, Work};

impl GraphRun {
    /// Puts a task where it stands now; `None` where it is over or there is none.
    pub(super) fn stand(&mut self, ordinal: u32, stand: Stand) -> Option<()> {
        let slot = self.slot_mut(ordinal)?;
        if matches!(slot.stand, Stand::Over(_)) {
            return None;
        }
        let is_started = stand == Stand::Started;
        let (is_due, is_over) = (stand == Stand::Due, matches!(stand, Stand::Over(_)));
        let rests = !is_due && !is_over && !is_started && stand != Stand::Queued;
        let (node, before) = (slot.node, std::mem::replace(&mut slot.stand, stand));
        slot.began |= is_started;
        slot.tried |= is_started;
        let was_started = before == Stand::Started;
        if before == Stand::Due {
            self.due.remove(&ordinal);
        }
        if is_due {
            self.due.insert(ordinal);
        }
        if rests {
            self.resting.insert(ordinal);
        } else {
            self.resting.remove(&ordinal);
        }
        if was_started != is_started {
            let change = |count: &mut u32| {
                *count = if is_started { *count + 1 } else { count.saturating_sub(1) };
            };
            change(&mut self.started);
            if let Some(tally) = self.tallies.get_mut(node) {
                change(&mut tally.running);
            }
        }
        if is_over {
            self.open = self.open.saturating_sub(1);
        }
        Some(())
    }

    /// Books what a task has cost.
    pub(super) fn book(&mut self, ordinal: u32, child: Option<&ChildRun>) -> Option<bool> {
        let node = self.slot(ordinal)?.node;
        let (tally, child) = (self.tallies.get_mut(node)?, child);
        let Some(child) = child else { return Some(true) };
        tally.usage = tally.usage.plus(child.usage);
        let sum = tally.cost.checked_add(child.cost);
        sum.map(|sum| tally.cost = sum).ok().map(|()| true).or(Some(false))
    }

    pub(super) fn node_finished(&mut self, data: &NodeFinished) -> Option<()> {
        let ordinal = data.effect.ordinal();
        let state = Arc::make_mut(&mut self.state);
        state.label = state.label.join(data.label);
        self.cut_short |= data.cut_short.is_some();
        self.task_done(ordinal, Arc::clone(&data.output), data.choice.as_ref())
    }

    /// A task has its output.
    pub(super) fn task_done(
        &mut self,
        ordinal: u32,
        output: Arc<Value>,
        choice: Option<&Arc<str>>,
    ) -> Option<()> {
        if let Some(error) = self.no_choice(ordinal, choice) {
            return self.task_failed(ordinal, Fate::Failed, &error);
        }
        // What happened in the run that a fork has left is that one's to undo.
        let elsewhere =
            self.slot(ordinal).is_some_and(|slot| slot.stand == Stand::Doubtful && !slot.began);
        self.stand(ordinal, Stand::Over(Fate::Done))?;
        let slot = self.slot_mut(ordinal)?;
        let (visit, undoes) = (slot.visit, slot.undoes);
        slot.began = true;
        if undoes.is_some() {
            let node = self.slot(ordinal)?.node;
            if let Some(tally) = self.tallies.get_mut(node) {
                tally.undone = true;
            }
            self.next_undo();
            return Some(());
        }
        let node = self.graph.node(self.slot(ordinal)?.node)?;
        let (mapped, kept) = (node.map.is_some(), node.undo.is_some());
        if mapped || kept {
            self.slot_mut(ordinal)?.output = Some(Arc::clone(&output));
        }
        if !elsewhere {
            self.done.push(ordinal);
        }
        if mapped {
            self.element_over(visit);
        } else {
            self.finish_visit(visit, (Outcome::Done, Some(output)), choice);
        }
        Some(())
    }

    /// Why a task is not done although it has an output: what it chose is none of its node's choices.
    fn no_choice(&self, ordinal: u32, choice: Option<&Arc<str>>) -> Option<LargestackError> {
        let slot = self.slot(ordinal).filter(|slot| slot.undoes.is_none())?;
        let node = self.node_of(slot)?;
        match (node.choices.is_empty(), choice) {
            (true, None) => return None,
            (false, Some(choice)) if node.choices.contains(choice) => return None,
            _ => {}
        }
        let what = choice.map_or("nothing".to_owned(), |choice| format!("`{choice}`"));
        let detail = format!("node `{}` chose {what}, and can choose no such thing", node.name);
        Some(LargestackError::other(Code::Output, detail))
    }

    /// One element of a list is done with; the last one makes the list of outputs.
    fn element_over(&mut self, at: usize) -> Option<()> {
        let visit = self.visits.get_mut(at)?;
        visit.open = visit.open.saturating_sub(1);
        if visit.open > 0 {
            return Some(());
        }
        let (first, count) = visit.tasks;
        let kept = self.graph.node(visit.node)?.undo.is_some();
        let outputs = (first..first.saturating_add(count)).map(|ordinal| {
            let slot = self.slots.get_mut((ordinal as usize).saturating_sub(1));
            let output =
                slot.and_then(|slot| if kept { slot.output.clone() } else { slot.output.take() });
            output.map(Arc::unwrap_or_clone).unwrap_or_default()
        });
        let outputs = Value::Array(outputs.collect());
        self.finish_visit(at, (Outcome::Done, Some(Arc::new(outputs))), None);
        Some(())
    }

    pub(super) fn node_failed(&mut self, data: &NodeFailed) -> Option<()> {
        let ordinal = data.effect.ordinal();
        if let Some(at) = data.retry_at.filter(|_| self.may_go_on(ordinal)) {
            // Only what others begin again with is cut off and tried again.
            if data.how == How::Cancelled
                && let Some(node) = self.slot(ordinal).map(|slot| slot.node)
                && let Some(tally) = self.tallies.get_mut(node)
            {
                tally.restarts += 1;
            }
            return if data.restarts { self.restart(ordinal, at) } else { self.again(ordinal, at) };
        }
        let fate = match data.how {
            How::Failed => Fate::Failed,
            How::TimedOut | How::Cancelled => Fate::Unknown,
        };
        self.task_failed(ordinal, fate, &data.error)
    }

    /// Whether a task may go on although the run comes to its end: only what undoes something.
    fn may_go_on(&self, ordinal: u32) -> bool {
        self.closing.is_none() || self.slot(ordinal).is_some_and(|slot| slot.undoes.is_some())
    }

    /// A task has failed for good.
    pub(super) fn task_failed(
        &mut self,
        ordinal: u32,
        fate: Fate,
        error: &LargestackError,
    ) -> Option<()> {
        self.stand(ordinal, Stand::Over(fate))?;
        let slot = self.slot_mut(ordinal)?;
        // Whatever has an outcome was begun; what never did anything says so.
        slot.began |= fate != Fate::Never;
        let (visit, undoing) = (slot.visit, slot.undoes.is_some());
        if !undoing && self.closing.is_some() {
            // It was cut off because the run ends: that is no failure of its own.
            self.end_visit(visit, Outcome::Cancelled);
            return Some(());
        }
        self.fails(ordinal, false, error)
    }

    /// What becomes of the run for a failure, as its node says: of one task, or with `whole` of the
    /// visit that the task belongs to.
    pub(super) fn fails(
        &mut self,
        ordinal: u32,
        whole: bool,
        error: &LargestackError,
    ) -> Option<()> {
        let slot = self.slot(ordinal)?;
        let (visit, at, undoing) = (slot.visit, slot.node, slot.undoes.is_some());
        let node = self.graph.node(at)?;
        let (then, element) = (node.on_failure, node.map.is_some() && !whole);
        self.failures.push(Failure {
            node: Arc::clone(&node.name),
            effect: EffectId::new(ordinal),
            undoing,
            error: error.clone(),
            then,
        });
        match then {
            _ if undoing => self.next_undo(),
            OnFailure::Fail => {
                self.end_visit(visit, Outcome::Failed);
                self.closing = Some(Closing::Failed(error.clone()));
            }
            OnFailure::Skip if element => {
                self.element_over(visit);
            }
            OnFailure::Skip => self.finish_visit(visit, (Outcome::Skipped, None), None),
            OnFailure::EndBranch => {
                self.end_visit(visit, Outcome::Failed);
            }
            OnFailure::Route => {
                self.end_visit(visit, Outcome::Failed);
                self.leave(at, |when| *when == When::Failed);
            }
        }
        Some(())
    }

    pub(super) fn asks(&mut self, data: &ApprovalRequested) -> Option<()> {
        let ordinal = data.effect.ordinal();
        let asked = if &*data.stage == MAY_START { Asked::First } else { Asked::Last };
        self.stand(ordinal, Stand::Asking(data.approval, asked))?;
        if asked == Asked::Last {
            let held = data.arguments.as_ref().and_then(|held| held.to::<Arc<Value>>().ok());
            self.slot_mut(ordinal)?.output = held;
        }
        Some(())
    }

    pub(super) fn answered(&mut self, data: &ApprovalAnswered) -> Option<()> {
        let ordinal = data.effect.ordinal();
        let slot = self.slot(ordinal)?;
        let node = self.node_of(slot)?;
        let Stand::Asking(approval, asked) = slot.stand else { return None };
        if approval != data.approval {
            return None;
        }
        // With choices of its own a no is one of them; what is none of them nobody has said.
        let decided = data.approved || node.choices.contains(&data.choice);
        match asked {
            Asked::First if data.approved => {
                self.slot_mut(ordinal)?.approved = true;
                self.stand(ordinal, Stand::Due)
            }
            Asked::Last if decided => {
                let choice = (!node.choices.is_empty()).then(|| Arc::clone(&data.choice));
                let (word, held) = (data.note.as_deref(), slot.output.as_ref());
                let mut output = json!({ "choice": &*data.choice, "note": word, "by": &*data.by });
                if let (Some(held), Some(fields)) = (held, output.as_object_mut()) {
                    fields.insert("about".to_owned(), Value::clone(held));
                }
                self.task_done(ordinal, Arc::new(output), choice.as_ref())
            }
            Asked::First | Asked::Last => self.denied(ordinal, data),
        }
    }

    /// Nobody has agreed to what a task asked: that is its failure.
    fn denied(&mut self, ordinal: u32, data: &ApprovalAnswered) -> Option<()> {
        let slot = self.slot_mut(ordinal)?;
        // What it would have said with a yes stands in no list of outputs.
        slot.output = None;
        // A function that asks at its end has done something by then.
        let fate = if slot.began { Fate::Failed } else { Fate::Never };
        let name = self.node_of(self.slot(ordinal)?).map_or("", |node| &*node.name);
        let said = data.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
        let detail = format!("{} does not agree to node `{name}`{said}", data.by);
        let error = LargestackError::other(Code::ApprovalDenied, detail);
        self.task_failed(ordinal, fate, &error)
    }

    pub(super) fn woke(&mut self, ordinal: u32) -> Option<()> {
        let slot = self.slot(ordinal)?;
        let Stand::Sleeping(_) = slot.stand else { return None };
        let sleeps = self.node_of(slot).is_some_and(|n| matches!(n.work, Work::Sleep { .. }));
        if sleeps && slot.undoes.is_none() {
            return self.task_done(ordinal, Arc::default(), None);
        }
        self.stand(ordinal, Stand::Due)
    }

    pub(super) fn listens(&mut self, ordinal: u32, event: &Arc<str>) -> Option<()> {
        self.stand(ordinal, Stand::Listening(Arc::clone(event)))?;
        let known = self.heard.iter().position(|(name, ..)| name == event);
        match known.and_then(|at| self.heard.remove(at)) {
            Some((_, data, label)) => self.hears(ordinal, data, label),
            None => Some(()),
        }
    }

    pub(super) fn received(&mut self, event: &Arc<str>, data: Arc<Value>, label: Label) {
        let listener = self.listening().find(|(_, name)| *name == event).map(|(effect, _)| effect);
        match listener {
            Some(effect) => {
                self.hears(effect.ordinal(), data, label);
            }
            None => self.heard.push_back((Arc::clone(event), data, label)),
        }
    }

    fn hears(&mut self, ordinal: u32, data: Arc<Value>, label: Label) -> Option<()> {
        let state = Arc::make_mut(&mut self.state);
        state.label = state.label.join(label);
        let node = self.node_of(self.slot(ordinal)?)?;
        match node.chosen(&data) {
            Ok(choice) => self.task_done(ordinal, data, choice.as_ref()),
            Err(why) => {
                let detail = format!("node `{}`: {why}", node.name);
                let error = LargestackError::other(Code::Output, detail);
                self.task_failed(ordinal, Fate::Failed, &error)
            }
        }
    }
}
