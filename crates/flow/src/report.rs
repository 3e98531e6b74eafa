//! What a run of a workflow came to.

use std::sync::Arc;

use largestack_engine::event::ChildRun;
use largestack_engine::graph::{Failure, GraphRun, NodeView};
use largestack_engine::{Branch, EndReason, Status, Wait};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A node, as it stands at the end of a run.
pub type NodeReport = NodeView;

/// What a run came to: status and reason never say "completed" for something cut short.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowReport {
    /// The run.
    pub run: RunId,
    /// Completed, incomplete, suspended, cancelled or failed.
    pub status: Status,
    /// Why it ended; `None` while it is suspended.
    pub finish_reason: Option<EndReason>,
    /// The answer, with the caller's own values, and no others, back in place of placeholders.
    pub output: Value,
    /// Everything that is known at the end, likewise.
    pub state: Value,
    /// Every node with its status, tokens and cost.
    pub nodes: Vec<NodeReport>,
    /// Tokens of everything under it.
    pub usage: Usage,
    /// Cost of everything under it.
    pub cost: Money,
    /// The error of a failed or killed run.
    pub error: Option<LargestackError>,
    /// What failed on the way, whatever became of it.
    pub failures: Vec<Failure>,
    /// What a suspended run waits for.
    pub waits: Vec<Wait>,
    /// The events that a suspended run waits for, with the task of each.
    pub listens: Vec<(EffectId, Arc<str>)>,
    /// Where it has left another run's history; what was spent before is that one's.
    pub branch: Option<Branch>,
}

impl FlowReport {
    pub(crate) fn of(run: &GraphRun, output: Value, state: Value) -> Self {
        let end = run.end();
        Self {
            run: run.id(),
            status: run.status(),
            finish_reason: end.map(|end| end.reason),
            output,
            state,
            nodes: run.nodes().collect(),
            usage: run.usage(),
            cost: run.cost(),
            error: end.and_then(|end| end.error.clone()),
            failures: run.failures().to_vec(),
            waits: run.waits(),
            listens: run.listening().map(|(effect, name)| (effect, Arc::clone(name))).collect(),
            branch: run.branch().cloned(),
        }
    }

    /// The same with what runs of tasks that wait have come to by now: what is spent is spent,
    /// although no fact of this run says so yet.
    pub(crate) fn with(mut self, run: &GraphRun, below: &[(EffectId, ChildRun)]) -> Self {
        let add = |sum: Money, more: Money| sum.checked_add(more).unwrap_or(Money::MAX);
        for (effect, child) in below {
            self.usage = self.usage.plus(child.usage);
            self.cost = add(self.cost, child.cost);
            let name = run.task(*effect).map(|task| Arc::clone(&task.node.name));
            if let Some(node) = self.nodes.iter_mut().find(|node| Some(&node.node) == name.as_ref())
            {
                node.usage = node.usage.plus(child.usage);
                node.cost = add(node.cost, child.cost);
            }
        }
        self
    }

    /// The answer as text: a text as it is, anything else as JSON.
    pub fn text(&self) -> String {
        match &self.output {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// The answer, read as what it should be.
    pub fn output<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.output).map_err(|error| {
            LargestackError::other(Code::Output, format!("the answer is something else: {error}"))
        })
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> Option<&NodeReport> {
        self.nodes.iter().find(|node| &*node.node == name)
    }

    /// The report of a run that answered; the error of one that failed, was killed or was
    /// cancelled; `LARGESTACK_SUSPENDED` for one that waits.
    pub fn into_result(self) -> Result<Self> {
        match (self.status, &self.error) {
            (_, Some(error)) => Err(error.clone()),
            (Status::Cancelled, None) => {
                let detail = format!("{} was cancelled", self.run);
                Err(LargestackError::other(Code::Cancelled, detail))
            }
            (Status::Suspended, None) => {
                let detail = format!("{} waits for somebody or something outside", self.run);
                Err(LargestackError::other(Code::Suspended, detail))
            }
            _ => Ok(self),
        }
    }
}
