//! A run that is removed at the moment at which it is forked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use largestack_agent::{Agent, Fork, RunOptions, Runtime};
use largestack_engine::{Recorded, Status};
use largestack_ports::BoxFuture;
use largestack_ports::journal::{
    Batch, CostBy, CostRow, Journal, Lease, MemoryJournal, RunSummary,
};
use largestack_testkit::Turn;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::Scope;

use crate::world::World;

const RUN: RunId = RunId::from_u128((7 << 80) | 5);
const FORK: RunId = RunId::from_u128((7 << 80) | 6);

/// A journal out of which `RUN` is removed, where that is wanted, just before the next append.
struct Removing {
    inner: Arc<MemoryJournal>,
    wanted: bool,
    removed: AtomicBool,
}

impl Journal for Removing {
    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, Result<Lease>> {
        self.inner.claim(scope, run, owner)
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        self.inner.release(lease)
    }

    fn append(&self, lease: &Lease, batch: Batch) -> Result<()> {
        self.removed.store(self.wanted, Ordering::SeqCst);
        self.inner.append(lease, batch)
    }

    fn durable(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.durable()
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, Result<Vec<Recorded>>> {
        if run == RUN && self.removed.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        self.inner.read(scope, run, after)
    }

    fn blob<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, Result<Option<Bytes>>> {
        self.inner.blob(scope, hash)
    }

    fn run<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunSummary>>> {
        self.inner.run(scope, run)
    }

    fn runs<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunSummary>>> {
        self.inner.runs(scope, limit)
    }

    fn costs<'a>(&'a self, scope: &'a Scope, by: CostBy) -> BoxFuture<'a, Result<Vec<CostRow>>> {
        self.inner.costs(scope, by)
    }

    fn is_durable(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_fork_whose_run_is_removed_meanwhile_ends_with_a_conflict_and_holds_nothing() {
    for (wanted, status) in [(false, Status::Running), (true, Status::Failed)] {
        let world = World::new([Turn::text("done")]);
        let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
        world.agent(|a| a).run_with(&world.scope, "go", options).await.unwrap();
        let inner = Arc::clone(&world.journal);
        let journal = Arc::new(Removing { inner, wanted, removed: AtomicBool::new(false) });
        let builder = Agent::builder("tester").instructions("Help.").model("test/model");
        let agent = builder.build(Runtime { journal, ..world.runtime() }).unwrap();
        let fork = Fork { at: 1, id: Some(FORK), ..Fork::default() };
        let made = agent.fork(&world.scope, RUN, fork).await;
        match made {
            Ok(id) => assert_eq!((id, wanted), (FORK, false)),
            Err(error) => {
                assert_eq!((error.code(), wanted), (Code::Conflict, true), "{error}");
                assert!(error.message().contains("was removed while it was forked"), "{error}");
            }
        }
        let line = world.journal.run(&world.scope, FORK).await.unwrap().unwrap();
        let events = world.journal.read(&world.scope, FORK, 0).await.unwrap();
        assert_eq!((line.status, line.seq), (status, events.len() as u64));
        world.journal.claim(&world.scope, FORK, OwnerId::from_u128(9)).await.unwrap();
    }
}
