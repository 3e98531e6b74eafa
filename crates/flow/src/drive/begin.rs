//! The beginning of a drive: a new run, or one taken up from its journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use largestack_agent::CancelHandle;
use largestack_agent::parent::{Claimed, ParentRun};
use largestack_engine::event::{Event, Resumed};
use largestack_engine::graph::{EventReceived, Fact, GraphRun, GraphStarted};
use largestack_engine::{Recorded, Status};
use largestack_ports::ids::MakeId as _;
use largestack_ports::journal::{Lease, RunSummary};
use largestack_ports::tree::Doubts;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::scope::Scope;
use serde_json::{Map, Value};

use super::Drive;
use super::record::Outbox;
use crate::control::Control;
use crate::options::{FlowOptions, FlowResume};
use crate::stream::Sink;
use crate::workflow::{Core, Workflow};

/// Characters of the question that lists show.
const SHOWN: usize = 120;

/// The run and task above a run that is not at the top.
#[derive(Clone)]
pub(crate) struct Above {
    pub(crate) own: Arc<ParentRun>,
    pub(crate) parent: (RunId, EffectId),
    pub(crate) label: Label,
}

/// What a new run is given.
pub(crate) struct Beginning {
    pub(crate) input: Value,
    pub(crate) options: FlowOptions,
    pub(crate) sink: Option<Sink>,
    pub(crate) above: Option<Above>,
}

impl Drive {
    /// Takes the run's lease, guards the input and records the beginning.
    pub(crate) async fn begin(core: Arc<Core>, scope: &Scope, new: Beginning) -> Result<Self> {
        let input = input_of(&core, new.input.clone())?;
        let runtime = &core.runtime;
        let id = new.options.id.unwrap_or_else(|| runtime.ids.run_id(runtime.clock.now()));
        let live = runtime.live.admit(scope, id, &new.options.cancel)?;
        let claimed = Claimed::of(runtime, scope, id).await?;
        let begun = match claimed.lease().cloned() {
            Some(lease) => Self::begin_claimed(Arc::clone(&core), lease, (input, new)).await,
            None => Err(lost()),
        };
        let mut drive = claimed.settled(begun).await?;
        drive.live = Some(live);
        Ok(drive)
    }

    async fn begin_claimed(
        core: Arc<Core>,
        lease: Lease,
        (input, new): (Map<String, Value>, Beginning),
    ) -> Result<Self> {
        let Beginning { options, sink, above, .. } = new;
        let id = lease.run;
        let above_own = above.as_ref().map(|above| &*above.own);
        let own = ParentRun::new(
            core.runtime.clone(),
            (lease.scope.clone(), id),
            core.policy,
            (above_own, Doubts::default()),
        );
        let own = Arc::new(own.await?);
        let label = above.as_ref().map(|above| above.label);
        let label = label.unwrap_or_else(|| Label::from_origin(Origin::User));
        let guarded =
            own.protect(EffectId::INPUT, "the input", (Value::Object(input), label)).await?;
        let Value::Object(input) = guarded.value else {
            return Err(LargestackError::other(Code::Unknown, "a guarded object is none"));
        };
        own.open(&core.checked.graph().limits, largestack_types::money::Money::ZERO).await?;
        let started = GraphStarted {
            graph: Arc::clone(&core.checked.graph().name),
            definition: core.hash,
            label: guarded.label,
            principal: lease.scope.principal().into(),
            parent: above.as_ref().map(|above| above.parent),
            root: own.root(),
            input,
        };
        let run = GraphRun::new(id, Arc::clone(&core.checked));
        let time = core.checked.graph().limits.wall_clock;
        let asked = shown(&started.input);
        let mut drive =
            Self::assemble(core, lease, (run, own), (options.deps, &options.cancel, time));
        drive.sink = sink;
        drive.asked = asked;
        drive.above = above.map(|above| (above.own, above.parent.1));
        drive.gives_back = options.gives_back;
        drive.was_given(&started.input);
        drive.outbox.blobs.push((drive.core.hash, drive.core.sealed.clone()));
        drive.note(started)?;
        drive.note_findings((EffectId::INPUT, "guard_input"), guarded.findings)?;
        drive.outbox.summary = Some(drive.summary());
        drive.over = false;
        Ok(drive)
    }

