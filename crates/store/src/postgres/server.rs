//! The store in a server: one process's side of it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_ports::ledger::LimitedScopes;
use largestack_types::errors::{LargestackError, Result as PortResult};
use largestack_types::id::OwnerId;
use largestack_types::scope::TenantId;
use sqlx::postgres::PgListener;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{OnceCell, oneshot};
use tokio::time::timeout;

use crate::error::{Result, StoreError};
use crate::postgres::barrier::Barrier;
use crate::postgres::connect::{self, Connected};
use crate::postgres::fault::ServerError;
use crate::postgres::inside::{Driver, Inside};
use crate::postgres::queue::Queue;
use crate::postgres::told::Told;
use crate::postgres::watch::{self, Watch};
use crate::postgres::writer::{SHORTEST, Writer};
use crate::seal::Key;
use crate::sqlite::Stats;
use crate::talk::Keys;

/// How long a server, and connections in use, are waited for when the store is closed.
pub(super) const PARTING: Duration = Duration::from_secs(3);

/// How long the server's answer to a call is waited for. What is not answered then may have been done
/// or not, as when a connection is lost.
const ANSWERED: Duration = Duration::from_secs(30);

/// What a store in a server needs from outside.
#[derive(Clone)]
pub struct PostgresOptions {
    /// This process, as others see it: new for each.
    pub owner: OwnerId,
    /// Where ids and keys come from.
    pub ids: Arc<dyn Ids>,
    /// The time. That of leases is the server's.
    pub clock: Arc<dyn Clock>,
    /// The file of the master key, which all processes of a server need a copy of; made where nothing
    /// is sealed yet.
    pub key_file: PathBuf,
    /// How long this process keeps its runs without a sign of life; a third of it is how often it
    /// gives one. Half a minute where nobody says otherwise.
    pub lease: Duration,
}

impl PostgresOptions {
    /// A new process with leases of half a minute.
    pub fn new(ids: Arc<dyn Ids>, clock: Arc<dyn Clock>, key_file: PathBuf) -> Self {
        let owner = ids.owner_id(clock.now());
        Self { owner, ids, clock, key_file, lease: Duration::from_secs(30) }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("owner", &self.owner)
            .field("key_file", &self.key_file)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// Everything that runs leave, in a Postgres server that any number of processes share. A run is one
/// process's for as long as that has a connection and gives signs of life; what a process leaves
/// behind is taken up or settled by whoever needs it. Dropping the store writes what is queued.
pub struct PostgresStore {
    pub(super) pool: PgPool,
    pub(super) owner: OwnerId,
    /// The number of the next reservation.
    pub(super) next: AtomicU64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limited: LimitedScopes,
    pub(super) options: PostgresOptions,
    pub(super) queue: Arc<Queue>,
    pub(super) told: Arc<Told>,
    pub(super) switch: Arc<Watch>,
    pub(super) channel: String,
    pub(super) session_keys: Mutex<Keys>,
    /// What is asked of workers is sealed with it.
    pub(super) work_key: OnceCell<Key>,
    /// Tenants that this process has worked for: it looks after what others left of theirs.
    tenants: Mutex<BTreeSet<TenantId>>,
    pub(super) driver: Driver,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.owner).finish()
    }
}

/// What is made inside the store's own runtime.
struct Opened {
    pool: PgPool,
    channel: String,
    queue: Arc<Queue>,
    told: Arc<Told>,
    switch: Arc<Watch>,
}

/// The error of a thread that ended before it was told to.
pub(super) fn ended() -> StoreError {
    StoreError::Server(ServerError::Other(sqlx::Error::PoolClosed))
}

async fn open(url: String, options: PostgresOptions) -> Result<(Opened, impl Future<Output = ()>)> {
    let Connected { first, options: way, pool, channel } =
        connect::connect(&url, options.owner).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(&channel).await?;
    let (queue, told) = (Arc::new(Queue::default()), Arc::new(Told::default()));
    let switch = Arc::new(Watch::read(way.clone(), options.owner).await?);
    let writer = Writer {
        connection: first,
        way,
        patience: SHORTEST,
        queue: Arc::clone(&queue),
        told: Arc::clone(&told),
        process: options.owner,
        lasting: options.lease,
    };
    let opened = Opened {
        pool: pool.clone(),
        channel: channel.clone(),
        queue,
        told: Arc::clone(&told),
        switch: Arc::clone(&switch),
    };
    let closing = Arc::clone(&switch);
    let work = async move {
        let beside = Box::pin(async {
            let telling = told.tell(pool.clone(), channel);
            let listening = watch::listen(listener, Arc::clone(&told));
            futures::future::join3(telling, listening, switch.run(&told)).await;
        });
        // Everything beside goes on until the writer has ended, and then lets go of its connections.
        drop(futures::future::select(Box::pin(writer.run()), beside).await);
        let parting = futures::future::join(pool.close(), closing.close());
        let _closed = timeout(PARTING, parting).await;
    };
    Ok((opened, work))
}

