//! The beginning of a drive: a new run, or one taken up from its journal.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::FuturesUnordered;
use largestack_engine::event::{Adjusted, Event, FindingRecord, Recalled, Resumed, RunStarted};
use largestack_engine::history::repaired;
use largestack_engine::status::End;
use largestack_engine::{Recorded, Run};
use largestack_ports::ids::MakeId as _;
use largestack_ports::journal::Lease;
use largestack_ports::model::RunSlot;
use largestack_ports::sessions::SessionKey;
use largestack_ports::tree::Doubts;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, KillSwitchActivatedError, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::EffectId;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::money::Money;
use largestack_types::part::{Body, Part, PartId};
use largestack_types::scope::Scope;

use super::Drive;
use super::again::{active_time, forked_at, guard_root, input_of, kept_guard};
use super::claimed::Claimed;
use super::control::Control;
use super::own;
use super::place::{budgets, tree};
use super::record::Outbox;
use crate::agent::Core;
use crate::below;
use crate::capture::Captures;
use crate::child::Above;
use crate::document;
use crate::media::Shelf;
use crate::memory;
use crate::options::{CancelHandle, Input, ResumeOptions, RunOptions};
use crate::protect::RunGuard;
use crate::runtime::Driven;
use crate::stage::{InputDraft, StageContext, Verdict};
use crate::stages::help::{self, Told};
use crate::stages::injection;
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
        let message = input_message(&new.input, label, EffectId::INPUT)?;
        let runtime = &core.runtime;
        let id = new.options.id.unwrap_or_else(|| runtime.ids.run_id(runtime.clock.now()));
        let live = runtime.live.admit(scope, id, &new.options.cancel)?;
        let claimed = Claimed::of(runtime, scope, id).await?;
        let begun = match claimed.lease().cloned() {
            Some(lease) => {
                Self::begin_claimed(Arc::clone(&core), lease, message, (new, live)).await
            }
            None => Err(LargestackError::other(Code::Unknown, "a lease was lost")),
        };
        claimed.settled(begun).await
    }

    async fn begin_claimed(
        core: Arc<Core>,
        lease: Lease,
        message: Message,
        (new, live): (Beginning, Driven),
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
        // What a run above asks may name what the tree has taken out; nobody else's words may.
        let asks =
            if above.is_some() { Arc::clone(&guard) } else { Arc::new(guard.over_outside()) };
        let context = StageContext {
            scope: lease.scope.clone(),
            run: id,
            agent: Arc::clone(&core.definition.agent),
            effect: EffectId::INPUT,
            guard: asks,
            leak: None,
            computed: core.pipeline.computed,
        };
        // As it was said: what is taken out of it below may be what has to be heard.
        let listens = core.help.as_ref();
        let heard = listens.and_then(|help| help.hear(&options.history, &message));
        let (finding, help) = heard.map(|heard| (heard.finding, heard.told)).unzip();
        let mut found = vec![("self_harm", Vec::from_iter(finding))];
        let adjusted =
            adjusted(&core, &context, (options.adjusted, options.instructions), &mut found).await?;
        let (adjusted, refused) = adjusted;
        let draft = guarded(&core, &context, message, &mut found).await?;
        let (message, refused) = (draft.message, draft.refused.or(refused));
        let shelf = Arc::new(Shelf::new(lease.scope.clone(), Arc::clone(&runtime.journal)));
        let mut taken = Vec::new();
        let by = (&*core, (&context, &*shelf));
        let (mut history, untold) =
            history(by, (told, options.history), (&mut found, &mut taken)).await?;
        let mut refused = refused.or(untold);
        let (message, row) = injection::in_row(&context, &history, message);
        if let Some(row) = row {
            found.push(("screen_conversation", vec![row.finding]));
            refused = refused.or(row.blocked);
        }
        let (mut message, mut recalled) = (message, recalled);
        let said = helped((&mut message, &mut recalled), (refused, help.flatten()));
        let mut asked = Arc::new(message);
        let messages = std::iter::once(&mut asked).chain(&mut history);
        taken.extend(messages.flat_map(|message| shelf.take_shared(message)));
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
        let above = (above, Doubts::default());
        let mut drive =
            Self::assemble(cores, lease, (run, above), guard, (asked, deps), &cancel, time);
        drive.live = Some(live);
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
        match said {
            Ok(None) => {}
            Ok(Some(answer)) => drive.help(answer)?,
            Err(error) => {
                drive.conclude(End::failed(error.clone())).await?;
                return Err(error);
            }
        }
        Ok(drive)
    }

    /// Goes on with a run whose journal has been folded.
    pub(crate) async fn take_up(
        core: Arc<Core>,
        (lease, live): (Lease, Driven),
        run: Run,
        events: &[Recorded],
        ((options, sink), above): ((ResumeOptions, Option<Sink>), Option<Above>),
    ) -> Result<Box<Self>> {
        refuse_when_killed(&core, &lease.scope)?;
        refuse_without_license(&core)?;
        let session = match run.session() {
            Some(session) => {
                let kept = memory::retake(&core.runtime, &lease, session, &core.memory).await?;
                kept.then_some(session)
            }
            None => None,
        };
        let (first, core) = (Arc::clone(&core), core.under_way(&run)?);
        let guard = match above.as_ref().and_then(|above| above.guard(core.guard)) {
            Some(guard) => guard,
            None => kept_guard(&core, &lease, (session, &run), events).await?,
        };
        let asked =
            run.own_messages().first().map_or_else(|| input_of(events), |m| Ok(Arc::clone(m)))?;
        let below = below::unrecorded(&core.runtime, &lease.scope, &run).await?;
        let time = run.definition().limits.wall_clock;
        let time = time.map(|limit| limit.saturating_sub(active_time(events)));
        let in_doubt = Doubts { others: options.in_doubt, each: options.doubts.into() };
        let (parts, run) = ((asked, options.deps), (run, (above, in_doubt)));
        let mut drive =
            Self::assemble((first, core), lease, run, guard, parts, &options.cancel, time);
        drive.live = Some(live);
        drive.listened_to_by(sink);
        drive.session = session;
        if let Some(first) = events.first() {
            drive.started = first.at;
            if let Event::RunStarted(started) = &*first.event {
                drive.may_reveal(&started.history);
            }
            if let Some((_, at)) = forked_at(events) {
                drive.started = at;
                drive.may_reveal(&Arc::clone(drive.run.messages()));
                drive.owned_by_the_forker(events);
            }
        }
        drive.share();
        drive.knows_of(below).await?;
        let owner = drive.core.runtime.owner;
        drive.note(Event::Resumed(Resumed { owner }))?;
        drive.settle_doubts()?;
        drive.hear_answers(options.answers).await?;
        drive.over = false;
        Ok(drive)
    }

    fn assemble(
        (first, core): (Arc<Core>, Arc<Core>),
        lease: Lease,
        (run, (above, in_doubt)): (Run, (Option<Above>, Doubts)),
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
            live: None,
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
            lost: Arc::default(),
            asked_text: own::words(&asked).into(),
            forkers_own: None,
            leak: OnceLock::new(),
            spotlight: None,
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
}

