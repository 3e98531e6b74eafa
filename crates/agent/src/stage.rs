//! Stages: what every input, reply, tool call and result passes, in a fixed order.
//!
//! A stage looks at a subject and gives a verdict; it never mutates. What it changes comes back as
//! a new subject, and what it found as findings: both are recorded, so that a resumed run does not
//! need the stage again.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_engine::EndReason;
use largestack_engine::event::{FindingRecord, PolicyDecided};
use largestack_ports::context::SoFar;
use largestack_ports::tool::{ToolOptions, ToolOutput};
use largestack_types::call::Settings;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::Label;
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::part::{Part, ToolCall};
use largestack_types::reply::FinishReason;
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;
use serde_json::Value;

use crate::leak::RunLeak;
use crate::protect::RunGuard;

/// What a stage knows of the run. Handles only: a borrow of the run would freeze its fold.
#[derive(Clone)]
pub struct StageContext {
    /// Whose run it is.
    pub scope: Scope,
    /// The run.
    pub run: RunId,
    /// The agent's name.
    pub agent: Arc<str>,
    /// The effect at hand.
    pub effect: EffectId,
    pub(crate) guard: Arc<RunGuard>,
    /// What of the run's instructions may not come out, where that is looked at.
    pub(crate) leak: Option<Arc<RunLeak>>,
    /// Whether a program stands in the place of the model: what it says is computed, and JSON.
    pub(crate) computed: bool,
}

/// What a stage says.
#[derive(Debug)]
pub enum Verdict<S> {
    /// Nothing to say: no event, no change.
    Continue,
    /// Go on with this instead.
    Replace(S),
    /// Guide: the model reads this. Before the model, beside what it is asked; after the model, on
    /// the answer and on a failure, instead of going on: it is asked again; before a tool, as the
    /// result of a call that does not run; after a tool, behind the results of the turn.
    Retry(Arc<str>),
    /// Throw away what is at hand: the call of the model (the run ends without an answer), its
    /// reply or answer (it is asked again, and reads this), the tool's call or its result (this is
    /// the result), the failure (the model is asked again).
    Discard(Option<Arc<str>>),
    /// End the run with this answer.
    Finish(Arc<str>),
    /// End the run with this error.
    Block(LargestackError),
    /// Ask a person first, for this reason. No: the tool's call does not run, its result is thrown
    /// away, the run ends without the answer.
    Suspend(Arc<str>),
}

impl<S> Verdict<S> {
    /// Guide: see [`Verdict::Retry`].
    pub fn guide(text: impl Into<Arc<str>>) -> Self {
        Self::Retry(text.into())
    }

    /// Throw it away: see [`Verdict::Discard`].
    pub fn discard(text: impl Into<Arc<str>>) -> Self {
        Self::Discard(Some(text.into()))
    }

    /// End the run with this answer.
    pub fn interrupt(answer: impl Into<Arc<str>>) -> Self {
        Self::Finish(answer.into())
    }

    /// Ask a person first.
    pub fn pause(reason: impl Into<Arc<str>>) -> Self {
        Self::Suspend(reason.into())
    }
}

/// A verdict with what was found on the way.
#[derive(Debug)]
pub struct Ruling<S> {
    /// What to do.
    pub verdict: Verdict<S>,
    /// What was found, without values.
    pub findings: Vec<FindingRecord>,
    /// What policies decided, where they had something to say.
    pub decided: Option<Box<PolicyDecided>>,
}

impl<S> Ruling<S> {
    /// Nothing to say.
    pub const fn pass() -> Self {
        Self::of(Verdict::Continue)
    }

    /// A verdict with what was found.
    pub const fn found(verdict: Verdict<S>, findings: Vec<FindingRecord>) -> Self {
        Self { verdict, findings, decided: None }
    }

    /// A verdict without findings.
    pub const fn of(verdict: Verdict<S>) -> Self {
        Self { verdict, findings: Vec::new(), decided: None }
    }
}

/// One stage for one kind of subject.
pub trait Stage<S>: Send + Sync + 'static {
    /// The name, as journals and the pipeline's snapshot show it.
    fn name(&self) -> &'static str;

    /// Whether text must wait for it: a reply is shown as it is written only where no stage after
    /// the model or on the answer may still change or refuse it.
    fn holds_text(&self) -> bool {
        true
    }

    /// What it says, where it need not wait for anything: asked before [`Stage::apply`], which is
    /// then not asked. `None` where it has to wait.
    fn at_once(&self, _context: &StageContext, _subject: &S) -> Option<Result<Ruling<S>>> {
        None
    }

    /// Looks at the subject.
    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        subject: &'a S,
    ) -> BoxFuture<'a, Result<Ruling<S>>>;
}

/// What a stage says.
pub(crate) async fn ruling<S: 'static>(
    stage: &dyn Stage<S>,
    context: &StageContext,
    subject: &S,
) -> Result<Ruling<S>> {
    match stage.at_once(context, subject) {
        Some(ruling) => ruling,
        None => stage.apply(context, subject).await,
    }
}

