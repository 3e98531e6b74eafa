//! Taking from the limits, with or without waiting for one's turn.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::select;
use largestack_ports::BoxFuture;
use largestack_ports::limits::{Take, Verdict};
use largestack_types::errors::{Code, LargestackError, RateLimitExceededError, Result};
use largestack_types::time::Timestamp;

use super::line::{Flow, Full};
use super::{Rated, WhenReached};
use crate::job::Job;

/// Whether the call may go at once; `None` where somebody has to be waited for, and nothing is done.
pub(super) fn admit_now(shared: &Rated, takes: &[Take]) -> Option<Result<()>> {
    if shared.policy.when_reached != WhenReached::Refuse {
        return None;
    }
    Some(shared.limits.take_now(takes)?.and_then(|verdict| granted(takes, verdict)))
}

fn granted(takes: &[Take], verdict: Verdict) -> Result<()> {
    match verdict {
        Verdict::Granted => Ok(()),
        Verdict::Denied { at, wait } => Err(refusal(takes, at, wait)),
    }
}

/// Ends when the call may go.
pub(super) async fn admit(shared: Arc<Rated>, job: Arc<Job>, takes: Arc<[Take]>) -> Result<()> {
    let context = &job.context;
    match shared.policy.when_reached {
        WhenReached::Refuse => granted(&takes, taking(&shared, &takes).await?),
        WhenReached::Wait { most } => {
            let flow = Flow {
                last: !shared.policy.first.contains(&context.agent),
                tenant: context.scope.tenant().clone(),
                principal: context.scope.principal().into(),
            };
            wait_for_turn(&shared, context.deadline, &takes, (flow, most)).await
        }
    }
}

async fn wait_for_turn(
    shared: &Arc<Rated>,
    deadline: Option<Timestamp>,
    takes: &Arc<[Take]>,
    (flow, most): (Flow, usize),
) -> Result<()> {
    // Whoever comes while others wait for the same limit does not overtake them.
    let mut at = takes.iter().position(|take| shared.line.is_waited_for(&take.key, &flow));
    let mut place = None;
    loop {
        if let Some(at) = at {
            let Some(take) = takes.get(at) else { return Ok(()) };
            let joined = shared.line.join(place.take(), &take.key, &flow, most);
            let ticket = joined.map_err(|Full| refusal(takes, at, Some(Duration::ZERO)))?;
            ticket.head().await;
            place = Some(ticket);
        }
        match taking(shared, takes).await? {
            Verdict::Granted => return Ok(()),
            Verdict::Denied { at, wait: None } => return Err(refusal(takes, at, None)),
            Verdict::Denied { at: denied, wait: Some(wait) } => {
                let in_time = deadline.is_none_or(|end| shared.clock.now().plus(wait) < end);
                if !in_time {
                    return Err(refusal(takes, denied, Some(wait)));
                }
                if let (Some(ticket), true) = (&place, at == Some(denied)) {
                    // Woken early by what others give back, or by who goes before.
                    let woken = std::pin::pin!(ticket.woken());
                    select(shared.clock.sleep(wait), woken).await;
                }
                at = Some(denied);
            }
        }
    }
}

/// An attempt to take that is finished, and undone, if its caller leaves in the middle.
struct Taking {
    under_way: Option<BoxFuture<'static, Result<Verdict>>>,
    shared: Arc<Rated>,
    takes: Arc<[Take]>,
}

fn taking(shared: &Arc<Rated>, takes: &Arc<[Take]>) -> Taking {
    let (limits, wanted) = (shared.limits.clone(), takes.clone());
    let taking = Box::pin(async move { limits.take(&wanted).await });
    Taking { under_way: Some(taking), shared: shared.clone(), takes: takes.clone() }
}

impl Future for Taking {
    type Output = Result<Verdict>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(taking) = &mut self.under_way else { return Poll::Pending };
        let verdict = futures::ready!(taking.as_mut().poll(cx));
        self.under_way = None;
        Poll::Ready(verdict)
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        let Some(taking) = self.under_way.take() else { return };
        let (shared, takes) = (self.shared.clone(), self.takes.clone());
        self.shared.tasks.spawn(Box::pin(async move {
            if let Ok(Verdict::Granted) = taking.await {
                let nothing = vec![0; takes.len()];
                shared.correct(takes, nothing);
            }
        }));
    }
}

fn refusal(takes: &[Take], at: usize, wait: Option<Duration>) -> LargestackError {
    let Some(take) = takes.get(at) else {
        return LargestackError::other(Code::RateLimit, "a rate limit is reached");
    };
    let milliseconds =
        |wait: Duration| u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
    RateLimitExceededError {
        scope: take.key.kind.as_str().into(),
        name: take.key.name.clone(),
        measure: take.key.measure.words().into(),
        per_minute: take.rate.per_minute,
        needed: take.units,
        retry_after_ms: wait.map(milliseconds),
    }
    .into()
}
