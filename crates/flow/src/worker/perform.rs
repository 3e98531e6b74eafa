//! One run, from the moment it is taken to the moment somebody else may have it.

use std::time::Duration;

use futures::FutureExt as _;
use largestack_agent::agent::fold_stored;
use largestack_agent::options::Asked;
use largestack_agent::{CancelHandle, ResumeOptions, RunOptions};
use largestack_engine::graph::Fact;
use largestack_engine::{Event, Status, Wait};
use largestack_ports::BoxFuture;
use largestack_ports::queue::{Fate, Held, Kind};
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::time::Timestamp;
use serde_json::Value;

use super::{Became, Core, WorkerEvent, queue_of};
use crate::options::{FlowOptions, FlowResume};

/// How long a run rests that another process holds.
const HELD: Duration = Duration::from_secs(1);
/// When a run is looked at again of which it is not known how long it waits.
const LOOK: Duration = Duration::from_mins(1);
/// How long one rests that nothing here may run at present: a switch is thrown, a licence is missing,
/// it began with another definition.
const FORBIDDEN: Duration = Duration::from_secs(5);
/// What is waited after the first failed attempt, doubled each time, and at the most.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);
/// How deep runs below are looked into.
const DEEPEST: u32 = 8;
/// How often the store is told what has become of a run where it does not answer.
const TOLD: u32 = 3;

/// A run that a worker has no longer.
pub(super) struct Over {
    pub(super) held: Held,
    pub(super) became: Became,
    status: Option<Status>,
    error: Option<LargestackError>,
    took: Duration,
}

