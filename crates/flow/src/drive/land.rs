//! What becomes of a task that has landed: an output, a failure that is tried again or not, a wait.

use std::sync::Arc;
use std::time::Duration;

use largestack_agent::Report;
use largestack_agent::parent::is_of_the_store;
use largestack_engine::event::ChildRun;
use largestack_engine::graph::{How, NodeFailed, NodeFinished};
use largestack_engine::{EndReason, Status};
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result, ToolExecutionError};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::time::Timestamp;
use serde_json::Value;

use super::Drive;
use crate::report::FlowReport;

/// A task that has landed.
pub(super) struct Landed {
    pub(super) effect: EffectId,
    pub(super) came: Came,
    pub(super) duration: Duration,
}

/// What the run of a workflow below has come to.
pub(super) struct Ran {
    pub(super) report: FlowReport,
    pub(super) label: Label,
    /// When it goes on, where nothing but time has to pass.
    pub(super) until: Option<Timestamp>,
}

/// What a task has come to.
pub(super) enum Came {
    Output {
        value: Value,
        choice: Option<Arc<str>>,
        asks: Option<String>,
        label: Label,
        child: Option<ChildRun>,
        /// Why what was said is not all.
        cut_short: Option<EndReason>,
    },
    Failed {
        error: LargestackError,
        /// It did not end in time.
        late: bool,
        /// It is certain that nothing has happened.
        harmless: bool,
        child: Option<ChildRun>,
    },
    Waits {
        child: RunId,
        /// When it goes on by itself.
        until: Option<Timestamp>,
    },
    /// The run below cannot go on for an error of its store: it stays as it is, and so does the run
    /// above it.
    Lost(LargestackError),
}

impl Came {
    pub(super) fn late(node: &str, after: Duration) -> Self {
        let ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let tool = node.into();
        let detail = format!("it did not end within {ms} ms");
        let error = ToolExecutionError { tool, detail, transient: true }.into();
        Self::Failed { error, late: true, harmless: false, child: None }
    }

    pub(super) fn of_agent(run: RunId, answered: Result<(Report, Label)>) -> Self {
        let (report, label) = match answered {
            Ok(answered) => answered,
            Err(error) if is_of_the_store(&error) => return Self::Lost(error),
            Err(error) => return Self::failed(error, None),
        };
        if report.status == Status::Suspended {
            return Self::Waits { child: run, until: None };
        }
        let child = ChildRun { run, usage: report.usage, cost: report.cost };
        match report.into_result() {
            // What was cut short is an answer all the same, and is said to be; one without any word
            // is none.
            Ok(report) if report.finish_reason == Some(EndReason::Empty) => {
                let error = LargestackError::other(Code::Output, "the agent said nothing");
                Self::failed(error, Some(child))
            }
            Ok(report) => {
                let cut_short = cut_short(report.status, report.finish_reason);
                let value = report.output.unwrap_or(Value::String(report.text));
                Self::said(value, label, (child, cut_short))
            }
            Err(error) => Self::failed(error, Some(child)),
        }
    }

    pub(super) fn of_workflow(run: RunId, ran: Result<Ran>) -> Self {
        let Ran { report, label, until } = match ran {
            Ok(ran) => ran,
            Err(error) if is_of_the_store(&error) => return Self::Lost(error),
            Err(error) => return Self::failed(error, None),
        };
        if report.status == Status::Suspended {
            return Self::Waits { child: run, until };
        }
        let child = ChildRun { run, usage: report.usage, cost: report.cost };
        match report.into_result() {
            Ok(report) => {
                let cut_short = cut_short(report.status, report.finish_reason);
                Self::said(report.output, label, (child, cut_short))
            }
            Err(error) => Self::failed(error, Some(child)),
        }
    }

    fn said(value: Value, label: Label, (child, cut_short): (ChildRun, Option<EndReason>)) -> Self {
        let child = Some(child);
        Self::Output { value, choice: None, asks: None, label, child, cut_short }
    }

    /// What is known of the state alone.
    pub(super) const fn known(value: Value, choice: Option<Arc<str>>, label: Label) -> Self {
        Self::Output { value, choice, asks: None, label, child: None, cut_short: None }
    }

    pub(super) const fn failed(error: LargestackError, child: Option<ChildRun>) -> Self {
        Self::Failed { error, late: false, harmless: false, child }
    }
}

/// Why an answer is not all, where it is not.
fn cut_short(status: Status, reason: Option<EndReason>) -> Option<EndReason> {
    reason.filter(|_| status == Status::Incomplete)
}

