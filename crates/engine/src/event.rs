//! The facts of a run. What a journal holds, in order; [`crate::Run`] is their fold.
//!
//! No event repeats what an earlier one holds: the request of a model call is a function of the
//! definition and the events before it, so its start carries neither messages nor a hash. A start carries nothing random and may be absent: an engine that
//! keeps only outcomes folds to the same run.

use std::sync::Arc;

use largestack_types::errors::LargestackError;
use largestack_types::hash::Hash;
use largestack_types::id::{ApprovalId, EffectId, OwnerId, RunId, SessionId};
use largestack_types::json::Json;
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::part::PartId;
use largestack_types::reply::FinishReason;
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use serde::{Deserialize, Serialize};

use crate::graph::Fact;
use crate::status::{End, Limit};

mod adjusted;
mod child;
mod compacted;
mod doubt;
mod envelope;
mod forked;
mod hooked;
mod output;
mod policy;
mod recalled;
mod took_over;
mod waits;
pub use adjusted::Adjusted;
pub use child::{ChildRun, ChildWaits};
pub use compacted::Compacted;
pub use doubt::{DoubtDecision, DoubtSettled};
pub use envelope::{Envelope, EnvelopeError, VERSION};
pub use forked::{Forked, Written};
pub use hooked::{CallChange, Changed, HookPoint, HookVerdict, Hooked, Hooks};
pub use output::OutputChecked;
pub use policy::PolicyDecided;
pub use recalled::{Older, Recalled, Summarised};
pub use took_over::TookOver;
pub use waits::CallWaits;

/// An event at its place in the journal. The in-memory journal shares it with the driver.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// From 1, without gaps.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What happened.
    pub event: Arc<Event>,
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($data:ty) = $kind:literal,)+) => {
        /// What happened in a run.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Event {
            $($(#[$doc])* $variant($data),)+
            /// Something happened in a run of a graph.
            Graph(Fact),
        }

        impl Event {
            /// The name of the kind: its own column, so that nothing must be parsed to filter.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)+ Self::Graph(fact) => fact.kind() }
            }

            /// The data as JSON, without the kind.
            pub fn data(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$variant(data) => serde_json::to_string(data),)+
                    Self::Graph(fact) => fact.data(),
                }
            }

            /// The event of this kind with this data; `None` for a kind this version lacks.
            pub fn read(kind: &str, data: &str) -> Option<Result<Self, serde_json::Error>> {
                match kind {
                    $($kind => Some(serde_json::from_str(data).map(Self::$variant)),)+
                    _ => Fact::read(kind, data).map(|fact| fact.map(Self::Graph)),
                }
            }

            /// Every kind of an agent's run, in the order of the enum.
            pub const KINDS: &'static [&'static str] = &[$($kind,)+];
        }
    };
}

events! {
    /// The run began.
    RunStarted(RunStarted) = "run_started",
    /// The run continues in a new process; what was in flight is lost.
    Resumed(Resumed) = "resumed",
    /// An effect is about to happen.
    EffectStarted(EffectStarted) = "effect_started",
    /// The older part of the conversation was summed up.
    Summarised(Summarised) = "summarised",
    /// A model answered.
    ModelReplied(ModelReplied) = "model_replied",
    /// It was seen whether an answer fits what was asked for.
    OutputChecked(OutputChecked) = "output_checked",
    /// A model call failed for good.
    ModelFailed(ModelFailed) = "model_failed",
    /// A tool call has its result, whatever it is.
    ToolReturned(ToolReturned) = "tool_returned",
    /// The run that a call started waits for somebody, and the call with it.
    ChildWaits(ChildWaits) = "child_waits",
    /// A call waits for something from outside, or for a moment.
    CallWaits(CallWaits) = "call_waits",
    /// It was decided what becomes of a call in doubt.
    DoubtSettled(DoubtSettled) = "doubt_settled",
    /// A call waits for a person.
    ApprovalRequested(ApprovalRequested) = "approval_requested",
    /// A person answered.
    ApprovalAnswered(ApprovalAnswered) = "approval_answered",
    /// A guard found something.
    Guarded(Guarded) = "guarded",
    /// Policies decided about something that was about to happen.
    PolicyDecided(PolicyDecided) = "policy_decided",
    /// A stage sent the model back with a hint.
    Steered(Steered) = "steered",
    /// A hook decided.
    Hooked(Hooked) = "hooked",
    /// A limit that only the driver can see was reached.
    LimitReached(LimitReached) = "limit_reached",
    /// The agent failed, and another goes on.
    TookOver(TookOver) = "took_over",
    /// The run leaves the history of another one, which the events before are.
    Forked(Forked) = "forked",
    /// Events were given up, and this is the run as they left it.
    Compacted(Compacted) = "compacted",
    /// Somebody asked for the end.
    CancelRequested(CancelRequested) = "cancel_requested",
    /// The run ended.
    RunFinished(End) = "run_finished",
}

