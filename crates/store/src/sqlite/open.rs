//! Opening database files: flags, pragmas, and errors that name the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{Result, StoreError};
use crate::sqlite::migrate::{self, Migration};

/// How long a transaction waits for one of another process, which takes milliseconds unless that
/// process is stopped in the middle.
const BUSY: Duration = Duration::from_secs(20);

/// Statements kept prepared by each connection.
const STATEMENTS: usize = 64;

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // A larger log before it is copied back: hot pages are copied once instead of many times.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;",
    )
}

/// One database file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Its schema, oldest first.
    pub migrations: &'static [Migration],
}

impl File {
    /// Whether the file is there.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// A connection that writes; makes or migrates the file. Callers see to it that one process
    /// does this at a time.
    pub(crate) fn writer(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = self.connect(flags)?;
        let version = migrate::version(&connection, self)?;
        prepare(&connection).map_err(|error| StoreError::sql(&self.path, error))?;
        migrate::migrate(&connection, self, version)?;
        Ok(connection)
    }

    /// A connection that reads a file somebody may be writing.
    pub(crate) fn reader(&self) -> Result<Connection> {
        let live = self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|connection| {
            migrate::check(&connection, self)?;
            Ok(connection)
        });
        match live {
            // Without a log file nobody is writing, and in a read-only folder SQLite cannot make
            // the files it shares with writers: then the file is all there is.
            Err(StoreError::Sql { .. } | StoreError::ReadOnly { .. }) if !self.has_log() => {
                self.immutable()
            }
            other => other,
        }
    }

    fn has_log(&self) -> bool {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        Path::new(&log).metadata().is_ok_and(|log| log.len() > 0)
    }

    fn immutable(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let path = self.path.to_string_lossy();
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let connection = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)
            .map_err(|error| StoreError::sql(&self.path, error))?;
        migrate::check(&connection, self)?;
        Ok(connection)
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection> {
        // One thread uses a connection at a time, so SQLite need not lock it.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)
            .map_err(|error| StoreError::sql(&self.path, error))?;
        connection.busy_timeout(BUSY).map_err(|error| StoreError::sql(&self.path, error))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }
}
