//! Outcomes, recorded alone as they arrive, whatever their siblings do.

use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::{
    CallRecord, Changed, ChildWaits, Event, HookPoint, HookVerdict, Hooked, LimitReached,
    ModelFailed, ModelReplied, OutputChecked, ToolCallRecord, ToolOutcome, ToolReturned,
};
use largestack_engine::status::Limit;
use largestack_engine::{Effect, Run};
use largestack_ports::journal::LedgerLine;
use largestack_ports::model::Answer;
use largestack_types::errors::{Code, LargestackError, LoopDetectedError, Result};
use largestack_types::id::EffectId;
use largestack_types::message::{Message, Role};
use largestack_types::part::Body;

use super::Drive;
use super::begin::Found;
use super::check::Checked;
use super::control::Signal;
use super::heard::Heard;
use super::hook::Ruled;
use crate::hooks::Said;
use crate::tools::execute::{Finished, Steered, refusal};

/// What a call that was cut off is answered with.
const CUT_OFF: &str = "Cancelled before it returned; it may or may not have taken effect.";

/// An effect that has its outcome.
pub(super) enum Landed {
    Model {
        effect: EffectId,
        result: Result<Box<Answer>>,
        took: Duration,
        first_byte: Option<Duration>,
        bill: Option<Box<CallRecord>>,
    },
    Tool {
        effect: EffectId,
        result: Result<Finished>,
        took: Duration,
    },
    Check {
        effect: EffectId,
        result: Result<Checked>,
    },
    Hook {
        effect: EffectId,
        at: HookPoint,
        ruled: Ruled,
    },
    /// The journal failed before the effect could begin.
    Journal(LargestackError),
}

/// The outcome of a call of which nothing more is known.
pub(crate) fn not_run(
    effect: EffectId,
    message: Arc<Message>,
    outcome: ToolOutcome,
    raise: Option<LargestackError>,
) -> ToolReturned {
    ToolReturned {
        effect,
        message,
        outcome,
        duration_us: 0,
        raise,
        shared: false,
        calls: Vec::new(),
        loads: Vec::new(),
        child: None,
    }
}

