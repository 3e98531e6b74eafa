//! An agent: immutable, stateless, safe to share by any number of concurrent runs.

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::{Definition, Event, Recorded, Run, Status};
use largestack_ports::license::License;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

use crate::approval::ApprovalPolicy;
use crate::builder::AgentBuilder;
use crate::child::Above;
use crate::drive::{Beginning, Drive};
use crate::memory::Memory;
use crate::options::{Input, ResumeOptions, RunOptions};
use crate::output::Shape;
use crate::pipeline::{Permissions, Pipeline};
use crate::report::Report;
use crate::runtime::Runtime;
use crate::stream::{RunStream, Sink};
use crate::tools::Registry;
use crate::tools::breaker::Breakers;
use crate::tools::share::Flights;

/// An agent. Cheap to clone.
#[derive(Clone)]
pub struct Agent(pub(crate) Arc<Core>);

pub(crate) struct Core {
    pub(crate) definition: Arc<Definition>,
    pub(crate) sealed: Bytes,
    pub(crate) hash: Hash,
    pub(crate) registry: Registry,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) shape: Option<Shape>,
    pub(crate) guard: largestack_guard::Guard,
    /// What is taken out of what the model says, where something is.
    pub(crate) said: Option<largestack_guard::content::Output>,
    /// What judges texts by the operator's rules, where there are some.
    pub(crate) content: Option<largestack_guard::content::Content>,
    /// Who listens for people who mean to harm themselves, where it is listened.
    pub(crate) help: Option<crate::stages::help::Help>,
    /// What is looked for of its instructions in what it says, where something is.
    pub(crate) leaks: Option<Arc<crate::leak::Leaks>>,
    /// Whether what nobody vouches for is marked in what the model is sent.
    pub(crate) spotlights: bool,
    pub(crate) permissions: Permissions,
    pub(crate) approvals: ApprovalPolicy,
    pub(crate) license: Option<Arc<dyn License>>,
    pub(crate) fallbacks: Vec<Agent>,
    pub(crate) breakers: Arc<Breakers>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) memory: Memory,
    pub(crate) runtime: Runtime,
}

impl Agent {
    /// Begins to describe an agent.
    pub fn builder(name: impl Into<Arc<str>>) -> AgentBuilder {
        AgentBuilder::new(name.into())
    }

