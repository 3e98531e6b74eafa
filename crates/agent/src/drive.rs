//! The one loop: start what is ready, wait for what lands first, record it, ask again.

use std::any::Any;
use std::future::poll_fn;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use largestack_engine::event::{CancelReason, CancelRequested, Event};
use largestack_engine::{Effect, End, EndReason, Run, Status};
use largestack_ports::context::SoFar;
use largestack_ports::journal::Lease;
use largestack_ports::ledger::BudgetKey;
use largestack_ports::model::RunSlot;
use largestack_ports::spending::Spending;
use largestack_ports::tree::RunTree;
use largestack_types::errors::Result;
use largestack_types::id::{EffectId, SessionId};
use largestack_types::message::Message;
use largestack_types::time::Timestamp;

use crate::agent::Core;
use crate::below;
use crate::capture::Captures;
use crate::child::Above;
use crate::leak::RunLeak;
use crate::lost::Lost;
use crate::media::Shelf;
use crate::memory;
use crate::protect::RunGuard;
use crate::report::Report;
use crate::runtime::Driven;
use crate::spotlight::Spotlight;
use crate::stage::StageContext;
use crate::stream::Sink;

mod again;
mod begin;
mod check;
mod claimed;
mod control;
mod digest;
mod doubt;
mod heard;
mod hook;
mod land;
mod listen;
mod model;
mod own;
mod place;
mod prepare;
mod record;
mod relay;
mod start;
mod stay;

pub(crate) use begin::{Beginning, Found, adjusted, guarded, input_message};
pub(crate) use check::plain_value;
use check::value_of;
pub use claimed::Claimed;
use control::{Control, Signal};
use land::Landed;
pub(crate) use land::{engine_answer, not_run};
use record::Outbox;
pub(crate) use record::shown;

/// A run under way.
pub(crate) struct Drive {
    /// The agent that is at work.
    pub(crate) core: Arc<Core>,
    /// The agent that was asked: the same, unless another has taken over.
    first: Arc<Core>,
    pub(crate) lease: Lease,
    pub(crate) run: Run,
    pub(crate) guard: Arc<RunGuard>,
    slot: RunSlot,
    budgets: Arc<[BudgetKey]>,
    /// Its place in the tree of runs.
    tree: RunTree,
    /// Who is told what it comes to, where it is not at the top.
    above: Option<Above>,
    deps: Arc<dyn Any + Send + Sync>,
    control: Control,
    /// Where it can be ended; `None` once nothing can be said to it any more.
    live: Option<Driven>,
    sink: Option<Sink>,
    /// The session that it holds.
    session: Option<SessionId>,
    in_flight: FuturesUnordered<BoxFuture<'static, Landed>>,
    /// What is in flight, so that what is cut off can be recorded.
    running: Vec<Effect>,
    /// What the running tools spend themselves.
    spending: Vec<(EffectId, Spending)>,
    outbox: Outbox,
    /// Tests that look on.
    captures: Captures,
    /// The input as it was recorded: its placeholders are the caller's own values.
    asked: Arc<Message>,
    asked_text: Arc<str>,
    /// The words of whoever forked it, where that was somebody else than who began it: what the other
    /// has said is not given back to them in clear.
    forkers_own: Option<Arc<str>>,
    /// What of its instructions may not come out, once that was asked.
    leak: OnceLock<Option<Arc<RunLeak>>>,
    spotlight: Option<Spotlight>,
    started: Timestamp,
    /// Failures after which it has gone on and waited.
    retried: u32,
    shelf: Arc<Shelf>,
    /// Whether it cannot go on, and which runs below it cannot.
    lost: Arc<Lost>,
    /// The reply whose text is held back until hooks have seen it, and its deltas so far.
    held: Option<(EffectId, Arc<AtomicU32>)>,
    /// Whether there is nothing to end when this is dropped: not begun yet, or over.
    over: bool,
    ready: Vec<Effect>,
}

#[expect(clippy::large_enum_variant, reason = "one at a time, and nearly always the large one")]
enum Next {
    Landed(Landed),
    Signal(Signal),
}

impl Drive {
    /// Performs the run to its end or to where it must wait. An error is none of the run: it stays as
    /// its journal has it.
    pub(crate) async fn perform(&mut self) -> Result<Report> {
        let performed = self.go_on().await;
        if let Err(error) = &performed {
            self.stay(error).await;
        }
        performed
    }

    async fn go_on(&mut self) -> Result<Report> {
        loop {
            if !self.control.leaving() {
                self.start_ready().await?;
            }
            if self.run.conclusion().is_some() && !self.asks_about_the_failure() {
                self.abort_in_flight()?;
                if let Some(id) = self.run.error_hook() {
                    self.start_error_hook(id);
                }
            }
            if self.in_flight.is_empty() {
                if let Some(end) = self.run.conclusion() {
                    let Some(next) = self.successor(&end) else { return self.conclude(end).await };
                    if let Some(error) = self.take_over(next).await? {
                        return self.conclude(End::failed(error)).await;
                    }
                    continue;
                }
                if self.run.status() == Status::Suspended {
                    if self.hears_something().await? {
                        continue;
                    }
                    // Who comes now finds a run that nobody drives, and who came before is heard.
                    self.live = None;
                    match poll_fn(|cx| Poll::Ready(self.control.poll(cx))).await {
                        Poll::Ready(signal @ Signal::Cancel(_)) => self.obey(signal)?,
                        _ => return self.suspend().await,
                    }
                }
                if self.control.leaving() {
                    return self.hand_over().await;
                }
                continue;
            }
            match self.next().await {
                Next::Landed(landed) => self.land(landed).await?,
                Next::Signal(Signal::Left) => return self.hand_over().await,
                Next::Signal(signal) => self.obey(signal)?,
            }
        }
    }

