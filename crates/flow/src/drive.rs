//! The one loop: start what is ready, wait for what lands first, record it, ask again.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use largestack_agent::parent::ParentRun;
use largestack_agent::runtime::Driven;
use largestack_engine::event::{CancelReason, CancelRequested, Event, LimitReached};
use largestack_engine::graph::{GraphRun, How, NodeFailed};
use largestack_engine::status::Limit;
use largestack_engine::{End, Status};
use largestack_ports::journal::Lease;
use largestack_ports::tree::Doubts;
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
mod doubt;
mod land;
mod listen;
mod record;
mod rest;
mod start;

pub(crate) use begin::{Beginning, asked};
use land::Landed;
pub use record::NO_MODEL;
use record::Outbox;
pub(crate) use record::line;

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
    in_flight: FuturesUnordered<Running>,
    timers: FuturesUnordered<BoxFuture<'static, EffectId>>,
    /// Tasks whose moment is waited for.
    armed: BTreeSet<EffectId>,
    /// Tasks whose workflows were given back, with when each goes on.
    resting: BTreeMap<EffectId, Timestamp>,
    outbox: Outbox,
    /// The beginning of the question, for lists.
    asked: String,
    /// What the run was given, with placeholders: whoever asked may see these values again.
    given: String,
    /// The run above it, and the task there that this one is.
    above: Option<(Arc<ParentRun>, EffectId)>,
    started: Timestamp,
    /// Runs that tasks have started, with their nodes: those that nobody drives, and workflows.
    waiting: BTreeMap<EffectId, (Arc<str>, RunId)>,
    /// What becomes of tasks in doubt, also in workflows below.
    in_doubt: Doubts,
    /// Whether it is given back while nothing but time passes.
    gives_back: bool,
    /// Held while this process drives it.
    live: Option<Driven>,
    /// Whether it cannot go on, and is not cancelled for that.
    failed: bool,
    /// Whether there is nothing to end when this is dropped: not begun yet, or over.
    over: bool,
}

/// A task under way.
struct Running {
    effect: EffectId,
    work: BoxFuture<'static, Landed>,
}

impl Future for Running {
    type Output = Landed;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Landed> {
        self.work.as_mut().poll(cx)
    }
}

/// Tasks that have landed and are recorded together, at most.
const TOGETHER: usize = 64;

