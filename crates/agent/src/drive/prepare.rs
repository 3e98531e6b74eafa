//! What a call passes before it runs: the stages of every agent, those of this one, and, after each
//! of these that has changed what the tool is called with, the stages of every agent again: the next
//! one, a person who is asked and the journal see only what would run.

use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use largestack_engine::event::{Changed, Event, HookPoint, HookVerdict, Hooked, ToolOutcome};
use largestack_types::errors::Result;
use largestack_types::id::EffectId;
use largestack_types::label::Label;
use largestack_types::part::{Arguments, ToolCall};
use largestack_types::policy::Decision;

use super::Drive;
use super::start::Prepared;
use crate::hooks::{self, Said, wrong};
use crate::stage::{Ruling, StageContext, ToolTurn, Verdict, ruling};

/// What the model reads of a call that a hook has withheld without a word.
const WITHHELD: &str = "Not run: this agent's own rules withheld the call.";
/// What stands in place of a call at which a hook has ended the run.
const ENDED: &str = "Not run: the run was ended before this call.";

impl Drive {
    /// Passes a call through the stages before it runs.
    pub(super) async fn prepare(
        &mut self,
        (id, attempt): (EffectId, u32),
        call: &ToolCall,
        label: Label,
        approved: bool,
    ) -> Result<Prepared> {
        let core = Arc::clone(&self.core);
        let entry = core.registry.get(&call.name);
        let tool = entry.map(|entry| entry.tool.spec().clone());
        let options = entry.map(|entry| Arc::clone(&entry.options));
        let messages = Arc::clone(self.run.messages());
        let call = call.clone();
        let cost = self.run.tree_cost();
        let mut turn = ToolTurn { call, tool, options, label, messages, approved, cost };
        let own = core.pipeline.own_before_tool.clone();
        let last = core.pipeline.before_tool.len();
        if let Some(prepared) = self.pass(id, 0..own.start, &mut turn).await? {
            return Ok(prepared);
        }
        let (mut changed_by, from) = (None, self.first_unheard(id, attempt));
        for index in from..own.end {
            match self.ask_own(id, index, &mut turn).await? {
                None => {}
                Some(Ok(changed)) => {
                    changed_by = Some(changed);
                    if let Some(prepared) = self.pass(id, 0..own.start, &mut turn).await? {
                        return Ok(prepared);
                    }
                }
                Some(Err(prepared)) => return Ok(prepared),
            }
        }
        if let Some(hook) = changed_by {
            let Arguments::Json(arguments) = turn.call.arguments.clone() else {
                return Ok(Prepared::Raise(wrong(&hook, "gave arguments that are no JSON")));
            };
            let changed = Some(Changed::Arguments(arguments));
            self.note_hook(id, hook, changed, HookVerdict::Proceeded)?;
        }
        let prepared = self.pass(id, own.end..last, &mut turn).await?;
        Ok(prepared.unwrap_or(Prepared::Run(turn)))
    }

    /// Passes it through some stages that every agent has.
    async fn pass(
        &mut self,
        id: EffectId,
        range: Range<usize>,
        turn: &mut ToolTurn,
    ) -> Result<Option<Prepared>> {
        let core = Arc::clone(&self.core);
        let context = self.stage_context(id);
        let stages = core.pipeline.before_tool.get(range).unwrap_or_default();
        let mut asking: Option<(Arc<str>, Arc<str>)> = None;
        for stage in stages {
            // Nobody is asked about a call that a stage behind refuses, whatever they say, and whoever
            // is asked is told what those would ask. What has to wait is not reached yet.
            let ruled = match asking {
                None => Some(ruling(&**stage, &context, turn).await),
                Some(_) => stage.at_once(&context, turn),
            };
            let Some(ruled) = ruled else { continue };
            let ruling = match ruled {
                Ok(ruling) => ruling,
                Err(error) => {
                    let findings = self.guard.noted_of(id);
                    self.note_findings(id, stage.name(), findings)?;
                    return Ok(Some(Prepared::Raise(error)));
                }
            };
            self.note_findings(id, stage.name(), ruling.findings)?;
            // What the stage decided that has asked a person is in the journal already.
            let asked = || self.run.asked_by(id).is_some_and(|by| **by == *stage.name());
            if let Some(decided) = ruling.decided
                && !(turn.approved && asked() && decided.decision != Decision::Refuse)
            {
                self.note(Event::PolicyDecided(*decided))?;
            }
            match ruling.verdict {
                Verdict::Replace(new) => *turn = new,
                Verdict::Retry(text) => {
                    let outcome = match stage.name() {
                        _ if turn.tool.is_none() => ToolOutcome::Unknown,
                        "validate" => ToolOutcome::InvalidArguments,
                        "rate" => ToolOutcome::Skipped,
                        _ => ToolOutcome::Denied,
                    };
                    return Ok(Some(Prepared::Answer(text, outcome)));
                }
                Verdict::Block(error) => return Ok(Some(Prepared::Raise(error))),
                Verdict::Suspend(reason) if !turn.approved => {
                    asking = Some(match asking {
                        None => (stage.name().into(), reason),
                        Some((first, said)) => (first, format!("{said}; {reason}").into()),
                    });
                }
                _ => {}
            }
        }
        Ok(asking.map(|(stage, reason)| Prepared::Ask(turn.clone(), stage, reason)))
    }

