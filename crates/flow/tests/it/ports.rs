//! Ports that fail, wait or remember as a test needs it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use largestack_engine::Recorded;
use largestack_ports::BoxFuture;
use largestack_ports::approvals::{
    Answer, Approval, Approvals, Listed, Question, Right, Token, Vote,
};
use largestack_ports::journal::{
    Batch, CostBy, CostRow, Journal, Lease, MemoryJournal, RunSummary,
};
use largestack_ports::queue::{MemoryQueue, Queue};
use largestack_ports::signals::Signals;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{ApprovalId, OwnerId, RunId};
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

/// A journal that says it outlives the process, and fails or hangs on demand.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) inner: Arc<MemoryJournal>,
    /// `durable` fails, once.
    pub(crate) fails: AtomicBool,
    /// `read` does not end.
    pub(crate) hangs: AtomicBool,
    /// Runs that wait for a worker.
    pub(crate) queue: Option<MemoryQueue>,
}

impl Journal for Kept {
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
        self.inner.append(lease, batch)
    }

    fn durable(&self) -> BoxFuture<'_, Result<()>> {
        if self.fails.swap(false, Ordering::SeqCst) {
            let error = LargestackError::other(Code::Journal, "the disk is busy");
            return Box::pin(std::future::ready(Err(error)));
        }
        self.inner.durable()
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, Result<Vec<Recorded>>> {
        if self.hangs.load(Ordering::SeqCst) {
            return Box::pin(std::future::pending());
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

    fn signals(&self) -> Option<&dyn Signals> {
        self.inner.signals()
    }

    fn queue(&self) -> Option<&dyn Queue> {
        self.queue.as_ref().map(|queue| queue as &dyn Queue)
    }
}

/// Questions as they were asked, and what was answered; nobody hands anything on.
#[derive(Default)]
pub(crate) struct Asked(pub(crate) Mutex<Vec<Question>>, Mutex<Vec<(ApprovalId, Vote)>>);

impl Asked {
    fn kept(&self, id: ApprovalId) -> Option<Approval> {
        let question = self.0.lock().unwrap().iter().find(|asked| asked.id == id).cloned()?;
        let votes = self.1.lock().unwrap();
        let votes = votes.iter().filter(|(of, _)| *of == id).map(|(_, vote)| vote.clone());
        Some(Approval { question, votes: votes.collect(), over: false })
    }
}

fn nobody<T>() -> Result<T> {
    Err(LargestackError::other(Code::NotFound, "nobody answers here"))
}

impl Approvals for Asked {
    fn ask<'a>(&'a self, _: &'a Scope, question: Question) -> BoxFuture<'a, Result<()>> {
        self.0.lock().unwrap().push(question);
        Box::pin(std::future::ready(Ok(())))
    }

    fn find<'a>(&'a self, _: &'a Scope, id: ApprovalId) -> BoxFuture<'a, Result<Option<Approval>>> {
        Box::pin(std::future::ready(Ok(self.kept(id))))
    }

    fn list<'a>(&'a self, _: &'a Scope, _: usize) -> BoxFuture<'a, Result<Listed>> {
        Box::pin(std::future::ready(nobody()))
    }

    fn answer<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
        _: Right,
        answer: Answer,
    ) -> BoxFuture<'a, Result<Approval>> {
        let (by, at) = (scope.principal().into(), Timestamp::from_micros(1));
        self.1.lock().unwrap().push((id, Vote { by, in_place_of: None, answer, at }));
        let kept = self.kept(id);
        Box::pin(std::future::ready(kept.map_or_else(nobody, Ok)))
    }

    fn delegate<'a>(
        &'a self,
        _: &'a Scope,
        _: ApprovalId,
        _: Arc<str>,
        _: Arc<str>,
    ) -> BoxFuture<'a, Result<Token>> {
        Box::pin(std::future::ready(nobody()))
    }
}