impl Over {
    pub(super) fn event(&self) -> WorkerEvent {
        WorkerEvent::Over {
            run: self.held.run,
            tenant: self.held.scope.tenant().clone(),
            name: self.held.job.name.clone(),
            became: self.became,
            status: self.status,
            error: self.error.clone(),
            took_ms: u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// What a run has come to.
struct Came {
    status: Status,
    waits: Vec<Wait>,
    /// Whether it waits for an event, which the run itself has to look for, here or maybe below.
    listens: bool,
}

impl Came {
    fn to(status: Status, waits: Vec<Wait>) -> Self {
        let hears = |wait: &Wait| matches!(wait, Wait::Event { .. } | Wait::Child { .. });
        Self { status, listens: waits.iter().any(hears), waits }
    }
}

impl Core {
    /// Drives a run, and says what has become of it.
    pub(super) async fn see_to(&self, held: Held, cancel: CancelHandle) -> Over {
        let began = self.runtime.clock.monotonic();
        let came = self.perform(&held, &cancel).await;
        let status = came.as_ref().ok().map(|came| came.status);
        let fate = match came {
            Ok(came) => self.fate(&held, &came, &cancel).await,
            Err(error) => self.fate_of(&held, error).await,
        };
        let over = self.said(held, fate).await;
        let took = self.runtime.clock.monotonic().saturating_sub(began);
        Over { status, took, ..over }
    }

    /// What becomes of a run whose task broke.
    pub(super) async fn broke(&self, held: Held) -> Over {
        let error = LargestackError::other(Code::Unknown, "the task that drove the run broke");
        let after = Some(pause(held.attempt));
        self.said(held, Fate::Failed { error, after }).await
    }

    async fn said(&self, held: Held, fate: Fate) -> Over {
        let (mut became, error) = became(&held, &fate);
        if !self.conclude(&held, fate).await {
            became = Became::Lost;
        }
        Over { held, became, status: None, error, took: Duration::ZERO }
    }

    async fn conclude(&self, held: &Held, fate: Fate) -> bool {
        let Ok(queue) = queue_of(&self.runtime) else { return false };
        for _ in 0..TOLD {
            match queue.conclude(held, fate.clone()).await {
                Ok(ours) => return ours,
                Err(error) => self.tell(&WorkerEvent::Trouble { error }),
            }
            self.runtime.clock.sleep(self.poll).await;
        }
        // Nobody here has it any more: whoever tends frees it, and its journal says how far it is.
        false
    }

    async fn perform(&self, held: &Held, cancel: &CancelHandle) -> Result<Came> {
        let known = self.runtime.journal.run(&held.scope, held.run).await?;
        let ended = known.as_ref().filter(|known| known.status.is_final());
        if let Some(known) = ended {
            return Ok(Came::to(known.status, Vec::new()));
        }
        if let Some(asked) = &held.cancel {
            if known.is_none() {
                return Ok(Came::to(Status::Cancelled, Vec::new()));
            }
            if held.job.kind == Kind::Agent {
                let note = std::sync::Arc::clone(&asked.note);
                self.runs.cancel(&held.scope, held.run, note).await?;
                return Ok(Came::to(Status::Cancelled, Vec::new()));
            }
            cancel.cancel(asked.reason, asked.by.clone(), asked.note.clone());
        }
        match held.job.kind {
            Kind::Agent => self.agent(held, cancel, known.is_some()).await,
            Kind::Workflow => self.workflow(held, cancel, known.is_some()).await,
        }
    }

    async fn agent(&self, held: &Held, cancel: &CancelHandle, known: bool) -> Result<Came> {
        let agent = self.agents.get(&held.job.name).ok_or_else(|| unserved(held))?;
        let (scope, cancel) = (&held.scope, cancel.clone());
        let handle = if known {
            let options = ResumeOptions { cancel, whole: true, ..ResumeOptions::default() };
            self.runs.resume(agent, scope, held.run, options).await?
        } else {
            let options =
                RunOptions { id: Some(held.run), cancel, whole: true, ..RunOptions::default() };
            let options = match &held.job.session {
                Some(session) => options.session(&**session),
                None => options,
            };
            let question = match &held.job.input {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            self.runs.start(agent, scope, question, options).await?
        };
        let report = handle.report().await?;
        Ok(Came::to(report.status, report.waits))
    }

    async fn workflow(&self, held: &Held, cancel: &CancelHandle, known: bool) -> Result<Came> {
        let workflow = self.workflows.get(&held.job.name).ok_or_else(|| unserved(held))?;
        let (scope, cancel) = (&held.scope, cancel.clone());
        let handle = if known {
            let options = FlowResume { cancel, gives_back: true, ..FlowResume::default() };
            self.flows.resume(workflow, scope, held.run, options).await?
        } else {
            let id = Some(held.run);
            let options = FlowOptions { id, cancel, gives_back: true, ..FlowOptions::default() };
            self.flows.start(workflow, scope, held.job.input.clone(), options).await?
        };
        let report = handle.report().await?;
        let came = Came::to(report.status, report.waits);
        Ok(Came { listens: came.listens || !report.listens.is_empty(), ..came })
    }

    async fn fate(&self, held: &Held, came: &Came, cancel: &CancelHandle) -> Fate {
        match came.status {
            Status::Running => Fate::Returned { after: Duration::ZERO },
            // Whoever leaves may have let go before it looked for what it was woken for, and nobody is
            // woken twice for the same thing.
            Status::Suspended if came.listens && leaves(cancel) => {
                Fate::Returned { after: Duration::ZERO }
            }
            Status::Suspended => {
                Fate::Waiting { until: self.deadline(held, came.waits.clone(), 0).await }
            }
            Status::Cancelled if held.cancel.is_some() && !self.has_begun(held).await => {
                Fate::Cancelled
            }
            _ => Fate::Done,
        }
    }

    async fn has_begun(&self, held: &Held) -> bool {
        // Where nobody knows it has: what is there is not called nothing.
        self.runtime.journal.run(&held.scope, held.run).await.is_ok_and(|run| run.is_some())
    }

    /// What becomes of a run that could not be driven.
    async fn fate_of(&self, held: &Held, error: LargestackError) -> Fate {
        let known = self.runtime.journal.run(&held.scope, held.run).await;
        if known.is_ok_and(|known| known.is_some_and(|known| known.status.is_final())) {
            return Fate::Done;
        }
        match error.code() {
            Code::Conflict => Fate::Returned { after: HELD },
            // Somebody else may serve the agent as it was, and may be allowed to.
            Code::KillSwitch | Code::License | Code::Definition => {
                self.tell(&WorkerEvent::Trouble { error });
                Fate::Returned { after: FORBIDDEN }
            }
            _ if error.retryable() => {
                let after = Some(pause(held.attempt));
                Fate::Failed { error, after }
            }
            _ => Fate::Failed { error, after: None },
        }
    }

    /// What a run below waits for, of an agent or of a workflow.
    async fn waits_of(&self, held: &Held, run: RunId) -> Result<Vec<Wait>> {
        let (journal, scope) = (&*self.runtime.journal, &held.scope);
        let events = journal.read(scope, run, 0).await?;
        let Some(Event::Graph(Fact::Started(started))) = events.first().map(|first| &*first.event)
        else {
            return Ok(fold_stored(journal, scope, run).await?.0.waits());
        };
        let top = self.workflows.get(&held.job.name);
        let workflow = top.and_then(|top| top.of_tree(started.definition, DEEPEST));
        let workflow = workflow.ok_or_else(|| unserved(held))?;
        Ok(workflow.fold(run, &events)?.waits())
    }

    fn look_again(&self) -> Timestamp {
        self.runtime.clock.now().plus(LOOK)
    }

    /// When the first of the questions expires that a run waits for, also below it.
    fn deadline<'a>(
        &'a self,
        held: &'a Held,
        waits: Vec<Wait>,
        depth: u32,
    ) -> BoxFuture<'a, Option<Timestamp>> {
        Box::pin(async move {
            let mut first = None;
            for wait in waits {
                let until = match wait {
                    Wait::Approval { approval, .. } => match &self.runtime.tools.approvals {
                        Some(approvals) => match approvals.find(&held.scope, approval).await {
                            Ok(asked) => {
                                asked.map(|a| a.question.asked.plus(a.question.terms.expires_after))
                            }
                            Err(_) => Some(self.look_again()),
                        },
                        None => None,
                    },
                    Wait::Event { until, .. } => until,
                    Wait::Timer { until, .. } => Some(until),
                    Wait::Child { run, .. } if depth < DEEPEST => {
                        match self.waits_of(held, run).await {
                            Ok(waits) => self.deadline(held, waits, depth + 1).await,
                            // A store that fails.
                            Err(_) => Some(self.look_again()),
                        }
                    }
                    _ => None,
                };
                first = match (first, until) {
                    (Some(one), Some(other)) => Some(std::cmp::min(one, other)),
                    (one, other) => one.or(other),
                };
            }
            first
        })
    }
}

/// Whether the run was to be handed over.
fn leaves(cancel: &CancelHandle) -> bool {
    matches!(cancel.asked().now_or_never(), Some(Some(Asked::Leave)))
}

/// What a fate is called, and why it was so.
fn became(held: &Held, fate: &Fate) -> (Became, Option<LargestackError>) {
    match fate {
        Fate::Done => (Became::Done, None),
        Fate::Cancelled => (Became::Cancelled, None),
        Fate::Waiting { .. } => (Became::Waiting, None),
        Fate::Returned { .. } => (Became::Returned, None),
        Fate::Failed { error, after } => {
            let again = after.is_some() && held.attempt < held.job.attempts;
            let became = if again { Became::Retried } else { Became::Poisoned };
            (became, Some(error.clone()))
        }
    }
}

fn pause(attempt: u32) -> Duration {
    let times = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    LONGEST.min(FIRST.saturating_mul(times))
}

fn unserved(held: &Held) -> LargestackError {
    let detail = format!("this worker serves no {} `{}`", held.job.kind.name(), held.job.name);
    LargestackError::other(Code::NotFound, detail)
}
