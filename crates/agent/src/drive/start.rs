//! Starting effects.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use largestack_engine::Effect;
use largestack_engine::event::{EffectStarted, Event, ToolOutcome};
use largestack_ports::model::CallContext;
use largestack_ports::spending::Spending;
use largestack_ports::tool::{Cancelled, ToolContext};
use largestack_types::call::Call;
use largestack_types::error::{Code, Coded as _};
use largestack_types::errors::{LargestackError, Result};
use largestack_types::id::EffectId;
use largestack_types::label::Label;
use largestack_types::part::{Arguments, ToolCall};

use super::land::{Landed, not_run};
use super::model::Asking;
use super::{Drive, control};
use crate::spotlight::Spotlight;
use crate::stage::ToolTurn;
use crate::stream::Sink;
use crate::tools::execute::{Execution, refusal};

/// What is waited after the first failure of a run that may pass, and at the most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the stages before a tool decided.
pub(super) enum Prepared {
    Run(ToolTurn),
    Answer(Arc<str>, ToolOutcome),
    Raise(LargestackError),
    Ask(ToolTurn, Arc<str>, Arc<str>),
    /// Nothing: it was decided from outside meanwhile.
    Nothing,
}

impl Drive {
    /// Starts everything that is ready and appends the starts, together with the outcomes that led
    /// to them.
    pub(super) async fn start_ready(&mut self) -> Result<()> {
        self.release_held().await;
        let mut ready = std::mem::take(&mut self.ready);
        self.run.ready(&mut ready);
        if !ready.is_empty()
            && let Some(thrown) = self.core.runtime.switch.thrown(&self.lease.scope)
        {
            ready.clear();
            self.note(Event::CancelRequested(control::of_switch(&thrown)))?;
        }
        for effect in ready.drain(..) {
            match effect {
                Effect::Digest { id, attempt } => self.start_digest(id, attempt)?,
                Effect::Model { id, attempt } => self.start_model(id, attempt)?,
                Effect::Check { id, attempt } => self.start_check(id, attempt)?,
                Effect::Hook { id, attempt } => self.start_hook(id, attempt)?,
                Effect::Tool { id, attempt, approved } => {
                    self.start_tool(id, attempt, approved).await?;
                }
                _ => {}
            }
        }
        self.ready = ready;
        self.flush()?;
        self.tell().await;
        Ok(())
    }

    fn start_model(&mut self, id: EffectId, attempt: u32) -> Result<()> {
        let words = Sink::of_pieces(self.sink.as_ref());
        let mut call = self.run.call(words.is_some());
        self.captures.asked(&self.run, &call);
        if let Some(leak) = self.leak() {
            leak.hear(self.run.messages());
            leak.mark(&mut call);
        }
        self.light(&mut call);
        self.note(Event::EffectStarted(EffectStarted { effect: id, attempt }))?;
        let holds = self.core.pipeline.holds_text && words.is_some();
        self.held = holds.then(|| (id, Arc::default()));
        let pause = self.pause();
        let asking = Asking { pause, ..self.asking(id, words) };
        self.running.push(Effect::Model { id, attempt });
        self.in_flight.push(asking.ask(call).boxed());
        Ok(())
    }

    /// Marks what nobody vouches for, where the agent has it marked.
    pub(super) fn light(&mut self, call: &mut Call) {
        if self.core.spotlights {
            let run = self.run.id();
            self.spotlight.get_or_insert_with(|| Spotlight::of(run)).light(call);
        }
    }

    /// What a model call of this run needs; with a sink, its words are heard.
    pub(super) fn asking(&self, id: EffectId, sink: Option<Sink>) -> Asking {
        let context = CallContext {
            scope: self.lease.scope.clone(),
            run: self.run.id(),
            effect: id,
            agent: Arc::clone(&self.run.definition().agent),
            budgets: Arc::clone(&self.budgets),
            keep_for_last_turn: self.run.last_turn().is_none() && self.run.turns() > 0,
            deadline: None,
            slot: self.slot.clone(),
        };
        Asking {
            pause: Duration::ZERO,
            hold: self.held.as_ref().map(|(_, told)| Arc::clone(told)),
            model: Arc::clone(&self.core.runtime.model),
            clock: Arc::clone(&self.core.runtime.clock),
            context,
            sink,
            guard: Arc::clone(&self.guard),
            said: self.core.said.clone(),
            leak: self.leak().cloned(),
            judged: self.core.pipeline.judges_output,
            shelf: Arc::clone(&self.shelf),
            allowed: self.shown(),
        }
    }

