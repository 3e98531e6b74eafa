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
    /// The fence of the lease whose rows are meant; `None` for all.
    under: Option<u64>,
    place: Place,
}

impl Barrier {
    /// Waits for this ticket of a queue in this state.
    pub(super) fn at(queue: &Arc<Queue>, state: &State, ticket: u64) -> Self {
        let (queue, losses) = (Arc::clone(queue), state.losses());
        Self { queue, ticket, losses, under: None, place: None }
    }

    /// Waits for what is queued, as far as it is of the lease with this fence.
    pub(super) fn under(queue: &Arc<Queue>, state: &State, fence: u64) -> Self {
        Self { under: Some(fence), ..Self::at(queue, state, state.last_written()) }
    }

    /// Why what is waited for is not, and will not be, there. What others have lost leaves the rows
    /// of a lease queued, under another ticket.
    fn lost(&mut self, state: &State) -> Option<LargestackError> {
        let Some(fence) = self.under else {
            return state.failure().or_else(|| state.lost_since(self.losses));
        };
        let lost = state.lost_under(fence).or_else(|| state.failure());
        if lost.is_none() && state.losses() != self.losses {
            (self.ticket, self.losses, self.place) = (state.last_written(), state.losses(), None);
        }
        lost
    }
}

impl Future for Barrier {
    type Output = Result<(), LargestackError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let queue = Arc::clone(&this.queue);
        let mut state = queue.lock();
        if let Some(error) = this.lost(&state) {
            return Poll::Ready(Err(error));
        }
        if state.is_committed(this.ticket) {
            return Poll::Ready(Ok(()));
        }
        state.waiters.remember(this.ticket, context.waker(), &mut this.place);
        queue.want(&mut state, this.ticket);
        Poll::Pending
    }
}
