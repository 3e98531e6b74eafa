//! Agents that take over where one has failed: in the same run, under its lease and within its budget,
//! so that who is taken up later is the agent that was at work.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use largestack_engine::event::{Event, FindingRecord, TookOver};
use largestack_engine::{End, Run, Status, Told as Beginning};
use largestack_types::error::{Code, Coded as _, Kind};
use largestack_types::errors::{AllProvidersFailedError, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::EffectId;
use largestack_types::message::Message;

use super::Drive;
use super::begin::{Found, refuse_without_license};
use super::own;
use super::place::{budgets, tree};
use crate::agent::Core;
use crate::memory::given::{self, JudgedBy};
use crate::stage::StageContext;
use crate::stages::help::Told;

/// Whether another agent may try what failed so. What was forbidden stays so.
fn may_take_over(error: &LargestackError) -> bool {
    let code = error.code();
    let settled = matches!(code, Code::Budget | Code::InDoubt | Code::Journal | Code::Store);
    !settled && !matches!(code.kind(), Kind::Denied | Kind::Cancelled)
}

impl Core {
    /// The agent that is at work in a run of this one.
    pub(crate) fn under_way(self: &Arc<Self>, run: &Run) -> Result<Arc<Self>> {
        let Some(before) = run.attempts().len().checked_sub(1) else { return Ok(Arc::clone(self)) };
        let agent = self.fallbacks.get(before).map(|agent| Arc::clone(&agent.0));
        agent.ok_or_else(|| {
            let detail = format!("{} is with an agent that this one does not name", run.id());
            LargestackError::other(Code::Definition, detail)
        })
    }
}

impl Drive {
    /// The agent that takes over where a run would end so, if one does.
    pub(super) fn successor(&self, end: &End) -> Option<Arc<Core>> {
        let error = end.error.as_ref().filter(|_| end.status == Status::Failed)?;
        let money = self.run.budget().is_none_or(|all| self.run.tree_cost() < all);
        self.run.fallback().filter(|_| money && may_take_over(error))?;
        let next = self.first.fallbacks.get(self.run.attempts().len())?;
        Some(Arc::clone(&next.0))
    }

    /// Goes on as this agent; the reason where it may not be told what is asked.
    pub(super) async fn take_over(&mut self, next: Arc<Core>) -> Result<Option<LargestackError>> {
        if let Err(error) = refuse_without_license(&next) {
            return Ok(Some(error));
        }
        let guard = Arc::new(self.guard.beside(next.guard));
        let context = StageContext {
            agent: Arc::clone(&next.definition.agent),
            guard: Arc::clone(&guard),
            leak: None,
            ..self.stage_context(EffectId::INPUT)
        };
        let agent = Arc::clone(&next.definition.agent);
        let mut event = TookOver { agent, input: None, history: None, instructions: None };
        let mut found = Vec::new();
        if next.guard != self.guard.guard() || next.content.is_some() {
            let judged_by = (&context, next.content.as_ref());
            match retold((judged_by, &self.shelf), self.run.beginning(), &mut event).await {
                Ok((findings, taken)) => {
                    found = findings;
                    self.outbox.blobs.extend(taken);
                }
                Err(error) => {
                    self.note_findings(EffectId::INPUT, "guard_input", guard.all_noted())?;
                    // Help comes before every refusal.
                    let told = next.help.as_ref();
                    let told = told.and_then(|help| help.told_after(self.run.messages()));
                    return Ok(Some(told.map_or(error, Told::into_error)));
                }
            }
        }
        (self.core, self.guard) = (next, guard);
        self.note(Event::TookOver(event))?;
        for (stage, findings) in found {
            self.note_findings(EffectId::INPUT, stage, findings)?;
        }
        self.settle_in().await
    }

    /// What follows from the definition that holds now.
    async fn settle_in(&mut self) -> Result<Option<LargestackError>> {
        let told = self.run.beginning();
        if let Some(asked) = told.input {
            (self.asked_text, self.asked) = (own::words(&asked).into(), asked);
        }
        self.may_reveal(&told.history);
        if let Some(own) = &self.forkers_own {
            self.asked_text = Arc::clone(own);
        }
        let children = self.tree.children.clone();
        let place = (self.above.as_ref(), self.tree.in_doubt.clone());
        self.tree = tree(&self.lease.scope, &self.run, place);
        self.tree.children = children;
        let runtime = &self.core.runtime;
        let (ledger, scope) = (runtime.ledger.as_ref(), &self.lease.scope);
        self.budgets = budgets(ledger, scope, (&self.run, &self.tree));
        let own = self.own_budget();
        let spent = ledger.account(&own).await?.spent;
        ledger.open(&own, self.run.definition().limits.budget, spent).await?;
        self.control.restart(&runtime.clock, self.run.definition().limits.wall_clock);
        (self.retried, self.held) = (0, None);
        self.leak = OnceLock::new();
        self.share();
        self.outbox.summary = Some(self.summary());
        Ok(None)
    }

    /// The end with the causes of all agents that were asked.
    pub(super) fn with_causes(&self, end: End) -> End {
        let before = self.run.attempts();
        let Some(error) = end.error.as_ref().filter(|error| may_take_over(error)) else {
            return end;
        };
        if before.is_empty() || end.status != Status::Failed {
            return end;
        }
        let last = (Arc::clone(&self.run.definition().agent), error.clone());
        let before = before.iter().map(|one| (Arc::clone(&one.agent), one.error.clone()));
        let attempts = before.chain([last]).collect();
        End { error: Some(AllProvidersFailedError { attempts }.into()), ..end }
    }
}

/// What the run was told, as another agent's guards let it through: into the event goes what is not
/// as it was, and beside it the bytes that it names.
async fn retold(
    by: JudgedBy<'_>,
    told: Beginning,
    event: &mut TookOver,
) -> Result<(Found, Vec<(Hash, Bytes)>)> {
    let Beginning { history, input, instructions } = told;
    let (mut findings, mut taken) = (Vec::new(), Vec::new());
    let mut found = (&mut findings, &mut taken);
    let guarded = retell(by, history.clone(), &mut found).await?;
    let same = guarded.iter().zip(&history).all(|(new, old)| Arc::ptr_eq(new, old));
    event.history = (!same).then_some(guarded);
    for (of, to) in [(input, &mut event.input), (instructions, &mut event.instructions)] {
        let Some(message) = of else { continue };
        let guarded = retell(by, vec![Arc::clone(&message)], &mut found).await?;
        let changed = |new: &Arc<Message>| !Arc::ptr_eq(new, &message);
        *to = guarded.into_iter().next().filter(changed);
    }
    Ok((vec![("guard_input", findings)], taken))
}

/// Messages as another agent's guards let them through, with the documents whose bytes are kept beside
/// the journal; what was found stays with its guard where they do not.
async fn retell(
    by: JudgedBy<'_>,
    messages: Vec<Arc<Message>>,
    (findings, taken): &mut (&mut Vec<FindingRecord>, &mut Vec<(Hash, Bytes)>),
) -> Result<Vec<Arc<Message>>> {
    let told = given::guarded_whole(by, messages, (findings, taken)).await;
    told.inspect_err(|_| {
        by.0.0.guard.note_of(EffectId::INPUT, std::mem::take(*findings));
    })
}
