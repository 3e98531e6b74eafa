//! What reaches a run from outside while it waits: cancellation, the kill switch, time.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use largestack_agent::{CancelHandle, Runtime};
use largestack_engine::event::{CancelReason, CancelRequested};
use largestack_ports::switch::Thrown;
use largestack_types::scope::Scope;

/// Something from outside.
pub(crate) enum Signal {
    /// Somebody asked for the end, or threw the kill switch.
    Cancel(CancelRequested),
    /// Time is up.
    TimeIsUp,
}

/// The futures a run listens to beside its tasks.
pub(crate) struct Control {
    cancel: Option<BoxFuture<'static, Option<CancelRequested>>>,
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
            cancel: Some(Box::pin(handle.requested())),
            kill: Some(runtime.switch.wait(scope)),
            time: time_left.map(|left| runtime.clock.sleep(left)),
        }
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
        if let Some(cancel) = &mut self.cancel
            && let Poll::Ready(request) = cancel.poll_unpin(cx)
        {
            self.cancel = None;
            if let Some(request) = request {
                return Poll::Ready(Signal::Cancel(request));
            }
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