/// What a guard found, by the stage that looked.
pub(crate) type Found = Vec<(&'static str, Vec<FindingRecord>)>;

/// What the model is told of before: what the session holds, then what the caller has kept; and why
/// the run ends before its first call, where that may not be told. Then nothing of it is recorded.
async fn history(
    (core, (context, shelf)): (&Core, (&StageContext, &Shelf)),
    (told, given): (Vec<Arc<Message>>, Vec<Arc<Message>>),
    (found, taken): (&mut Found, &mut Vec<(Hash, Bytes)>),
) -> Result<(Vec<Arc<Message>>, Option<LargestackError>)> {
    if given.is_empty() {
        return Ok((told, None));
    }
    let mut findings = Vec::new();
    let by = ((context, core.content.as_ref()), shelf);
    let given = memory::given::guarded_whole(by, given, (&mut findings, taken)).await;
    let given = given.and_then(|given| injection::in_rows(context, given, &mut findings));
    findings.extend(context.guard.all_noted());
    found.push(("guard_history", findings));
    match given {
        Ok(given) => Ok((told.into_iter().chain(repaired(&given)).collect(), None)),
        Err(error) if error.code() == Code::Guardrail => Ok((told, Some(error))),
        Err(error) => Err(error),
    }
}

/// Help before every refusal: what is told then is the answer, or where that has a shape, the error. What
/// was refused is not told to a later turn either, and no model sums up anything before.
/// `Ok(None)` where the run just begins, an error where it ends.
fn helped(
    (message, recalled): (&mut Message, &mut Option<Box<Recalled>>),
    (refused, help): (Option<LargestackError>, Option<Told>),
) -> Result<Option<Arc<str>>> {
    if refused.is_some() && help.is_some() {
        help::withhold(message);
    }
    match (help, refused) {
        (None, None) => Ok(None),
        // Here and not before the model's first turn: what says it may have been taken out by then.
        (Some(Told::Error(error)), _) | (None, Some(error)) => Err(error),
        (Some(Told::Answer(answer)), _) => {
            if let Some(recalled) = recalled {
                recalled.summarise = None;
            }
            Ok(Some(answer))
        }
    }
}

/// A message after the input's stages.
pub(crate) async fn guarded(
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
pub(crate) async fn adjusted(
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

/// What is asked as a message, its parts numbered by this effect.
pub(crate) fn input_message(input: &Input, label: Label, effect: EffectId) -> Result<Message> {
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
        .map(|(index, body)| {
            let mut body = body.clone();
            document::settle(&mut body);
            Part { id: PartId::at(effect, index), label, body, native: None }
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
