//! The lease of a run that has not begun yet: given back when it does not come to that.

use std::sync::Arc;

use largestack_ports::journal::Lease;
use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

use crate::runtime::Runtime;

/// A lease on its way to its run.
pub struct Claimed<'r> {
    runtime: &'r Runtime,
    lease: Option<Lease>,
}

impl<'r> Claimed<'r> {
    /// Takes the lease of a run.
    pub async fn of(runtime: &'r Runtime, scope: &Scope, run: RunId) -> Result<Self> {
        let lease = runtime.journal.claim(scope, run, runtime.owner).await?;
        Ok(Self { runtime, lease: Some(lease) })
    }

    /// Hands it on, or gives it back before an error is told.
    pub async fn settled<T>(mut self, begun: Result<T>) -> Result<T> {
        if let Some(lease) = self.lease.take().filter(|_| begun.is_err()) {
            // The error that led here says more than a failed release.
            let _ = self.runtime.journal.release(&lease).await;
        }
        begun
    }

    /// The lease.
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }
}

impl Drop for Claimed<'_> {
    /// Whoever began the run went away before it had begun.
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            let journal = Arc::clone(&self.runtime.journal);
            self.runtime.tasks.spawn(Box::pin(async move {
                let _ = journal.release(&lease).await;
            }));
        }
    }
}
