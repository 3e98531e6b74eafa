//! A few threads with a connection each, started when first needed: reading, and writing
//! documents, happens on them and not on the threads of an async runtime.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_types::errors::{LargestackError, Result as PortResult};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{Result, StoreError};
use crate::sqlite::open::File;

/// Opens a connection of the pool.
type Open = dyn Fn() -> Result<Connection> + Send + Sync;
type Job = Box<dyn FnOnce(Result<&Connection, LargestackError>) + Send>;

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    threads: Vec<JoinHandle<()>>,
    closing: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    open: Box<Open>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pool.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    file: File,
    size: usize,
}

impl Pool {
    /// At most `size` threads over connections that `open` makes to `file`.
    pub(crate) fn new(
        file: File,
        size: usize,
        open: impl Fn() -> Result<Connection> + Send + Sync + 'static,
    ) -> Self {
        let shared =
            Shared { state: Mutex::default(), changed: Condvar::new(), open: Box::new(open) };
        Self { shared: Arc::new(shared), file, size }
    }

    /// Threads that read a file.
    pub(crate) fn readers(file: File, size: usize) -> Self {
        let opened = file.clone();
        Self::new(file, size, move || opened.reader())
    }

    /// Whether the file is there; until it is, there is nothing to read.
    pub(crate) fn file_exists(&self) -> bool {
        self.file.exists()
    }

    /// Runs a piece of work on one of the threads.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, PortResult<T>> {
        let (sender, receiver) = oneshot::channel::<PortResult<T>>();
        let job: Job = Box::new(move |connection| {
            let result = connection.and_then(|connection| Ok(work(connection)?));
            let _gone = sender.send(result);
        });
        if let Err(error) = self.queue(job) {
            return futures::future::ready(Err(error.into())).boxed();
        }
        let path = self.file.path.clone();
        async move { receiver.await.unwrap_or_else(|_| Err(StoreError::Closed { path }.into())) }
            .boxed()
    }

    fn queue(&self, job: Job) -> Result<()> {
        let mut state = self.shared.lock();
        state.jobs.push_back(job);
        if state.idle < state.jobs.len() && state.threads.len() < self.size {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new()
                .name("largestack-reader".to_owned())
                .spawn(move || serve(&shared))
                .map_err(|error| StoreError::io(&self.file.path, error))?;
            state.threads.push(thread);
        } else {
            self.shared.changed.notify_one();
        }
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let threads = {
            let mut state = self.shared.lock();
            state.closing = true;
            std::mem::take(&mut state.threads)
        };
        self.shared.changed.notify_all();
        for thread in threads {
            // A panic there has dropped its answer, which its waiter sees.
            let _ended = thread.join();
        }
    }
}

fn next(shared: &Shared) -> Option<Job> {
    let mut state = shared.lock();
    loop {
        if let Some(job) = state.jobs.pop_front() {
            return Some(job);
        }
        if state.closing {
            return None;
        }
        state.idle += 1;
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
    }
}

fn serve(shared: &Shared) {
    let mut opened = None;
    while let Some(job) = next(shared) {
        // A file that could not be opened is tried again for the next job.
        if opened.is_none() {
            match (shared.open)() {
                Ok(connection) => opened = Some(connection),
                Err(error) => {
                    job(Err(error.into()));
                    continue;
                }
            }
        }
        if let Some(connection) = &opened {
            job(Ok(connection));
        }
    }
}
