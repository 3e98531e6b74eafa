//! A run of a workflow as a stream of what happens in it. The stream owns the run: it goes on only
//! while somebody polls, and dropping it cancels the work.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use futures::future::BoxFuture;
use largestack_types::errors::{Code, LargestackError, Result};
use tokio::sync::mpsc;

use crate::event::FlowEvent;
use crate::report::FlowReport;
use crate::runs::Log;

/// Events that may wait for a slow listener before the run waits too.
const BACKLOG: usize = 64;

/// Where a driver tells what happens.
#[derive(Clone)]
pub(crate) enum Sink {
    /// Whoever owns the run: it waits while they are slow.
    Owner(mpsc::Sender<FlowEvent>),
    /// The log of a detached run, which never waits.
    Log(Arc<Log>),
}

impl Sink {
    /// Tells; `false` where nobody listens any more.
    pub(crate) async fn send(&self, event: FlowEvent) -> bool {
        match self {
            Self::Owner(owner) => owner.send(event).await.is_ok(),
            Self::Log(log) => {
                log.push(event);
                true
            }
        }
    }
}

/// A run under way. Yields events; [`FlowStream::finish`] says what it came to.
#[must_use = "a run goes on only while its stream is polled"]
pub struct FlowStream {
    driver: Option<BoxFuture<'static, Result<FlowReport>>>,
    events: mpsc::Receiver<FlowEvent>,
    report: Option<Result<FlowReport>>,
}

impl FlowStream {
    pub(crate) fn new(drive: impl FnOnce(Sink) -> BoxFuture<'static, Result<FlowReport>>) -> Self {
        let (sink, events) = mpsc::channel(BACKLOG);
        Self { driver: Some(drive(Sink::Owner(sink))), events, report: None }
    }

    /// What the run came to, once the stream has ended; the error of one that could not begin.
    pub fn report(&mut self) -> Option<Result<FlowReport>> {
        self.report.take()
    }

    /// Drains the stream and says what the run came to.
    pub async fn finish(mut self) -> Result<FlowReport> {
        use futures::StreamExt as _;
        while self.next().await.is_some() {}
        self.report.take().unwrap_or_else(|| {
            Err(LargestackError::other(Code::Unknown, "the run's report was taken before"))
        })
    }
}

impl std::fmt::Debug for FlowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlowStream").field("over", &self.driver.is_none()).finish_non_exhaustive()
    }
}

impl Stream for FlowStream {
    type Item = FlowEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FlowEvent>> {
        loop {
            match self.events.poll_recv(cx) {
                Poll::Ready(Some(event)) => return Poll::Ready(Some(event)),
                // Every sender is gone with the driver, and the queue is empty.
                Poll::Ready(None) if self.driver.is_none() => return Poll::Ready(None),
                Poll::Pending if self.driver.is_none() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => {}
            }
            let Some(driver) = &mut self.driver else { continue };
            let Poll::Ready(report) = driver.as_mut().poll(cx) else {
                // The driver may have spoken just now, after the queue was looked at.
                return match self.events.poll_recv(cx) {
                    Poll::Ready(Some(event)) => Poll::Ready(Some(event)),
                    _ => Poll::Pending,
                };
            };
            self.report = Some(report);
            self.driver = None;
        }
    }
}
