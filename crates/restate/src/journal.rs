//! The journal of runs whose facts Restate keeps. What the driver appends is queued for the step that
//! the invocation is performing, and durable when Restate has confirmed it; what Restate has
//! confirmed is copied into a journal of this house, where `trace`, lists and sessions find it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use largestack_agent::{CancelHandle, Runtime};
use largestack_engine::Recorded;
use largestack_engine::event::CancelReason;
use largestack_ports::BoxFuture;
use largestack_ports::journal::{Batch, CostBy, CostRow, Journal, Lease, RunSummary};
use largestack_ports::sessions::{Conversation, Held, IfAbsent, Session, SessionKey, Sessions};
use largestack_ports::tasks::Tasks;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId, SessionId};
use largestack_types::scope::{Scope, TenantId};

use crate::attempt::Attempt;
use crate::copy::Copy;

tokio::task_local! {
    /// The attempt whose driver is being polled: what it claims is of this attempt and of no later
    /// one of the same run.
    pub(crate) static ATTEMPT: Arc<Attempt>;
}

/// How lists name Restate behind this ingress.
pub fn engine_at(ingress: &str) -> String {
    format!("{RESTATE_AT}{ingress}")
}

/// The ingress of the Restate that drives a run, where its line names one as [`engine_at`] does.
pub fn ingress_of(engine: &str) -> Option<&str> {
    engine.strip_prefix(RESTATE_AT)
}

const RESTATE_AT: &str = "Restate at ";

/// The journal of a process that serves runs to Restate.
pub struct RestateJournal {
    /// Where copies are kept.
    store: Arc<dyn Journal>,
    owner: OwnerId,
    /// As lists name the engine.
    name: Arc<str>,
    tasks: Arc<dyn Tasks>,
    fences: AtomicU64,
    driven: Mutex<Driven>,
}

#[derive(Default)]
struct Driven {
    /// By the run at the top of the tree.
    trees: HashMap<(TenantId, RunId), Tree>,
    /// By the fence of a lease: leases of one attempt are of no use in the next.
    leases: HashMap<u64, Weak<Attempt>>,
}

#[derive(Clone)]
struct Tree {
    attempt: Arc<Attempt>,
    copy: Arc<Copy>,
    cancel: CancelHandle,
}

impl RestateJournal {
    /// Over the journal that keeps the copies, for this process. `name` is what lists call the
    /// engine: [`engine_at`], so that whoever finds a run knows where to answer and to cancel it.
    pub fn new(
        store: Arc<dyn Journal>,
        owner: OwnerId,
        name: impl Into<Arc<str>>,
        tasks: Arc<dyn Tasks>,
    ) -> Self {
        let (fences, driven) = (AtomicU64::new(0), Mutex::default());
        Self { store, owner, name: name.into(), tasks, fences, driven }
    }

    /// Puts one under a runtime, whose own journal keeps the copies from then on; `ingress` is
    /// Restate's, e.g. `http://127.0.0.1:8080`.
    pub fn under(mut runtime: Runtime, ingress: &str) -> (Runtime, Arc<Self>) {
        let (copies, tasks) = (Arc::clone(&runtime.journal), Arc::clone(&runtime.tasks));
        let journal = Arc::new(Self::new(copies, runtime.owner, engine_at(ingress), tasks));
        runtime.journal = Arc::clone(&journal) as _;
        (runtime, journal)
    }

    /// Begins an attempt to drive a tree; one that is open still is over.
    pub(crate) fn attempt(
        &self,
        scope: &Scope,
        root: RunId,
        cancel: &CancelHandle,
    ) -> (Arc<Attempt>, Arc<Copy>) {
        let attempt = Arc::new(Attempt::new(scope, root));
        let store = Arc::clone(&self.store);
        let name = Arc::clone(&self.name);
        let copy = Copy::new(store, scope.clone(), (self.owner, name), Arc::clone(&self.tasks));
        let copy = Arc::new(copy);
        let (cancel, ours) = (cancel.clone(), Arc::clone(&attempt));
        let tree = Tree { attempt: ours, copy: Arc::clone(&copy), cancel };
        let mut driven = self.lock();
        if let Some(before) = driven.trees.insert((scope.tenant().clone(), root), tree) {
            before.attempt.close();
        }
        (attempt, copy)
    }

    /// Asks for the end of a run that this process drives; nothing where it does not.
    #[cfg_attr(not(feature = "sdk"), expect(dead_code, reason = "only the service asks"))]
    pub(crate) fn end(&self, scope: &Scope, root: RunId) {
        let driven = self.lock();
        if let Some(tree) = driven.trees.get(&(scope.tenant().clone(), root)) {
            tree.cancel.cancel(CancelReason::Caller, scope.principal(), "cancelled");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Driven> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree of a run that is driven here.
    fn tree_of(&self, scope: &Scope, run: RunId) -> Option<Tree> {
        let driven = self.lock();
        let own = driven.trees.get(&(scope.tenant().clone(), run));
        let found = own.or_else(|| {
            let mut trees = driven.trees.iter();
            let of = |tree: &Tree| tree.attempt.has(run);
            trees.find(|((tenant, _), tree)| tenant == scope.tenant() && of(tree)).map(|(_, t)| t)
        });
        found.filter(|tree| tree.attempt.is_open()).cloned()
    }

    /// The attempt that a lease is of.
    fn attempt_of(&self, lease: &Lease) -> Result<Arc<Attempt>> {
        let attempt = self.lock().leases.get(&lease.fence).and_then(Weak::upgrade);
        attempt.ok_or_else(|| not_driven(lease.run))
    }

    /// The lease of the copy of a run, by the lease of the run.
    async fn lease_of_copy(&self, lease: &Lease) -> Result<Lease> {
        let root = self.attempt_of(lease)?.root;
        let tree = self.tree_of(&lease.scope, root).ok_or_else(|| not_driven(lease.run))?;
        tree.copy.lease(lease.run).await
    }

    fn sessions_kept(&self) -> Result<&dyn Sessions> {
        self.store.sessions().ok_or_else(|| {
            LargestackError::other(Code::Config, "the journal of copies keeps no sessions")
        })
    }
}

/// An attempt under way: over when this is dropped.
pub(crate) struct Open {
    pub(crate) journal: Arc<RestateJournal>,
    pub(crate) attempt: Arc<Attempt>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.attempt.close();
        let mut driven = self.journal.lock();
        let key = (self.attempt.scope.tenant().clone(), self.attempt.root);
        if driven.trees.get(&key).is_some_and(|t| Arc::ptr_eq(&t.attempt, &self.attempt)) {
            driven.trees.remove(&key);
        }
        let ours = Arc::as_ptr(&self.attempt);
        driven.leases.retain(|_, attempt| !std::ptr::eq(attempt.as_ptr(), ours));
    }
}

impl fmt::Debug for RestateJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestateJournal").field("trees", &self.lock().trees.len()).finish()
    }
}

