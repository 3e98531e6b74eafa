//! Where a process dies: points of a run are counted, and at one of them it sends itself SIGKILL, or
//! SIGSTOP where it is to stand still.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use largestack::event::Recorded;
use largestack_ports::BoxFuture;
use largestack_ports::journal::{Batch, CostBy, CostRow, Journal, Lease, RunSummary};
use largestack_ports::sessions::Sessions;
use largestack_ports::signals::Signals;
use largestack_types::errors::Result;
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::Scope;
use rustix::process::Signal;

/// Counts the points that a process has come to; it does not live past one of them.
pub(super) struct Fuse {
    passed: AtomicUsize,
    /// The last point, from 1; 0 for a process that may live.
    at: usize,
    /// Whether it stands still there until it is told to go on, and does not die.
    stops: bool,
}

impl Fuse {
    pub(super) const fn new(at: usize) -> Self {
        Self { passed: AtomicUsize::new(0), at, stops: false }
    }

    /// One that stops its process at a point.
    pub(super) const fn stopping(at: usize) -> Self {
        Self { stops: true, ..Self::new(at) }
    }

    /// A point.
    pub(super) fn here(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            let me = rustix::process::getpid();
            let signal = if self.stops { Signal::STOP } else { Signal::KILL };
            rustix::process::kill_process(me, signal).unwrap();
        }
    }

    /// Whether the process dies at the next point.
    fn is_next(&self) -> bool {
        self.passed() + 1 == self.at
    }

    /// How many points there were so far.
    pub(super) fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }
}

/// The real journal, with three points at each append: before it, when it is queued, and when it is
/// on disk; and one where a lease is taken or given back.
pub(super) struct Fused {
    pub(super) store: Arc<dyn Journal>,
    pub(super) fuse: Arc<Fuse>,
}

impl Fused {
    /// Waits on a thread of its own: an append is called where nobody may wait.
    fn write_out(&self) {
        let store = Arc::clone(&self.store);
        let written = std::thread::spawn(move || {
            let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            tokio.block_on(store.durable())
        });
        written.join().unwrap().unwrap();
    }
}

impl Journal for Fused {
    fn signals(&self) -> Option<&dyn Signals> {
        self.store.signals()
    }

    fn append(&self, lease: &Lease, batch: Batch) -> Result<()> {
        self.fuse.here();
        let appended = self.store.append(lease, batch);
        self.fuse.here();
        if self.fuse.is_next() {
            self.write_out();
        }
        self.fuse.here();
        appended
    }

    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, Result<Lease>> {
        Box::pin(async move {
            let claimed = self.store.claim(scope, run, owner).await;
            self.fuse.here();
            claimed
        })
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let released = self.store.release(lease).await;
            self.fuse.here();
            released
        })
    }

    fn durable(&self) -> BoxFuture<'_, Result<()>> {
        self.store.durable()
    }

    fn durable_run<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        self.store.durable_run(lease)
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, Result<Vec<Recorded>>> {
        self.store.read(scope, run, after)
    }

    fn blob<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, Result<Option<Bytes>>> {
        self.store.blob(scope, hash)
    }

    fn run<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunSummary>>> {
        self.store.run(scope, run)
    }

    fn runs<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunSummary>>> {
        self.store.runs(scope, limit)
    }

    fn costs<'a>(&'a self, scope: &'a Scope, by: CostBy) -> BoxFuture<'a, Result<Vec<CostRow>>> {
        self.store.costs(scope, by)
    }

    fn told(&self, run: RunId) -> BoxFuture<'static, ()> {
        self.store.told(run)
    }

    fn is_durable(&self) -> bool {
        self.store.is_durable()
    }

    fn sessions(&self) -> Option<&dyn Sessions> {
        self.store.sessions()
    }
}
