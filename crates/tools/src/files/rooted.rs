//! A folder that is not left: paths are walked one name at a time, each opened relative to the
//! folder above it and never through a link that the system follows. Links are read and walked
//! here, so that one that points outside is refused, and one that is changed meanwhile is, too.

use std::fmt;
#[cfg(not(unix))]
use std::path::Path;

use serde::Serialize;

/// Why a path was refused or a file not read. Paths are those that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The path leads outside the folder.
    Outside(String),
    /// Nothing is there.
    Missing(String),
    /// There is something already.
    Exists(String),
    /// It is no file, or no folder.
    Kind(String, &'static str),
    /// It is larger than is read or written.
    TooLarge(String, usize),
    /// It holds something else than text in UTF-8.
    NotText(String),
    /// The system said no.
    System(String, String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(path) => write!(f, "`{path}` leads outside the folder"),
            Self::Missing(path) => write!(f, "there is no `{path}`"),
            Self::Exists(path) => write!(f, "`{path}` exists; set `replace` to write over it"),
            Self::Kind(path, kind) => write!(f, "`{path}` is no {kind}"),
            Self::TooLarge(path, most) => write!(f, "`{path}` has more than {most} bytes"),
            Self::NotText(path) => write!(f, "`{path}` is not text in UTF-8"),
            Self::System(path, why) => write!(f, "`{path}`: {why}"),
        }
    }
}

impl std::error::Error for Refused {}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// `file`, `folder`, `link` or `other`.
    pub kind: &'static str,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

#[cfg(unix)]
mod walk;
#[cfg(unix)]
pub use walk::Root;

/// A folder on a system where it cannot be kept closed.
#[cfg(not(unix))]
pub struct Root(std::convert::Infallible);

#[cfg(not(unix))]
impl Root {
    /// Refuses: paths cannot be walked safely here.
    pub fn open(folder: &Path, _: usize) -> Result<Self, Refused> {
        let why = "files cannot be kept to one folder on this system".to_owned();
        Err(Refused::System(folder.display().to_string(), why))
    }

    /// Never called.
    pub fn read(&self, _: &str) -> Result<String, Refused> {
        match self.0 {}
    }

    /// Never called.
    pub fn read_bytes(&self, _: &str) -> Result<Vec<u8>, Refused> {
        match self.0 {}
    }

    /// Never called.
    pub fn list(&self, _: &str) -> Result<(Vec<Entry>, bool), Refused> {
        match self.0 {}
    }

    /// Never called.
    pub fn write(&self, _: &str, _: &str, _: bool) -> Result<(), Refused> {
        match self.0 {}
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
