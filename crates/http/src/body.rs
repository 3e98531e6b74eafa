//! The body of a reply, with a limit on each wait and on the whole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use hyper::body::{Body as _, Incoming};
use largestack_ports::transport::Timeouts;
use largestack_types::errors::{LargestackError, Result};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::fault;
use crate::unzip::Unzip;

/// How long is waited for whom.
pub(crate) struct Patience {
    pub(crate) provider: Arc<str>,
    pub(crate) timeouts: Timeouts,
    /// When the whole exchange must be over.
    pub(crate) end: Instant,
}

/// A body that ends with an error when a chunk, or its end, does not come in time, and when more
/// comes than there is room for.
pub(crate) struct TimedBody {
    chunks: Incoming,
    unzip: Option<Unzip>,
    /// Bytes that may still come.
    room: u64,
    most: u64,
    patience: Patience,
    /// Made at the first wait: a body that is already there costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    over: bool,
}

impl TimedBody {
    /// A body of at most `most` bytes, decompressed.
    pub(crate) fn new(
        chunks: Incoming,
        unzip: Option<Unzip>,
        most: u64,
        patience: Patience,
    ) -> Self {
        let (timer, waiting, over) = (None, false, false);
        Self { chunks, unzip, room: most, most, patience, timer, waiting, over }
    }

    /// Whether a wait has lasted too long; starts one where none is under way.
    fn waited_too_long(&mut self, cx: &mut Context<'_>) -> Poll<LargestackError> {
        let timer = if let Some(timer) = &mut self.timer {
            if !self.waiting {
                timer
                    .as_mut()
                    .reset((Instant::now() + self.patience.timeouts.idle).min(self.patience.end));
            }
            timer
        } else {
            let until = (Instant::now() + self.patience.timeouts.idle).min(self.patience.end);
            self.timer.insert(Box::pin(sleep_until(until)))
        };
        self.waiting = true;
        futures::ready!(timer.as_mut().poll(cx));
        Poll::Ready(if timer.deadline() >= self.patience.end {
            self.too_long()
        } else {
            fault::timeout(&self.patience.provider, "next chunk", self.patience.timeouts.idle)
        })
    }

    fn too_long(&self) -> LargestackError {
        fault::timeout(&self.patience.provider, "the whole reply", self.patience.timeouts.total)
    }

    /// The chunk as it was before it was compressed, if there is room for it.
    fn unpacked(&mut self, chunk: Bytes) -> Result<Bytes> {
        let chunk = match &mut self.unzip {
            Some(unzip) => unzip
                .chunk(&chunk)
                .map_err(|error| fault::not_unpacked(&self.patience.provider, &error))?,
            None => chunk,
        };
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let room = self.room.checked_sub(length);
        self.room = room.ok_or_else(|| fault::endless(&self.patience.provider, self.most))?;
        Ok(chunk)
    }

    fn last(&mut self) -> Option<Result<Bytes>> {
        let rest = self.unzip.as_mut()?.end();
        match rest.map_err(|error| fault::not_unpacked(&self.patience.provider, &error)) {
            Ok(rest) if rest.is_empty() => None,
            last => Some(last),
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.chunks).poll_frame(cx) else {
                return self.waited_too_long(cx).map(|late| Some(Err(late)));
            };
            self.waiting = false;
            let frame = match frame {
                None => {
                    self.over = true;
                    return Poll::Ready(self.last());
                }
                // A provider that never pauses is cut off here, not by the timer.
                Some(Ok(_)) if Instant::now() >= self.patience.end => {
                    return Poll::Ready(Some(Err(self.too_long())));
                }
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    return Poll::Ready(Some(Err(fault::broke_off(
                        &self.patience.provider,
                        &error,
                    ))));
                }
            };
            // Trailers are nothing that a provider says something in.
            let Ok(chunk) = frame.into_data() else { continue };
            match self.unpacked(chunk) {
                Ok(chunk) if chunk.is_empty() => {}
                chunk => return Poll::Ready(Some(chunk)),
            }
        }
    }
}

impl Stream for TimedBody {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let chunk = futures::ready!(self.poll_chunk(cx));
        self.over |= !matches!(chunk, Some(Ok(_)));
        Poll::Ready(chunk)
    }
}
