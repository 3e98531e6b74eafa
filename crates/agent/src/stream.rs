//! A run as a stream of what happens in it. The stream owns the run: it goes on only while
//! somebody polls, and dropping it cancels the work and settles the cost.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use futures::future::BoxFuture;
use largestack_types::delta::Delta;
use largestack_types::errors::Result;
use largestack_types::id::{EffectId, RunId};
use tokio::sync::mpsc;

use crate::event::{Below, RunEvent};
use crate::partial::Partial;
use crate::report::Report;
use crate::runs::Log;

/// Events that may wait for a slow listener before the run waits too.
const BACKLOG: usize = 64;

/// Where a driver tells what happens.
#[derive(Clone)]
pub(crate) struct Sink {
    ear: Ear,
    /// Whether replies are told by their facts alone, and so are asked for whole.
    whole: bool,
    /// The run that speaks, where it is below the one that is listened to.
    by: Option<Arc<Speaker>>,
}

/// A run below, as the one above it hands on what it says.
struct Speaker {
    call: EffectId,
    run: RunId,
    agent: Arc<str>,
    above: Option<Arc<Speaker>>,
}

#[derive(Clone)]
enum Ear {
    /// Whoever owns the run: it waits while they are slow.
    Owner(mpsc::Sender<RunEvent>),
    /// The log of a detached run, which never waits.
    Log(Arc<Log>),
}

/// Nobody listens any more.
pub(crate) struct Gone;

impl Sink {
    /// The log of a detached run; of one that is told `whole`, without pieces of replies.
    pub(crate) const fn log(log: Arc<Log>, whole: bool) -> Self {
        Self { ear: Ear::Log(log), whole, by: None }
    }

    /// Whoever listens piece by piece; the run waits while they are slow.
    pub(crate) const fn owner(owner: mpsc::Sender<RunEvent>) -> Self {
        Self { ear: Ear::Owner(owner), whole: false, by: None }
    }

    /// The same for whoever wants to hear replies piece by piece.
    pub(crate) fn of_pieces(sink: Option<&Self>) -> Option<Self> {
        sink.filter(|sink| !sink.whole).cloned()
    }

    /// The same listener for a run that a call of this one has started.
    pub(crate) fn below(&self, call: EffectId, run: RunId, agent: Arc<str>) -> Self {
        let by = Speaker { call, run, agent, above: self.by.clone() };
        Self { by: Some(Arc::new(by)), ..self.clone() }
    }

    pub(crate) async fn send(&self, mut event: RunEvent) -> std::result::Result<(), Gone> {
        let mut by = self.by.as_ref();
        while let Some(Speaker { call, run, agent, above }) = by.map(|by| &**by) {
            let agent = Arc::clone(agent);
            event = RunEvent::Below(Box::new(Below { call: *call, run: *run, agent, event }));
            by = above.as_ref();
        }
        match &self.ear {
            Ear::Owner(owner) => owner.send(event).await.map_err(|_| Gone),
            Ear::Log(log) => {
                log.push(event);
                Ok(())
            }
        }
    }
}

/// A run under way. Yields events; [`RunStream::report`] is there when they end.
#[must_use = "a run goes on only while its stream is polled"]
pub struct RunStream {
    driver: Option<BoxFuture<'static, Result<Report>>>,
    events: mpsc::Receiver<RunEvent>,
    report: Option<Result<Report>>,
}

impl RunStream {
    /// A run that `drive` drives; `whole` where it tells no pieces of replies.
    pub(crate) fn new(
        whole: bool,
        drive: impl FnOnce(Sink) -> BoxFuture<'static, Result<Report>>,
    ) -> Self {
        let (owner, events) = mpsc::channel(BACKLOG);
        let sink = Sink { ear: Ear::Owner(owner), whole, by: None };
        Self { driver: Some(drive(sink)), events, report: None }
    }

    /// What the run came to, once the stream has ended; the error of one that could not begin.
    pub fn report(&mut self) -> Option<Result<Report>> {
        self.report.take()
    }

    /// The answer's value while it is written: what is complete, and strings, lists and objects as
    /// they grow; nothing is invented. A value of which no `T` can be made yet is passed over: with
    /// `serde_json::Value` none is. An answer that is sent back or begun again starts over.
    pub fn partial<T: serde::de::DeserializeOwned>(&mut self) -> Partial<'_, T> {
        Partial::new(self)
    }

    /// Only the words of the answer, piece by piece, and none of runs below. Those of an attempt that
    /// was abandoned stay said: [`RunEvent::AttemptAbandoned`] is what tells. The report is there when they end.
    pub fn text(&mut self) -> impl Stream<Item = String> + Send + '_ {
        use futures::StreamExt as _;
        self.filter_map(|event| {
            std::future::ready(match event {
                RunEvent::Delta { delta: Delta::Text { text }, .. } => Some(text),
                _ => None,
            })
        })
    }

    /// Drains the stream and says what the run came to.
    pub async fn finish(mut self) -> Result<Report> {
        use futures::StreamExt as _;
        while self.next().await.is_some() {}
        match self.report.take() {
            Some(report) => report,
            // The stream ends only after the driver has; a second `finish` cannot happen.
            None => Err(largestack_types::errors::LargestackError::other(
                largestack_types::error::Code::Unknown,
                "the run's report was taken before",
            )),
        }
    }
}

impl std::fmt::Debug for RunStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunStream").field("over", &self.driver.is_none()).finish_non_exhaustive()
    }
}

impl Stream for RunStream {
    type Item = RunEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<RunEvent>> {
        loop {
            match self.events.poll_recv(cx) {
                Poll::Ready(Some(event)) => return Poll::Ready(Some(event)),
                // Every sender is gone with the driver, and the queue is empty.
                Poll::Ready(None) if self.driver.is_none() => return Poll::Ready(None),
                // The runtime asks for a pause; the queue need not be empty.
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
