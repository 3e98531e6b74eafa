//! Running one tool call: a result that is given again or attempts at a new one, the stages after
//! it, its result as a message.

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::event::{FindingRecord, ToolOutcome};
use largestack_ports::results::KeptResult;
use largestack_ports::tool::{ToolContext, ToolFailure, ToolOutput, Waits};
use largestack_types::error::Coded as _;
use largestack_types::errors::{LargestackError, Result, ToolExecutionError};
use largestack_types::hash::Hash;
use largestack_types::id::EffectId;
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, PartId, ToolCall, ToolResult};

use super::{Entry, returned_from, share};
use crate::agent::Core;
use crate::hooks::{self, Said};
use crate::stage::{ResultDraft, Stage, StageContext, Verdict, ruling};

/// A tool call that has its result.
pub(crate) struct Finished {
    pub(crate) message: Message,
    pub(crate) outcome: ToolOutcome,
    pub(crate) raise: Option<LargestackError>,
    pub(crate) findings: Vec<FindingRecord>,
    pub(crate) blob: Option<(Hash, Bytes)>,
    /// Whether an earlier call's result was given again.
    pub(crate) shared: bool,
    /// Tools that it has found.
    pub(crate) loads: Vec<Arc<str>>,
    /// What the agent's own stages after the tool decided, where they did.
    pub(crate) steered: Option<Steered>,
    /// What the call goes on waiting for: then there is no result yet.
    pub(crate) waits: Option<Box<Waits>>,
}

impl Finished {
    fn plain(message: Message, outcome: ToolOutcome) -> Self {
        Self {
            message,
            outcome,
            raise: None,
            findings: Vec::new(),
            blob: None,
            shared: false,
            loads: Vec::new(),
            steered: None,
            waits: None,
        }
    }
}

/// What the stages after a tool decided.
pub(crate) struct Steered {
    pub(crate) hook: Arc<str>,
    pub(crate) said: Said,
    pub(crate) changed: bool,
}

/// A result behind the stages after its tool.
struct Passed {
    draft: ResultDraft,
    findings: Vec<FindingRecord>,
    hook: Arc<str>,
    changed: bool,
    said: Said,
}

/// What the model reads of a result that a hook has thrown away without a word.
const WITHHELD: &str = "The result was withheld by this agent's own rules.";

/// Everything a running tool call needs; owns it all, so that the run stays free to fold.
pub(crate) struct Execution {
    pub(crate) core: Arc<Core>,
    pub(crate) entry: Entry,
    pub(crate) call: ToolCall,
    pub(crate) effect: EffectId,
    pub(crate) arguments: Json,
    pub(crate) context: ToolContext,
    pub(crate) stage: StageContext,
}

/// What came of a call, before the stages after it.
struct Came {
    output: ToolOutput,
    failed: Option<ToolFailure>,
    outcome: ToolOutcome,
    shared: bool,
}

impl Execution {
    pub(crate) async fn run(&self) -> Result<Finished> {
        let options = &self.entry.options;
        // A key is a hash of everything that makes two calls the same: not for those that share none.
        let key = options.cache.and_then(|ttl| {
            let spec = self.entry.tool.spec();
            let key = share::key(&self.context.scope, spec, &options.version, &self.arguments);
            Some((ttl, key?))
        });
        let Some((ttl, key)) = key else {
            let (finished, _) = self.finish(self.perform().await).await?;
            return Ok(finished);
        };
        let flight = self.core.flights.join(&self.context.scope, key);
        let mut in_vain = flight.lock().await;
        if *in_vain {
            drop(in_vain);
            let (finished, _) = self.finish(self.perform().await).await?;
            return Ok(finished);
        }
        if let Some(kept) = self.kept(key).await {
            let (finished, _) = self.finish(Came::again(&kept)).await?;
            return Ok(finished);
        }
        let (finished, draft) = self.finish(self.perform().await).await?;
        let as_it_was =
            finished.findings.is_empty() && finished.steered.is_none() && finished.waits.is_none();
        if finished.outcome == ToolOutcome::Returned && as_it_was {
            self.keep(key, ttl, &draft).await;
        } else if finished.outcome == ToolOutcome::Returned {
            *in_vain = true;
        }
        Ok(finished)
    }

    async fn perform(&self) -> Came {
        match self.attempts().await {
            Ok(output) => {
                Came { output, failed: None, outcome: ToolOutcome::Returned, shared: false }
            }
            Err((failure, outcome)) => {
                let text = failure.message.clone().into_owned();
                let output = ToolOutput { label: failure.label, ..ToolOutput::text(text) };
                Came { output, failed: Some(failure), outcome, shared: false }
            }
        }
    }

    /// The result of a call that has waited: what came, or that nothing did. It passes what every
    /// result passes; what came from outside is nobody's word unless an operator vouches for the tool.
    pub(crate) async fn resume(
        &self,
        text: String,
        from_outside: bool,
        outcome: ToolOutcome,
    ) -> Result<Finished> {
        let vouched = self.entry.options.access.origin.is_some();
        let label = (from_outside && !vouched).then(|| Label::from_origin(Origin::Tool));
        let output = ToolOutput { label, ..ToolOutput::text(text) };
        let failed = match outcome {
            ToolOutcome::Returned => None,
            _ => Some(ToolFailure::new(output.text.clone())),
        };
        let (finished, _) = self.finish(Came { output, failed, outcome, shared: false }).await?;
        Ok(finished)
    }

