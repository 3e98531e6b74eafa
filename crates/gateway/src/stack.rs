//! The order of the layers, in one place.

use std::sync::Arc;

use largestack_ports::limits::Limits;
use tower::ServiceBuilder;

use crate::builder::{Policies, Ports};
use crate::layers::breaker::Breaker;
use crate::layers::cache::{Cached, Caches};
use crate::layers::deadline::Deadline;
use crate::layers::errand::Errands;
use crate::layers::exchange::Exchange;
use crate::layers::fallback::{Fallback, Shared};
use crate::layers::kill_switch::KillSwitch;
use crate::layers::meter::Meter;
use crate::layers::rate_limit::{RateLimited, RateLimits, Rated};
use crate::layers::retry::Retry;

/// The layers, outermost first. Numbers are those of the design.
///
/// 1. [`KillSwitch`]: refuses while the switch is on, and stops a call when it is thrown.
/// 2. [`Deadline`]: refuses after the context's deadline, and stops a call that reaches it.
/// 3. [`Cached`]: gives replies of calls that were made before; of equal calls only one goes on.
/// 4. [`Fallback`]: chooses a model where a pool is named, goes on to the agent's next model where
///    another one may answer, and behind what was delivered.
/// 5. [`Retry`]: asks the same model again after a transient failure, before the first delta.
/// 6. [`Breaker`]: spares a provider that fails again and again.
/// 7. [`RateLimited`]: keeps calls, tokens and money per minute, refusing or in fair turns.
/// 8. [`Meter`]: reserves the worst case and settles what was used, once for every attempt.
/// 9. [`Exchange`]: encodes, sends, decodes; or asks a model of this process.
///
/// Each wraps the reply's stream, so a call is judged by its end and not by its head.
pub(crate) type Stack =
    KillSwitch<Deadline<Cached<Fallback<Retry<Breaker<RateLimited<Meter<Exchange>>>>>>>>;

/// The same for vectors and orders, which have no cache and nobody to fall back to: layers 1, 2 and
/// 5 to 8, and one request at their end.
pub(crate) type ErrandStack = KillSwitch<Deadline<Retry<Breaker<RateLimited<Meter<Errands>>>>>>;

/// Builds the stacks.
pub(crate) fn stack(
    ports: &Ports,
    policies: Policies,
    shared: &Arc<Shared>,
    caches: &Arc<Caches>,
    rates: Option<(Arc<dyn Limits>, RateLimits)>,
) -> (Stack, ErrandStack) {
    let Ports { transport, ledger, switch, clock, ids, tasks } = ports.clone();
    let at = || clock.clone();
    let rates = rates.map(|rates| Arc::new(Rated::new(rates, at(), tasks.clone())));
    let words = ServiceBuilder::new()
        .layer_fn(|inner| KillSwitch::new(switch.clone(), inner))
        .layer_fn(|inner| Deadline::new(at(), inner))
        .layer_fn(|inner| Cached::new(caches.clone(), at(), tasks.clone(), inner))
        .layer_fn(|inner| Fallback::new(shared.clone(), inner))
        .layer_fn(|inner| Retry::new(policies.retry, at(), ids.clone(), inner))
        .layer_fn(|inner| Breaker::new(policies.breaker, at(), inner))
        .layer_fn(|inner| RateLimited::new(rates.clone(), inner))
        .layer_fn(|inner| Meter::new(ledger.clone(), tasks.clone(), inner))
        .service(Exchange::new(transport.clone(), policies.timeouts));
    let errands = ServiceBuilder::new()
        .layer_fn(|inner| KillSwitch::new(switch.clone(), inner))
        .layer_fn(|inner| Deadline::new(at(), inner))
        .layer_fn(|inner| Retry::new(policies.retry, at(), ids.clone(), inner))
        .layer_fn(|inner| Breaker::new(policies.breaker, at(), inner))
        .layer_fn(|inner| RateLimited::new(rates.clone(), inner))
        .layer_fn(|inner| Meter::new(ledger.clone(), tasks.clone(), inner))
        .service(Errands::new(transport, policies.timeouts));
    (words, errands)
}
