//! A run as a tree of what happened in it: what was asked, each call with its time, tokens and
//! cost, tool arguments and results as the journal holds them, findings, errors, the end.

use std::collections::HashMap;
use std::sync::Arc;

use largestack_engine::event::{
    CallRecord, EffectStarted, FindingRecord, HookVerdict, Hooked, ModelFailed, ModelReplied,
    Routed, ToolCallRecord, ToolReturned,
};
use largestack_engine::{Event, Recorded};
use largestack_types::error::Coded as _;
use largestack_types::errors::LargestackError;
use largestack_types::id::{EffectId, RunId};
use largestack_types::message::Message;
use largestack_types::part::{Body, ToolCall};
use largestack_types::policy::Reason;
use largestack_types::time::Timestamp;
use serde::Serialize;

use super::problem::Problem;
use super::run_json::dollars;

mod draw;
mod media;
mod nodes;

pub(crate) use draw::{draw, draw_after};
use media::MediaStep;
use nodes::NodeStep;

/// One thing that happened.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    /// The event that tells of it; of a call the one that ended it.
    pub(crate) seq: u64,
    /// When that was recorded.
    at: String,
    /// The effect it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub(crate) what: What,
    /// What happened in the run that it started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) below: Vec<Self>,
    /// What guards found in it: where and what, never the value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<FindingRecord>,
    #[serde(skip)]
    pub(crate) moment: Timestamp,
    #[serde(skip)]
    of: Option<EffectId>,
}

