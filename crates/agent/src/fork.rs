//! Forking a run: its events up to one of them and a new future behind. The events are copied, so that
//! either run can be read, replayed and pruned without the other; large parts and values behind
//! placeholders are not. What happened up to there was paid for by the other run.

use std::collections::HashSet;
use std::sync::Arc;

use largestack_engine::event::{Adjusted, Event, Forked, Guarded, RunStarted};
use largestack_engine::{End, Recorded, Run};
use largestack_ports::ids::MakeId as _;
use largestack_ports::journal::{Batch, Lease, RunSummary};
use largestack_ports::sessions::vault_root;
use largestack_ports::vault::Sensitive;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::Message;
use largestack_types::part::PartId;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::agent::{Agent, Core, fold};
use crate::drive::{Claimed, Found, adjusted, guarded, input_message, shown};
use crate::media::Shelf;
use crate::options::Input;
use crate::protect::RunGuard;
use crate::runtime::Runtime;
use crate::stage::StageContext;
use crate::stages::help::Told;

/// What a fork has in common with its run, and what differs.
#[derive(Clone, Default)]
pub struct Fork {
    /// The last event that both have, from 1.
    pub at: u64,
    /// The id of the fork, where the caller chose it.
    pub id: Option<RunId>,
    /// What is asked instead, where nothing has been answered yet; else what is asked next. A run that
    /// was over at that event needs it.
    pub input: Option<Input>,
    /// Instructions in the place of all that the run has had.
    pub instructions: Option<Arc<str>>,
    /// What else differs from there on; what is absent stays as it was in that run.
    pub adjusted: Adjusted,
}

impl Agent {
    /// Makes a run that has the events of another one of this agent up to [`Fork::at`], and then a
    /// future of its own: [`Agent::resume`] goes on with it. That run is left as it is, also while it
    /// is under way. `LARGESTACK_INPUT` says what does not apply at that place.
    pub async fn fork(&self, scope: &Scope, run: RunId, fork: Fork) -> Result<RunId> {
        let core = &self.0;
        let Runtime { journal, clock, ids, .. } = &core.runtime;
        let events = journal.read(scope, run, 0).await?;
        let started = beginning(run, &events)?;
        if started.definition != core.hash {
            let detail = format!(
                "{run} was started with definition {} of agent {}, and this is {}",
                started.definition, started.agent, core.hash
            );
            return Err(LargestackError::other(Code::Definition, detail));
        }
        let shared = prefix(run, &events, fork.at)?;
        let last = shared.last().map_or(0, |event| event.seq);
        let id = fork.id.unwrap_or_else(|| ids.run_id(clock.now()));
        let folded = fold(id, &core.definition, shared)?;
        let values = roots(&core.runtime, scope, (run, started), &folded).await?;
        // What is asked passes the guards of the agent that is at work there.
        let at_work = core.under_way(&folded)?;
        // Before the guard sees it, and the vault with it: what does not apply leaves nothing behind.
        let unguarded = unguarded(&at_work, (run, &folded), &fork, scope)?;
        leave(&mut folded.clone(), &Event::Forked(unguarded))?;
        let claimed = Claimed::of(&core.runtime, scope, id).await?;
        let written =
            write((core, &at_work), &claimed, (run, folded), fork, (values, shared)).await;
        let written = claimed.settled(written).await?;
        end_without(core, scope, (run, last), written).await
    }
}

/// The first event of an agent's run.
fn beginning(run: RunId, events: &[Recorded]) -> Result<&RunStarted> {
    match events.first().map(|first| &*first.event) {
        Some(Event::RunStarted(started)) => Ok(started),
        Some(_) => {
            let detail = format!("{run} is a workflow's run, and only runs of agents are forked");
            Err(LargestackError::other(Code::Input, detail))
        }
        None => Err(LargestackError::other(Code::NotFound, format!("there is no run {run}"))),
    }
}

/// The events that both have. The end of a run is none of them: a fork goes on.
fn prefix(run: RunId, events: &[Recorded], at: u64) -> Result<&[Recorded]> {
    let last = events.last().map_or(0, |event| event.seq);
    let upto = events.partition_point(|event| event.seq <= at);
    let shared = events.get(..upto).filter(|shared| shared.last().is_some_and(|e| e.seq == at));
    let shared = shared.ok_or_else(|| {
        if let Some(from) = events.get(upto).filter(|_| at > 0).map(|event| event.seq) {
            let detail = format!("event {at} of {run} was given up when it was compacted");
            let advice = format!("It has event 1, and those from {from} to {last}");
            return LargestackError::with_advice(Code::Input, detail, advice);
        }
        let detail = format!("there is no event {at}: {run} has events 1 to {last}");
        LargestackError::with_advice(Code::Input, detail, "Give a number in that range")
    })?;
    match shared.split_last() {
        Some((end, before)) if matches!(&*end.event, Event::RunFinished(_)) => Ok(before),
        _ => Ok(shared),
    }
}

