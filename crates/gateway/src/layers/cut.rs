//! A stream that something from outside may end: a switch, a deadline.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use largestack_ports::BoxFuture;
use largestack_ports::model::ModelEvent;
use largestack_types::errors::{LargestackError, Result};

/// What may end a stream.
pub(crate) trait Watch: Unpin {
    /// What has come when the stream must end.
    type Came: 'static;

    /// Waits until the stream must end; `None` when nothing can end it.
    fn wait(&self) -> Option<BoxFuture<'static, Self::Came>>;

    /// Why it must.
    fn why(&self, came: Self::Came) -> LargestackError;
}

/// A stream under watch.
pub(crate) struct Cut<S, W: Watch> {
    /// `None` once it was cut off.
    events: Option<S>,
    watch: W,
    /// Begun at the first wait: a reply that is already there costs no watcher.
    wait: Option<BoxFuture<'static, W::Came>>,
}

impl<S, W: Watch> Cut<S, W> {
    pub(crate) const fn new(events: S, watch: W) -> Self {
        Self { events: Some(events), watch, wait: None }
    }
}

impl<S, W> Stream for Cut<S, W>
where
    S: Stream<Item = Result<ModelEvent>> + Unpin,
    W: Watch,
{
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(events) = &mut this.events else { return Poll::Ready(None) };
        // Asked before the stream: one that always has something would never be cut off.
        let mut over = this.wait.as_mut().map_or(Poll::Pending, |wait| wait.as_mut().poll(cx));
        if over.is_pending() {
            if let Poll::Ready(event) = Pin::new(events).poll_next(cx) {
                return Poll::Ready(event);
            }
            if this.wait.is_none() {
                this.wait = this.watch.wait();
                over = this.wait.as_mut().map_or(Poll::Pending, |wait| wait.as_mut().poll(cx));
            }
        }
        over.map(|came| {
            let error = this.watch.why(came);
            // Dropped first, so that the books are settled when the error is seen.
            this.events = None;
            Some(Err(error))
        })
    }
}
