//! What `doctor` asks of a store.

use std::path::Path;
use std::time::Duration;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_types::errors::Result as PortResult;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::keyfile;
use crate::sqlite::migrate;
use crate::sqlite::open::File;
use crate::sqlite::store::{Store, failed};

/// Commits that are timed.
const PROBES: usize = 5;

/// The state of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Version of the schema of `state.db`.
    pub schema: u32,
    /// What SQLite's quick check finds wrong; empty when sound.
    pub problems: Vec<String>,
    /// Runs kept.
    pub runs: u64,
    /// Events kept.
    pub events: u64,
    /// Bytes of `state.db` with its log.
    pub state_bytes: u64,
    /// Bytes of `documents.db` with its log; 0 when nothing was ingested.
    pub documents_bytes: u64,
    /// Bytes free on the disk for this user, where the system says.
    pub free_bytes: Option<u64>,
    /// Median time of a synced commit of one row, in microseconds; `None` for a store opened for
    /// reading.
    pub commit_us: Option<u64>,
    /// Whether the vault's master key is in a file beside the state, which protects from whoever
    /// gets the database alone and from nobody who gets the folder.
    pub key_beside_state: bool,
    /// What is wrong with that file, if something is.
    pub key_problem: Option<String>,
    /// What cannot be read without the key.
    pub sealed: Sealed,
}

/// How much is sealed with the master key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Runs and sessions with values behind placeholders.
    pub values: u64,
    /// Sessions.
    pub sessions: u64,
    /// Questions to people, which it signs.
    pub questions: u64,
}

fn sealed(connection: &Connection) -> Result<(Sealed, Vec<String>)> {
    let path = connection.path().unwrap_or_default().to_owned();
    let look = || {
        let sealed = Sealed {
            values: count(connection, "vault_keys")?,
            sessions: count(connection, "sessions")?,
            questions: count(connection, "approvals")?,
        };
        let mut names = connection
            .prepare("SELECT key_id FROM vault_keys UNION SELECT key_id FROM sessions")?;
        let names = names.query_map([], |row| row.get(0))?;
        Ok((sealed, names.collect::<rusqlite::Result<Vec<String>>>()?))
    };
    look().map_err(failed(&path))
}

/// What is wrong with the key file, if something is: also where it is gone, or is another one than
/// the one that is needed.
fn key_problem(file: &Path, sealed: Sealed, names: &[String]) -> Option<StoreError> {
    let anything = sealed != Sealed::default();
    match keyfile::read(file) {
        Err(error) => Some(error),
        Ok(None) if anything && names.is_empty() => Some(keyfile::gone(file)),
        Ok(_) => names.iter().find_map(|name| keyfile::named(file, name).err()),
    }
}

fn count(connection: &Connection, table: &str) -> rusqlite::Result<u64> {
    let count: i64 =
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn quick_check(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare("PRAGMA quick_check")?;
    let lines = check.query_map([], |row| row.get::<_, String>(0))?;
    let mut lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
    lines.retain(|line| line != "ok");
    Ok(lines)
}

fn bytes(path: &Path) -> u64 {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    let size = |path: &Path| path.metadata().map_or(0, |file| file.len());
    size(path) + size(log.as_ref())
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

fn inspect(connection: &Connection) -> Result<(u32, Vec<String>, u64, u64)> {
    let path = connection.path().unwrap_or_default().to_owned();
    let file = File { path: path.clone().into(), migrations: migrate::STATE };
    let schema = migrate::version(connection, &file)?;
    let look = || {
        let problems = quick_check(connection)?;
        Ok((schema, problems, count(connection, "runs")?, count(connection, "journal")?))
    };
    look().map_err(failed(&path))
}

impl Store {
    /// Looks at everything that can be wrong with the store. Reads the whole database.
    pub fn health(&self) -> BoxFuture<'_, PortResult<Health>> {
        async move {
            let commit_us = match self.writing() {
                Ok(writing) => Some(self.commit_time(&*writing.options.clock).await?),
                Err(_) => None,
            };
            let (schema, problems, runs, events) = self.read_state(inspect).await?;
            let (sealed, names) = self.read_state(sealed).await?;
            let file = self.key_file();
            let problem = key_problem(&file, sealed, &names);
            Ok(Health {
                schema,
                problems,
                runs,
                events,
                state_bytes: bytes(&self.state_path()),
                documents_bytes: bytes(&self.folder().join("documents.db")),
                free_bytes: free(self.folder()),
                commit_us,
                key_beside_state: matches!(keyfile::read(&file), Ok(Some(_))),
                key_problem: problem.map(|error| error.to_string()),
                sealed,
            })
        }
        .boxed()
    }

    async fn commit_time(&self, clock: &dyn Clock) -> PortResult<u64> {
        let mut times: Vec<Duration> = Vec::with_capacity(PROBES);
        for _ in 0..PROBES {
            let (before, path) = (clock.monotonic(), self.state_path());
            let at = clock.now().micros();
            self.write(move |connection| {
                connection
                    .execute("INSERT OR REPLACE INTO probe (position, at) VALUES (1, ?1)", [at])
                    .map_err(failed(&path))
            })
            .await?;
            times.push(clock.monotonic().saturating_sub(before));
        }
        times.sort_unstable();
        let median = times.get(PROBES / 2).copied().unwrap_or_default();
        Ok(u64::try_from(median.as_micros()).unwrap_or(u64::MAX))
    }
}
