//! Runs that go on by themselves. Whoever starts one may go away; whoever follows one may come and
//! go; it ends by itself, or when somebody cancels it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use largestack_engine::event::{CancelReason, CancelRequested};
use largestack_ports::journal::Journal;
use largestack_ports::retention::{Pruned, Rule};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};

use crate::agent::Agent;
use crate::below;
use crate::capture::Captures;
use crate::compact::{self, Shrunk};
use crate::drive::{Beginning, Drive};
use crate::fork::Fork;
use crate::options::{CancelHandle, Input, ResumeOptions, RunOptions};
use crate::report::Report;
use crate::runtime::{LiveRuns, Runtime};
use crate::stream::Sink;

mod follow;
mod log;

use follow::Source;
pub use follow::{Followed, Follower, Position};
pub(crate) use log::Log;

/// The detached runs of a process. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    runtime: Runtime,
    live: Live,
}

/// What this process drives, by tenant and run.
type Live = Arc<Mutex<HashMap<(TenantId, RunId), Driven>>>;

#[derive(Clone)]
struct Driven {
    log: Arc<Log>,
    cancel: CancelHandle,
    /// Those that its agent's runtime drives, which may be another one than that of [`Runs`].
    live: LiveRuns,
}

/// A detached run, as whoever started it holds it. Dropping it changes nothing.
#[derive(Clone)]
pub struct RunHandle {
    runs: Runs,
    scope: Scope,
    run: RunId,
    began: Position,
    driven: Driven,
}

impl Runs {
    /// The detached runs of agents of this runtime.
    pub fn new(runtime: Runtime) -> Self {
        Self { runtime, live: Live::default() }
    }

    pub(crate) fn journal(&self) -> &dyn Journal {
        &*self.runtime.journal
    }

    /// Starts a run and leaves it to itself. Its beginning is durable when this returns; what keeps
    /// a run from beginning is an error here.
    pub async fn start(
        &self,
        agent: &Agent,
        scope: &Scope,
        input: impl Into<Input>,
        options: RunOptions,
    ) -> Result<RunHandle> {
        let (log, cancel) = (Arc::new(Log::default()), options.cancel.clone());
        let sink = Some(Sink::log(Arc::clone(&log), options.whole));
        let beginning = Beginning { input: input.into(), options, sink, above: None };
        let drive = Drive::begin(Arc::clone(&agent.0), scope, beginning).await?;
        let live = agent.0.runtime.live.clone();
        self.detach(drive, Position::default(), Driven { log, cancel, live }).await
    }

    /// Takes up a run that was cut off or waits, and leaves it to itself.
    pub async fn resume(
        &self,
        agent: &Agent,
        scope: &Scope,
        run: RunId,
        options: ResumeOptions,
    ) -> Result<RunHandle> {
        let known = self.runtime.journal.read(scope, run, 0).await?;
        let last = known.last().map_or(0, |last| last.seq);
        let (log, cancel) = (Arc::new(Log::after(last)), options.cancel.clone());
        let sink = Some(Sink::log(Arc::clone(&log), options.whole));
        let drive = agent.take_up(scope, run, (options, sink)).await?;
        let live = agent.0.runtime.live.clone();
        let began = Position { seq: last, live: 0 };
        self.detach(drive, began, Driven { log, cancel, live }).await
    }

    /// Makes a run that has the events of another one up to a place, goes on from there and leaves it
    /// to itself: see [`Agent::fork`].
    pub async fn fork(
        &self,
        agent: &Agent,
        scope: &Scope,
        run: RunId,
        (fork, options): (Fork, ResumeOptions),
    ) -> Result<RunHandle> {
        let run = agent.fork(scope, run, fork).await?;
        self.resume(agent, scope, run, options).await
    }

    /// A subscription to a run of this tenant from a place on: the default one is its beginning.
    /// Of a run that another process drives, or that has ended, the facts are heard.
    pub async fn follow(&self, scope: &Scope, run: RunId, from: Position) -> Result<Follower> {
        let driven = self.lock().get(&key(scope, run)).cloned();
        if driven.is_none() && self.runtime.journal.run(scope, run).await?.is_none() {
            return Err(unknown(run));
        }
        Ok(self.subscribe(scope, run, driven.map(|driven| driven.log), from))
    }

