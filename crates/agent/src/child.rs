//! An agent as a tool of another. Its run is a run of its own, with its own journal, under the run that
//! called it: it books into the accounts above it, ends when that run ends, and is found again, not
//! begun again, when that run is taken up. What it keeps back it keeps with the placeholders of its
//! tree, so that a value has one name from top to bottom and is forgotten with the tree's session.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::ChildRun;
use largestack_engine::{Recorded, Run, Status};
use largestack_guard::Guard;
use largestack_ports::BoxFuture;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput};
use largestack_ports::tree::{Children, RunTree};
use largestack_types::error::Coded as _;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::part::Citation;
use largestack_types::tool::ToolSpec;
use serde::Deserialize;

use crate::agent::{Agent, fold};
use crate::drive::{Beginning, Drive, plain_value};
use crate::lost::{Lost, is_of_the_store};
use crate::options::{ResumeOptions, RunOptions};
use crate::protect::RunGuard;
use crate::report::{Report, citation_mark};
use crate::stream::Sink;

/// What an agent whose runs have no limit of time gets.
const LONGEST: Duration = Duration::from_hours(24);
/// What a run may take beyond its own limit, to end in good order.
const GRACE: Duration = Duration::from_secs(30);

/// What a run is told by the one above it.
#[derive(Clone)]
pub(crate) struct Above {
    /// The run and effect that start it.
    pub(crate) parent: (RunId, EffectId),
    /// The tree as that run sees it.
    pub(crate) tree: RunTree,
    /// The label of what it is asked.
    pub(crate) label: Label,
    /// What the tree's runs share; absent where the call was made by hand.
    pub(crate) within: Option<Arc<Within>>,
}

/// What the runs of one tree share while they are driven.
pub(crate) struct Within {
    /// The guard of the run above: placeholders are the same in the whole tree.
    pub(crate) guard: Arc<RunGuard>,
    /// Who listens to the run above.
    pub(crate) sink: Option<Sink>,
    /// The words of whoever asked the run at the top: only values of theirs are shown.
    pub(crate) shown: Arc<str>,
    /// Whether the run above cannot go on.
    pub(crate) lost: Arc<Lost>,
}

impl Above {
    /// The place of a run below.
    pub(crate) fn below(&self, own: RunTree) -> RunTree {
        let tree = &self.tree;
        RunTree {
            root: tree.root,
            depth: tree.depth.saturating_add(1),
            max_depth: tree
                .max_depth
                .min(tree.depth.saturating_add(1).saturating_add(own.max_depth)),
            accounts: own.accounts.iter().chain(tree.accounts.iter()).cloned().collect(),
            in_doubt: tree.in_doubt.clone(),
            ..own
        }
    }

    /// Who listens to a run below.
    pub(crate) fn sink(&self, run: RunId, agent: &Arc<str>) -> Option<Sink> {
        let sink = self.within.as_ref()?.sink.as_ref()?;
        Some(sink.below(self.parent.1, run, Arc::clone(agent)))
    }

    /// Whether the run above cannot go on, and what it has started stays as it is.
    pub(crate) fn stays(&self) -> bool {
        self.within.as_ref().is_some_and(|within| within.lost.stays())
    }

    /// Tells the run above that this one cannot go on, which is no outcome of the call.
    pub(crate) fn lose(&self, error: &LargestackError) {
        if let Some(within) = &self.within {
            within.lost.note(self.parent.1, error.clone());
        }
    }

    /// A guard with this policy over the placeholders of the tree.
    pub(crate) fn guard(&self, policy: Guard) -> Option<Arc<RunGuard>> {
        Some(Arc::new(self.within.as_ref()?.guard.beside(policy)))
    }

    /// Tells what a run has come to.
    pub(crate) fn tell(&self, run: &Run) {
        let child = ChildRun { run: run.id(), usage: run.tree_usage(), cost: run.tree_cost() };
        let children: &Children = &self.tree.children;
        children.came_to(self.parent.1, child, run.status() == Status::Suspended);
    }
}

