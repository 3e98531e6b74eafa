//! What reaches a run from outside while it waits: cancellation, the kill switch, time.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use largestack_agent::options::Asked;
use largestack_agent::{CancelHandle, Runtime};
use largestack_engine::event::{CancelReason, CancelRequested};
use largestack_ports::clock::Clock;
use largestack_ports::switch::Thrown;
use largestack_types::scope::Scope;

/// How long what is in flight may take when a run is handed over.
const LEAVING: Duration = Duration::from_secs(5);

/// Something from outside.
pub(crate) enum Signal {
    /// Somebody asked for the end, or threw the kill switch.
    Cancel(CancelRequested),
    /// The run is to be handed over: nothing new is started.
    Leave,
    /// What is in flight has had its time to land before that.
    Left,
    /// Time is up.
    TimeIsUp,
}

/// The futures a run listens to beside its tasks.
pub(crate) struct Control {
    asked: Option<BoxFuture<'static, Option<Asked>>>,
    /// The time to land, once the run is to be handed over.
    left: Option<BoxFuture<'static, ()>>,
    leaving: bool,
    clock: Arc<dyn Clock>,
    kill: Option<BoxFuture<'static, Thrown>>,
    time: Option<BoxFuture<'static, ()>>,
}

impl Control {
    pub(crate) fn new(
        handle: &CancelHandle,
        runtime: &Runtime,
        scope: &Scope,
        time_left: Option<Duration>,
    ) -> Self {
        Self {
            asked: Some(Box::pin(handle.asked())),
            left: None,
            leaving: false,
            clock: Arc::clone(&runtime.clock),
            kill: Some(runtime.switch.wait(scope)),
            time: time_left.map(|left| runtime.clock.sleep(left)),
        }
    }

    /// Whether the run is to be handed over.
    pub(crate) const fn leaving(&self) -> bool {
        self.leaving
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        if let Some(kill) = &mut self.kill
            && let Poll::Ready(thrown) = kill.poll_unpin(cx)
        {
            self.kill = None;
            let (by, note) = (Arc::from(thrown.by), Arc::from(thrown.reason));
            let reason = CancelReason::KillSwitch;
            return Poll::Ready(Signal::Cancel(CancelRequested { reason, by, note }));
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
        if let Some(time) = &mut self.time
            && time.poll_unpin(cx).is_ready()
        {
            self.time = None;
            return Poll::Ready(Signal::TimeIsUp);
        }
        Poll::Pending
    }
}
