//! The one loop: start what is ready, wait for what lands first, record it, ask again.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use largestack_agent::parent::ParentRun;
use largestack_agent::runtime::Driven;
use largestack_engine::event::{CancelReason, CancelRequested, DoubtDecision, Event, LimitReached};
use largestack_engine::graph::{GraphRun, How, NodeFailed, NodeWoke};
use largestack_engine::status::Limit;
use largestack_engine::{End, Status};
use largestack_ports::journal::Lease;
use largestack_types::errors::{Code, LargestackError, LoopDetectedError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::time::Timestamp;

use crate::control::{Control, Signal};
use crate::options::FlowResume;
use crate::report::FlowReport;
use crate::stream::Sink;
use crate::workflow::Core;

mod ask;
mod begin;
mod below;
mod land;
mod record;
mod start;

pub(crate) use begin::Beginning;
use land::Landed;
use record::Outbox;

/// A run under way.
pub(crate) struct Drive {
    pub(crate) core: Arc<Core>,
    pub(crate) lease: Lease,
    pub(crate) run: GraphRun,
    /// Its account, its guard and its place in the tree.
    own: Arc<ParentRun>,
    deps: Arc<dyn Any + Send + Sync>,
    control: Control,
    sink: Option<Sink>,
    in_flight: FuturesUnordered<BoxFuture<'static, Landed>>,
    timers: FuturesUnordered<BoxFuture<'static, EffectId>>,
    /// Tasks whose moment is waited for.
    armed: BTreeSet<EffectId>,
    outbox: Outbox,
    /// The beginning of the question, for lists.
    asked: String,
    /// What the run was given, with placeholders: whoever asked may see these values again.
    given: String,
    /// The run above it, and the task there that this one is.
    above: Option<(Arc<ParentRun>, EffectId)>,
    started: Timestamp,
    /// Runs that tasks have started and that nobody drives, with their nodes.
    waiting: BTreeMap<EffectId, (Arc<str>, RunId)>,
    /// What becomes of tasks in doubt, also in workflows below.
    in_doubt: Option<DoubtDecision>,
    /// Held while this process drives it.
    live: Option<Driven>,
    /// Whether it cannot go on, and is not cancelled for that.
    failed: bool,
    /// Whether there is nothing to end when this is dropped: not begun yet, or over.
    over: bool,
}

enum Next {
    Landed(Box<Landed>),
    Woke(EffectId),
    Signal(Signal),
}

impl Drive {
    /// Performs the run to its end or to where it must wait.
    pub(crate) async fn perform(&mut self) -> Result<FlowReport> {
        let performed = self.go_on().await;
        if performed.is_err() {
            self.leave().await;
        }
        performed
    }

    async fn go_on(&mut self) -> Result<FlowReport> {
        loop {
            self.cut_off()?;
            self.start_ready().await?;
            self.arm();
            self.flush()?;
            self.tell().await;
            if self.in_flight.is_empty() {
                if let Some(end) = self.run.conclusion() {
                    return self.conclude(end).await;
                }
                if self.run.status() == Status::Suspended {
                    // Who comes now finds a run that nobody drives, and who came before is heard.
                    self.live = None;
                    match poll_fn(|cx| Poll::Ready(self.control.poll(cx))).await {
                        Poll::Ready(signal @ Signal::Cancel(_)) => self.obey(signal)?,
                        _ => return self.let_go().await,
                    }
                    continue;
                }
                if self.timers.is_empty() {
                    let detail = format!("{} has nothing to do and does not end", self.run.id());
                    return Err(LargestackError::other(Code::Unknown, detail));
                }
            }
            match self.next().await {
                Next::Landed(landed) => self.land(*landed).await?,
                Next::Woke(effect) => self.woke(effect)?,
                Next::Signal(signal) => self.obey(signal)?,
            }
        }
    }

    async fn next(&mut self) -> Next {
        poll_fn(|cx| {
            if let Poll::Ready(Some(landed)) = self.in_flight.poll_next_unpin(cx) {
                return Poll::Ready(Next::Landed(Box::new(landed)));
            }
            if let Poll::Ready(Some(effect)) = self.timers.poll_next_unpin(cx) {
                return Poll::Ready(Next::Woke(effect));
            }
            self.control.poll(cx).map(Next::Signal)
        })
        .await
    }

    /// Waits for the moments that tasks wait for.
    fn arm(&mut self) {
        let clock = &self.core.runtime.clock;
        for (effect, until) in self.run.sleeping() {
            if self.armed.insert(effect) {
                let sleep = clock.sleep(until.since(clock.now()));
                self.timers.push(Box::pin(async move {
                    sleep.await;
                    effect
                }));
            }
        }
    }

    fn woke(&mut self, effect: EffectId) -> Result<()> {
        self.armed.remove(&effect);
        let sleeps = self.run.sleeping().any(|(sleeping, _)| sleeping == effect);
        if sleeps { self.note(NodeWoke { effect }) } else { Ok(()) }
    }

    fn obey(&mut self, signal: Signal) -> Result<()> {
        match signal {
            Signal::Cancel(request) => self.note(Event::CancelRequested(request)),
            Signal::TimeIsUp => {
                let turns = u32::try_from(self.run.tasks()).unwrap_or(u32::MAX);
                let error = LoopDetectedError { turns, reason: "wall_clock".into() }.into();
                self.note(Event::LimitReached(LimitReached { limit: Limit::WallClock, error }))
            }
        }
    }

    /// Drops what has to end now and records that it was cut off.
    fn cut_off(&mut self) -> Result<()> {
        let cut = self.run.cut_off();
        if cut.is_empty() {
            return Ok(());
        }
        // What is undone begins only when everything else is over: all of it is to end.
        self.in_flight.clear();
        for effect in cut {
            let child = self.child_of(effect);
            self.note(NodeFailed {
                effect,
                how: How::Cancelled,
                error: LargestackError::other(Code::Cancelled, "cut off: the run ends"),
                retry_at: None,
                child,
                duration_us: 0,
            })?;
        }
        Ok(())
    }

    async fn conclude(&mut self, end: End) -> Result<FlowReport> {
        self.end_below().await?;
        self.note(Event::RunFinished(end))?;
        self.let_go().await
    }

    /// Makes all that has happened durable and gives the run back, in one commit with its last
    /// fact: whoever hears of that may claim it at once.
    async fn let_go(&mut self) -> Result<FlowReport> {
        self.over = true;
        self.outbox.summary = Some(self.summary());
        self.flush()?;
        self.tell_above();
        self.live = None;
        self.own.close().await;
        self.core.runtime.journal.release(&self.lease).await?;
        self.core.runtime.journal.durable().await?;
        self.tell().await;
        Ok(self.report().await)
    }

    /// Gives a run back that cannot go on now, as its journal has it: whoever takes it up goes on
    /// there. Nothing is undone for an error that may pass.
    async fn leave(&mut self) {
        self.failed = true;
        // What has happened is kept where that is possible; the error that led here says more.
        let _ = self.flush();
        self.in_flight.clear();
        self.tell_above();
        self.live = None;
        self.own.close().await;
        let _ = self.core.runtime.journal.release(&self.lease).await;
        self.over = true;
    }

    pub(crate) async fn report(&mut self) -> FlowReport {
        let (output, state) = (self.run.output(), self.run.state().to_value());
        // The run above keeps it back again, with placeholders of its own.
        if self.above.is_some() {
            return FlowReport::of(&self.run, self.own.reveal_all(output).await, state);
        }
        let output = self.own.reveal_given(output, &self.given).await;
        let state = self.own.reveal_given(state, &self.given).await;
        FlowReport::of(&self.run, output, state)
    }

    /// Notes what the run was given.
    fn was_given(&mut self, value: &impl serde::Serialize) {
        if let Ok(text) = serde_json::to_string(value)
            && text.contains('<')
        {
            self.given.push_str(&text);
        }
    }

    /// What a run below is taken up with.
    fn resuming(&self) -> FlowResume {
        let (in_doubt, deps) = (self.in_doubt, Arc::clone(&self.deps));
        FlowResume { in_doubt, deps, ..FlowResume::default() }
    }
}

impl Drop for Drive {
    /// A run whose future was dropped is cancelled: what is in flight ends. What is to be undone
    /// then is undone by whoever takes the run up.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if !self.failed {
            self.cancel_dropped();
        }
        self.tell_above();
        let runtime = self.core.runtime.clone();
        let (lease, own) = (self.lease.clone(), Arc::clone(&self.own));
        let tasks = Arc::clone(&runtime.tasks);
        tasks.spawn(Box::pin(async move {
            own.close().await;
            let _ = runtime.journal.release(&lease).await;
        }));
    }
}

impl Drive {
    fn cancel_dropped(&mut self) {
        let request = CancelRequested {
            reason: CancelReason::Caller,
            by: self.lease.scope.principal().into(),
            note: "dropped".into(),
        };
        // A journal that fails now has already told whoever waited for it.
        let _ = self.note(Event::CancelRequested(request)).and_then(|()| self.cut_off()).and_then(
            |()| {
                if let Some(end) = self.run.conclusion() {
                    self.note(Event::RunFinished(end))?;
                }
                self.outbox.summary = Some(self.summary());
                self.flush()
            },
        );
    }
}