    /// Asks one of the agent's own stages; its name where it changed what the tool is called with.
    async fn ask_own(
        &mut self,
        id: EffectId,
        index: usize,
        turn: &mut ToolTurn,
    ) -> Result<Option<std::result::Result<Arc<str>, Prepared>>> {
        let core = Arc::clone(&self.core);
        let Some(stage) = core.pipeline.before_tool.get(index) else { return Ok(None) };
        let hook: Arc<str> = stage.name().into();
        let context: StageContext = self.stage_context(id);
        let looked_at = turn.clone();
        let asked = hooks::ask(&**stage, &context, &looked_at).boxed();
        let ruling: Ruling<ToolTurn> = match self.attend(id, asked).await? {
            None => return Ok(Some(Err(Prepared::Nothing))),
            Some(Err(error)) => return Ok(Some(Err(Prepared::Raise(error)))),
            Some(Ok(ruling)) => ruling,
        };
        self.note_findings(id, stage.name(), ruling.findings)?;
        let prepared = match ruling.verdict {
            Verdict::Continue => return Ok(None),
            Verdict::Replace(new) => {
                // What else is known of the call is not a hook's to say, and nobody has agreed to
                // other arguments than those that were asked about.
                if new.call.arguments == turn.call.arguments {
                    return Ok(None);
                }
                turn.call.arguments = new.call.arguments;
                turn.label = turn.label.join(new.label);
                turn.approved = false;
                return Ok(Some(Ok(hook)));
            }
            Verdict::Suspend(_) if turn.approved => return Ok(None),
            Verdict::Suspend(reason) => {
                let reason = self.with_what_follows(&context, turn, reason);
                Prepared::Ask(turn.clone(), hook, reason)
            }
            Verdict::Retry(text) => {
                self.note_hook(id, hook, None, HookVerdict::Guided(None))?;
                Prepared::Answer(text, ToolOutcome::Denied)
            }
            Verdict::Discard(text) => {
                self.note_hook(id, hook, None, HookVerdict::Discarded(None))?;
                Prepared::Answer(text.unwrap_or(WITHHELD.into()), ToolOutcome::Denied)
            }
            Verdict::Finish(text) => {
                let verdict = self.verdict(id, Said::Finish(text)).await;
                self.note_hook(id, hook, None, verdict)?;
                Prepared::Answer(ENDED.into(), ToolOutcome::Skipped)
            }
            Verdict::Block(error) => Prepared::Raise(error),
        };
        Ok(Some(Err(prepared)))
    }

    /// What a person is told whom one of the agent's own stages asks: also what those behind it
    /// would ask about, because who agrees is not asked again.
    fn with_what_follows(
        &self,
        context: &StageContext,
        turn: &ToolTurn,
        reason: Arc<str>,
    ) -> Arc<str> {
        let behind = self.core.pipeline.own_before_tool.end..;
        let stages = self.core.pipeline.before_tool.get(behind).unwrap_or_default();
        stages.iter().fold(reason, |said, stage| match stage.at_once(context, turn) {
            Some(Ok(Ruling { verdict: Verdict::Suspend(more), .. })) => {
                format!("{said}; {more}").into()
            }
            _ => said,
        })
    }

    fn note_hook(
        &mut self,
        effect: EffectId,
        hook: Arc<str>,
        changed: Option<Changed>,
        verdict: HookVerdict,
    ) -> Result<()> {
        let (at, changed) = (HookPoint::BeforeTool, changed.map(Box::new));
        self.note(Event::Hooked(Hooked { effect, at, hook, changed, verdict }))
    }

    /// Waits for a hook, and hears all the same what comes from outside. `None` where that has
    /// decided about the call.
    async fn attend<T>(&mut self, id: EffectId, mut asked: BoxFuture<'_, T>) -> Result<Option<T>> {
        loop {
            let next = poll_fn(|cx| match asked.poll_unpin(cx) {
                Poll::Ready(said) => Poll::Ready(Ok(said)),
                Poll::Pending => self.control.poll(cx).map(Err),
            });
            match next.await {
                Ok(said) => return Ok(Some(said)),
                Err(signal) => self.obey(signal)?,
            }
            if self.run.conclusion().is_some() || !self.run.is_open(id) {
                return Ok(None);
            }
        }
    }

    /// The first of the agent's own stages that the call has not been through: what those before it
    /// decided is in the journal, and they are not asked again. A person who changed what the tool
    /// is called with made another call of it, which none of them has heard.
    fn first_unheard(&self, id: EffectId, attempt: u32) -> usize {
        let own = &self.core.pipeline.own_before_tool;
        if attempt > 1 {
            return own.end;
        }
        let Some(by) = self.run.asked_by(id) else { return own.start };
        let mut stages = self.core.pipeline.before_tool.iter();
        let at = stages.position(|stage| stage.name() == &**by);
        at.map_or(own.start, |index| (index + 1).clamp(own.start, own.end))
    }
}
