//! The gateway: the stack behind the model port.

use std::fmt;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_types::call::Call;
use largestack_types::errors::Result;

use crate::block::model_requests_are_blocked;
use crate::builder::{Builder, Ports};
use crate::job::{Ask, Job};
use crate::reply::Reply;
use crate::route::Routes;
use crate::stack::Stack;
use crate::step::Step as _;

/// One model in front of all others. Errors come out of the stream, except those of a name that
/// nobody serves and of a call that may not begin.
pub struct Gateway {
    stack: Stack,
    routes: Arc<Routes>,
    clock: Arc<dyn Clock>,
}

impl Gateway {
    /// A gateway over these ports, with the built-in providers and prices.
    pub fn builder(ports: Ports) -> Builder {
        Builder::new(ports)
    }

    pub(crate) fn new(stack: Stack, routes: Arc<Routes>, clock: Arc<dyn Clock>) -> Self {
        Self { stack, routes, clock }
    }

    /// Serves a name (`offline/extractive`), or every name of a prefix (`offline`), by a model of
    /// this process. It passes the same layers as a provider's but the breaker, and costs nothing
    /// unless the price list has a price for it.
    pub fn register(&self, name: impl Into<Arc<str>>, model: Arc<dyn Model>) {
        self.routes.register(name.into(), model);
    }

    fn begin(&self, context: &CallContext, call: Call) -> Result<ReplyStream> {
        let route = self.routes.get(&call.model, self.clock.now())?;
        let job = Arc::new(Job::new(context.clone(), model_requests_are_blocked()));
        let ask = Ask { job: job.clone(), call, route };
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
        f.debug_struct("Gateway").field("routes", &self.routes).finish_non_exhaustive()
    }
}