    /// Ends a run and what it has started: one that this process drives, whatever started it, at the
    /// next moment it listens, one that nobody drives at once. `LARGESTACK_CONFLICT` where it has
    /// ended or another process drives it.
    pub async fn cancel(&self, scope: &Scope, run: RunId, note: impl Into<Arc<str>>) -> Result<()> {
        let live = || self.lock().get(&key(scope, run)).map(|driven| driven.live.clone());
        let here = self.runtime.live.get(scope, run);
        if let Some(cancel) = here.or_else(|| live()?.get(scope, run)) {
            cancel.cancel(CancelReason::Caller, scope.principal(), note);
            return Ok(());
        }
        let journal = &self.runtime.journal;
        if journal.run(scope, run).await?.is_none() {
            return Err(unknown(run));
        }
        let by = scope.principal().into();
        let request = CancelRequested { reason: CancelReason::Caller, by, note: note.into() };
        below::end(&self.runtime, scope, run, &request).await.map(drop)
    }

    /// Removes runs of this tenant that need not be kept: see [`Retention`].
    ///
    /// [`Retention`]: largestack_ports::retention::Retention
    pub async fn prune(&self, scope: &Scope, rule: Rule) -> Result<Pruned> {
        let gone = "runs in memory go with the process, and are not pruned";
        let retention = self.runtime.journal.retention();
        let retention = retention.ok_or_else(|| LargestackError::other(Code::Config, gone))?;
        retention.prune(scope, rule).await
    }

    /// Gives up events of runs of this tenant that are over, but for the first, the last and one that
    /// stands for those between: see [`compact`](mod@crate::compact).
    pub async fn compact(&self, scope: &Scope, rule: Rule) -> Result<Shrunk> {
        compact::compact(&*self.runtime.journal, scope, rule).await
    }

    /// The runs that this process drives for a tenant.
    pub fn driven(&self, scope: &Scope) -> Vec<RunId> {
        let tenant = scope.tenant();
        self.lock().keys().filter(|(of, _)| of == tenant).map(|(_, run)| *run).collect()
    }

    async fn detach(
        &self,
        mut drive: Box<Drive>,
        began: Position,
        driven: Driven,
    ) -> Result<RunHandle> {
        if let Err(error) = drive.acknowledge().await {
            drive.stay(&error).await;
            return Err(error);
        }
        let (scope, run) = (drive.lease.scope.clone(), drive.run.id());
        self.lock().insert(key(&scope, run), driven.clone());
        let leaving = Leaving { live: Arc::clone(&self.live), key: key(&scope, run) };
        let log = Arc::clone(&driven.log);
        let work = async move {
            let mut leaving = Some((leaving, Closing(log)));
            let report = drive.perform().await;
            drop(drive);
            if let Some((_leaving, closing)) = leaving.take() {
                closing.0.close(report);
            }
        };
        // Whoever looks on looks on there, too: runs below it begin in its task.
        let captures = Captures::open();
        let work = if captures.are_none() { work.boxed() } else { captures.around(work).boxed() };
        self.runtime.tasks.spawn(work);
        Ok(RunHandle { runs: self.clone(), scope, run, began, driven })
    }

    fn subscribe(
        &self,
        scope: &Scope,
        run: RunId,
        log: Option<Arc<Log>>,
        from: Position,
    ) -> Follower {
        let live = log.map(|log| {
            let changed = log.subscribe();
            (log, changed)
        });
        let source = Source {
            scope: scope.clone(),
            run,
            journal: Arc::clone(&self.runtime.journal),
            clock: Arc::clone(&self.runtime.clock),
            live,
        };
        Follower::new(source, from)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(TenantId, RunId), Driven>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunHandle {
    /// Which run.
    pub const fn id(&self) -> RunId {
        self.run
    }

    /// The place before the first thing that it says since it was started or taken up.
    pub const fn began(&self) -> Position {
        self.began
    }

    /// A subscription to it from a place on.
    pub fn follow(&self, from: Position) -> Follower {
        let log = Some(Arc::clone(&self.driven.log));
        self.runs.subscribe(&self.scope, self.run, log, from)
    }

    /// Asks for its end; once it has ended this does nothing.
    pub fn cancel(&self, note: impl Into<Arc<str>>) {
        self.driven.cancel.cancel(CancelReason::Caller, self.scope.principal(), note);
    }

    /// Waits until it has ended or waits for somebody, and says what it came to.
    pub async fn report(&self) -> Result<Report> {
        let mut changed = self.driven.log.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(report) = self.driven.log.report() {
                return report;
            }
            // The log keeps the sender: it does not go away before its reader.
            let _ = changed.changed().await;
        }
    }
}

/// Takes a run out of those that are driven, however its task ends.
struct Leaving {
    live: Live,
    key: (TenantId, RunId),
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
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

impl std::fmt::Debug for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runs").field("driven", &self.lock().len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunHandle").field("run", &self.run).finish_non_exhaustive()
    }
}

fn key(scope: &Scope, run: RunId) -> (TenantId, RunId) {
    (scope.tenant().clone(), run)
}

fn unknown(run: RunId) -> LargestackError {
    LargestackError::other(Code::NotFound, format!("there is no run {run}"))
}
