//! Layer 3: replies of calls that were made before. In memory first, then in a store that other
//! processes share; of equal calls at the same time only one goes on.

use std::collections::{HashMap, VecDeque};
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use futures::channel::oneshot;
use largestack_ports::BoxFuture;
use largestack_ports::cache::{Cache, CachedReply, MemoryCache};
use largestack_ports::clock::Clock;
use largestack_ports::model::{Answer, ModelEvent};
use largestack_ports::tasks::Tasks;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::hash::Hash;
use tower::Service;

use crate::job::Ask;
use crate::layers::meter::Kept;
use crate::step::Step;

mod flight;
mod key;
mod policy;
mod replay;

use flight::{Flights, Lead, Turn};
pub(crate) use key::Hashed;
pub use policy::CachePolicy;

/// What a gateway keeps replies in, and of whom.
pub(crate) struct Caches {
    pub(crate) policies: HashMap<Arc<str>, Arc<CachePolicy>>,
    pub(crate) memory: MemoryCache,
    pub(crate) store: Option<Arc<dyn Cache>>,
}

/// Bytes of replies kept in memory unless something else is said.
const MEMORY_BYTES: usize = 64 << 20;

impl std::fmt::Debug for Caches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caches").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl Default for Caches {
    fn default() -> Self {
        let memory = MemoryCache::new(MEMORY_BYTES);
        Self { policies: HashMap::new(), memory, store: None }
    }
}

/// Gives kept replies.
#[derive(Clone)]
pub(crate) struct Cached<S> {
    shared: Arc<Shared>,
    inner: S,
}

struct Shared {
    caches: Arc<Caches>,
    flights: Arc<Flights>,
    clock: Arc<dyn Clock>,
    tasks: Arc<dyn Tasks>,
}

impl<S> Cached<S> {
    pub(crate) fn new(
        caches: Arc<Caches>,
        clock: Arc<dyn Clock>,
        tasks: Arc<dyn Tasks>,
        inner: S,
    ) -> Self {
        let flights = Arc::default();
        Self { shared: Arc::new(Shared { caches, flights, clock, tasks }), inner }
    }
}

/// A reply that may be a kept one.
pub(crate) enum Replying<S: Step> {
    /// Nothing is kept of this call.
    Passing(S::Events),
    Keeping(Box<Keeping<S>>),
}

/// A call whose reply may be kept.
pub(crate) struct Keeping<S: Step> {
    inner: S,
    shared: Arc<Shared>,
    policy: Arc<CachePolicy>,
    key: Hash,
    ask: Ask,
    state: State<S::Events>,
}

enum State<E> {
    /// Somebody else asks.
    Waiting(oneshot::Receiver<Turn>),
    /// The store is asked.
    Looking(BoxFuture<'static, Option<Arc<CachedReply>>>, Lead),
    /// The provider is asked, for others as well where there is a lead.
    Asking(E, Option<Lead>),
    Replaying(VecDeque<ModelEvent>),
    Over,
}

impl<S: Step> Service<Ask> for Cached<S> {
    type Response = Replying<S>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        let Some((policy, key)) = self.shared.looks_up(&ask) else {
            return ready(self.inner.begin(ask).map(Replying::Passing));
        };
        let (inner, shared) = (self.inner.clone(), self.shared.clone());
        let mut keeping = Keeping { inner, shared, policy, key, ask, state: State::Over };
        ready(keeping.begin().map(|()| Replying::Keeping(Box::new(keeping))))
    }
}

impl Shared {
    /// The policy and the key of a call that is looked up.
    fn looks_up(&self, ask: &Ask) -> Option<(Arc<CachePolicy>, Hash)> {
        if self.caches.policies.is_empty() {
            return None;
        }
        let context = &ask.job.context;
        let policy = self.caches.policies.get(&context.agent)?.clone();
        if !policy.covers(&ask.call) {
            return None;
        }
        let mut kept = context.slot.take_session::<Kept>().unwrap_or_default();
        let key = kept.hashed.key(context.scope.tenant(), &policy.policy_version, &ask.call);
        context.slot.put_session(kept);
        Some((policy, key?))
    }

    fn in_memory(&self, ask: &Ask, key: Hash) -> Option<Arc<CachedReply>> {
        self.caches.memory.try_get(&ask.job.context.scope, key, self.clock.now())
    }
}

