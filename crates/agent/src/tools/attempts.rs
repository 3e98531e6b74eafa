//! Attempts of one call: each bounded in time and dropped when it is over, with pauses between
//! them, behind the tool's breaker.

use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, select};
use largestack_engine::event::ToolOutcome;
use largestack_ports::tool::{Cancelled, ToolFailure, ToolOptions, ToolOutput};

use super::breaker::Permit;
use super::execute::Execution;

/// What an attempt came to.
pub(super) type Attempt = Result<ToolOutput, (ToolFailure, ToolOutcome)>;

/// Tells a call that nobody waits for it any more.
struct Abandoning(Cancelled);

impl Drop for Abandoning {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Execution {
    /// Attempts until one succeeds or none is left.
    pub(super) async fn attempts(&self) -> Attempt {
        let options = &*self.entry.options;
        let mut failed = 0;
        loop {
            let attempt = self.guarded(options).await;
            let Err((failure, _)) = &attempt else { return attempt };
            failed += 1;
            if failed > options.retries || !self.may_repeat(failure) {
                return attempt;
            }
            let pause = self.pause(options, failed);
            if !pause.is_zero() {
                self.core.runtime.clock.sleep(pause).await;
            }
        }
    }

    /// Side effects are repeated only where the failure says that there were none.
    fn may_repeat(&self, failure: &ToolFailure) -> bool {
        let harmless = self.entry.tool.spec().idempotent || failure.nothing_happened;
        failure.transient && harmless
    }

    fn pause(&self, options: &ToolOptions, failed: u32) -> Duration {
        let mut chance = [0];
        if options.backoff.jitter {
            self.core.runtime.ids.fill(&mut chance);
        }
        options.backoff.pause(failed, chance[0])
    }

    /// One attempt behind the breaker.
    async fn guarded(&self, options: &ToolOptions) -> Attempt {
        let Some(breaker) = options.breaker else { return self.attempt(options).await };
        let clock = &self.core.runtime.clock;
        let (tenant, tool) = (self.context.scope.tenant(), &self.call.name);
        let permit = match self.core.breakers.admit(tenant, tool, breaker, clock.monotonic()) {
            Ok(permit) => permit,
            Err(wait) => return Err((out_of_service(tool, wait), ToolOutcome::Skipped)),
        };
        let attempt = self.attempt(options).await;
        conclude(permit, &attempt, clock.monotonic());
        attempt
    }

    /// One attempt. Whatever ends it, nothing of it goes on: its future is dropped, and what
    /// cannot be dropped is told.
    async fn attempt(&self, options: &ToolOptions) -> Attempt {
        let mut context = self.context.clone();
        context.cancelled = Cancelled::default();
        let _abandoning = Abandoning(context.cancelled.clone());
        let arguments = self.arguments.clone();
        let running = async { self.entry.tool.call(context, arguments).await };
        let mut running = std::pin::pin!(AssertUnwindSafe(running).catch_unwind());
        let came = match futures::poll!(running.as_mut()) {
            // Nothing was waited for: no timer is needed.
            Poll::Ready(came) => Some(came),
            Poll::Pending => {
                let timeout = self.core.runtime.clock.sleep(options.timeout);
                match select(running, timeout).await {
                    Either::Left((came, _)) => Some(came),
                    Either::Right(((), _)) => None,
                }
            }
        };
        match came {
            Some(Ok(Ok(output))) => Ok(output),
            Some(Ok(Err(failure))) => Err((failure, ToolOutcome::Failed)),
            Some(Err(_)) => {
                Err((ToolFailure::new("the tool ended without a result"), ToolOutcome::Failed))
            }
            None => {
                let text = format!("timed out after {} ms", options.timeout.as_millis());
                Err((ToolFailure::transient(text), ToolOutcome::TimedOut))
            }
        }
    }
}

/// A failure that is the arguments' fault says nothing about the tool's health.
fn conclude(permit: Permit<'_>, attempt: &Attempt, now: Duration) {
    permit.conclude(!matches!(attempt, Err((failure, _)) if failure.transient), now);
}

fn out_of_service(tool: &str, wait: Option<Duration>) -> ToolFailure {
    let wait = wait.unwrap_or(Duration::from_secs(1)).as_millis().div_ceil(1_000);
    let text = format!(
        "Not run: `{tool}` has failed too often and is left alone; try again in {wait} s, or go on \
         without it."
    );
    ToolFailure::new(text)
}