impl PostgresStore {
    /// Connects to a server (`postgres://user:password@host/database`) and makes the tables where
    /// there are none. The store drives its connections itself: it may be used from any runtime, or
    /// none.
    ///
    /// A server that is not on this machine has to prove who it is by its certificate, and the user
    /// must be one whom row-level security binds.
    pub async fn connect(url: &str, options: PostgresOptions) -> PortResult<Self> {
        let (url, with) = (url.to_owned(), options.clone());
        let (tell, told) = oneshot::channel();
        let tell = |opened| drop(tell.send(opened));
        let driver = Driver::start(move || open(url, with), tell).map_err(LargestackError::from)?;
        Ok(Self::over(driver, told.await.unwrap_or_else(|_| Err(ended())), options)?)
    }

    /// The same for whoever cannot await; the thread waits until the server has answered.
    pub fn connect_blocking(url: &str, options: PostgresOptions) -> PortResult<Self> {
        let (url, with) = (url.to_owned(), options.clone());
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let tell = move |opened| drop(tell.send(opened));
        let driver = Driver::start(move || open(url, with), tell).map_err(LargestackError::from)?;
        Ok(Self::over(driver, told.recv().unwrap_or_else(|_| Err(ended())), options)?)
    }

    fn over(driver: Driver, opened: Result<Opened>, options: PostgresOptions) -> Result<Self> {
        let Opened { pool, channel, queue, told, switch } = opened?;
        Ok(Self {
            pool,
            owner: options.owner,
            next: AtomicU64::new(1),
            clock: Arc::clone(&options.clock),
            limited: LimitedScopes::default(),
            options,
            queue,
            told,
            switch,
            channel,
            session_keys: Mutex::default(),
            work_key: OnceCell::new(),
            tenants: Mutex::default(),
            driver,
        })
    }

    /// Counts since the store was opened.
    pub fn write_stats(&self) -> Stats {
        self.queue.lock().stats
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeSet<TenantId>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tenants that this process has worked for.
    pub(super) fn known_tenants(&self) -> Vec<TenantId> {
        self.tenants().iter().cloned().collect()
    }

    /// A transaction for a tenant.
    pub(super) async fn begin(&self, tenant: &TenantId) -> Result<Transaction<'static, Postgres>> {
        if !self.tenants().contains(tenant) {
            self.tenants().insert(tenant.clone());
        }
        connect::begin(&self.pool, tenant).await
    }

    /// Polls a future beside the store's connections, wherever the caller is.
    pub(super) fn within<'a, T: Send + 'a>(
        &'a self,
        work: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        Inside::new(self.driver.runtime.clone(), work.boxed()).boxed()
    }

    /// The same with the errors of the store.
    pub(super) fn inside<'a, T: Send + 'a>(
        &'a self,
        work: impl Future<Output = Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, PortResult<T>> {
        self.within(async move {
            let done = timeout(ANSWERED, work).await;
            Ok(done.unwrap_or(Err(StoreError::Server(ServerError::Silent(ANSWERED))))?)
        })
    }

    /// The same after what this process has queued is written. What cannot be written does not keep
    /// the rest from being read.
    pub(super) fn after_queued<'a, T: Send + 'a>(
        &'a self,
        work: impl Future<Output = Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, PortResult<T>> {
        let pending = {
            let state = self.queue.lock();
            let last = state.last();
            (!state.is_committed(last)).then(|| Barrier::at(&self.queue, &state, last))
        };
        self.inside(async move {
            if let Some(pending) = pending {
                let _unwritten = pending.await;
            }
            work.await
        })
    }
}

impl Drop for PostgresStore {
    /// Writes what is queued, and ends the connections and with them the sign of life.
    fn drop(&mut self) {
        self.queue.close();
        self.driver.join();
    }
}
