//! The body of a reply, with a limit on each wait and on the whole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use largestack_ports::transport::Timeouts;
use largestack_types::errors::Result;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::fault;

/// A body that ends with an error when a chunk, or its end, does not come in time.
pub(crate) struct TimedBody<S> {
    chunks: S,
    provider: Arc<str>,
    timeouts: Timeouts,
    /// When the whole exchange must be over.
    end: Instant,
    /// Made at the first wait: a body that is already there costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    over: bool,
}

impl<S> TimedBody<S> {
    pub(crate) fn new(chunks: S, provider: Arc<str>, timeouts: Timeouts, end: Instant) -> Self {
        Self { chunks, provider, timeouts, end, timer: None, waiting: false, over: false }
    }

    /// Whether a wait has lasted too long; starts one where none is under way.
    fn waited_too_long(&mut self, cx: &mut Context<'_>) -> Option<(&'static str, Duration)> {
        let timer = if let Some(timer) = &mut self.timer {
            if !self.waiting {
                timer.as_mut().reset((Instant::now() + self.timeouts.idle).min(self.end));
            }
            timer
        } else {
            let until = (Instant::now() + self.timeouts.idle).min(self.end);
            self.timer.insert(Box::pin(sleep_until(until)))
        };
        self.waiting = true;
        match timer.as_mut().poll(cx) {
            Poll::Pending => None,
            Poll::Ready(()) if timer.deadline() >= self.end => Some(self.whole()),
            Poll::Ready(()) => Some(("next chunk", self.timeouts.idle)),
        }
    }

    const fn whole(&self) -> (&'static str, Duration) {
        ("the whole reply", self.timeouts.total)
    }
}

impl<S: Stream<Item = reqwest::Result<Bytes>> + Unpin> Stream for TimedBody<S> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let late = match Pin::new(&mut this.chunks).poll_next(cx) {
            // A provider that never pauses is cut off here, not by the timer.
            Poll::Ready(Some(Ok(_))) if Instant::now() >= this.end => Some(this.whole()),
            Poll::Ready(Some(Ok(chunk))) => {
                this.waiting = false;
                return Poll::Ready(Some(Ok(chunk)));
            }
            Poll::Ready(Some(Err(error))) => {
                this.over = true;
                let error = fault::of(&this.provider, &error, this.timeouts.connect);
                return Poll::Ready(Some(Err(error)));
            }
            Poll::Ready(None) => {
                this.over = true;
                return Poll::Ready(None);
            }
            Poll::Pending => this.waited_too_long(cx),
        };
        match late {
            None => Poll::Pending,
            Some((phase, after)) => {
                this.over = true;
                Poll::Ready(Some(Err(fault::timeout(&this.provider, phase, after))))
            }
        }
    }
}
