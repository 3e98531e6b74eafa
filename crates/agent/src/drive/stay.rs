//! Giving a run back that cannot go on now, as its journal has it and with all that it has started:
//! whoever takes it up goes on there. Nothing is cancelled for an error that may pass.

use std::sync::Arc;

use largestack_types::errors::LargestackError;

use super::Drive;

impl Drive {
    /// Gives the run back for this error. What is in flight ends without an outcome.
    pub(crate) async fn stay(&mut self, error: &LargestackError) {
        if let Some(above) = &self.above {
            above.lose(error);
        }
        // Before anything is dropped: runs below do as this one does.
        self.lost.stay();
        // What has happened is kept where that is possible; the error that led here says more.
        let _ = self.flush();
        self.in_flight.clear();
        self.live = None;
        let _ = self.leave().await;
        self.over = true;
    }

    /// Whether it ends here without an end, because it or the run above it cannot go on.
    pub(super) fn stays(&self) -> bool {
        self.lost.stays() || self.above.as_ref().is_some_and(crate::child::Above::stays)
    }

    /// The same as [`Drive::stay`] where the run is dropped.
    pub(super) fn stay_dropped(&mut self) {
        self.lost.stay();
        let _ = self.flush();
        if let Some(above) = &self.above {
            above.tell(&self.run);
        }
        let runtime = self.core.runtime.clone();
        let (lease, budget) = (self.lease.clone(), self.own_budget());
        let tasks = Arc::clone(&runtime.tasks);
        tasks.spawn(Box::pin(async move {
            runtime.ledger.close(&budget).await;
            let _ = runtime.journal.release(&lease).await;
        }));
    }
}
