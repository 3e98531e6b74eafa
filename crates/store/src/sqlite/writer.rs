//! The one thread of a process that writes `state.db`: it takes everything that is queued and
//! commits it in one transaction.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_types::errors::{LargestackError, Result as PortResult};
use largestack_types::id::OwnerId;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{Result, StoreError};
use crate::sqlite::queue::{Queue, Reply, Task, Work};
use crate::sqlite::rows::{self, Rows};

/// The writer's handle; dropping it writes what is left.
pub(crate) struct Writer {
    /// Where work is queued.
    pub queue: Arc<Queue>,
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread over a connection of its own.
    pub(crate) fn start(connection: Connection, path: PathBuf, process: OwnerId) -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let transactor = Transactor {
            queue: Arc::clone(&queue),
            path: path.clone(),
            process,
            seen: None,
            relaxed: false,
        };
        let thread = std::thread::Builder::new()
            .name("largestack-writer".to_owned())
            .spawn(move || transactor.run(&connection))
            .map_err(|error| StoreError::io(&path, error))?;
        Ok(Self { queue, path, thread: Some(thread) })
    }

    /// Runs a piece of work in a transaction and waits for its commit. `relaxed`: the commit need
    /// not be synced.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        relaxed: bool,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, PortResult<T>> {
        let (sender, receiver) = oneshot::channel::<PortResult<T>>();
        let act = move |connection: &Connection| match work(connection) {
            Ok(value) => Ok(Box::new(move |outcome: PortResult<()>| {
                let _gone = sender.send(outcome.map(|()| value));
            }) as Reply),
            Err(error) => Err(Box::new(move |outcome: PortResult<()>| {
                let _gone = sender.send(outcome.and(Err(error.into())));
            }) as Reply),
        };
        {
            let mut state = self.queue.lock();
            if let Some(error) = state.failure() {
                return futures::future::ready(Err(error)).boxed();
            }
            let task = Work::Task(Task { relaxed, act: Box::new(act) });
            let ticket = self.queue.push(&mut state, task);
            self.queue.want(&mut state, ticket);
        }
        let (queue, path) = (Arc::clone(&self.queue), self.path.clone());
        async move {
            receiver.await.unwrap_or_else(|_| {
                let failure = queue.lock().failure();
                Err(failure.unwrap_or_else(|| StoreError::Closed { path }.into()))
            })
        }
        .boxed()
    }
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

/// Tells waiters when the thread ends, so that nobody waits for a thread that is gone.
struct Ending(Arc<Queue>, PathBuf);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.fail(StoreError::Closed { path: self.1.clone() }.into());
    }
}

struct Transactor {
    queue: Arc<Queue>,
    path: PathBuf,
    process: OwnerId,
    /// `PRAGMA data_version` when leases were last compared with the table.
    seen: Option<i64>,
    /// Whether the connection is set not to sync.
    relaxed: bool,
}

impl Transactor {
    fn run(mut self, connection: &Connection) {
        let _ending = Ending(Arc::clone(&self.queue), self.path.clone());
        let mut group = Vec::new();
        while let Some(ticket) = self.queue.take(&mut group) {
            let mut replies = Vec::new();
            let relaxed = group.iter().all(|work| matches!(work, Work::Task(t) if t.relaxed));
            match self.transact(connection, &mut group, relaxed, &mut replies) {
                Ok(events) => {
                    self.queue.committed(ticket, events, relaxed);
                    for reply in replies {
                        reply(Ok(()));
                    }
                }
                Err(error) => {
                    roll_back(connection);
                    // First the failure, then the replies: who asks why finds it.
                    let error = LargestackError::from(error);
                    self.queue.fail(error.clone());
                    for reply in replies {
                        reply(Err(error.clone()));
                    }
                    return;
                }
            }
        }
    }

    fn transact(
        &mut self,
        connection: &Connection,
        group: &mut Vec<Work>,
        relaxed: bool,
        replies: &mut Vec<Reply>,
    ) -> Result<u64> {
        let path = self.path.clone();
        let sql = |error| StoreError::sql(&path, error);
        self.synchronous(connection, relaxed).map_err(sql)?;
        connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut s| s.execute([]))
            .map_err(sql)?;
        let foreign = self.others_wrote(connection).map_err(sql)?;
        let mut pending: Vec<Rows> = Vec::new();
        let mut events = 0;
        for work in group.drain(..) {
            match work {
                Work::Rows(rows) => pending.push(rows),
                Work::Task(task) => {
                    events += self.write(connection, &mut pending, foreign)?;
                    replies.push(act(connection, task).map_err(sql)?);
                }
            }
        }
        events += self.write(connection, &mut pending, foreign)?;
        connection.prepare_cached("COMMIT").and_then(|mut s| s.execute([])).map_err(sql)?;
        Ok(events)
    }

    fn write(&self, connection: &Connection, rows: &mut Vec<Rows>, foreign: bool) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        if foreign {
            rows::check_fences(connection, rows, self.process, &self.path)?;
        }
        let events =
            rows::insert(connection, rows).map_err(|error| StoreError::sql(&self.path, error))?;
        rows.clear();
        Ok(events)
    }

    /// Whether another connection has written since the last transaction. If not, no lease of
    /// this process can have been taken over: all its own writes come through here.
    fn others_wrote(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let version: i64 =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        let before = self.seen.replace(version);
        Ok(before != Some(version))
    }

    fn synchronous(&mut self, connection: &Connection, relaxed: bool) -> rusqlite::Result<()> {
        if self.relaxed != relaxed {
            let level = if relaxed { "NORMAL" } else { "FULL" };
            connection.execute_batch(&format!("PRAGMA synchronous = {level}"))?;
            self.relaxed = relaxed;
        }
        Ok(())
    }
}

/// Does a task in a savepoint: what it refuses or fails at leaves no trace in the transaction.
fn act(connection: &Connection, task: Task) -> rusqlite::Result<Reply> {
    connection.prepare_cached("SAVEPOINT task")?.execute([])?;
    match (task.act)(connection) {
        Ok(reply) => {
            connection.prepare_cached("RELEASE task")?.execute([])?;
            Ok(reply)
        }
        Err(reply) => {
            // After some failures SQLite has rolled everything back by itself, and this fails too:
            // then so does the whole transaction.
            connection.prepare_cached("ROLLBACK TO task")?.execute([])?;
            connection.prepare_cached("RELEASE task")?.execute([])?;
            Ok(reply)
        }
    }
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        // The failure that led here is what is reported.
        let _rolled_back = connection.execute_batch("ROLLBACK");
    }
}
