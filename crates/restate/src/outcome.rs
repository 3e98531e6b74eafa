//! What an invocation comes to, and what a run that waits is waiting for, as JSON.

use std::time::Duration;

use largestack_agent::Report;
use largestack_engine::{EndReason, Status};
use largestack_flow::FlowReport;
use largestack_ports::journal::RunSummary;
use largestack_types::errors::LargestackError;
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a run came to. Status and reason never say "completed" for something cut short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The run.
    pub run: RunId,
    /// Completed, incomplete, suspended, cancelled or failed.
    pub status: Status,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndReason>,
    /// The answer in words, with the caller's own values back in place of placeholders.
    #[serde(default)]
    pub text: String,
    /// The value of an answer that is more than words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Tokens of everything under it.
    pub usage: Usage,
    /// Cost of everything under it.
    pub cost: Money,
    /// The error of a failed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<LargestackError>,
}

impl Outcome {
    /// That of a run whose end is an error that its driver said.
    pub(crate) fn failed(ended: &RunSummary, error: LargestackError) -> Self {
        Self {
            run: ended.run,
            status: ended.status,
            reason: ended.reason,
            text: String::new(),
            output: None,
            usage: ended.usage,
            cost: ended.cost,
            error: (ended.status == Status::Failed).then_some(error),
        }
    }
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        Self {
            run: report.run,
            status: report.status,
            reason: report.finish_reason,
            text: report.text,
            output: report.output,
            usage: report.usage,
            cost: report.cost,
            error: report.error,
        }
    }
}

impl From<FlowReport> for Outcome {
    fn from(report: FlowReport) -> Self {
        let text = report.text();
        let words = report.output.is_string() || report.output.is_null();
        Self {
            run: report.run,
            status: report.status,
            reason: report.finish_reason,
            text,
            output: (!words).then_some(report.output),
            usage: report.usage,
            cost: report.cost,
            error: report.error,
        }
    }
}

/// Why the driver let go of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// It has ended.
    Ended(Outcome),
    /// It waits for somebody or something outside.
    Waits {
        /// For any of these.
        names: Vec<String>,
        /// How long at the most: until a question stands no longer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<Duration>,
        /// How it stands.
        outcome: Outcome,
    },
    /// It was not begun.
    Refused(LargestackError),
}
