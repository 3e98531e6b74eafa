//! The kill switch as every process of the store sees it: a thread asks SQLite several times a
//! second whether anybody has written, and reads the switches when somebody has.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use largestack_ports::switch::Thrown;
use largestack_types::time::Timestamp;
use rusqlite::Connection;
use tokio::sync::watch;

use crate::error::{Result, StoreError};
use crate::sqlite::open::File;
use crate::sqlite::store::failed;
use crate::switches::Switches;

/// Well under the second within which a thrown switch must be seen everywhere.
const INTERVAL: Duration = Duration::from_millis(150);

struct Reading {
    connection: Connection,
    version: Option<i64>,
}

struct Shared {
    switches: watch::Sender<Switches>,
    reading: Mutex<Reading>,
    stopped: Mutex<bool>,
    stop: Condvar,
}

/// The watched switches.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Reads the switches as they are now.
    pub(crate) fn once(file: &File) -> Result<Self> {
        let reading = Reading { connection: file.reader()?, version: None };
        let shared = Shared {
            switches: watch::Sender::new(Switches::new()),
            reading: Mutex::new(reading),
            stopped: Mutex::new(false),
            stop: Condvar::new(),
        };
        shared.refresh().map_err(failed(&file.path))?;
        Ok(Self { shared: Arc::new(shared), thread: None })
    }

    /// Reads the switches and goes on watching them.
    pub(crate) fn start(file: &File) -> Result<Self> {
        let mut watch = Self::once(file)?;
        let shared = Arc::clone(&watch.shared);
        let thread = std::thread::Builder::new()
            .name("largestack-switch".to_owned())
            .spawn(move || shared.run())
            .map_err(|error| StoreError::io(&file.path, error))?;
        watch.thread = Some(thread);
        Ok(watch)
    }

    /// The switches as they were last read.
    pub(crate) fn now(&self) -> watch::Ref<'_, Switches> {
        self.shared.switches.borrow()
    }

    /// Told of every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Switches> {
        self.shared.switches.subscribe()
    }

    /// A handle that reads the switches at once, for whoever has just written one.
    pub(crate) fn refresher(&self) -> impl FnOnce() -> rusqlite::Result<()> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.refresh()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.shared.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.stop.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let waited = self.stop.wait_timeout(stopped, INTERVAL);
            stopped = waited.unwrap_or_else(PoisonError::into_inner).0;
            // A read that fails leaves the switches as they were known and is tried again.
            let _read = self.refresh();
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under one lock from reading to telling, so that an older state never follows a newer one.
    fn refresh(&self) -> rusqlite::Result<()> {
        let mut reading = self.reading();
        let version = reading
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if reading.version == Some(version) {
            return Ok(());
        }
        let switches = read(&reading.connection)?;
        reading.version = Some(version);
        self.switches.send_if_modified(|known| {
            let changed = *known != switches;
            *known = switches;
            changed
        });
        Ok(())
    }
}

/// The switches that are on.
pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Switches> {
    connection
        .prepare_cached("SELECT tenant, by, reason, at FROM switches")?
        .query_map([], |row| {
            let at = Timestamp::from_micros(row.get(3)?);
            Ok((row.get(0)?, Thrown { by: row.get(1)?, reason: row.get(2)?, at }))
        })?
        .collect()
}
