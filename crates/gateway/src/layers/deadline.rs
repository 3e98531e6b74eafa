//! Layer 2: the deadline of a call, over all its attempts and waits.

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_types::errors::{LargestackError, ProviderTimeoutError, Result};
use largestack_types::time::Timestamp;
use tower::Service;

use super::cut::{Cut, Watch};
use crate::job::Ask;
use crate::route::Route;
use crate::step::Step;

/// Refuses calls after their deadline, and stops those that reach it.
#[derive(Clone)]
pub(crate) struct Deadline<S> {
    clock: Arc<dyn Clock>,
    inner: S,
}

impl<S> Deadline<S> {
    pub(crate) fn new(clock: Arc<dyn Clock>, inner: S) -> Self {
        Self { clock, inner }
    }
}

/// Watches the clock for a call.
pub(crate) struct DeadlineWatch {
    clock: Arc<dyn Clock>,
    /// The deadline and when the call began; `None` without a deadline.
    bounds: Option<(Timestamp, Timestamp)>,
    route: Arc<Route>,
}

fn late(route: &Route, after: Duration) -> LargestackError {
    ProviderTimeoutError {
        provider: route.provider.clone(),
        phase: Cow::Borrowed("the whole reply"),
        after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
    }
    .into()
}

impl Watch for DeadlineWatch {
    type Came = ();

    fn wait(&self) -> Option<BoxFuture<'static, ()>> {
        let (deadline, _) = self.bounds?;
        Some(self.clock.sleep(deadline.since(self.clock.now())))
    }

    fn why(&self, (): ()) -> LargestackError {
        let lasted = self.bounds.map(|(deadline, began)| deadline.since(began));
        late(&self.route, lasted.unwrap_or_default())
    }
}

impl<S: Step> Service<Ask> for Deadline<S> {
    type Response = Cut<S::Events, DeadlineWatch>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let bounds = ask.job.context.deadline.map(|deadline| (deadline, self.clock.now()));
        if bounds.is_some_and(|(deadline, now)| now >= deadline) {
            return ready(Err(late(&ask.route, Duration::ZERO)));
        }
        let (clock, route) = (self.clock.clone(), ask.route.clone());
        let watch = DeadlineWatch { clock, bounds, route };
        ready(self.inner.begin(ask).map(|events| Cut::new(events, watch)))
    }
}
