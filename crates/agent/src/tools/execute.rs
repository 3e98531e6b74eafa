//! Running one tool call: timeout, retries of idempotent tools, stages after it, its result as a
//! message.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use largestack_engine::event::{FindingRecord, ToolOutcome};
use largestack_ports::clock::Clock;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput};
use largestack_types::errors::{LargestackError, Result, ToolExecutionError};
use largestack_types::hash::Hash;
use largestack_types::id::EffectId;
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, PartId, ToolCall, ToolResult};

use crate::pipeline::Pipeline;
use crate::stage::{ResultDraft, StageContext, Verdict};

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A tool call that has its result.
pub(crate) struct Finished {
    pub(crate) message: Message,
    pub(crate) outcome: ToolOutcome,
    pub(crate) raise: Option<LargestackError>,
    pub(crate) findings: Vec<FindingRecord>,
    pub(crate) blob: Option<(Hash, Bytes)>,
}

/// Everything a running tool call needs; owns it all, so that the run stays free to fold.
pub(crate) struct Execution {
    pub(crate) tool: Arc<dyn Tool>,
    pub(crate) call: ToolCall,
    pub(crate) effect: EffectId,
    pub(crate) arguments: Json,
    pub(crate) context: ToolContext,
    pub(crate) stage: StageContext,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Execution {
    pub(crate) async fn run(&self) -> Result<Finished> {
        let options = self.tool.options();
        let (result, outcome) = self.attempts(&options).await;
        let origin = self.tool.spec().origin;
        let label = self.context.label.join(Label::from_origin(origin));
        let (output, failed) = match result {
            Ok(output) => (output, None),
            Err(failure) => (ToolOutput::text(failure.message.clone()), Some(failure)),
        };
        let label = output.label.map_or(label, |own| label.join(own));
        let draft = ResultDraft {
            tool: Arc::clone(&self.call.name),
            output,
            label,
            whole: None,
            max_chars: options.max_result_chars,
        };
        let (draft, findings) = self.after(draft).await?;
        let raise = failed.filter(|_| options.raise).map(|failure| {
            let (tool, transient) = (Arc::clone(&self.call.name), failure.transient);
            ToolExecutionError { tool, detail: draft.output.text.clone(), transient }.into()
        });
        let blob = draft.whole.as_ref().map(|whole| {
            let bytes = Bytes::copy_from_slice(whole.as_bytes());
            (Hash::of(&bytes), bytes)
        });
        let message = self.message(draft, outcome, blob.as_ref().map(|(hash, _)| *hash));
        Ok(Finished { message, outcome, raise, findings, blob })
    }

    /// Attempts until one succeeds. Only an idempotent tool is tried again, and only after a
    /// failure that says it is transient.
    async fn attempts(
        &self,
        options: &ToolOptions,
    ) -> (Result<ToolOutput, ToolFailure>, ToolOutcome) {
        let retries = if self.tool.spec().idempotent { options.retries } else { 0 };
        let mut attempt = 0;
        loop {
            let running = self.tool.call(self.context.clone(), self.arguments.clone());
            let timeout = self.clock.sleep(options.timeout);
            let (failure, outcome) = match select(running, timeout).await {
                Either::Left((Ok(output), _)) => return (Ok(output), ToolOutcome::Returned),
                Either::Left((Err(failure), _)) => (failure, ToolOutcome::Failed),
                Either::Right(((), _)) => {
                    let text = format!("timed out after {} ms", options.timeout.as_millis());
                    (ToolFailure::transient(text), ToolOutcome::TimedOut)
                }
            };
            if attempt >= retries || !failure.transient {
                return (Err(failure), outcome);
            }
            let pause = Duration::from_millis(200) * 2_u32.saturating_pow(attempt);
            self.clock.sleep(pause.min(LONGEST_PAUSE)).await;
            attempt += 1;
        }
    }

    async fn after(&self, mut draft: ResultDraft) -> Result<(ResultDraft, Vec<FindingRecord>)> {
        let mut findings = Vec::new();
        for stage in &self.pipeline.after_tool {
            let ruling = stage.apply(&self.stage, &draft).await?;
            findings.extend(ruling.findings);
            match ruling.verdict {
                Verdict::Continue | Verdict::Suspend(_) => {}
                Verdict::Replace(new) => draft = new,
                Verdict::Retry(text) => text.as_ref().clone_into(&mut draft.output.text),
                Verdict::Block(error) => return Err(error),
            }
        }
        Ok((draft, findings))
    }

    fn message(&self, draft: ResultDraft, outcome: ToolOutcome, whole: Option<Hash>) -> Message {
        let label = draft.label;
        let result = Body::ToolResult(ToolResult {
            call: self.call.call,
            provider_id: Arc::clone(&self.call.provider_id),
            name: Arc::clone(&self.call.name),
            text: draft.output.text.into(),
            media: draft.output.media,
            is_error: outcome != ToolOutcome::Returned,
            handle: whole.map(|hash| hash.to_string().into()),
        });
        let citations = draft.output.citations.into_iter().map(Body::Citation);
        let parts = (0..)
            .zip(std::iter::once(result).chain(citations))
            .map(|(index, body)| Part {
                id: PartId::at(self.effect, index),
                label,
                body,
                native: None,
            })
            .collect();
        Message { role: Role::Tool, parts, native: None }
    }
}

/// The result of a call that did not run.
pub(crate) fn refusal(call: &ToolCall, effect: EffectId, label: Label, text: &str) -> Message {
    largestack_engine::answer(call, effect, label.join(Label::from_origin(Origin::Operator)), text)
}