    /// Goes on with a run that was cut off or waits.
    pub(crate) async fn take_up(
        core: Arc<Core>,
        (scope, run): (&Scope, RunId),
        (options, sink, above): (FlowResume, Option<Sink>, Option<Above>),
    ) -> Result<Self> {
        let runtime = &core.runtime;
        let live = runtime.live.admit(scope, run, &options.cancel)?;
        let claimed = Claimed::of(runtime, scope, run).await?;
        let parts = (options, sink, above);
        let taken = match claimed.lease().cloned() {
            Some(lease) => Self::take_up_claimed(Arc::clone(&core), lease, parts).await,
            None => Err(lost()),
        };
        let mut drive = claimed.settled(taken).await?;
        drive.live = Some(live);
        Ok(drive)
    }

    async fn take_up_claimed(
        core: Arc<Core>,
        lease: Lease,
        (options, sink, above): (FlowResume, Option<Sink>, Option<Above>),
    ) -> Result<Self> {
        if let Some(summary) = core.runtime.journal.run(&lease.scope, lease.run).await? {
            summary.driven_here()?;
        }
        let events = core.runtime.journal.read(&lease.scope, lease.run, 0).await?;
        let run = Workflow(Arc::clone(&core)).fold(lease.run, &events)?;
        if run.status().is_final() {
            let detail = format!("{} has ended ({})", lease.run, run.status());
            return Err(LargestackError::other(Code::Conflict, detail));
        }
        if run.root() != lease.run && above.is_none() {
            let detail = format!("{} is a part of {}: take that one up", lease.run, run.root());
            return Err(LargestackError::other(Code::Conflict, detail));
        }
        let above_own = above.as_ref().map(|above| &*above.own);
        let in_doubt = Doubts { others: options.in_doubt, each: options.doubts.into() };
        let own = ParentRun::new(
            core.runtime.clone(),
            (lease.scope.clone(), lease.run),
            core.policy,
            (above_own, in_doubt.clone()),
        );
        let own = match run.branch() {
            Some(branch) => {
                let shared = events.get(..forked_at(&events)).unwrap_or_default();
                own.await?.remembering(core.policy, &branch.values, shared).await?
            }
            None => own.await?,
        };
        let own = Arc::new(own);
        let time = core.checked.graph().limits.wall_clock;
        let time = time.map(|limit| limit.saturating_sub(active_time(&events)));
        let mut drive =
            Self::assemble(core, lease, (run, own), (options.deps, &options.cancel, time));
        drive.sink = sink;
        drive.above = above.map(|above| (above.own, above.parent.1));
        drive.remember(&events);
        (drive.in_doubt, drive.gives_back) = (in_doubt, options.gives_back);
        drive.reopen().await?;
        let owner = drive.core.runtime.owner;
        drive.note(Event::Resumed(Resumed { owner }))?;
        for (event, data) in options.events {
            let by = drive.lease.scope.principal().into();
            let label = Label::from_origin(Origin::User);
            let said = (data, label);
            let guarded = drive.own.protect_from_outside(EffectId::INPUT, "an event", said).await?;
            drive.was_given(&guarded.value);
            drive.note(EventReceived { event, data: guarded.value, by, label: guarded.label })?;
        }
        drive.settle_doubts().await?;
        drive.hear_answers(options.answers).await?;
        // Whoever follows it by its line must not take it for one that nobody drives any more.
        drive.outbox.summary = Some(RunSummary { status: Status::Running, ..drive.summary() });
        drive.over = false;
        Ok(drive)
    }

