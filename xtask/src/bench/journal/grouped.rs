//! The journal itself: every run appends an event and waits until it is durable, then the next.

use std::path::Path;
use std::sync::Arc;

use largestack_engine::Recorded;
use largestack_http::{OsIds, SystemClock};
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId};
use largestack_ports::journal::{Batch, Journal, Lease};
use largestack_store::{Options, Stats, Store};
use largestack_types::errors::LargestackError;
use largestack_types::scope::Scope;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::rows;
use crate::Outcome;

pub(super) struct Grouped {
    runtime: Runtime,
    store: Store,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
    /// Counts after the last turn was prepared: claims are left out.
    before: Stats,
}

impl Grouped {
    pub(super) fn open(folder: &Path) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let ids: Arc<dyn Ids> = Arc::new(OsIds::new()?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = Options::new(Arc::clone(&ids), Arc::clone(&clock));
        let store = {
            let _inside = runtime.enter();
            Store::open(folder, options).map_err(LargestackError::from)?
        };
        Ok(Self { runtime, store, ids, clock, before: Stats::default() })
    }

    /// Claims new runs and makes their events; what is handed back writes them.
    pub(super) fn write(
        &mut self,
        runs: u32,
        events: u32,
    ) -> Outcome<impl FnOnce() -> Outcome<()> + use<>> {
        let scope = Scope::local();
        let mut writers = Vec::new();
        for _ in 0..runs {
            let now = self.clock.now();
            let claim = self.store.claim(&scope, self.ids.run_id(now), self.ids.owner_id(now));
            writers.push((self.runtime.block_on(claim)?, rows::events(events)));
        }
        self.before = self.store.write_stats();
        let (handle, store) = (self.runtime.handle().clone(), self.store.clone());
        Ok(move || {
            handle.block_on(async {
                let mut tasks = JoinSet::new();
                for (lease, events) in writers {
                    tasks.spawn(one_run(store.clone(), lease, events));
                }
                while let Some(ended) = tasks.join_next().await {
                    ended??;
                }
                Ok(())
            })
        })
    }

    /// Events for each commit of the last turn.
    pub(super) fn events_a_commit(&self) -> f64 {
        let now = self.store.write_stats();
        let count = |count: u64| u32::try_from(count).map_or(f64::NAN, f64::from);
        count(now.events - self.before.events) / count(now.commits - self.before.commits)
    }
}

async fn one_run(store: Store, lease: Lease, events: Vec<Recorded>) -> Result<(), LargestackError> {
    for event in events {
        store.append(&lease, Batch::of(event))?;
        store.durable().await?;
    }
    store.release(&lease).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_every_run_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut grouped = Grouped::open(folder.path()).unwrap();
        grouped.write(3, 5).unwrap()().unwrap();
        assert_eq!(grouped.store.write_stats().events, 15);
        assert!(grouped.events_a_commit() >= 1.0);
    }
}
