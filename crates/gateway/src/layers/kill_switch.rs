//! Layer 1: the kill switch.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use largestack_ports::BoxFuture;
use largestack_ports::switch::{Switch, Thrown};
use largestack_types::errors::{KillSwitchActivatedError, LargestackError, Result};
use tower::Service;

use super::cut::{Cut, Watch};
use crate::job::{Ask, Job};
use crate::step::Step;

/// Refuses calls while the switch is on, and stops those in flight when it is thrown.
#[derive(Clone)]
pub(crate) struct KillSwitch<S> {
    switch: Arc<dyn Switch>,
    inner: S,
}

impl<S> KillSwitch<S> {
    pub(crate) fn new(switch: Arc<dyn Switch>, inner: S) -> Self {
        Self { switch, inner }
    }
}

fn refusal(Thrown { by, reason, .. }: Thrown) -> LargestackError {
    KillSwitchActivatedError { by, reason }.into()
}

/// Watches the switch for a call.
pub(crate) struct SwitchWatch {
    switch: Arc<dyn Switch>,
    job: Arc<Job>,
}

impl Watch for SwitchWatch {
    type Came = Thrown;

    fn wait(&self) -> Option<BoxFuture<'static, Thrown>> {
        Some(self.switch.wait(&self.job.context.scope))
    }

    fn why(&self, thrown: Thrown) -> LargestackError {
        refusal(thrown)
    }
}

impl<S: Step> Service<Ask> for KillSwitch<S> {
    type Response = Cut<S::Events, SwitchWatch>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, ask: Ask) -> Self::Future {
        if let Some(thrown) = self.switch.thrown(&ask.job.context.scope) {
            return ready(Err(refusal(thrown)));
        }
        let watch = SwitchWatch { switch: self.switch.clone(), job: ask.job.clone() };
        ready(self.inner.begin(ask).map(|events| Cut::new(events, watch)))
    }
}