/// What the engine itself answers a call with.
pub(crate) fn engine_answer(run: &Run, effect: EffectId, text: &str) -> Message {
    let label = run.tool_call_label(effect).unwrap_or_default();
    match run.tool_call(effect) {
        Some(call) => refusal(call, effect, label, text),
        None => Message { role: Role::Tool, parts: Vec::new(), native: None },
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Drive {
    pub(super) async fn land(&mut self, landed: Landed) -> Result<()> {
        match landed {
            Landed::Model { effect, result, took, first_byte, bill } => {
                self.running.retain(|running| running.id() != effect);
                match result {
                    Ok(answer) if self.run.is_digesting() => {
                        self.summed_up(effect, *answer, (took, first_byte)).await
                    }
                    Ok(answer) => self.model_answered(effect, *answer, took, first_byte).await,
                    Err(error) => {
                        let mut call = bill.map(|bill| *bill).unwrap_or_default();
                        call.duration_us = micros(took);
                        self.model_failed(effect, error, call)
                    }
                }
            }
            Landed::Tool { effect, result, took } => {
                self.running.retain(|running| running.id() != effect);
                match self.lost.take(effect) {
                    Some(error) => Err(error),
                    None => self.tool_finished(effect, result, took).await,
                }
            }
            Landed::Hook { effect, at, ruled } => {
                self.running.retain(|running| running.id() != effect);
                self.hooked(effect, at, ruled).await
            }
            Landed::Check { effect, result } => {
                self.running.retain(|running| running.id() != effect);
                self.checked(effect, result)
            }
            Landed::Journal(error) => Err(error),
        }
    }

    async fn model_answered(
        &mut self,
        effect: EffectId,
        answer: Answer,
        took: Duration,
        first_byte: Option<Duration>,
    ) -> Result<()> {
        let finish_reason = answer.reply.finish_reason;
        let (mut message, record, found) = match self.hear(effect, answer, (took, first_byte)).await
        {
            Heard::Said(message, record, found) => (message, record, found),
            Heard::Refused(error, record, found) => {
                return self.reply_refused(effect, error, (record, found));
            }
        };
        self.outbox.blobs.extend(self.shelf.take(&mut message));
        let message = Arc::new(message);
        self.book(&record);
        let replied = ModelReplied { effect, message, finish_reason, call: record };
        self.note(Event::ModelReplied(replied))?;
        for (stage, findings) in found {
            self.note_findings(effect, stage, findings)?;
        }
        self.note_soft_limit()
    }

    /// After the last turn that the soft limit leaves: unless it is still looked at what was said.
    pub(super) fn note_soft_limit(&mut self) -> Result<()> {
        if self.control.soft_passed && self.run.conclusion().is_none() && !self.run.weighs() {
            self.note_time_limit()?;
        }
        Ok(())
    }

    /// A reply that a stage has refused: what was found in it is recorded, and nothing of it.
    pub(super) fn reply_refused(
        &mut self,
        effect: EffectId,
        error: LargestackError,
        (record, found): (CallRecord, Found),
    ) -> Result<()> {
        for (stage, findings) in found {
            self.note_findings(effect, stage, findings)?;
        }
        self.model_failed(effect, error, record)
    }

    pub(super) fn model_failed(
        &mut self,
        effect: EffectId,
        error: LargestackError,
        call: CallRecord,
    ) -> Result<()> {
        self.book(&call);
        // What a stream was stopped for.
        let findings = self.guard.noted_of(effect);
        self.note_findings(effect, "guard_output", findings)?;
        self.note(Event::ModelFailed(ModelFailed { effect, error, call }))
    }

    /// Queues the line of the cost report, for calls that cost tokens or money.
    pub(super) fn book(&mut self, call: &CallRecord) {
        let model = Arc::clone(&self.run.definition().model);
        self.book_as(model, call);
    }

    /// The same for a model by the name that it was asked by.
    fn book_as(&mut self, model: Arc<str>, call: &CallRecord) {
        let used = call.usage.total_tokens() > 0 || call.usage.searches.is_some();
        let cost_something = call.cost.nanos() != 0 || used;
        let cached = call.flags.iter().any(|flag| &**flag == "cache_hit");
        if !cost_something && !cached {
            return;
        }
        let definition = self.run.definition();
        let line = LedgerLine {
            at: self.core.runtime.clock.now(),
            seq: self.run.seq() + 1,
            root: self.run.root(),
            agent: Arc::clone(&definition.agent),
            model,
            usage: call.usage,
            cost: call.cost,
            cached,
        };
        // One a turn, and large: no room for more is made.
        self.outbox.ledger.reserve_exact(1);
        self.outbox.ledger.push(line);
    }

    async fn tool_finished(
        &mut self,
        effect: EffectId,
        result: Result<Finished>,
        took: Duration,
    ) -> Result<()> {
        let calls = self.spent(effect);
        let below = self.tree.children.at(effect);
        if let Some((child, true)) = &below {
            return self.note(Event::ChildWaits(ChildWaits { effect, child: child.run }));
        }
        let mut steered = None;
        let (mut returned, findings) = match result {
            Ok(Finished { waits: Some(waits), .. }) => {
                return self.call_waits(effect, *waits, calls);
            }
            Ok(finished) => {
                self.outbox.blobs.extend(finished.blob);
                let mut message = finished.message;
                self.outbox.blobs.extend(self.shelf.take(&mut message));
                let message = Arc::new(message);
                steered = finished.steered;
                let mut returned = not_run(effect, message, finished.outcome, finished.raise);
                (returned.shared, returned.loads) = (finished.shared, finished.loads);
                (returned, finished.findings)
            }
            Err(error) => {
                let text = largestack_types::error::Coded::message(&error);
                let message = Arc::new(engine_answer(&self.run, effect, &text));
                let findings = self.guard.noted_of(effect);
                (not_run(effect, message, ToolOutcome::Denied, Some(error)), findings)
            }
        };
        returned.duration_us = micros(took);
        returned.child = below.map(|(child, _)| Box::new(child));
        returned.calls = calls;
        self.note_findings(effect, "guard_result", findings)?;
        self.book_calls(&returned.calls);
        match steered {
            Some(steered) => self.tool_steered(effect, returned, steered).await,
            None => self.note(Event::ToolReturned(returned)),
        }
    }

    /// What a tool that runs no longer has spent itself.
    fn spent(&mut self, effect: EffectId) -> Vec<ToolCallRecord> {
        let at = self.spending.iter().position(|(of, _)| *of == effect);
        at.map(|at| self.spending.swap_remove(at).1.take()).unwrap_or_default()
    }

    fn book_calls(&mut self, calls: &[ToolCallRecord]) {
        for ToolCallRecord { model, call } in calls {
            self.book_as(Arc::clone(model), call);
        }
    }

    /// Records what the hooks after a tool decided, and with it the result; where a person has to
    /// agree to it, the result waits.
    async fn tool_steered(
        &mut self,
        effect: EffectId,
        mut returned: ToolReturned,
        steered: Steered,
    ) -> Result<()> {
        let Steered { hook, said, changed } = steered;
        let at = HookPoint::AfterTool;
        let pause = match &said {
            Said::Pause(reason) => Some(Arc::clone(reason)),
            _ => None,
        };
        let verdict = match self.verdict(effect, said).await {
            // What it says is the result.
            HookVerdict::Discarded(_) => HookVerdict::Discarded(None),
            HookVerdict::Failed(error) => {
                returned.raise = Some(error.clone());
                HookVerdict::Failed(error)
            }
            verdict => verdict,
        };
        let changed = changed.then(|| Box::new(Changed::Result));
        let text = returned.message.parts.iter().find_map(|part| match &part.body {
            Body::ToolResult(result) => Some(result.text.as_ref().to_owned()),
            _ => None,
        });
        let by = Arc::clone(&hook);
        self.note(Event::Hooked(Hooked { effect, at, hook: by, changed, verdict }))?;
        self.note(Event::ToolReturned(returned))?;
        match pause {
            Some(reason) => {
                self.ask_for(effect, (at, hook), reason, text.unwrap_or_default()).await
            }
            None => Ok(()),
        }
    }

    /// The event of an effect that was dropped in flight.
    pub(super) fn cut_off(&mut self, effect: Effect) -> Event {
        if let Effect::Tool { id, .. } = effect {
            let message = Arc::new(engine_answer(&self.run, id, CUT_OFF));
            let calls = self.spent(id);
            self.book_calls(&calls);
            let mut returned = not_run(id, message, ToolOutcome::Cancelled, None);
            returned.child = self.tree.children.at(id).map(|(child, _)| Box::new(child));
            returned.calls = calls;
            return Event::ToolReturned(returned);
        }
        if let Effect::Hook { id, .. } = effect {
            let at = self.run.hook(id).map_or(HookPoint::OnError, |(at, _)| at);
            let verdict = HookVerdict::CutOff;
            return Event::Hooked(Hooked {
                effect: id,
                at,
                hook: "".into(),
                changed: None,
                verdict,
            });
        }
        if let Effect::Check { id, .. } = effect {
            let problems = vec!["nobody saw whether it fits".to_owned()];
            let (feedback, value, raise) = (None, None, None);
            return Event::OutputChecked(OutputChecked {
                effect: id,
                problems,
                feedback,
                value,
                raise,
            });
        }
        let call = self.slot.take_bill().unwrap_or_default();
        self.book(&call);
        let error = LargestackError::other(Code::Cancelled, "the call was cut off");
        Event::ModelFailed(ModelFailed { effect: effect.id(), error, call })
    }

    pub(super) fn obey(&mut self, signal: Signal) -> Result<()> {
        let ends_soon = |effect: &Effect| !matches!(effect, Effect::Tool { .. });
        let asking = self.running.iter().any(ends_soon);
        match signal {
            Signal::Cancel(request) => self.note(Event::CancelRequested(request)),
            // Nothing is recorded: nothing happens to the run, it only goes on elsewhere.
            Signal::Leave | Signal::Left => Ok(()),
            // A model that is answering may still finish in time.
            Signal::Soft if asking => Ok(()),
            Signal::Soft | Signal::Hard => {
                self.note_time_limit()?;
                self.abort_in_flight()
            }
        }
    }

    pub(super) fn note_time_limit(&mut self) -> Result<()> {
        let turns = self.run.turns();
        let reason = Limit::WallClock.name().into();
        let error = LoopDetectedError { turns, reason }.into();
        self.note(Event::LimitReached(LimitReached { limit: Limit::WallClock, error }))
    }
}