/// What happened.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum What {
    /// The run began with this.
    Asked {
        text: String,
        /// What was attached.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        media: Vec<MediaStep>,
    },
    /// A model answered or failed.
    Model(Box<ModelStep>),
    /// A tool call ended.
    Tool(ToolStep),
    /// A workflow's run began with this.
    Given { workflow: Arc<str>, input: String },
    /// A task of a workflow ended.
    Node(Box<NodeStep>),
    /// A task waits for a moment.
    Sleeps { until: String },
    /// A task waits for an event from outside, no longer than until then.
    Listens {
        event: Arc<str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
    /// An event came from outside.
    Received { event: Arc<str>, by: Arc<str>, data: String },
    /// A call that has no end yet.
    Unfinished { attempt: u32, tool: Option<Arc<str>> },
    /// Another process took over.
    Resumed { owner: String },
    /// The run left another one, whose events are those before.
    Forked {
        of: String,
        at: u64,
        by: Arc<str>,
        /// What was asked from there on.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// Events were given up.
    Compacted { events: u64 },
    /// Another agent took over.
    TookOver { agent: Arc<str> },
    /// It was decided about a call in doubt.
    Decided { decision: String, by: Arc<str> },
    /// Policies decided about a call.
    Policy { tool: Arc<str>, decision: &'static str, reasons: Vec<Reason> },
    /// A person was asked.
    ApprovalRequested { approval: String, reason: Arc<str> },
    /// A person answered.
    ApprovalAnswered { approval: String, approved: bool, choice: Arc<str>, by: Arc<str> },
    /// A stage sent the model back.
    Steered { stage: Arc<str>, feedback: String },
    /// A hook decided.
    Hooked { hook: Arc<str>, at: &'static str, verdict: String },
    /// It was seen whether the answer fits.
    Checked { problems: Vec<String>, sent_back: bool },
    /// A limit was reached.
    Limit { limit: &'static str, error: Problem },
    /// Somebody asked for the end.
    Cancel { reason: String, by: Arc<str>, note: Arc<str> },
    /// A kind of event that this version has no words for.
    Other { event: &'static str },
    /// The run ended.
    Finished { status: &'static str, finish_reason: &'static str, error: Option<Problem> },
}

/// A model call.
#[derive(Debug, Serialize)]
pub(crate) struct ModelStep {
    attempt: u32,
    model: Option<Arc<str>>,
    provider: Option<Arc<str>>,
    duration_us: u64,
    first_byte_us: Option<u64>,
    #[serde(flatten)]
    usage: largestack_types::usage::Usage,
    cost_nanos: i64,
    cost_usd: String,
    flags: Vec<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routed: Option<Box<Routed>>,
    failed_attempts: Vec<(Arc<str>, Problem)>,
    finish_reason: Option<&'static str>,
    text: String,
    reasoning: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    media: Vec<MediaStep>,
    calls: Vec<CallStep>,
    error: Option<Problem>,
}

/// A tool call that a model asked for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CallStep {
    effect: String,
    name: Arc<str>,
    arguments: String,
}

/// A tool call that ended.
#[derive(Debug, Serialize)]
pub(crate) struct ToolStep {
    attempt: u32,
    name: Arc<str>,
    outcome: String,
    duration_us: u64,
    arguments: Option<String>,
    result: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    media: Vec<MediaStep>,
    citations: usize,
    handle: Option<Arc<str>>,
    /// What the tool asked of providers itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    asked: Vec<AskedStep>,
    error: Option<Problem>,
}

/// A call to a provider that a tool made.
#[derive(Debug, Serialize)]
pub(crate) struct AskedStep {
    model: Arc<str>,
    cost_nanos: i64,
    cost_usd: String,
}

impl AskedStep {
    fn of(record: &ToolCallRecord) -> Self {
        let (model, cost) = (Arc::clone(&record.model), record.call.cost);
        Self { model, cost_nanos: cost.nanos(), cost_usd: dollars(cost) }
    }
}

/// Events as steps, in the order in which things ended.
pub(crate) fn steps(events: &[Recorded]) -> Vec<Step> {
    let mut telling = Telling::default();
    for recorded in events {
        telling.take(recorded);
    }
    telling.finish()
}

#[derive(Default)]
struct Telling {
    steps: Vec<Step>,
    attempts: HashMap<EffectId, (u32, u64, Timestamp)>,
    calls: HashMap<EffectId, CallStep>,
    findings: HashMap<EffectId, Vec<FindingRecord>>,
    /// The nodes of tasks that have begun.
    nodes: HashMap<EffectId, Arc<str>>,
}

fn reasoning(message: &Message) -> String {
    let parts = message.parts.iter().filter_map(|part| match &part.body {
        Body::Reasoning(reasoning) => Some(&*reasoning.text),
        _ => None,
    });
    parts.collect()
}

/// The name under which a value is written.
fn written(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

impl Step {
    /// The run that it started, where it tells of one.
    pub(crate) fn run_below(&self) -> Option<RunId> {
        match &self.what {
            What::Node(node) => node.below,
            _ => None,
        }
    }
}

impl Telling {
    fn take(&mut self, recorded: &Recorded) {
        let what = match &*recorded.event {
            Event::RunStarted(data) => {
                let (text, media) = (data.input.text(), MediaStep::all(&data.input));
                (Some(EffectId::INPUT), What::Asked { text, media })
            }
            Event::EffectStarted(EffectStarted { effect, attempt }) => {
                self.attempts.insert(*effect, (*attempt, recorded.seq, recorded.at));
                return;
            }
            Event::Guarded(data) => {
                self.findings.entry(data.effect).or_default().extend(data.findings.clone());
                return;
            }
            Event::ModelReplied(data) => (Some(data.effect), self.replied(data)),
            Event::Summarised(data) => {
                let step = ModelStep::of(self.attempt(data.effect), &data.call);
                let text = data.summary.text();
                (Some(data.effect), What::Model(Box::new(ModelStep { text, ..step })))
            }
            Event::ModelFailed(data) => (Some(data.effect), self.failed(data)),
            Event::ToolReturned(data) => (Some(data.effect), self.returned(data)),
            Event::OutputChecked(data) => {
                self.attempt(data.effect);
                let (problems, sent_back) = (data.problems.clone(), data.feedback.is_some());
                (Some(data.effect), What::Checked { problems, sent_back })
            }
            Event::Graph(fact) => match self.fact(fact, recorded) {
                Some(told) => told,
                None => return,
            },
            other => aside(other),
        };
        self.push(recorded.seq, recorded.at, what);
    }

    fn push(&mut self, seq: u64, moment: Timestamp, (of, what): (Option<EffectId>, What)) {
        self.steps.push(Step {
            seq,
            at: moment.to_string(),
            effect: of.filter(|effect| *effect != EffectId::INPUT).map(|effect| effect.to_string()),
            what,
            below: Vec::new(),
            findings: Vec::new(),
            moment,
            of,
        });
    }

    fn attempt(&mut self, effect: EffectId) -> u32 {
        self.attempts.remove(&effect).map_or(1, |(attempt, ..)| attempt)
    }

    fn replied(&mut self, data: &ModelReplied) -> What {
        let calls: Vec<CallStep> = data.message.tool_calls().map(CallStep::of).collect();
        for (call, step) in data.message.tool_calls().zip(&calls) {
            self.calls.insert(call.call.effect(), step.clone());
        }
        let attempt = self.attempt(data.effect);
        What::Model(Box::new(ModelStep {
            finish_reason: Some(data.finish_reason.name()),
            text: data.message.text(),
            reasoning: reasoning(&data.message),
            media: MediaStep::all(&data.message),
            calls,
            ..ModelStep::of(attempt, &data.call)
        }))
    }

    fn failed(&mut self, data: &ModelFailed) -> What {
        let attempt = self.attempt(data.effect);
        let error = Some(Problem::of(&data.error));
        What::Model(Box::new(ModelStep { error, ..ModelStep::of(attempt, &data.call) }))
    }

    fn returned(&mut self, data: &ToolReturned) -> What {
        let attempt = self.attempt(data.effect);
        let call = self.calls.get(&data.effect);
        let result = data.message.parts.iter().find_map(|part| match &part.body {
            Body::ToolResult(result) => Some(result),
            _ => None,
        });
        let is_citation = |body: &Body| matches!(body, Body::Citation(_));
        What::Tool(ToolStep {
            attempt,
            name: match (call, result) {
                (Some(call), _) => Arc::clone(&call.name),
                (None, Some(result)) => Arc::clone(&result.name),
                (None, None) => "?".into(),
            },
            outcome: written(&data.outcome),
            duration_us: data.duration_us,
            arguments: call.map(|call| call.arguments.clone()),
            result: result.map(|result| result.text.to_string()).unwrap_or_default(),
            media: MediaStep::all(&data.message),
            citations: data.message.parts.iter().filter(|part| is_citation(&part.body)).count(),
            handle: result.and_then(|result| result.handle.clone()),
            asked: data.calls.iter().map(AskedStep::of).collect(),
            error: data.raise.as_ref().map(Problem::of),
        })
    }

    /// Adds what never ended, and lays findings where they belong.
    fn finish(mut self) -> Vec<Step> {
        let mut open: Vec<_> = self.attempts.drain().collect();
        open.sort_by_key(|(effect, _)| *effect);
        for (effect, (attempt, seq, at)) in open {
            let tool = self.calls.get(&effect).map(|call| &call.name);
            let tool = tool.or_else(|| self.nodes.get(&effect)).cloned();
            self.push(seq, at, (Some(effect), What::Unfinished { attempt, tool }));
        }
        for step in &mut self.steps {
            if let Some(findings) = step.of.and_then(|effect| self.findings.remove(&effect)) {
                step.findings = findings;
            }
        }
        self.steps
    }
}

fn aside(event: &Event) -> (Option<EffectId>, What) {
    match event {
        Event::Resumed(data) => (None, What::Resumed { owner: data.owner.to_string() }),
        Event::Forked(data) => {
            let text = data.input.as_ref().map(|input| input.text());
            let (of, by) = (data.of.to_string(), Arc::clone(&data.by));
            (None, What::Forked { of, at: data.at, by, text })
        }
        Event::Compacted(data) => (None, What::Compacted { events: data.events }),
        Event::TookOver(data) => (None, What::TookOver { agent: Arc::clone(&data.agent) }),
        Event::DoubtSettled(data) => {
            let what =
                What::Decided { decision: written(&data.decision), by: Arc::clone(&data.by) };
            (Some(data.effect), what)
        }
        Event::PolicyDecided(data) => {
            let (tool, reasons) = (Arc::clone(&data.resource), data.reasons.clone());
            (Some(data.effect), What::Policy { tool, decision: data.decision.name(), reasons })
        }
        Event::ApprovalRequested(data) => {
            let (approval, reason) = (data.approval.to_string(), Arc::clone(&data.reason));
            (Some(data.effect), What::ApprovalRequested { approval, reason })
        }
        Event::ApprovalAnswered(data) => {
            let (approval, by) = (data.approval.to_string(), Arc::clone(&data.by));
            let (approved, choice) = (data.approved, Arc::clone(&data.choice));
            (Some(data.effect), What::ApprovalAnswered { approval, approved, choice, by })
        }
        Event::Steered(data) => {
            let (stage, feedback) = (Arc::clone(&data.stage), data.feedback.text());
            (Some(data.effect), What::Steered { stage, feedback })
        }
        Event::Hooked(data) => {
            let (hook, at) = (Arc::clone(&data.hook), data.at.name());
            (Some(data.effect), What::Hooked { hook, at, verdict: decided(data) })
        }
        Event::LimitReached(data) => {
            let error = Problem::of(&data.error);
            (None, What::Limit { limit: data.limit.name(), error })
        }
        Event::CancelRequested(data) => {
            let (by, note) = (Arc::clone(&data.by), Arc::clone(&data.note));
            (None, What::Cancel { reason: written(&data.reason), by, note })
        }
        Event::CallWaits(data) => {
            let until = data.until.map(|until| until.to_string());
            let what = match (&data.event, until) {
                (None, until) => What::Sleeps { until: until.unwrap_or_default() },
                (Some(event), until) => What::Listens { event: Arc::clone(event), until },
            };
            (Some(data.effect), what)
        }
        Event::RunFinished(end) => {
            let error = end.error.as_ref().map(Problem::of);
            let (status, finish_reason) = (end.status.name(), end.reason.name());
            (None, What::Finished { status, finish_reason, error })
        }
        other => (None, What::Other { event: other.kind() }),
    }
}

/// What a hook decided, in words.
fn decided(data: &Hooked) -> String {
    let changed = if data.changed.is_some() { "changed something, " } else { "" };
    let said = |note: &Option<Arc<Message>>| {
        note.as_ref().map_or_else(String::new, |note| format!(": {}", note.text()))
    };
    let verdict = match &data.verdict {
        HookVerdict::Proceeded => "let it go on".to_owned(),
        HookVerdict::Guided(note) => format!("guided{}", said(note)),
        HookVerdict::Discarded(note) => format!("threw it away{}", said(note)),
        HookVerdict::Interrupted(answer) => format!("ended the run: {}", answer.text()),
        HookVerdict::Paused => "asks a person".to_owned(),
        HookVerdict::Failed(error) => format!("failed: {}", error.message()),
        _ => "was cut off".to_owned(),
    };
    format!("{changed}{verdict}")
}

impl CallStep {
    fn of(call: &ToolCall) -> Self {
        Self {
            effect: call.call.effect().to_string(),
            name: Arc::clone(&call.name),
            arguments: call.arguments.as_str().to_owned(),
        }
    }
}

impl ModelStep {
    fn of(attempt: u32, call: &CallRecord) -> Self {
        let failed =
            |(model, error): &(Arc<str>, LargestackError)| (Arc::clone(model), Problem::of(error));
        Self {
            attempt,
            model: call.model.clone(),
            provider: call.provider.clone(),
            duration_us: call.duration_us,
            first_byte_us: call.first_byte_us,
            usage: call.usage,
            cost_nanos: call.cost.nanos(),
            cost_usd: dollars(call.cost),
            flags: call.flags.clone(),
            routed: call.routed.clone(),
            failed_attempts: call.failed_attempts.iter().map(failed).collect(),
            finish_reason: None,
            text: String::new(),
            reasoning: String::new(),
            media: Vec::new(),
            calls: Vec::new(),
            error: None,
        }
    }
}

#[cfg(test)]
mod tests;
