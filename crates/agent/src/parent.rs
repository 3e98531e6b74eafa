//! A run that is no agent's and has agents below it: a workflow's. What such a run needs of this
//! crate is here in one place: its account and its place in the tree, the guard of what it writes,
//! and asking an agent in a run that is found again when it is taken up.

use std::any::Any;
use std::sync::Arc;

use largestack_engine::Recorded;
use largestack_engine::event::{CancelRequested, ChildRun, FindingRecord};
use largestack_engine::graph::GraphLimits;
use largestack_guard::{Guard, Policy};
use largestack_ports::BoxFuture;
use largestack_ports::ledger::BudgetKey;
use largestack_ports::tree::{Doubts, RunTree};
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, KillSwitchActivatedError, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::{DataClass, DataClasses, Label};
use largestack_types::money::Money;
use largestack_types::part::PartId;
use largestack_types::scope::Scope;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::agent::{Agent, fold, fold_stored};
use crate::below;
use crate::child::{Above, Within};
use crate::drive::{Beginning, Drive, plain_value};
use crate::event::RunEvent;
use crate::fork::{latest, shared_values};
use crate::lost::Lost;
use crate::options::{Input, ResumeOptions, RunOptions};
use crate::protect::RunGuard;
use crate::report::Report;
use crate::runtime::Runtime;
use crate::stream::Sink;

pub use crate::drive::Claimed;
pub use crate::lost::is_of_the_store;

/// Runs that may stand above one another, where the run at the top is a workflow's.
const MOST_DEPTH: u32 = 16;

/// A run that has agents below it and is none of an agent's.
pub struct ParentRun {
    runtime: Runtime,
    scope: Scope,
    run: RunId,
    tree: RunTree,
    guard: Arc<RunGuard>,
    lost: Arc<Lost>,
}

/// A value after the guard.
pub struct GuardedValue {
    /// The value, placeholders in place of sensitive ones.
    pub value: Value,
    /// Its label, with the classes of what was found and can be read in it.
    pub label: Label,
    /// What was found.
    pub findings: Vec<FindingRecord>,
}

/// A question to an agent.
pub struct Question {
    /// The task that asks.
    pub effect: EffectId,
    /// The run that answers: the same whenever it is asked for.
    pub run: RunId,
    /// What is asked.
    pub prompt: String,
    /// Where that came from.
    pub label: Label,
    /// What the agent's tools are given.
    pub deps: Arc<dyn Any + Send + Sync>,
    /// Who listens to the run.
    pub events: Option<mpsc::Sender<RunEvent>>,
}

impl ParentRun {
    /// The run at the top of a tree, or one below another one.
    pub async fn new(
        runtime: Runtime,
        (scope, run): (Scope, RunId),
        policy: Policy,
        (above, in_doubt): (Option<&Self>, Doubts),
    ) -> Result<Self> {
        if let Some(thrown) = runtime.switch.thrown(&scope) {
            return Err(KillSwitchActivatedError { by: thrown.by, reason: thrown.reason }.into());
        }
        let own = BudgetKey::run_tree(&scope, run);
        let alone = RunTree::alone(run);
        let tree = match above {
            None => RunTree {
                max_depth: MOST_DEPTH,
                max_children: u32::MAX,
                accounts: Arc::new([own]),
                in_doubt,
                ..alone
            },
            Some(above) => {
                let depth = above.tree.depth.saturating_add(1);
                if depth > above.tree.max_depth {
                    let detail = format!("runs stand {} deep here, at most", above.tree.max_depth);
                    return Err(LargestackError::other(Code::Loop, detail));
                }
                let accounts = above.tree.accounts.iter().cloned();
                RunTree {
                    root: above.tree.root,
                    depth,
                    max_depth: above.tree.max_depth,
                    max_children: u32::MAX,
                    accounts: std::iter::once(own).chain(accounts).collect(),
                    in_doubt: above.tree.in_doubt.clone(),
                    ..alone
                }
            }
        };
        let vault = Arc::clone(&runtime.vault);
        let known = vault.all(&scope, run).await?;
        let guard = RunGuard::new(Guard::new(policy), scope.clone(), run, vault, known);
        Ok(Self { runtime, scope, run, tree, guard: Arc::new(guard), lost: Arc::default() })
    }