enum Next {
    Landed(Box<Landed>),
    Woke(EffectId),
    Look,
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
            self.cut_off().await?;
            if !self.control.leaving() {
                self.start_ready().await?;
                self.arm();
            }
            self.flush()?;
            self.tell().await;
            if self.in_flight.is_empty() {
                if let Some(end) = self.run.conclusion() {
                    return self.conclude(end).await;
                }
                if self.run.status() == Status::Suspended && self.lets_go() {
                    if self.hears_something().await? {
                        continue;
                    }
                    // Who comes now finds a run that nobody drives, and who came before is heard.
                    self.live = None;
                    match poll_fn(|cx| Poll::Ready(self.control.poll(cx))).await {
                        Poll::Ready(signal @ Signal::Cancel(_)) => self.obey(signal)?,
                        _ => return self.let_go().await,
                    }
                    continue;
                }
                if self.control.leaving() {
                    return Ok(self.hand_over().await);
                }
                if self.timers.is_empty() {
                    let detail = format!("{} has nothing to do and does not end", self.run.id());
                    return Err(LargestackError::other(Code::Unknown, detail));
                }
                if self.hears_event().await? {
                    continue;
                }
            }
            let look = self.look_again();
            match self.next(look).await {
                Next::Landed(landed) => {
                    self.land(*landed).await?;
                    self.land_more().await?;
                }
                Next::Woke(effect) => self.woke(effect)?,
                Next::Look => {}
                Next::Signal(Signal::Left) => return Ok(self.hand_over().await),
                Next::Signal(signal) => self.obey(signal)?,
            }
        }
    }

    /// What happens first. What comes from outside is asked for before anything else: tasks that are
    /// always done at once must not keep it waiting.
    async fn next(&mut self, mut look: Option<BoxFuture<'static, ()>>) -> Next {
        poll_fn(|cx| {
            if let Poll::Ready(signal) = self.control.poll(cx) {
                return Poll::Ready(Next::Signal(signal));
            }
            if let Poll::Ready(Some(landed)) = self.in_flight.poll_next_unpin(cx) {
                return Poll::Ready(Next::Landed(Box::new(landed)));
            }
            if let Poll::Ready(Some(effect)) = self.timers.poll_next_unpin(cx) {
                return Poll::Ready(Next::Woke(effect));
            }
            if look.as_mut().is_some_and(|look| look.poll_unpin(cx).is_ready()) {
                return Poll::Ready(Next::Look);
            }
            Poll::Pending
        })
        .await
    }

    /// What else has landed by now goes into the same append, unless it changes what is in flight.
    async fn land_more(&mut self) -> Result<()> {
        for _ in 1..TOGETHER {
            if !self.run.cut_off().is_empty() {
                return Ok(());
            }
            let landed = poll_fn(|cx| Poll::Ready(self.in_flight.poll_next_unpin(cx))).await;
            let Poll::Ready(Some(landed)) = landed else { return Ok(()) };
            self.land(landed).await?;
        }
        Ok(())
    }

    fn obey(&mut self, signal: Signal) -> Result<()> {
        match signal {
            Signal::Cancel(request) => self.note(Event::CancelRequested(request)),
            // Nothing is recorded: nothing happens to the run, it only goes on elsewhere.
            Signal::Leave | Signal::Left => Ok(()),
            Signal::TimeIsUp => {
                let turns = u32::try_from(self.run.tasks()).unwrap_or(u32::MAX);
                let error = LoopDetectedError { turns, reason: "wall_clock".into() }.into();
                self.note(Event::LimitReached(LimitReached { limit: Limit::WallClock, error }))
            }
        }
    }

    /// Ends what has to end now and records that it was cut off.
    async fn cut_off(&mut self) -> Result<()> {
        let cut = self.run.cut_off();
        if cut.is_empty() {
            return Ok(());
        }
        // What is undone begins only when everything else is over: all of it is to end.
        self.in_flight.clear();
        for ending in self.end_below(|effect| cut.contains(&effect)) {
            ending.await?;
        }
        self.note_cut_off(cut)
    }

    fn note_cut_off(&mut self, cut: Vec<EffectId>) -> Result<()> {
        for effect in cut {
            let error = LargestackError::other(Code::Cancelled, "cut off: the run ends");
            self.note_cancelled(effect, error, None)?;
        }
        Ok(())
    }

    /// Records that a task was cut off, with what it has cost by now.
    fn note_cancelled(
        &mut self,
        effect: EffectId,
        error: LargestackError,
        retry_at: Option<Timestamp>,
    ) -> Result<()> {
        let (how, child) = (How::Cancelled, self.child_of(effect));
        let (restarts, duration_us) = (false, 0);
        self.note(NodeFailed { effect, how, error, retry_at, restarts, child, duration_us })
    }

    /// Ends these tasks, which begin again with another one at this moment.
    async fn begin_again(&mut self, cut: Vec<EffectId>, at: Timestamp) -> Result<()> {
        if cut.is_empty() {
            return Ok(());
        }
        let under_way = std::mem::take(&mut self.in_flight);
        let stays = under_way.into_iter().filter(|running| !cut.contains(&running.effect));
        self.in_flight = stays.collect();
        for ending in self.end_below(|effect| cut.contains(&effect)) {
            ending.await?;
        }
        for effect in cut {
            let error = LargestackError::other(Code::Cancelled, "cut off: it begins again");
            self.note_cancelled(effect, error, Some(at))?;
        }
        Ok(())
    }

    async fn conclude(&mut self, end: End) -> Result<FlowReport> {
        for ending in self.end_below(|_| true) {
            ending.await?;
        }
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
        self.core.runtime.journal.durable_run(&self.lease).await?;
        self.tell().await;
        Ok(self.report())
    }

    /// Gives a run back that cannot go on now, as its journal has it: whoever takes it up goes on
    /// there. Nothing is undone for an error that may pass.
    async fn leave(&mut self) {
        self.failed = true;
        self.own.stay();
        // What has happened is kept where that is possible; the error that led here says more.
        let _ = self.flush();
        self.in_flight.clear();
        self.tell_above();
        self.live = None;
        self.own.close().await;
        let _ = self.core.runtime.journal.release(&self.lease).await;
        self.over = true;
    }

    /// The same for a run that goes on in another process.
    async fn hand_over(&mut self) -> FlowReport {
        self.leave().await;
        self.tell().await;
        self.report()
    }

    pub(crate) fn report(&mut self) -> FlowReport {
        let (output, state) = (self.run.output(), self.run.state().to_value());
        let below = self.below_so_far();
        // The run above keeps it back again, with placeholders of its own.
        if self.above.is_some() {
            return FlowReport::of(&self.run, self.own.reveal_all(output), state)
                .with(&self.run, &below);
        }
        let output = self.own.reveal_given(output, &self.given);
        let state = self.own.reveal_given(state, &self.given);
        FlowReport::of(&self.run, output, state).with(&self.run, &below)
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
        let Doubts { others: in_doubt, each } = &self.in_doubt;
        let (in_doubt, doubts, deps) = (*in_doubt, each.to_vec(), Arc::clone(&self.deps));
        FlowResume { in_doubt, doubts, deps, ..FlowResume::default() }
    }
}

impl Drop for Drive {
    /// A run whose future was dropped is cancelled: what is in flight ends. What is to be undone
    /// then is undone by whoever takes the run up.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if self.failed || self.above.as_ref().is_some_and(|(above, _)| above.stays()) {
            self.own.stay();
        } else {
            self.cancel_dropped();
        }
        self.tell_above();
        // Nobody takes a run up that has ended: what waits below it ends with it.
        let ended = self.run.end().is_some();
        let below = if ended { self.end_below(|_| true) } else { Vec::new() };
        let runtime = self.core.runtime.clone();
        let (lease, own) = (self.lease.clone(), Arc::clone(&self.own));
        let tasks = Arc::clone(&runtime.tasks);
        tasks.spawn(Box::pin(async move {
            for ending in below {
                // What does not end now is found by whoever looks for what is left.
                let _ = ending.await;
            }
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
        let _ = self.cancel_with(request);
    }

    fn cancel_with(&mut self, request: CancelRequested) -> Result<()> {
        self.note(Event::CancelRequested(request))?;
        self.in_flight.clear();
        self.note_cut_off(self.run.cut_off())?;
        if let Some(end) = self.run.conclusion() {
            self.note(Event::RunFinished(end))?;
        }
        self.outbox.summary = Some(self.summary());
        self.flush()
    }
}