    async fn next(&mut self) -> Next {
        poll_fn(|cx| {
            if let Poll::Ready(Some(landed)) = self.in_flight.poll_next_unpin(cx) {
                return Poll::Ready(Next::Landed(landed));
            }
            self.control.poll(cx).map(Next::Signal)
        })
        .await
    }

    /// Drops whatever is in flight and records that it was cut off.
    fn abort_in_flight(&mut self) -> Result<()> {
        self.in_flight.clear();
        for effect in std::mem::take(&mut self.running) {
            let event = self.cut_off(effect);
            self.note(event)?;
        }
        Ok(())
    }

    async fn conclude(&mut self, end: End) -> Result<Report> {
        self.end_below().await?;
        self.note(Event::RunFinished(self.with_causes(end)))?;
        self.remember();
        self.let_go().await?;
        // Whoever listens may go away here: the run is over, and nothing is held.
        self.say_interruption().await;
        self.tell().await;
        Ok(self.report().await)
    }

    /// What was said goes into the session in the same append as the end.
    fn remember(&mut self) {
        let now = self.core.runtime.clock.now();
        self.outbox.memory = memory::remembered(&self.run, self.session, now);
    }

    async fn suspend(&mut self) -> Result<Report> {
        self.let_go().await?;
        self.tell().await;
        Ok(self.report().await)
    }

    /// Makes all that has happened durable and gives the run back, in one commit with its last
    /// fact: whoever hears of that may claim it at once.
    async fn let_go(&mut self) -> Result<()> {
        self.over = true;
        self.outbox.summary = Some(self.summary());
        self.flush()?;
        self.live = None;
        self.leave().await?;
        self.core.runtime.journal.durable_run(&self.lease).await
    }

    /// Gives the run back as its journal has it: whoever takes it up goes on there. What is still in
    /// flight is as after a crash.
    async fn hand_over(&mut self) -> Result<Report> {
        // Before anything is dropped: runs below do as this one does.
        self.lost.stay();
        self.in_flight.clear();
        self.running.clear();
        self.suspend().await
    }

    /// Gives back what only a run that is driven holds.
    async fn leave(&mut self) -> Result<()> {
        if let Some(above) = &self.above {
            above.tell(&self.run);
        }
        let runtime = &self.core.runtime;
        runtime.ledger.close(&self.own_budget()).await;
        runtime.journal.release(&self.lease).await
    }

    /// The account that this run has opened: its own and everything's under it.
    fn own_budget(&self) -> BudgetKey {
        BudgetKey::run_tree(&self.lease.scope, self.run.id())
    }

    async fn report(&mut self) -> Report {
        let text = self.run.output().map(|message| message.text()).unwrap_or_default();
        // The run above reads placeholders of the same tree.
        let (text, value) = if self.above.is_some() {
            (text, plain_value(&self.run))
        } else {
            let text = self.guard.reveal(&text, &self.asked_text);
            (text, value_of(&self.run, &self.guard, &self.asked_text).await)
        };
        let answer = self.run.output().cloned();
        let mut report = Report::of(&self.run, text, value);
        if let Some(answer) = answer {
            // Bytes that cannot be read do not take the answer with them.
            report.media = self.shelf.media(&answer).await.unwrap_or_default();
        }
        report
    }

    fn so_far(&self) -> SoFar {
        SoFar {
            turns: self.run.turns(),
            usage: self.run.usage(),
            cost: self.run.cost(),
            messages: Arc::clone(self.run.messages()),
        }
    }

    /// What of its instructions may not come out, where that is looked at.
    fn leak(&self) -> Option<&Arc<RunLeak>> {
        let leaks = self.core.leaks.as_ref()?;
        self.leak.get_or_init(|| leaks.of_run(&self.run)).as_ref()
    }

    fn stage_context(&self, effect: EffectId) -> StageContext {
        StageContext {
            scope: self.lease.scope.clone(),
            run: self.run.id(),
            agent: Arc::clone(&self.run.definition().agent),
            effect,
            guard: Arc::clone(&self.guard),
            leak: self.leak().cloned(),
            computed: self.core.pipeline.computed,
        }
    }
}

impl Drop for Drive {
    /// A run whose future was dropped is cancelled: what is in flight ends, its cost is booked,
    /// its history stays usable. One below a run that is handed over is left as it stands.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if self.stays() || self.control.leaving() {
            return self.stay_dropped();
        }
        let request = CancelRequested {
            reason: CancelReason::Caller,
            by: self.lease.scope.principal().into(),
            note: "dropped".into(),
        };
        let end = End::plain(Status::Cancelled, EndReason::Cancelled);
        let (below, ending) = (self.waiting_below(), request.clone());
        // A journal that fails now has already told whoever waited for it.
        let noted = self
            .note(Event::CancelRequested(request))
            .and_then(|()| self.abort_in_flight())
            .and_then(|()| self.give_up(&below))
            .and_then(|()| self.note(Event::RunFinished(end)))
            .and_then(|()| {
                self.outbox.summary = Some(self.summary());
                self.remember();
                self.flush()
            });
        // Refused, it is somebody else's run by now, and so is what waits below it.
        let below = if noted.is_ok() { below } else { Vec::new() };
        if let Some(above) = &self.above {
            above.tell(&self.run);
        }
        let runtime = self.core.runtime.clone();
        let (lease, budget) = (self.lease.clone(), self.own_budget());
        let tasks = Arc::clone(&runtime.tasks);
        tasks.spawn(Box::pin(async move {
            runtime.ledger.close(&budget).await;
            let _ = runtime.journal.release(&lease).await;
            for (_, child) in below {
                let _ = below::ended_below(&runtime, &lease.scope, child, &ending).await;
            }
        }));
    }
}
