//! Runs that go on by themselves. Whoever starts one may go away; whoever follows one may come and
//! go; it ends by itself, or when somebody cancels it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::BoxStream;
use largestack_agent::runtime::LiveRuns;
use largestack_agent::{CancelHandle, Runtime};
use largestack_engine::event::CancelReason;
use largestack_engine::{Recorded, Status};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};
use serde_json::Value;
use tokio::sync::watch;

use crate::drive::{Beginning, Drive};
use crate::event::FlowEvent;
use crate::options::{FlowOptions, FlowResume};
use crate::report::FlowReport;
use crate::stream::Sink;
use crate::workflow::Workflow;

/// Events that are kept beside the journal.
const MOST_EVENTS: usize = 1024;
/// How often the journal of a run that another process drives is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The detached runs of workflows of a process. Cheap to clone.
#[derive(Clone)]
pub struct Flows {
    runtime: Runtime,
    live: Live,
}

type Live = Arc<Mutex<HashMap<(TenantId, RunId), Driven>>>;

#[derive(Clone)]
struct Driven {
    log: Arc<Log>,
    cancel: CancelHandle,
    /// Those that are driven still.
    live: LiveRuns,
}

/// A detached run, as whoever started it holds it. Dropping it changes nothing.
#[derive(Clone)]
pub struct FlowHandle {
    run: RunId,
    scope: Scope,
    driven: Driven,
    runtime: Runtime,
}

