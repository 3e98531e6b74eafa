//! The store itself: one folder, opened for writing or for reading.

use std::fmt;
use std::fs::File as LockFile;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::ids::Ids;
use largestack_ports::ledger::LimitedScopes;
use largestack_types::errors::Result as PortResult;
use largestack_types::id::OwnerId;
use largestack_types::time::Timestamp;
use rusqlite::Connection;

use crate::error::{Result, StoreError};
use crate::keyfile::KEY_FILE;
use crate::private;
use crate::sqlite::barrier::Barrier;
use crate::sqlite::cache;
use crate::sqlite::migrate;
use crate::sqlite::open::File;
use crate::sqlite::owners::Process;
use crate::sqlite::pool::Pool;
use crate::sqlite::queue::Stats;
use crate::sqlite::vault;
use crate::sqlite::watch::Watch;
use crate::sqlite::writer::Writer;
use crate::talk::Keys;

/// Threads that read each file.
const READERS: usize = 2;

/// What a store needs from outside.
#[derive(Clone)]
pub struct Options {
    /// Where ids and keys come from.
    pub ids: Arc<dyn Ids>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Bytes that `state.db` may grow to; a write beyond fails as on a full disk. `None`: as large
    /// as the disk.
    pub size_limit: Option<u64>,
}

impl Options {
    /// No size limit.
    pub fn new(ids: Arc<dyn Ids>, clock: Arc<dyn Clock>) -> Self {
        Self { ids, clock, size_limit: None }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("size_limit", &self.size_limit).finish_non_exhaustive()
    }
}

/// What only a store opened for writing has.
pub(crate) struct Writing {
    pub writer: Writer,
    /// This process, as others see it.
    pub process: OwnerId,
    /// The number of the next reservation.
    pub reservations: AtomicU64,
    pub limited: LimitedScopes,
    pub session_keys: Mutex<Keys>,
    pub documents: Pool,
    pub cache: Pool,
    pub options: Options,
}

/// Readers go before the writer: the last connection to go copies the log into the database, and
/// a reader may not.
pub(crate) struct Inner {
    pub folder: PathBuf,
    state: Pool,
    pub documents: Pool,
    pub switch: Watch,
    writing: Option<Writing>,
    clock: Option<Arc<dyn Clock>>,
}

/// A store in a folder, shared by every process that opens it. Cheap to clone; the last clone to
/// go writes what is still queued.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.folder).finish()
    }
}

/// Sorts an error of the database file at this path.
pub(crate) fn failed<P: AsRef<Path>>(path: &P) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
    move |error| StoreError::sql(path.as_ref(), error)
}

fn state_file(folder: &Path) -> File {
    File { path: folder.join("state.db"), migrations: migrate::STATE }
}

fn documents_file(folder: &Path) -> File {
    File { path: folder.join("documents.db"), migrations: migrate::DOCUMENTS }
}

fn cache_file(folder: &Path) -> File {
    File { path: folder.join("cache.db"), migrations: migrate::CACHE }
}

/// Opens a file for writing while no other process does: making one is more than one step.
fn open_alone(folder: &Path, file: &File) -> Result<Connection> {
    let path = folder.join("open.lock");
    let lock = LockFile::create(&path).map_err(|error| StoreError::io(&path, error))?;
    lock.lock().map_err(|error| StoreError::io(&path, error))?;
    file.writer()
}

fn limit(connection: &Connection, file: &File, bytes: u64) -> Result<()> {
    let pages = |page_size: i64| i64::try_from(bytes).unwrap_or(i64::MAX) / page_size.max(1);
    connection
        .query_row("PRAGMA page_size", [], |row| row.get(0))
        .and_then(|size| {
            connection.execute_batch(&format!("PRAGMA max_page_count = {}", pages(size)))
        })
        .map_err(failed(&file.path))
}