/// Instructions of a run, made from what it is given.
pub type Instruct =
    dyn Fn(&ToolContext) -> BoxFuture<'static, Result<Option<Arc<str>>>> + Send + Sync;

/// An agent that another one calls by a name. Its run is given what the caller's run was given.
#[derive(Clone)]
pub struct AgentTool {
    agent: Agent,
    spec: ToolSpec,
    options: ToolOptions,
    instruct: Option<Arc<Instruct>>,
}

impl Agent {
    /// This agent as a tool. The caller says what it is to do in one argument, `task`.
    pub fn as_tool(
        &self,
        name: impl Into<Arc<str>>,
        description: impl Into<Arc<str>>,
    ) -> AgentTool {
        let parameters = r#"{"type":"object","properties":{"task":{"type":"string","minLength":1,"description":"What is to be done, with everything that has to be known for it."}},"required":["task"],"additionalProperties":false}"#;
        let spec = ToolSpec {
            name: name.into(),
            description: description.into(),
            parameters: Json::vouched(parameters),
            // The same call finds the same run, and its finished calls are not repeated.
            idempotent: true,
            origin: Origin::Agent,
            native: None,
            server: false,
        };
        let limits = self.chain().map(|agent| agent.definition().limits.wall_clock);
        let timeout = patience(limits);
        let mut options = ToolOptions { timeout, ..ToolOptions::default() };
        // Everything else it is told as placeholders, which are the same in the whole tree.
        options.access.reveals = RunGuard::let_through(self.0.guard);
        AgentTool { agent: self.clone(), spec, options, instruct: None }
    }

    /// Runs under another run: from the start, from where it was cut off, or not at all where it has
    /// ended already.
    async fn run_under(
        &self,
        run: RunId,
        context: &ToolContext,
        above: Above,
        (task, instructions): (String, Option<Arc<str>>),
    ) -> Result<(Report, Label)> {
        let (scope, deps) = (&context.scope, Arc::clone(&context.deps));
        let events = self.0.runtime.journal.read(scope, run, 0).await?;
        let known = if events.is_empty() {
            None
        } else {
            Some(fold(run, self.definition(), &events)?.status())
        };
        let mut drive = match known {
            Some(status) if status.is_final() => return self.ended(run, &events, &above),
            Some(_) => {
                let options = ResumeOptions { deps, ..ResumeOptions::default() };
                self.take_up_under(scope, run, (options, None), Some(above)).await?
            }
            None => {
                let id = Some(run);
                let options = RunOptions { id, instructions, deps, ..RunOptions::default() };
                let above = Some(above);
                let beginning = Beginning { input: task.into(), options, sink: None, above };
                Drive::begin(Arc::clone(&self.0), scope, beginning).await?
            }
        };
        let report = drive.perform().await?;
        Ok((report, drive.run.label()))
    }

    /// What a run that has ended came to.
    fn ended(&self, run: RunId, events: &[Recorded], above: &Above) -> Result<(Report, Label)> {
        let folded = fold(run, self.definition(), events)?;
        let text = folded.output().map(|message| message.text()).unwrap_or_default();
        let value = plain_value(&folded);
        above.tell(&folded);
        Ok((Report::of(&folded, text, value), folded.label()))
    }
}

impl AgentTool {
    /// The same run in another way: with another timeout, say, or an approval.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(&mut ToolOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// Makes instructions for each of its runs.
    #[must_use]
    pub fn instructed(mut self, instruct: Arc<Instruct>) -> Self {
        self.instruct = Some(instruct);
        self
    }

