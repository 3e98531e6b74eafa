//! The gateway: the stack behind the model port.

use std::fmt;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_types::call::Call;
use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use largestack_wire::price::Prediction;

use crate::block::model_requests_are_blocked;
use crate::builder::{Builder, Ports};
use crate::job::{Ask, Job};
use crate::layers::fallback::Shared;
use crate::predict;
use crate::reply::Reply;
use crate::stack::{ErrandStack, Stack};
use crate::step::Step as _;

/// One model in front of all others. Errors come out of the stream, except those of a name that
/// nobody serves and of a call that may not begin.
pub struct Gateway {
    stack: Stack,
    pub(crate) errands: ErrandStack,
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Gateway {
    /// A gateway over these ports, with the built-in providers and prices.
    pub fn builder(ports: Ports) -> Builder {
        Builder::new(ports)
    }

    pub(crate) fn new(
        (stack, errands): (Stack, ErrandStack),
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { stack, errands, shared, clock }
    }

    /// Serves a name (`offline/extractive`), or every name of a prefix (`offline`), by a model of
    /// this process. It passes the same layers as a provider's but the breaker, and costs nothing
    /// unless the price list has a price for it.
    pub fn register(&self, name: impl Into<Arc<str>>, model: Arc<dyn Model>) {
        self.shared.routes.register(name.into(), model);
    }

    /// A caller's judgement of a run, from 0 to 1: the pools that chose for it learn from it, once
    /// for each choice. How many there were; old ones are forgotten.
    pub fn score(&self, scope: &Scope, run: RunId, worth: f64) -> usize {
        self.shared.router.score(scope, run, worth)
    }

    /// What a call will cost, before it is made. A pool's is not known before a model is chosen.
    pub fn predict(&self, call: &Call, usual_output: Option<u64>) -> Result<Prediction> {
        let route = self.shared.routes.get(&call.model, self.clock.now())?;
        predict::of(route.price.as_deref(), &route.profile, call, usual_output)
    }

    fn begin(&self, context: &CallContext, call: Call) -> Result<ReplyStream> {
        let route = self.shared.routes.get(&call.model, self.clock.now())?;
        let job = Arc::new(Job::new(context.clone(), model_requests_are_blocked()));
        let ask = Ask::new(job.clone(), call, route);
        let events = self.stack.clone().begin(ask)?;
        Ok(Box::pin(Reply::new(events, job)))
    }
}

impl Model for Gateway {
    fn call<'a>(
        &'a self,
        context: &'a CallContext,
        call: Call,
    ) -> BoxFuture<'a, Result<ReplyStream>> {
        // Begun when it is polled: whether requests are blocked is a matter of the task.
        Box::pin(async move { self.begin(context, call) })
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("routes", &self.shared.routes).finish_non_exhaustive()
    }
}
