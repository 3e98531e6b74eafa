//! The one thread of a process that writes `state.db`: it takes everything that is queued and
//! commits it in one transaction.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_types::errors::Result as PortResult;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::TenantId;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{Result, StoreError};
use crate::facts::Claimed;
use crate::sqlite::leases::{Claim, Leases};
use crate::sqlite::owners::Process;
use crate::sqlite::queue::{Queue, Reply, Task, Work};
use crate::sqlite::transact::Transactor;

/// The writer's handle; dropping it writes what is left.
pub(crate) struct Writer {
    /// Where work is queued.
    pub queue: Arc<Queue>,
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread over a connection of its own. It leaves with the process's lock.
    pub(crate) fn start(connection: Connection, path: PathBuf, process: Process) -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let leases = Leases::of(process);
        let transactor = Transactor::new(Arc::clone(&queue), path.clone(), leases);
        let thread = std::thread::Builder::new()
            .name("largestack-writer".to_owned())
            .spawn(move || transactor.run(&connection))
            .map_err(|error| StoreError::io(&path, error))?;
        Ok(Self { queue, path, thread: Some(thread) })
    }

    /// Runs a piece of work in a transaction and waits until it is durable.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, PortResult<T>> {
        let (task, receiver) = task(work);
        self.ask(Work::Task(task), receiver)
    }

    /// The same for what need not outlive a power cut: it is written when this returns, and synced
    /// with whatever is next.
    pub(crate) fn note<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, PortResult<T>> {
        let (task, receiver) = task(work);
        self.ask(Work::Note(task), receiver)
    }

    /// Claims a run.
    pub(crate) fn claim(
        &self,
        tenant: TenantId,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'static, PortResult<Claimed>> {
        let (answer, receiver) = oneshot::channel();
        self.ask(Work::Claim(Claim { tenant, run, owner, answer }), receiver)
    }

    fn ask<T: Send + 'static>(
        &self,
        work: Work,
        answer: Answer<T>,
    ) -> BoxFuture<'static, PortResult<T>> {
        {
            let mut state = self.queue.lock();
            if let Some(error) = state.failure() {
                return futures::future::ready(Err(error)).boxed();
            }
            let ticket = self.queue.push(&mut state, work);
            self.queue.want(&mut state, ticket);
        }
        let (queue, path) = (Arc::clone(&self.queue), self.path.clone());
        async move {
            answer.await.unwrap_or_else(|_| {
                let failure = queue.lock().failure();
                Err(failure.unwrap_or_else(|| StoreError::Closed { path }.into()))
            })
        }
        .boxed()
    }
}

type Answer<T> = oneshot::Receiver<PortResult<T>>;

/// A piece of work and where its answer comes.
fn task<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
) -> (Task, Answer<T>) {
    let (answer, receiver) = oneshot::channel::<PortResult<T>>();
    let act = move |connection: &Connection| match work(connection) {
        Ok(value) => Ok(Box::new(move |outcome: PortResult<()>| {
            let _gone = answer.send(outcome.map(|()| value));
        }) as Reply),
        Err(error) => Err(Box::new(move |_| {
            let _gone = answer.send(Err(error.into()));
        }) as Reply),
    };
    (Box::new(act), receiver)
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic there has told its waiters already.
            let _ended = thread.join();
        }
    }
}
