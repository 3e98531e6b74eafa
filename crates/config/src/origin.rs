//! Where a value comes from: every problem names it, and `config explain` shows it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// A file.
    File {
        /// Its path, as it was named.
        path: Arc<Path>,
        /// The line, from 1.
        line: u32,
        /// The column in characters, from 1.
        column: u32,
    },
    /// An environment variable.
    Environment(Arc<str>),
    /// A key in the secret store.
    SecretStore,
    /// A flag of the command line.
    Flag(Arc<str>),
}

impl Source {
    /// The folder that a relative path from here is relative to.
    pub(crate) fn folder(&self, working_folder: &Path) -> PathBuf {
        match self {
            Self::File { path, .. } => match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
                _ => PathBuf::from("."),
            },
            _ => working_folder.to_owned(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Environment(name) => write!(f, "${name}"),
            Self::SecretStore => f.write_str("secret store"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One value of the settings, as `config explain` shows it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The key, with `.` between levels.
    pub key: String,
    /// The value in use, as a file would write it.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}
