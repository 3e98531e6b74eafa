//! What an invocation drives: a run of an agent or of a workflow, begun or taken up by the same driver
//! that drives it everywhere else.

use std::sync::Arc;

use largestack_agent::{Agent, CancelHandle, ResumeOptions, RunOptions, Runtime};
use largestack_engine::Status;
use largestack_engine::event::DoubtDecision;
use largestack_flow::{FlowOptions, FlowResume, Workflow};
use largestack_ports::BoxFuture;
use largestack_ports::approvals::Approvals;
use largestack_ports::clock::Clock;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::RestateJournal;
use crate::outcome::{Outcome, Over};
use crate::waits;

/// What is served under a name.
#[derive(Clone)]
pub enum Work {
    /// An agent.
    Agent(Agent),
    /// A workflow.
    Workflow(Workflow),
}

impl From<Agent> for Work {
    fn from(agent: Agent) -> Self {
        Self::Agent(agent)
    }
}

impl From<Workflow> for Work {
    fn from(workflow: Workflow) -> Self {
        Self::Workflow(workflow)
    }
}

/// An agent or a workflow, with what its runs stand on.
#[derive(Clone)]
pub struct Served {
    /// It. Its runtime has `journal` as its own.
    pub work: Work,
    /// On whose behalf it runs.
    pub scope: Scope,
    /// The journal of its runtime.
    pub journal: Arc<RestateJournal>,
    /// Where its questions are kept: until when they stand.
    pub approvals: Option<Arc<dyn Approvals>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What a run is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The name of the agent or workflow.
    pub agent: String,
    /// Text for an agent; for a workflow an object, or the value of its only input.
    pub input: Value,
    /// The session that an agent's run is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What is told to a run that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Told {
    /// A question is decided; the answer is where questions are kept.
    Answered {
        /// Which.
        question: largestack_types::id::ApprovalId,
    },
    /// What becomes of calls that were cut off and may have happened.
    InDoubt {
        /// That.
        decision: DoubtDecision,
    },
    /// Something came from outside.
    Event {
        /// Its name.
        name: Arc<str>,
        /// What it brings.
        #[serde(default)]
        data: Value,
    },
}

impl Told {
    /// The name under which a run waits for it.
    pub fn name(&self) -> String {
        match self {
            Self::Answered { question } => waits::of_question(*question),
            Self::InDoubt { .. } => waits::IN_DOUBT.to_owned(),
            Self::Event { name, .. } => waits::of_event(name),
        }
    }
}

/// What a run is taken up with.
#[derive(Clone, Default)]
pub(crate) struct Going {
    pub(crate) in_doubt: Option<DoubtDecision>,
    pub(crate) events: Vec<(Arc<str>, Value)>,
}

impl Going {
    /// With what was told.
    pub(crate) fn with(told: Told) -> Self {
        match told {
            Told::Answered { .. } => Self::default(),
            Told::InDoubt { decision } => Self { in_doubt: Some(decision), ..Self::default() },
            Told::Event { name, data } => Self { events: vec![(name, data)], ..Self::default() },
        }
    }
}

/// A run that is being driven.
pub(crate) type Drive = BoxFuture<'static, Result<Over>>;

impl Served {
    /// What runs on a runtime that [`RestateJournal::under`] has put the journal under.
    pub fn new(
        work: impl Into<Work>,
        scope: Scope,
        (runtime, journal): (&Runtime, &Arc<RestateJournal>),
    ) -> Self {
        Self {
            work: work.into(),
            scope,
            journal: Arc::clone(journal),
            approvals: runtime.tools.approvals.clone(),
            clock: Arc::clone(&runtime.clock),
        }
    }

    /// Drives a run from its beginning.
    pub(crate) fn begin(&self, run: RunId, question: Question, cancel: CancelHandle) -> Drive {
        let served = self.clone();
        Box::pin(async move {
            let Self { work, scope, .. } = &served;
            let outcome = match work {
                Work::Agent(agent) => {
                    let options = RunOptions {
                        id: Some(run),
                        session: question.session.map(Into::into),
                        cancel,
                        whole: true,
                        ..RunOptions::default()
                    };
                    let text = words(question.input)?;
                    agent.run_with(scope, text, options).await?.into()
                }
                Work::Workflow(workflow) => {
                    if question.session.is_some() {
                        return Err(input("a run of a workflow is part of no session"));
                    }
                    let options = FlowOptions { id: Some(run), cancel, ..FlowOptions::default() };
                    workflow.run_with(scope, question.input, options).await?.into()
                }
            };
            served.over(run, outcome).await
        })
    }

    /// Drives a run on from where its facts end.
    pub(crate) fn go_on(&self, run: RunId, going: Going, cancel: CancelHandle) -> Drive {
        let served = self.clone();
        let Going { in_doubt, events } = going;
        Box::pin(async move {
            let Self { work, scope, .. } = &served;
            let outcome = match work {
                Work::Agent(agent) => {
                    let options = ResumeOptions { in_doubt, cancel, ..ResumeOptions::default() };
                    let options = ResumeOptions { whole: true, ..options };
                    agent.resume(scope, run, options).await?.into()
                }
                Work::Workflow(workflow) => {
                    let options = FlowResume { in_doubt, events, cancel, ..FlowResume::default() };
                    workflow.resume(scope, run, options).await?.into()
                }
            };
            served.over(run, outcome).await
        })
    }

    async fn over(&self, run: RunId, outcome: Outcome) -> Result<Over> {
        if outcome.status != Status::Suspended {
            return Ok(Over::Ended(outcome));
        }
        let waits = waits::of(&*self.journal, &self.scope, run).await?;
        let most = waits.most(&self.scope, self.approvals.as_deref(), &*self.clock).await?;
        if waits.names.is_empty() && most.is_none() {
            let detail = format!("{run} is suspended and waits for nothing");
            return Err(LargestackError::other(Code::Unknown, detail));
        }
        Ok(Over::Waits { names: waits.names, most, outcome })
    }
}

fn words(input: Value) -> Result<String> {
    match input {
        Value::String(text) => Ok(text),
        _ => Err(self::input("an agent is asked in text")),
    }
}

fn input(detail: &str) -> LargestackError {
    LargestackError::other(Code::Input, detail)
}