fn not_driven(run: RunId) -> LargestackError {
    LargestackError::other(Code::Conflict, format!("{run} is driven by no invocation here"))
}

impl Journal for RestateJournal {
    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, Result<Lease>> {
        Box::pin(async move {
            let fence = self.fences.fetch_add(1, Ordering::Relaxed) + 1;
            // Whoever claims a run is driven by somebody: a run that begins is one below that.
            let current = ATTEMPT.try_with(Arc::clone).ok().filter(|current| current.is_open());
            let Some(current) = current else {
                if let Some(known) = self.store.run(scope, run).await? {
                    known.driven_here()?;
                }
                return Err(not_driven(run));
            };
            if run == current.root {
                current.taken_up();
            } else if !current.has(run) && self.store.run(scope, run).await?.is_some() {
                return Err(not_driven(run));
            }
            self.lock().leases.insert(fence, Arc::downgrade(&current));
            Ok(Lease { scope: scope.clone(), run, owner, fence })
        })
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        if let Ok(attempt) = self.attempt_of(lease)
            && attempt.root == lease.run
        {
            attempt.let_go();
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn append(&self, lease: &Lease, batch: Batch) -> Result<()> {
        self.attempt_of(lease)?.append(lease, batch)
    }

    /// Nobody's facts but those of trees, each by itself: [`Journal::durable_run`].
    fn durable(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let trees: Vec<Tree> = self.lock().trees.values().cloned().collect();
            for tree in trees {
                // What an attempt that is over had queued is nobody's any more.
                let _ = tree.attempt.durable().await;
            }
            self.store.durable().await
        })
    }

    fn durable_run<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        let attempt = self.attempt_of(lease);
        Box::pin(async move { attempt?.durable().await })
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, Result<Vec<Recorded>>> {
        let tree = self.tree_of(scope, run);
        let known = tree.and_then(|tree| tree.attempt.events(run, after));
        match known {
            Some(events) => Box::pin(std::future::ready(Ok(events))),
            None => self.store.read(scope, run, after),
        }
    }

    fn blob<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, Result<Option<Bytes>>> {
        let driven = self.lock();
        let mut trees = driven.trees.iter().filter(|((tenant, _), _)| tenant == scope.tenant());
        match trees.find_map(|(_, tree)| tree.attempt.blob(hash)) {
            Some(bytes) => Box::pin(std::future::ready(Ok(Some(bytes)))),
            None => self.store.blob(scope, hash),
        }
    }

    fn run<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunSummary>>> {
        match self.tree_of(scope, run) {
            Some(tree) => Box::pin(std::future::ready(Ok(tree.attempt.summary(run)))),
            None => self.store.run(scope, run),
        }
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
        true
    }

    fn sessions(&self) -> Option<&dyn Sessions> {
        self.store.sessions().map(|_| self as &dyn Sessions)
    }
}

/// Sessions are kept with the copies: what a run adds is there before its invocation has ended.
impl Sessions for RestateJournal {
    fn create<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a SessionKey,
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<Session>> {
        Box::pin(async move { self.sessions_kept()?.create(scope, key, ttl).await })
    }

    fn take_in<'a>(
        &'a self,
        scope: &'a Scope,
        conversation: Conversation,
    ) -> BoxFuture<'a, Result<Session>> {
        Box::pin(async move { self.sessions_kept()?.take_in(scope, conversation).await })
    }

    fn hold<'a>(
        &'a self,
        lease: &'a Lease,
        key: &'a SessionKey,
        absent: IfAbsent,
    ) -> BoxFuture<'a, Result<Option<Held>>> {
        Box::pin(async move {
            let lease = self.lease_of_copy(lease).await?;
            self.sessions_kept()?.hold(&lease, key, absent).await
        })
    }

    fn list<'a>(&'a self, scope: &'a Scope, limit: usize) -> BoxFuture<'a, Result<Vec<Session>>> {
        Box::pin(async move { self.sessions_kept()?.list(scope, limit).await })
    }

    fn load<'a>(
        &'a self,
        scope: &'a Scope,
        session: SessionId,
    ) -> BoxFuture<'a, Result<Option<Conversation>>> {
        Box::pin(async move { self.sessions_kept()?.load(scope, session).await })
    }

    fn delete<'a>(&'a self, scope: &'a Scope, session: SessionId) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.sessions_kept()?.delete(scope, session).await })
    }

    fn prune<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { self.sessions_kept()?.prune(scope).await })
    }
}
