//! What becomes of rows that could not be written. They may be there or not: their runs are let go of,
//! and nothing is called durable until whoever drives them knows, since a barrier does not say whose
//! it is. Other runs go on.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::Waker;

use largestack_types::errors::LargestackError;

use crate::postgres::queue::{Group, Queue, Release, State};
use crate::postgres::rows::Rows;
use crate::postgres::server;

/// Lost leases that are remembered for whoever asks late.
const REMEMBERED: usize = 4_096;

/// Tells waiters when the writer ends, so that nobody waits for one that is gone.
pub(super) struct Ending(pub(super) Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.fail(server::ended().into());
    }
}

impl State {
    /// Lets go of the run of rows that are lost.
    fn give_up(&mut self, rows: &Rows, error: &LargestackError) {
        let key = (rows.tenant.clone(), rows.run);
        if self.claimed.get(&key).is_some_and(|claimed| claimed.fence == rows.fence) {
            self.claimed.remove(&key);
            self.holders.remove(&key);
            self.untold.insert(rows.fence, error.clone());
            self.lost.push_back((rows.fence, error.clone()));
            if self.lost.len() > REMEMBERED {
                self.lost.pop_front();
            }
        }
    }
}

impl Queue {
    /// Gives up a group that could not be written, and lets go of its runs. Where the connection is
    /// `gone`, what was queued since is given up, too, and nothing is taken on before `resume`.
    pub(super) fn lose(&self, group: Group, error: &LargestackError, gone: bool) {
        let wakers = {
            let mut state = self.lock();
            let since = std::mem::take(&mut state.group);
            let mut lost = group.rows;
            let runs: HashSet<_> =
                lost.iter().map(|rows| (rows.tenant.clone(), rows.run)).collect();
            let (with_it, kept): (Vec<_>, Vec<_>) = since
                .rows
                .into_iter()
                .partition(|rows| gone || runs.contains(&(rows.tenant.clone(), rows.run)));
            lost.extend(with_it);
            for rows in &lost {
                state.give_up(rows, error);
            }
            state.forget_tickets(error, gone);
            for rows in kept {
                self.push(&mut state, rows);
            }
            // Their rows in the table of leases go when they can.
            let mut seen = HashSet::new();
            let lost = lost
                .into_iter()
                .filter(|rows| seen.insert(rows.fence))
                .map(|rows| Release { tenant: rows.tenant, run: rows.run, fence: rows.fence });
            let releases = group.releases.into_iter().chain(since.releases).chain(lost);
            for release in releases {
                self.release(&mut state, release);
            }
            state.waiters.up_to(u64::MAX)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use futures::FutureExt as _;
    use largestack_ports::journal::Batch;
    use largestack_types::errors::{Code, Coded as _};
    use largestack_types::id::{OwnerId, RunId};
    use largestack_types::scope::TenantId;

    use super::*;
    use crate::error::StoreError;
    use crate::facts::Claimed;
    use crate::postgres::barrier::Barrier;

    /// A run whose rows are queued, with its number as fence.
    fn queue(queue: &Queue, number: u64) -> (TenantId, RunId) {
        let key = (TenantId::new("local").unwrap(), RunId::from_u128(number.into()));
        let mut state = queue.lock();
        state.claimed.insert(key.clone(), Claimed { fence: number, seq: 0 });
        state.holders.insert(key.clone(), OwnerId::from_u128(1));
        let rows = Rows::of(&key.0, key.1, number, (Batch::default(), None)).unwrap();
        queue.push(&mut state, rows);
        key
    }

    fn barrier(queue: &Arc<Queue>) -> Barrier {
        let state = queue.lock();
        Barrier::at(queue, &state, state.last_written())
    }

    fn error() -> LargestackError {
        StoreError::Lost { run: RunId::from_u128(1) }.into()
    }

    #[test]
    fn a_writer_that_panics_leaves_nobody_waiting() {
        let shared = Arc::new(Queue::default());
        queue(&shared, 1);
        let mut waiting = barrier(&shared);
        assert!((&mut waiting).now_or_never().is_none());
        let ending = Ending(Arc::clone(&shared));
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let _ending = ending;
            std::panic::resume_unwind(Box::new("the writer"));
        }));
        assert!(panicked.is_err());
        assert_eq!(waiting.now_or_never().unwrap().unwrap_err().code(), Code::Store);
    }

    #[test]
    fn a_group_that_is_lost_takes_its_runs_with_it_and_no_other() {
        let shared = Arc::new(Queue::default());
        let lost = queue(&shared, 1);
        let group = std::mem::take(&mut shared.lock().group);
        let (mut waiting, other) = (barrier(&shared), queue(&shared, 2));
        assert!((&mut waiting).now_or_never().is_none());
        shared.lose(group, &error(), false);
        assert_eq!(waiting.now_or_never().unwrap().unwrap_err(), error());
        let state = shared.lock();
        assert!(!state.claimed.contains_key(&lost) && state.claimed.contains_key(&other));
        assert_eq!(state.untold.keys().collect::<Vec<_>>(), [&1]);
        // What the other one has queued is still to be written, and the lost one to be given back.
        assert!(!state.is_committed(state.last_written()));
        assert_eq!((state.group.rows.len(), state.group.releases.len()), (1, 1));
        assert!(state.failure().is_none());
    }

    #[test]
    fn without_a_connection_nothing_is_taken_on_until_there_is_one() {
        let shared = Arc::new(Queue::default());
        queue(&shared, 1);
        let group = std::mem::take(&mut shared.lock().group);
        queue(&shared, 2);
        shared.lose(group, &error(), true);
        assert_eq!(shared.lock().failure(), Some(error()));
        assert!(shared.lock().claimed.is_empty());
        assert_eq!(shared.lock().group.releases.len(), 2);
        shared.resume();
        assert_eq!(shared.lock().failure(), None);
    }
}
