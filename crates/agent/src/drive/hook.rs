//! The hooks that a run waits for: before and after the model, on the answer and on a failure. What
//! they decide is recorded before anything follows from it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt as _;
use largestack_engine::event::Hooked;
use largestack_engine::event::{CallChange, Changed, EffectStarted, Event, HookPoint, HookVerdict};
use largestack_engine::{Effect, EndReason};
use largestack_types::delta::Delta;
use largestack_types::errors::Result;
use largestack_types::id::{CallId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, PartId, ToolCall};

use super::Drive;
use super::land::Landed;
use crate::agent::Core;
use crate::event::RunEvent;
use crate::hooks::{Decided, Said, decide, wrong};
use crate::output::Shape;
use crate::stage::{
    ErrorTurn, FinalTurn, ModelTurn, ReplyDraft, ReplyTurn, StageContext, Verdict, ruling,
};
use crate::stages::help::SELF_HARM;
use crate::stream::Sink;

/// What the hooks of a place look at.
enum Subject {
    Model(ModelTurn),
    Reply(ReplyTurn),
    Final(FinalTurn),
    Error(ErrorTurn),
}

/// What came of asking them.
pub(super) struct Ruled {
    hook: Arc<str>,
    changed: Option<Changed>,
    said: Said,
}

impl<S> Decided<S> {
    fn ruled(self, change: impl FnOnce(S) -> Changed) -> Ruled {
        let changed = self.changed.then(|| change(self.subject));
        Ruled { hook: self.hook, changed, said: self.said }
    }
}

/// Everything that asking needs; owns it all, so that the run stays free to fold.
struct Asking {
    core: Arc<Core>,
    context: StageContext,
    subject: Subject,
    behind: Option<Arc<str>>,
}

impl Asking {
    async fn ask(self) -> Ruled {
        let (pipeline, context) = (&self.core.pipeline, &self.context);
        let behind = self.behind.as_deref();
        let ruled = match self.subject {
            Subject::Model(turn) => {
                let before = turn.clone();
                let decided = decide(&pipeline.before_model, behind, context, turn).await;
                decided.ruled(|after| Changed::Call(difference(&before, after)))
            }
            Subject::Reply(turn) => {
                let before = Arc::clone(&turn.message);
                let decided = decide(&pipeline.after_model, behind, context, turn).await;
                let ruled = decided.ruled(|after| Changed::Reply(after.message));
                said_otherwise(&self.core, context, &before, None, ruled).await
            }
            Subject::Final(turn) => {
                let before = Arc::clone(&turn.message);
                let shape = self.core.shape.as_ref().filter(|_| turn.value.is_some());
                let decided = decide(&pipeline.on_final, behind, context, turn).await;
                let ruled = decided.ruled(|after| Changed::Reply(after.message));
                said_otherwise(&self.core, context, &before, shape, ruled).await
            }
            Subject::Error(turn) => {
                let decided = decide(&pipeline.on_error, behind, context, turn).await;
                decided.ruled(|after| Changed::Error(after.error))
            }
        };
        // Nothing that was changed counts where the hooks failed in the end.
        match ruled.said {
            Said::Fail(_) => Ruled { changed: None, ..ruled },
            _ => ruled,
        }
    }
}

fn difference(before: &ModelTurn, after: ModelTurn) -> CallChange {
    CallChange {
        model: (after.model != before.model).then_some(after.model),
        settings: (after.settings != before.settings).then_some(after.settings),
        tools: (after.tools != before.tools).then_some(after.tools),
    }
}

/// A reply that a hook has written: it passes what the model's own passes.
async fn said_otherwise(
    core: &Core,
    context: &StageContext,
    before: &Message,
    shape: Option<&Shape>,
    mut ruled: Ruled,
) -> Ruled {
    let Some(Changed::Reply(message)) = ruled.changed.take() else { return ruled };
    match guarded(core, context, before, shape, &message).await {
        Ok(Some(message)) => ruled.changed = Some(Changed::Reply(Arc::new(message))),
        Ok(None) => {
            ruled.said = Said::Fail(wrong(&ruled.hook, "gave a reply that cannot stand"));
        }
        Err(error) => ruled.said = Said::Fail(error),
    }
    ruled
}

async fn guarded(
    core: &Core,
    context: &StageContext,
    before: &Message,
    shape: Option<&Shape>,
    message: &Message,
) -> Result<Option<Message>> {
    if !before.tool_calls().eq(message.tool_calls()) {
        return Ok(None);
    }
    let first = before.parts.first();
    let mut draft = ReplyDraft { parts: message.parts.clone() };
    for (index, part) in (0..).zip(&mut draft.parts) {
        // Under the ids of the reply that it stands for.
        part.id = first.map_or(PartId::at(context.effect, index), |first| {
            let (effect, _) = first.id.into();
            PartId::new(effect, index)
        });
        part.label = part.label.join(Label::from_origin(Origin::Operator));
        part.native = None;
    }
    for stage in &core.pipeline.reply {
        let ruling = ruling(&**stage, context, &draft).await?;
        context.guard.note_of(context.effect, ruling.findings);
        match ruling.verdict {
            Verdict::Replace(new) => draft = new,
            Verdict::Block(error) => return Err(error),
            _ => {}
        }
    }
    let said = Message { role: before.role, parts: draft.parts, native: None };
    if let Some(shape) = shape {
        let value = serde_json::from_str(&said.text()).ok();
        if value.is_none_or(|value| !shape.problems(&value).is_empty()) {
            return Ok(None);
        }
    }
    Ok(Some(said))
}

