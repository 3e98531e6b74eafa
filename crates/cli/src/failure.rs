//! How a command ends other than well: with an error of the contract, or because whoever read its
//! output went away.

use std::io;

use largestack_types::errors::{Code, Coded, LargestackError};

/// Why a command did not finish.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error to be shown.
    Error(LargestackError),
    /// The reader of standard output is gone, as with `| head`: nothing to say, nobody to hear it.
    ReaderGone,
}

/// How a command ends: an exit code, or a failure.
pub(crate) type Outcome<T = u8> = Result<T, Failure>;

impl Failure {
    /// A failed write to standard output.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::Error(LargestackError::with_advice(
            Code::Unknown,
            format!("the output cannot be written: {error}"),
            "Check where standard output goes",
        ))
    }

    /// A value that has no JSON.
    pub(crate) fn unwritable(error: &serde_json::Error) -> Self {
        Self::Error(LargestackError::other(
            Code::Unknown,
            format!("the result cannot be written as JSON: {error}"),
        ))
    }
}

impl From<LargestackError> for Failure {
    fn from(error: LargestackError) -> Self {
        Self::Error(error)
    }
}

/// A file that cannot be read, as the contract says it.
pub(crate) fn unreadable(path: &std::path::Path, error: &io::Error) -> LargestackError {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => LargestackError::with_advice(
            Code::NotFound,
            format!("there is no file or folder `{shown}`"),
            "Check the path",
        ),
        _ => LargestackError::with_advice(
            Code::Input,
            format!("{shown} cannot be read: {error}"),
            "Check the path and its permissions",
        ),
    }
}

/// A file or folder that cannot be written, as the contract says it.
pub(crate) fn unwritten(path: &std::path::Path, error: &io::Error) -> LargestackError {
    LargestackError::other(Code::Store, format!("{} cannot be written: {error}", path.display()))
}

/// Any coded error as a failure.
pub(crate) fn coded(error: &(impl Coded + ?Sized)) -> Failure {
    Failure::Error(LargestackError::from_coded(error))
}