    /// What is waited before a call that follows on a failure: twice as long each time.
    fn pause(&mut self) -> Duration {
        let retried = self.run.retried();
        if std::mem::replace(&mut self.retried, retried) >= retried {
            return Duration::ZERO;
        }
        FIRST_PAUSE.saturating_mul(1 << (retried - 1).min(16)).min(LONGEST_PAUSE)
    }

    async fn start_tool(&mut self, id: EffectId, attempt: u32, approved: bool) -> Result<()> {
        // A call before this one may have led to the end.
        if self.run.conclusion().is_some() || !self.run.is_open(id) {
            return Ok(());
        }
        let Some(call) = self.run.tool_call(id).cloned() else { return Ok(()) };
        let label = self.run.tool_call_label(id).unwrap_or_default();
        match self.prepare((id, attempt), &call, label, approved).await? {
            Prepared::Nothing => Ok(()),
            Prepared::Run(turn) => self.execute(id, attempt, turn),
            Prepared::Answer(text, outcome) => {
                self.answer(id, &call, label, (&text, outcome), None)
            }
            Prepared::Raise(error) => {
                let text = error.message();
                self.answer(id, &call, label, (&text, ToolOutcome::Denied), Some(error))
            }
            Prepared::Ask(turn, stage, reason) => {
                match self.ask(id, &turn.call, (stage, reason)).await {
                    Err(error) if matches!(error.code(), Code::Config) => {
                        let text = error.message();
                        self.answer(id, &call, label, (&text, ToolOutcome::Denied), Some(error))
                    }
                    asked => asked,
                }
            }
        }
    }

    fn answer(
        &mut self,
        id: EffectId,
        call: &ToolCall,
        label: Label,
        (text, outcome): (&str, ToolOutcome),
        raise: Option<LargestackError>,
    ) -> Result<()> {
        let message = Arc::new(refusal(call, id, label, text));
        let returned = not_run(id, message, outcome, raise);
        self.note(Event::ToolReturned(returned))
    }

    fn execute(&mut self, id: EffectId, attempt: u32, turn: ToolTurn) -> Result<()> {
        let approved = turn.approved;
        let Some(execution) = self.execution((id, attempt), (turn.call, turn.label)) else {
            return Ok(());
        };
        self.note(Event::EffectStarted(EffectStarted { effect: id, attempt }))?;
        // An effect that must not happen twice waits until its start is durable.
        let idempotent = execution.entry.tool.spec().idempotent;
        let journal = || (Arc::clone(&self.core.runtime.journal), self.lease.clone());
        let barrier = (!idempotent).then(journal);
        let clock = Arc::clone(&self.core.runtime.clock);
        self.spending.push((id, execution.context.spending.clone()));
        self.running.push(Effect::Tool { id, attempt, approved });
        self.in_flight.push(
            async move {
                if let Some((journal, lease)) = barrier
                    && let Err(error) = journal.durable_run(&lease).await
                {
                    return Landed::Journal(error);
                }
                let from = clock.monotonic();
                let result = execution.run().await;
                let elapsed = clock.monotonic().saturating_sub(from);
                Landed::Tool { effect: id, result, took: elapsed }
            }
            .boxed(),
        );
        Ok(())
    }

    /// Everything that a call of a tool needs.
    pub(super) fn execution(
        &self,
        (id, attempt): (EffectId, u32),
        (call, label): (ToolCall, Label),
    ) -> Option<Execution> {
        let entry = self.core.registry.get(&call.name).cloned()?;
        let Arguments::Json(arguments) = call.arguments.clone() else { return None };
        let arguments = self.guard.reveal_classes(arguments, entry.options.access.reveals);
        let agent = Arc::clone(&self.run.definition().agent);
        let context = ToolContext {
            scope: self.lease.scope.clone(),
            run: self.run.id(),
            effect: id,
            idempotency_key: id.idempotency_key(self.run.id()).into(),
            attempt,
            label,
            deps: Arc::clone(&self.deps),
            cancelled: Cancelled::default(),
            so_far: self.so_far(),
            spending: Spending::new(agent, Arc::clone(&self.budgets)),
            tree: self.tree.clone(),
        };
        Some(Execution {
            core: Arc::clone(&self.core),
            entry,
            call,
            effect: id,
            arguments,
            context,
            stage: self.stage_context(id),
        })
    }
}
