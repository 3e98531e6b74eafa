//! The barrier: a future that ends when everything appended before it is committed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use largestack_types::errors::LargestackError;

use crate::postgres::queue::{Queue, State};
use crate::waiters::Place;

/// Waits for a ticket of the queue.
pub(super) struct Barrier {
    queue: Arc<Queue>,
    ticket: u64,
    /// Losses before: after another one the ticket says nothing.
    losses: u64,
    place: Place,
}

impl Barrier {
    /// Waits for this ticket of a queue in this state.
    pub(super) fn at(queue: &Arc<Queue>, state: &State, ticket: u64) -> Self {
        Self { queue: Arc::clone(queue), ticket, losses: state.losses(), place: None }
    }
}

impl Future for Barrier {
    type Output = Result<(), LargestackError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut state = this.queue.lock();
        if let Some(error) = state.failure().or_else(|| state.lost_since(this.losses)) {
            return Poll::Ready(Err(error));
        }
        if state.is_committed(this.ticket) {
            return Poll::Ready(Ok(()));
        }
        state.waiters.remember(this.ticket, context.waker(), &mut this.place);
        this.queue.want(&mut state, this.ticket);
        Poll::Pending
    }
}
