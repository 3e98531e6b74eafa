//! The fold: how each event changes a run of a graph. The only place where one changes.

use std::sync::Arc;

use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::EffectId;

use super::{Closing, Fate, GraphRun, Outcome, Stand};
use crate::event::{CancelReason, CancelRequested, DoubtDecision, DoubtSettled, Event};
use crate::graph::fact::{Fact, GraphStarted, NodeFinished};
use crate::graph::node::{Node, Work};
use crate::run::FoldError;

impl GraphRun {
    /// Folds one event. An error leaves the run in no state to go on with.
    pub fn apply(&mut self, event: &Event) -> Result<(), FoldError> {
        let kind = event.kind();
        self.seq += 1;
        let seq = self.seq;
        let misplaced = |why| FoldError::OutOfPlace { seq, kind, why };
        if self.end.is_some() {
            return Err(misplaced("the run has ended"));
        }
        if self.begun == matches!(event, Event::Graph(Fact::Started(_))) {
            return Err(misplaced("a run starts once, first of all"));
        }
        let effect = self.fold(event, seq)?;
        self.settle();
        self.close();
        match effect {
            Ok(()) => Ok(()),
            Err(Some(effect)) => Err(FoldError::NoSuchEffect { seq, kind, effect }),
            Err(None) => Err(misplaced("it belongs into the run of an agent")),
        }
    }

    /// The effect that the run does not have, where it names one; nothing for an event of an agent.
    fn fold(&mut self, event: &Event, seq: u64) -> Result<Result<(), Option<EffectId>>, FoldError> {
        let named = |folded: Option<()>, effect: EffectId| Ok(folded.ok_or(Some(effect)));
        match event {
            Event::Graph(fact) => return self.fact(fact, seq),
            Event::Resumed(_) => self.lose_what_was_in_flight(),
            Event::ChildWaits(data) => {
                let below = Stand::Below(data.child);
                return named(self.stand(data.effect.ordinal(), below), data.effect);
            }
            Event::ApprovalRequested(data) => {
                return named(self.asks(data), data.effect);
            }
            Event::ApprovalAnswered(data) => return named(self.answered(data), data.effect),
            Event::DoubtSettled(data) => return named(self.settle_doubt(data), data.effect),
            Event::LimitReached(data) => {
                self.closing.get_or_insert(Closing::Limited(data.limit.into()));
            }
            Event::CancelRequested(data) => self.cancel(data),
            Event::Forked(data) => self.forked(data, seq)?,
            Event::Guarded(_) | Event::PolicyDecided(_) => {}
            Event::RunFinished(end) => self.end = Some(end.clone()),
            _ => return Ok(Err(None)),
        }
        Ok(Ok(()))
    }

    fn fact(&mut self, fact: &Fact, seq: u64) -> Result<Result<(), Option<EffectId>>, FoldError> {
        let (effect, folded) = match fact {
            Fact::Started(data) => {
                self.start(data);
                return Ok(Ok(()));
            }
            Fact::EventReceived(data) => {
                self.received(&data.event, Arc::new(data.data.clone()), data.label);
                return Ok(Ok(()));
            }
            Fact::NodeStarted(data) => {
                let ordinal = data.effect.ordinal();
                (data.effect, self.stand(ordinal, Stand::Started))
            }
            Fact::NodeFinished(data) => {
                self.pay(data.effect, data.child.as_ref(), seq)?;
                (data.effect, self.node_finished(data))
            }
            Fact::NodeFailed(data) => {
                self.pay(data.effect, data.child.as_ref(), seq)?;
                (data.effect, self.node_failed(data))
            }
            Fact::NodeSleeps(data) => {
                let sleeping = Stand::Sleeping(data.until);
                (data.effect, self.stand(data.effect.ordinal(), sleeping))
            }
            Fact::NodeWoke(data) => (data.effect, self.woke(data.effect.ordinal())),
            Fact::NodeListens(data) => {
                (data.effect, self.listens(data.effect.ordinal(), &data.event))
            }
        };
        Ok(folded.ok_or(Some(effect)))
    }

    fn pay(
        &mut self,
        effect: EffectId,
        child: Option<&crate::event::ChildRun>,
        seq: u64,
    ) -> Result<(), FoldError> {
        match self.book(effect.ordinal(), child) {
            Some(false) => Err(FoldError::Cost { seq }),
            _ => Ok(()),
        }
    }