/// Data of [`Event::RunStarted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The agent's name.
    pub agent: Arc<str>,
    /// Hash of the resolved definition, which is kept as a blob.
    pub definition: Hash,
    /// What is asked.
    pub input: Arc<Message>,
    /// Earlier messages of the conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Arc<Message>>,
    /// Who asks.
    pub principal: Arc<str>,
    /// The conversation this continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What it was told of that conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled: Option<Box<Recalled>>,
    /// What differs from the definition in this run only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<Box<Adjusted>>,
    /// The run and effect that started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<(RunId, EffectId)>,
    /// The run at the top of the tree; itself when it has no parent.
    pub root: RunId,
}

/// Data of [`Event::Resumed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resumed {
    /// The process that took over.
    pub owner: OwnerId,
}

/// Data of [`Event::EffectStarted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectStarted {
    /// Which one.
    pub effect: EffectId,
    /// From 1; more than 1 after a crash in the middle.
    pub attempt: u32,
}

/// A pool's choice of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Routed {
    /// The pool, as the agent names it.
    pub pool: Arc<str>,
    /// How it chooses.
    pub strategy: Arc<str>,
    /// Its models in the order in which they are asked, then those that were passed over.
    pub considered: Vec<Considered>,
}

/// A model of a pool at the moment of a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Considered {
    /// The model, as the pool names it.
    pub model: Arc<str>,
    /// What it was weighed by, or why it was passed over.
    pub why: String,
}

/// The part of a call that a model answered before its reply broke off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// The model, as the agent names it.
    pub model: Arc<str>,
    /// Tokens of this leg.
    pub usage: Usage,
    /// What it cost.
    pub cost: Money,
}

/// Data of [`Event::ModelReplied`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReplied {
    /// The call.
    pub effect: EffectId,
    /// What the model said, ids and labels assigned. Shared with the history.
    pub message: Arc<Message>,
    /// Why it stopped.
    pub finish_reason: FinishReason,
    /// What is known about the call beside the words.
    pub call: CallRecord,
}

/// What is known about a model call beside its words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The model that answered, as its provider names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// The row of the provider table that served it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Arc<str>>,
    /// The provider's id of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_id: Option<Arc<str>>,
    /// Why it stopped, in the provider's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason_raw: Option<Arc<str>>,
    /// Token counts.
    #[serde(default)]
    pub usage: Usage,
    /// The provider's usage object, untouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_usage: Option<Json>,
    /// Other fields the provider sent, untouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extras: Option<Json>,
    /// What it cost, failed attempts included.
    #[serde(default)]
    pub cost: Money,
    /// Facts worth showing: `estimated`, `over_limit`, `clamped`, `unpriced`, `cache_hit`,
    /// `continued`, `broken_off`, `empty_reply`, `refusal`, `invalid_output`, `dropped:<setting>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Arc<str>>,
    /// Attempts that failed before this outcome: the model and its error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_attempts: Vec<(Arc<str>, LargestackError)>,
    /// How a pool chose who was asked, where the call named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routed: Option<Box<Routed>>,
    /// What models that broke off gave to it before: words of theirs were delivered. Their cost and
    /// tokens are part of the totals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<Leg>,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
    /// How long until the first byte, in microseconds, where it was streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
}

