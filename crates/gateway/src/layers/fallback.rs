//! Layer 4: the models that take over. The list is the operator's and in order; nothing is
//! guessed, and what a model can do or may be told is not compared.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use largestack_ports::clock::Clock;
use largestack_ports::model::ModelEvent;
use largestack_types::errors::{AllProvidersFailedError, LargestackError, Result};
use tower::Service;

use crate::fault::{Class, class};
use crate::job::Ask;
use crate::route::Routes;
use crate::step::Step;

/// The models that take over, by agent.
#[derive(Debug, Default)]
pub(crate) struct Fallbacks(HashMap<Arc<str>, Arc<[Arc<str>]>>);

impl Fallbacks {
    pub(crate) fn set(&mut self, agent: Arc<str>, models: Arc<[Arc<str>]>) {
        if !models.is_empty() {
            self.0.insert(agent, models);
        }
    }

    fn of(&self, agent: &str) -> Option<&Arc<[Arc<str>]>> {
        if self.0.is_empty() { None } else { self.0.get(agent) }
    }
}

/// Goes on to the next model of the list.
#[derive(Clone)]
pub(crate) struct Fallback<S> {
    shared: Arc<Shared>,
    inner: S,
}

struct Shared {
    fallbacks: Arc<Fallbacks>,
    routes: Arc<Routes>,
    clock: Arc<dyn Clock>,
}

impl<S> Fallback<S> {
    pub(crate) fn new(
        fallbacks: Arc<Fallbacks>,
        routes: Arc<Routes>,
        clock: Arc<dyn Clock>,
        inner: S,
    ) -> Self {
        Self { shared: Arc::new(Shared { fallbacks, routes, clock }), inner }
    }
}

/// The reply of the first model that has one.
pub(crate) struct Falling<S: Step> {
    events: S::Events,
    /// What is needed to go on; `None` where no list is.
    next: Option<Box<Next<S>>>,
}

struct Next<S> {
    inner: S,
    shared: Arc<Shared>,
    ask: Ask,
    models: Arc<[Arc<str>]>,
    used: usize,
    failed: Vec<(Arc<str>, LargestackError)>,
    delivered: bool,
}

impl<S: Step> Next<S> {
    /// The next model's reply, or the error that is left when nobody has one.
    fn go_on(&mut self, mut error: LargestackError) -> Result<S::Events> {
        loop {
            if class(&error) == Class::Final && self.failed.is_empty() {
                return Err(error);
            }
            let over = class(&error) == Class::Final;
            self.failed.push((self.ask.call.model.clone(), error));
            let Some(model) = self.models.get(self.used).filter(|_| !over) else {
                return Err(self.all_failed());
            };
            self.used += 1;
            self.ask.call.model = model.clone();
            if let Some((failed, error)) = self.failed.last() {
                let mut notes = self.ask.job.notes();
                notes.bill.failed_attempts.push((failed.clone(), error.clone()));
            }
            let begun = self.shared.routes.get(model, self.shared.clock.now()).and_then(|route| {
                self.ask.route = route;
                self.inner.begin(self.ask.clone())
            });
            match begun {
                Ok(events) => return Ok(events),
                Err(refused) => error = refused,
            }
        }
    }

    fn all_failed(&mut self) -> LargestackError {
        AllProvidersFailedError { attempts: std::mem::take(&mut self.failed) }.into()
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
        let Some(models) = self.shared.fallbacks.of(&ask.job.context.agent) else {
            return ready(self.inner.begin(ask).map(|events| Falling { events, next: None }));
        };
        let mut next = Next {
            inner: self.inner.clone(),
            shared: self.shared.clone(),
            ask: ask.clone(),
            models: models.clone(),
            used: 0,
            failed: Vec::new(),
            delivered: false,
        };
        let begun = self.inner.begin(ask).or_else(|error| next.go_on(error));
        ready(begun.map(|events| Falling { events, next: Some(Box::new(next)) }))
    }
}

impl<S: Step> Stream for Falling<S> {
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let event = futures::ready!(Pin::new(&mut this.events).poll_next(cx));
            let Some(next) = &mut this.next else { return Poll::Ready(event) };
            match event {
                Some(Err(error)) => match next.go_on(error) {
                    Ok(events) => {
                        this.events = events;
                        if std::mem::take(&mut next.delivered) {
                            let model = next.ask.route.name.clone();
                            return Poll::Ready(Some(Ok(ModelEvent::Restarted { model })));
                        }
                    }
                    Err(error) => return Poll::Ready(Some(Err(error))),
                },
                event => {
                    next.delivered |= matches!(event, Some(Ok(ModelEvent::Delta(_))));
                    return Poll::Ready(event);
                }
            }
        }
    }
}
