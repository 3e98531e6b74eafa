//! Claiming a run: one claim of it at a time in a process, and each gone through with, even where
//! whoever wanted it does not wait for the answer any more. Then what was granted is given back.

use std::sync::Arc;
use std::time::Duration;

use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::TenantId;
use sqlx::PgPool;
use tokio::sync::{Mutex, oneshot};

use crate::error::{Result, StoreError};
use crate::facts::Claimed;
use crate::postgres::barrier::Barrier;
use crate::postgres::leases;
use crate::postgres::queue::{Queue, Release};
use crate::postgres::server::{self, PostgresStore};

/// How many claims of a process can be on their way at once; more than it has connections for.
const TURNS: usize = 64;

/// Claims wait for each other that may be of the same run.
pub(super) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    /// The lock of a run; others may have the same.
    fn of(&self, run: RunId) -> Option<&Mutex<()>> {
        // The last bits of an id are random.
        let [.., last] = *run.as_bytes();
        self.0.get(usize::from(last) % TURNS)
    }
}

/// A run that was claimed; given back unless somebody takes it.
struct Granted {
    queue: Arc<Queue>,
    release: Option<Release>,
}

impl Granted {
    fn take(mut self) -> Option<u64> {
        self.release.take().map(|release| release.fence)
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        let Some(release) = self.release.take() else { return };
        let key = (release.tenant.clone(), release.run);
        let mut state = self.queue.lock();
        if state.claimed.get(&key).is_some_and(|claimed| claimed.fence == release.fence) {
            state.claimed.remove(&key);
            state.holders.remove(&key);
        }
        self.queue.release(&mut state, release);
    }
}

/// A claim on its way.
struct Claiming {
    queue: Arc<Queue>,
    pool: PgPool,
    tenant: TenantId,
    run: RunId,
    owner: OwnerId,
    process: OwnerId,
    lasting: Duration,
}

impl Claiming {
    /// What has to be written before the run can be claimed: what this process still has to say of
    /// it. An older lease of the same owner is of no use from now on.
    fn before(&self) -> Option<Barrier> {
        let mut state = self.queue.lock();
        let key = (self.tenant.clone(), self.run);
        if state.holders.get(&key) == Some(&self.owner) {
            state.claimed.remove(&key);
            state.holders.remove(&key);
            let last = state.last();
            return (!state.is_committed(last)).then(|| Barrier::at(&self.queue, &state, last));
        }
        let ticket = state.releasing(&self.tenant, self.run)?;
        Some(Barrier::at(&self.queue, &state, ticket))
    }

    async fn ask(&self) -> Result<Claimed> {
        let mut connection = self.pool.acquire().await?;
        let (of, by) = ((&self.tenant, self.run), (self.owner, self.process));
        leases::claim(&mut connection, of, by, self.lasting).await
    }

    async fn claim(&self) -> Result<Granted> {
        let failure = self.queue.lock().failure();
        if let Some(error) = failure {
            return Err(error.into());
        }
        if let Some(written) = self.before() {
            written.await?;
        }
        let claimed = match self.ask().await {
            // It may have been granted all the same: the same owner is told when it asks again.
            Err(StoreError::Server(_)) => self.ask().await?,
            answered => answered?,
        };
        let mut state = self.queue.lock();
        let key = (self.tenant.clone(), self.run);
        state.claimed.insert(key.clone(), claimed);
        state.holders.insert(key, self.owner);
        let (tenant, run) = (self.tenant.clone(), self.run);
        let release = Some(Release { tenant, run, fence: claimed.fence });
        Ok(Granted { queue: Arc::clone(&self.queue), release })
    }
}

impl PostgresStore {
    /// Claims a run; its fence. One that another owner of this process holds is refused like any
    /// other; the same owner takes it over from itself.
    pub(super) async fn claiming(
        &self,
        (tenant, run): (&TenantId, RunId),
        owner: OwnerId,
    ) -> Result<u64> {
        let claiming = Claiming {
            queue: Arc::clone(&self.queue),
            pool: self.pool.clone(),
            tenant: tenant.clone(),
            run,
            owner,
            process: self.owner,
            lasting: self.options.lease,
        };
        let (tell, told) = oneshot::channel();
        self.driver.runtime.spawn(async move {
            let queue = Arc::clone(&claiming.queue);
            let _turn = match queue.turns.of(run) {
                Some(turn) => Some(turn.lock().await),
                None => None,
            };
            // Before the next one's turn: what nobody takes is on its way back by then.
            drop(tell.send(claiming.claim().await));
        });
        let granted = told.await.unwrap_or_else(|_| Err(server::ended()))?;
        granted.take().ok_or_else(server::ended)
    }
}
