//! The outside of the stack: the bill goes with the answer, or is left for whoever asked when
//! there is none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use largestack_engine::event::CallRecord;
use largestack_ports::model::{Answer, ModelEvent};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::usage::Usage;

use crate::job::Job;

/// The stream that the port hands out.
pub(crate) struct Reply<S> {
    /// `None` once the call is over.
    events: Option<S>,
    job: Arc<Job>,
}

impl<S> Reply<S> {
    pub(crate) fn new(events: S, job: Arc<Job>) -> Self {
        Self { events: Some(events), job }
    }

    /// Ends a call that has no answer: first it settles, then its bill is left.
    fn leave_bill(&mut self) {
        if self.events.take().is_some() {
            let bill = std::mem::take(&mut self.job.notes().bill);
            self.job.context.slot.leave_bill(bill);
        }
    }

    fn answered(&mut self, mut answer: Box<Answer>) -> Result<ModelEvent> {
        self.events = None;
        let bill = std::mem::take(&mut self.job.notes().bill);
        let CallRecord {
            provider,
            cost,
            mut flags,
            mut failed_attempts,
            mut legs,
            usage,
            routed,
            ..
        } = bill;
        let call = &mut answer.call;
        // A model that is a gateway itself has booked what it names.
        call.cost = call.cost.checked_add(cost).map_err(|_| {
            LargestackError::other(Code::Budget, "the cost of a call is out of range")
        })?;
        call.provider = call.provider.take().or(provider);
        call.flags.append(&mut flags);
        failed_attempts.append(&mut call.failed_attempts);
        call.failed_attempts = failed_attempts;
        legs.append(&mut call.legs);
        call.legs = legs;
        call.routed = call.routed.take().or(routed);
        call.usage = Usage::default();
        // Tokens of attempts without an answer, as their money.
        answer.reply.usage = answer.reply.usage.plus(usage);
        Ok(ModelEvent::Done(answer))
    }
}

impl<S: Stream<Item = Result<ModelEvent>> + Unpin> Stream for Reply<S> {
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(events) = &mut self.events else { return Poll::Ready(None) };
        let event = futures::ready!(Pin::new(events).poll_next(cx));
        Poll::Ready(match event {
            Some(Ok(ModelEvent::Done(answer))) => Some(self.answered(answer)),
            Some(Ok(event)) => Some(Ok(event)),
            Some(Err(error)) => {
                self.leave_bill();
                Some(Err(error))
            }
            None => {
                self.leave_bill();
                None
            }
        })
    }
}

impl<S> Drop for Reply<S> {
    fn drop(&mut self) {
        self.leave_bill();
    }
}