    /// The same run, as a fork: it knows what placeholders of the events that it shares stand for, as far
    /// as that has not been erased.
    pub async fn remembering(
        mut self,
        policy: Policy,
        values: &[RunId],
        shared: &[Recorded],
    ) -> Result<Self> {
        let (vault, scope) = (Arc::clone(&self.runtime.vault), self.scope.clone());
        let own = vault.all(&scope, self.run).await?;
        let known = shared_values(&self.runtime, &scope, (values, shared)).await?;
        let known = latest(known.into_iter().chain(own).collect());
        let guard = RunGuard::of_fork(Guard::new(policy), scope, self.run, vault, known);
        self.guard = Arc::new(guard);
        Ok(self)
    }

    /// Opens its account, with what it and all runs under it have spent before. Those above it were
    /// opened with that, too.
    pub async fn open(&self, limits: &GraphLimits, spent: Money) -> Result<()> {
        let key = BudgetKey::run_tree(&self.scope, self.run);
        self.runtime.ledger.open(&key, limits.budget, spent).await
    }

    /// Closes its account: what it has spent is in its journal.
    pub async fn close(&self) {
        let key = BudgetKey::run_tree(&self.scope, self.run);
        self.runtime.ledger.close(&key).await;
    }

    /// The run at the top of its tree.
    pub const fn root(&self) -> RunId {
        self.tree.root
    }

    /// Takes sensitive values out of a value, leaf by leaf. `place` names it for the error of a
    /// blocked one.
    pub async fn protect(
        &self,
        effect: EffectId,
        place: &str,
        (value, label): (Value, Label),
    ) -> Result<GuardedValue> {
        guarded(&self.guard, PartId::at(effect, 0), place, (value, label)).await
    }

    /// The same of a value that somebody outside has said: a placeholder of this run that stands in
    /// it is none.
    pub async fn protect_from_outside(
        &self,
        effect: EffectId,
        place: &str,
        said: (Value, Label),
    ) -> Result<GuardedValue> {
        guarded(&self.guard.over_outside(), PartId::at(effect, 0), place, said).await
    }

    /// The value with what the placeholders of these classes stand for.
    pub fn reveal(&self, value: Value, classes: DataClasses) -> Value {
        if classes.is_empty() {
            return value;
        }
        let text = value.to_string();
        if !text.contains('<') {
            return value;
        }
        let revealed = self.guard.reveal_classes(Json::vouched(text), classes);
        serde_json::from_str(revealed.as_str()).unwrap_or(value)
    }

    /// The value with what those of its placeholders stand for that `given` holds: for whoever gave
    /// that.
    pub fn reveal_given(&self, value: Value, given: &str) -> Value {
        if given.is_empty() {
            return value;
        }
        let revealed = self.guard.reveal_json(Json::vouched(value.to_string()), given);
        serde_json::from_str(revealed.as_str()).unwrap_or(value)
    }

    /// The value with everything that its placeholders stand for: for another run, whose own guard
    /// keeps it back again.
    pub fn reveal_all(&self, value: Value) -> Value {
        self.reveal(value, DataClass::ALL.iter().copied().collect())
    }