impl<S: Step> Keeping<S> {
    fn begin(&mut self) -> Result<()> {
        if let Some(cached) = self.shared.in_memory(&self.ask, self.key) {
            self.replay(&cached);
            return Ok(());
        }
        match self.shared.flights.join(self.key) {
            Ok(lead) => self.lead(lead),
            Err(turn) => {
                self.state = State::Waiting(turn);
                Ok(())
            }
        }
    }

    fn replay(&mut self, cached: &CachedReply) {
        self.state = State::Replaying(replay::events(cached, self.ask.call.stream));
    }

    fn lead(&mut self, lead: Lead) -> Result<()> {
        // Whoever led before may have been answered in between.
        if let Some(cached) = self.shared.in_memory(&self.ask, self.key) {
            lead.end(Some(&cached));
            self.replay(&cached);
            return Ok(());
        }
        let Some(store) = self.shared.caches.store.clone() else { return self.go(Some(lead)) };
        let (scope, key, now) =
            (self.ask.job.context.scope.clone(), self.key, self.shared.clock.now());
        let looking = async move { store.get(&scope, key, now).await.ok().flatten() };
        self.state = State::Looking(Box::pin(looking), lead);
        Ok(())
    }

    fn go(&mut self, lead: Option<Lead>) -> Result<()> {
        match self.inner.begin(self.ask.clone()) {
            Ok(events) => {
                self.state = State::Asking(events, lead);
                Ok(())
            }
            Err(error) => {
                self.state = State::Over;
                if let Some(lead) = lead {
                    lead.end(None);
                }
                Err(error)
            }
        }
    }

    fn found(&mut self, found: Option<Arc<CachedReply>>, lead: Lead) -> Result<()> {
        let Some(cached) = found else { return self.go(Some(lead)) };
        let scope = &self.ask.job.context.scope;
        self.shared.caches.memory.put_now(scope, self.key, cached.clone());
        lead.end(Some(&cached));
        self.replay(&cached);
        Ok(())
    }

    /// What of an answer is kept, and handed to those who wait.
    fn answered(&self, answer: &Answer) -> Option<Arc<CachedReply>> {
        let notes = self.ask.job.notes();
        if !self.policy.keeps(&answer.reply, &notes) {
            return None;
        }
        let now = self.shared.clock.now();
        let cached = Arc::new(CachedReply {
            reply: answer.reply.clone(),
            provider: notes.bill.provider.clone(),
            cost: notes.bill.cost,
            expires: now.plus(self.policy.ttl),
        });
        drop(notes);
        let scope = self.ask.job.context.scope.clone();
        self.shared.caches.memory.put_now(&scope, self.key, cached.clone());
        if let Some(store) = self.shared.caches.store.clone() {
            let (key, cached) = (self.key, cached.clone());
            // A cache that cannot be written is nobody's failure.
            let keep = async move { drop(store.put(&scope, key, cached, now).await) };
            self.shared.tasks.spawn(Box::pin(keep));
        }
        Some(cached)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ModelEvent>>> {
        loop {
            let moved = match &mut self.state {
                State::Waiting(turn) => match futures::ready!(Pin::new(turn).poll(cx)) {
                    Ok(Turn::Answered(cached)) => {
                        self.replay(&cached);
                        Ok(())
                    }
                    Ok(Turn::Lead(lead)) => self.lead(lead),
                    Ok(Turn::Alone) | Err(_) => self.go(None),
                },
                State::Looking(looking, _) => {
                    let found = futures::ready!(looking.as_mut().poll(cx));
                    match std::mem::replace(&mut self.state, State::Over) {
                        State::Looking(_, lead) => self.found(found, lead),
                        _ => Ok(()),
                    }
                }
                State::Asking(events, _) => {
                    let event = futures::ready!(Pin::new(events).poll_next(cx));
                    return Poll::Ready(self.heard(event));
                }
                State::Replaying(events) => return Poll::Ready(events.pop_front().map(Ok)),
                State::Over => return Poll::Ready(None),
            };
            if let Err(error) = moved {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    fn heard(&mut self, event: Option<Result<ModelEvent>>) -> Option<Result<ModelEvent>> {
        let kept = match &event {
            Some(Ok(ModelEvent::Done(answer))) => self.answered(answer),
            Some(Ok(_)) => return event,
            Some(Err(_)) | None => None,
        };
        if let State::Asking(_, Some(lead)) = std::mem::replace(&mut self.state, State::Over) {
            lead.end(kept.as_ref());
        }
        event
    }
}

impl<S: Step> Stream for Replying<S> {
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut *self {
            Self::Passing(events) => Pin::new(events).poll_next(cx),
            Self::Keeping(keeping) => keeping.poll_event(cx),
        }
    }
}
