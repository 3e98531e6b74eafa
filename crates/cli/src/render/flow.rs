//! Runs of workflows as one JSON document, and in one line.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use largestack_engine::EndReason;
use largestack_engine::graph::{Failure, NodeView};
use largestack_flow::FlowReport;
use largestack_types::usage::Usage;
use serde::Serialize;
use serde_json::Value;

use super::amount::{lasted, tokens};
use super::diff::Inherited;
use super::problem::Problem;
use super::run_json::{WaitDocument, dollars};
use super::style::{FAINT, of_status, painted};
use super::text::counted;

/// What a run of a workflow came to.
#[derive(Debug, Serialize)]
pub(crate) struct FlowDocument {
    run: String,
    workflow: Arc<str>,
    status: &'static str,
    finish_reason: Option<&'static str>,
    answer: String,
    output: Value,
    values: Value,
    nodes: Vec<NodeDocument>,
    failures: Vec<FailureDocument>,
    usage: Usage,
    cost_nanos: i64,
    cost_usd: String,
    duration_ms: u64,
    state: String,
    waits: Vec<WaitDocument>,
    listens: Vec<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inherited: Option<Inherited>,
    error: Option<Problem>,
}

/// Where a node stands.
#[derive(Debug, Serialize)]
pub(crate) struct NodeDocument {
    node: Arc<str>,
    state: &'static str,
    visits: u32,
    tasks: u32,
    tasks_over: u32,
    usage: Usage,
    cost_nanos: i64,
    cost_usd: String,
}

impl NodeDocument {
    /// The document of a node.
    pub(crate) fn of(view: &NodeView) -> Self {
        Self {
            node: Arc::clone(&view.node),
            state: view.state.name(),
            visits: view.visits,
            tasks: view.tasks.0,
            tasks_over: view.tasks.1,
            usage: view.usage,
            cost_nanos: view.cost.nanos(),
            cost_usd: dollars(view.cost),
        }
    }
}

/// What failed on the way.
#[derive(Debug, Serialize)]
pub(crate) struct FailureDocument {
    node: Arc<str>,
    effect: String,
    undoing: bool,
    error: Problem,
}

impl FailureDocument {
    fn of(failure: &Failure) -> Self {
        Self {
            node: Arc::clone(&failure.node),
            effect: failure.effect.to_string(),
            undoing: failure.undoing,
            error: Problem::of(&failure.error),
        }
    }
}

impl FlowDocument {
    /// The document of a report.
    pub(crate) fn of(
        report: &FlowReport,
        workflow: &Arc<str>,
        (took, state): (Duration, &Path),
    ) -> Self {
        Self {
            run: report.run.to_string(),
            workflow: Arc::clone(workflow),
            status: report.status.name(),
            finish_reason: report.finish_reason.map(EndReason::name),
            answer: report.text(),
            output: report.output.clone(),
            values: report.state.clone(),
            nodes: report.nodes.iter().map(NodeDocument::of).collect(),
            failures: report.failures.iter().map(FailureDocument::of).collect(),
            usage: report.usage,
            cost_nanos: report.cost.nanos(),
            cost_usd: dollars(report.cost),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            state: state.display().to_string(),
            waits: report.waits.iter().map(WaitDocument::of).collect(),
            listens: report.listens.iter().map(|(_, event)| Arc::clone(event)).collect(),
            inherited: report.branch.as_ref().map(Inherited::of),
            error: report.error.as_ref().map(Problem::of),
        }
    }
}

/// Run, status, nodes, tokens, cost and time in one line.
pub(crate) fn facts(report: &FlowReport, took: Duration) -> String {
    let status = painted(of_status(report.status), report.status);
    let reason = report.finish_reason.map(EndReason::name);
    let status = match reason {
        Some(reason) if reason != "stop" && reason != report.status.name() => {
            format!("{status} ({reason})")
        }
        _ => status,
    };
    let visited = report.nodes.iter().filter(|node| node.visits > 0).count();
    let facts = [
        report.run.to_string(),
        status,
        counted(visited.try_into().unwrap_or(u64::MAX), "node"),
        tokens(&report.usage),
        report.cost.to_string(),
        lasted(took),
    ];
    format!("{}\n", facts.join(&painted(FAINT, " · ")))
}
