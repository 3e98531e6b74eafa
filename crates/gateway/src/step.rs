//! What all layers are: tower services whose reply *is* the call. A layer answers at once with a
//! stream that does the work when it is polled, so that there is one thing to wrap, and what ends
//! a call (a switch, a deadline, a drop) ends its beginning as well as its body.

use std::future::Ready;

use futures::Stream;
use largestack_ports::model::ModelEvent;
use largestack_types::errors::{LargestackError, Result};
use tower::Service;

use crate::job::Ask;

/// A layer, or the end of the stack: always ready, and its future is, too.
pub(crate) trait Step:
    Service<
        Ask,
        Response = <Self as Step>::Events,
        Error = LargestackError,
        Future = Ready<Result<<Self as Step>::Events>>,
    > + Clone
    + Send
    + Unpin
    + 'static
{
    /// The reply.
    type Events: Stream<Item = Result<ModelEvent>> + Send + Unpin + 'static;

    /// [`Service::call`] without the future around it.
    fn begin(&mut self, ask: Ask) -> Result<Self::Events> {
        self.call(ask).into_inner()
    }
}

impl<S, E> Step for S
where
    S: Service<Ask, Response = E, Error = LargestackError, Future = Ready<Result<E>>>
        + Clone
        + Send
        + Unpin
        + 'static,
    E: Stream<Item = Result<ModelEvent>> + Send + Unpin + 'static,
{
    type Events = E;
}
