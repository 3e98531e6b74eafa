//! Stages: what every input, reply, tool call and result passes, in a fixed order.
//!
//! A stage looks at a subject and gives a verdict; it never mutates. What it changes comes back as
//! a new subject, and what it found as findings: both are recorded, so that a resumed run does not
//! need the stage again.

use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_engine::event::FindingRecord;
use largestack_ports::tool::{ToolOptions, ToolOutput};
use largestack_types::errors::{LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::Label;
use largestack_types::message::Message;
use largestack_types::part::{Part, ToolCall};
use largestack_types::reply::FinishReason;
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;

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
}

/// What a stage says.
#[derive(Debug)]
pub enum Verdict<S> {
    /// Nothing to say: no event, no change.
    Continue,
    /// Go on with this instead.
    Replace(S),
    /// Send the model back with this hint (after the model), or answer the call with it instead of
    /// running it (before a tool).
    Retry(Arc<str>),
    /// End the run with this error.
    Block(LargestackError),
    /// Ask a person first (before a tool).
    Suspend(Arc<str>),
}

/// A verdict with what was found on the way.
#[derive(Debug)]
pub struct Ruling<S> {
    /// What to do.
    pub verdict: Verdict<S>,
    /// What was found, without values.
    pub findings: Vec<FindingRecord>,
}

impl<S> Ruling<S> {
    /// Nothing to say.
    pub const fn pass() -> Self {
        Self { verdict: Verdict::Continue, findings: Vec::new() }
    }

    /// A verdict without findings.
    pub const fn of(verdict: Verdict<S>) -> Self {
        Self { verdict, findings: Vec::new() }
    }
}

/// One stage for one kind of subject.
pub trait Stage<S>: Send + Sync + 'static {
    /// The name, as journals and the pipeline's snapshot show it.
    fn name(&self) -> &'static str;

    /// Looks at the subject.
    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        subject: &'a S,
    ) -> BoxFuture<'a, Result<Ruling<S>>>;
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

/// A reply that has been recorded.
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
    /// Whether a person has approved it.
    pub approved: bool,
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