impl Drive {
    pub(super) fn start_hook(&mut self, id: EffectId, attempt: u32) -> Result<()> {
        let Some((at, behind)) = self.run.hook(id) else { return Ok(()) };
        let behind = behind.cloned();
        let Some(subject) = self.subject(at) else { return Ok(()) };
        self.note(Event::EffectStarted(EffectStarted { effect: id, attempt }))?;
        self.ask_hooks(id, attempt, at, (subject, behind));
        Ok(())
    }

    /// Asks about the failure that the run would end with. Its start is derived, like all of them.
    pub(super) fn start_error_hook(&mut self, id: EffectId) {
        if let Some(subject) = self.subject(HookPoint::OnError) {
            self.ask_hooks(id, 1, HookPoint::OnError, (subject, None));
        }
    }

    /// Whether the hooks on the failure are being asked.
    pub(super) fn asks_about_the_failure(&self) -> bool {
        let due = self.run.error_hook();
        self.running
            .iter()
            .any(|effect| matches!(effect, Effect::Hook { id, .. } if due == Some(*id)))
    }

    fn ask_hooks(
        &mut self,
        id: EffectId,
        attempt: u32,
        at: HookPoint,
        (subject, behind): (Subject, Option<Arc<str>>),
    ) {
        let (core, context) = (Arc::clone(&self.core), self.stage_context(id));
        let asking = Asking { core, context, subject, behind };
        self.running.push(Effect::Hook { id, attempt });
        let asked = async move { Landed::Hook { effect: id, at, ruled: asking.ask().await } };
        self.in_flight.push(asked.boxed());
    }

    fn subject(&self, at: HookPoint) -> Option<Subject> {
        let (so_far, deps) = (self.so_far(), Arc::clone(&self.deps));
        Some(match at {
            HookPoint::BeforeModel => {
                let call = self.run.call(false);
                let tools = call.tools.iter().map(|tool| Arc::clone(&tool.name)).collect();
                let (messages, model, settings) = (call.messages, call.model, call.settings);
                Subject::Model(ModelTurn { messages, model, settings, tools, so_far, deps })
            }
            HookPoint::AfterModel => {
                let (message, finish_reason) = self.run.weighed_reply()?;
                let message = Arc::clone(message);
                Subject::Reply(ReplyTurn { message, finish_reason })
            }
            HookPoint::OnFinal => Subject::Final(FinalTurn {
                message: Arc::clone(self.run.output()?),
                value: self.run.value().map(Arc::new),
                reason: self.run.weighed_end().map_or(EndReason::Stop, |end| end.reason),
                so_far,
                deps,
            }),
            HookPoint::OnError => {
                let end = self.run.conclusion().or_else(|| self.run.weighed_end().cloned())?;
                Subject::Error(ErrorTurn { error: end.error?, so_far, deps })
            }
            HookPoint::BeforeTool | HookPoint::AfterTool => return None,
        })
    }

    /// Records what the hooks decided, and asks a person where they say so.
    pub(super) async fn hooked(
        &mut self,
        effect: EffectId,
        at: HookPoint,
        ruled: Ruled,
    ) -> Result<()> {
        let Ruled { hook, changed, said } = ruled;
        let pause = match &said {
            Said::Pause(reason) => Some(Arc::clone(reason)),
            _ => None,
        };
        let seen = self.run.weighed_reply().map(|(message, _)| message.text());
        let help = self.core.help.as_ref();
        let verdict = match said {
            Said::Finish(text) if help.is_some_and(|help| help.is_told(&hook, &text)) => {
                self.words_of_help(effect, text)
            }
            said => self.verdict(effect, said).await,
        };
        let changed = changed.map(Box::new);
        let hooked = Hooked { effect, at, hook: Arc::clone(&hook), changed, verdict };
        let findings = self.guard.noted_of(effect);
        self.note_findings(effect, "guard_output", findings)?;
        self.note(Event::Hooked(hooked))?;
        if let Some(reason) = pause {
            let seen = match at {
                HookPoint::OnFinal => self.run.output().map(|message| message.text()),
                _ => seen,
            };
            self.ask_for(effect, (at, hook), reason, seen.unwrap_or_default()).await?;
        }
        self.note_soft_limit()
    }