    async fn finish(&self, mut came: Came) -> Result<(Finished, ResultDraft)> {
        let options = &self.entry.options;
        let waits = came.output.waits.take();
        let own = Label {
            classes: options.access.classes,
            ..Label::from_origin(self.origin(came.outcome))
        };
        let label = self.context.label.join(own);
        let label = came.output.label.map_or(label, |said| label.join(said));
        let draft = ResultDraft {
            tool: Arc::clone(&self.call.name),
            output: came.output,
            label,
            whole: None,
            max_chars: options.max_result_chars,
        };
        if waits.is_some() {
            let message = self.message(&draft, came.outcome, None);
            let finished = Finished { waits, ..Finished::plain(message, came.outcome) };
            return Ok((finished, draft));
        }
        let Passed { draft, findings, hook, changed, said } = self.after(draft).await?;
        let raise = came.failed.filter(|_| options.raise).map(|failure| {
            let (tool, transient) = (Arc::clone(&self.call.name), failure.transient);
            ToolExecutionError { tool, detail: draft.output.text.clone(), transient }.into()
        });
        let blob = draft.whole.as_ref().map(|whole| {
            let bytes = Bytes::copy_from_slice(whole.as_bytes());
            (Hash::of(&bytes), bytes)
        });
        let (mut outcome, shared) = (came.outcome, came.shared);
        if matches!(said, Said::Discard(_) | Said::Fail(_)) {
            outcome = ToolOutcome::Denied;
        }
        let message = self.message(&draft, outcome, blob.as_ref().map(|(hash, _)| *hash));
        let decided = changed || !matches!(said, Said::Proceed);
        let steered = decided.then_some(Steered { hook, said, changed });
        let loads = draft.output.loads.clone();
        let finished = Finished::plain(message, outcome);
        Ok((Finished { raise, findings, blob, shared, loads, steered, ..finished }, draft))
    }

    /// Where a result comes from. What a failure says, somebody else may have written.
    fn origin(&self, outcome: ToolOutcome) -> Origin {
        let (access, said) = (&self.entry.options.access, self.entry.tool.spec().origin);
        match outcome {
            ToolOutcome::Returned => returned_from(access, said),
            _ => access.origin.unwrap_or(said),
        }
    }

    async fn after(&self, draft: ResultDraft) -> Result<Passed> {
        let (findings, hook, said) = (Vec::new(), "".into(), Said::Proceed);
        let mut passed = Passed { draft, findings, hook, changed: false, said };
        let own = &self.core.pipeline.own_after_tool;
        for (index, stage) in self.core.pipeline.after_tool.iter().enumerate() {
            if own.contains(&index) {
                if matches!(passed.said, Said::Proceed) {
                    self.ask_own(&**stage, &mut passed).await;
                }
                continue;
            }
            let ruling = match ruling(&**stage, &self.stage, &passed.draft).await {
                Ok(ruling) => ruling,
                Err(error) => {
                    self.stage.guard.note_of(self.effect, passed.findings);
                    return Err(error);
                }
            };
            passed.findings.extend(ruling.findings);
            match ruling.verdict {
                Verdict::Replace(new) => passed.draft = new,
                Verdict::Retry(text) => text.as_ref().clone_into(&mut passed.draft.output.text),
                Verdict::Block(error) => {
                    self.stage.guard.note_of(self.effect, passed.findings);
                    return Err(error);
                }
                _ => {}
            }
        }
        Ok(passed)
    }

    async fn ask_own(&self, stage: &dyn Stage<ResultDraft>, passed: &mut Passed) {
        let ruling = hooks::ask(stage, &self.stage, &passed.draft).await;
        let said = match ruling.map(|ruling| (ruling.verdict, ruling.findings)) {
            Ok((verdict, findings)) => {
                passed.findings.extend(findings);
                match verdict {
                    Verdict::Continue => return,
                    Verdict::Replace(new) => {
                        (passed.draft, passed.changed) = (new, true);
                        Said::Proceed
                    }
                    Verdict::Retry(text) => Said::Guide(text),
                    Verdict::Discard(text) => {
                        passed.draft.output = ToolOutput::text(text.as_deref().unwrap_or(WITHHELD));
                        Said::Discard(None)
                    }
                    Verdict::Finish(text) => Said::Finish(text),
                    Verdict::Suspend(reason) => Said::Pause(reason),
                    Verdict::Block(error) => Said::Fail(error),
                }
            }
            Err(error) => Said::Fail(error),
        };
        if let Said::Fail(error) = &said {
            // What a failed hook stood before goes nowhere.
            passed.draft.output = ToolOutput::text(error.message());
        }
        passed.hook = stage.name().into();
        passed.said = said;
    }

    fn message(&self, draft: &ResultDraft, outcome: ToolOutcome, whole: Option<Hash>) -> Message {
        let label = draft.label;
        let result = Body::ToolResult(ToolResult {
            call: self.call.call,
            provider_id: Arc::clone(&self.call.provider_id),
            name: Arc::clone(&self.call.name),
            text: draft.output.text.as_str().into(),
            media: draft.output.media.clone(),
            is_error: outcome != ToolOutcome::Returned,
            handle: whole.map(|hash| hash.to_string().into()),
        });
        let citations = draft.output.citations.iter().cloned().map(Body::Citation);
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

impl Came {
    fn again(kept: &KeptResult) -> Self {
        let output = ToolOutput {
            text: kept.text.clone(),
            media: kept.media.clone(),
            citations: kept.citations.clone(),
            label: Some(kept.label),
            ..ToolOutput::default()
        };
        Self { output, failed: None, outcome: ToolOutcome::Returned, shared: true }
    }
}

/// The result of a call that did not run.
pub(crate) fn refusal(call: &ToolCall, effect: EffectId, label: Label, text: &str) -> Message {
    largestack_engine::answer(call, effect, label.join(Label::from_origin(Origin::Operator)), text)
}
