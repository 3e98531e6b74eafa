//! Going on under another agent's definition after a failure: the same run with the same question,
//! account and numbering of effects, and a conversation that begins anew.

use std::sync::Arc;

use largestack_types::errors::LargestackError;
use largestack_types::id::EffectId;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::money::Money;
use largestack_types::part::PartId;
use largestack_types::usage::Usage;
use serde::{Deserialize, Serialize};

use super::{FoldError, Run};
use crate::definition::Definition;
use crate::event::{Adjusted, TookOver};
use crate::status::Status;

/// What an agent had come to when another took over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The agent.
    pub agent: Arc<str>,
    /// Why it failed.
    pub error: LargestackError,
    /// Its tokens, with those of the runs that it had started.
    pub usage: Usage,
    /// Its cost, with that of the runs that it had started.
    pub cost: Money,
}

/// What a run with fallbacks was told at its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Earlier messages of the conversation.
    pub history: Vec<Arc<Message>>,
    /// What is asked.
    pub input: Option<Arc<Message>>,
    /// What this run is told beside what every run is told.
    pub instructions: Option<Arc<Message>>,
}

/// What later attempts need of the run's beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Relay {
    /// What differs in this run, without its model.
    adjusted: Option<Box<Adjusted>>,
    /// What the whole run may cost.
    budget: Option<Money>,
    /// Attempts that have failed.
    failed: Vec<Attempt>,
    /// Tokens and cost when the attempt under way began.
    before: (Usage, Money),
}

impl Run {
    /// Keeps what a fallback will need, where there is one.
    pub(super) fn prepare_relay(&mut self, adjusted: Option<&Adjusted>) {
        if self.definition.fallbacks.is_empty() {
            return;
        }
        self.relay = Some(Box::new(Relay {
            adjusted: adjusted.map(|adjusted| Box::new(adjusted.clone())),
            budget: self.definition.limits.budget,
            failed: Vec::new(),
            before: (Usage::default(), Money::ZERO),
        }));
    }

    /// What the operator tells the model: for every run, then for this one.
    pub(super) fn instructions(&self, own: Option<&Message>) -> Option<Message> {
        let all = Arc::clone(&self.definition.instructions);
        let id = PartId::at(EffectId::INPUT, 0);
        match own {
            None if all.is_empty() => None,
            None => Some(Message::system(id, all)),
            Some(own) => {
                let own_text = own.text();
                let mut text = all.as_ref().to_owned();
                if !text.is_empty() && !own_text.is_empty() {
                    text.push_str("\n\n");
                }
                text.push_str(&own_text);
                let label = Label::from_origin(Origin::Operator);
                let label = own.label().map_or(label, |own| label.join(own));
                Some(Message::of_text(Role::System, id, label, text))
            }
        }
    }

    /// The instructions, the conversation so far and the question.
    pub(super) fn tell(
        &mut self,
        own: Option<&Message>,
        history: &[Arc<Message>],
        input: &Arc<Message>,
    ) {
        if let Some(instructions) = self.instructions(own) {
            self.push(Arc::new(instructions));
        }
        for message in history {
            self.push(Arc::clone(message));
        }
        self.first = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        self.push(Arc::clone(input));
    }

    pub(super) fn took_over(&mut self, data: &TookOver) -> Result<(), FoldError> {
        let misplaced = |why| FoldError::OutOfPlace { seq: self.seq, kind: "took_over", why };
        let failed = self.conclusion.as_ref().filter(|end| end.status == Status::Failed);
        let error = failed.and_then(|end| end.error.clone()).filter(|_| self.cancel.is_none());
        let error = error.ok_or_else(|| misplaced("the agent before it has not failed"))?;
        let (Some((next, rest)), Some(relay)) =
            (self.definition.fallbacks.split_first(), self.relay.clone())
        else {
            return Err(misplaced("nobody is left who could"));
        };
        if next.agent != data.agent {
            return Err(misplaced("another agent is the next"));
        }
        let mut relay = *relay;
        let (usage, cost) = (self.tree_usage(), self.tree_cost());
        let (usage_before, cost_before) = relay.before;
        relay.failed.push(Attempt {
            agent: Arc::clone(&self.definition.agent),
            error,
            usage: usage.since(usage_before),
            cost: cost.checked_sub(cost_before).map_err(|_| FoldError::Cost { seq: self.seq })?,
        });
        relay.before = (usage, cost);
        let (history, input) = self.told();
        let history = data.history.clone().unwrap_or(history);
        let input = data.input.clone().or(input);
        let input = input.ok_or_else(|| misplaced("nothing was asked"))?;
        if let (Some(new), Some(adjusted)) = (&data.instructions, &mut relay.adjusted) {
            adjusted.instructions = Some(Arc::clone(new));
        }
        let definition = succeeding(next, rest, &relay, cost)
            .map_err(|_| misplaced("its settings do not fit together"))?;
        self.begin_anew(definition, relay, (&history, &input));
        Ok(())
    }