    /// What it is made of, as data.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.0.definition
    }

    /// The hash of [`Agent::definition`], as runs carry it.
    pub fn definition_hash(&self) -> Hash {
        self.0.hash
    }

    /// It and the agents that take over from it, in order.
    pub(crate) fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.0.fallbacks)
    }

    /// Runs it to its end. Dropping the future cancels the run and settles its cost.
    pub async fn run(&self, scope: &Scope, input: impl Into<Input>) -> Result<Report> {
        self.run_with(scope, input, RunOptions::default()).await
    }

    /// Runs it to its end with options of this run.
    pub async fn run_with(
        &self,
        scope: &Scope,
        input: impl Into<Input>,
        options: RunOptions,
    ) -> Result<Report> {
        let beginning = Beginning { input: input.into(), options, sink: None, above: None };
        Drive::begin(Arc::clone(&self.0), scope, beginning).await?.perform().await
    }

    /// Runs it and tells what happens on the way. The stream owns the run: dropping it cancels.
    pub fn stream(&self, scope: &Scope, input: impl Into<Input>, options: RunOptions) -> RunStream {
        let (agent, scope, input) = (self.clone(), scope.clone(), input.into());
        RunStream::new(options.whole, |sink| {
            Box::pin(async move {
                let beginning = Beginning { input, options, sink: Some(sink), above: None };
                Drive::begin(agent.0, &scope, beginning).await?.perform().await
            })
        })
    }

    /// Takes up a run that was cut off or suspended, and runs it to its end.
    pub async fn resume(
        &self,
        scope: &Scope,
        run: RunId,
        options: ResumeOptions,
    ) -> Result<Report> {
        self.take_up(scope, run, (options, None)).await?.perform().await
    }

    /// Takes up a run and tells what happens on the way.
    pub fn resume_stream(&self, scope: &Scope, run: RunId, options: ResumeOptions) -> RunStream {
        let (agent, scope) = (self.clone(), scope.clone());
        RunStream::new(options.whole, move |sink| {
            Box::pin(async move {
                agent.take_up(&scope, run, (options, Some(sink))).await?.perform().await
            })
        })
    }

    pub(crate) async fn take_up(
        &self,
        scope: &Scope,
        run: RunId,
        options: (ResumeOptions, Option<Sink>),
    ) -> Result<Box<Drive>> {
        self.take_up_under(scope, run, options, None).await
    }

    /// The same for a run below another one, by whoever has that one.
    pub(crate) async fn take_up_under(
        &self,
        scope: &Scope,
        run: RunId,
        options: (ResumeOptions, Option<Sink>),
        above: Option<Above>,
    ) -> Result<Box<Drive>> {
        // A journal gives a run to its own process again, and would take it from itself.
        let live = self.0.runtime.live.admit(scope, run, &options.0.cancel)?;
        let journal = &self.0.runtime.journal;
        let lease = journal.claim(scope, run, self.0.runtime.owner).await?;
        let taken = match self.refold(scope, run).await {
            Ok((folded, _)) if folded.root() != run && above.is_none() => {
                let detail = format!("{run} is a part of {}: take that one up", folded.root());
                Err(LargestackError::other(Code::Conflict, detail))
            }
            Ok((folded, events)) => {
                let core = Arc::clone(&self.0);
                let held = (lease.clone(), live);
                Drive::take_up(core, held, folded, &events, (options, above)).await
            }
            Err(error) => Err(error),
        };
        if taken.is_err() {
            // The error that led here says more than a failed release.
            let _ = journal.release(&lease).await;
        }
        taken
    }

    async fn refold(&self, scope: &Scope, run: RunId) -> Result<(Run, Vec<Recorded>)> {
        if let Some(summary) = self.0.runtime.journal.run(scope, run).await? {
            summary.driven_here()?;
        }
        let events = self.0.runtime.journal.read(scope, run, 0).await?;
        let Some(Event::RunStarted(started)) = events.first().map(|first| &*first.event) else {
            return Err(LargestackError::other(Code::NotFound, format!("there is no run {run}")));
        };
        if started.definition != self.0.hash {
            let detail = format!(
                "{run} was started with definition {} of agent {}, and this is {}",
                started.definition, started.agent, self.0.hash
            );
            return Err(LargestackError::other(Code::Definition, detail));
        }
        let folded = fold(run, &self.0.definition, &events)?;
        if folded.status().is_final() {
            return Err(ended(run, folded.status()));
        }
        Ok((folded, events))
    }
}

/// The error of a run that cannot go on because it has ended.
fn ended(run: RunId, status: Status) -> LargestackError {
    let detail = format!("{run} has ended ({status})");
    let advice = format!("There is nothing left to do in it: `largestack trace {run}` shows it");
    LargestackError::with_advice(Code::Conflict, detail, advice)
}

/// Folds a journal that was read.
pub fn fold(run: RunId, definition: &Arc<Definition>, events: &[Recorded]) -> Result<Run> {
    let mut folded = Run::new(run, Arc::clone(definition));
    for recorded in events {
        folded.apply(&recorded.event).map_err(|error| LargestackError::from_coded(&error))?;
    }
    Ok(folded)
}

/// Where a journal's run stands, without an agent: reads the definition it was started with.
pub async fn fold_stored(
    journal: &dyn largestack_ports::journal::Journal,
    scope: &Scope,
    run: RunId,
) -> Result<(Run, Vec<Recorded>)> {
    let events = journal.read(scope, run, 0).await?;
    let Some(Event::RunStarted(started)) = events.first().map(|first| &*first.event) else {
        return Err(LargestackError::other(Code::NotFound, format!("there is no run {run}")));
    };
    let definition = stored_definition(journal, scope, started.definition).await?;
    Ok((fold(run, &Arc::new(definition), &events)?, events))
}

/// The definition with this hash, as the run that used it kept it.
pub async fn stored_definition(
    journal: &dyn largestack_ports::journal::Journal,
    scope: &Scope,
    hash: Hash,
) -> Result<Definition> {
    let damaged =
        |why: String| LargestackError::other(Code::Journal, format!("the definition {hash} {why}"));
    let bytes = journal.blob(scope, hash).await?;
    let bytes = bytes.ok_or_else(|| damaged("is missing".to_owned()))?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(format!("cannot be read: {error}")))
}
