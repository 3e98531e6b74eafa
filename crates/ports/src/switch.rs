//! The kill switch, watched: calls in flight stop, new ones are refused.

use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::BoxFuture;

/// A thrown kill switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thrown {
    /// Who threw it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// The kill switch as a run sees it.
pub trait Switch: Send + Sync + 'static {
    /// Whether it is on for this scope. Cheap: asked before every effect.
    fn thrown(&self, scope: &Scope) -> Option<Thrown>;

    /// Waits until it is on for this scope.
    fn wait(&self, scope: &Scope) -> BoxFuture<'static, Thrown>;
}

/// A switch of this process only.
#[derive(Debug)]
pub struct MemorySwitch(watch::Sender<Option<Thrown>>);

impl Default for MemorySwitch {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl MemorySwitch {
    /// Throws or lifts it for every scope.
    pub fn set(&self, thrown: Option<Thrown>) {
        self.0.send_if_modified(|now| {
            let changed = *now != thrown;
            *now = thrown;
            changed
        });
    }
}

impl Switch for MemorySwitch {
    fn thrown(&self, _: &Scope) -> Option<Thrown> {
        self.0.borrow().clone()
    }

    fn wait(&self, _: &Scope) -> BoxFuture<'static, Thrown> {
        let mut receiver = self.0.subscribe();
        Box::pin(async move {
            let thrown = receiver.wait_for(Option::is_some).await;
            match thrown.ok().and_then(|thrown| thrown.clone()) {
                Some(thrown) => thrown,
                // The switch is gone, and with it whoever could throw it.
                None => std::future::pending().await,
            }
        })
    }
}