    /// Ends a run that has just begun with the words of help, before anybody else is asked.
    pub(super) fn help(&mut self, told: Arc<str>) -> Result<()> {
        let mut ready = Vec::new();
        self.run.ready(&mut ready);
        let due = |effect: &Effect| match effect {
            Effect::Hook { id, .. } => Some(*id),
            _ => None,
        };
        let Some(effect) = ready.iter().find_map(due) else { return Ok(()) };
        let verdict = self.words_of_help(effect, told);
        let (at, hook) = (HookPoint::BeforeModel, SELF_HARM.into());
        self.note(Event::Hooked(Hooked { effect, at, hook, changed: None, verdict }))
    }

    /// The operator's own words to somebody in need: no guard takes a number out of them.
    fn words_of_help(&self, effect: EffectId, text: Arc<str>) -> HookVerdict {
        let label = self.run.label().join(Label::from_origin(Origin::Operator));
        let part = PartId::at(effect, u32::MAX - 2);
        let said = Message::of_text(Role::Assistant, part, label, text);
        HookVerdict::Interrupted(Arc::new(said))
    }

    /// Asks a person for a hook. Where nobody can be asked the hook has failed.
    pub(super) async fn ask_for(
        &mut self,
        effect: EffectId,
        (at, hook): (HookPoint, Arc<str>),
        reason: Arc<str>,
        about: String,
    ) -> Result<()> {
        let about = Json::of(&serde_json::json!({"at": at.name(), "text": about}));
        let about = about.unwrap_or_else(|_| Json::empty_object());
        let call = ToolCall {
            call: CallId::of(effect),
            provider_id: "".into(),
            name: Arc::clone(&hook),
            arguments: Arguments::Json(about),
        };
        if let Err(error) = self.ask(effect, &call, (Arc::clone(&hook), reason)).await {
            let verdict = HookVerdict::Failed(error);
            let failed = Hooked { effect, at, hook, changed: None, verdict };
            self.note(Event::Hooked(failed))?;
        }
        Ok(())
    }

    /// What a hook said, in the words that the journal may hold.
    pub(super) async fn verdict(&mut self, effect: EffectId, said: Said) -> HookVerdict {
        let (role, text) = match &said {
            Said::Proceed => return HookVerdict::Proceeded,
            Said::Pause(_) => return HookVerdict::Paused,
            Said::Fail(error) => return HookVerdict::Failed(error.clone()),
            Said::Discard(None) => return HookVerdict::Discarded(None),
            Said::Discard(Some(text)) | Said::Guide(text) => (Role::User, Arc::clone(text)),
            Said::Finish(text) => (Role::Assistant, Arc::clone(text)),
        };
        match (self.words(effect, role, text).await, said) {
            (Err(error), _) => HookVerdict::Failed(error),
            (Ok(answer), Said::Finish(_)) => HookVerdict::Interrupted(answer),
            (Ok(note), Said::Discard(_)) => HookVerdict::Discarded(Some(note)),
            (Ok(note), _) => HookVerdict::Guided(Some(note)),
        }
    }

    async fn words(
        &mut self,
        effect: EffectId,
        role: Role,
        text: Arc<str>,
    ) -> Result<Arc<Message>> {
        let label = self.run.label().join(Label::from_origin(Origin::Operator));
        // Behind the parts of a tool's result, where the effect is a tool's.
        let part = PartId::at(effect, u32::MAX - 2);
        let guard = Arc::clone(&self.guard);
        let guarded = guard.text(part, "the words of a hook", label, &text).await?;
        let text = guarded.text.unwrap_or(text);
        Ok(Arc::new(Message::of_text(role, part, guarded.label, text)))
    }

    /// Lets out the text of a reply that hooks have looked at, where it was held back for them.
    pub(super) async fn release_held(&mut self) {
        let under_way = |held: EffectId| self.running.iter().any(|effect| effect.id() == held);
        if self.run.weighs() || self.held.as_ref().is_some_and(|(held, _)| under_way(*held)) {
            return;
        }
        let Some((effect, said)) = self.held.take() else { return };
        let own = self.run.own_messages().iter().rev();
        let of_call = |message: &&Arc<Message>| {
            (0..).zip(&message.parts).any(|(index, part)| part.id == PartId::at(effect, index))
        };
        let text = own.filter(|m| m.role == Role::Assistant).find(of_call).map(|m| m.text());
        self.say(effect, said.load(Ordering::SeqCst), text.unwrap_or_default()).await;
    }

    /// Says the answer of a hook that has ended the run.
    pub(super) async fn say_interruption(&mut self) {
        let steered = self.run.end().is_some_and(|end| end.reason == EndReason::Steered);
        let Some(answer) = self.run.own_messages().last().filter(|_| steered) else { return };
        if let Some(part) = answer.parts.first().filter(|_| answer.role == Role::Assistant) {
            let (effect, _) = part.id.into();
            let text = answer.text();
            self.say(EffectId::new(effect), 0, text).await;
        }
    }

    async fn say(&mut self, effect: EffectId, offset: u32, text: String) {
        let sink = Sink::of_pieces(self.sink.as_ref()).filter(|_| !text.is_empty());
        let Some(sink) = sink else { return };
        let text = self.guard.reveal(&text, &self.asked_text);
        let _ = sink.send(RunEvent::Delta { effect, offset, delta: Delta::Text { text } }).await;
    }
}
