//! A queue in memory, of as many processes as a test likes: each has its own side of one table.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use largestack_engine::event::CancelRequested;
use largestack_types::errors::Result;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::{Scope, TenantId};
use tokio::sync::watch;

use super::{Ask, Entry, Fate, Held, Job, Queue, State, Table, Tended};
use crate::BoxFuture;
use crate::clock::Clock;
use crate::ids::{Ids, MakeId as _};

/// One process's side of a queue in memory.
#[derive(Clone)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
    worker: OwnerId,
    has: Arc<Mutex<Vec<(TenantId, RunId)>>>,
}

struct Shared {
    table: Mutex<Table>,
    gone: Mutex<BTreeSet<OwnerId>>,
    changed: watch::Sender<()>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryQueue {
    /// An empty queue, as its first process sees it.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let worker = ids.owner_id(clock.now());
        let (table, gone) = (Mutex::default(), Mutex::default());
        let shared = Shared { table, gone, changed: watch::Sender::new(()), clock, ids };
        Self { shared: Arc::new(shared), worker, has: Arc::default() }
    }

    /// The same queue, as another process sees it.
    #[must_use]
    pub fn another(&self) -> Self {
        let worker = self.shared.ids.owner_id(self.shared.clock.now());
        Self { shared: Arc::clone(&self.shared), worker, has: Arc::default() }
    }

    /// This process is dead from now on; what it still says is refused once others have noticed.
    pub fn dies(&self) {
        lock(&self.shared.gone).insert(self.worker);
    }

    fn with<T: Send + 'static>(
        &self,
        told: bool,
        work: impl FnOnce(&mut Table) -> T,
    ) -> BoxFuture<'static, T> {
        let done = work(&mut lock(&self.shared.table));
        if told {
            self.shared.changed.send_replace(());
        }
        futures::future::ready(done).boxed()
    }

    fn now(&self) -> largestack_types::time::Timestamp {
        self.shared.clock.now()
    }
}

impl Queue for MemoryQueue {
    fn enqueue<'a>(
        &'a self,
        scope: &'a Scope,
        job: Job,
        room: u32,
    ) -> BoxFuture<'a, Result<RunId>> {
        let now = self.now();
        let run = job.run.unwrap_or_else(|| self.shared.ids.run_id(now));
        self.with(true, |table| table.enqueue(now, scope, (run, job), room).map(|_| run))
    }

    fn claim<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Vec<Held>>> {
        let taken = lock(&self.shared.table).claim(self.now(), self.worker, ask);
        let keys = taken.iter().map(|held| (held.scope.tenant().clone(), held.run));
        lock(&self.has).extend(keys);
        futures::future::ready(Ok(taken)).boxed()
    }

    fn conclude<'a>(&'a self, held: &'a Held, fate: Fate) -> BoxFuture<'a, Result<bool>> {
        lock(&self.has).retain(|(tenant, run)| (tenant, *run) != (held.scope.tenant(), held.run));
        let now = self.now();
        self.with(true, |table| Ok(table.conclude(now, self.worker, held, fate)))
    }

    fn tend(&self) -> BoxFuture<'_, Result<Tended>> {
        let gone = lock(&self.shared.gone).clone();
        let has = lock(&self.has).clone();
        let now = self.now();
        let alive = move |owner| !gone.contains(&owner);
        let tended = lock(&self.shared.table).tend(now, self.worker, &has, alive);
        lock(&self.has).retain(|key| !tended.lost.contains(key));
        if tended.reclaimed > 0 {
            self.shared.changed.send_replace(());
        }
        futures::future::ready(Ok(tended)).boxed()
    }

    fn cancel<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        request: CancelRequested,
    ) -> BoxFuture<'a, Result<Option<State>>> {
        let now = self.now();
        self.with(true, |table| Ok(table.cancel(now, scope, run, request)))
    }

    fn retry<'a>(&'a self, scope: &'a Scope, run: RunId) -> BoxFuture<'a, Result<bool>> {
        let now = self.now();
        self.with(true, |table| Ok(table.retry(now, scope, run)))
    }

    fn wake<'a>(&'a self, scope: &'a Scope, run: RunId) -> BoxFuture<'a, Result<bool>> {
        let now = self.now();
        self.with(true, |table| Ok(table.wake(now, scope, run)))
    }

    fn find<'a>(&'a self, scope: &'a Scope, run: RunId) -> BoxFuture<'a, Result<Option<Entry>>> {
        self.with(false, |table| Ok(table.find(scope, run)))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        state: Option<State>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Entry>>> {
        self.with(false, |table| Ok(table.list(scope, state, limit)))
    }

    fn counts<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<Vec<(State, u64)>>> {
        self.with(false, |table| Ok(table.counts(scope)))
    }

    fn told(&self) -> BoxFuture<'static, ()> {
        let mut changed = self.shared.changed.subscribe();
        Box::pin(async move {
            // The table keeps the sender; whoever waits for one that is gone waits for ever.
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
