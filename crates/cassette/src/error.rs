//! What can go wrong with a recording.

use std::path::PathBuf;

use largestack_types::error::{Code, Coded};

/// What is wrong with a cassette or with what was asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to replay.
    #[error("there is no recording {}", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read or written.
    #[error("{}: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is not one of a cassette.
    #[error("{}, line {line}: {detail}", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// Requests that were not as recorded.
    #[error("{} asked for what is not recorded: {what}", .file.display())]
    Unrecorded {
        /// The file.
        file: PathBuf,
        /// What was asked, and what the nearest recorded request says instead.
        what: String,
    },
    /// Exchanges that were recorded and never asked for.
    #[error("{}: {} of {} recorded exchanges were not asked for: {}", .file.display(), .unused.len(), .of, .unused.join(", "))]
    Unused {
        /// The file.
        file: PathBuf,
        /// Each of them: its number, method and path.
        unused: Vec<String>,
        /// How many are recorded.
        of: usize,
    },
    /// Recorded nothing.
    #[error("{}: nothing was asked while it was recording", .0.display())]
    Empty(PathBuf),
    /// Exchanges that were not over when the cassette was finished, and so are not in it.
    #[error("{}: {under_way} exchanges were still under way", .file.display())]
    Unfinished {
        /// The file.
        file: PathBuf,
        /// How many.
        under_way: usize,
    },
    /// An exchange that holds what must not be kept, where it cannot be taken out.
    #[error("{}: {what} holds a value that must not be kept, in a body that is not text", .file.display())]
    Unredactable {
        /// The file.
        file: PathBuf,
        /// Method and path.
        what: String,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Missing(_) => Code::NotFound,
            Self::Unrecorded { .. } => Code::ModelBlocked,
            _ => Code::Input,
        }
    }

    fn message(&self) -> String {
        self.to_string()
    }

    fn suggestion(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Unredactable { .. } => "Record a conversation without it",
            Self::File { .. } => "See that the folder exists and can be written",
            _ => "Record it anew if what is asked has changed on purpose",
        }
        .into()
    }
}
