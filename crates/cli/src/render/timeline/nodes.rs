//! What happens in a workflow's run, as steps of its timeline.

use std::sync::Arc;
use std::time::Duration;

use largestack_engine::Recorded;
use largestack_engine::event::ChildRun;
use largestack_engine::graph::{Fact, How};
use largestack_types::id::{EffectId, RunId};
use largestack_types::usage::Usage;
use serde::Serialize;
use serde_json::Value;

use super::{Problem, Telling, What};
use crate::render::amount::{lasted, tokens};
use crate::render::run_json::dollars;
use crate::render::style::{BAD, FAINT, GOOD, STRONG, WARN, painted};
use crate::render::text::clean;

/// A task of a node that ended, for now or for good.
#[derive(Debug, Serialize)]
pub(crate) struct NodeStep {
    pub(super) node: Arc<str>,
    outcome: &'static str,
    attempt: u32,
    choice: Option<Arc<str>>,
    /// Why what was said is not all.
    cut_short: Option<&'static str>,
    pub(super) output: String,
    /// The run that did it.
    run: Option<String>,
    duration_us: u64,
    #[serde(flatten)]
    usage: Usage,
    cost_nanos: i64,
    cost_usd: String,
    pub(super) error: Option<Problem>,
    /// Whether it is tried again.
    again: bool,
    #[serde(skip)]
    pub(crate) below: Option<RunId>,
}

impl NodeStep {
    fn of(node: Arc<str>, attempt: u32, (child, duration_us): (Option<&ChildRun>, u64)) -> Self {
        let cost = child.map(|child| child.cost).unwrap_or_default();
        Self {
            node,
            outcome: "completed",
            attempt,
            choice: None,
            cut_short: None,
            output: String::new(),
            run: child.map(|child| child.run.to_string()),
            duration_us,
            usage: child.map(|child| child.usage).unwrap_or_default(),
            cost_nanos: cost.nanos(),
            cost_usd: dollars(cost),
            error: None,
            again: false,
            below: child.map(|child| child.run),
        }
    }

    /// Its line.
    pub(super) fn line(&self, effect: &str, after: &str) -> String {
        let style = match self.outcome {
            "completed" => GOOD,
            "cancelled" => WARN,
            _ => BAD,
        };
        let choice = self.choice.as_ref();
        let choice = choice.map_or_else(String::new, |choice| format!(" → {}", clean(choice)));
        let tried =
            if self.attempt > 1 { format!(" (attempt {})", self.attempt) } else { String::new() };
        let again = if self.again { ", tried again" } else { "" };
        let short = self.cut_short.map_or_else(String::new, |why| {
            format!(" {}", painted(WARN, format!("cut short ({why})")))
        });
        let mut facts = vec![lasted(Duration::from_micros(self.duration_us))];
        if self.below.is_some() {
            facts.extend([tokens(&self.usage), format!("${}", self.cost_usd)]);
        }
        let facts = painted(FAINT, facts.join(", "));
        let (node, outcome) = (painted(STRONG, clean(&self.node)), painted(style, self.outcome));
        format!("{effect} {node} {outcome}{again}{tried}{choice}{short} {facts} {after}")
    }
}

/// A text as it is, anything else as JSON; nothing for nothing.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Telling {
    /// What a fact of a workflow tells; nothing where it only begins something.
    pub(super) fn fact(
        &mut self,
        fact: &Fact,
        recorded: &Recorded,
    ) -> Option<(Option<EffectId>, What)> {
        let name = |telling: &Self, effect: &EffectId| {
            telling.nodes.get(effect).cloned().unwrap_or_else(|| "?".into())
        };
        Some(match fact {
            Fact::Started(data) => {
                let input = Value::Object(data.input.clone());
                let (workflow, input) = (Arc::clone(&data.graph), input.to_string());
                (Some(EffectId::INPUT), What::Given { workflow, input })
            }
            Fact::NodeStarted(data) => {
                let begun = (data.attempt, recorded.seq, recorded.at);
                self.attempts.insert(data.effect, begun);
                self.nodes.insert(data.effect, Arc::clone(&data.node));
                return None;
            }
            Fact::NodeFinished(data) => {
                let attempt = self.attempt(data.effect);
                let about = (data.child.as_ref(), data.duration_us);
                let step = NodeStep {
                    choice: data.choice.clone(),
                    cut_short: data.cut_short.map(largestack_engine::EndReason::name),
                    output: words(&data.output),
                    ..NodeStep::of(name(self, &data.effect), attempt, about)
                };
                (Some(data.effect), What::Node(Box::new(step)))
            }
            Fact::NodeFailed(data) => {
                let attempt = self.attempt(data.effect);
                let about = (data.child.as_ref(), data.duration_us);
                let outcome = match data.how {
                    How::TimedOut => "timed out",
                    How::Cancelled => "cancelled",
                    _ => "failed",
                };
                let step = NodeStep {
                    outcome,
                    error: Some(Problem::of(&data.error)),
                    again: data.retry_at.is_some(),
                    ..NodeStep::of(name(self, &data.effect), attempt, about)
                };
                (Some(data.effect), What::Node(Box::new(step)))
            }
            Fact::NodeSleeps(data) => {
                (Some(data.effect), What::Sleeps { until: data.until.to_string() })
            }
            Fact::NodeListens(data) => {
                (Some(data.effect), What::Listens { event: Arc::clone(&data.event), until: None })
            }
            Fact::EventReceived(data) => {
                let (event, by) = (Arc::clone(&data.event), Arc::clone(&data.by));
                (None, What::Received { event, by, data: words(&data.data) })
            }
            _ => return None,
        })
    }
}