/// A stage of one function.
pub fn hook<S, F>(name: &'static str, look: F) -> impl Stage<S>
where
    S: Send + Sync + 'static,
    F: Fn(&StageContext, &S) -> Verdict<S> + Send + Sync + 'static,
{
    Looks { name, look, subject: PhantomData }
}

/// A stage of one async function, which is given subjects of its own.
pub fn hook_async<S, F, W>(name: &'static str, look: F) -> impl Stage<S>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(StageContext, S) -> W + Send + Sync + 'static,
    W: Future<Output = Result<Verdict<S>>> + Send + 'static,
{
    Waits { name, look, subject: PhantomData }
}

struct Looks<S, F> {
    name: &'static str,
    look: F,
    subject: PhantomData<fn(S)>,
}

impl<S, F> Stage<S> for Looks<S, F>
where
    S: Send + Sync + 'static,
    F: Fn(&StageContext, &S) -> Verdict<S> + Send + Sync + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        subject: &'a S,
    ) -> BoxFuture<'a, Result<Ruling<S>>> {
        Box::pin(async move { Ok(Ruling::of((self.look)(context, subject))) })
    }
}

struct Waits<S, F> {
    name: &'static str,
    look: F,
    subject: PhantomData<fn(S)>,
}

impl<S, F, W> Stage<S> for Waits<S, F>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(StageContext, S) -> W + Send + Sync + 'static,
    W: Future<Output = Result<Verdict<S>>> + Send + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        subject: &'a S,
    ) -> BoxFuture<'a, Result<Ruling<S>>> {
        let looking = (self.look)(context.clone(), subject.clone());
        Box::pin(async move { Ok(Ruling::of(looking.await?)) })
    }
}

/// What is asked, before the run's first event.
#[derive(Clone, Debug)]
pub struct InputDraft {
    /// The user's message.
    pub message: Message,
    /// Why the run ends before its first call, where it must: it is recorded with the message.
    pub refused: Option<LargestackError>,
}

/// A reply, before it is recorded. Only pure redaction belongs here: a crash after the reply and
/// before its record loses a paid reply.
#[derive(Clone, Debug)]
pub struct ReplyDraft {
    /// What the model said.
    pub parts: Vec<Part>,
}

/// What the model is about to be asked. `Replace` changes model, settings and tools of this one
/// call; the conversation is changed by guiding.
#[derive(Clone)]
pub struct ModelTurn {
    /// The conversation.
    pub messages: Arc<Vec<Arc<Message>>>,
    /// The model.
    pub model: Arc<str>,
    /// Sampling and the like.
    pub settings: Arc<Settings>,
    /// Names of the tools on offer, of those that the agent has.
    pub tools: Vec<Arc<str>>,
    /// What the run has come to.
    pub so_far: SoFar,
    /// What the caller gave the run.
    pub deps: Arc<dyn Any + Send + Sync>,
}

/// An answer, before it counts as one. `Replace` changes its message; a typed one must still fit.
#[derive(Clone)]
pub struct FinalTurn {
    /// The answer, placeholders in place of sensitive values.
    pub message: Arc<Message>,
    /// Its value, where it has a schema and fits.
    pub value: Option<Arc<Value>>,
    /// How the run would end.
    pub reason: EndReason,
    /// What the run has come to.
    pub so_far: SoFar,
    /// What the caller gave the run.
    pub deps: Arc<dyn Any + Send + Sync>,
}

/// A failure, before the run ends with it. `Replace` changes the error.
#[derive(Clone)]
pub struct ErrorTurn {
    /// What the run fails with.
    pub error: LargestackError,
    /// What the run has come to.
    pub so_far: SoFar,
    /// What the caller gave the run.
    pub deps: Arc<dyn Any + Send + Sync>,
}

/// A reply that has been recorded. `Replace` changes its words; its calls must stay.
#[derive(Clone, Debug)]
pub struct ReplyTurn {
    /// What the model said.
    pub message: Arc<Message>,
    /// Why it stopped.
    pub finish_reason: FinishReason,
}

/// A tool call before it runs.
#[derive(Clone, Debug)]
pub struct ToolTurn {
    /// The call.
    pub call: ToolCall,
    /// The tool, if the agent has it.
    pub tool: Option<ToolSpec>,
    /// How it is run, if the agent has it.
    pub options: Option<Arc<ToolOptions>>,
    /// The label of the arguments.
    pub label: Label,
    /// What the model had read, and its reply with the call.
    pub messages: Arc<Vec<Arc<Message>>>,
    /// Whether a person has approved it.
    pub approved: bool,
    /// What the run has cost so far, with those below it that have ended.
    pub cost: Money,
}

/// What a tool returned, before the model sees it.
#[derive(Clone, Debug)]
pub struct ResultDraft {
    /// The tool.
    pub tool: Arc<str>,
    /// What it returned.
    pub output: ToolOutput,
    /// The label of the result.
    pub label: Label,
    /// The whole text, where `output` holds only a part of it; kept as a blob.
    pub whole: Option<Arc<str>>,
    /// Characters the model may see.
    pub max_chars: usize,
}
