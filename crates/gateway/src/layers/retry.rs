//! Layer 5: the same model again, after a transient failure and before anything was delivered.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::ids::Ids;
use largestack_ports::model::ModelEvent;
use largestack_types::errors::{LargestackError, Result};
use tower::Service;

use crate::fault::{Class, class};
use crate::job::Ask;
use crate::step::Step;

/// When and how often a transient failure is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The wait after the first failure; doubles with each. The true wait is drawn between half
    /// of it and all of it.
    pub first_wait: Duration,
    /// The longest wait of our own choice.
    pub longest_wait: Duration,
    /// The longest wait that a provider may ask for; when it asks for more, the call fails.
    pub longest_asked: Duration,
    /// Retries that may be saved up over all calls. Each costs one, each success earns a tenth:
    /// when everything fails, retries must not multiply the load.
    pub saved: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(8),
            longest_asked: Duration::from_secs(30),
            saved: 20,
        }
    }
}

/// Tenths of a retry.
const ONE: u32 = 10;

/// Tries again.
#[derive(Clone)]
pub(crate) struct Retry<S> {
    shared: Arc<Shared>,
    inner: S,
}

struct Shared {
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    /// Retries saved up, in tenths.
    saved: AtomicU32,
}

impl Shared {
    fn spend(&self) -> bool {
        let less = |saved: u32| saved.checked_sub(ONE);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn earn(&self) {
        let most = self.policy.saved.saturating_mul(ONE);
        // Usually full: then nothing is written, which all threads would wait for.
        if self.saved.load(Ordering::Relaxed) < most {
            self.saved.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How long to wait after this many failures; `None` when waiting is no use.
    fn wait(&self, failures: u32, asked_ms: Option<u64>) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let own = self.policy.first_wait.saturating_mul(doubled).min(self.policy.longest_wait);
        let half = own / 2;
        let own = half + half.mul_f64(self.draw());
        let Some(asked) = asked_ms.map(Duration::from_millis) else { return Some(own) };
        // A little later than asked, each at another moment, or all come back at once.
        (asked <= self.policy.longest_asked).then(|| asked + asked.mul_f64(self.draw() / 10.0))
    }

    /// A number from 0 up to 1.
    fn draw(&self) -> f64 {
        let mut random = [0; 4];
        self.ids.fill(&mut random);
        f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX)
    }
}

impl<S> Retry<S> {
    pub(crate) fn new(
        policy: RetryPolicy,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        inner: S,
    ) -> Self {
        let saved = AtomicU32::new(policy.saved.saturating_mul(ONE));
        Self { shared: Arc::new(Shared { policy, clock, ids, saved }), inner }
    }
}

/// The reply of the last attempt.
pub(crate) struct Retrying<S: Step> {
    inner: S,
    shared: Arc<Shared>,
    ask: Ask,
    failures: u32,
    delivered: bool,
    state: State<S::Events>,
}

enum State<E> {
    Running(E),
    Waiting(BoxFuture<'static, ()>),
}

impl<S: Step> Retrying<S> {
    /// Begins to wait for the next attempt, or hands the error back.
    fn wait(&mut self, error: LargestackError) -> Result<(), LargestackError> {
        self.failures += 1;
        let again = !self.delivered
            && class(&error) == Class::Transient
            && self.failures < self.shared.policy.attempts;
        if !again {
            return Err(error);
        }
        let asked = match &error {
            LargestackError::ProviderRateLimitError(limit) => limit.retry_after_ms,
            _ => self.ask.job.notes().retry_after_ms,
        };
        let Some(wait) = self.shared.wait(self.failures, asked) else { return Err(error) };
        let in_time = self
            .ask
            .job
            .context
            .deadline
            .is_none_or(|deadline| self.shared.clock.now().plus(wait) < deadline);
        if !in_time || !self.shared.spend() {
            return Err(error);
        }
        self.ask.job.notes().bill.failed_attempts.push((self.ask.route.name.clone(), error));
        self.state = State::Waiting(self.shared.clock.sleep(wait));
        Ok(())
    }
}

impl<S: Step> Service<Ask> for Retry<S> {
    type Response = Retrying<S>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let mut inner = self.inner.clone();
        ready(inner.begin(ask.clone()).map(|events| Retrying {
            inner,
            shared: self.shared.clone(),
            ask,
            failures: 0,
            delivered: false,
            state: State::Running(events),
        }))
    }
}

impl<S: Step> Stream for Retrying<S> {
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let failed = match &mut this.state {
                State::Running(events) => match futures::ready!(Pin::new(events).poll_next(cx)) {
                    Some(Err(error)) => error,
                    event => {
                        match &event {
                            Some(Ok(ModelEvent::Done(_))) => this.shared.earn(),
                            Some(Ok(_)) => this.delivered = true,
                            _ => {}
                        }
                        return Poll::Ready(event);
                    }
                },
                State::Waiting(wait) => {
                    futures::ready!(wait.as_mut().poll(cx));
                    match this.inner.begin(this.ask.clone()) {
                        Ok(events) => {
                            this.state = State::Running(events);
                            continue;
                        }
                        Err(error) => error,
                    }
                }
            };
            if let Err(error) = this.wait(failed) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