    /// What its journal says of what it was given.
    fn remember(&mut self, events: &[Recorded]) {
        let began = forked_at(events);
        if let Some(first) = events.get(began) {
            self.started = first.at;
        }
        // Whoever forked a run is shown the values that he has given himself, and nobody else's.
        let owner = events.get(began).and_then(|first| match &*first.event {
            Event::Forked(forked) => Some(Arc::clone(&forked.by)),
            _ => None,
        });
        let shown_to = |by: &Arc<str>| owner.as_ref().is_none_or(|owner| owner == by);
        for recorded in events {
            match &*recorded.event {
                Event::Graph(Fact::Started(started)) => {
                    self.asked = shown(&started.input);
                    if shown_to(&started.principal) {
                        self.was_given(&started.input);
                    }
                }
                Event::Graph(Fact::EventReceived(heard)) if shown_to(&heard.by) => {
                    self.was_given(&heard.data);
                }
                Event::Forked(forked) if shown_to(&forked.by) => {
                    if let Some(written) = &forked.written {
                        self.was_given(&written.values);
                    }
                }
                _ => {}
            }
        }
    }

    fn assemble(
        core: Arc<Core>,
        lease: Lease,
        (run, own): (GraphRun, Arc<ParentRun>),
        (deps, cancel, time): (
            Arc<dyn std::any::Any + Send + Sync>,
            &CancelHandle,
            Option<Duration>,
        ),
    ) -> Self {
        let control = Control::new(cancel, &core.runtime, &lease.scope, time);
        let started = core.runtime.clock.now();
        Self {
            lease,
            run,
            own,
            deps,
            control,
            sink: None,
            in_flight: FuturesUnordered::new(),
            timers: FuturesUnordered::new(),
            armed: BTreeSet::new(),
            resting: BTreeMap::new(),
            outbox: Outbox::default(),
            waiting: BTreeMap::new(),
            in_doubt: Doubts::default(),
            gives_back: false,
            live: None,
            failed: false,
            asked: String::new(),
            given: String::new(),
            above: None,
            started,
            over: true,
            core,
        }
    }
}

fn lost() -> LargestackError {
    LargestackError::other(Code::Unknown, "a lease was lost")
}

/// The first values of the state: the keys that the workflow is given, no more and no less.
fn input_of(core: &Core, input: Value) -> Result<Map<String, Value>> {
    let inputs = &core.checked.graph().inputs;
    let unfit = |why: String| Err(LargestackError::other(Code::Input, why));
    let fields = match (input, inputs.as_slice()) {
        (Value::Object(fields), _) => fields,
        (Value::Null, []) => Map::new(),
        (value, [key]) => Map::from_iter([(key.to_string(), value)]),
        (_, keys) => {
            return unfit(format!("the workflow is given an object of {} keys", keys.len()));
        }
    };
    if let Some(key) = fields.keys().find(|key| !inputs.iter().any(|known| **known == ***key)) {
        return unfit(format!("the workflow is not given `{key}`"));
    }
    if let Some(key) = inputs.iter().find(|key| !fields.contains_key(&***key)) {
        return unfit(format!("the workflow is given `{key}`, and it is missing"));
    }
    Ok(fields)
}

fn shown(input: &Map<String, Value>) -> String {
    let mut values = input.values();
    let text = match (values.next(), values.next()) {
        (Some(Value::String(text)), None) => text.clone(),
        (None, _) => String::new(),
        _ => Value::Object(input.clone()).to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// What was asked first, as lists show it.
pub(crate) fn asked(events: &[Recorded]) -> String {
    match events.first().map(|first| &*first.event) {
        Some(Event::Graph(Fact::Started(started))) => shown(&started.input),
        _ => String::new(),
    }
}

/// Where a run has left the one that it was forked from: how many events come before; none in other runs.
fn forked_at(events: &[Recorded]) -> usize {
    let forked = |event: &Recorded| matches!(&*event.event, Event::Forked(_));
    events.iter().rposition(forked).unwrap_or_default()
}

/// Time in which something happened: gaps in which the run waited or nobody held it do not count, nor
/// does what another run has taken that it was forked from.
fn active_time(events: &[Recorded]) -> Duration {
    let waited = |event: &Event| {
        matches!(event, Event::Resumed(_) | Event::ApprovalAnswered(_) | Event::DoubtSettled(_))
    };
    let events = events.get(forked_at(events)..).unwrap_or_default();
    events
        .iter()
        .zip(events.iter().skip(1))
        .filter(|(_, next)| !waited(&next.event))
        .map(|(before, next)| next.at.since(before.at))
        .sum()
}