/// What a detached run has said so far, as far as memory goes.
pub(crate) struct Log {
    state: Mutex<Said>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Said {
    events: VecDeque<FlowEvent>,
    /// How many events came before those that are kept.
    before: u64,
    over: Option<Result<FlowReport>>,
}

impl Log {
    fn new() -> Self {
        Self { state: Mutex::default(), changed: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an event and wakes who waits for it.
    pub(crate) fn push(&self, event: FlowEvent) {
        let mut said = self.lock();
        said.events.push_back(event);
        if said.events.len() > MOST_EVENTS {
            said.events.pop_front();
            said.before += 1;
        }
        drop(said);
        self.changed.send_replace(());
    }

    /// Says what the run came to; the first word counts.
    fn close(&self, report: Result<FlowReport>) {
        self.lock().over.get_or_insert(report);
        self.changed.send_replace(());
    }
}

impl Flows {
    /// The detached runs of workflows of this runtime.
    pub fn new(runtime: Runtime) -> Self {
        Self { runtime, live: Live::default() }
    }

    /// Starts a run and leaves it to itself. Its beginning is durable when this returns; what keeps
    /// a run from beginning is an error here.
    pub async fn start(
        &self,
        workflow: &Workflow,
        scope: &Scope,
        input: impl Into<Value>,
        options: FlowOptions,
    ) -> Result<FlowHandle> {
        let (log, cancel) = (Arc::new(Log::new()), options.cancel.clone());
        let sink = Some(Sink::Log(Arc::clone(&log)));
        let beginning = Beginning { input: input.into(), options, sink, above: None };
        let drive = Drive::begin(Arc::clone(&workflow.0), scope, beginning).await?;
        let live = workflow.0.runtime.live.clone();
        self.detach(drive, Driven { log, cancel, live }).await
    }

    /// Takes up a run that was cut off or waits, and leaves it to itself.
    pub async fn resume(
        &self,
        workflow: &Workflow,
        scope: &Scope,
        run: RunId,
        options: FlowResume,
    ) -> Result<FlowHandle> {
        let (log, cancel) = (Arc::new(Log::new()), options.cancel.clone());
        let sink = Some(Sink::Log(Arc::clone(&log)));
        let core = Arc::clone(&workflow.0);
        let drive = Drive::take_up(core, (scope, run), (options, sink, None)).await?;
        let live = workflow.0.runtime.live.clone();
        self.detach(drive, Driven { log, cancel, live }).await
    }

    /// A subscription to a run of this tenant behind this fact; 0 is its beginning. Of a run that
    /// this process drives, what its agents say is heard, too.
    pub async fn follow(&self, scope: &Scope, run: RunId, from: u64) -> Result<FlowFollower> {
        let driven = self.lock().get(&key(scope, run)).cloned();
        if driven.is_none() && self.runtime.journal.run(scope, run).await?.is_none() {
            return Err(unknown(run));
        }
        let log = driven.map(|driven| driven.log);
        Ok(FlowFollower::new(Place::new(&self.runtime, (scope, run), log, from)))
    }

    /// Ends a run that this process drives at the next moment it listens; what was done is undone
    /// where its nodes say how. `LARGESTACK_CONFLICT` where this process does not drive it.
    pub async fn cancel(&self, scope: &Scope, run: RunId, note: impl Into<Arc<str>>) -> Result<()> {
        let driven = self.lock().get(&key(scope, run)).cloned();
        if let Some(driven) = driven.filter(|driven| driven.live.get(scope, run).is_some()) {
            driven.cancel.cancel(CancelReason::Caller, scope.principal(), note);
            return Ok(());
        }
        match self.runtime.journal.run(scope, run).await? {
            None => Err(unknown(run)),
            Some(summary) => {
                let detail =
                    format!("{run} is {} and not driven here: take it up first", summary.status);
                Err(LargestackError::other(Code::Conflict, detail))
            }
        }
    }

    async fn detach(&self, mut drive: Drive, driven: Driven) -> Result<FlowHandle> {
        drive.acknowledge().await?;
        let (scope, run) = (drive.lease.scope.clone(), drive.run.id());
        self.lock().insert(key(&scope, run), driven.clone());
        let (live, log) = (Arc::clone(&self.live), Arc::clone(&driven.log));
        let leaving = Leaving { live, log, key: key(&scope, run) };
        let closing = Closing(Arc::clone(&driven.log));
        self.runtime.tasks.spawn(Box::pin(async move {
            let report = drive.perform().await;
            drop(drive);
            drop(leaving);
            closing.0.close(report);
        }));
        Ok(FlowHandle { run, scope, driven, runtime: self.runtime.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(TenantId, RunId), Driven>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FlowHandle {
    /// Which run.
    pub const fn id(&self) -> RunId {
        self.run
    }

    /// A subscription to it behind this fact; 0 is its beginning.
    pub fn follow(&self, from: u64) -> FlowFollower {
        let log = Some(Arc::clone(&self.driven.log));
        FlowFollower::new(Place::new(&self.runtime, (&self.scope, self.run), log, from))
    }

    /// Asks for its end; once it has ended this does nothing.
    pub fn cancel(&self, note: impl Into<Arc<str>>) {
        self.driven.cancel.cancel(CancelReason::Caller, self.scope.principal(), note);
    }

    /// Waits until it has ended or waits for somebody, and says what it came to.
    pub async fn report(&self) -> Result<FlowReport> {
        let mut changed = self.driven.log.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(report) = self.driven.log.lock().over.clone() {
                return report;
            }
            // The log keeps the sender: it does not go away before its reader.
            let _ = changed.changed().await;
        }
    }
}

/// A subscription to a run. Ends when the run does, or waits for somebody; dropping it changes
/// nothing. Every fact behind the place is heard once and in order; what agents say between them is
/// heard from when one began to follow.
#[must_use = "nothing is heard unless it is polled"]
pub struct FlowFollower(BoxStream<'static, Result<FlowEvent>>);

impl FlowFollower {
    fn new(place: Place) -> Self {
        Self(Box::pin(futures::stream::unfold(Some(place), |place| async {
            let mut place = place?;
            match place.step().await {
                Ok(Some(event)) => Some((Ok(event), Some(place))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })))
    }
}

impl futures::Stream for FlowFollower {
    type Item = Result<FlowEvent>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

struct Place {
    runtime: Runtime,
    scope: Scope,
    run: RunId,
    log: Option<(Arc<Log>, watch::Receiver<()>)>,
    /// The last fact that is known.
    seq: u64,
    /// How many events of the log are known.
    at: u64,
    read: VecDeque<Recorded>,
}

impl Place {
    fn new(
        runtime: &Runtime,
        (scope, run): (&Scope, RunId),
        log: Option<Arc<Log>>,
        seq: u64,
    ) -> Self {
        let log = log.map(|log| {
            let changed = log.changed.subscribe();
            (log, changed)
        });
        let (runtime, scope) = (runtime.clone(), scope.clone());
        Self { runtime, scope, run, log, seq, at: 0, read: VecDeque::new() }
    }

    async fn step(&mut self) -> Result<Option<FlowEvent>> {
        loop {
            if let Some(fact) = self.take() {
                return Ok(Some(fact));
            }
            let Some((log, changed)) = &mut self.log else { return self.stored().await };
            changed.borrow_and_update();
            let (next, over) = {
                let said = log.lock();
                let at = self.at.max(said.before);
                self.at = at;
                let index = usize::try_from(at - said.before).unwrap_or(usize::MAX);
                (said.events.get(index).cloned(), said.over.is_some())
            };
            match next {
                Some(FlowEvent::Fact(fact)) if fact.seq > self.seq + 1 => self.missing().await?,
                Some(event) => {
                    self.at += 1;
                    match &event {
                        FlowEvent::Fact(fact) if fact.seq <= self.seq => {}
                        FlowEvent::Fact(fact) => {
                            self.seq = fact.seq;
                            return Ok(Some(event));
                        }
                        _ => return Ok(Some(event)),
                    }
                }
                None if over => return Ok(None),
                None => {
                    let _ = changed.changed().await;
                }
            }
        }
    }

    /// Facts that are older than what the log holds.
    async fn missing(&mut self) -> Result<()> {
        // They were appended before the log let go of them, and may be on their way still.
        self.runtime.journal.durable().await?;
        self.read = self.runtime.journal.read(&self.scope, self.run, self.seq).await?.into();
        if self.read.is_empty() {
            let detail = format!("{} lacks facts after {}", self.run, self.seq);
            return Err(LargestackError::other(Code::Journal, detail));
        }
        Ok(())
    }

    async fn stored(&mut self) -> Result<Option<FlowEvent>> {
        loop {
            if let Some(fact) = self.take() {
                return Ok(Some(fact));
            }
            let standing = self.runtime.journal.run(&self.scope, self.run).await?;
            self.read = self.runtime.journal.read(&self.scope, self.run, self.seq).await?.into();
            if !self.read.is_empty() {
                continue;
            }
            let Some(summary) = standing else { return Ok(None) };
            if summary.status != Status::Running && summary.seq <= self.seq {
                return Ok(None);
            }
            self.runtime.clock.sleep(LOOK_AGAIN).await;
        }
    }

    fn take(&mut self) -> Option<FlowEvent> {
        let fact = self.read.pop_front()?;
        self.seq = fact.seq;
        Some(FlowEvent::Fact(fact))
    }
}

/// Takes a run out of those that are driven, however its task ends.
struct Leaving {
    live: Live,
    log: Arc<Log>,
    key: (TenantId, RunId),
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken up again meanwhile, it is somebody else's.
        if live.get(&self.key).is_some_and(|now| Arc::ptr_eq(&now.log, &self.log)) {
            live.remove(&self.key);
        }
    }
}

/// Closes the log, however the run's task ends: a follower must not wait for nobody.
struct Closing(Arc<Log>);

impl Drop for Closing {
    fn drop(&mut self) {
        let detail = "the run's task ended before the run did";
        self.0.close(Err(LargestackError::other(Code::Cancelled, detail)));
    }
}

fn key(scope: &Scope, run: RunId) -> (TenantId, RunId) {
    (scope.tenant().clone(), run)
}

fn unknown(run: RunId) -> LargestackError {
    LargestackError::other(Code::NotFound, format!("there is no run {run}"))
}
