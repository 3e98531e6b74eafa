//! The second half of an exchange, where the reply is a stream of events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::BoxStream;
use largestack_ports::model::ModelEvent;
use largestack_types::errors::{LargestackError, Result};
use largestack_wire::{Accumulator, DecodeError, Decoder, Frame, Frames, Target, WireEvent};

use super::send::Sent;
use super::whole;
use crate::job::Job;
use crate::route::There;

/// A reply as it comes in.
pub(super) struct Incoming {
    /// `None` once it has ended.
    body: Option<BoxStream<'static, Result<Bytes>>>,
    frames: Frames,
    decoding: Decoding,
    target: Target,
    job: Arc<Job>,
    /// What ends the reply, behind the deltas that came before it.
    end: Option<Result<ModelEvent>>,
    /// Whether anybody hears the deltas: some servers stream to nobody.
    listened: bool,
}

/// What frames become.
struct Decoding {
    decoder: Box<dyn Decoder + Send>,
    accumulator: Accumulator,
    deltas: VecDeque<ModelEvent>,
    /// The provider has reported tokens.
    counted: Option<largestack_types::usage::Usage>,
    failed: Option<DecodeError>,
}

impl Decoding {
    fn frame(&mut self, frame: Frame<'_>) {
        if self.failed.is_none() {
            let Self { decoder, accumulator, deltas, counted, .. } = self;
            let mut take = |event: WireEvent<'_>| took(&event, accumulator, deltas, counted);
            self.failed = decoder.push(frame, &mut take).err();
        }
    }

    fn finish(&mut self) -> Result<(), DecodeError> {
        let Self { decoder, accumulator, deltas, counted, .. } = self;
        decoder.finish(&mut |event| took(&event, accumulator, deltas, counted))
    }
}

fn took(
    event: &WireEvent<'_>,
    accumulator: &mut Accumulator,
    deltas: &mut VecDeque<ModelEvent>,
    counted: &mut Option<largestack_types::usage::Usage>,
) {
    if let WireEvent::Usage { usage, .. } = event {
        *counted = Some(*usage);
    }
    deltas.extend(accumulator.push_live(event).map(ModelEvent::Delta));
}

impl Incoming {
    pub(super) fn new(sent: Sent, there: &There, job: Arc<Job>, listened: bool) -> Self {
        Self {
            frames: Frames::new(there.wire.framing(sent.mode)),
            decoding: Decoding {
                decoder: sent.decoder,
                accumulator: Accumulator::new(),
                deltas: VecDeque::new(),
                counted: None,
                failed: None,
            },
            target: there.target.clone(),
            body: Some(sent.body),
            job,
            end: None,
            listened,
        }
    }

    /// The next delta, or the end.
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ModelEvent>>> {
        loop {
            if !self.listened {
                self.decoding.deltas.clear();
            } else if let Some(delta) = self.decoding.deltas.pop_front() {
                return Poll::Ready(Some(Ok(delta)));
            }
            let Some(body) = &mut self.body else { return Poll::Ready(self.end.take()) };
            match futures::ready!(body.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => self.chunk(&chunk),
                Some(Err(broken)) => self.finish(Some(broken)),
                None => self.finish(None),
            }
        }
    }

    fn chunk(&mut self, chunk: &[u8]) {
        let Self { frames, decoding, .. } = self;
        let parsed = frames.push(chunk, &mut |frame| decoding.frame(frame));
        if let Some(counted) = decoding.counted.take() {
            self.job.notes().usage = Some(counted);
        }
        let lost = parsed.err().or_else(|| self.decoding.failed.take());
        if let Some(lost) = lost {
            self.over(Err(lost.at(&self.target)));
        } else if let Some(fault) = self.decoding.accumulator.fault() {
            let fault = fault.clone();
            self.over(Err(fault));
        }
    }

    /// The body is over, perhaps because the connection broke. When the reply was complete by
    /// then nothing is lost: some servers never close the stream properly.
    fn finish(&mut self, broken: Option<LargestackError>) {
        let Self { frames, decoding, .. } = self;
        let ended = frames
            .finish(&mut |frame| decoding.frame(frame))
            .and_then(|()| decoding.failed.take().map_or(Ok(()), Err))
            .and_then(|()| decoding.finish());
        let mut notes = self.job.notes();
        if let Some(counted) = decoding.counted.take() {
            notes.usage = Some(counted);
        }
        let outcome = std::mem::take(&mut decoding.accumulator).finish();
        let end = match (whole::answer(outcome, &mut notes), ended) {
            (Err(fault), _) => Err(fault),
            (Ok(_), Err(error)) => Err(broken.unwrap_or_else(|| error.at(&self.target))),
            (Ok(answer), Ok(())) => Ok(ModelEvent::Done(answer)),
        };
        drop(notes);
        self.over(end);
    }

    fn over(&mut self, end: Result<ModelEvent>) {
        self.body = None;
        self.end = Some(end);
    }
}
