//! What reaches a run from outside while it waits: cancellation, the kill switch, time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::task::AtomicWaker;
use largestack_engine::event::{CancelReason, CancelRequested};
use largestack_ports::clock::Clock;
use largestack_ports::switch::{Switch, Thrown};
use largestack_types::scope::Scope;

use crate::options::{Asked, CancelHandle};

/// The share of the time limit that is kept for one last turn, in percent, and the most it is.
const LAST_TURN_SHARE: u32 = 20;
const LAST_TURN_MOST: Duration = Duration::from_secs(15);

/// How long what is in flight may take when a run is handed over.
const LEAVING: Duration = Duration::from_secs(5);

/// Something from outside.
pub(super) enum Signal {
    /// Somebody asked for the end, or threw the kill switch.
    Cancel(CancelRequested),
    /// The run is to be handed over: nothing new is started.
    Leave,
    /// What is in flight has had its time to land before that.
    Left,
    /// Only the time of the last turn is left.
    Soft,
    /// Time is up.
    Hard,
}

/// Rings when something from outside may have come: until then nothing is looked at, however often
/// the run itself wakes up.
struct Bell {
    rung: AtomicBool,
    driver: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.driver.wake();
    }
}

/// The futures a run listens to beside its effects.
pub(super) struct Control {
    bell: Arc<Bell>,
    /// The bell, as futures ring it.
    waker: Waker,
    asked: Option<BoxFuture<'static, Option<Asked>>>,
    /// The time to land, once the run is to be handed over.
    left: Option<BoxFuture<'static, ()>>,
    leaving: bool,
    clock: Arc<dyn Clock>,
    kill: Option<BoxFuture<'static, Thrown>>,
    soft: Option<BoxFuture<'static, ()>>,
    hard: Option<BoxFuture<'static, ()>>,
    /// Whether [`Signal::Soft`] has been given.
    pub(super) soft_passed: bool,
}

impl Control {
    pub(super) fn new(
        handle: &CancelHandle,
        switch: &Arc<dyn Switch>,
        scope: &Scope,
        clock: &Arc<dyn Clock>,
        time_left: Option<Duration>,
    ) -> Self {
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), driver: AtomicWaker::new() });
        Self {
            waker: Waker::from(Arc::clone(&bell)),
            bell,
            asked: Some(Box::pin(handle.asked())),
            left: None,
            leaving: false,
            clock: Arc::clone(clock),
            kill: Some(switch.wait(scope)),
            soft: time_left.map(|total| clock.sleep(total.saturating_sub(last_turn(total)))),
            hard: time_left.map(|total| clock.sleep(total)),
            soft_passed: false,
        }
    }

    /// Whether the run is to be handed over.
    pub(super) const fn leaving(&self) -> bool {
        self.leaving
    }

    /// Counts time anew.
    pub(super) fn restart(&mut self, clock: &Arc<dyn Clock>, time_left: Option<Duration>) {
        self.soft = time_left.map(|total| clock.sleep(total.saturating_sub(last_turn(total))));
        self.hard = time_left.map(|total| clock.sleep(total));
        self.soft_passed = false;
        self.bell.rung.store(true, Ordering::Release);
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        // Before it is looked: what comes in between wakes the driver.
        self.bell.driver.register(cx.waker());
        if !self.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let waker = self.waker.clone();
        let signal = self.look(&mut Context::from_waker(&waker));
        if signal.is_ready() {
            // The others have not been looked at.
            self.bell.rung.store(true, Ordering::Release);
        }
        signal
    }

    fn look(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        if let Some(kill) = &mut self.kill
            && let Poll::Ready(thrown) = kill.poll_unpin(cx)
        {
            self.kill = None;
            return Poll::Ready(Signal::Cancel(of_switch(&thrown)));
        }
        if let Some(asked) = &mut self.asked
            && let Poll::Ready(request) = asked.poll_unpin(cx)
        {
            self.asked = None;
            match request {
                Some(Asked::End(request)) => return Poll::Ready(Signal::Cancel(request)),
                Some(Asked::Leave) => {
                    self.left = Some(self.clock.sleep(LEAVING));
                    self.leaving = true;
                    return Poll::Ready(Signal::Leave);
                }
                None => {}
            }
        }
        if let Some(left) = &mut self.left
            && left.poll_unpin(cx).is_ready()
        {
            self.left = None;
            return Poll::Ready(Signal::Left);
        }
        if let Some(hard) = &mut self.hard
            && hard.poll_unpin(cx).is_ready()
        {
            (self.hard, self.soft) = (None, None);
            self.soft_passed = true;
            return Poll::Ready(Signal::Hard);
        }
        if let Some(soft) = &mut self.soft
            && soft.poll_unpin(cx).is_ready()
        {
            self.soft = None;
            self.soft_passed = true;
            return Poll::Ready(Signal::Soft);
        }
        Poll::Pending
    }
}

/// The part of the time that is kept for one last turn.
fn last_turn(total: Duration) -> Duration {
    (total * LAST_TURN_SHARE / 100).min(LAST_TURN_MOST)
}

/// The request that a thrown switch is.
pub(super) fn of_switch(thrown: &Thrown) -> CancelRequested {
    CancelRequested {
        reason: CancelReason::KillSwitch,
        by: thrown.by.as_str().into(),
        note: thrown.reason.as_str().into(),
    }
}
