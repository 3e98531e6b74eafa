//! Layer 6: a model that fails again and again is spared for a while, then asked once; so is a
//! provider that cannot be reached.
//!
//! A circuit stands for a model at a row of the provider table in a region, since that is what
//! breaks: a deployment without capacity, a model that was taken down, one that hangs. The models that
//! an agent falls back to are often at the same provider, and must not be refused with it. Beside it
//! one circuit stands for the row in the region, in which only failures to reach it count (no
//! connection, no TLS, no proxy): they hold for all of its models, so that nobody waits for a
//! connection again for each. Any answer, also an error, says that it is there. A wrong key counts in
//! neither: the caller is told at once, and a call with another key must not be refused for it.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use largestack_ports::clock::Clock;
use largestack_ports::model::ModelEvent;
use largestack_types::errors::{LargestackError, Result};
use tower::Service;

use crate::fault::{Health, health, open_circuit};
use crate::job::Ask;
use crate::route::Served;
use crate::step::Step;

mod circuit;
use circuit::Pass;
pub(crate) use circuit::{Circuit, Circuits, Spared};

/// When a model is spared, and a provider that cannot be reached. One circuit for each model of a row
/// of the provider table in a region, and one for the row in the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Calls in a row that must fail. Wrong requests, wrong keys and rate limits are not failures.
    pub failures: u32,
    /// How long it is spared before one call tries whether it is back.
    pub pause: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(30) }
    }
}

/// Spares who is down.
#[derive(Clone)]
pub(crate) struct Breaker<S> {
    policy: BreakerPolicy,
    clock: Arc<dyn Clock>,
    inner: S,
}

impl<S> Breaker<S> {
    pub(crate) fn new(policy: BreakerPolicy, clock: Arc<dyn Clock>, inner: S) -> Self {
        Self { policy, clock, inner }
    }
}

/// A reply that is watched to its end.
pub(crate) struct Watched<S> {
    events: S,
    /// `None` for a model of this process, and once the call is judged.
    pass: Option<Pass>,
}

impl<S> Watched<S> {
    fn judge(&mut self, health: Health) {
        if let Some(pass) = self.pass.take() {
            pass.conclude(health);
        }
    }
}

impl<S: Step> Service<Ask> for Breaker<S> {
    type Response = Watched<S::Events>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let pass = match &ask.route.served {
            Served::Here(_) | Served::Pool(_) => None,
            Served::There(there) => match there.circuits.enter(self.policy, &self.clock) {
                Ok(pass) => Some(pass),
                Err((spared, wait)) => {
                    let model = (spared == Spared::Model).then_some(&*there.target.model);
                    let failures = self.policy.failures;
                    let who = (&ask.route.provider, model);
                    return ready(Err(open_circuit(who, failures, wait.as_millis())));
                }
            },
        };
        ready(self.inner.begin(ask).map(|events| Watched { events, pass }))
    }
}

impl<S: Stream<Item = Result<ModelEvent>> + Unpin> Stream for Watched<S> {
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = futures::ready!(Pin::new(&mut self.events).poll_next(cx));
        match &event {
            Some(Ok(ModelEvent::Done(_))) => self.judge(Health::Answers),
            Some(Err(error)) => self.judge(health(error)),
            _ => {}
        }
        Poll::Ready(event)
    }
}