impl Drive {
    /// Records what a task has come to.
    pub(super) async fn land(&mut self, landed: Landed) -> Result<()> {
        let Landed { effect, came, duration } = landed;
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let below = self.waiting.remove(&effect);
        // What did not end in time was dropped: it undoes what it did before anything is recorded.
        if let (Came::Failed { late: true, .. }, Some((node, run))) = (&came, &below) {
            self.ending(effect, node, *run).await?;
        }
        match came {
            Came::Waits { child, until } => {
                self.resting.extend(until.map(|until| (effect, until)));
                self.waits(effect, child)
            }
            Came::Lost(error) => Err(error),
            Came::Failed { error, late, harmless, child } => {
                let child = child.or_else(|| self.child_of(effect));
                self.fail(effect, (error, late, harmless), (child, duration_us)).await
            }
            Came::Output { value, choice, asks, label, child, cut_short } => {
                // What a function or a tool has read is in its label already.
                let said = Label::from_origin(Origin::Agent);
                let label = if child.is_some() { label.join(said) } else { label };
                let guarded = self.own.protect(effect, "an output", (value, label)).await;
                let guarded = match guarded {
                    Ok(guarded) => guarded,
                    Err(error) if error.code() == Code::Guardrail => {
                        return self
                            .fail(effect, (error, false, false), (child, duration_us))
                            .await;
                    }
                    Err(error) => return Err(error),
                };
                self.note_findings((effect, "guard_output"), guarded.findings)?;
                if let Some(question) = asks {
                    return self.asks(effect, (question, guarded.value), duration_us).await;
                }
                let choice = match self.choice(effect, &guarded.value, choice) {
                    Ok(choice) => choice,
                    Err(why) => {
                        let error = LargestackError::other(Code::Output, why);
                        return self
                            .fail(effect, (error, false, false), (child, duration_us))
                            .await;
                    }
                };
                self.note(NodeFinished {
                    effect,
                    output: guarded.value.into(),
                    choice,
                    label: guarded.label,
                    child,
                    cut_short,
                    duration_us,
                })
            }
        }
    }

    /// Asks what a function asks: its words hold what its output would.
    async fn asks(
        &mut self,
        effect: EffectId,
        (question, held): (String, Value),
        duration_us: u64,
    ) -> Result<()> {
        let question = (Value::String(question), self.label_of(effect));
        match self.own.protect(effect, "a question", question).await {
            Ok(guarded) => {
                self.note_findings((effect, "guard_question"), guarded.findings)?;
                let question = guarded.value.as_str().unwrap_or_default();
                self.ask(effect, question, Some(held)).await
            }
            Err(error) if error.code() == Code::Guardrail => {
                self.fail(effect, (error, false, false), (None, duration_us)).await
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn label_of(&self, effect: EffectId) -> Label {
        self.run.task(effect).map(|task| task.seen.label()).unwrap_or_default()
    }

    /// What a task chose: what stands in its output, or what its function said; nothing that its
    /// node cannot choose.
    fn choice(
        &self,
        effect: EffectId,
        output: &Value,
        said: Option<Arc<str>>,
    ) -> std::result::Result<Option<Arc<str>>, String> {
        let Some(task) = self.run.task(effect).filter(|task| task.undo.is_none()) else {
            return Ok(None);
        };
        let (node, name) = (task.node, &task.node.name);
        if node.choices.is_empty() {
            return match said {
                Some(said) => Err(format!("node `{name}` chose `{said}`, and chooses nothing")),
                None => Ok(None),
            };
        }
        let written = node.chosen(output).map_err(|why| format!("node `{name}`: {why}"))?;
        match written.or(said) {
            Some(choice) if node.choices.contains(&choice) => Ok(Some(choice)),
            Some(other) => Err(format!("node `{name}` chose `{other}`, which it cannot")),
            None => Err(format!("node `{name}` chose nothing")),
        }
    }

    /// Records a failure, to be tried again where that may help and does no harm.
    async fn fail(
        &mut self,
        effect: EffectId,
        (error, late, harmless): (LargestackError, bool, bool),
        (child, duration_us): (Option<ChildRun>, u64),
    ) -> Result<()> {
        let mut retry_at = self.run.task(effect).and_then(|task| {
            let retry = task.retry();
            let may_help = retry.whatever || error.retryable();
            let does_no_harm = task.is_idempotent() || (harmless && !late);
            let again = task.attempt < retry.tries && may_help && does_no_harm;
            again.then(|| self.core.runtime.clock.now().plus(retry.pause_after(task.attempt)))
        });
        let error = self.without_sensitive(effect, error).await?;
        let how = if late { How::TimedOut } else { How::Failed };
        let mut restarts = false;
        if retry_at.is_none()
            && let Some(at) = self.run.restart_at(effect, self.core.runtime.clock.now())
        {
            self.begin_again(self.run.restart_with(effect), at).await?;
            (retry_at, restarts) = (Some(at), true);
        }
        self.note(NodeFailed { effect, how, error, retry_at, restarts, child, duration_us })
    }

    /// What a function says of its failure may hold what a guard would take out.
    async fn without_sensitive(
        &mut self,
        effect: EffectId,
        error: LargestackError,
    ) -> Result<LargestackError> {
        let LargestackError::ToolExecutionError(mut failed) = error else { return Ok(error) };
        let detail = Value::String(std::mem::take(&mut failed.detail));
        let label = Label::from_origin(Origin::Tool);
        failed.detail = match self.own.protect(effect, "a failure", (detail, label)).await {
            Ok(guarded) => guarded.value.as_str().unwrap_or_default().to_owned(),
            Err(blocked) if blocked.code() == Code::Guardrail => blocked.message(),
            Err(error) => return Err(error),
        };
        Ok(LargestackError::ToolExecutionError(failed))
    }
}