/// Where the vault keeps what placeholders of a run stand for.
async fn roots(
    runtime: &Runtime,
    scope: &Scope,
    (run, started): (RunId, &RunStarted),
    folded: &Run,
) -> Result<Vec<RunId>> {
    let mut roots = folded.branch().map(|branch| branch.values.clone()).unwrap_or_default();
    let own = (Arc::clone(&started.principal), started.session);
    let ((principal, session), tree) = if folded.branch().is_some() {
        // A fork is at the top and in no session, whatever its first event says.
        ((own.0, None), run)
    } else if started.root == run {
        (own, run)
    } else {
        let events = runtime.journal.read(scope, started.root, 0).await?;
        let above = match events.first().map(|first| &*first.event) {
            Some(Event::RunStarted(above)) => (Arc::clone(&above.principal), above.session),
            _ => (own.0, None),
        };
        (above, started.root)
    };
    roots.push(session.map_or(tree, |session| vault_root(&principal, session)));
    Ok(roots)
}

/// One pair for each placeholder, the last: runs that were forked count on from the same numbers, so an
/// older one that goes on makes placeholders which its fork has given to other values.
pub(crate) fn latest(mut known: Vec<(String, Sensitive)>) -> Vec<(String, Sensitive)> {
    let mut seen = HashSet::new();
    known.reverse();
    known.retain(|(placeholder, _)| seen.insert(placeholder.clone()));
    known.reverse();
    known
}

/// What placeholders of these events stand for, as far as that has not been erased; roots are in the
/// order in which runs were forked. What the other run has made since is none of this one's.
pub(crate) async fn shared_values(
    runtime: &Runtime,
    scope: &Scope,
    (roots, shared): (&[RunId], &[Recorded]),
) -> Result<Vec<(String, Sensitive)>> {
    let mut known = Vec::new();
    for root in roots {
        known.extend(runtime.vault.all(scope, *root).await?);
    }
    if known.is_empty() {
        return Ok(known);
    }
    let written: Vec<String> = shared.iter().filter_map(|event| event.event.data().ok()).collect();
    known.retain(|(placeholder, _)| written.iter().any(|data| data.contains(placeholder.as_str())));
    Ok(latest(known))
}

/// What differs, as it was said: whether it applies does not depend on what the guard makes of it.
fn unguarded(
    core: &Core,
    (of, folded): (RunId, &Run),
    fork: &Fork,
    scope: &Scope,
) -> Result<Forked> {
    let label = Label::from_origin(Origin::User);
    let input = fork.input.as_ref();
    let input = input.map(|input| input_message(input, label, folded.fork_effect())).transpose()?;
    let help = core.help.as_ref().zip(input.as_ref());
    let told = help.and_then(|(help, message)| help.hear(&[], message)?.told);
    // Help comes before every refusal, and what says it may be taken out of what the fork asks.
    if let Some(error) = told.map(Told::into_error) {
        return Err(error);
    }
    let mut adjusted = fork.adjusted.clone();
    if let Some(own) = fork.instructions.as_ref().filter(|own| !own.trim().is_empty()) {
        let own = Message::system(PartId::at(EffectId::INPUT, 0), Arc::clone(own));
        adjusted.instructions = Some(Arc::new(own));
    }
    let adjusted = (!adjusted.is_empty()).then(|| Box::new(adjusted));
    let (at, by, input) = (folded.seq(), scope.principal().into(), input.map(Arc::new));
    Ok(Forked { of, at, by, input, adjusted, values: Vec::new(), written: None })
}

/// Applies the fork, or says why it cannot be one there.
fn leave(folded: &mut Run, event: &Event) -> Result<()> {
    folded.apply(event).map_err(|error| {
        let advice = "`largestack replay` shows the run after each of its events";
        LargestackError::with_advice(Code::Input, error.message(), advice)
    })
}

type Taken = Vec<(largestack_types::hash::Hash, bytes::Bytes)>;

/// What differs, after the guards, with the bytes that it names and what was found in it.
async fn event(
    core: &Core,
    scope: &Scope,
    (of, folded): (RunId, &Run),
    fork: Fork,
    (values, shared): (Vec<RunId>, &[Recorded]),
) -> Result<(Forked, Taken, Found)> {
    let runtime = &core.runtime;
    let known = shared_values(runtime, scope, (&values, shared)).await?;
    let vault = Arc::clone(&runtime.vault);
    let guard = RunGuard::of_fork(core.guard, scope.clone(), folded.id(), vault, known);
    let effect = folded.fork_effect();
    let context = StageContext {
        scope: scope.clone(),
        run: folded.id(),
        agent: Arc::clone(&core.definition.agent),
        effect,
        guard: Arc::new(guard.over_outside()),
        leak: None,
        computed: core.pipeline.computed,
    };
    let mut found = Found::new();
    let (adjusted, refused) =
        adjusted(core, &context, (fork.adjusted, fork.instructions), &mut found).await?;
    let shelf = Shelf::new(scope.clone(), Arc::clone(&runtime.journal));
    let (mut input, mut taken, mut blocked, mut heard) = (None, Vec::new(), refused, None);
    if let Some(asked) = &fork.input {
        let message = input_message(asked, Label::from_origin(Origin::User), effect)?;
        heard = core.help.as_ref().and_then(|help| help.hear(&[], &message));
        let draft = guarded(core, &context, message, &mut found).await?;
        let mut message = Arc::new(draft.message);
        taken = shelf.take_shared(&mut message);
        (input, blocked) = (Some(message), draft.refused.or(blocked));
    }
    found.extend(heard.map(|heard| ("self_harm", vec![heard.finding])));
    if let Some(error) = blocked {
        return Err(error);
    }
    let at = shared.last().map_or(0, |event| event.seq);
    let by = scope.principal().into();
    Ok((Forked { of, at, by, input, adjusted, values, written: None }, taken, found))
}

