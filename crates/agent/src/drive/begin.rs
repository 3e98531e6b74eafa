//! The beginning of a drive: a new run, or one taken up from its journal.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use largestack_engine::definition::InDoubt;
use largestack_engine::event::{
    Adjusted, DoubtDecision, DoubtSettled, Event, FindingRecord, Resumed, RunStarted,
};
use largestack_engine::history::repaired;
use largestack_engine::status::End;
use largestack_engine::{Recorded, Run, Wait};
use largestack_ports::ids::MakeId as _;
use largestack_ports::journal::Lease;
use largestack_ports::model::RunSlot;
use largestack_ports::sessions::{SessionKey, vault_root};
use largestack_types::errors::{Code, KillSwitchActivatedError, LargestackError, Result};
use largestack_types::id::{EffectId, RunId, SessionId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::money::Money;
use largestack_types::part::{Body, Part, PartId};
use largestack_types::scope::Scope;

use super::Drive;
use super::claimed::Claimed;
use super::control::Control;
use super::place::{budgets, tree};
use super::record::Outbox;
use crate::agent::Core;
use crate::below;
use crate::capture::Captures;
use crate::child::Above;
use crate::media::Shelf;
use crate::memory;
use crate::options::{CancelHandle, Input, ResumeOptions, RunOptions};
use crate::protect::RunGuard;
use crate::stage::{InputDraft, StageContext, Verdict};
use crate::stream::Sink;

/// Bytes of text that may be asked at once: documents belong into a knowledge folder.
pub(crate) const MOST_INPUT: usize = 1 << 20;

/// What a new run is given.
#[derive(Clone)]
pub(crate) struct Beginning {
    pub(crate) input: Input,
    pub(crate) options: RunOptions,
    pub(crate) sink: Option<Sink>,
    /// What the run above it says, where there is one.
    pub(crate) above: Option<Above>,
}

impl Drive {
    /// Takes the run's lease and its turn in its session, guards the input and records the
    /// beginning.
    pub(crate) async fn begin(core: Arc<Core>, scope: &Scope, new: Beginning) -> Result<Box<Self>> {
        refuse_when_killed(&core, scope)?;
        refuse_without_license(&core)?;
        let label = new.above.as_ref().map(|above| above.label);
        let label = label.unwrap_or_else(|| Label::from_origin(Origin::User));
        let message = input_message(&new.input, label)?;
        let runtime = &core.runtime;
        let id = new.options.id.unwrap_or_else(|| runtime.ids.run_id(runtime.clock.now()));
        let claimed = Claimed::of(runtime, scope, id).await?;
        let begun = match claimed.lease().cloned() {
            Some(lease) => Self::begin_claimed(Arc::clone(&core), lease, message, new).await,
            None => Err(LargestackError::other(Code::Unknown, "a lease was lost")),
        };
        claimed.settled(begun).await
    }

    async fn begin_claimed(
        core: Arc<Core>,
        lease: Lease,
        message: Message,
        new: Beginning,
    ) -> Result<Box<Self>> {
        let Beginning { options, sink, above, .. } = new;
        let (runtime, id) = (&core.runtime, lease.run);
        let model = options.adjusted.model.as_ref().unwrap_or(&core.definition.model);
        let told = match &options.session {
            Some(key) => Some(memory::recall(runtime, &lease, key, (&core.memory, model)).await?),
            None => None,
        };
        let (told, recalled, values) = told.map_or_else(Default::default, |told| {
            (told.messages, Some(Box::new(told.recalled)), told.values)
        });
        let session = options.session.as_ref().map(SessionKey::id);
        let guard = above.as_ref().and_then(|above| above.guard(core.guard));
        let guard = guard.unwrap_or_else(|| {
            let root = guard_root(&lease, session, id);
            let vault = Arc::clone(&runtime.vault);
            Arc::new(RunGuard::new(core.guard, lease.scope.clone(), root, vault, values))
        });
        let context = StageContext {
            scope: lease.scope.clone(),
            run: id,
            agent: Arc::clone(&core.definition.agent),
            effect: EffectId::INPUT,
            guard: Arc::clone(&guard),
        };
        let mut found = Vec::new();
        let adjusted =
            adjusted(&core, &context, (options.adjusted, options.instructions), &mut found).await?;
        let (adjusted, refused) = adjusted;
        let draft = guarded(&core, &context, message, &mut found).await?;
        let (message, refused) = (draft.message, draft.refused.or(refused));
        let mut history = history(&context, (told, options.history), &mut found).await?;
        let mut asked = Arc::new(message);
        let shelf = Arc::new(Shelf::new(lease.scope.clone(), Arc::clone(&runtime.journal)));
        let messages = std::iter::once(&mut asked).chain(&mut history);
        let taken: Vec<_> = messages.flat_map(|message| shelf.take_shared(message)).collect();
        let started = RunStarted {
            agent: Arc::clone(&core.definition.agent),
            definition: core.hash,
            input: Arc::clone(&asked),
            history,
            principal: lease.scope.principal().into(),
            session,
            recalled,
            adjusted,
            parent: above.as_ref().map(|above| above.parent),
            root: above.as_ref().map_or(id, |above| above.tree.root),
        };
        let run = Run::new(id, Arc::clone(&core.definition));
        let own = started.adjusted.as_ref().and_then(|adjusted| adjusted.wall_clock);
        let time = own.or(core.definition.limits.wall_clock);
        let (deps, cancel) = (options.deps, options.cancel);
        let cores = (Arc::clone(&core), core);
        let above = (above, None);
        let mut drive =
            Self::assemble(cores, lease, (run, above), guard, (asked, deps), &cancel, time);
        drive.listened_to_by(sink);
        drive.session = session;
        drive.may_reveal(&started.history);
        drive.share();
        drive.shelf = shelf;
        drive.outbox.blobs.extend(taken);
        let hash = drive.core.hash;
        drive.outbox.blobs.push((hash, drive.core.sealed.clone()));
        drive.note(Event::RunStarted(started))?;
        // Folded first: the run's own limit counts.
        drive.open_budget(Money::ZERO).await?;
        for (stage, findings) in found {
            drive.note_findings(EffectId::INPUT, stage, findings)?;
        }
        drive.outbox.summary = Some(drive.summary());
        drive.over = false;
        if let Some(error) = refused {
            drive.conclude(End::failed(error.clone())).await?;
            return Err(error);
        }
        Ok(drive)
    }

    /// Goes on with a run whose journal has been folded.
    pub(crate) async fn take_up(
        core: Arc<Core>,
        lease: Lease,
        run: Run,
        events: &[Recorded],
        ((options, sink), above): ((ResumeOptions, Option<Sink>), Option<Above>),
    ) -> Result<Box<Self>> {
        refuse_when_killed(&core, &lease.scope)?;
        refuse_without_license(&core)?;
        let vault = Arc::clone(&core.runtime.vault);
        let session = match run.session() {
            Some(session) => {
                let kept = memory::retake(&core.runtime, &lease, session, &core.memory).await?;
                kept.then_some(session)
            }
            None => None,
        };
        let (first, core) = (Arc::clone(&core), core.under_way(&run)?);
        let guard = if let Some(guard) = above.as_ref().and_then(|above| above.guard(core.guard)) {
            guard
        } else {
            // What a forgotten session's placeholders stood for is gone, and nothing new is kept there.
            let root = guard_root(&lease, session, run.id());
            let known = vault.all(&lease.scope, root).await?;
            Arc::new(RunGuard::new(core.guard, lease.scope.clone(), root, vault, known))
        };
        let asked =
            run.own_messages().first().map_or_else(|| input_of(events), |m| Ok(Arc::clone(m)))?;
        let below = below::unrecorded(&core.runtime, &lease.scope, &run).await?;
        let time = run.definition().limits.wall_clock;
        let time = time.map(|limit| limit.saturating_sub(active_time(events)));
        let (parts, run) = ((asked, options.deps), (run, (above, options.in_doubt)));
        let mut drive =
            Self::assemble((first, core), lease, run, guard, parts, &options.cancel, time);
        drive.listened_to_by(sink);
        drive.session = session;
        if let Some(first) = events.first() {
            drive.started = first.at;
            if let Event::RunStarted(started) = &*first.event {
                drive.may_reveal(&started.history);
            }
        }
        drive.share();
        drive.knows_of(below).await?;
        let owner = drive.core.runtime.owner;
        drive.note(Event::Resumed(Resumed { owner }))?;
        drive.settle_doubts(options.in_doubt)?;
        drive.hear_answers(options.answers).await?;
        drive.over = false;
        Ok(drive)
    }

    fn assemble(
        (first, core): (Arc<Core>, Arc<Core>),
        lease: Lease,
        (run, (above, in_doubt)): (Run, (Option<Above>, Option<DoubtDecision>)),
        guard: Arc<RunGuard>,
        (asked, deps): (Arc<Message>, Arc<dyn std::any::Any + Send + Sync>),
        cancel: &CancelHandle,
        time_left: Option<Duration>,
    ) -> Box<Self> {
        let runtime = &core.runtime;
        let control =
            Control::new(cancel, &runtime.switch, &lease.scope, &runtime.clock, time_left);
        let started = runtime.clock.now();
        let tree = tree(&lease.scope, &run, (above.as_ref(), in_doubt));
        // Boxed: it is passed on from hand to hand before it begins, and is large.
        Box::new(Self {
            live: Some(runtime.live.enter(&lease.scope, run.id(), cancel)),
            shelf: Arc::new(Shelf::new(lease.scope.clone(), Arc::clone(&runtime.journal))),
            budgets: budgets(runtime.ledger.as_ref(), &lease.scope, (&run, &tree)),
            tree,
            above,
            lease,
            run,
            guard,
            slot: RunSlot::default(),
            deps,
            control,
            sink: None,
            session: None,
            in_flight: FuturesUnordered::new(),
            running: Vec::new(),
            spending: Vec::new(),
            outbox: Outbox::default(),
            captures: Captures::open(),
            asked_text: asked.text().into(),
            asked,
            started,
            retried: 0,
            held: None,
            over: true,
            ready: Vec::new(),
            first,
            core,
        })
    }

    /// What the caller said before in this session is the caller's own as well.
    pub(super) fn may_reveal(&mut self, history: &[Arc<Message>]) {
        let own = Label::from_origin(Origin::User);
        let said = history.iter().filter(|message| {
            let label = message.label().map(|label| label.origins);
            message.role == Role::User && label == Some(own.origins)
        });
        let said: Vec<_> = said.map(|message| message.text()).filter(|t| t.contains('<')).collect();
        if self.session.is_some() && !said.is_empty() {
            self.asked_text = format!("{}\n{}", self.asked_text, said.join("\n")).into();
        }
    }

    /// Applies what was decided about calls in doubt; without a decision they keep waiting.
    fn settle_doubts(&mut self, decided: Option<DoubtDecision>) -> Result<()> {
        let by_policy = match self.run.definition().in_doubt {
            InDoubt::Ask => None,
            InDoubt::TellModel => Some(DoubtDecision::TellModel),
            InDoubt::Fail => Some(DoubtDecision::Fail),
        };
        let (decision, by): (_, Arc<str>) = match (decided, by_policy) {
            (Some(decision), _) => (decision, self.lease.scope.principal().into()),
            (None, Some(decision)) => (decision, "policy".into()),
            (None, None) => return Ok(()),
        };
        for wait in self.run.waits() {
            if let Wait::Doubt { effect } = wait {
                let by = Arc::clone(&by);
                self.note(Event::DoubtSettled(DoubtSettled { effect, decision, by }))?;
            }
        }
        Ok(())
    }
}

/// What a guard found, by the stage that looked.
pub(super) type Found = Vec<(&'static str, Vec<FindingRecord>)>;

/// Where the vault keeps what placeholders of a run stand for: with its session, else with its tree.
fn guard_root(lease: &Lease, session: Option<SessionId>, tree: RunId) -> RunId {
    session.map_or(tree, |session| vault_root(lease.scope.principal(), session))
}

/// What the model is told of before: what the session holds, then what the caller has kept.
async fn history(
    context: &StageContext,
    (told, given): (Vec<Arc<Message>>, Vec<Arc<Message>>),
    found: &mut Found,
) -> Result<Vec<Arc<Message>>> {
    if given.is_empty() {
        return Ok(told);
    }
    let mut findings = Vec::new();
    let given = memory::given::guarded(context, given, &mut findings).await?;
    found.push(("guard_history", findings));
    Ok(told.into_iter().chain(repaired(&given)).collect())
}

/// A message after the input's stages.
pub(super) async fn guarded(
    core: &Core,
    context: &StageContext,
    message: Message,
    found: &mut Found,
) -> Result<InputDraft> {
    let mut draft = InputDraft { message, refused: None };
    for stage in &core.pipeline.input {
        let ruling = stage.apply(context, &draft).await?;
        found.push((stage.name(), ruling.findings));
        match ruling.verdict {
            Verdict::Replace(new) => draft = new,
            Verdict::Block(error) => return Err(error),
            _ => {}
        }
    }
    Ok(draft)
}

/// What differs in this run, its instructions guarded.
async fn adjusted(
    core: &Core,
    context: &StageContext,
    (mut adjusted, instructions): (Adjusted, Option<Arc<str>>),
    found: &mut Found,
) -> Result<(Option<Box<Adjusted>>, Option<LargestackError>)> {
    let refused = |detail: &str| Err(LargestackError::other(Code::Input, detail));
    if adjusted.instructions.is_some() {
        return refused("instructions of a run are `RunOptions::instructions`");
    }
    if adjusted.max_turns == Some(0) {
        return refused("`max_turns` must be at least 1");
    }
    if adjusted.settings.as_ref().is_some_and(|settings| settings.output_schema.is_some()) {
        return refused("the shape of the answer is the agent's and cannot differ in one run");
    }
    let mut blocked = None;
    if let Some(text) = instructions.filter(|text| !text.trim().is_empty()) {
        let message = Message::system(PartId::at(EffectId::INPUT, 0), text);
        let draft = guarded(core, context, message, found).await?;
        adjusted.instructions = Some(Arc::new(draft.message));
        blocked = draft.refused;
    }
    Ok(((!adjusted.is_empty()).then(|| Box::new(adjusted)), blocked))
}

fn refuse_when_killed(core: &Core, scope: &Scope) -> Result<()> {
    match core.runtime.switch.thrown(scope) {
        Some(thrown) => {
            Err(KillSwitchActivatedError { by: thrown.by, reason: thrown.reason }.into())
        }
        None => Ok(()),
    }
}

pub(super) fn refuse_without_license(core: &Core) -> Result<()> {
    match &core.license {
        Some(license) => Ok(license.check(core.runtime.clock.now())?),
        None => Ok(()),
    }
}

fn input_message(input: &Input, label: Label) -> Result<Message> {
    let text: usize = input.0.iter().map(|body| text_of(body).len()).sum();
    let empty = input.0.iter().all(|body| match body {
        Body::Text(text) => text.trim().is_empty(),
        _ => false,
    });
    if empty {
        return Err(LargestackError::other(Code::Input, "the question is empty"));
    }
    if text > MOST_INPUT {
        let detail = format!("the question has {text} bytes, and at most {MOST_INPUT} are taken");
        let advice = "Put long material into the knowledge folder and ask about it";
        return Err(LargestackError::with_advice(Code::Input, detail, advice));
    }
    let parts = (1..)
        .zip(&input.0)
        .map(|(index, body)| Part {
            id: PartId::at(EffectId::INPUT, index),
            label,
            body: body.clone(),
            native: None,
        })
        .collect();
    Ok(Message { role: Role::User, parts, native: None })
}

fn text_of(body: &Body) -> &str {
    match body {
        Body::Text(text) => text,
        _ => "",
    }
}

fn input_of(events: &[Recorded]) -> Result<Arc<Message>> {
    match events.first().map(|first| &*first.event) {
        Some(Event::RunStarted(started)) => Ok(Arc::clone(&started.input)),
        _ => Err(LargestackError::other(Code::Journal, "the journal does not begin with a start")),
    }
}

/// Time in which something happened: gaps in which the run waited or nobody held it do not count.
/// Counts from where the agent under way took over.
fn active_time(events: &[Recorded]) -> Duration {
    let begun = events.iter().rposition(|recorded| matches!(&*recorded.event, Event::TookOver(_)));
    let events = events.get(begun.unwrap_or_default()..).unwrap_or_default();
    let waited = |event: &Event| {
        matches!(event, Event::Resumed(_) | Event::ApprovalAnswered(_) | Event::DoubtSettled(_))
    };
    events
        .iter()
        .zip(events.iter().skip(1))
        .filter(|(_, next)| !waited(&next.event))
        .map(|(before, next)| next.at.since(before.at))
        .sum()
}
