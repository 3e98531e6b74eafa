//! What can go wrong while documents become knowledge. Each variant carries its parameters as fields; the English is made here and nowhere else.

use largestack_types::error::{Code, Coded};
use thiserror::Error;

/// A failure of loading, indexing or searching documents.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are another format or no text at all.
    #[error("{path} is not a text document: {found}")]
    NotText {
        /// The document's path as the caller gave it.
        path: String,
        /// What the bytes look like instead.
        found: String,
    },
    /// The document is larger than the limit.
    #[error("{path} is {bytes} bytes long; the limit for one document is {limit}")]
    TooLarge {
        /// The document's path as the caller gave it.
        path: String,
        /// Its size in bytes.
        bytes: u64,
        /// The largest size accepted, in bytes.
        limit: u64,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        Code::Document
    }

    fn message(&self) -> String {
        self.to_string()
    }
}