/// Writes the fork, or nothing at all.
async fn write(
    (core, at_work): (&Core, &Core),
    claimed: &Claimed<'_>,
    (of, run): (RunId, Run),
    fork: Fork,
    (values, shared): (Vec<RunId>, &[Recorded]),
) -> Result<(Run, Timestamp)> {
    let Some(lease) = claimed.lease() else {
        return Err(LargestackError::other(Code::Unknown, "a lease was lost"));
    };
    let runtime = &core.runtime;
    if !runtime.journal.read(&lease.scope, lease.run, 0).await?.is_empty() {
        let detail = format!("{} is there already", lease.run);
        return Err(LargestackError::other(Code::Conflict, detail));
    }
    let differs = event(at_work, &lease.scope, (of, &run), fork, (values, shared)).await;
    if differs.is_err() {
        // There is no run to which these could belong; the error that led here says more.
        let _ = runtime.vault.erase(&lease.scope, lease.run).await;
    }
    append(core, lease, shared, run, differs?).await
}

async fn append(
    core: &Core,
    lease: &Lease,
    shared: &[Recorded],
    mut run: Run,
    (forked, mut blobs, found): (Forked, Taken, Found),
) -> Result<(Run, Timestamp)> {
    let Runtime { journal, clock, .. } = &core.runtime;
    let (now, effect) = (clock.now(), run.fork_effect());
    let found = found.into_iter().filter(|(_, findings)| !findings.is_empty());
    let found = found
        .map(|(stage, findings)| Event::Guarded(Guarded { effect, stage: stage.into(), findings }));
    let mut events = shared.to_vec();
    for event in std::iter::once(Event::Forked(forked)).chain(found) {
        leave(&mut run, &event)?;
        events.push(Recorded { seq: run.seq(), at: now, event: Arc::new(event) });
    }
    // The run that was forked may be removed at this moment, and its definition with it.
    blobs.push((core.hash, core.sealed.clone()));
    let summary = Some(line(core, &run, (now, now)));
    journal.append(lease, Batch { events, blobs, summary, ..Batch::default() })?;
    journal.release(lease).await?;
    journal.durable_run(lease).await?;
    Ok((run, now))
}

/// The fork's line in lists.
fn line(core: &Core, run: &Run, (started, updated): (Timestamp, Timestamp)) -> RunSummary {
    let asked = run.own_messages().first().map(|message| message.text()).unwrap_or_default();
    let definition = run.definition();
    RunSummary {
        run: run.id(),
        root: run.id(),
        agent: Arc::clone(&definition.agent),
        model: Arc::clone(&definition.model),
        definition: core.hash,
        status: run.status(),
        reason: run.end().map(|end| end.reason),
        input: shown(&asked),
        seq: run.seq(),
        turns: run.turns(),
        usage: run.usage(),
        cost: run.cost(),
        started,
        updated,
        engine: None,
    }
}

/// A run that is removed while it is forked takes parts and values with it that the fork names. Once
/// the fork is written it keeps the run from being removed; where that came too late, the fork ends.
async fn end_without(
    core: &Core,
    scope: &Scope,
    (of, at): (RunId, u64),
    (mut run, started): (Run, Timestamp),
) -> Result<RunId> {
    let Runtime { journal, clock, .. } = &core.runtime;
    if !journal.read(scope, of, at.saturating_sub(1)).await?.is_empty() {
        return Ok(run.id());
    }
    let detail = format!("{of} was removed while it was forked");
    let error = LargestackError::other(Code::Conflict, detail);
    let claimed = Claimed::of(&core.runtime, scope, run.id()).await?;
    let ended = async {
        let event = Event::RunFinished(End::failed(error.clone()));
        run.apply(&event).map_err(|error| LargestackError::from_coded(&error))?;
        let now = clock.now();
        let events = vec![Recorded { seq: run.seq(), at: now, event: Arc::new(event) }];
        let summary = Some(line(core, &run, (started, now)));
        if let Some(lease) = claimed.lease() {
            journal.append(lease, Batch { events, summary, ..Batch::default() })?;
            journal.durable_run(lease).await?;
        }
        Err(error)
    };
    let ended = ended.await;
    claimed.settled(ended).await
}