    /// Asks an agent: begins the run of this question, goes on with it, or says what it came to.
    /// Dropping the future cancels the run. The label is that of everything it has read.
    pub fn ask(
        self: &Arc<Self>,
        agent: &Agent,
        question: Question,
    ) -> BoxFuture<'static, Result<(Report, Label)>> {
        let (above, agent) = (Arc::clone(self), agent.clone());
        Box::pin(async move {
            let place = Above {
                parent: (above.run, question.effect),
                tree: above.tree.clone(),
                label: question.label,
                within: Some(Arc::new(Within {
                    guard: Arc::clone(&above.guard),
                    sink: None,
                    shown: "".into(),
                    lost: Arc::clone(&above.lost),
                })),
            };
            // Everything else it is told as placeholders, which are the same in the whole tree.
            let let_through = RunGuard::let_through(agent.0.guard);
            let prompt = above.reveal(Value::String(question.prompt), let_through);
            let prompt = match prompt {
                Value::String(prompt) => prompt,
                other => other.to_string(),
            };
            let sink = question.events.map(Sink::owner);
            let asked = (Input::from(prompt), question.deps);
            agent.answer_below((&above.scope, question.run), asked, (place, sink)).await
        })
    }

    /// What the run of a task has come to so far, with everything under it: known also of one that
    /// was dropped.
    pub fn child(&self, effect: EffectId) -> Option<ChildRun> {
        self.tree.children.at(effect).map(|(child, _)| child)
    }

    /// Notes what the run of a task has come to so far, with everything under it.
    pub fn knows_of(&self, effect: EffectId, child: ChildRun) {
        self.tree.children.came_to(effect, child, false);
    }

    /// Leaves what it has started as it is, when that is dropped with it: nothing is cancelled for an
    /// error of the store.
    pub fn stay(&self) {
        self.lost.stay();
    }

    /// Whether it cannot go on, and what it has started stays as it is.
    pub fn stays(&self) -> bool {
        self.lost.stays()
    }

    /// Ends the run of an agent that nobody drives, with everything under it.
    pub async fn end_below(&self, run: RunId, request: &CancelRequested) -> Result<ChildRun> {
        below::ended_below(&self.runtime, &self.scope, run, request).await
    }

    /// What the run of an agent has come to so far by its journal, with everything under it; `None`
    /// where it never began.
    pub async fn so_far(runtime: &Runtime, scope: &Scope, run: RunId) -> Result<Option<ChildRun>> {
        let folded = match fold_stored(&*runtime.journal, scope, run).await {
            Ok((folded, _)) => folded,
            Err(error) if error.code() == Code::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let below = below::unrecorded(runtime, scope, &folded).await?;
        below::total(&folded, &below).map(Some)
    }
}

impl Agent {
    /// Runs below a run that is none of an agent's.
    async fn answer_below(
        &self,
        (scope, run): (&Scope, RunId),
        (input, deps): (Input, Arc<dyn Any + Send + Sync>),
        (above, sink): (Above, Option<Sink>),
    ) -> Result<(Report, Label)> {
        let events = self.0.runtime.journal.read(scope, run, 0).await?;
        let known =
            if events.is_empty() { None } else { Some(fold(run, self.definition(), &events)?) };
        let mut drive = match known {
            Some(folded) if folded.status().is_final() => {
                above.tell(&folded);
                let text = folded.output().map(|message| message.text()).unwrap_or_default();
                let value = plain_value(&folded);
                return Ok((Report::of(&folded, text, value), folded.label()));
            }
            Some(_) => {
                let options = ResumeOptions { deps, ..ResumeOptions::default() };
                self.take_up_under(scope, run, (options, sink), Some(above)).await?
            }
            None => {
                let options = RunOptions { id: Some(run), deps, ..RunOptions::default() };
                let beginning = Beginning { input, options, sink, above: Some(above) };
                Drive::begin(Arc::clone(&self.0), scope, beginning).await?
            }
        };
        let report = drive.perform().await?;
        Ok((report, drive.run.label()))
    }
}

/// The run of a task's try: the same whenever it is asked for, and as old as its parent where runs
/// are ordered by age.
pub fn run_of_try(parent: RunId, effect: EffectId, attempt: u32) -> RunId {
    let (ordinal, attempt) = (effect.ordinal().to_be_bytes(), attempt.to_be_bytes());
    let parts = [parent.as_bytes().as_slice(), ordinal.as_slice(), attempt.as_slice()];
    let hash = Hash::of_all(parts);
    let millis = parent.as_bytes().iter().take(6);
    let millis = millis.fold(0_u64, |millis, byte| (millis << 8) | u64::from(*byte));
    let (random, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 10], &[]));
    RunId::new(millis, *random)
}

/// A value after a guard, leaf by leaf.
async fn guarded(
    guard: &RunGuard,
    part: PartId,
    place: &str,
    (value, label): (Value, Label),
) -> Result<GuardedValue> {
    let guarded = guard.json(part, place, label, &value.to_string()).await?;
    let changed = guarded.text.as_deref().map(serde_json::from_str).transpose();
    let unreadable = |why: serde_json::Error| {
        LargestackError::other(Code::Unknown, format!("a guarded value is no JSON: {why}"))
    };
    let value = changed.map_err(unreadable)?.unwrap_or(value);
    Ok(GuardedValue { value, label: guarded.label, findings: guarded.findings })
}
