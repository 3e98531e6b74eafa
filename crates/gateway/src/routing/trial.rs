//! One attempt of a model that a pool chose, watched to its end.

use std::sync::Arc;
use std::time::Duration;

use largestack_ports::model::CallContext;
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;

use super::bandit::Features;
use super::learned::{Outcome, State};
use super::router::{Choice, Router};

/// An attempt under way. One that is dropped without an end has taught nothing: whoever left may
/// have had any reason.
pub(crate) struct Trial {
    router: Arc<Router>,
    pub(super) state: Arc<State>,
    pub(super) scope: Scope,
    pub(super) run: RunId,
    pub(super) pool: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) features: Features,
    began: Duration,
    first: Option<Duration>,
}

impl Trial {
    pub(super) fn begin(
        router: Arc<Router>,
        context: &CallContext,
        pool: Arc<str>,
        choice: &Choice,
        model: Arc<str>,
    ) -> Self {
        let state = choice.state.clone();
        *state.lock().under_way.entry(model.clone()).or_default() += 1;
        let (scope, run) = (context.scope.clone(), context.run);
        let (began, features) = (router.clock.monotonic(), choice.features);
        Self { router, state, scope, run, pool, model, features, began, first: None }
    }

    /// The first that was heard: what counts as its latency, since the rest is a matter of length.
    pub(crate) fn heard(&mut self) {
        if self.first.is_none() {
            self.first = Some(self.router.clock.monotonic().saturating_sub(self.began));
        }
    }

    /// It ended, with or without something of use, and cost this much.
    pub(crate) fn end(mut self, good: bool, cost: Money) {
        self.heard();
        let took = self.first.unwrap_or_default();
        let outcome = Outcome { good, took, cost };
        let now = self.router.clock.now();
        self.state.lock().learned.take(&self.model, &self.features, outcome, now);
        self.router.learned(&self);
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let mut inner = self.state.lock();
        if let Some(count) = inner.under_way.get_mut(&self.model) {
            *count = count.saturating_sub(1);
        }
    }
}
