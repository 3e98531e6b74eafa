//! Results given again: to the same principal, for the same tool in the same version with the same
//! arguments. Calls that come while one is running wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use largestack_ports::results::KeptResult;
use largestack_types::hash::Hash;
use largestack_types::json::{Json, canonical};
use largestack_types::scope::{Scope, TenantId};
use largestack_types::tool::ToolSpec;

use super::execute::Execution;
use crate::stage::ResultDraft;

/// The calls under way, by tenant and key.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<(TenantId, Hash), Weak<Flight>>>);

/// A call that others may wait for. Inside: whether its result turned out not to be shareable, so
/// that waiting one behind the other is of no use.
type Flight = tokio::sync::Mutex<bool>;

impl Flights {
    pub(super) fn join(&self, scope: &Scope, key: Hash) -> Arc<Flight> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| flight.strong_count() > 0);
        let place = flights.entry((scope.tenant().clone(), key)).or_default();
        place.upgrade().unwrap_or_else(|| {
            let flight = Arc::new(Flight::new(false));
            *place = Arc::downgrade(&flight);
            flight
        })
    }
}

/// The key of a result. The description of a tool is a part of its version.
pub(super) fn key(scope: &Scope, spec: &ToolSpec, version: &str, arguments: &Json) -> Option<Hash> {
    let arguments = canonical(arguments.as_str()).ok()?;
    Some(Hash::of_all([
        b"largestack tool result 1".as_slice(),
        scope.principal().as_bytes(),
        spec.name.as_bytes(),
        version.as_bytes(),
        spec.description.as_bytes(),
        spec.parameters.as_str().as_bytes(),
        arguments.as_bytes(),
    ]))
}

impl Execution {
    /// What was kept under the key. A store that fails only costs the work.
    pub(super) async fn kept(&self, key: Hash) -> Option<Arc<KeptResult>> {
        let runtime = &self.core.runtime;
        let kept = runtime.tools.results.get(&self.context.scope, key, runtime.clock.now());
        kept.await.ok().flatten()
    }

    /// Keeps a result in which no guard found anything: what is taken out of one run means
    /// nothing in another, and clear values are kept nowhere.
    pub(super) async fn keep(&self, key: Hash, ttl: Duration, draft: &ResultDraft) {
        let runtime = &self.core.runtime;
        let now = runtime.clock.now();
        let text = draft.whole.as_deref().unwrap_or(&draft.output.text);
        let kept = KeptResult {
            text: text.to_owned(),
            media: draft.output.media.clone(),
            citations: draft.output.citations.clone(),
            label: draft.label,
            expires: now.plus(ttl),
        };
        let kept = runtime.tools.results.put(&self.context.scope, key, Arc::new(kept), now);
        // As above: the next call does the work again.
        let _unkept = kept.await;
    }
}