/// Data of [`Event::ModelFailed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFailed {
    /// The call.
    pub effect: EffectId,
    /// Why.
    pub error: LargestackError,
    /// What it cost all the same.
    #[serde(default)]
    pub call: CallRecord,
}

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolOutcome {
    /// It returned.
    Returned,
    /// It failed.
    Failed,
    /// It did not return in time.
    TimedOut,
    /// The arguments do not fit its schema; it never ran.
    InvalidArguments,
    /// There is no such tool; nothing ran.
    Unknown,
    /// A permission, guard or person said no; it never ran.
    Denied,
    /// A limit was reached; it never ran.
    Skipped,
    /// It was cut off; nobody knows whether it happened.
    InDoubt,
    /// It was cancelled.
    Cancelled,
}

/// Data of [`Event::ToolReturned`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolReturned {
    /// The call.
    pub effect: EffectId,
    /// The result as the model reads it: a message of one tool-result part.
    pub message: Arc<Message>,
    /// How it ended.
    pub outcome: ToolOutcome,
    /// How long it ran, in microseconds; 0 when it never ran.
    #[serde(default)]
    pub duration_us: u64,
    /// Set where the failure ends the run (`on_error: raise`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise: Option<LargestackError>,
    /// Whether an earlier call's result was given again and nothing ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// What the tool asked of providers itself, in their order: part of the run's cost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCallRecord>,
    /// Tools that were kept back and are offered from the next turn on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loads: Vec<Arc<str>>,
    /// The run that the call started, where it started one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<Box<ChildRun>>,
}

/// A call to a provider that a tool made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCallRecord {
    /// The model, by the name that the tool asked it by.
    pub model: Arc<str>,
    /// What is known about the call.
    pub call: CallRecord,
}

/// Data of [`Event::ApprovalRequested`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRequested {
    /// The call that waits.
    pub effect: EffectId,
    /// The question's id.
    pub approval: ApprovalId,
    /// Why it is asked.
    pub reason: Arc<str>,
    /// The stage that asks: those up to it are not run again when the call goes on.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub stage: Arc<str>,
    /// What the tool would be called with, where stages have changed what the model wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Json>,
}

/// Data of [`Event::ApprovalAnswered`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovalAnswered {
    /// The call that waited.
    pub effect: EffectId,
    /// The question's id.
    pub approval: ApprovalId,
    /// Yes or no.
    pub approved: bool,
    /// Who answered.
    pub by: Arc<str>,
    /// What the model is told when it was no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
    /// Which of the question's choices it was.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub choice: Arc<str>,
    /// What the tool is called with instead, where the answer changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Json>,
}

/// Data of [`Event::Guarded`]: never the value, only where it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guarded {
    /// The effect whose part it is ([`EffectId::INPUT`] for the input).
    pub effect: EffectId,
    /// The stage that looked.
    pub stage: Arc<str>,
    /// What it found.
    pub findings: Vec<FindingRecord>,
}

/// One finding of a guard, without the value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// The part it is in.
    pub part: PartId,
    /// What it is, e.g. `card`.
    pub kind: Arc<str>,
    /// First byte in the text as it was.
    pub start: u32,
    /// After the last byte.
    pub end: u32,
    /// What was done: `warn`, `tokenise`, `redact` or `block`.
    pub action: Arc<str>,
}

/// Data of [`Event::Steered`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steered {
    /// The model call that was sent back.
    pub effect: EffectId,
    /// The stage that did it.
    pub stage: Arc<str>,
    /// What the model reads.
    pub feedback: Arc<Message>,
}

/// Data of [`Event::LimitReached`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitReached {
    /// Which.
    pub limit: Limit,
    /// What it would raise.
    pub error: LargestackError,
}

/// Data of [`Event::CancelRequested`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancelRequested {
    /// Why.
    pub reason: CancelReason,
    /// Who.
    pub by: Arc<str>,
    /// What they said.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub note: Arc<str>,
}

/// Why a run is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CancelReason {
    /// The caller asked or went away.
    Caller,
    /// The deadline passed.
    Deadline,
    /// The kill switch.
    KillSwitch,
    /// A sibling failed.
    SiblingFailed,
    /// The process is shutting down; the run can be resumed.
    Shutdown,
}

/// The tenant a journal belongs to, beside the run: the key of everything stored.
pub type RunKey = (TenantId, RunId);
