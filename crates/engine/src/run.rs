//! The state machine.

use std::sync::Arc;

use largestack_types::call::{Call, ToolChoice};
use largestack_types::error::Coded as _;
use largestack_types::errors::LargestackError;
use largestack_types::id::{ApprovalId, EffectId, RunId, SessionId};
use largestack_types::json::Json;
use largestack_types::label::Label;
use largestack_types::message::{Message, Role};
use largestack_types::money::Money;
use largestack_types::part::{Part, ToolCall};
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use serde::{Deserialize, Serialize};

use crate::definition::Definition;
use crate::effect::Effect;
use crate::event::{CallChange, CancelRequested, ChildRun};
use crate::limits::LoopDetector;
use crate::status::{End, Limit};

mod adopt;
mod apply;
mod asked;
mod below;
mod check;
mod compact;
mod digest;
mod doubt;
mod error;
mod fork;
mod hooks;
mod takeover;
mod tools;
mod wait;

pub(crate) use apply::end_of_cancel;
pub use digest::SUMMARISE;
pub use error::FoldError;
pub use fork::Branch;
pub use takeover::{Attempt, Told};
pub use tools::answer;
pub use wait::Wait;

/// A run: the fold of its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    id: RunId,
    #[serde(default = "compact::unsaid", skip_serializing_if = "compact::is_unsaid")]
    definition: Arc<Definition>,
    root: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionId>,
    messages: Arc<Vec<Arc<Message>>>,
    /// Index of the first message of this run (after instructions and earlier conversation).
    first: u32,
    phase: Phase,
    /// Ordinal of the next effect.
    next: u32,
    /// Events folded.
    seq: u64,
    turns: u32,
    tool_calls: u32,
    usage: Usage,
    cost: Money,
    /// Join of the labels of everything in the request.
    label: Label,
    loops: LoopDetector,
    /// The limit that asks for one last turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_turn: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<CancelRequested>,
    /// The summary of the older part of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digested: Option<digest::Digested>,
    /// How often an answer was sent back because it did not fit.
    #[serde(default, skip_serializing_if = "compact::is_zero")]
    sent_back: u32,
    /// Whether the answer was found to fit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    accepted: bool,
    /// The value, where a stage gave another than the reply means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Json>,
    /// What providers were not told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<Arc<str>>,
    /// Tools that were kept back and have been found, in the order in which they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    loaded: Vec<Arc<str>>,
    /// Runs that it has started and that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<(EffectId, ChildRun)>,
    /// How often it went on after a failure.
    #[serde(default, skip_serializing_if = "compact::is_zero")]
    retried: u32,
    /// How the request of the call that is due differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<Box<CallChange>>,
    /// What hooks after tools tell the model, behind the results of the turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Arc<Message>>,
    /// The answer of a hook that ended the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interrupted: Option<Arc<Message>>,
    /// Whether the hooks have seen the failure that the run ends with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    error_seen: bool,
    /// What agents that take over need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relay: Option<Box<takeover::Relay>>,
    /// Where it has left another run's history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    branch: Option<Box<Branch>>,
    /// How it must end; the driver records it as [`crate::Event::RunFinished`].
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Phase {
    /// Nothing was folded yet.
    New,
    /// A summary of the older messages is due or under way.
    Digest(digest::Digesting),
    /// A model call is due or under way.
    Model(ModelSlot),
    /// The answer is to be looked at.
    Check(check::Check),
    /// A hook is waited for.
    Gate(hooks::Gate),
    /// Tool calls are due or under way.
    Tools(Vec<ToolSlot>),
    /// Nothing more to do.
    Over,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ModelSlot {
    effect: EffectId,
    attempt: u32,
    started: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ToolSlot {
    effect: EffectId,
    attempt: u32,
    /// Where the call is: message and part of the history.
    at: (u32, u32),
    state: SlotState,
    /// The call as a stage or a person has changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revised: Option<Arc<Part>>,
    /// The stage that asked a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_by: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum SlotState {
    /// May start.
    Due { approved: bool },
    /// Under way.
    Started,
    /// Waits for a person.
    Waiting(ApprovalId),
    /// Waits for what the run that it started waits for.
    Below(RunId),
    /// Waits for something from outside, for a moment, or for whichever comes first.
    Listening(Option<Arc<str>>, Option<Timestamp>),
    /// Has a result that waits for a person.
    Held(Option<ApprovalId>, Option<Arc<Message>>),
    /// Was cut off; waits for a decision.
    Doubtful,
    /// Has its result.
    Done(Arc<Message>),
}

/// What the model reads when it gets its last turn.
pub const LAST_TURN: &str = "A limit of this run has been reached. Tools can no longer be called. \
     Give the best answer you can from what you have, and say what is missing.";

impl Run {
    /// A run to which nothing has happened yet.
    pub fn new(id: RunId, definition: Arc<Definition>) -> Self {
        Self {
            id,
            definition,
            root: id,
            session: None,
            messages: Arc::default(),
            first: 0,
            phase: Phase::New,
            next: 1,
            seq: 0,
            turns: 0,
            tool_calls: 0,
            usage: Usage::default(),
            cost: Money::ZERO,
            label: Label::from_origin(largestack_types::label::Origin::Operator),
            loops: LoopDetector::default(),
            last_turn: None,
            cancel: None,
            digested: None,
            sent_back: 0,
            accepted: false,
            value: None,
            dropped: Vec::new(),
            loaded: Vec::new(),
            children: Vec::new(),
            retried: 0,
            change: None,
            notes: Vec::new(),
            interrupted: None,
            error_seen: false,
            relay: None,
            branch: None,
            conclusion: None,
            end: None,
        }
    }

    /// Everything that may start now, in order.
    pub fn ready(&self, ready: &mut Vec<Effect>) {
        ready.clear();
        if self.conclusion.is_some() || self.end.is_some() || self.cancel.is_some() {
            return;
        }
        match &self.phase {
            Phase::Digest(digesting) if !digesting.slot.started => {
                let slot = &digesting.slot;
                ready.push(Effect::Digest { id: slot.effect, attempt: slot.attempt });
            }
            Phase::Model(slot) if !slot.started => {
                ready.push(Effect::Model { id: slot.effect, attempt: slot.attempt });
            }
            Phase::Check(check) if !check.slot.started => {
                ready.push(Effect::Check { id: check.slot.effect, attempt: check.slot.attempt });
            }
            Phase::Gate(gate) if !gate.slot.started && gate.waiting.is_none() => {
                ready.push(Effect::Hook { id: gate.slot.effect, attempt: gate.slot.attempt });
            }
            Phase::Tools(slots) => {
                let started = slots.iter().filter(|s| s.state == SlotState::Started).count();
                let free = (self.definition.limits.max_parallel_tools.max(1) as usize)
                    .saturating_sub(started);
                ready.extend(slots.iter().filter_map(ToolSlot::due).take(free));
            }
            _ => {}
        }
    }

    /// How the run must end now, if it must: the driver records it once nothing is in flight.
    pub fn conclusion(&self) -> Option<End> {
        if self.end.is_some() {
            return None;
        }
        match (&self.cancel, &self.conclusion) {
            (Some(cancel), _) => Some(apply::end_of_cancel(cancel)),
            (None, conclusion) => conclusion.clone(),
        }
    }

    /// The request of the model call that is due: a pure function of the run.
    pub fn call(&self, stream: bool) -> Call {
        let last = self.last_turn.is_some();
        let change = self.change.as_deref();
        let tools = match change.and_then(|change| change.tools.as_ref()) {
            None => self.offered(),
            Some(only) => {
                let offered = self.offered();
                offered.iter().filter(|tool| only.contains(&tool.name)).cloned().collect()
            }
        };
        let model = change.and_then(|change| change.model.as_ref());
        let settings = change.and_then(|change| change.settings.as_ref());
        Call {
            model: Arc::clone(model.unwrap_or(&self.definition.model)),
            messages: Arc::clone(&self.messages),
            tools,
            tool_choice: if last { ToolChoice::None } else { ToolChoice::Auto },
            settings: Arc::clone(settings.unwrap_or(&self.definition.settings)),
            stream,
        }
    }

    /// The tool call that this effect performs.
    pub fn tool_call(&self, effect: EffectId) -> Option<&ToolCall> {
        let Phase::Tools(slots) = &self.phase else { return None };
        let slot = slots.iter().find(|slot| slot.effect == effect)?;
        match &slot.revised {
            Some(revised) => revised.as_tool_call(),
            None => self.part(slot.at)?.as_tool_call(),
        }
    }

    /// The stage that asked a person about this effect's call.
    pub fn asked_by(&self, effect: EffectId) -> Option<&Arc<str>> {
        let Phase::Tools(slots) = &self.phase else { return None };
        slots.iter().find(|slot| slot.effect == effect)?.asked_by.as_ref()
    }

    /// The label of what this effect's call says: its arguments inherit it.
    pub fn tool_call_label(&self, effect: EffectId) -> Option<Label> {
        let Phase::Tools(slots) = &self.phase else { return None };
        let slot = slots.iter().find(|slot| slot.effect == effect)?;
        self.part(slot.at).map(|part| part.label)
    }

    fn part(&self, (message, part): (u32, u32)) -> Option<&Part> {
        self.messages.get(message as usize)?.parts.get(part as usize)
    }

    /// How often it went on after a failure that may pass.
    pub fn retried(&self) -> u32 {
        self.retried
    }

    /// Counts a failure after which the run goes on all the same, if it does.
    fn goes_on_after(&mut self, error: &LargestackError) -> bool {
        let goes_on = error.retryable()
            && self.retried < self.definition.retries
            && self.last_turn.is_none()
            && self.cancel.is_none()
            && self.conclusion.is_none();
        self.retried += u32::from(goes_on);
        goes_on
    }

    /// Which run.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// The run at the top of the tree.
    pub fn root(&self) -> RunId {
        self.root
    }

    /// The conversation it continues.
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// What it was started with.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// The whole conversation, instructions first.
    pub fn messages(&self) -> &Arc<Vec<Arc<Message>>> {
        &self.messages
    }

    /// The messages of this run: its input and what followed.
    pub fn own_messages(&self) -> &[Arc<Message>] {
        self.messages.get(self.first as usize..).unwrap_or_default()
    }

    /// The answer: what the model said last that says something.
    pub fn output(&self) -> Option<&Arc<Message>> {
        self.own_messages()
            .iter()
            .rev()
            .find(|message| message.role == Role::Assistant && message.says_something())
    }

    /// Events folded so far; the next one has the number after.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Turns answered so far.
    pub fn turns(&self) -> u32 {
        self.turns
    }

    /// Tool calls asked for so far.
    pub fn tool_calls(&self) -> u32 {
        self.tool_calls
    }

    /// Tokens so far.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Cost so far.
    pub fn cost(&self) -> Money {
        self.cost
    }

    /// The join of the labels of everything the model has read.
    pub fn label(&self) -> Label {
        self.label
    }

    /// The limit that made this the last turn.
    pub fn last_turn(&self) -> Option<Limit> {
        self.last_turn
    }

    /// How it ended.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The request to end it, if there was one.
    pub fn cancel_request(&self) -> Option<&CancelRequested> {
        self.cancel.as_ref()
    }
}
