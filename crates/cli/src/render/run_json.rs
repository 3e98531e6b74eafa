//! Runs as JSON documents: the stable shapes of `--json` (docs/cli-json.md).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use largestack_agent::Report;
use largestack_engine::{EndReason, Wait};
use largestack_types::money::Money;
use largestack_types::part::Citation;
use largestack_types::usage::Usage;
use serde::Serialize;

use super::diff::Inherited;
use super::problem::Problem;
use crate::standing::Standing;

/// Dollars as a decimal number in a string, exact.
pub(crate) fn dollars(cost: Money) -> String {
    cost.to_string().replace('$', "")
}

/// What a run came to.
#[derive(Debug, Serialize)]
pub(crate) struct RunDocument {
    run: String,
    agent: Arc<str>,
    model: Arc<str>,
    offline: bool,
    status: &'static str,
    finish_reason: Option<&'static str>,
    answer: String,
    output: Option<serde_json::Value>,
    dropped: Vec<Arc<str>>,
    citations: Vec<CitationDocument>,
    turns: u32,
    tool_calls: u32,
    usage: Usage,
    cost_nanos: i64,
    cost_usd: String,
    /// What a fork did not pay for.
    #[serde(skip_serializing_if = "Option::is_none")]
    inherited: Option<Inherited>,
    duration_ms: u64,
    state: String,
    waits: Vec<WaitDocument>,
    error: Option<Problem>,
}

/// A source of an answer.
#[derive(Debug, Serialize)]
pub(crate) struct CitationDocument {
    number: usize,
    source: String,
    lines: Option<(u32, u32)>,
    title: Option<Arc<str>>,
    quote: Option<Arc<str>>,
}

impl CitationDocument {
    /// The citation with this number; `place` resolves its source.
    pub(crate) fn of(number: usize, citation: &Citation, place: impl Fn(&str) -> String) -> Self {
        Self {
            number,
            source: place(&citation.source),
            lines: citation.lines,
            title: citation.title.clone(),
            quote: citation.quote.clone(),
        }
    }
}

/// Something a suspended run waits for.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum WaitDocument {
    /// A person's answer.
    Approval { effect: String, approval: String },
    /// Whatever a run below this one waits for.
    Child { effect: String, run: String },
    /// A decision about a call that was cut off.
    InDoubt { effect: String },
    /// Something from outside.
    Event {
        effect: String,
        name: Arc<str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
    /// A moment.
    Timer { effect: String, until: String },
}

impl WaitDocument {
    /// The document of a wait.
    pub(crate) fn of(wait: &Wait) -> Self {
        match wait {
            Wait::Approval { effect, approval } => {
                Self::Approval { effect: effect.to_string(), approval: approval.to_string() }
            }
            Wait::Child { effect, run } => {
                Self::Child { effect: effect.to_string(), run: run.to_string() }
            }
            Wait::Doubt { effect } => Self::InDoubt { effect: effect.to_string() },
            Wait::Event { effect, name, until } => Self::Event {
                effect: effect.to_string(),
                name: Arc::clone(name),
                until: until.map(|until| until.to_string()),
            },
            Wait::Timer { effect, until } => {
                Self::Timer { effect: effect.to_string(), until: until.to_string() }
            }
        }
    }
}

/// What is known of a run beside its report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a> {
    /// The agent's name.
    pub(crate) agent: &'a Arc<str>,
    /// The model that was asked.
    pub(crate) model: &'a Arc<str>,
    /// Whether that is the offline one.
    pub(crate) offline: bool,
    /// How long it took.
    pub(crate) took: Duration,
    /// Where the state is.
    pub(crate) state: &'a Path,
}

impl RunDocument {
    /// The document of a report.
    pub(crate) fn of(report: &Report, around: Around<'_>, place: impl Fn(&str) -> String) -> Self {
        let citations = (1..).zip(&report.citations);
        Self {
            run: report.run.to_string(),
            agent: Arc::clone(around.agent),
            model: Arc::clone(around.model),
            offline: around.offline,
            status: report.status.name(),
            finish_reason: report.finish_reason.map(EndReason::name),
            answer: report.text.clone(),
            output: report.output.clone(),
            dropped: report.dropped.clone(),
            citations: citations.map(|(n, c)| CitationDocument::of(n, c, &place)).collect(),
            turns: report.turns,
            tool_calls: report.tool_calls,
            usage: report.usage,
            cost_nanos: report.cost.nanos(),
            cost_usd: dollars(report.cost),
            inherited: report.branch.as_ref().map(Inherited::of),
            duration_ms: u64::try_from(around.took.as_millis()).unwrap_or(u64::MAX),
            state: around.state.display().to_string(),
            waits: report.waits.iter().map(WaitDocument::of).collect(),
            error: report.error.as_ref().map(Problem::of),
        }
    }
}

/// A run's line.
#[derive(Debug, Serialize)]
pub(crate) struct SummaryDocument {
    run: String,
    root: String,
    agent: Arc<str>,
    model: Arc<str>,
    status: &'static str,
    finish_reason: Option<&'static str>,
    input: String,
    events: u64,
    turns: u32,
    usage: Usage,
    cost_nanos: i64,
    cost_usd: String,
    started: String,
    updated: String,
}

impl SummaryDocument {
    /// The document of a run's line.
    pub(crate) fn of(standing: &Standing) -> Self {
        let run = &standing.run;
        Self {
            run: run.run.to_string(),
            root: run.root.to_string(),
            agent: Arc::clone(&run.agent),
            model: Arc::clone(&run.model),
            status: standing.word(),
            finish_reason: run.reason.map(EndReason::name),
            input: run.input.clone(),
            events: run.seq,
            turns: run.turns,
            usage: run.usage,
            cost_nanos: run.cost.nanos(),
            cost_usd: dollars(run.cost),
            started: run.started.to_string(),
            updated: run.updated.to_string(),
        }
    }
}