impl Store {
    /// Opens the store in a folder, making both when absent.
    ///
    /// Errors name the file: read-only, full, not a database, or made by a newer version (which is
    /// left as it is).
    pub fn open(folder: &Path, options: Options) -> Result<Self> {
        private::folder(folder)?;
        let state = state_file(folder);
        let connection = open_alone(folder, &state)?;
        if let Some(bytes) = options.size_limit {
            limit(&connection, &state, bytes)?;
        }
        vault::settle_key(&connection, &folder.join(KEY_FILE))?;
        let process = Process::enter(folder.join("owners"), &*options.ids, &*options.clock)?;
        let id = process.id;
        let writer = Writer::start(connection, state.path.clone(), process)?;
        let switch = Watch::start(&state)?;
        let documents = documents_file(folder);
        let (home, file) = (folder.to_owned(), documents.clone());
        let documents = Pool::new(documents, 1, move || open_alone(&home, &file));
        let (home, file) = (folder.to_owned(), cache_file(folder));
        let cache =
            Pool::new(file.clone(), 1, move || cache::prepared(open_alone(&home, &file)?, &file));
        let writing = Writing {
            writer,
            process: id,
            reservations: AtomicU64::new(1),
            limited: LimitedScopes::default(),
            session_keys: Mutex::default(),
            documents,
            cache,
            options,
        };
        let clock = Arc::clone(&writing.options.clock);
        Ok(Self::over(folder, state, Some(writing), (switch, Some(clock))))
    }

    /// Opens a store that somebody may be using, for reading only: it takes no locks, makes no
    /// files and refuses to write. The kill switch is as it was when the store was opened.
    pub fn open_read_only(folder: &Path) -> Result<Self> {
        Self::reading(folder, None)
    }

    /// The same for somebody who asks for what depends on the time: sessions that are not over.
    pub fn open_read_only_at(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::reading(folder, Some(clock))
    }

    fn reading(folder: &Path, clock: Option<Arc<dyn Clock>>) -> Result<Self> {
        let state = state_file(folder);
        if !state.exists() {
            return Err(StoreError::Missing { path: folder.to_owned() });
        }
        let switch = Watch::once(&state)?;
        Ok(Self::over(folder, state, None, (switch, clock)))
    }

    fn over(
        folder: &Path,
        state: File,
        writing: Option<Writing>,
        (switch, clock): (Watch, Option<Arc<dyn Clock>>),
    ) -> Self {
        Self(Arc::new(Inner {
            folder: folder.to_owned(),
            state: Pool::readers(state, READERS),
            documents: Pool::readers(documents_file(folder), READERS),
            switch,
            writing,
            clock,
        }))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Counts since the store was opened; zeros for one opened for reading.
    pub fn write_stats(&self) -> Stats {
        self.writing().map_or_else(|_| Stats::default(), |w| w.writer.queue.lock().stats)
    }

    pub(crate) fn state_path(&self) -> PathBuf {
        state_file(&self.0.folder).path
    }

    /// The time; an error where this was opened for reading, without one.
    pub(crate) fn time(&self) -> Result<Timestamp> {
        let refused = || StoreError::OpenedForReading { path: self.0.folder.clone() };
        self.0.clock.as_ref().map(|clock| clock.now()).ok_or_else(refused)
    }

    pub(crate) fn writing(&self) -> Result<&Writing> {
        let refused = || StoreError::OpenedForReading { path: self.0.folder.clone() };
        self.0.writing.as_ref().ok_or_else(refused)
    }

    /// Where a future of this store is polled: wherever the caller polls it.
    #[expect(clippy::unused_self, reason = "a store in a server is polled beside its connections")]
    pub(crate) fn within<'a, T>(
        &'a self,
        work: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        work.boxed()
    }

    /// Does something in a transaction of `state.db` and waits until it is durable.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'_, PortResult<T>> {
        match self.writing() {
            Ok(writing) => writing.writer.call(work),
            Err(error) => futures::future::ready(Err(error.into())).boxed(),
        }
    }

    /// Reads `state.db`, after what this process has queued is in it. What cannot be written does
    /// not keep the rest from being read.
    pub(crate) fn read_state<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'_, PortResult<T>> {
        let queue = self.writing().ok().map(|writing| &writing.writer.queue);
        let pending = queue.filter(|queue| queue.lock().is_pending()).map(Barrier::new);
        async move {
            if let Some(pending) = pending {
                let _unwritten = pending.await;
            }
            self.0.state.call(work).await
        }
        .boxed()
    }
}
