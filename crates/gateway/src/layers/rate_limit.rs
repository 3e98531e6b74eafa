//! Layer 7: rate limits. An attempt takes what it can use at the most of every limit that applies
//! to it, waits for its turn where the operator says so, and gives back what it did not use.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::{FutureExt as _, Stream};
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::limits::{Limits, Measure, Take};
use largestack_ports::model::ModelEvent;
use largestack_ports::tasks::Tasks;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use tower::Service;

use crate::fault::may_be_charged;
use crate::job::{Ask, Job};
use crate::step::Step;

mod admit;
mod line;
mod policy;

use line::Line;
pub use policy::{RateLimit, RateLimits, WhenReached};

/// Keeps the rate limits.
#[derive(Clone)]
pub(crate) struct RateLimited<S> {
    /// `None` where nothing is limited.
    shared: Option<Arc<Rated>>,
    inner: S,
}

/// What all calls share.
pub(crate) struct Rated {
    limits: Arc<dyn Limits>,
    policy: RateLimits,
    line: Arc<Line>,
    clock: Arc<dyn Clock>,
    tasks: Arc<dyn Tasks>,
}

impl Rated {
    pub(crate) fn new(
        (limits, policy): (Arc<dyn Limits>, RateLimits),
        clock: Arc<dyn Clock>,
        tasks: Arc<dyn Tasks>,
    ) -> Self {
        Self { limits, policy, line: Arc::default(), clock, tasks }
    }

    /// Corrects what was taken, at once where the limits do not have to wait, else beside the
    /// caller; then whoever waits first may try again.
    fn correct(self: &Arc<Self>, takes: Arc<[Take]>, used: Vec<u64>) {
        if self.limits.correct_now(&takes, &used).is_some() {
            self.line.wake(&takes);
            return;
        }
        let shared = self.clone();
        let mut correcting: BoxFuture<'static, ()> = Box::pin(async move {
            // What cannot be given back is earned again within a minute.
            let _lost = shared.limits.correct(&takes, &used).await;
            shared.line.wake(&takes);
        });
        if correcting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.tasks.spawn(correcting.boxed());
        }
    }
}

impl<S> RateLimited<S> {
    pub(crate) const fn new(shared: Option<Arc<Rated>>, inner: S) -> Self {
        Self { shared, inner }
    }
}

/// The reply of an attempt within the limits.
pub(crate) enum Limited<S: Step> {
    /// No limit applies.
    Free(S::Events),
    /// Some do.
    Counted(Box<Counted<S>>),
}

/// An attempt that is counted.
pub(crate) struct Counted<S: Step> {
    inner: S,
    shared: Arc<Rated>,
    job: Arc<Job>,
    takes: Arc<[Take]>,
    state: State<S::Events>,
}

enum State<E> {
    /// Not yet polled: nothing is taken.
    Asked(Ask),
    /// For one's turn, or for the limits' own answer.
    Waiting(BoxFuture<'static, Result<()>>, Ask),
    /// With what the call had cost before this attempt.
    Running(E, Money),
    Over,
}

impl<S: Step> Service<Ask> for RateLimited<S> {
    type Response = Limited<S>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut ask: Ask) -> Self::Future {
        let Some(shared) = &self.shared else {
            return ready(self.inner.begin(ask).map(Limited::Free));
        };
        let takes = shared.policy.takes(&mut ask);
        if takes.is_empty() {
            return ready(self.inner.begin(ask).map(Limited::Free));
        }
        ready(Ok(Limited::Counted(Box::new(Counted {
            inner: self.inner.clone(),
            shared: shared.clone(),
            job: ask.job.clone(),
            takes,
            state: State::Asked(ask),
        }))))
    }
}

/// How an attempt ended.
enum End<'e> {
    Answered(&'e Usage),
    Failed(&'e LargestackError),
    Dropped,
}

impl<S: Step> Counted<S> {
    /// Gives back what was not used.
    fn conclude(&mut self, end: &End<'_>, cost_before: Money) {
        let (sent, reported, cost) = {
            let notes = self.job.notes();
            (notes.sent, notes.usage, notes.bill.cost)
        };
        let cost = cost.checked_sub(cost_before).unwrap_or_default().nanos();
        let usage = match end {
            End::Answered(usage) => Some(**usage),
            _ => reported,
        };
        let refused =
            matches!(end, End::Failed(error) if usage.is_none() && !may_be_charged(error));
        let used = self.takes.iter().map(|take| match take.key.measure {
            _ if !sent => 0,
            Measure::Requests => take.units,
            Measure::Money => u64::try_from(cost).unwrap_or(0),
            _ if refused => 0,
            // What nobody counted may have been used.
            Measure::InputTokens => usage.and_then(|u| u.input_tokens).unwrap_or(take.units),
            Measure::OutputTokens => usage.and_then(|u| u.output_tokens).unwrap_or(take.units),
        });
        let used = used.collect();
        self.shared.correct(self.takes.clone(), used);
    }

    /// Makes the attempt, which is admitted.
    fn go(&mut self, ask: Ask) -> Result<()> {
        let before = {
            let mut notes = self.job.notes();
            notes.next_attempt();
            notes.bill.cost
        };
        match self.inner.begin(ask) {
            Ok(events) => {
                self.state = State::Running(events, before);
                Ok(())
            }
            Err(error) => {
                self.conclude(&End::Failed(&error), before);
                Err(error)
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ModelEvent>>> {
        loop {
            match &mut self.state {
                State::Asked(_) => {
                    let State::Asked(ask) = std::mem::replace(&mut self.state, State::Over) else {
                        return Poll::Ready(None);
                    };
                    if let Some(admitted) = admit::admit_now(&self.shared, &self.takes) {
                        if let Err(error) = admitted.and_then(|()| self.go(ask)) {
                            return Poll::Ready(Some(Err(error)));
                        }
                    } else {
                        let (shared, job) = (self.shared.clone(), self.job.clone());
                        let waiting = admit::admit(shared, job, self.takes.clone());
                        self.state = State::Waiting(Box::pin(waiting), ask);
                    }
                }
                State::Waiting(waiting, _) => {
                    let admitted = futures::ready!(waiting.as_mut().poll(cx));
                    let State::Waiting(_, ask) = std::mem::replace(&mut self.state, State::Over)
                    else {
                        return Poll::Ready(None);
                    };
                    if let Err(error) = admitted.and_then(|()| self.go(ask)) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                State::Running(events, before) => {
                    let before = *before;
                    let event = futures::ready!(Pin::new(events).poll_next(cx));
                    let end = match &event {
                        Some(Ok(ModelEvent::Done(answer))) => End::Answered(&answer.reply.usage),
                        Some(Ok(_)) => return Poll::Ready(event),
                        Some(Err(error)) => End::Failed(error),
                        None => End::Dropped,
                    };
                    self.conclude(&end, before);
                    self.state = State::Over;
                    return Poll::Ready(event);
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl<S: Step> Stream for Limited<S> {
    type Item = Result<ModelEvent>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.get_mut() {
            Self::Free(events) => Pin::new(events).poll_next(cx),
            Self::Counted(counted) => counted.poll(cx),
        }
    }
}

impl<S: Step> Drop for Counted<S> {
    fn drop(&mut self) {
        if let State::Running(events, before) = std::mem::replace(&mut self.state, State::Over) {
            // It ends first, so that what it cost is known.
            drop(events);
            self.conclude(&End::Dropped, before);
        }
    }
}