    /// The conversation before this run, and the question.
    fn told(&self) -> (Vec<Arc<Message>>, Option<Arc<Message>>) {
        let own = self.relay.as_ref().and_then(|relay| relay.instructions());
        let from = usize::from(self.instructions(own).is_some());
        let first = self.first as usize;
        let history = self.messages.get(from..first).unwrap_or_default().to_vec();
        (history, self.messages.get(first).cloned())
    }

    /// Everything but what belongs to the run as a whole is as at its beginning.
    fn begin_anew(
        &mut self,
        definition: Definition,
        relay: Relay,
        (history, input): (&[Arc<Message>], &Arc<Message>),
    ) {
        let fresh = Self::new(self.id, Arc::new(definition));
        let own = relay.instructions().cloned();
        *self = Self {
            root: self.root,
            session: self.session,
            next: self.next,
            seq: self.seq,
            usage: self.usage,
            cost: self.cost,
            digested: self.digested.take(),
            dropped: std::mem::take(&mut self.dropped),
            children: std::mem::take(&mut self.children),
            relay: Some(Box::new(relay)),
            branch: self.branch.take(),
            ..fresh
        };
        self.tell(own.as_ref(), history, input);
        self.await_model();
    }

    /// The agent that takes over if this one fails.
    pub fn fallback(&self) -> Option<&Arc<Definition>> {
        self.definition.fallbacks.first()
    }

    /// Agents that have failed before the one that runs took over, in order.
    pub fn attempts(&self) -> &[Attempt] {
        self.relay.as_ref().map_or(&[], |relay| &relay.failed)
    }

    /// What the run may cost with all agents that take over; `None` for no limit.
    pub fn budget(&self) -> Option<Money> {
        self.relay.as_ref().map_or(self.definition.limits.budget, |relay| relay.budget)
    }

    /// What the run was told at its beginning.
    pub fn beginning(&self) -> Told {
        let (history, input) = self.told();
        let adjusted = self.relay.as_ref().and_then(|relay| relay.adjusted.as_ref());
        let instructions = adjusted.and_then(|adjusted| adjusted.instructions.clone());
        Told { history, input, instructions }
    }
}

/// What a fork changes: it has spent nothing, and what differs in it differs for all who take over.
pub(super) fn forked(relay: &mut Relay, adjusted: Option<&Adjusted>, budget: Option<Money>) {
    relay.before = (Usage::default(), Money::ZERO);
    relay.budget = budget;
    if let Some(new) = adjusted {
        let old = relay.adjusted.take().map_or_else(Adjusted::default, |old| *old);
        relay.adjusted = Some(Box::new(old.and(new)));
    }
}

impl Relay {
    fn instructions(&self) -> Option<&Message> {
        self.adjusted.as_ref()?.instructions.as_deref()
    }
}

/// The definition of the next agent as it holds in this run: it may spend what is left, and no more
/// than its own limit.
fn succeeding(
    next: &Definition,
    rest: &[Arc<Definition>],
    relay: &Relay,
    spent: Money,
) -> Result<Definition, serde_json::Error> {
    let mut definition = match &relay.adjusted {
        Some(adjusted) => Adjusted { model: None, ..Adjusted::clone(adjusted) }.apply(next)?,
        None => next.clone(),
    };
    let own = definition.limits.budget.map(|own| spent.checked_add(own).unwrap_or(Money::MAX));
    definition.limits.budget = match (relay.budget, own) {
        (Some(all), Some(own)) => Some(all.min(own)),
        (all, own) => all.or(own),
    };
    definition.fallbacks = rest.to_vec();
    Ok(definition)
}