    fn start(&mut self, data: &GraphStarted) {
        self.begun = true;
        self.root = data.root;
        let state = Arc::make_mut(&mut self.state);
        state.label = state.label.join(data.label);
        for (key, value) in &data.input {
            state.insert(key.as_str().into(), Arc::new(value.clone()));
        }
        let graph = Arc::clone(&self.graph);
        for node in graph.starts() {
            self.visit(*node);
        }
    }

    fn cancel(&mut self, request: &CancelRequested) {
        if request.reason == CancelReason::KillSwitch {
            self.closing = Some(Closing::Cancelled(request.clone()));
            self.stop_undoing();
        } else {
            self.closing.get_or_insert(Closing::Cancelled(request.clone()));
        }
    }

    pub(super) fn lose_what_was_in_flight(&mut self) {
        let lost: Vec<(u32, bool)> = self
            .ordinals()
            .filter_map(|(ordinal, slot)| match slot.stand {
                Stand::Below(_) => Some((ordinal, true)),
                Stand::Started => {
                    let work = || self.node_of(slot).is_some_and(|node| node.work.is_idempotent());
                    let again = self.undo_of(slot).map_or_else(work, |undo| undo.idempotent);
                    Some((ordinal, again))
                }
                _ => None,
            })
            .collect();
        for (ordinal, again) in lost {
            self.stand(ordinal, if again { Stand::Due } else { Stand::Doubtful });
        }
    }

    fn settle_doubt(&mut self, data: &DoubtSettled) -> Option<()> {
        let ordinal = data.effect.ordinal();
        let slot = self.slot(ordinal).filter(|slot| slot.stand == Stand::Doubtful)?;
        let (visit, undoing) = (slot.visit, slot.undoes.is_some());
        // A fork has not begun what was under way in the run that it left: that is not its to undo.
        let fate = if slot.began { Fate::Unknown } else { Fate::Never };
        let name = self.node_of(slot).map_or("", |node| &*node.name);
        let detail = format!("node `{name}` was cut off, and nobody knows whether it happened");
        let error = LargestackError::other(Code::InDoubt, detail);
        match data.decision {
            DoubtDecision::Rerun => self.stand(ordinal, Stand::Due),
            // Its output comes behind this, and takes it out of doubt.
            DoubtDecision::Happened => Some(()),
            DoubtDecision::Fail if !undoing => {
                self.stand(ordinal, Stand::Over(fate))?;
                self.end_visit(visit, Outcome::Failed);
                self.closing.get_or_insert(Closing::Failed(error));
                Some(())
            }
            DoubtDecision::Fail | DoubtDecision::TellModel => {
                self.task_failed(ordinal, fate, &error)
            }
        }
    }
}

impl Node {
    /// What an output chooses, where it says so itself; the reason where it says nothing that the
    /// node can choose.
    pub fn chosen(&self, output: &serde_json::Value) -> Result<Option<Arc<str>>, String> {
        let Some(place) = &self.choose else { return Ok(None) };
        let found = output.pointer(place);
        let word = match found {
            Some(serde_json::Value::String(word)) => word.clone(),
            Some(serde_json::Value::Bool(yes)) => yes.to_string(),
            _ => return Err(format!("no choice stands at `{place}`")),
        };
        let known = self.choices.iter().find(|choice| ***choice == *word);
        known.cloned().map(Some).ok_or_else(|| format!("`{word}` is none of its choices"))
    }
}

impl NodeFinished {
    /// An output without more.
    pub fn new(effect: EffectId, output: impl Into<Arc<serde_json::Value>>) -> Self {
        let label =
            largestack_types::label::Label::from_origin(largestack_types::label::Origin::Operator);
        let output = output.into();
        Self { effect, output, choice: None, label, child: None, cut_short: None, duration_us: 0 }
    }
}

impl Work {
    /// What kind of work it is, in a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Agent { .. } => "agent",
            Self::Function { .. } => "function",
            Self::Graph { .. } => "workflow",
            Self::Question { .. } => "question",
            Self::Event { .. } => "event",
            Self::Sleep { .. } => "sleep",
            Self::Set { .. } => "set",
            Self::Switch { .. } => "switch",
            Self::Pass => "pass",
        }
    }
}
