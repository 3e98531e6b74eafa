//! What can go wrong with a store, with the file it went wrong with.

use std::io;
use std::path::{Path, PathBuf};

use largestack_engine::event::EnvelopeError;
use largestack_types::error::{Code, Coded};
use largestack_types::errors::LargestackError;
use largestack_types::id::{OwnerId, RunId};
use rusqlite::ffi::ErrorCode;

/// A store that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder or a file in it may not be written.
    #[error("{} cannot be written: it is read-only", path.display())]
    ReadOnly {
        /// Folder or file.
        path: PathBuf,
        /// What the system said, where it said something.
        #[source]
        source: Option<io::Error>,
    },
    /// No space is left, or the store's size limit is reached.
    #[error("no space left for {}", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// A file of this name exists and holds something else.
    #[error("{} is not a Largestack database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite found.
        source: rusqlite::Error,
    },
    /// A newer version made the database; it was left as it is.
    #[error("{} has schema version {found}; this build knows up to {known}", path.display())]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The latest known here.
        known: u32,
    },
    /// Another process kept the database locked for too long.
    #[error("{} is locked by another process", path.display())]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// There is no store to read.
    #[error("there is no store in {}", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// Another failure of the file system.
    #[error("{} cannot be used", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another failure of the database.
    #[error("{} cannot be used", path.display())]
    Sql {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The store was opened for reading only.
    #[error("{} was opened for reading only", path.display())]
    OpenedForReading {
        /// The folder.
        path: PathBuf,
    },
    /// The thread that writes has ended.
    #[error("{} is closed", path.display())]
    Closed {
        /// The folder or database file.
        path: PathBuf,
    },
    /// Somebody alive holds the run.
    #[error("{run} is held by {owner}{}", held_where(*pid))]
    Held {
        /// The run.
        run: RunId,
        /// Who holds it.
        owner: OwnerId,
        /// The process, where it is another one and its lock file says so.
        pid: Option<u32>,
    },
    /// The run was taken over; what was appended under the old lease was not written.
    #[error("{run} was taken over by another process")]
    Lost {
        /// The run.
        run: RunId,
    },
    /// Events that do not follow the run's last one.
    #[error("{run}: event {found} where {expected} is next")]
    Gap {
        /// The run.
        run: RunId,
        /// The number that is next.
        expected: u64,
        /// The number given.
        found: u64,
    },
    /// A written event that this build cannot read.
    #[error(transparent)]
    Event(#[from] EnvelopeError),
    /// A stored value that does not read back as what it was.
    #[error("a stored {what} cannot be read")]
    Value {
        /// What it should be.
        what: &'static str,
    },
    /// A value that cannot be written as JSON.
    #[error("the {what} cannot be written as JSON")]
    Unwritable {
        /// What it is.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The master key of the vault is gone, is another one, or others may read it.
    #[error("the key file {} {problem}", path.display())]
    KeyFile {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file of secrets that is something else, was changed, or is damaged.
    #[error("{} {problem}", path.display())]
    Secrets {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A name or a value that no secret can have. Says why, never what was given.
    #[error("{0}")]
    NotASecret(&'static str),
    /// A sealed value that its key does not open.
    #[error("a sealed value does not open with its key")]
    Sealed,
    /// A request that the store understands and does not grant: a budget that is used up.
    #[error("{0}")]
    Refused(LargestackError),
    /// The database server cannot be reached, or refused.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Server(#[from] crate::postgres::ServerError),
    /// A sum of costs is beyond the range of money.
    #[error("a total of money is out of range")]
    MoneyRange,
}

fn held_where(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl StoreError {
    /// An error of the database in a file, sorted by what a user can do about it.
    pub(crate) fn sql(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, source: None }
            }
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Sql { path, source },
        }
    }

    /// An error of the file system at a path, sorted likewise.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, source: Some(source) }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::NewerSchema { .. } => Code::JournalVersion,
            Self::Held { .. } | Self::Lost { .. } | Self::Gap { .. } => Code::Conflict,
            Self::Event(error) => error.code(),
            Self::Refused(error) => error.code(),
            Self::Value { .. } => Code::Journal,
            Self::NotASecret(_) => Code::Input,
            Self::Unwritable { .. } => Code::Unknown,
            Self::MoneyRange => Code::Budget,
            _ => Code::Store,
        }
    }

    fn message(&self) -> String {
        self.to_string()
    }

    fn retryable(&self) -> bool {
        // A lost lease stays lost and a gap stays a gap; only a holder can go away.
        match self {
            Self::Held { .. } | Self::Busy { .. } => true,
            #[cfg(feature = "postgres")]
            Self::Server(error) => error.retryable(),
            _ => false,
        }
    }

    fn suggestion(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Full { .. } => "Free some space on the disk; what was committed is safe".into(),
            Self::NotADatabase { .. } => {
                "Move the file away, or point `$LARGESTACK_HOME` or the project at another folder"
                    .into()
            }
            Self::KeyFile { .. } => {
                "Put the key file back as it was (chmod 600); without it sealed values stay sealed"
                    .into()
            }
            Self::Secrets { .. } => {
                "Restore the file from a backup, or remove it and set the secrets anew: \
                 `largestack secret set NAME`"
                    .into()
            }
            #[cfg(feature = "postgres")]
            Self::Server(error) => {
                error.suggestion().unwrap_or_else(|| self.code().suggestion()).into()
            }
            _ => self.code().suggestion().into(),
        }
    }
}

#[cfg(feature = "postgres")]
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match crate::postgres::lost(&error) {
            Some(run) => Self::Lost { run },
            None => Self::Server(error.into()),
        }
    }
}

impl From<StoreError> for LargestackError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(error) => error,
            error => Self::from_coded(&error),
        }
    }
}

impl From<LargestackError> for StoreError {
    fn from(error: LargestackError) -> Self {
        Self::Refused(error)
    }
}

/// What this crate returns inside.
pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;
