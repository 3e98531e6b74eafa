//! Layer 4: who is asked, and the models that take over. The list is the operator's and in order; a model that
//! cannot answer the call, or may not be told it, is passed over and that is on record.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::model::{Answer, ModelEvent};
use largestack_types::errors::{LargestackError, Result};
use largestack_types::label::DataClass;
use tower::Service;

use crate::job::Ask;
use crate::route::Route;
use crate::route::{Routes, Served};
use crate::routing::Router;
use crate::step::Step;

mod classes;
mod content;
mod fit;
mod next;
mod plan;
mod residency;

pub use classes::ProviderRule;
use next::Next;
pub(crate) use plan::Plans;
pub use plan::{CannotContinue, FallbackPolicy, OnBreak, OnContent};

/// Goes on to the next model of the list.
#[derive(Clone)]
pub(crate) struct Fallback<S> {
    shared: Arc<Shared>,
    inner: S,
}

/// What all calls share.
pub(crate) struct Shared {
    pub(crate) plans: Plans,
    pub(crate) routes: Arc<Routes>,
    pub(crate) router: Arc<Router>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Shared {
    /// Why an agent's texts may not go there to be looked up; `None` where they may. They bear no
    /// labels, so that they may hold everything that its rules name.
    pub(crate) fn refused(&self, agent: &str, route: &Route) -> Option<LargestackError> {
        self.plans.of(agent)?.refused(DataClass::ALL.iter().copied().collect(), route)
    }
}

impl<S> Fallback<S> {
    pub(crate) fn new(shared: Arc<Shared>, inner: S) -> Self {
        Self { shared, inner }
    }
}

/// The reply of the first model that has one.
pub(crate) enum Falling<S: Step> {
    /// Nothing is planned for the agent.
    Straight(S::Events),
    Planned(Box<Planned<S>>),
}

/// A reply that may come from several models.
pub(crate) struct Planned<S: Step> {
    /// What is waited for before anybody is asked.
    opening: Option<BoxFuture<'static, ()>>,
    /// `None` once the call is over.
    events: Option<S::Events>,
    /// What is to be heard before anything else.
    queue: VecDeque<Result<ModelEvent>>,
    next: Next<S>,
}

impl<S: Step> Planned<S> {
    fn start(&mut self) {
        let went = self.next.start();
        self.went(went);
    }

    fn heard(&mut self, event: Option<Result<ModelEvent>>) {
        self.next.heard();
        match event {
            Some(Ok(ModelEvent::Delta(delta))) => {
                self.queue.extend(self.next.delta(delta).map(|d| Ok(ModelEvent::Delta(d))));
            }
            Some(Ok(ModelEvent::Restarted { model })) => {
                self.next.delivered.void();
                self.queue.push_back(Ok(ModelEvent::Restarted { model }));
            }
            Some(Ok(ModelEvent::Continued { model })) => {
                self.next.delivered.void_calls();
                self.queue.push_back(Ok(ModelEvent::Continued { model }));
            }
            Some(Ok(ModelEvent::Done(answer))) => self.answered(answer),
            Some(Err(error)) => {
                let went = self.next.go_on(error);
                self.went(went);
            }
            None => self.events = None,
        }
    }

    fn answered(&mut self, answer: Box<Answer>) {
        let answer = match self.next.judge(answer) {
            Ok((answer, rest)) => {
                self.queue.extend(rest.map(|delta| Ok(ModelEvent::Delta(delta))));
                answer
            }
            Err(went) => return self.went(went),
        };
        self.events = None;
        self.queue.push_back(Ok(ModelEvent::Done(answer)));
    }

    fn went(&mut self, went: Result<next::Went<S::Events>>) {
        self.events = None;
        match went {
            Ok(next::Went::On { events, marker }) => {
                self.events = Some(events);
                self.queue.extend(marker.map(Ok));
            }
            Ok(next::Went::Over(answer)) => self.queue.push_back(Ok(ModelEvent::Done(answer))),
            Err(error) => self.queue.push_back(Err(error)),
        }
    }
}

impl<S: Step> Service<Ask> for Fallback<S> {
    type Response = Falling<S>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let plan = self.shared.plans.of(&ask.job.context.agent);
        let pool = matches!(ask.route.served, Served::Pool(_));
        if plan.is_none() && !pool {
            return ready(self.inner.begin(ask).map(Falling::Straight));
        }
        let plan = plan.cloned().unwrap_or_default();
        let (scope, name) = (&ask.job.context.scope, &ask.route.name);
        let opening = pool.then(|| self.shared.router.load(scope, name)).flatten();
        let waits = opening.is_some();
        let next = Next::new(self.inner.clone(), self.shared.clone(), plan, ask);
        let mut planned = Planned { opening, events: None, queue: VecDeque::new(), next };
        if !waits {
            planned.start();
        }
        // What cannot even begin is an error of the call itself.
        if planned.events.is_none()
            && let Some(Err(_)) = planned.queue.front()
            && let Some(Err(error)) = planned.queue.pop_front()
        {
            return ready(Err(error));
        }
        ready(Ok(Falling::Planned(Box::new(planned))))
    }
}

impl<S: Step> Stream for Falling<S> {
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let planned = match &mut *self {
            Self::Straight(events) => return Pin::new(events).poll_next(cx),
            Self::Planned(planned) => planned,
        };
        loop {
            if let Some(event) = planned.queue.pop_front() {
                return Poll::Ready(Some(event));
            }
            if let Some(opening) = &mut planned.opening {
                futures::ready!(opening.as_mut().poll(cx));
                planned.opening = None;
                planned.start();
                continue;
            }
            let Some(events) = &mut planned.events else { return Poll::Ready(None) };
            let event = futures::ready!(Pin::new(events).poll_next(cx));
            planned.heard(event);
        }
    }
}
