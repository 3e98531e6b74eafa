//! What the writer's thread does: one transaction for everything that was queued.

use std::path::PathBuf;
use std::sync::Arc;

use largestack_types::errors::LargestackError;
use rusqlite::Connection;

use crate::error::{Result, StoreError};
use crate::sqlite::leases::{self, Claim, Leases};
use crate::sqlite::queue::{Queue, Reply, Task, Work};
use crate::sqlite::rows::{self, Rows};

/// The state of the writer's thread.
pub(crate) struct Transactor {
    queue: Arc<Queue>,
    path: PathBuf,
    leases: Leases,
    /// `PRAGMA data_version` when leases were last compared with the table.
    seen: Option<i64>,
    /// Whether the connection is set not to sync.
    relaxed: bool,
}

/// Tells waiters when the thread ends, so that nobody waits for a thread that is gone.
struct Ending(Arc<Queue>, PathBuf);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.fail(StoreError::Closed { path: self.1.clone() }.into());
    }
}

fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(|_| ())
}

impl Transactor {
    /// Over a queue, for the database at `path`.
    pub(crate) const fn new(queue: Arc<Queue>, path: PathBuf, leases: Leases) -> Self {
        Self { queue, path, leases, seen: None, relaxed: false }
    }

    /// Writes until the queue is closed or a transaction fails.
    pub(crate) fn run(mut self, connection: &Connection) {
        let _ending = Ending(Arc::clone(&self.queue), self.path.clone());
        let mut group = Vec::new();
        while let Some(ticket) = self.queue.take(&mut group) {
            if self.grant(connection, &mut group) {
                self.queue.put_back(&mut group, ticket);
                continue;
            }
            let mut replies = Vec::new();
            let relaxed = group.iter().all(Work::is_relaxed);
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

    /// Grants claims of new runs, where only leases are at stake. Whether that answers all claims,
    /// so that the rest can wait for the next rows.
    fn grant(&mut self, connection: &Connection, group: &mut Vec<Work>) -> bool {
        let claims = group.iter().filter(|work| matches!(work, Work::Claim(_))).count();
        if claims == 0 || !group.iter().all(Work::is_relaxed) {
            return false;
        }
        let mut granted = 0;
        for work in std::mem::take(group) {
            let Work::Claim(claim) = work else {
                group.push(work);
                continue;
            };
            match self.leases.grant(connection, &claim) {
                Ok(Some(claimed)) => {
                    granted += 1;
                    self.queue.lock().claimed.insert((claim.tenant, claim.run), claimed);
                    let _gone = claim.answer.send(Ok(claimed));
                }
                // What cannot be read is tried again, and told, in the transaction.
                Ok(None) | Err(_) => group.push(Work::Claim(claim)),
            }
        }
        group.push(Work::Granted);
        granted == claims
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
        execute(connection, "BEGIN IMMEDIATE").map_err(sql)?;
        let foreign = self.others_wrote(connection).map_err(sql)?;
        self.leases.write_granted(connection)?;
        let mut pending: Vec<Rows> = Vec::with_capacity(group.len());
        let mut events = 0;
        for work in group.drain(..) {
            match work {
                Work::Rows(rows) => pending.push(rows),
                Work::Claim(claim) => {
                    events += self.write(connection, &mut pending, foreign)?;
                    replies.push(self.claim(connection, claim));
                }
                Work::Release(release) => {
                    events += self.write(connection, &mut pending, foreign)?;
                    leases::release(connection, &release).map_err(sql)?;
                }
                Work::Granted => {}
                Work::Task(task) | Work::Note(task) => {
                    events += self.write(connection, &mut pending, foreign)?;
                    replies.push(act(connection, task).map_err(sql)?);
                }
            }
        }
        events += self.write(connection, &mut pending, foreign)?;
        execute(connection, "COMMIT").map_err(sql)?;
        Ok(events)
    }

    fn claim(&mut self, connection: &Connection, claim: Claim) -> Reply {
        let taken = self.leases.take(connection, &claim).map_err(LargestackError::from);
        let Claim { tenant, run, answer, .. } = claim;
        if let Ok(claimed) = taken {
            // Before the commit, which cannot be seen to fail without the queue failing too.
            self.queue.lock().claimed.insert((tenant, run), claimed);
        }
        Box::new(move |outcome| {
            let _gone = answer.send(outcome.and(taken));
        })
    }

    fn write(&self, connection: &Connection, rows: &mut Vec<Rows>, foreign: bool) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        if foreign {
            rows::check_fences(connection, rows, self.leases.process(), &self.path)?;
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
    execute(connection, "SAVEPOINT task")?;
    match task(connection) {
        Ok(reply) => {
            execute(connection, "RELEASE task")?;
            Ok(reply)
        }
        Err(reply) => {
            // After some failures SQLite has rolled everything back by itself, and this fails too:
            // then so does the whole transaction.
            execute(connection, "ROLLBACK TO task")?;
            execute(connection, "RELEASE task")?;
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