    async fn run(self, context: ToolContext, arguments: Json) -> Result<ToolOutput, ToolFailure> {
        #[derive(Deserialize)]
        struct Arguments {
            task: String,
        }
        let Arguments { task } = arguments
            .to()
            .map_err(|error| ToolFailure::new(format!("the arguments do not fit: {error}")))?;
        let Answered::Ended(report, label) = self.ask(&context, task).await? else {
            let run = child_of(context.run, context.effect);
            return Ok(ToolOutput::text(format!("{run} waits for somebody")));
        };
        let mut text = match &report.output {
            Some(value) => value.to_string(),
            None => with_sources(report.text, &report.citations),
        };
        if let (Status::Incomplete, Some(reason)) = (report.status, report.finish_reason) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n\n[incomplete: {}]", reason.name());
        }
        Ok(ToolOutput { label: Some(label), citations: report.citations, ..ToolOutput::text(text) })
    }

    /// Performs the run of a call, or goes on with it.
    pub(crate) async fn ask(
        &self,
        context: &ToolContext,
        task: String,
    ) -> Result<Answered, ToolFailure> {
        let run = child_of(context.run, context.effect);
        admit(context, run)?;
        let told = |error: LargestackError| {
            ToolFailure::new(format!(
                "{} failed ({}): {}",
                self.spec.name,
                error.code(),
                error.message()
            ))
        };
        let instructions = match &self.instruct {
            Some(instruct) => instruct(context).await.map_err(told)?,
            None => None,
        };
        let above = Above {
            parent: (context.run, context.effect),
            tree: context.tree.clone(),
            label: context.label,
            within: context.tree.shared.get(),
        };
        let asked = (task, instructions);
        let lost = above.within.as_ref().map(|within| Arc::clone(&within.lost));
        // Noted by an earlier try of the same call.
        lost.as_ref().and_then(|lost| lost.take(context.effect));
        let ran = self.agent.run_under(run, context, above, asked).await;
        if let (Err(error), Some(lost)) = (&ran, lost)
            && is_of_the_store(error)
        {
            lost.note(context.effect, error.clone());
        }
        let (report, label) = ran.map_err(told)?;
        if report.status == Status::Suspended {
            return Ok(Answered::Waits);
        }
        let report = report.into_result().map_err(|error| told(error).labelled(label))?;
        Ok(Answered::Ended(Box::new(report), label))
    }
}

/// What the run of a call came to.
pub(crate) enum Answered {
    /// It waits for somebody, and the call with it.
    Waits,
    /// It has ended, and this is the label of everything it has read.
    Ended(Box<Report>, Label),
}

impl Tool for AgentTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        self.options.clone()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        Box::pin(self.clone().run(context, arguments))
    }
}

/// How long a call waits for the runs that it starts, one after the other.
pub(crate) fn patience(mut limits: impl Iterator<Item = Option<Duration>>) -> Duration {
    let limit = limits.try_fold(GRACE, |sum, limit| Some(sum.saturating_add(limit?)));
    limit.unwrap_or(LONGEST)
}

/// An answer with the sources that it does not name itself, so that the caller can.
fn with_sources(mut text: String, citations: &[Citation]) -> String {
    let marks = (1..).zip(citations).filter_map(|(n, one)| Some((n, citation_mark(one)?)));
    let unnamed: Vec<(u32, String)> =
        marks.filter(|(_, mark)| !text.contains(mark.as_str())).collect();
    for (number, mark) in unnamed {
        let gap = if number == 1 { "\n" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{gap}\n[{number}] {mark}");
    }
    text
}

/// Whether another run may stand below this one.
fn admit(context: &ToolContext, run: RunId) -> Result<(), ToolFailure> {
    let tree = &context.tree;
    if tree.depth >= tree.max_depth {
        let text = format!("Not run: agents call agents {} deep here, at most.", tree.max_depth);
        return Err(ToolFailure::new(text));
    }
    if !tree.children.admit(context.effect, run, tree.max_children) {
        let text =
            format!("Not run: this run has called {} agents, the most it may.", tree.max_children);
        return Err(ToolFailure::new(text));
    }
    Ok(())
}

/// The run that an effect starts: the same whenever it is asked for, and as old as its parent where
/// runs are ordered by age.
pub(crate) fn child_of(parent: RunId, effect: EffectId) -> RunId {
    let ordinal = effect.ordinal().to_be_bytes();
    let hash = Hash::of_all([parent.as_bytes().as_slice(), ordinal.as_slice()]);
    let millis = parent.as_bytes().iter().take(6);
    let millis = millis.fold(0_u64, |millis, byte| (millis << 8) | u64::from(*byte));
    let (random, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 10], &[]));
    RunId::new(millis, *random)
}
